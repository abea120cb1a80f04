"""Probes and scrapes over HTTP."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import aiohttp
import pytest

from nested_hyperv.telemetry.health import HealthServer, measure_lag
from nested_hyperv.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Scene:
    """A server and the state behind its answers."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.ready = False
        self.metrics = Metrics(version="1.2.3")
        self.server = HealthServer(self.metrics, problems=lambda: self.problems, ready=lambda: self.ready)
        self.port = 0

    async def get(self, path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{self.port}{path}") as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    scene = Scene()
    scene.port = await scene.server.start(0, "127.0.0.1")
    yield scene
    await scene.server.stop()


async def test_alive_until_something_that_must_run_has_ended(scene: Scene) -> None:
    assert await scene.get("/healthz") == (200, "ok")

    scene.problems = ["the watch has ended", "2 workers have ended"]
    assert await scene.get("/healthz") == (503, "the watch has ended; 2 workers have ended")


async def test_ready_when_the_first_lists_are_in(scene: Scene) -> None:
    assert await scene.get("/readyz") == (503, "the first lists are not in yet")

    scene.ready = True
    assert await scene.get("/readyz") == (200, "ok")


async def test_metrics_are_served_as_text(scene: Scene) -> None:
    status, page = await scene.get("/metrics")

    assert status == 200
    assert "nested_hyperv_build_info" in page


async def test_a_blocked_event_loop_shows(scene: Scene) -> None:
    meter = asyncio.create_task(measure_lag(scene.metrics, interval=0.01))
    await asyncio.sleep(0)
    time.sleep(0.2)  # noqa: ASYNC251 - the fault that is to be seen
    await asyncio.sleep(0.01)
    meter.cancel()

    lag = scene.metrics.registry.get_sample_value("nested_hyperv_event_loop_lag_seconds")
    assert lag is not None
    assert lag >= 0.15
