"""The HTTP side of the process: /healthz, /readyz and /metrics.

Alive means that the event loop answers and nothing that must run has ended; ready means that the first lists are in.
Neither depends on a vCenter: a restart would not repair one.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable

    from nested_hyperv.telemetry.metrics import Metrics

__all__ = ["HealthServer", "measure_lag"]

_log = logging.getLogger(__name__)

_CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class HealthServer:
    """Answers probes and scrapes. `problems` lists what has ended; `ready` tells whether the first lists are in."""

    def __init__(self, metrics: Metrics, *, problems: Callable[[], list[str]], ready: Callable[[], bool]) -> None:
        self._metrics = metrics
        self._problems = problems
        self._ready = ready
        self._runner: web.AppRunner | None = None

    async def start(self, port: int, host: str | None = None) -> int:
        """Listen (on all addresses unless `host` is given; port 0 takes a free one) and return the port."""
        app = web.Application()
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._page)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound: int = self._runner.addresses[0][1]
        _log.info("health and metrics are served on port %d", bound)
        return bound

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _healthz(self, _request: web.Request) -> web.Response:
        problems = self._problems()
        return web.Response(text="; ".join(problems) or "ok", status=503 if problems else 200)

    async def _readyz(self, _request: web.Request) -> web.Response:
        if self._ready():
            return web.Response(text="ok")
        return web.Response(text="the first lists are not in yet", status=503)

    async def _page(self, _request: web.Request) -> web.Response:
        # On this thread: the gauges read the queue and the store, which belong to the event loop.
        return web.Response(body=self._metrics.page(), headers={"Content-Type": _CONTENT_TYPE})


async def measure_lag(metrics: Metrics, interval: float = 1.0) -> None:
    """Tell for ever how late the event loop runs its timers: the first sign that something blocks it."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + interval
        await asyncio.sleep(interval)
        metrics.lagged(max(0.0, loop.time() - due))
