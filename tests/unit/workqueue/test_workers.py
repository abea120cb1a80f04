"""The loop around one pass: outcomes, exceptions, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from nested_hyperv.workqueue import Backoff, Done, Outcome, RequeueAfter, Retry, Workers, WorkQueue
from support.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def queue(clock: FakeClock) -> WorkQueue[str]:
    return WorkQueue(clock=clock, backoff=Backoff(uniform=lambda: 0.0))


async def until(condition: Callable[[], object]) -> None:
    """Let the loop turn until the condition holds; the deadline makes a failure a failure and not a hang."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the condition is the queue's state, which tells nobody
            await asyncio.sleep(0)


class Script:
    """A reconcile function that answers from a list, and remembers the keys it was called with."""

    def __init__(self, *answers: Outcome | BaseException) -> None:
        self.answers = list(answers)
        self.calls: list[str] = []

    async def __call__(self, key: str) -> Outcome:
        self.calls.append(key)
        answer = self.answers.pop(0) if self.answers else Done()
        if isinstance(answer, BaseException):
            raise answer
        return answer


async def run_once(queue: WorkQueue[str], script: Callable[[str], Awaitable[Outcome]]) -> Workers[str]:
    workers = Workers(queue, script, count=1)
    workers.start()
    queue.add("a")
    await until(lambda: not len(queue) and not list(queue.running_seconds()))
    return workers


async def test_done_forgets_failures_and_asks_for_nothing(queue: WorkQueue[str]) -> None:
    queue.retry("a")
    workers = await run_once(queue, Script(Done()))

    assert (queue.failures("a"), queue.delayed) == (0, 1)  # the entry of the retry above
    await workers.stop(grace=1)


async def test_requeue_after_brings_the_key_back_at_its_time(queue: WorkQueue[str], clock: FakeClock) -> None:
    script = Script(RequeueAfter(30))
    workers = await run_once(queue, script)

    clock.advance(29)
    assert len(queue) == 0
    clock.advance(1)
    await until(lambda: len(script.calls) == 2)
    await workers.stop(grace=1)


async def test_retry_counts_as_a_failure(queue: WorkQueue[str]) -> None:
    workers = await run_once(queue, Script(Retry()))

    assert (queue.failures("a"), queue.delayed) == (1, 1)
    await workers.stop(grace=1)


@pytest.mark.parametrize(
    "error", [RuntimeError("boom"), asyncio.CancelledError()], ids=["raises", "is cancelled inside"]
)
async def test_a_pass_that_fails_unexpectedly_is_logged_and_tried_again_by_the_same_worker(
    queue: WorkQueue[str], clock: FakeClock, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    script = Script(error, Done())
    with caplog.at_level(logging.ERROR):
        workers = await run_once(queue, script)

    assert "unexpected error while reconciling a; trying again in 1.0 s" in caplog.text
    assert "Traceback" in caplog.text
    assert workers.alive == 1
    clock.advance(1)
    await until(lambda: len(script.calls) == 2)
    await workers.stop(grace=1)


async def test_no_key_is_worked_on_twice_at_once_by_many_workers() -> None:
    queue: WorkQueue[int] = WorkQueue()
    running: Counter[int] = Counter()
    overlaps: list[int] = []
    passes: Counter[int] = Counter()

    async def reconcile(key: int) -> Outcome:
        running[key] += 1
        if running[key] > 1:
            overlaps.append(key)
        for _ in range(3):
            await asyncio.sleep(0)
            queue.add((key + 1) % 20) if passes.total() < 500 else None
        running[key] -= 1
        passes[key] += 1
        return Done()

    workers = Workers(queue, reconcile, count=8)
    workers.start()
    for key in range(20):
        queue.add(key)
    await until(lambda: passes.total() >= 500 and not len(queue) and not list(queue.running_seconds()))

    assert overlaps == []
    assert len(passes) == 20
    await workers.stop(grace=1)


async def test_stopping_lets_a_running_pass_end(queue: WorkQueue[str]) -> None:
    entered, leave, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def reconcile(_: str) -> Outcome:
        entered.set()
        await leave.wait()
        ended.set()
        return Done()

    workers = Workers(queue, reconcile, count=2)
    workers.start()
    queue.add("a")
    await asyncio.wait_for(entered.wait(), 5)
    stopping = asyncio.create_task(workers.stop(grace=5))
    await asyncio.sleep(0)
    leave.set()
    await asyncio.wait_for(stopping, 5)

    assert ended.is_set()
    assert workers.alive == 0


async def test_stopping_cancels_a_pass_that_does_not_end(queue: WorkQueue[str]) -> None:
    entered = asyncio.Event()

    async def reconcile(_: str) -> Outcome:
        entered.set()
        await asyncio.Event().wait()
        return Done()

    workers = Workers(queue, reconcile, count=1)
    workers.start()
    queue.add("a")
    await asyncio.wait_for(entered.wait(), 5)
    await asyncio.wait_for(workers.stop(grace=0.01), 5)

    assert workers.alive == 0


async def test_stopping_before_starting_is_harmless(queue: WorkQueue[str]) -> None:
    await Workers(queue, Script(), count=1).stop(grace=1)


async def test_no_workers_is_an_error(queue: WorkQueue[str]) -> None:
    with pytest.raises(ValueError, match="count: got 0 workers; at least 1 is needed"):
        Workers(queue, Script(), count=0)
