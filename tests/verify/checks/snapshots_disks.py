"""The disks below snapshots: delta files, what removal combines, what a disk with parents cannot do."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.soap import finish, message_of, moid, result_of
from verify.machines import Edit, disk_of, files, machine, take, tree
from verify.rule import rule
from verify.scratch import Scratch, fault_of


@rule(
    call="VirtualDisk.backing",
    says="A snapshot keeps the disk's file; the machine goes on with a child of it, in the same directory.",
    standing="documented",
    source="API reference, VirtualDiskFlatVer2BackingInfo.parent, VirtualMachineFileInfo.snapshotDirectory",
)
def a_snapshot_puts_a_child_on_the_disk(scratch: Scratch) -> None:
    vm = machine(scratch)
    base = disk_of(vm.config).backing.fileName

    snapshot = take(vm)
    now = disk_of(vm.config).backing

    assert now.fileName != base
    assert now.parent.fileName == base
    assert now.fileName.rpartition("/")[0] == base.rpartition("/")[0]
    assert disk_of(snapshot.config).backing.fileName == base


@rule(
    call="VirtualMachine.layoutEx",
    says="layoutEx lists each disk as its chain from base to child, and each snapshot with its data file.",
    standing="documented",
    source="API reference, VirtualMachineFileLayoutEx and its SnapshotLayout: memoryKey is -1 without a memory file",
)
def the_layout_shows_the_chain(scratch: Scratch) -> None:
    vm = machine(scratch)
    snapshot = take(vm)
    layout = vm.layoutEx
    names = {file.key: file.name.rpartition("/")[2] for file in layout.file}
    kinds = {file.key: file.type for file in layout.file}

    units = [[names[key] for key in unit.fileKey if kinds[key] == "diskDescriptor"] for unit in layout.disk[0].chain]
    assert [name for unit in units for name in unit] == list(reversed(files(vm.config)))
    shown = layout.snapshot[0]
    assert moid(shown.key) == moid(snapshot)
    assert kinds[shown.dataKey] == "snapshotData"
    assert shown.memoryKey == -1
    assert len(shown.disk[0].chain) == 1


@rule(
    call="VirtualMachine.layoutEx",
    says="A disk that is added or removed changes layoutEx.",
    standing="documented",
    source="API reference, VirtualMachineFileLayoutEx: information about all the files of the virtual machine",
)
def the_layout_follows_the_disks(scratch: Scratch) -> None:
    vm = machine(scratch)
    assert len(vm.layoutEx.disk) == 1

    change = Edit(operation="remove", device=disk_of(vm.config))
    result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[change])))

    assert not vm.layoutEx.disk
    assert [file.type for file in vm.layoutEx.file] == ["config"]


@rule(
    call="RevertToSnapshot_Task",
    says="What was written since is lost: the machine goes on with a new child of the snapshot's disk.",
    standing="documented",
    source="vSphere programming guide, Snapshots; VirtualMachineSnapshot.config: the head of the disk chain",
)
def a_revert_gives_up_the_running_disk(scratch: Scratch) -> None:
    vm = machine(scratch)
    first = take(vm, "first")
    take(vm, "second")
    assert len(files(vm.config)) == 3

    result_of(first.RevertToSnapshot_Task())

    assert files(vm.config)[1:] == files(first.config)


@rule(
    call="RemoveSnapshot_Task",
    says="Removing a snapshot leaves the machine as it is and combines its disk with the child.",
    standing="documented",
    source="vSphere administration guide, Delete a Snapshot: does not change the virtual machine",
)
def a_removal_combines_the_disks(scratch: Scratch) -> None:
    vm = machine(scratch, annotation="before")
    base = files(vm.config)
    snapshot = take(vm)
    result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="after")))

    result_of(snapshot.RemoveSnapshot_Task(removeChildren=False))

    assert files(vm.config) == base
    assert vm.config.annotation == "after"
    assert not vm.runtime.consolidationNeeded


@rule(
    call="RemoveSnapshot_Task",
    says="Without removeChildren the children move up to the parent; with it the subtree goes.",
    standing="documented",
    source="API reference, RemoveSnapshot_Task removeChildren",
)
def children_move_up_or_go_as_well(scratch: Scratch) -> None:
    vm = machine(scratch)
    first, second = take(vm, "first"), take(vm, "second")
    take(vm, "third")
    result_of(second.RemoveSnapshot_Task(removeChildren=False))
    assert tree(vm) == [("first", [("third", [])])]
    assert len(files(vm.config)) == 3

    result_of(first.RemoveSnapshot_Task(removeChildren=True))

    assert tree(vm) == []
    assert len(files(vm.config)) == 1


@rule(
    call="RemoveSnapshot_Task",
    says="When the current snapshot goes, its parent is the current one; at the root there is none.",
    standing="documented",
    source="API reference, VirtualMachineSnapshotInfo.currentSnapshot; that the parent follows is inferred",
)
def the_parent_becomes_current(scratch: Scratch) -> None:
    vm = machine(scratch)
    first, second = take(vm, "first"), take(vm, "second")

    result_of(second.RemoveSnapshot_Task(removeChildren=False))

    assert moid(vm.snapshot.currentSnapshot) == moid(first)


@rule(
    call="RemoveSnapshot_Task",
    says="A removed snapshot is ManagedObjectNotFound.",
    standing="documented",
    source="API reference, ManagedObjectNotFound",
)
def a_removed_snapshot_is_gone(scratch: Scratch) -> None:
    vm = machine(scratch)
    snapshot = take(vm)
    result_of(snapshot.RemoveSnapshot_Task(removeChildren=False))

    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        snapshot.RevertToSnapshot_Task()


@rule(
    call="RemoveSnapshot_Task",
    says="With consolidate=false the disks stay and consolidationNeeded is set; ConsolidateVMDisks_Task combines them.",
    standing="documented",
    source="API reference, VirtualMachineRuntimeInfo.consolidationNeeded and ConsolidateVMDisks_Task",
)
def consolidation_can_wait(scratch: Scratch) -> None:
    vm = machine(scratch)
    snapshot = take(vm)

    result_of(snapshot.RemoveSnapshot_Task(removeChildren=False, consolidate=False))
    assert tree(vm) == []
    assert len(files(vm.config)) == 2
    assert vm.runtime.consolidationNeeded
    assert vm.summary.runtime.consolidationNeeded

    result_of(vm.ConsolidateVMDisks_Task())
    assert len(files(vm.config)) == 1
    assert not vm.runtime.consolidationNeeded


@rule(
    call="ConsolidateVMDisks_Task",
    says="With nothing to combine it succeeds and changes nothing.",
    standing="inferred",
    source="the method's page names no fault for it",
)
def nothing_to_consolidate_is_success(scratch: Scratch) -> None:
    vm = machine(scratch)
    take(vm)
    before = files(vm.config)

    result_of(vm.ConsolidateVMDisks_Task())

    assert files(vm.config) == before
    assert tree(vm) == [("one", [])]


@rule(
    call="RemoveAllSnapshots_Task",
    says="All snapshots go and the machine runs on its base disk again; without any it succeeds.",
    standing="documented",
    source="API reference, RemoveAllSnapshots_Task: if there are none, simply returns successfully",
)
def all_snapshots_go(scratch: Scratch) -> None:
    vm = machine(scratch)
    base = files(vm.config)
    first = take(vm, "first")
    take(vm, "second")
    result_of(first.RevertToSnapshot_Task())
    take(vm, "third")

    result_of(vm.RemoveAllSnapshots_Task())
    assert vm.snapshot is None
    assert files(vm.config) == base
    result_of(vm.RemoveAllSnapshots_Task())


@rule(
    call="ReconfigVM_Task",
    says='A disk with a parent does not grow: InvalidDeviceOperation, "Disks with parents cannot be expanded".',
    standing="observed",
    source="kubernetes-sigs/cluster-api-provider-vsphere issue 1189",
)
def a_disk_with_a_parent_does_not_grow(scratch: Scratch) -> None:
    vm = machine(scratch)
    snapshot = take(vm)

    def grow() -> Any:
        disk = disk_of(vm.config)
        disk.capacityInKB, disk.capacityInBytes = 2048, 2048 * 1024
        return vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[Edit(operation="edit", device=disk)]))

    fault = fault_of(finish(grow()), vim.fault.InvalidDeviceOperation)
    assert "Disks with parents cannot be expanded" in message_of(fault)

    result_of(snapshot.RemoveSnapshot_Task(removeChildren=False))
    result_of(grow())
    assert disk_of(vm.config).capacityInKB == 2048


@rule(
    call="ReconfigVM_Task",
    says="The mode of a disk cannot change while the machine has snapshots: DisallowedDiskModeChange.",
    standing="documented",
    source="API reference, DisallowedDiskModeChange",
)
def a_disk_mode_stays_below_a_snapshot(scratch: Scratch) -> None:
    vm = machine(scratch)
    take(vm)
    disk = disk_of(vm.config)
    disk.backing.diskMode = "independent_persistent"

    task = vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[Edit(operation="edit", device=disk)]))

    fault_of(finish(task), vim.fault.DisallowedDiskModeChange)
