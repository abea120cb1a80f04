"""One key, once; nothing lost; the earliest wish and the higher priority count."""

from __future__ import annotations

import asyncio

import pytest

from nested_hyperv.workqueue import Backoff, Priority, QueueShutDown, WorkQueue
from support.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def queue(clock: FakeClock) -> WorkQueue[str]:
    return WorkQueue(clock=clock, backoff=Backoff(uniform=lambda: 0.0))


async def drain(queue: WorkQueue[str]) -> list[str]:
    """Take and give back all keys that are ready."""
    keys = []
    while len(queue):
        key = await queue.get()
        keys.append(key)
        queue.done(key)
    return keys


async def test_a_burst_of_adds_is_one_pass(queue: WorkQueue[str]) -> None:
    for _ in range(10):
        queue.add("a")

    assert await drain(queue) == ["a"]


async def test_keys_of_one_priority_come_in_the_order_of_their_first_add(queue: WorkQueue[str]) -> None:
    for key in "abcab":
        queue.add(key)

    assert await drain(queue) == ["a", "b", "c"]


async def test_an_add_during_the_pass_leads_to_a_second_pass_after_it(queue: WorkQueue[str]) -> None:
    queue.add("a")
    key = await queue.get()

    queue.add("a")
    assert len(queue) == 0, "two workers would hold the key"

    queue.done(key)
    assert await drain(queue) == ["a"]


async def test_a_change_by_a_person_goes_before_background_work(queue: WorkQueue[str]) -> None:
    queue.add("drift")
    queue.add("change", Priority.HIGH)

    assert await drain(queue) == ["change", "drift"]


async def test_a_waiting_background_key_moves_up_when_a_person_changes_it(queue: WorkQueue[str]) -> None:
    for key in "abc":
        queue.add(key)
    queue.add("c", Priority.HIGH)

    assert await drain(queue) == ["c", "a", "b"]


async def test_a_later_background_add_does_not_move_a_key_down(queue: WorkQueue[str]) -> None:
    queue.add("a", Priority.HIGH)
    queue.add("b", Priority.HIGH)
    queue.add("a", Priority.LOW)

    assert await drain(queue) == ["a", "b"]


async def test_the_priority_of_an_add_during_the_pass_is_kept(queue: WorkQueue[str]) -> None:
    queue.add("a")
    key = await queue.get()
    queue.add("b")
    queue.add("a", Priority.HIGH)
    queue.add("a", Priority.LOW)
    queue.done(key)

    assert await drain(queue) == ["a", "b"]


async def test_a_stream_of_changes_does_not_starve_background_work(queue: WorkQueue[str]) -> None:
    queue.add("drift")
    taken = []
    for number in range(40):
        queue.add(f"change-{number}", Priority.HIGH)
        key = await queue.get()
        taken.append(key)
        queue.done(key)

    assert taken.index("drift") == 16


async def test_a_delayed_add_comes_when_its_time_has_come(queue: WorkQueue[str], clock: FakeClock) -> None:
    queue.add_after("a", 30)

    clock.advance(29.9)
    assert (len(queue), queue.delayed) == (0, 1)
    clock.advance(0.1)
    assert (await drain(queue), queue.delayed) == (["a"], 0)


@pytest.mark.parametrize("wishes", [(30, 10), (10, 30)])
async def test_of_several_delayed_adds_the_earliest_counts_and_only_it(
    queue: WorkQueue[str], clock: FakeClock, wishes: tuple[float, ...]
) -> None:
    for seconds in wishes:
        queue.add_after("a", seconds)

    clock.advance(10)
    assert await drain(queue) == ["a"]
    clock.advance(1000)
    assert await drain(queue) == []
    assert clock.armed == 0


async def test_of_several_delayed_adds_the_higher_priority_counts(queue: WorkQueue[str], clock: FakeClock) -> None:
    queue.add_after("a", 10, Priority.LOW)
    queue.add_after("a", 30, Priority.HIGH)
    clock.advance(9)
    queue.add("b")
    clock.advance(1)

    assert await drain(queue) == ["a", "b"]


async def test_an_immediate_add_does_not_cancel_a_delayed_one(queue: WorkQueue[str], clock: FakeClock) -> None:
    queue.add_after("a", 30)
    queue.add("a")

    assert await drain(queue) == ["a"]
    clock.advance(30)
    assert await drain(queue) == ["a"]


@pytest.mark.parametrize("seconds", [0, -5])
async def test_a_delay_of_nothing_is_an_add(queue: WorkQueue[str], seconds: float) -> None:
    queue.add_after("a", seconds)

    assert await drain(queue) == ["a"]


