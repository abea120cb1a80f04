"""The index of owners is kept while it can be trusted and built again when it cannot."""

import pytest

from nested_hyperv.domain.inventory import MoRef, Task, TaskState
from nested_hyperv.vsphere.owners import OwnerIndex

SWITCH = MoRef("VmwareDistributedVirtualSwitch", "dvs-1")
PG = MoRef("DistributedVirtualPortgroup", "dvportgroup-1")
TASK = MoRef("Task", "task-1")


@pytest.fixture
def tasks() -> dict[MoRef, Task]:
    return {}


@pytest.fixture
def index(tasks: dict[MoRef, Task]) -> OwnerIndex:
    index = OwnerIndex(tasks.get)
    index.built(index.begin(), SWITCH, {})
    return index


def test_a_creation_of_ours_is_in_the_index_once_it_has_succeeded(index: OwnerIndex, tasks: dict[MoRef, Task]) -> None:
    index.creating(TASK, SWITCH, "me")
    tasks[TASK] = Task(TASK, TaskState.RUNNING)
    assert index.known(SWITCH) == {}
    tasks[TASK] = Task(TASK, TaskState.SUCCESS, result=PG)
    assert index.known(SWITCH) == {"me": {PG}}


@pytest.mark.parametrize("end", [TaskState.ERROR, TaskState.LOST])
def test_a_creation_that_failed_makes_the_index_be_built_again(
    index: OwnerIndex, tasks: dict[MoRef, Task], end: TaskState
) -> None:
    # DuplicateName may mean that an earlier process of ours has created it in the meantime.
    index.creating(TASK, SWITCH, "me")
    tasks[TASK] = Task(TASK, end)
    assert index.known(SWITCH) is None


def test_a_new_session_trusts_nothing_that_an_older_one_said(index: OwnerIndex) -> None:
    index.at(1)
    assert index.known(SWITCH) is None


def test_an_index_that_was_begun_before_something_happened_is_not_kept(index: OwnerIndex) -> None:
    index.invalidate(SWITCH)
    stamp = index.begin()
    index.invalidate(SWITCH)
    index.built(stamp, SWITCH, {"me": {PG}})
    assert index.known(SWITCH) is None
