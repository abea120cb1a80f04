"""What a waiting client is told: who entered, what changed, who left, and under which version."""

import threading
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.lab import Lab
from bed.soap import Updates, connect, find, finish, moid
from bed.twin import ALICE, OPERATOR, Twin

MACHINE = {vim.VirtualMachine: ["name", "config.nestedHVEnabled", "config.hardware.numCPU", "runtime.powerState"]}


def _container(instance: Any, kinds: list[Any] | None = None, root: Any = None) -> Any:
    content = instance.content
    return content.viewManager.CreateContainerView(root or content.rootFolder, kinds or [vim.VirtualMachine], True)


def _list(instance: Any, *objects: Any) -> Any:
    return instance.content.viewManager.CreateListView(list(objects))


def test_the_first_set_is_the_full_state(lab: Lab) -> None:
    updates = Updates(lab.instance, _container(lab.instance), MACHINE)

    entered = updates.all()

    assert {kind for kind, _, _ in entered} == {"enter"}
    assert sorted(change["name"] for _, _, change in entered) == [
        "DC0_C0_RP0_VM0", "DC0_C0_RP0_VM1", "DC0_H0_VM0", "DC0_H0_VM1",
    ]  # fmt: skip
    assert set(entered[0][2]) == set(MACHINE[vim.VirtualMachine])


def test_only_what_changed_is_sent(lab: Lab) -> None:
    vm = find(lab.instance, vim.VirtualMachine, "DC0_H0_VM0")
    updates = Updates(lab.instance, _container(lab.instance), MACHINE)
    updates.all()

    finish(vm.PowerOffVM_Task())
    assert updates.all() == [("modify", moid(vm), {"runtime.powerState": "poweredOff"})]

    finish(vm.ReconfigVM_Task(vim.vm.ConfigSpec(numCPUs=4, nestedHVEnabled=True)))
    assert updates.all() == [("modify", moid(vm), {"config.hardware.numCPU": 4, "config.nestedHVEnabled": True})]


def test_nothing_is_sent_when_nothing_changed(lab: Lab) -> None:
    vm = find(lab.instance, vim.VirtualMachine, "DC0_H0_VM0")
    updates = Updates(lab.instance, _container(lab.instance), {vim.VirtualMachine: ["config.hardware.numCPU"]})
    updates.all()
    finish(vm.PowerOffVM_Task())

    assert updates.wait(1) is None


def test_silent_changes_of_the_stock_simulator_are_seen(lab: Lab) -> None:
    vm = find(lab.instance, vim.VirtualMachine, "DC0_H0_VM0")
    finish(vm.PowerOffVM_Task())
    updates = Updates(lab.instance, vm, {vim.VirtualMachine: ["config.template", "resourcePool", "config.annotation"]})
    updates.all()

    vm.MarkAsTemplate()
    ((kind, _, changes),) = updates.all()
    assert kind == "modify"
    assert changes == {"config.template": True, "resourcePool": None}

    finish(vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="a note")))
    assert updates.all() == [("modify", moid(vm), {"config.annotation": "a note"})]


def test_created_objects_enter_and_destroyed_ones_leave(lab: Lab) -> None:
    updates = Updates(lab.instance, _container(lab.instance), {vim.VirtualMachine: ["name"]})
    updates.all()

    (created,) = lab.twin.control.seed(vms=1, prefix="new").vms
    assert updates.all() == [("enter", created, {"name": "new-vm-0"})]

    finish(find(lab.instance, vim.VirtualMachine, "new-vm-0").Destroy_Task())
    assert updates.all() == [("leave", created, {})]


def test_a_container_view_of_a_pool_follows_its_machines(lab: Lab) -> None:
    pool = find(lab.instance, vim.ClusterComputeResource, "DC0_C0").resourcePool
    vm = find(lab.instance, vim.VirtualMachine, "DC0_C0_RP0_VM0")
    updates = Updates(lab.instance, _container(lab.instance, root=pool), {vim.VirtualMachine: ["name"]})
    assert len(updates.all()) == 2

    finish(vm.PowerOffVM_Task())
    finish(vm.Destroy_Task())

    assert updates.all() == [("leave", moid(vm), {})]


def test_a_list_view_is_what_its_client_puts_in(lab: Lab) -> None:
    one, two = (find(lab.instance, vim.VirtualMachine, name) for name in ("DC0_H0_VM0", "DC0_H0_VM1"))
    view = _list(lab.instance, one)
    updates = Updates(lab.instance, view, {vim.VirtualMachine: ["name"]})
    assert updates.all() == [("enter", moid(one), {"name": "DC0_H0_VM0"})]

    gone = vim.VirtualMachine("vm-9999", lab.instance._stub)  # noqa: SLF001 - names what does not exist
    assert [moid(unresolved) for unresolved in view.ModifyListView(add=[two, gone])] == ["vm-9999"]
    assert updates.all() == [("enter", moid(two), {"name": "DC0_H0_VM1"})]

    view.ModifyListView(remove=[one])
    assert updates.all() == [("leave", moid(one), {})]

    finish(two.PowerOffVM_Task())
    finish(two.Destroy_Task())
    assert updates.all() == [("leave", moid(two), {})]
    assert view.view == []


def test_a_task_in_a_list_view_is_followed_to_its_end(lab: Lab) -> None:
    view = _list(lab.instance)
    updates = Updates(lab.instance, view, {vim.Task: ["info.state", "info.error", "info.result"]})
    updates.wait(0)
    hold = lab.twin.control.hold("PowerOffVM_Task")
    task = find(lab.instance, vim.VirtualMachine, "DC0_H0_VM0").PowerOffVM_Task()
    view.ModifyListView(add=[task])

    states = [changes["info.state"] for _, _, changes in updates.all() if "info.state" in changes]
    lab.twin.control.release(hold)
    while states[-1] not in {"success", "error"}:
        states += [changes["info.state"] for _, _, changes in updates.all() if "info.state" in changes]

    assert states[0] in {"queued", "running"}
    assert states[-1] == "success"


