"""The cache wakes those who watch, once per change, and lets no late update turn it back."""

from dataclasses import replace
from typing import Any

import pytest

from nested_hyperv.domain.inventory import (
    MoRef,
    PortGroup,
    Record,
    Task,
    TaskState,
    VirtualMachine,
    VirtualMachineDetail,
)
from nested_hyperv.domain.resource import ObjectKey
from nested_hyperv.vsphere.inventory import Inventory
from nested_hyperv.vsphere.projection import build
from nested_hyperv.vsphere.updates import Update

A = ObjectKey("NestedPortGroup", "lab", "a")
B = ObjectKey("NestedPortGroup", "lab", "b")
PG = MoRef("DistributedVirtualPortgroup", "dvportgroup-1")
VM = MoRef("VirtualMachine", "vm-1")
TASK = MoRef("Task", "task-1")


class Bench:
    """An inventory, and what it told whom."""

    def __init__(self) -> None:
        self.woken: list[ObjectKey] = []
        self.changes = 0
        self.inventory = Inventory(notify=self.woken.append, changed=self._changed)

    def _changed(self) -> None:
        self.changes += 1

    def push(self, kind: str, ref: MoRef, **fields: Any) -> list[ObjectKey]:
        self.woken.clear()
        self.inventory.apply([Update(kind, ref, fields)])
        return list(self.woken)

    def read(self, record: Record) -> list[ObjectKey]:
        self.woken.clear()
        self.inventory.refresh(record)
        return list(self.woken)

    def sent(self) -> tuple[list[MoRef], list[MoRef]]:
        return self.inventory.take_changes(100)


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.inventory.watch(A, [PG])
    bench.sent()
    return bench


def port_group(version: str, **fields: Any) -> PortGroup:
    record = build(PG, {"config_version": version, **fields})
    assert isinstance(record, PortGroup)
    return record


def test_what_is_watched_goes_into_the_view_once_and_out_with_the_last_watcher() -> None:
    bench = Bench()
    bench.inventory.watch(A, [PG])
    bench.inventory.watch(B, [PG])
    assert bench.sent() == ([PG], [])
    bench.inventory.watch(A, [])
    assert bench.sent() == ([], [])
    bench.inventory.forget(B)
    assert bench.sent() == ([], [PG])
    assert bench.inventory.cached(PG) is None


def test_everybody_who_watches_an_object_is_woken_by_a_change(bench: Bench) -> None:
    bench.inventory.watch(B, [PG])
    assert set(bench.push("enter", PG, config_version="1", name="net")) == {A, B}
    assert bench.push("modify", PG, config_version="2", vlan=7) == [A, B] or set(bench.woken) == {A, B}
    assert bench.inventory.cached(PG) == port_group("2", name="net", vlan=7)


def test_an_update_that_changes_nothing_wakes_nobody(bench: Bench) -> None:
    bench.push("enter", PG, config_version="1")
    assert bench.push("modify", PG, config_version="1") == []


def test_an_update_that_was_computed_before_a_read_is_dropped(bench: Bench) -> None:
    bench.push("enter", PG, config_version="1", vlan=5)
    bench.read(port_group("2", vlan=6))
    bench.read(port_group("3", vlan=7))
    assert bench.push("modify", PG, config_version="2", vlan=6) == []
    assert bench.push("modify", PG, config_version="1", vlan=5) == []
    assert bench.inventory.cached(PG) == port_group("3", vlan=7)
    assert bench.push("modify", PG, config_version="4", vlan=5) == [A]


def test_a_read_that_a_push_has_overtaken_is_dropped(bench: Bench) -> None:
    bench.push("enter", PG, config_version="1", vlan=5)
    assert bench.push("modify", PG, config_version="2", vlan=6) == [A]
    assert bench.read(port_group("1", vlan=5)) == []
    assert bench.inventory.cached(PG) == port_group("2", vlan=6)
    assert bench.push("modify", PG, config_version="3", vlan=7) == [A]


