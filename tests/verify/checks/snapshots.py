"""Snapshots: what is kept, how they hang together, what comes back, what they forbid."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.soap import Updates, finish, moid, result_of
from verify.machines import Edit, disk_of, files, machine, mark, on, take, tree
from verify.rule import rule
from verify.scratch import Scratch, fault_of


@rule(
    call="CreateSnapshot_Task",
    says="The task's result is the new snapshot, which is the current one, with its name, description and time.",
    standing="documented",
    source="API reference, CreateSnapshot_Task and VirtualMachineSnapshotTree",
)
def a_snapshot_is_the_current_one(scratch: Scratch) -> None:
    vm = machine(scratch)

    snapshot = take(vm)
    node = vm.snapshot.rootSnapshotList[0]

    assert moid(vm.snapshot.currentSnapshot) == moid(node.snapshot) == moid(snapshot)
    assert [moid(root) for root in vm.rootSnapshot] == [moid(snapshot)]
    assert (node.name, node.description, node.state) == ("one", "taken as one", "poweredOff")
    assert moid(node.vm) == moid(snapshot.vm) == moid(vm)
    assert node.id > 0
    assert not node.quiesced


@rule(
    call="VirtualMachine.snapshot",
    says="The property is unset for a machine without snapshots.",
    standing="documented",
    source="API reference, VirtualMachine.snapshot: valid if snapshots have been created",
)
def a_machine_without_snapshots_has_no_tree(scratch: Scratch) -> None:
    vm = machine(scratch)
    assert vm.snapshot is None

    result_of(take(vm).RemoveSnapshot_Task(removeChildren=False))

    assert vm.snapshot is None
    assert not vm.rootSnapshot


@rule(
    call="CreateSnapshot_Task",
    says="A snapshot is the child of the one that was current, and names need not be unique.",
    standing="documented",
    source="API reference, CreateSnapshot_Task; programming guide, Snapshots: the current snapshot becomes the parent",
)
def snapshots_form_a_chain(scratch: Scratch) -> None:
    vm = machine(scratch)
    first = take(vm, "same")
    second = take(vm, "same")

    assert tree(vm) == [("same", [("same", [])])]
    assert [moid(child) for child in first.childSnapshot] == [moid(second)]
    nodes = vm.snapshot.rootSnapshotList
    assert nodes[0].id != nodes[0].childSnapshotList[0].id


@rule(
    call="RevertToSnapshot_Task",
    says="A snapshot that is taken after a revert starts a branch at the snapshot that was reverted to.",
    standing="documented",
    source="vSphere programming guide, Snapshots: branching tree",
)
def a_revert_starts_a_branch(scratch: Scratch) -> None:
    vm = machine(scratch)
    first = take(vm, "first")
    take(vm, "second")

    result_of(first.RevertToSnapshot_Task())
    assert moid(vm.snapshot.currentSnapshot) == moid(first)
    take(vm, "third")

    assert tree(vm) == [("first", [("second", []), ("third", [])])]


@rule(
    call="RevertToSnapshot_Task",
    says="The whole configuration comes back: hardware, version, extraConfig, notes and devices.",
    standing="documented",
    source="vSphere administration guide, Snapshots: a snapshot preserves the virtual machine settings",
)
def a_revert_restores_the_configuration(scratch: Scratch) -> None:
    vm = machine(scratch, numCPUs=2, memoryMB=64, annotation="before", version="vmx-19")
    result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(extraConfig=[mark("mark", "before")])))
    snapshot = take(vm)
    result_of(vm.UpgradeVM_Task())
    result_of(
        vm.ReconfigVM_Task(
            vim.vm.ConfigSpec(
                numCPUs=4,
                memoryMB=128,
                annotation="after",
                extraConfig=[mark("mark", "after"), mark("new", "after")],
                deviceChange=[Edit(operation="remove", device=disk_of(vm.config))],
            )
        )
    )

    result_of(snapshot.RevertToSnapshot_Task())

    options = {item.key: item.value for item in vm.config.extraConfig}
    assert (vm.config.hardware.numCPU, vm.config.hardware.memoryMB) == (2, 64)
    assert vm.config.annotation == vm.summary.config.annotation == "before"
    assert vm.config.version == "vmx-19"
    assert options["scratch/mark"] == "before"
    assert "scratch/new" not in options
    assert disk_of(vm.config).capacityInKB == 1024


@rule(
    call="RevertToSnapshot_Task",
    says="The machine keeps its instance UUID and BIOS UUID.",
    standing="inferred",
    source="both are part of the configuration that the snapshot keeps",
)
def a_revert_keeps_the_identity(scratch: Scratch) -> None:
    vm = machine(scratch)
    before = (vm.config.instanceUuid, vm.config.uuid)

    result_of(take(vm).RevertToSnapshot_Task())

    assert (vm.config.instanceUuid, vm.config.uuid) == before


@rule(
    call="RevertToSnapshot_Task",
    says="The machine's name stays as it is.",
    standing="inferred",
    source="nothing found; the inventory name belongs to vCenter",
    switch="revertRestoresName",
)
def a_revert_keeps_the_name(scratch: Scratch) -> None:
    vm = machine(scratch)
    snapshot = take(vm)
    renamed = scratch.named("renamed")
    result_of(vm.Rename_Task(renamed))

    result_of(snapshot.RevertToSnapshot_Task())

    assert vm.name == vm.config.name == renamed


@rule(
    call="CreateSnapshot_Task",
    says="Without memory the snapshot of a running machine goes back to powered off.",
    standing="documented",
    source="API reference, CreateSnapshot_Task memory: when FALSE, the power state of the snapshot is powered off",
)
def a_snapshot_without_memory_is_off(scratch: Scratch) -> None:
    vm = on(machine(scratch))
    snapshot = take(vm)
    assert vm.snapshot.rootSnapshotList[0].state == "poweredOff"

    result_of(snapshot.RevertToSnapshot_Task())

    assert vm.runtime.powerState == "poweredOff"


@rule(
    call="RevertToSnapshot_Task",
    says="A snapshot with memory powers the machine on.",
    standing="documented",
    source="API reference, RevertToSnapshot_Task host: the operation causes the virtual machine to power on",
)
def a_snapshot_with_memory_powers_on(scratch: Scratch) -> None:
    vm = on(machine(scratch))
    snapshot = take(vm, memory=True)
    assert vm.snapshot.rootSnapshotList[0].state == "poweredOn"
    result_of(vm.PowerOffVM_Task())

    result_of(snapshot.RevertToSnapshot_Task())

    assert vm.runtime.powerState == "poweredOn"


@rule(
    call="RevertToSnapshot_Task",
    says="suppressPowerOn keeps the machine from being powered on.",
    standing="documented",
    source="API reference, RevertToSnapshot_Task suppressPowerOn",
)
def a_power_on_can_be_suppressed(scratch: Scratch) -> None:
    vm = on(machine(scratch))
    snapshot = take(vm, memory=True)
    result_of(vm.PowerOffVM_Task())

    result_of(snapshot.RevertToSnapshot_Task(suppressPowerOn=True))

    assert vm.runtime.powerState != "poweredOn"


@rule(
    call="CreateSnapshot_Task",
    says="The snapshot of a suspended machine always has its memory, and going back suspends the machine.",
    standing="documented",
    source="API reference, CreateSnapshot_Task memory",
)
def a_suspended_machine_is_kept_suspended(scratch: Scratch) -> None:
    vm = on(machine(scratch))
    result_of(vm.SuspendVM_Task())
    snapshot = take(vm)
    assert vm.snapshot.rootSnapshotList[0].state == "suspended"
    result_of(vm.PowerOffVM_Task())

    result_of(snapshot.RevertToSnapshot_Task())

    assert vm.runtime.powerState == "suspended"


@rule(
    call="CreateSnapshot_Task",
    says="A second snapshot of a suspended machine that has not changed is SnapshotNoChange.",
    standing="documented",
    source="API reference, SnapshotNoChange",
)
def an_unchanged_suspended_machine_takes_no_second_snapshot(scratch: Scratch) -> None:
    vm = on(machine(scratch))
    result_of(vm.SuspendVM_Task())
    take(vm)

    fault_of(finish(vm.CreateSnapshot_Task("two", "", False, False)), vim.fault.SnapshotNoChange)


@rule(
    call="CreateSnapshot_Task",
    says="Memory that is asked for while the machine is off is ignored.",
    standing="inferred",
    source="govc snapshot.create asks for memory by default and works on machines that are off",
)
def memory_of_a_machine_that_is_off_is_ignored(scratch: Scratch) -> None:
    vm = machine(scratch)

    take(vm, memory=True)

    assert vm.snapshot.rootSnapshotList[0].state == "poweredOff"


@rule(
    call="CreateSnapshot_Task",
    says="quiesce is ignored when VMware Tools do not run.",
    standing="documented",
    source="API reference, CreateSnapshot_Task quiesce",
)
def quiesce_needs_tools(scratch: Scratch) -> None:
    vm = on(machine(scratch))

    take(vm, quiesce=True)

    assert not vm.snapshot.rootSnapshotList[0].quiesced


@rule(
    call="CreateSnapshotEx_Task",
    says="A quiesceSpec whose timeout is not 5 to 240 minutes is an InvalidArgument.",
    standing="documented",
    source="API reference, CreateSnapshotEx_Task and VirtualMachineGuestQuiesceSpec.timeout",
)
def a_quiesce_spec_is_checked(scratch: Scratch) -> None:
    vm = machine(scratch)

    def quiesced(minutes: int) -> Any:
        return vm.CreateSnapshotEx_Task("one", "", False, vim.vm.GuestQuiesceSpec(timeout=minutes))

    fault_of(finish(quiesced(4)), vmodl.fault.InvalidArgument)
    result_of(quiesced(5))

    assert tree(vm) == [("one", [])]


@rule(
    call="CreateSnapshot_Task",
    says="A snapshot with memory of a machine with an independent disk is MemorySnapshotOnIndependentDisk.",
    standing="documented",
    source="API reference, MemorySnapshotOnIndependentDisk",
)
def an_independent_disk_forbids_memory(scratch: Scratch) -> None:
    vm = on(machine(scratch, mode="independent_persistent"))

    fault_of(finish(vm.CreateSnapshot_Task("one", "", True, False)), vim.fault.MemorySnapshotOnIndependentDisk)
    take(vm)

    assert len(files(vm.config)) == 1, "an independent disk is left out of snapshots"


@rule(
    call="CreateSnapshot_Task",
    says="A disk controller whose bus is shared makes it SnapshotIncompatibleDeviceInVm.",
    standing="documented",
    source="API reference, SnapshotIncompatibleDeviceInVm: a raw disk or a shared bus controller",
)
def a_shared_bus_forbids_snapshots(scratch: Scratch) -> None:
    vm = machine(scratch)
    controller = vim.vm.device.ParaVirtualSCSIController(key=-1, busNumber=1, sharedBus="physicalSharing")
    result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[Edit(operation="add", device=controller)])))

    fault_of(finish(vm.CreateSnapshot_Task("one", "", False, False)), vim.fault.SnapshotIncompatibleDeviceInVm)


@rule(
    call="CreateSnapshot_Task",
    says="A template takes no snapshot.",
    standing="observed",
    source="jetbrains-infra/packer-builder-vsphere pull 17: templates are immutable; NotSupported is inferred",
)
def a_template_takes_no_snapshot(scratch: Scratch) -> None:
    vm = machine(scratch)
    vm.MarkAsTemplate()

    fault_of(finish(vm.CreateSnapshot_Task("one", "", False, False)), vmodl.fault.NotSupported)


@rule(
    call="RevertToSnapshot_Task",
    says="A template does not go back to a snapshot, be it one of a running machine: NotSupported.",
    standing="inferred",
    source="API reference, MarkAsTemplate and PowerOnVM_Task: a template has no power state to go back to",
)
def a_template_does_not_go_back(scratch: Scratch) -> None:
    vm = on(machine(scratch))
    kept = take(vm, memory=True)
    result_of(vm.PowerOffVM_Task())
    vm.MarkAsTemplate()

    for task in (kept.RevertToSnapshot_Task(), vm.RevertToCurrentSnapshot_Task()):
        fault_of(finish(task), vmodl.fault.NotSupported)

    assert vm.config.template
    assert vm.runtime.powerState == "poweredOff"


@rule(
    call="CreateSnapshot_Task",
    says="An empty name is an InvalidName.",
    standing="documented",
    source="API reference, CreateSnapshot_Task: InvalidName; that an empty name is one is inferred",
)
def an_empty_name_is_refused(scratch: Scratch) -> None:
    fault_of(finish(machine(scratch).CreateSnapshot_Task("", "", False, False)), vim.fault.InvalidName)


@rule(
    call="CreateSnapshot_Task",
    says="A locked tree takes no snapshot and loses none: SnapshotLocked.",
    standing="documented",
    source="API reference, SnapshotLocked and VirtualMachineFlagInfo.snapshotLocked",
)
def a_locked_tree_stays_as_it_is(scratch: Scratch) -> None:
    vm = machine(scratch)
    snapshot = take(vm)

    def lock(locked: bool) -> None:
        result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(flags=vim.vm.FlagInfo(snapshotLocked=locked))))

    lock(True)
    fault_of(finish(vm.CreateSnapshot_Task("two", "", False, False)), vim.fault.SnapshotLocked)
    fault_of(finish(snapshot.RemoveSnapshot_Task(removeChildren=False)), vim.fault.SnapshotLocked)
    lock(False)

    assert tree(vm) == [("one", [])]


@rule(
    call="RenameSnapshot",
    says="Name and description change at once, without a task; giving neither is refused.",
    standing="documented",
    source="API reference, RenameSnapshot: at least one must be specified; that InvalidArgument follows is inferred",
)
def a_snapshot_is_renamed(scratch: Scratch) -> None:
    vm = machine(scratch)
    snapshot = take(vm)

    snapshot.RenameSnapshot(name="two")
    snapshot.RenameSnapshot(description="other words")
    node = vm.snapshot.rootSnapshotList[0]
    assert (node.name, node.description) == ("two", "other words")

    with pytest.raises(vmodl.fault.InvalidArgument):
        snapshot.RenameSnapshot()


@rule(
    call="VirtualMachine.config",
    says="Taking and removing a snapshot and reverting to one make a new changeVersion.",
    standing="inferred",
    source="each of them changes the file of a disk, which is part of the configuration",
)
def each_operation_makes_a_new_version(scratch: Scratch) -> None:
    vm = machine(scratch)
    seen = [vm.config.changeVersion]
    snapshot = take(vm)
    seen.append(vm.config.changeVersion)
    result_of(snapshot.RevertToSnapshot_Task())
    seen.append(vm.config.changeVersion)
    result_of(snapshot.RemoveSnapshot_Task(removeChildren=False))
    seen.append(vm.config.changeVersion)

    assert len(set(seen)) == len(seen)


@rule(
    call="CreateSnapshot_Task",
    says="The task's entity is the machine, as it is for a call on a snapshot.",
    standing="observed",
    source="govmomi, which follows these tasks by their machine",
)
def the_task_is_one_of_the_machine(scratch: Scratch) -> None:
    vm = machine(scratch)
    created = finish(vm.CreateSnapshot_Task("one", "", False, False))
    removed = finish(created.result.RemoveSnapshot_Task(removeChildren=False))

    assert moid(created.entity) == moid(removed.entity) == moid(vm)
    assert created.descriptionId == "VirtualMachine.createSnapshot"
    assert removed.descriptionId == "vm.Snapshot.remove"


@rule(
    call="WaitForUpdatesEx",
    says="A change of the tree is pushed for the properties snapshot and rootSnapshot.",
    standing="documented",
    source="API reference, VirtualMachine.snapshot: changes in response to createSnapshot, remove, revert",
)
def a_change_of_the_tree_is_pushed(scratch: Scratch) -> None:
    vm = machine(scratch)
    paths = ["snapshot", "rootSnapshot", "snapshot.currentSnapshot"]
    updates = Updates(scratch.instance, vm, {vim.VirtualMachine: paths})
    updates.all()

    first = take(vm)
    changes = {name: value for _, _, found in updates.all() for name, value in found.items()}
    assert set(changes) == set(paths)
    assert moid(changes["snapshot.currentSnapshot"]) == moid(first)

    result_of(vm.RemoveAllSnapshots_Task())
    changes = {name: value for _, _, found in updates.all() for name, value in found.items()}
    assert changes["snapshot"] is None
    updates.collector.DestroyPropertyCollector()
