"""What a log line shows."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from nested_hyperv.telemetry.context import bind, operation_id, reconcile_id, reconciling
from nested_hyperv.telemetry.logging import configure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nested_hyperv.telemetry.logging import Format

_log = logging.getLogger("nested_hyperv.somewhere")


@pytest.fixture
def loggers() -> Iterator[None]:
    """Give the loggers back as they were."""
    root, ours = logging.getLogger(), logging.getLogger("nested_hyperv")
    before = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])
    logging.captureWarnings(capture=False)


def output(style: Format, level: str = "INFO") -> io.StringIO:
    stream = io.StringIO()
    configure(style, level, stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


pytestmark = pytest.mark.usefixtures("loggers")


def test_a_json_line_has_the_fields_of_the_work_it_belongs_to() -> None:
    stream = output("json")

    with reconciling("NestedPortGroup", "lab", "pg", "1a2b"), bind(uid="u-1", generation=3):
        _log.info("repaired %s", "macLearning", extra={"vcenter": "vc.example.com"})

    (line,) = lines(stream)
    assert line.pop("ts").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "nested_hyperv.somewhere",
        "msg": "repaired macLearning",
        "kind": "NestedPortGroup",
        "namespace": "lab",
        "name": "pg",
        "uid": "u-1",
        "generation": 3,
        "vcenter": "vc.example.com",
        "reconcileID": "1a2b",
        "opID": "NestedPortGroup/lab/pg/1a2b",
    }


def test_a_traceback_stays_in_the_same_json_line() -> None:
    stream = output("json")

    try:
        int("boom")
    except ValueError:
        _log.exception("failed")

    (line,) = lines(stream)
    assert line["msg"] == "failed"
    assert "ValueError: invalid literal" in line["error"]


def test_a_text_line_begins_with_the_object() -> None:
    stream = output("text")

    with reconciling("NestedPortGroup", "lab", "pg", "1a2b"):
        _log.warning("repaired")
        _log.warning("NestedPortGroup/lab/pg: repaired again")
    _log.info("outside")

    first, second, outside = stream.getvalue().splitlines()
    assert first.split(" ", 1)[1] == "WARNING NestedPortGroup/lab/pg: repaired"
    assert second.split(" ", 1)[1] == "WARNING NestedPortGroup/lab/pg: repaired again"
    assert outside.split(" ", 1)[1] == "INFO    nested_hyperv.somewhere: outside"


def test_our_level_is_set_and_libraries_log_warnings_only() -> None:
    stream = output("json", "DEBUG")

    _log.debug("ours")
    # At DEBUG these print whole documents, and a document may be a Secret.
    for library in ("kopf.objects", "kubernetes.aio.client.rest", "aiohttp.access"):
        logging.getLogger(library).debug("body")
        logging.getLogger(library).info("body")
        logging.getLogger(library).warning("watch this")

    assert [line["msg"] for line in lines(stream)] == ["ours"] + 3 * ["watch this"]


def test_the_level_hides_what_is_below() -> None:
    stream = output("json", "WARNING")

    _log.info("hidden")

    assert lines(stream) == []


def test_kopfs_remark_about_signals_is_left_out() -> None:
    stream = output("json")

    logging.getLogger("kopf._core.reactor.running").warning("OS signals are ignored: running not in the main thread.")
    logging.getLogger("kopf._core.reactor.running").warning("something else")

    assert [line["msg"] for line in lines(stream)] == ["something else"]


async def test_work_at_the_same_time_keeps_its_own_fields() -> None:
    stream = output("json")

    async def work(name: str) -> str:
        with reconciling("NestedPortGroup", "lab", name, f"id-{name}"):
            await asyncio.sleep(0)
            _log.info("working")
            return operation_id.get()

    operations = await asyncio.gather(work("a"), work("b"))

    assert list(operations) == ["NestedPortGroup/lab/a/id-a", "NestedPortGroup/lab/b/id-b"]
    assert [(line["name"], line["reconcileID"]) for line in lines(stream)] == [("a", "id-a"), ("b", "id-b")]
    assert (operation_id.get(), reconcile_id.get()) == ("nested-hyperv-operator", "")


def test_fields_end_with_their_block() -> None:
    stream = output("json")

    with bind(vcenter="a"):
        with bind(vcenter="b"):
            _log.info("inner")
        _log.info("outer")
    _log.info("none")

    assert [line.get("vcenter") for line in lines(stream)] == ["b", "a", None]
