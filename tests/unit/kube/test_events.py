"""Events: never waiting, never failing, never a flood."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Transient
from nested_hyperv.kube.events import EventRecorder
from support.clock import FakeClock
from support.snapshots import resource


class Mailbox:
    """What was posted; refuses while `broken`."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, Mapping[str, Any]]] = []
        self.broken = False

    async def create_event(self, namespace: str, event: Mapping[str, Any]) -> None:
        if self.broken:
            raise Transient(Reason.PROGRESSING, "no API server")
        self.posted.append((namespace, event))

    def notes(self) -> list[str]:
        return [event["note"] for _, event in self.posted]


class Scene:
    """A recorder on a fake clock."""

    def __init__(self) -> None:
        self.clock, self.mailbox = FakeClock(), Mailbox()
        self.recorder = EventRecorder(self.mailbox, now=self.clock.now)

    async def post(self) -> None:
        posting = asyncio.create_task(self.recorder.run())
        await self.recorder.flush(5)
        posting.cancel()

    def emit(self, note: str, name: str = "pg") -> None:
        self.recorder.emit(resource(name=name), "Normal", Reason.REPAIRED, note)


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_an_event_names_its_object_and_its_reason(scene: Scene) -> None:
    scene.emit("macLearning false -> true")
    await scene.post()

    ((namespace, event),) = scene.mailbox.posted
    assert namespace == "lab"
    assert (event["type"], event["reason"], event["note"]) == ("Normal", "Repaired", "macLearning false -> true")
    assert event["regarding"]["uid"] == "uid-pg"
    assert event["reportingController"] == "nested-hyperv-operator"


async def test_the_same_event_is_posted_once_in_ten_minutes(scene: Scene) -> None:
    for _ in range(5):
        scene.emit("same")
    scene.clock.advance(601)
    scene.emit("same")
    await scene.post()

    assert scene.mailbox.notes() == ["same", "same"]


async def test_one_noisy_object_is_cut_off_and_the_others_are_not(scene: Scene) -> None:
    for number in range(100):
        scene.emit(f"noise {number}")
    scene.emit("quiet", name="other")
    await scene.post()

    assert len(scene.mailbox.posted) == 26
    assert scene.mailbox.notes()[-1] == "quiet"

    scene.clock.advance(300)
    scene.emit("noise again")
    scene.emit("noise too much")
    await scene.post()
    assert scene.mailbox.notes()[26:] == ["noise again"]


async def test_a_full_buffer_drops_the_oldest(scene: Scene) -> None:
    for number in range(1500):
        scene.emit("x", name=f"pg-{number}")
    await scene.post()

    assert len(scene.mailbox.posted) == 1000
    assert scene.mailbox.posted[-1][1]["regarding"]["name"] == "pg-1499"


async def test_a_refused_event_is_logged_and_the_next_one_posted(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    scene.mailbox.broken = True
    scene.emit("lost")
    await scene.post()
    scene.mailbox.broken = False
    scene.emit("kept")
    await scene.post()

    assert scene.mailbox.notes() == ["kept"]
    assert "Event Repaired of pg was not posted: no API server" in caplog.text


async def test_a_long_note_is_cut_at_a_character(scene: Scene) -> None:
    scene.emit("ü" * 1000)
    await scene.post()

    (note,) = scene.mailbox.notes()
    assert note == "ü" * 512
