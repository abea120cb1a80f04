"""A queue of keys with the semantics of client-go's work queue: one key, once.

A key is in at most one of two places: *ready* (waiting for a worker) or *processing* (a worker has it). Adding a
ready key changes nothing; adding a processing key marks it *dirty*, and it becomes ready again at `done`. So no add
is lost, bursts collapse into one pass, and two workers never hold the same key.

Beside them, each key has at most one *delayed* entry, the earliest that anybody asked for. An immediate add does not
cancel it: whoever asked to look again at a moment had a reason that the immediate pass may not know.

Asyncio only: every method must be called on the event loop's thread (from others: `loop.call_soon_threadsafe`).
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
from collections import OrderedDict, deque
from collections.abc import Hashable
from enum import IntEnum
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from nested_hyperv.workqueue.backoff import Backoff
from nested_hyperv.workqueue.clock import AsyncioClock, Clock, Timer

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Priority", "QueueObserver", "QueueShutDown", "WorkQueue"]

K = TypeVar("K", bound=Hashable)

# After this many HIGH keys in a row one LOW key goes first, so that a steady stream of user changes cannot starve
# repairs.
_HIGH_IN_A_ROW = 16


class Priority(IntEnum):
    """Smaller goes first."""

    HIGH = 0
    """What a person waits for: a change of the spec, a deletion."""
    LOW = 1
    """Everything else: first listing, drift, resync, retries."""


class QueueShutDown(Exception):
    """The queue gives out no more keys."""


class QueueObserver(Protocol):
    """Who counts what happens to the queue (metrics). Must not raise and must not call the queue."""

    def added(self) -> None:
        """A key became ready or dirty that was neither before."""

    def taken(self, waited: float) -> None:
        """A worker took a key that had been ready for `waited` seconds."""

    def finished(self, worked: float) -> None:
        """A worker gave a key back after `worked` seconds."""

    def retried(self) -> None:
        """A key was put back because its pass failed."""


class _NobodyCounts:
    def added(self) -> None: ...
    def taken(self, waited: float) -> None: ...
    def finished(self, worked: float) -> None: ...
    def retried(self) -> None: ...


class WorkQueue(Generic[K]):
    """Deduplicating queue with two priorities, delayed adds and backoff per key."""

    def __init__(
        self, *, clock: Clock | None = None, backoff: Backoff | None = None, observer: QueueObserver | None = None
    ) -> None:
        self._clock: Clock = clock or AsyncioClock()
        self._backoff = backoff or Backoff()
        self._observer: QueueObserver = observer or _NobodyCounts()
        # OrderedDict and not dict: taking the first key of a dict slows down as deleted entries pile up before it.
        self._ready: dict[Priority, OrderedDict[K, float]] = {priority: OrderedDict() for priority in Priority}
        self._processing: dict[K, float] = {}
        self._dirty: dict[K, Priority] = {}
        self._delayed: dict[K, tuple[float, int, Priority]] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._sequence = itertools.count()
        self._timer: tuple[float, Timer] | None = None
        self._failures: dict[K, int] = {}
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._high_in_a_row = 0
        self._shut_down = False

    def __len__(self) -> int:
        """How many keys wait for a worker now (delayed and processing ones do not count)."""
        return sum(len(keys) for keys in self._ready.values())

    @property
    def delayed(self) -> int:
        """How many keys wait for their time."""
        return len(self._delayed)

    def running_seconds(self) -> Iterator[float]:
        """For each key that a worker holds: since how many seconds."""
        now = self._clock.now()
        return (now - since for since in tuple(self._processing.values()))

    def add(self, key: K, priority: Priority = Priority.LOW) -> None:
        """Have the key worked on as soon as a worker is free; a pass that is running now does not count."""
        if self._shut_down:
            return
        if key in self._processing:
            if key not in self._dirty:
                self._observer.added()
            self._dirty[key] = min(priority, self._dirty.get(key, priority))
            return
        self._make_ready(key, priority)

    def add_after(self, key: K, seconds: float, priority: Priority = Priority.LOW) -> None:
        """Add the key when the seconds have passed.

        Of several such wishes for one key the earliest time and the higher priority count.
        """
        if self._shut_down:
            return
        if seconds <= 0:
            self.add(key, priority)
            return
        when = self._clock.now() + seconds
        known = self._delayed.get(key)
        if known is not None:
            known_when, sequence, known_priority = known
            priority = min(priority, known_priority)
            if known_when <= when:
                self._delayed[key] = (known_when, sequence, priority)
                return
        sequence = next(self._sequence)
        # A replaced entry stays in the heap until its time comes; its sequence tells that it is void.
        self._delayed[key] = (when, sequence, priority)
        heapq.heappush(self._heap, (when, sequence, key))
        self._arm()

    async def get(self) -> K:
        """Take the next key, waiting for one if need be. The taker owes a `done`. Raises `QueueShutDown`."""
        while True:
            if self._shut_down:
                raise QueueShutDown
            if len(self):
                return self._take()
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                with contextlib.suppress(ValueError):
                    self._waiters.remove(waiter)
                # Woken and cancelled in the same turn of the loop: hand the wake-up on, else its key would wait for
                # the next add.
                if waiter.done() and not waiter.cancelled():
                    self._wake_one()
                raise

    def done(self, key: K) -> None:
        """Give the key back after a pass; it is ready again at once if it was added meanwhile."""
        started = self._processing.pop(key, None)
        if started is None:
            message = f"done({key!r}): no worker holds this key; call done once for each get"
            raise ValueError(message)
        self._observer.finished(self._clock.now() - started)
        priority = self._dirty.pop(key, None)
        if priority is not None and not self._shut_down:
            self._make_ready(key, priority, count=False)

    def retry(self, key: K, priority: Priority = Priority.LOW) -> float:
        """Count a failure of the key and add it again after its backoff. Returns the delay in seconds."""
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        delay = self._backoff.delay(failures)
        self._observer.retried()
        self.add_after(key, delay, priority)
        return delay

    def forget(self, key: K) -> None:
        """The key went well (or is gone): its next failure counts as the first one."""
        self._failures.pop(key, None)

    def failures(self, key: K) -> int:
        """How often in a row the key has failed."""
        return self._failures.get(key, 0)

    def shut_down(self) -> None:
        """Give out no more keys and take none. What waits is dropped: a restart lists everything again."""
        self._shut_down = True
        if self._timer is not None:
            self._timer[1].cancel()
            self._timer = None
        self._delayed.clear()
        self._heap.clear()
        self._dirty.clear()
        for keys in self._ready.values():
            keys.clear()
        while self._waiters:
            self._wake_one()

    def _make_ready(self, key: K, priority: Priority, *, count: bool = True) -> None:
        low = self._ready[Priority.LOW]
        if key in self._ready[Priority.HIGH] or (key in low and priority is Priority.LOW):
            return
        # A key that moves from LOW to HIGH keeps the moment since when it waits.
        since = low.pop(key, None)
        if since is None:
            since = self._clock.now()
            if count:
                self._observer.added()
        self._ready[priority][key] = since
        self._wake_one()

    def _take(self) -> K:
        high, low = self._ready[Priority.HIGH], self._ready[Priority.LOW]
        lows_turn = not high or (bool(low) and self._high_in_a_row >= _HIGH_IN_A_ROW)
        self._high_in_a_row = 0 if lows_turn or not low else self._high_in_a_row + 1
        key, since = (low if lows_turn else high).popitem(last=False)
        now = self._clock.now()
        self._processing[key] = now
        self._observer.taken(now - since)
        return key

    def _wake_one(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _arm(self) -> None:
        """Keep one timer, set to the earliest delayed key."""
        while self._heap and not self._is_current(self._heap[0]):
            heapq.heappop(self._heap)
        if not self._heap:
            return
        when = self._heap[0][0]
        if self._timer is not None:
            if self._timer[0] <= when:
                return
            self._timer[1].cancel()
        self._timer = (when, self._clock.call_at(when, self._on_timer))

    def _on_timer(self) -> None:
        self._timer = None
        now = self._clock.now()
        while self._heap and (self._heap[0][0] <= now or not self._is_current(self._heap[0])):
            entry = heapq.heappop(self._heap)
            if self._is_current(entry):
                key = entry[2]
                priority = self._delayed.pop(key)[2]
                self.add(key, priority)
        self._arm()

    def _is_current(self, entry: tuple[float, int, K]) -> bool:
        known = self._delayed.get(entry[2])
        return known is not None and known[1] == entry[1]
