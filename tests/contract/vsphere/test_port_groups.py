"""Port groups of a distributed switch: one call each, fenced, seen by push, and found by their mark."""

import uuid
from dataclasses import replace
from typing import Any

import pytest
from pyVmomi import vim

from bed.soap import connect, result_of
from bed.twin import ALICE, OPERATOR, Twin
from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import (
    Blocked,
    Concurrent,
    Gone,
    InUse,
    NameTaken,
    OperatorError,
    OutcomeUnknown,
    PermissionDenied,
)
from nested_hyperv.domain.inventory import (
    MacLearningPolicy,
    MacManagementPolicy,
    MoRef,
    PortGroup,
    PortGroupSettings,
    Switch,
    TaskState,
)
from nested_hyperv.domain.ownership import Mark
from nested_hyperv.domain.resource import ObjectKey
from nested_hyperv.vsphere.vcenter import VCenter

from .conftest import KEY, Adapter

LEARNING = MacManagementPolicy(
    allow_promiscuous=False,
    mac_changes=False,
    forged_transmits=True,
    learning=MacLearningPolicy(enabled=True, allow_unicast_flooding=True, limit=4096, limit_policy="drop"),
)
OTHER_KEY = ObjectKey("NestedPortGroup", "lab", "b")


def a_mark() -> Mark:
    return Mark(owner=str(uuid.uuid4()), lineage=str(uuid.uuid4()), mode="MACLearning")


async def created(adapter: Adapter, vcenter: VCenter, switch: Switch, name: str, mark: Mark) -> PortGroup:
    settings = PortGroupSettings(name=name, description=mark.for_port_group(), vlan=120, mac_management=LEARNING)
    task = await adapter.end_of(vcenter, await vcenter.create_port_group(KEY, switch, settings))
    assert task.result is not None, task.error
    record = await vcenter.read_port_group(task.result)
    assert record is not None
    return record


def learning_off() -> dict[str, object]:
    return {"config.defaultPortConfig.macManagementPolicy.macLearningPolicy.enabled": False}


async def test_one_call_creates_a_port_group_with_policy_and_mark(
    adapter: Adapter, vcenter: VCenter, switch: Switch, twin: Twin
) -> None:
    mark = a_mark()
    twin.control.reset_counters()
    record = await created(adapter, vcenter, switch, "lab-net", mark)
    assert (record.name, record.vlan, record.vlan_inherited, record.mac_management) == ("lab-net", 120, False, LEARNING)
    assert mark.for_port_group() in record.description
    assert record.switch == switch.ref
    changing = [call.method for call in twin.control.calls(user=OPERATOR) if call.method.endswith("_Task")]
    assert changing == ["CreateDVPortgroup_Task"]
    assert KEY in adapter.woken


async def test_a_switch_is_found_by_name_and_by_path(vcenter: VCenter, switch: Switch) -> None:
    assert switch.path == "/DC0/network/DVS0"
    assert switch.mac_learning_supported
    assert await vcenter.find_switch("/DC0", "/DC0/network/DVS0", fresh=True) == switch


@pytest.mark.parametrize(
    ("datacenter", "name", "told"),
    [("DC0", "nope", "DVS0"), ("nope", "DVS0", "/DC0"), ("DC0", "/DC0/network/nope", "/DC0/network/nope")],
)
async def test_a_name_that_fits_nothing_is_answered_with_what_there_is(
    vcenter: VCenter, datacenter: str, name: str, told: str
) -> None:
    with pytest.raises(Blocked, match=told) as caught:
        await vcenter.find_switch(datacenter, name, fresh=True)
    assert caught.value.reason is Reason.NOT_FOUND


async def test_a_change_by_somebody_else_is_pushed_to_everybody_who_watches(
    adapter: Adapter, vcenter: VCenter, switch: Switch, twin: Twin
) -> None:
    record = await created(adapter, vcenter, switch, "lab-net", a_mark())
    vcenter.watch(KEY, [record.ref])
    await adapter.until(lambda: vcenter.cached(record.ref), "the first state")
    vcenter.watch(OTHER_KEY, [record.ref])
    adapter.woken.clear()
    twin.control.reset_counters()
    twin.control.drift(record.ref.value, set=learning_off())
    await adapter.until(lambda: {KEY, OTHER_KEY} <= set(adapter.woken), "both wake-ups")
    cached = vcenter.cached(record.ref)
    assert isinstance(cached, PortGroup)
    assert cached.mac_management is not None
    assert not cached.mac_management.learning.enabled
    # The view may still be told of the watch; nothing is read, for the push says it all.
    assert set(twin.control.counters(OPERATOR)) <= {"WaitForUpdatesEx", "ModifyListView"}


