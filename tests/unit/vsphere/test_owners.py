"""The index of owners is built once for all who ask, kept while it can be trusted, and built again when it cannot."""

import asyncio

import pytest

from nested_hyperv.domain.errors import NameTaken, OperatorError, Unreachable
from nested_hyperv.domain.inventory import MoRef, Task, TaskState
from nested_hyperv.vsphere.owners import OwnerIndex
from nested_hyperv.vsphere.portgroups import Owners

SWITCH = MoRef("VmwareDistributedVirtualSwitch", "dvs-1")
PG = MoRef("DistributedVirtualPortgroup", "dvportgroup-1")
OTHER = MoRef("DistributedVirtualPortgroup", "dvportgroup-2")
TASK = MoRef("Task", "task-1")


class Bench:
    """An index over a switch that can be changed, and the reads that it made."""

    def __init__(self) -> None:
        self.tasks: dict[MoRef, Task] = {}
        self.on_switch: Owners = {}
        self.reads = 0
        self.error: OperatorError | None = None
        self.index = OwnerIndex(self.tasks.get)

    async def read(self) -> Owners:
        self.reads += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return {owner: set(refs) for owner, refs in self.on_switch.items()}

    async def find(self, owner: str = "me", generation: int = 1) -> list[MoRef]:
        return await self.index.candidates(generation, SWITCH, owner, self.read)


async def test_many_that_ask_at_once_share_one_read() -> None:
    bench = Bench()
    bench.on_switch = {"me": {PG}, "you": {OTHER}}
    hits = await asyncio.gather(*(bench.find(owner) for owner in ["me", "you", "me", "nobody"]))
    assert hits == [[PG], [OTHER], [PG], []]
    assert await bench.find() == [PG]
    assert bench.reads == 1


async def test_one_who_gives_up_does_not_end_the_read_for_the_others() -> None:
    bench = Bench()
    bench.on_switch = {"me": {PG}}
    impatient, patient = asyncio.ensure_future(bench.find()), asyncio.ensure_future(bench.find())
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == [PG]
    assert bench.reads == 1


async def test_a_read_that_fails_is_made_again_by_the_next_who_asks() -> None:
    bench = Bench()
    bench.error = Unreachable("silence")
    with pytest.raises(Unreachable):
        await bench.find()
    bench.error = None
    assert await bench.find() == []


async def test_a_creation_of_ours_is_a_candidate_once_it_has_succeeded() -> None:
    bench = Bench()
    await bench.find()
    bench.index.marking(TASK, SWITCH, "me")
    bench.tasks[TASK] = Task(TASK, TaskState.RUNNING)
    assert await bench.find() == []
    bench.tasks[TASK] = Task(TASK, TaskState.SUCCESS, result=PG)
    assert await bench.find() == [PG]
    assert bench.reads == 1


async def test_what_a_change_of_ours_may_have_marked_is_a_candidate() -> None:
    bench = Bench()
    await bench.find()
    bench.index.marking(TASK, SWITCH, "me", PG)
    bench.tasks[TASK] = Task(TASK, TaskState.SUCCESS)
    assert await bench.find() == [PG]
    assert bench.reads == 1


async def test_what_holds_the_name_that_a_creation_wanted_is_a_candidate() -> None:
    # An earlier process of ours may have created it in the meantime.
    bench = Bench()
    await bench.find()
    bench.index.marking(TASK, SWITCH, "me")
    bench.tasks[TASK] = Task(TASK, TaskState.ERROR, error=NameTaken("taken", holder=OTHER))
    assert await bench.find() == [OTHER]
    assert bench.reads == 1


async def test_a_switch_that_holds_the_name_is_none() -> None:
    bench = Bench()
    await bench.find()
    bench.index.marking(TASK, SWITCH, "me")
    bench.tasks[TASK] = Task(TASK, TaskState.ERROR, error=NameTaken("taken", holder=SWITCH))
    assert await bench.find() == []


async def test_a_write_that_the_server_forgot_makes_the_index_be_built_again() -> None:
    bench = Bench()
    await bench.find()
    bench.index.marking(TASK, SWITCH, "me")
    bench.tasks[TASK] = Task(TASK, TaskState.LOST)
    bench.on_switch = {"me": {PG}}
    assert await bench.find() == [PG]
    assert bench.reads == 2


async def test_a_new_session_trusts_nothing_that_an_older_one_said() -> None:
    bench = Bench()
    await bench.find(generation=1)
    bench.on_switch = {"me": {PG}}
    assert await bench.find(generation=2) == [PG]


async def test_an_index_that_was_begun_before_a_write_came_into_doubt_is_not_used() -> None:
    bench = Bench()
    asking = asyncio.ensure_future(bench.find())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert bench.reads == 1
    bench.on_switch = {"me": {PG}}
    bench.index.invalidate(SWITCH)
    assert await asking == [PG]
