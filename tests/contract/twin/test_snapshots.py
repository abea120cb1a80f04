"""Snapshots, where a rule needs a switch, a guest, another user or a host of its own kind."""

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.lab import Lab, fault_of
from bed.soap import connect, find, finish, message_of, moid, result_of
from bed.twin import ALICE
from bed.waiting import wait_for
from verify.machines import machine, on, take, tree
from verify.rule import rule


@pytest.fixture
def lab(tidy_lab: Lab) -> Lab:
    """The module's twin."""
    return tidy_lab


@rule(
    call="RevertToCurrentSnapshot_Task",
    says="Without a snapshot the call either does nothing or is NotFound.",
    standing="inferred",
    source="the method's page says both",
    switch="revertWithoutSnapshotFails",
)
def test_a_revert_without_a_snapshot_has_two_readings(lab: Lab) -> None:
    vm = machine(lab)
    before = vm.config.changeVersion

    result_of(vm.RevertToCurrentSnapshot_Task())
    assert vm.config.changeVersion == before

    lab.twin.control.rules(revertWithoutSnapshotFails=True)
    fault_of(finish(vm.RevertToCurrentSnapshot_Task()), vim.fault.NotFound)


@rule(
    call="RevertToSnapshot_Task",
    says="Under the other reading the name comes back with the configuration, and a taken one is DuplicateName.",
    standing="inferred",
    source="nothing found",
    switch="revertRestoresName",
)
def test_a_revert_can_restore_the_name(lab: Lab) -> None:
    lab.twin.control.rules(revertRestoresName=True)
    vm = machine(lab, "first")
    snapshot = take(vm)
    result_of(vm.Rename_Task("second"))
    other = machine(lab, "first")

    fault_of(finish(snapshot.RevertToSnapshot_Task()), vim.fault.DuplicateName)
    assert vm.name == "second"
    result_of(other.Rename_Task("third"))
    result_of(snapshot.RevertToSnapshot_Task())

    assert vm.name == vm.config.name == "first"


@rule(
    call="CreateSnapshot_Task",
    says="A chain has 32 snapshots at most, 31 under the other reading; one more is TooManySnapshotLevels.",
    standing="documented",
    source="configuration maximums: 32 in a chain; 31 observed (williamlam.com 2010/10, Dell PowerStore guide)",
    switch="snapshotDepth",
)
@pytest.mark.parametrize("depth", [32, 31])
def test_a_chain_has_an_end(lab: Lab, depth: int) -> None:
    lab.twin.control.rules(snapshotDepth=depth)
    vm = machine(lab)
    for number in range(depth):
        take(vm, f"level {number}")

    fault_of(finish(vm.CreateSnapshot_Task("one more", "", False, False)), vim.fault.TooManySnapshotLevels)

    result_of(vm.snapshot.rootSnapshotList[0].snapshot.RevertToSnapshot_Task())
    take(vm, "a branch is another chain")


@pytest.mark.infrastructure("a request to the control API")
def test_a_depth_that_no_chain_has_is_refused(lab: Lab) -> None:
    with pytest.raises(Exception, match=r"snapshotDepth: 0 .* 1 to 32"):
        lab.twin.control.rules(snapshotDepth=0)


@rule(
    call="CreateSnapshot_Task",
    says="With VMware Tools running, quiesce is kept in the snapshot tree.",
    standing="documented",
    source="API reference, VirtualMachineSnapshotTree.quiesced",
)
def test_quiesce_is_kept_when_tools_run(lab: Lab) -> None:
    vm = machine(lab)
    lab.twin.control.guest(moid(vm), tools=True, host_name="lab-1")
    on(vm)
    wait_for(lambda: vm.guest.toolsRunningStatus == "guestToolsRunning", "Tools to run", seconds=10)

    take(vm, quiesce=True)

    assert vm.snapshot.rootSnapshotList[0].quiesced


@rule(
    call="RevertToSnapshot_Task",
    says="The guest of a snapshot with memory runs at once, without booting.",
    standing="inferred",
    source="its memory is restored",
)
def test_a_guest_with_memory_does_not_boot(lab: Lab) -> None:
    vm = machine(lab)
    lab.twin.control.guest(moid(vm), tools=True, host_name="lab-1")
    on(vm)
    wait_for(lambda: vm.guest.hostName == "lab-1", "the guest to boot", seconds=10)
    snapshot = take(vm, memory=True)
    result_of(vm.PowerOffVM_Task())
    lab.twin.control.guest(moid(vm), tools=True, host_name="lab-1", boot_seconds=3600)

    result_of(snapshot.RevertToSnapshot_Task())

    assert vm.guest.toolsRunningStatus == "guestToolsRunning"