async def test_a_change_is_fenced_by_the_version_that_was_read(
    adapter: Adapter, vcenter: VCenter, switch: Switch, twin: Twin
) -> None:
    record = await created(adapter, vcenter, switch, "lab-net", a_mark())
    twin.control.drift(record.ref.value, set=learning_off())
    task = await vcenter.reconfigure_port_group(KEY, record, PortGroupSettings(vlan=7))
    assert isinstance((await adapter.end_of(vcenter, task)).error, Concurrent)
    again = await vcenter.read_port_group(record.ref)
    assert again is not None
    assert again.vlan == 120
    task = await vcenter.reconfigure_port_group(KEY, again, PortGroupSettings(vlan=7))
    assert (await adapter.end_of(vcenter, task)).state is TaskState.SUCCESS


async def test_a_change_of_one_policy_leaves_the_others(adapter: Adapter, vcenter: VCenter, switch: Switch) -> None:
    record = await created(adapter, vcenter, switch, "lab-net", a_mark())
    wanted = replace(LEARNING, learning=replace(LEARNING.learning, limit=100, limit_policy="allow"))
    task = await vcenter.reconfigure_port_group(KEY, record, PortGroupSettings(mac_management=wanted))
    await adapter.end_of(vcenter, task)
    after = await vcenter.read_port_group(record.ref)
    assert after is not None
    assert (after.mac_management, after.vlan, after.description) == (wanted, 120, record.description)


async def test_what_a_read_has_shown_is_not_turned_back_by_a_later_push(
    adapter: Adapter, vcenter: VCenter, switch: Switch, twin: Twin
) -> None:
    record = await created(adapter, vcenter, switch, "lab-net", a_mark())
    vcenter.watch(KEY, [record.ref])
    await adapter.until(lambda: vcenter.cached(record.ref), "the first state")
    twin.control.latency("WaitForUpdatesEx", seconds=0.3)
    twin.control.drift(record.ref.value, set=learning_off())
    drifted = await vcenter.read_port_group(record.ref)
    assert drifted is not None
    task = await vcenter.reconfigure_port_group(KEY, drifted, PortGroupSettings(mac_management=LEARNING))
    await adapter.until(lambda: (known := vcenter.task(task)) and known.state.ended, "the repair")
    repaired = await vcenter.read_port_group(record.ref)
    seen = []
    rounds = twin.control.counters()["WaitForUpdatesEx"]

    def settled() -> bool:
        seen.append(vcenter.cached(record.ref))
        return twin.control.counters()["WaitForUpdatesEx"] > rounds + 2

    await adapter.until(settled, "two more rounds of the poll")
    assert set(seen) == {repaired}


async def test_an_object_that_goes_away_is_missing_and_a_read_confirms_it(
    adapter: Adapter, vcenter: VCenter, switch: Switch
) -> None:
    record = await created(adapter, vcenter, switch, "lab-net", a_mark())
    vcenter.watch(KEY, [record.ref])
    await adapter.until(lambda: vcenter.cached(record.ref), "the first state")
    await adapter.end_of(vcenter, await vcenter.destroy(OTHER_KEY, record.ref))
    await adapter.until(lambda: vcenter.missing(record.ref), "the departure")
    assert await vcenter.read_port_group(record.ref) is None
    with pytest.raises(Gone):
        await vcenter.destroy(KEY, record.ref)


async def test_watching_what_does_not_exist_says_missing(adapter: Adapter, vcenter: VCenter) -> None:
    ghost = MoRef("DistributedVirtualPortgroup", "dvportgroup-9999")
    vcenter.watch(KEY, [ghost])
    await adapter.until(lambda: vcenter.missing(ghost), "the answer about a ghost")
    assert KEY in adapter.woken


async def test_a_port_group_is_found_by_its_mark_under_any_name(
    adapter: Adapter, vcenter: VCenter, switch: Switch, twin: Twin
) -> None:
    mark = a_mark()
    assert await vcenter.find_port_group_by_owner(switch, mark.owner) == []
    record = await created(adapter, vcenter, switch, "lab-net", mark)
    await created(adapter, vcenter, switch, "other-net", a_mark())
    twin.control.drift(record.ref.value, set={"name": "renamed", "config.name": "renamed"})
    hits = await vcenter.find_port_group_by_owner(switch, mark.owner)
    assert [(hit.ref, hit.name) for hit in hits] == [(record.ref, "renamed")]


