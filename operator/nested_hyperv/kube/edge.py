"""The watch: Kopf's streams, turned into arrivals on our event loop.

Kopf runs in a thread with an event loop of its own: in the main thread it would take over the signals, and at its end
every task of its loop is cancelled. Only `on.event` handlers exist: they make a snapshot and hand it over, so Kopf
never writes, retries or waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import TYPE_CHECKING, Any, Final

import kopf

from nested_hyperv.api.meta import FIELD_MANAGER, GROUP
from nested_hyperv.kube.login import connection_info, load_configuration
from nested_hyperv.kube.paths import WATCHED
from nested_hyperv.kube.projection import project

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nested_hyperv.kube.arrivals import Arrivals
    from nested_hyperv.kube.projection import Watched

__all__ = ["Edge", "EdgeFailed"]

_log = logging.getLogger(__name__)

_LOGIN_BACKOFF: Final = 10.0
#: Seconds until a task of Kopf that goes on although it was cancelled is cancelled again.
_PATIENCE: Final = 0.5


class EdgeFailed(Exception):
    """The watch ended although nobody stopped it; the process must end too, to be started anew."""


class Edge:
    """Feeds `Arrivals` from the API server until it is stopped. `namespaces` is empty for the whole cluster."""

    def __init__(self, arrivals: Arrivals, namespaces: Sequence[str] = ()) -> None:
        self._arrivals = arrivals
        self._namespaces = tuple(namespaces)
        self._kopf: asyncio.Task[None] | None = None
        self._stopping = False

    async def run(self) -> None:
        """Watch until `stop`. Raises `EdgeFailed` if Kopf gives up."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[BaseException | None] = loop.create_future()

        def hand_over(callback: Callable[[Watched], None], item: Watched) -> None:
            with contextlib.suppress(RuntimeError):  # that loop is closed: the process is ending
                loop.call_soon_threadsafe(callback, item)

        def end(error: BaseException | None) -> None:
            if not ended.done():
                ended.set_result(error)

        def watch() -> None:
            error: BaseException | None = None
            try:
                asyncio.run(self._watch(hand_over))
            except BaseException as raised:  # noqa: BLE001 - carried over to the loop that waits for this thread
                error = raised
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(end, error)

        threading.Thread(target=watch, name="kopf", daemon=True).start()
        try:
            error = await asyncio.shield(ended)
        except asyncio.CancelledError:
            self.stop()
            raise
        if not self._stopping:
            raise EdgeFailed(f"the watch of the API server ended: {error or 'without an error'}") from error

    def stop(self) -> None:
        """End the watch; `run` returns soon after."""
        if self._stopping:
            return
        self._stopping = True
        if (running := self._kopf) is not None:
            with contextlib.suppress(RuntimeError):  # Kopf's loop is closed already
                running.get_loop().call_soon_threadsafe(self._cancel_kopf)

    def _cancel_kopf(self) -> None:
        if self._kopf is not None:
            self._kopf.cancel()

    async def _watch(self, hand_over: Callable[[Callable[[Watched], None], Watched], None]) -> None:
        self._kopf = asyncio.current_task()
        asyncio.get_running_loop().set_exception_handler(_tell_in_short)
        if self._stopping:
            return
        try:
            tasks = await kopf.spawn_tasks(
                registry=self._registry(hand_over),
                settings=watch_settings(),
                standalone=True,
                clusterwide=not self._namespaces,
                namespaces=self._namespaces,
            )
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._kopf = None  # ending already: nobody may break that off
            await _end_everything()
        for task in ended:
            task.result()

    def _registry(self, hand_over: Callable[[Callable[[Watched], None], Watched], None]) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()

        async def login(**_: Any) -> kopf.ConnectionInfo:
            return await connection_info(await load_configuration())

        # Tried again for ever: when Kopf's login gives up, Kopf neither ends nor watches (1.45).
        kopf.on.login(registry=registry, id="login", backoff=_LOGIN_BACKOFF)(login)

        async def arrived(event: kopf.RawEvent, param: Any = None, **_: Any) -> None:  # noqa: ANN401
            item = project(param, event["object"])
            hand_over(self._arrivals.gone if event["type"] == "DELETED" else self._arrivals.seen, item)

        for kind, endpoint in WATCHED.items():
            group, version = _group_version(endpoint.root)
            kopf.on.event(group, version, endpoint.plural, id=kind, param=kind, registry=registry)(arrived)
        return registry


def _tell_in_short(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Tell of a failed task that nobody has asked for its result without a traceback: Kopf has logged it with one."""
    if "future" in context:
        _log.error("%s: %r", context["message"], context.get("exception"))
    else:
        loop.default_exception_handler(context)


async def _end_everything() -> None:
    """Cancel all other tasks of this loop until they have ended.

    Kopf's own end (`run_tasks`, 1.45) first waits five seconds for requests that nobody needs. Then it cancels what is
    left once, and waits for ever: a watcher that happens to be between two streams takes that for the end of a stream,
    and opens the next.
    """
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in others:
            task.cancel()
        await asyncio.wait(others, timeout=_PATIENCE)


def _group_version(root: str) -> tuple[str, str]:
    *_, group, version = root.split("/")
    return ("" if group == "api" else group), version


class _NoBase(kopf.DiffBaseStorage):
    """Kopf's memory of what it handled last, for which an operator without change handlers has no use.

    Kopf makes the essence of an object at each event all the same: a deep copy, a third of what an event costs.
    """

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Return the essence of nothing."""
        return kopf.BodyEssence({})

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        """Nothing was ever stored."""
        return None

    def store(self, **_: Any) -> None:
        """Store nothing."""


def watch_settings() -> kopf.OperatorSettings:
    """Kopf's settings for an operator that only watches."""
    settings = kopf.OperatorSettings()
    settings.persistence.diffbase_storage = _NoBase()
    # Never equal to a finalizer of ours: Kopf strips its own from every object when it has no deletion handlers.
    settings.persistence.finalizer = f"{GROUP}/kopf-unused"
    settings.posting.enabled = False
    settings.posting.reporting_component = FIELD_MANAGER
    # The kinds exist before we start (the first listing proves it), and watching all definitions needs more rights.
    settings.scanning.disabled = True
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 330
    settings.watching.connect_timeout = 10
    settings.watching.chunk_size = 500
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 5
    # A worker per object that has just changed; the handlers do nothing slow, so they need no limit.
    settings.queueing.worker_limit = None
    settings.queueing.idle_timeout = 1.0
    settings.process.ultimate_exiting_timeout = None
    for endpoint in WATCHED.values():
        if endpoint.field_selector:
            group, version = _group_version(endpoint.root)
            settings.watching.field_selectors[group, version, endpoint.plural] = endpoint.field_selector
    return settings
