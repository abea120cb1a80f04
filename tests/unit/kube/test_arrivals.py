"""What an arriving object means for the queue."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from nested_hyperv.domain.resource import ObjectKey
from nested_hyperv.kube.arrivals import Arrivals, priority_of
from nested_hyperv.kube.echo import OwnWrites
from nested_hyperv.kube.store import Store
from nested_hyperv.workqueue import Priority
from support.snapshots import resource, secret

if TYPE_CHECKING:
    from nested_hyperv.domain.resource import ConnectionSecret, Resource

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SETTLED = {"observedGeneration": 1}
KNOWN = resource(version=1, status=SETTLED)
PG = KNOWN.key


@pytest.mark.parametrize(
    ("known", "new", "expected"),
    [
        pytest.param(None, resource(status=SETTLED), Priority.LOW, id="listed and settled"),
        pytest.param(None, resource(status={"observedGeneration": -1}), Priority.HIGH, id="new"),
        pytest.param(None, resource(status=SETTLED, generation=2), Priority.HIGH, id="changed while we were away"),
        pytest.param(None, resource(status=SETTLED, deleted=NOW), Priority.HIGH, id="deleted while we were away"),
        pytest.param(KNOWN, resource(status=SETTLED, uid="other"), Priority.LOW, id="settled namesake"),
        pytest.param(KNOWN, resource(status={}, uid="other"), Priority.HIGH, id="fresh namesake"),
        pytest.param(KNOWN, resource(status=SETTLED, generation=2), Priority.HIGH, id="spec"),
        pytest.param(KNOWN, resource(status=SETTLED, deleted=NOW), Priority.HIGH, id="deletion"),
        pytest.param(KNOWN, resource(status=SETTLED, annotations={"a": "1"}), Priority.HIGH, id="our annotation"),
        pytest.param(KNOWN, resource(status={"moRef": "x"}), Priority.LOW, id="status"),
        pytest.param(KNOWN, resource(status=SETTLED, finalizers=("x",)), Priority.LOW, id="finalizers"),
        pytest.param(KNOWN, resource(status=SETTLED, labels={"a": "1"}), None, id="labels"),
        pytest.param(KNOWN, resource(status=SETTLED), None, id="nothing of ours"),
    ],
)
def test_the_urgency_of_a_resource(known: Resource | None, new: Resource, expected: Priority | None) -> None:
    assert priority_of(known, new) is expected


@pytest.mark.parametrize(
    ("known", "new", "expected"),
    [
        pytest.param(None, secret(), Priority.LOW, id="listed"),
        pytest.param(secret(), secret(data={"password": "new"}), Priority.LOW, id="data"),
        pytest.param(secret(), secret(annotations={"a": "1"}), Priority.LOW, id="our annotation"),
        pytest.param(secret(), secret(deleted=NOW), Priority.LOW, id="deletion"),
        pytest.param(secret(), secret(finalizers=("x",)), Priority.LOW, id="finalizers"),
        pytest.param(secret(), secret(uid="other"), Priority.LOW, id="namesake"),
        pytest.param(secret(), secret(), None, id="nothing of ours"),
    ],
)
def test_the_urgency_of_a_secret(
    known: ConnectionSecret | None, new: ConnectionSecret, expected: Priority | None
) -> None:
    assert priority_of(known, new) is expected


class Scene:
    """A store, the echo filter, and what would be queued."""

    def __init__(self) -> None:
        self.store, self.own_writes = Store(), OwnWrites()
        self.enqueued: list[tuple[ObjectKey, Priority]] = []
        self.arrivals = Arrivals(self.store, self.own_writes, lambda *entry: self.enqueued.append(entry))

    def take(self) -> list[tuple[ObjectKey, Priority]]:
        taken, self.enqueued[:] = list(self.enqueued), []
        return taken


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    scene.arrivals.seen(resource(version=1, status=SETTLED))
    scene.take()
    return scene


def test_an_event_that_is_older_than_the_store_is_no_news(scene: Scene) -> None:
    scene.store.put(resource(version=3, status={"moRef": "ours"}))

    scene.arrivals.seen(resource(version=2, generation=2))

    assert scene.take() == []


def test_the_echo_that_overtakes_the_answer_of_its_write_is_no_news(scene: Scene) -> None:
    with scene.own_writes.writing(PG) as ours:
        scene.arrivals.seen(resource(version=2, status={"moRef": "ours"}))
        assert scene.take() == []
        ours("2")

    assert scene.take() == []


def test_a_foreign_change_during_a_write_is_announced_when_the_write_has_ended(scene: Scene) -> None:
    with scene.own_writes.writing(PG) as ours:
        scene.arrivals.seen(resource(version=2, status={"moRef": "ours"}))
        scene.arrivals.seen(resource(version=3, status={"moRef": "theirs"}))
        ours("2")
        assert scene.take() == []

    assert scene.take() == [(PG, Priority.LOW)]


def test_what_arrived_during_a_write_that_failed_is_announced(scene: Scene) -> None:
    def failing_write() -> None:
        with scene.own_writes.writing(PG):
            scene.arrivals.seen(resource(version=2, generation=2))
            raise TimeoutError

    with pytest.raises(TimeoutError):
        failing_write()

    assert scene.take() == [(PG, Priority.HIGH)]


def test_of_two_writes_at_once_the_last_one_decides(scene: Scene) -> None:
    with scene.own_writes.writing(PG) as first:
        with scene.own_writes.writing(PG) as second:
            scene.arrivals.seen(resource(version=2, status={"a": 1}))
            scene.arrivals.seen(resource(version=3, status={"a": 2}))
            second("3")
        assert scene.take() == []
        first("2")

    assert scene.take() == []


def test_a_write_to_one_object_holds_nothing_else_back(scene: Scene) -> None:
    with scene.own_writes.writing(PG):
        scene.arrivals.seen(resource(name="other", version=2))

        assert scene.take() == [(ObjectKey("NestedPortGroup", "lab", "other"), Priority.HIGH)]


def test_a_deletion_is_announced_even_if_the_object_was_not_known(scene: Scene) -> None:
    scene.arrivals.gone(resource(name="other", version=9))

    assert scene.take() == [(ObjectKey("NestedPortGroup", "lab", "other"), Priority.HIGH)]


def test_the_late_deletion_of_an_object_says_nothing_about_its_namesake(scene: Scene) -> None:
    scene.arrivals.seen(resource(version=9, uid="namesake"))
    scene.take()

    scene.arrivals.gone(resource(version=8))

    assert scene.take() == []


def test_a_secret_wakes_what_refers_to_it(scene: Scene) -> None:
    scene.arrivals.seen(secret(version=2))
    assert scene.take() == [(secret().key, Priority.LOW), (PG, Priority.LOW)]

    scene.arrivals.gone(secret(version=3))
    assert scene.take() == [(secret().key, Priority.HIGH), (PG, Priority.LOW)]