async def test_the_marks_of_a_switch_are_read_in_bulk_and_once(
    adapter: Adapter, vcenter: VCenter, switch: Switch, twin: Twin
) -> None:
    mark = a_mark()
    record = await created(adapter, vcenter, switch, "lab-net", mark)
    await vcenter.find_port_group_by_owner(switch, mark.owner)
    twin.control.seed(port_groups=200)
    twin.control.reset_counters()
    assert [hit.ref for hit in await vcenter.find_port_group_by_owner(switch, mark.owner)] == [record.ref]
    assert twin.control.counters(OPERATOR).get("RetrievePropertiesEx") == 1


async def test_a_mark_that_was_taken_off_is_not_a_hit(
    adapter: Adapter, vcenter: VCenter, switch: Switch, twin: Twin
) -> None:
    mark = a_mark()
    record = await created(adapter, vcenter, switch, "lab-net", mark)
    assert await vcenter.find_port_group_by_owner(switch, mark.owner) != []
    twin.control.drift(record.ref.value, set={"config.description": "mine now"})
    assert await vcenter.find_port_group_by_owner(switch, mark.owner) == []


async def test_a_creation_that_nobody_waits_for_is_seen_running_and_found_by_marks_that_are_read_anew(
    adapter: Adapter, vcenter: VCenter, switch: Switch, twin: Twin
) -> None:
    mark = a_mark()
    assert await vcenter.running_creations() == []
    twin.control.hold("CreateDVPortgroup_Task")
    twin.control.fail("CreateDVPortgroup_Task", where="drop-after")
    with pytest.raises(OutcomeUnknown):
        await vcenter.create_port_group(
            KEY, switch, PortGroupSettings(name="lab-net", description=mark.for_port_group())
        )
    (held,) = await adapter.until(twin.control.held_tasks, "the task that nobody was told of")
    assert await vcenter.running_creations() == [MoRef("Task", held.task)]
    assert await vcenter.find_port_group_by_name(switch, "lab-net") is None
    assert await vcenter.find_port_group_by_owner(switch, mark.owner) == [], "an index without it, and kept"
    assert not await vcenter.exists_anywhere(mark.owner)
    twin.control.release()
    await adapter.until(lambda: twin.control.state().port_group("lab-net"), "the port group")
    assert await vcenter.running_creations() == []
    assert await vcenter.find_port_group_by_owner(switch, mark.owner) == []
    assert await vcenter.exists_anywhere(mark.owner)
    vcenter.distrust_owners(switch)
    assert [hit.name for hit in await vcenter.find_port_group_by_owner(switch, mark.owner)] == ["lab-net"]


async def test_neither_another_change_nor_the_creation_of_a_stranger_is_a_running_creation_of_ours(
    adapter: Adapter, vcenter: VCenter, switch: Switch, twin: Twin
) -> None:
    record = await created(adapter, vcenter, switch, "lab-net", a_mark())
    twin.control.hold()
    await vcenter.reconfigure_port_group(KEY, record, PortGroupSettings(vlan=7))
    with connect(twin, ALICE) as instance:
        theirs: Any = vim.dvs.VmwareDistributedVirtualSwitch(switch.ref.value, instance._stub)  # noqa: SLF001
        theirs.CreateDVPortgroup_Task(vim.dvs.DistributedVirtualPortgroup.ConfigSpec(name="theirs"))
        theirs.Rename_Task("renamed")
    await adapter.until(lambda: len(twin.control.held_tasks()) == 3, "three tasks that run")
    assert await vcenter.running_creations() == []


async def test_a_taken_name_names_its_holder(adapter: Adapter, vcenter: VCenter, switch: Switch) -> None:
    record = await created(adapter, vcenter, switch, "lab-net", a_mark())
    task = await vcenter.create_port_group(KEY, switch, PortGroupSettings(name="lab-net"))
    error = (await adapter.end_of(vcenter, task)).error
    assert isinstance(error, NameTaken)
    assert error.holder == record.ref
    holder = await vcenter.find_port_group_by_name(switch, "lab-net")
    assert holder is not None
    assert holder.ref == record.ref
    assert await vcenter.find_port_group_by_name(switch, "free") is None


async def test_a_port_group_in_use_is_not_deleted(adapter: Adapter, vcenter: VCenter, switch: Switch) -> None:
    used = await vcenter.find_port_group_by_name(switch, "DC0_DVPG0")
    assert used is not None
    assert used.virtual_machines
    error = (await adapter.end_of(vcenter, await vcenter.destroy(KEY, used.ref))).error
    assert isinstance(error, InUse)
    names = await vcenter.names_of(used.virtual_machines)
    assert set(names) == set(used.virtual_machines)
    assert all(names.values())


