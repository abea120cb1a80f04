"""The API server refuses a write: status cannot tell it, so the log does, and it is tried again without a traceback."""

import logging

import pytest

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Transient
from nested_hyperv.domain.resource import ObjectKey
from nested_hyperv.workqueue import Retry
from support.workbench import PORT_GROUP, SECRET, Workbench


@pytest.mark.parametrize("verb", ["status", "finalizer"])
async def test_a_refused_write_is_logged_and_tried_again(
    verb: str, bench: Workbench, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.create(PORT_GROUP)
    refused: list[ObjectKey] = []

    def refuse(_verb: str, key: ObjectKey) -> None:
        refused.append(key)
        raise Transient(Reason.PROGRESSING, f"PATCH {key}: 403 forbidden. Give the account the shipped roles.")

    bench.api.before_write = refuse
    with caplog.at_level(logging.ERROR):
        if verb == "status":
            bench.api.wipe_status(PORT_GROUP)
        else:
            bench.api.delete(PORT_GROUP)
        await bench.run()

    assert bench.outcomes[PORT_GROUP] == Retry()
    assert set(refused) == {PORT_GROUP}
    assert "403 forbidden" in caplog.text

    bench.api.before_write = lambda _verb, _key: None
    await bench.after(400)
    assert (PORT_GROUP in bench.api.objects) == (verb == "status")


async def test_a_secret_that_cannot_be_let_go_is_tried_again(
    bench: Workbench, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.create(PORT_GROUP)

    def refuse(_verb: str, key: ObjectKey) -> None:
        if key == SECRET:
            raise Transient(Reason.PROGRESSING, f"PATCH {key}: 403 forbidden. Give the account the shipped roles.")

    bench.api.before_write = refuse
    with caplog.at_level(logging.ERROR):
        bench.api.delete(PORT_GROUP)
        await bench.run()

    assert bench.outcomes[SECRET] == Retry()
    assert "403 forbidden" in caplog.text

    bench.api.before_write = lambda _verb, _key: None
    await bench.after(60)
    assert bench.api.finalizers(SECRET) == []