@rule(
    call="RevertToSnapshot_Task",
    says="A snapshot that cannot be powered on leaves the machine as it is.",
    standing="inferred",
    source="as PowerOnVM_Task; a failed task changes nothing",
)
def test_a_revert_that_cannot_power_on_changes_nothing(lab: Lab) -> None:
    vm = machine(lab, nestedHVEnabled=True)
    snapshot = take(on(vm), memory=True)
    result_of(vm.PowerOffVM_Task())
    result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="after")))
    host = moid(vm.runtime.host)
    lab.twin.control.host(host, nested_hv=False)

    try:
        fault_of(finish(snapshot.RevertToSnapshot_Task()), vim.fault.VmConfigFault)
    finally:
        lab.twin.control.host(host, nested_hv=True)

    assert vm.runtime.powerState == "poweredOff"
    assert vm.config.annotation == "after"


@rule(
    call="RevertToSnapshot_Task",
    says="A NIC whose port group was deleted meanwhile comes back without a network.",
    standing="inferred",
    source="nothing found",
)
def test_a_nic_outlives_its_port_group_in_a_snapshot(lab: Lab) -> None:
    group, other = lab.port_group("old"), lab.port_group("new")
    nic = vim.vm.device.VirtualDeviceSpec(operation="add", device=lab.nic_on(group))
    vm = lab.machine("with-nic", deviceChange=[nic])
    snapshot = take(on(vm), memory=True)
    lab.attach(vm, other)
    result_of(group.Destroy_Task())

    result_of(snapshot.RevertToSnapshot_Task())

    assert not vm.network
    assert not other.vm
    assert lab.nic(vm).backing.port.portgroupKey == moid(group)
    assert not lab.nic(vm).connectable.connected
    lab.attach(vm, other)
    assert [moid(network) for network in vm.network] == [moid(other)]


@rule(
    call="RevertToSnapshot_Task",
    says="The port of a NIC is bound anew on the group that the snapshot names.",
    standing="inferred",
    source="a static port belongs to whoever is connected to it",
)
def test_ports_follow_a_revert(lab: Lab) -> None:
    group, other = lab.port_group("old", numPorts=1, autoExpand=False), lab.port_group("new")
    nic = vim.vm.device.VirtualDeviceSpec(operation="add", device=lab.nic_on(group))
    vm = lab.machine("with-nic", deviceChange=[nic])
    snapshot = take(vm)
    lab.attach(vm, other)
    thief = lab.machine("thief", deviceChange=[nic])

    fault_of(finish(snapshot.RevertToSnapshot_Task()), vim.fault.VimFault)
    assert [moid(used) for used in other.vm] == [moid(vm)]
    result_of(thief.Destroy_Task())
    lab.made.remove(thief)
    result_of(snapshot.RevertToSnapshot_Task())

    assert [moid(used) for used in group.vm] == [moid(vm)]
    assert not other.vm


@rule(
    call="RemoveSnapshot_Task",
    says="Anybody with the right may remove anybody's snapshots: they have no owner.",
    standing="documented",
    source="API reference, VirtualMachineSnapshotTree: it has no member for a user",
)
def test_snapshots_of_others_hang_in_the_same_tree(lab: Lab) -> None:
    vm = machine(lab)
    with connect(lab.twin, ALICE) as other:
        take(find(other, vim.VirtualMachine, vm.name), "backup")
    mine = take(vm, "backup")

    assert tree(vm) == [("backup", [("backup", [])])]
    result_of(mine.RemoveSnapshot_Task(removeChildren=False))
    result_of(vm.snapshot.rootSnapshotList[0].snapshot.RemoveSnapshot_Task(removeChildren=False))
    assert vm.snapshot is None


@rule(
    call="RemoveSnapshot_Task",
    says="An operation on a snapshot waits for, or is refused by, another task of its machine.",
    standing="documented",
    source="API reference, RemoveSnapshot_Task: TaskInProgress if the virtual machine is busy",
    switch="busyVM",
)
def test_a_busy_machine_refuses_an_operation_on_its_snapshot(lab: Lab) -> None:
    vm = machine(lab)
    snapshot = take(vm)
    lab.twin.control.rules(busyVM="reject")
    lab.twin.control.hold("ReconfigVM_Task")
    running = vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="busy"))

    fault_of(finish(snapshot.RemoveSnapshot_Task(removeChildren=False)), vim.fault.TaskInProgress)
    lab.twin.control.release()
    result_of(running)


@rule(
    call="Destroy_Task",
    says="The snapshots of a destroyed machine are gone with it.",
    standing="documented",
    source="API reference, VirtualMachineSnapshot: subordinate to the virtual machine",
)
def test_snapshots_die_with_their_machine(lab: Lab) -> None:
    vm = machine(lab)
    snapshot = take(vm)
    result_of(vm.Destroy_Task())

    with pytest.raises(vmodl.fault.ManagedObjectNotFound) as gone:
        _: Any = snapshot.config
    assert message_of(gone.value)