async def test_names_of_objects_that_are_gone_are_left_out(vcenter: VCenter, switch: Switch) -> None:
    ghosts = [MoRef("VirtualMachine", "vm-9998"), MoRef("VirtualMachine", "vm-9999")]
    assert await vcenter.names_of([ghosts[0], switch.ref, ghosts[1]]) == {switch.ref: "DVS0"}


async def test_an_older_switch_says_that_it_cannot_learn(vcenter: VCenter, twin: Twin) -> None:
    twin.control.switch("DVS0", version="6.5.0")
    switch = await vcenter.find_switch("DC0", "DVS0", fresh=True)
    assert (switch.version, switch.mac_learning_supported) == ("6.5.0", False)


async def test_an_upgrade_of_a_remembered_switch_is_seen_as_soon_as_it_is_pushed(
    adapter: Adapter, vcenter: VCenter, twin: Twin
) -> None:
    twin.control.switch("DVS0", version="6.5.0")
    old = await vcenter.find_switch("DC0", "DVS0", fresh=True)
    vcenter.watch(KEY, [old.ref])
    await adapter.until(lambda: vcenter.cached(old.ref), "the switch to be pushed")
    twin.control.switch("DVS0", version="8.0.3")
    await adapter.until(
        lambda: getattr(vcenter.cached(old.ref), "version", "") == "8.0.3" or None, "the upgrade to be pushed"
    )
    switch = await vcenter.find_switch("DC0", "DVS0", fresh=False)
    assert (switch.version, switch.mac_learning_supported, switch.path) == ("8.0.3", True, "/DC0/network/DVS0")


@pytest.mark.parametrize("where", ["soap", "task"])
async def test_a_missing_privilege_is_named_whether_call_or_task_meets_it(
    adapter: Adapter, vcenter: VCenter, switch: Switch, twin: Twin, where: str
) -> None:
    twin.control.fail(
        "CreateDVPortgroup_Task",
        fault="NoPermission",
        where="soap" if where == "soap" else "task",
        fields={"privilegeId": "DVPortgroup.Create"},
    )
    error: OperatorError | None
    try:
        task = await vcenter.create_port_group(KEY, switch, PortGroupSettings(name="lab-net"))
    except OperatorError as raised:
        error = raised
    else:
        error = (await adapter.end_of(vcenter, task)).error
    assert isinstance(error, PermissionDenied)
    assert "DVPortgroup.Create" in error.message


async def test_a_task_of_an_earlier_process_is_followed_to_its_end(
    adapter: Adapter, vcenter: VCenter, switch: Switch, twin: Twin
) -> None:
    twin.control.hold("CreateDVPortgroup_Task")
    task = await vcenter.create_port_group(OTHER_KEY, switch, PortGroupSettings(name="lab-net"))
    adapter.woken.clear()
    known = await vcenter.watch_task(KEY, task)
    assert not known.state.ended
    twin.control.release()
    assert (await adapter.end_of(vcenter, task)).state is TaskState.SUCCESS
    assert KEY in adapter.woken


async def test_a_task_that_the_server_does_not_know_is_lost(vcenter: VCenter) -> None:
    assert (await vcenter.watch_task(KEY, MoRef("Task", "task-9999"))).state is TaskState.LOST


async def test_what_is_destroyed_before_the_poll_has_told_of_it_turns_out_to_be_gone(
    adapter: Adapter, vcenter: VCenter, switch: Switch, twin: Twin
) -> None:
    other = (await created(adapter, vcenter, switch, "other", a_mark())).ref
    vcenter.watch(OTHER_KEY, [other])
    ref = (await created(adapter, vcenter, switch, "lab-net", a_mark())).ref
    # The next call of the long poll is answered from what there is a moment later.
    twin.control.fail("WaitForUpdatesEx", where="stall", user=OPERATOR.name, seconds=1, count=1)
    twin.control.drift(other.value, set={"config.defaultPortConfig.vlan.vlanId": 7})
    await adapter.until(twin.control.stalled_calls, "the long poll to hang")
    twin.control.reset_counters()
    adapter.woken.clear()

    vcenter.watch(KEY, [ref])
    await adapter.until(lambda: twin.control.counters(OPERATOR).get("ModifyListView"), "the view to be changed")
    assert vcenter.cached(ref) is not None, "it was read a moment ago"
    with connect(twin) as instance:
        result_of(vim.dvs.DistributedVirtualPortgroup(ref.value, instance._stub).Destroy_Task())  # noqa: SLF001

    await adapter.until(lambda: vcenter.missing(ref), "its end to be noticed")
    assert KEY in adapter.woken
    assert vcenter.cached(ref) is None
