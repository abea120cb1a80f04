"""The loop around one pass: take a key, reconcile it, put it where its outcome says.

A pass that raises is a bug or an unforeseen answer: it is logged with its traceback, counted and retried with
backoff. It never ends the worker, because a worker that is gone is missed by nobody until all are gone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, Protocol, TypeVar

from nested_hyperv.workqueue.outcome import Done, Outcome, RequeueAfter, Retry
from nested_hyperv.workqueue.queue import QueueShutDown, WorkQueue

__all__ = ["WorkerObserver", "Workers"]

K = TypeVar("K", bound=Hashable)
K_contra = TypeVar("K_contra", bound=Hashable, contravariant=True)

_log = logging.getLogger(__name__)


class WorkerObserver(Protocol[K_contra]):
    """Who counts what the workers do (metrics). Must not raise."""

    def started(self, key: K_contra) -> None:
        """A pass over the key begins."""

    def ended(self, key: K_contra, outcome: Outcome | BaseException) -> None:
        """The pass ended with this outcome, or raised this."""


class _NobodyCounts:
    def started(self, key: Hashable) -> None: ...
    def ended(self, key: Hashable, outcome: Outcome | BaseException) -> None: ...


class Workers(Generic[K]):
    """A fixed number of workers over one queue."""

    def __init__(
        self,
        queue: WorkQueue[K],
        reconcile: Callable[[K], Awaitable[Outcome]],
        *,
        count: int,
        observer: WorkerObserver[K] | None = None,
    ) -> None:
        if count < 1:
            message = f"count: got {count} workers; at least 1 is needed"
            raise ValueError(message)
        self._queue = queue
        self._reconcile = reconcile
        self._count = count
        self._observer: WorkerObserver[K] = observer or _NobodyCounts()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def alive(self) -> int:
        """How many workers are at work or waiting for it."""
        return sum(not task.done() for task in self._tasks)

    def start(self) -> None:
        """Start all workers on the running loop."""
        if self._tasks:
            message = "the workers were started already; one Workers object runs once"
            raise RuntimeError(message)
        self._tasks = [asyncio.create_task(self._work(), name=f"worker-{number}") for number in range(self._count)]

    async def stop(self, *, grace: float) -> None:
        """Take no more keys, let running passes end, and cancel those that still run after `grace` seconds."""
        self._queue.shut_down()
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=grace)
        for task in late:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            try:
                key = await self._queue.get()
            except QueueShutDown:
                return
            try:
                await self._pass(key)
            finally:
                self._queue.done(key)

    async def _pass(self, key: K) -> None:
        self._observer.started(key)
        try:
            outcome = await self._reconcile(key)
        except asyncio.CancelledError as cancelled:
            self._observer.ended(key, cancelled)
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Something inside the pass was cancelled (a closed thread pool), not this worker.
            self._after_exception(key)
            return
        except Exception as error:  # noqa: BLE001 - logged with its traceback, counted and retried
            self._observer.ended(key, error)
            self._after_exception(key)
            return
        self._observer.ended(key, outcome)
        match outcome:
            case Done():
                self._queue.forget(key)
            case RequeueAfter(seconds=seconds):
                self._queue.forget(key)
                self._queue.add_after(key, seconds)
            case Retry():
                self._queue.retry(key)

    def _after_exception(self, key: K) -> None:
        delay = self._queue.retry(key)
        _log.exception("unexpected error while reconciling %s; trying again in %.1f s", key, delay)
