"""What a waiting client is told, where it takes a drift, a hold or another user to show it."""

import threading
from typing import Any

from pyVmomi import vim

from bed.lab import Lab
from bed.soap import Updates, connect, find, finish, moid
from bed.twin import ALICE, OPERATOR, Twin
from verify.rule import rule

MACHINE = {vim.VirtualMachine: ["name", "config.nestedHVEnabled", "config.hardware.numCPU", "runtime.powerState"]}


def _container(instance: Any, kinds: list[Any] | None = None, root: Any = None) -> Any:
    content = instance.content
    return content.viewManager.CreateContainerView(root or content.rootFolder, kinds or [vim.VirtualMachine], True)


def _list(instance: Any, *objects: Any) -> Any:
    return instance.content.viewManager.CreateListView(list(objects))


@rule(
    call="MarkAsTemplate",
    says="The change is pushed, also where nobody reconfigured the machine.",
    standing="documented",
    source="API reference, WaitForUpdatesEx: changes of the selected properties",
)
def test_a_machine_that_becomes_a_template_is_told(lab: Lab) -> None:
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


@rule(
    call="ListView",
    says="A task in a list view is followed from queued or running to its end.",
    standing="documented",
    source="API reference, TaskManager.recentTask: a ListView is the way to monitor tasks",
)
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


@rule(
    call="DistributedVirtualPortgroup.config",
    says="A change of a policy is pushed with a new configVersion, and who is attached with its own property.",
    standing="documented",
    source="API reference, DVPortgroupConfigInfo.configVersion and Network.vm",
)
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


@rule(
    call="WaitForUpdatesEx",
    says="A wait under way hears of another user's change at once.",
    standing="documented",
    source="API reference, WaitForUpdatesEx: returns when a filter has updates",
)
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