def test_a_new_session_may_bring_back_a_version_that_was_seen_before(bench: Bench) -> None:
    # As after a restore of the vCenter from a backup.
    bench.push("enter", PG, config_version="1", vlan=5)
    bench.read(port_group("2", vlan=6))
    bench.inventory.resync()
    assert bench.push("enter", PG, config_version="1", vlan=5) == [A]
    assert bench.inventory.cached(PG) == port_group("1", vlan=5)


def test_the_full_state_of_a_new_session_wakes_only_those_whose_object_changed(bench: Bench) -> None:
    bench.push("enter", PG, config_version="1")
    bench.inventory.resync()
    assert bench.sent() == ([PG], [])
    assert bench.push("enter", PG, config_version="1") == []
    assert bench.push("enter", PG, config_version="2") == [A]


def test_news_of_single_ports_wake_those_who_watch_their_port_group_and_nobody_else(bench: Bench) -> None:
    bench.push("enter", PG, key="dvportgroup-1", config_version="1")
    bench.woken.clear()

    bench.inventory.ports_changed({"dvportgroup-2"})
    assert (bench.woken, bench.inventory.port_news(PG)) == ([], 0)
    bench.inventory.ports_changed({"dvportgroup-1", "dvportgroup-2"})
    assert (bench.woken, bench.inventory.port_news(PG)) == ([A], 1)


def test_a_switch_is_known_by_either_of_its_types(bench: Bench) -> None:
    bench.inventory.watch(B, [MoRef("VmwareDistributedVirtualSwitch", "dvs-1")])

    assert bench.inventory.watches_switch(MoRef("DistributedVirtualSwitch", "dvs-1"))
    assert not bench.inventory.watches_switch(MoRef("DistributedVirtualSwitch", "dvs-2"))


def test_an_object_that_leaves_is_missing_until_it_enters_again(bench: Bench) -> None:
    bench.push("enter", PG, config_version="1")
    assert bench.push("leave", PG) == [A]
    assert bench.inventory.missing(PG)
    assert bench.inventory.cached(PG) is None
    assert bench.push("enter", PG, config_version="1") == [A]
    assert not bench.inventory.missing(PG)


def test_an_object_that_the_server_does_not_know_is_missing(bench: Bench) -> None:
    bench.inventory.unresolved([PG])
    assert bench.inventory.missing(PG)
    assert bench.woken == [A]


def test_a_live_read_of_a_missing_object_puts_it_back_under_watch(bench: Bench) -> None:
    bench.inventory.unresolved([PG])
    bench.read(port_group("1"))
    assert not bench.inventory.missing(PG)
    assert bench.sent() == ([PG], [])


def test_a_live_read_that_finds_nothing_says_missing_at_once(bench: Bench) -> None:
    bench.push("enter", PG, config_version="1")
    bench.inventory.gone(PG)
    assert bench.inventory.missing(PG)


def test_a_watch_given_up_and_taken_again_keeps_what_is_known(bench: Bench) -> None:
    bench.push("enter", PG, config_version="1")
    bench.inventory.forget(A)
    bench.inventory.watch(B, [PG])
    assert bench.inventory.cached(PG) == port_group("1")
    assert bench.sent() == ([], [])
    assert bench.push("modify", PG, config_version="2") == [B]


def test_an_update_of_what_nobody_watches_any_more_is_ignored(bench: Bench) -> None:
    bench.inventory.forget(A)
    bench.sent()
    assert bench.push("modify", PG, config_version="2") == []
    assert bench.inventory.cached(PG) is None


