"""Events as the API server stores them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from nested_hyperv.api.conditions import Reason
from nested_hyperv.kube.events import EventRecorder

if TYPE_CHECKING:
    from support.kube import Admin, Operator


async def test_an_event_shows_under_its_object(admin: Admin, operator: Operator) -> None:
    resource = await operator.listed(await admin.port_group("pg"))
    recorder = EventRecorder(operator.client)
    posting = asyncio.create_task(recorder.run())

    recorder.emit(resource, "Normal", Reason.REPAIRED, "macLearning false -> true")
    recorder.emit(resource, "Normal", Reason.REPAIRED, "macLearning false -> true")
    recorder.emit(resource, "Warning", Reason.CONTESTED, "ü" * 2000)
    await recorder.flush(10)

    events = json.loads(await admin.kubectl("get", "events.v1.events.k8s.io", "--output=json"))["items"]
    found = sorted((event["type"], event["reason"], len(event["note"])) for event in events)
    assert found == [("Normal", "Repaired", 25), ("Warning", "Contested", 512)]
    assert {event["regarding"]["uid"] for event in events} == {resource.uid}
    assert "macLearning false -> true" in await admin.kubectl("describe", "npg", "pg")
    posting.cancel()


async def test_a_refused_event_is_dropped_and_the_next_one_is_posted(admin: Admin, operator: Operator) -> None:
    resource = await operator.listed(await admin.port_group("pg"))
    recorder = EventRecorder(operator.client)
    posting = asyncio.create_task(recorder.run())

    recorder.emit(resource, "Neither", Reason.REPAIRED, "the server knows Normal and Warning only")
    recorder.emit(resource, "Normal", Reason.CREATED, "fine")
    await recorder.flush(10)

    events = json.loads(await admin.kubectl("get", "events.v1.events.k8s.io", "--output=json"))["items"]
    assert [event["reason"] for event in events] == ["Created"]
    posting.cancel()
