"""The queue against a model of it, over every interleaving that hypothesis can think of.

The model is a few sets without any cleverness. It states the promises: no add is lost, no key is held twice, the
earliest delayed wish counts, HIGH goes before LOW unless LOW has been passed over sixteen times in a row.
"""

from __future__ import annotations

import asyncio

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nested_hyperv.workqueue import Backoff, Priority, WorkQueue
from support.clock import FakeClock

KEYS = st.sampled_from("abcdef")
PRIORITIES = st.sampled_from(list(Priority))


class QueueModel(RuleBasedStateMachine):
    """Adds, delayed adds, retries, takes and returns in any order, with time moving in between."""

    @initialize()
    def start(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = FakeClock()
        self.queue: WorkQueue[str] = WorkQueue(clock=self.clock, backoff=Backoff(uniform=lambda: 0.0))
        self.owed: dict[str, Priority] = {}
        """Keys with an add that no pass has begun after, and the best priority asked for."""
        self.held: set[str] = set()
        self.delayed: dict[str, tuple[float, Priority]] = {}
        self.failures: dict[str, int] = {}
        self.passed_over = 0

    def owe(self, key: str, priority: Priority) -> None:
        self.owed[key] = min(priority, self.owed.get(key, priority))

    def delay(self, key: str, seconds: float, priority: Priority) -> None:
        when = self.clock.now() + seconds
        known_when, known_priority = self.delayed.get(key, (when, priority))
        self.delayed[key] = (min(when, known_when), min(priority, known_priority))

    @rule(key=KEYS, priority=PRIORITIES)
    def add(self, key: str, priority: Priority) -> None:
        self.queue.add(key, priority)
        self.owe(key, priority)

    @rule(key=KEYS, seconds=st.integers(1, 50), priority=PRIORITIES)
    def add_after(self, key: str, seconds: int, priority: Priority) -> None:
        self.queue.add_after(key, seconds, priority)
        self.delay(key, seconds, priority)

    @rule(key=KEYS)
    def retry(self, key: str) -> None:
        self.failures[key] = self.failures.get(key, 0) + 1
        expected = min(300, 2 ** (self.failures[key] - 1))
        assert self.queue.retry(key) == expected
        self.delay(key, expected, Priority.LOW)

    @rule(key=KEYS)
    def forget(self, key: str) -> None:
        self.queue.forget(key)
        self.failures.pop(key, None)

    @rule(seconds=st.integers(1, 40))
    def advance(self, seconds: int) -> None:
        self.clock.advance(seconds)
        for key, (when, priority) in list(self.delayed.items()):
            if when <= self.clock.now():
                del self.delayed[key]
                self.owe(key, priority)

    @precondition(lambda self: self.owed.keys() - self.held)
    @rule()
    def take(self) -> None:
        ready = {key: priority for key, priority in self.owed.items() if key not in self.held}
        key = self.loop.run_until_complete(asyncio.wait_for(self.queue.get(), 5))
        assert key in ready, "a key that nobody asked for, or that a worker holds"
        low_waits = Priority.LOW in ready.values()
        if ready[key] is Priority.HIGH:
            self.passed_over = self.passed_over + 1 if low_waits else 0
            assert self.passed_over <= 16, "background work starves"
        else:
            assert Priority.HIGH not in ready.values() or self.passed_over == 16, "background work went first"
            self.passed_over = 0
        del self.owed[key]
        self.held.add(key)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.held)))
        self.queue.done(key)
        self.held.remove(key)

    @invariant()
    def what_is_owed_is_ready_unless_it_is_held(self) -> None:
        assert len(self.queue) == len(self.owed.keys() - self.held)
        assert self.queue.delayed == len(self.delayed)
        assert len(list(self.queue.running_seconds())) == len(self.held)

    def teardown(self) -> None:
        if not hasattr(self, "queue"):
            return
        self.advance(10_000)
        while self.held or self.owed:
            for key in list(self.held):
                self.queue.done(key)
                self.held.remove(key)
            if self.owed:
                self.take()
        assert (len(self.queue), self.queue.delayed) == (0, 0), "something was added that nobody asked for"
        self.loop.close()


QueueModel.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestQueueModel = QueueModel.TestCase