def test_the_detail_of_a_machine_survives_a_push_and_shows_that_it_is_old() -> None:
    bench = Bench()
    bench.inventory.watch(A, [VM])
    bench.push("enter", VM, change_version="v1", connection_state="connected")
    read = bench.inventory.cached(VM)
    assert isinstance(read, VirtualMachine)
    assert not read.detailed
    bench.read(replace(read, detail=VirtualMachineDetail("v1", "mark", ())))
    bench.push("modify", VM, power_state="poweredOn")
    cached = bench.inventory.cached(VM)
    assert isinstance(cached, VirtualMachine)
    assert cached.detailed
    bench.push("modify", VM, change_version="v2")
    cached = bench.inventory.cached(VM)
    assert isinstance(cached, VirtualMachine)
    assert cached.detail is not None
    assert not cached.detailed


def test_what_cannot_be_watched_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="Folder:group-1; allowed are"):
        Bench().inventory.watch(A, [MoRef("Folder", "group-1")])


def test_the_end_of_a_task_wakes_who_started_it_and_takes_it_out_of_the_view(bench: Bench) -> None:
    bench.inventory.follow(A, TASK)
    assert bench.sent() == ([TASK], [])
    assert bench.push("enter", TASK, state=TaskState.RUNNING, progress=10) == []
    assert bench.push("modify", TASK, state=TaskState.SUCCESS, result=PG) == [A]
    assert bench.inventory.task(TASK) == Task(TASK, TaskState.SUCCESS, 10, None, PG)
    assert bench.sent() == ([], [TASK])


def test_a_task_that_ended_before_anybody_asked_is_still_known(bench: Bench) -> None:
    bench.inventory.follow(A, TASK)
    bench.push("enter", TASK, state=TaskState.SUCCESS)
    assert bench.inventory.follow(B, TASK).state is TaskState.SUCCESS


def test_a_new_task_is_not_taken_for_an_old_one_of_the_same_number(bench: Bench) -> None:
    # A vCenter that was restored from a backup gives numbers away again.
    bench.inventory.follow(A, TASK)
    bench.push("enter", TASK, state=TaskState.SUCCESS, result=PG)
    assert bench.inventory.started(B, TASK) == Task(TASK, TaskState.QUEUED)
    assert bench.push("enter", TASK, state=TaskState.ERROR) == [B]


@pytest.mark.parametrize("how", ["leave", "unresolved"])
def test_a_task_that_a_restarted_server_forgot_is_lost(bench: Bench, how: str) -> None:
    bench.inventory.follow(A, TASK)
    bench.sent()
    if how == "leave":
        assert bench.push("leave", TASK) == [A]
    else:
        bench.inventory.resync()
        assert TASK in bench.sent()[0]
        bench.inventory.unresolved([TASK])
        assert bench.woken == [A]
    task = bench.inventory.task(TASK)
    assert task is not None
    assert task.state is TaskState.LOST


def test_another_vcenter_at_the_same_address_is_not_taken_for_the_old_one(bench: Bench) -> None:
    # Ids are only unique within one vCenter: what the old one called dvportgroup-1 is not what the new one does.
    bench.push("enter", PG, config_version="1")
    ended = MoRef("Task", "task-2")
    bench.inventory.follow(A, ended)
    bench.push("enter", ended, state=TaskState.SUCCESS)
    bench.inventory.follow(A, TASK)
    bench.inventory.clear()
    assert bench.inventory.task(ended) is None
    assert bench.inventory.cached(PG) is None
    task = bench.inventory.task(TASK)
    assert task is not None
    assert task.state is TaskState.LOST
    bench.inventory.resync()
    assert bench.sent()[0] == [PG]


def test_a_machine_that_was_away_comes_back_with_the_version_that_it_had(bench: Bench) -> None:
    bench.inventory.watch(A, [VM])
    bench.push("enter", VM, change_version="7", connection_state="connected", config_available=True)

    bench.push("modify", VM, change_version="", connection_state="inaccessible")
    bench.push("modify", VM, change_version="7", connection_state="connected")

    record = bench.inventory.cached(VM)
    assert isinstance(record, VirtualMachine)
    assert (record.change_version, record.config_available) == ("7", True)
