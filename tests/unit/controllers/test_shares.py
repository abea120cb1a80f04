"""A bounded share for each vCenter, and no key that waits for a place in vain."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from nested_hyperv.controllers.shares import Shares
from nested_hyperv.domain.errors import Connecting
from nested_hyperv.domain.inventory import Switch
from nested_hyperv.domain.resource import ObjectKey
from nested_hyperv.workqueue import Done
from support.documents import NPG
from support.workbench import Workbench


def key(number: int) -> ObjectKey:
    return ObjectKey("NestedPortGroup", "lab", f"pg-{number}")


def test_one_more_than_fits_is_parked_and_woken_when_a_place_is_free() -> None:
    woken: list[ObjectKey] = []
    shares = Shares(2, woken.append)
    assert [shares.enter("vc", key(n)) for n in range(4)] == [True, True, False, False]

    shares.leave(key(0))

    assert woken == [key(2)]
    assert shares.enter("vc", key(2))


def test_a_place_is_kept_for_the_key_that_was_woken() -> None:
    woken: list[ObjectKey] = []
    shares = Shares(1, woken.append)
    shares.enter("vc", key(0))
    shares.enter("vc", key(1))
    shares.leave(key(0))

    assert not shares.enter("vc", key(2)), "a newcomer does not overtake"
    assert shares.enter("vc", key(1))


def test_a_woken_key_that_is_gone_passes_its_place_on() -> None:
    woken: list[ObjectKey] = []
    shares = Shares(1, woken.append)
    for number in range(3):
        shares.enter("vc", key(number))
    shares.leave(key(0))

    shares.leave(key(1))  # deleted before it could enter

    assert woken == [key(1), key(2)]


def test_a_full_vcenter_holds_up_no_other() -> None:
    shares = Shares(1, lambda _: None)
    shares.enter("slow", key(0))

    assert shares.enter("fast", key(1))


def test_a_namesake_with_another_connection_leaves_the_old_one() -> None:
    woken: list[ObjectKey] = []
    shares = Shares(1, woken.append)
    shares.enter("first", key(0))
    shares.leave(key(0))
    shares.enter("first", key(1))
    shares.enter("first", key(0))  # parked

    assert shares.enter("second", key(0))
    shares.leave(key(1))
    assert woken == []


async def test_an_object_that_is_deleted_while_parked_holds_up_nobody() -> None:
    bench = Workbench(workers_per_vcenter=1)
    bench.connect()
    first, second, third = (ObjectKey(NPG, "lab", name) for name in ("first", "second", "third"))
    for one in (first, second, third):
        bench.declare(one)
    slow, original = asyncio.Event(), bench.vcenter.find_switch

    async def find_switch(datacenter: str, switch: str, *, fresh: bool) -> Switch:
        await slow.wait()
        return await original(datacenter, switch, fresh=fresh)

    bench.vcenter.find_switch = find_switch  # type: ignore[method-assign]
    at_work = asyncio.create_task(bench.engine.reconcile(first))
    await asyncio.sleep(0)
    for one in (second, third):
        assert await bench.engine.reconcile(one) == Done(), "parked"
    while len(bench.queue):
        bench.queue.done(await bench.queue.get())  # nothing else will bring them back

    slow.set()
    await at_work
    bench.api.delete(second)
    await bench.run()

    assert bench.condition(third) == ("True", "Succeeded")


async def test_two_secrets_for_one_vcenter_have_one_share_of_the_workers() -> None:
    bench = Workbench(workers_per_vcenter=1)
    bench.connect()
    bench.connect(ObjectKey("Secret", "lab", "again"))
    first, second = (ObjectKey(NPG, "lab", name) for name in ("first", "second"))
    bench.declare(first)
    bench.declare(second, connectionRef={"name": "again"})
    entered, original = asyncio.Event(), bench.vcenter.find_switch

    async def find_switch(datacenter: str, switch: str, *, fresh: bool) -> Switch:
        entered.set()
        await asyncio.Event().wait()  # until the test ends
        return await original(datacenter, switch, fresh=fresh)

    bench.vcenter.find_switch = find_switch  # type: ignore[method-assign]
    at_work = asyncio.create_task(bench.engine.reconcile(first))
    await entered.wait()
    entered.clear()

    assert await bench.engine.reconcile(second) == Done(), "parked"
    assert not entered.is_set()
    at_work.cancel()


async def test_while_a_vcenter_is_being_connected_only_as_many_ask_as_have_a_place() -> None:
    bench = Workbench(workers_per_vcenter=2)
    bench.connect()
    bench.vcenters.refuse("first", Connecting("Connecting to first."))
    keys = [ObjectKey(NPG, "lab", f"pg-{number}") for number in range(6)]
    for one in keys:
        bench.declare(one, name=one.name)
    await bench.run()

    assert len(bench.vcenters.used) == 2

    bench.vcenters.refuse("first", None)
    await bench.ready(*keys)


async def test_who_is_deleted_while_a_vcenter_is_being_connected_gives_the_place_to_another() -> None:
    bench = Workbench(workers_per_vcenter=1)
    bench.connect()
    bench.vcenters.refuse("first", Connecting("Connecting to first."))
    first, second = (ObjectKey(NPG, "lab", name) for name in ("first", "second"))
    for one in (first, second):
        bench.declare(one, name=one.name)
    await bench.run()

    bench.api.delete(first)
    await bench.run()
    assert set(bench.vcenters.used) == {second}

    bench.vcenters.refuse("first", None)
    await bench.ready(second)


class Crowd:
    """Keys that enter, leave and vanish, as workers and watch make them do."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.woken: list[ObjectKey] = []
        self.shares = Shares(limit, self.woken.append)
        self.working: set[ObjectKey] = set()
        self.waiting: set[ObjectKey] = set()

    def enter(self, one: ObjectKey) -> None:
        if one in self.working:
            return
        if self.shares.enter("vc", one):
            self.working.add(one)
            self.waiting.discard(one)
        else:
            self.waiting.add(one)
        assert len(self.working) <= self.limit

    def leave(self, one: ObjectKey) -> None:
        if one in self.working:
            self.working.discard(one)
            self.shares.leave(one)

    def gone(self, one: ObjectKey) -> None:
        if one not in self.working:
            self.waiting.discard(one)
            self.shares.leave(one)

    def drain(self) -> None:
        """Work off everything that was woken, and let everybody go home."""
        while self.woken or self.working:
            if self.woken:
                one = self.woken.pop(0)
                (self.enter if one in self.waiting else self.gone)(one)
            else:
                self.leave(next(iter(self.working)))


@given(st.lists(st.tuples(st.sampled_from(["enter", "leave", "gone"]), st.integers(0, 5)), max_size=60))
def test_whatever_happens_the_limit_holds_and_everybody_gets_in(steps: list[tuple[str, int]]) -> None:
    crowd = Crowd(limit=2)
    for verb, number in steps:
        getattr(crowd, verb)(key(number))

    crowd.drain()

    assert not crowd.waiting