def test_a_port_group_shows_policy_version_and_who_is_attached(lab: Lab) -> None:
    group = find(lab.instance, vim.dvs.DistributedVirtualPortgroup, "DC0_DVPG0")
    paths = ["config.configVersion", "config.defaultPortConfig", "vm"]
    updates = Updates(lab.instance, group, {vim.dvs.DistributedVirtualPortgroup: paths})
    ((_, _, state),) = updates.all()
    assert len(state["vm"]) == 4
    assert isinstance(state["config.defaultPortConfig"], vim.dvs.VmwareDistributedVirtualSwitch.VmwarePortConfigPolicy)

    policy = "config.defaultPortConfig.macManagementPolicy.allowPromiscuous"
    version = lab.twin.control.drift(moid(group), set={policy: True})

    ((kind, _, changes),) = updates.all()
    assert kind == "modify"
    assert changes["config.configVersion"] == version
    assert changes["config.defaultPortConfig"].macManagementPolicy.allowPromiscuous is True
    assert "vm" not in changes

    vm = find(lab.instance, vim.VirtualMachine, "DC0_H0_VM0")
    finish(vm.PowerOffVM_Task())
    finish(vm.Destroy_Task())
    ((_, _, changes),) = updates.all()
    assert len(changes["vm"]) == 3


def test_a_wait_under_way_hears_of_another_users_change_at_once(twin: Twin) -> None:
    with connect(twin, OPERATOR) as mine, connect(twin, ALICE) as others:
        updates = Updates(mine, _container(mine), MACHINE)
        updates.all()
        received: list[Any] = []
        waiter = threading.Thread(target=lambda: received.extend(updates.all(20)))
        waiter.start()

        vm = find(others, vim.VirtualMachine, "DC0_H0_VM0")
        finish(vm.PowerOffVM_Task())
        waiter.join(10)

    assert received == [("modify", moid(vm), {"runtime.powerState": "poweredOff"})]


def test_a_filter_made_during_a_wait_is_reported_at_once(twin: Twin) -> None:
    with connect(twin, OPERATOR) as instance:
        updates = Updates(instance, _list(instance), MACHINE)
        updates.wait(0)
        received: list[Any] = []
        waiter = threading.Thread(target=lambda: received.extend(updates.all(20)))
        waiter.start()
        updates.spec.objectSet[0].obj = _container(instance)
        updates.spec.objectSet[0].selectSet[0].type = vim.view.ContainerView
        updates.collector.CreateFilter(updates.spec, partialUpdates=False)
        waiter.join(10)

    assert {kind for kind, _, _ in received} == {"enter"}
    assert len(received) == 4


def test_a_destroyed_filter_and_view_report_nothing(lab: Lab) -> None:
    view = _container(lab.instance)
    updates = Updates(lab.instance, view, MACHINE)
    updates.all()
    updates.filter.DestroyPropertyFilter()
    finish(find(lab.instance, vim.VirtualMachine, "DC0_H0_VM0").PowerOffVM_Task())

    assert updates.wait(1) is None
    view.DestroyView()
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        view.DestroyView()


@pytest.mark.parametrize(
    ("kind", "path", "fault"),
    [
        (vim.VirtualMachine, "config.hardware.nestedHVEnabled", vmodl.query.InvalidProperty),
        (vim.dvs.DistributedVirtualPortgroup, "config.defaultPortConfig.noSuchPolicy", vmodl.query.InvalidProperty),
    ],
)
def test_a_wrong_path_is_refused_when_the_filter_is_made(lab: Lab, kind: Any, path: str, fault: Any) -> None:
    with pytest.raises(fault) as caught:
        Updates(lab.instance, _container(lab.instance), {kind: [path]})

    assert caught.value.name == path


def test_a_missing_start_object_is_a_fault_or_a_report_as_asked(lab: Lab) -> None:
    gone = vim.VirtualMachine("vm-9999", lab.instance._stub)  # noqa: SLF001 - names what does not exist
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        Updates(lab.instance, gone, MACHINE)

    updates = Updates(lab.instance, _list(lab.instance), MACHINE)
    updates.spec.objectSet[0].obj = gone
    updates.spec.objectSet[0].selectSet = []
    updates.spec.objectSet[0].skip = False
    updates.spec.reportMissingObjectsInResults = True
    updates.collector.CreateFilter(updates.spec, partialUpdates=False)
    (part,) = updates.wait().filterSet

    assert moid(part.missingSet[0].obj) == "vm-9999"
    assert isinstance(part.missingSet[0].fault, vmodl.fault.ManagedObjectNotFound)


def test_a_move_between_folders_is_a_leave_here_and_an_enter_there(lab: Lab) -> None:
    root = find(lab.instance, vim.Datacenter, "DC0").vmFolder
    there = root.CreateFolder("there")
    vm = find(lab.instance, vim.VirtualMachine, "DC0_H0_VM0")
    updates = Updates(lab.instance, _container(lab.instance, root=there), {vim.VirtualMachine: ["name"]})
    assert updates.wait(0) is None

    finish(there.MoveIntoFolder_Task([vm]))
    assert updates.all() == [("enter", moid(vm), {"name": "DC0_H0_VM0"})]

    finish(root.MoveIntoFolder_Task([vm]))
    assert updates.all() == [("leave", moid(vm), {})]