async def test_a_delayed_add_that_comes_due_during_the_pass_is_not_lost(
    queue: WorkQueue[str], clock: FakeClock
) -> None:
    queue.add("a")
    key = await queue.get()
    queue.add_after("a", 5)
    clock.advance(5)
    queue.done(key)

    assert await drain(queue) == ["a"]


async def test_only_one_timer_runs_for_many_delayed_keys(queue: WorkQueue[str], clock: FakeClock) -> None:
    for number in range(100):
        queue.add_after(f"k{number}", 100 - number)

    assert clock.armed == 1


async def test_failures_back_off_and_success_forgets_them(queue: WorkQueue[str], clock: FakeClock) -> None:
    delays = []
    for _ in range(3):
        delays.append(queue.retry("a"))
        clock.advance(delays[-1])
        assert await drain(queue) == ["a"]
    assert (delays, queue.failures("a")) == ([1, 2, 4], 3)

    queue.forget("a")
    assert (queue.failures("a"), queue.retry("a")) == (0, 1)


async def test_failures_of_one_key_do_not_slow_another(queue: WorkQueue[str]) -> None:
    for _ in range(5):
        queue.retry("a")

    assert queue.retry("b") == 1


async def test_a_waiting_worker_wakes_on_an_add(queue: WorkQueue[str]) -> None:
    worker = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    assert not worker.done()

    queue.add("a")
    assert await asyncio.wait_for(worker, 1) == "a"


async def test_two_adds_in_one_turn_wake_two_workers(queue: WorkQueue[str]) -> None:
    workers = [asyncio.create_task(queue.get()) for _ in range(2)]
    await asyncio.sleep(0)

    queue.add("a")
    queue.add("b")
    assert sorted(await asyncio.wait_for(asyncio.gather(*workers), 1)) == ["a", "b"]


async def test_a_worker_cancelled_at_the_moment_it_was_woken_hands_the_key_to_another(queue: WorkQueue[str]) -> None:
    cancelled, other = (asyncio.create_task(queue.get()) for _ in range(2))
    await asyncio.sleep(0)

    queue.add("a")  # wakes the first
    cancelled.cancel()

    assert await asyncio.wait_for(other, 1) == "a"
    with pytest.raises(asyncio.CancelledError):
        await cancelled


async def test_giving_back_a_key_that_nobody_holds_is_an_error(queue: WorkQueue[str]) -> None:
    with pytest.raises(ValueError, match=r"done\('a'\): no worker holds this key"):
        queue.done("a")


async def test_shutting_down_releases_waiting_workers_and_drops_what_waits(
    queue: WorkQueue[str], clock: FakeClock
) -> None:
    workers = [asyncio.create_task(queue.get()) for _ in range(3)]
    await asyncio.sleep(0)
    queue.add_after("later", 5)

    queue.shut_down()
    queue.add("a")
    queue.add_after("b", 1)
    clock.advance(100)

    results = await asyncio.wait_for(asyncio.gather(*workers, return_exceptions=True), 1)
    assert all(isinstance(result, QueueShutDown) for result in results)
    assert (len(queue), queue.delayed, clock.armed) == (0, 0, 0)
    with pytest.raises(QueueShutDown):
        await queue.get()


async def test_a_key_held_at_shutdown_can_be_given_back(queue: WorkQueue[str]) -> None:
    queue.add("a")
    key = await queue.get()
    queue.add("a")
    queue.shut_down()
    queue.done(key)

    assert len(queue) == 0


class Counts:
    """A `QueueObserver` that remembers."""

    def __init__(self) -> None:
        self.adds = self.retries = 0
        self.waited: list[float] = []
        self.worked: list[float] = []

    def added(self) -> None:
        self.adds += 1

    def taken(self, waited: float) -> None:
        self.waited.append(waited)

    def finished(self, worked: float) -> None:
        self.worked.append(worked)

    def retried(self) -> None:
        self.retries += 1


async def test_the_observer_sees_how_long_keys_waited_and_how_long_they_were_worked_on(clock: FakeClock) -> None:
    counts = Counts()
    queue: WorkQueue[str] = WorkQueue(clock=clock, observer=counts)
    queue.add("a")
    clock.advance(2)
    queue.add("a", Priority.HIGH)  # moves up; waits since its first add
    clock.advance(1)
    key = await queue.get()
    queue.add("a")
    queue.add("a")
    clock.advance(4)
    assert list(queue.running_seconds()) == [4]
    queue.done(key)
    queue.retry("a")

    assert (counts.adds, counts.waited, counts.worked, counts.retries) == (2, [3], [4], 1)
