"""Clones: what they inherit, what their spec changes, and which disks they share with their source."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

import uuid
from typing import Any

from pyVmomi import vim, vmodl

from bed.soap import finish, message_of, moid, result_of
from verify.machines import LINKED, Edit, clone, cloning, disk_of, files, find, machine, mark, take
from verify.rule import rule
from verify.scratch import Scratch, fault_of

CAPV = "kubernetes-sigs/cluster-api-provider-vsphere, pkg/services/govmomi/vcenter/clone.go"


def golden(scratch: Scratch) -> Any:
    """Create a machine that has a value in everything a clone inherits."""
    nic = Edit(operation="add", device=scratch.nic_on(scratch.port_group()))
    vm = machine(
        scratch,
        "golden",
        firmware="efi",
        nestedHVEnabled=True,
        annotation="golden",
        guestId="windows2019srv_64Guest",
        numCPUs=4,
        memoryMB=64,
        bootOptions=vim.vm.BootOptions(efiSecureBootEnabled=True, bootDelay=500),
        flags=vim.vm.FlagInfo(vvtdEnabled=True, vbsEnabled=True),
        extraConfig=[mark("owner", "source")],
        managedBy=vim.ext.ManagedByInfo(extensionKey="example.lab", type="lab"),
    )
    result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[nic])))
    return vm


def options(vm: Any) -> dict[str, Any]:
    """Return a machine's extraConfig."""
    return {option.key: option.value for option in vm.config.extraConfig}


@rule(
    call="CloneVM_Task",
    says="A clone has the settings of its source: hardware, firmware, flags, notes, extraConfig.",
    standing="documented",
    source="API reference, CloneSpec.config and .snapshot; extraConfig and notes: observed by " + CAPV,
)
def a_clone_inherits_its_settings(scratch: Scratch) -> None:
    source = golden(scratch)

    has = clone(scratch, source).config

    assert (has.firmware, has.annotation, has.guestId) == ("efi", "golden", "windows2019srv_64Guest")
    assert (has.hardware.numCPU, has.hardware.memoryMB) == (4, 64)
    assert has.nestedHVEnabled
    assert has.flags.vbsEnabled
    assert (has.bootOptions.efiSecureBootEnabled, has.bootOptions.bootDelay) == (True, 500)
    assert {option.key: option.value for option in has.extraConfig}["scratch/owner"] == "source"


@rule(
    call="CloneVM_Task",
    says="A clone has its own UUIDs, MAC addresses, files, and no snapshots.",
    standing="documented",
    source="API reference, CloneVM_Task; VirtualEthernetCard.addressType: only manual addresses are kept",
)
def a_clone_has_an_identity_of_its_own(scratch: Scratch) -> None:
    source = golden(scratch)
    take(source)

    copy = clone(scratch, source)
    was, has = source.config, copy.config

    assert has.uuid != was.uuid
    assert has.instanceUuid != was.instanceUuid
    assert scratch.nic(copy).macAddress != scratch.nic(source).macAddress
    assert has.files.vmPathName != was.files.vmPathName
    assert disk_of(has).backing.fileName != disk_of(was).backing.fileName
    assert copy.snapshot is None


@rule(
    call="CloneVM_Task",
    says="managedBy is copied.",
    standing="inferred",
    source="nothing found",
    switch="cloneCopiesManagedBy",
)
def managed_by_is_copied(scratch: Scratch) -> None:
    copy = clone(scratch, golden(scratch))

    assert copy.config.managedBy.extensionKey == "example.lab"
    assert copy.summary.config.managedBy.type == "lab"


@rule(
    call="CloneVM_Task",
    says="spec.config is applied in the same call, devices of the source by their key included.",
    standing="observed",
    source=CAPV,
    switch="cloneIgnoresConfig",
)
def the_spec_is_applied_in_the_same_call(scratch: Scratch) -> None:
    source, group, mine = golden(scratch), scratch.port_group("other"), str(uuid.uuid4())
    nic = scratch.nic(source)
    edit = Edit(operation="edit", device=scratch.nic_on(group, key=nic.key, kind=type(nic)))
    config = vim.vm.ConfigSpec(
        instanceUuid=mine,
        numCPUs=8,
        nestedHVEnabled=False,
        flags=vim.vm.FlagInfo(vbsEnabled=False),
        extraConfig=[mark("owner", "clone")],
        deviceChange=[edit],
    )

    copy = clone(scratch, source, config=config)

    assert copy.config.instanceUuid == mine
    assert (copy.config.hardware.numCPU, copy.config.hardware.memoryMB) == (8, 64)
    assert not copy.config.nestedHVEnabled
    assert not copy.config.flags.vbsEnabled
    assert copy.config.flags.vvtdEnabled, "an unset flag stays as the source has it"
    assert options(copy)["scratch/owner"] == "clone"
    assert [moid(network) for network in copy.network] == [moid(group)]
    assert [moid(vm) for vm in group.vm] == [moid(copy)]
    assert source.config.nestedHVEnabled


@rule(
    call="CloneVM_Task",
    says="An instance UUID that another machine has is replaced.",
    standing="documented",
    source="API reference, VirtualMachineConfigSpec.instanceUuid: vCenter changes it on conflict",
)
def a_taken_instance_uuid_is_replaced(scratch: Scratch) -> None:
    source, mine = machine(scratch), str(uuid.uuid4())
    first = clone(scratch, source, "one", config=vim.vm.ConfigSpec(instanceUuid=mine))
    second = clone(scratch, source, "two", config=vim.vm.ConfigSpec(instanceUuid=mine))

    assert first.config.instanceUuid == mine
    assert second.config.instanceUuid != mine
    assert moid(find(scratch, mine)) == moid(first)


@rule(
    call="CloneVM_Task",
    says="What a clone has in common with another machine is told: an instance UUID that was taken, a manual address.",
    standing="documented",
    source="API reference, VmInstanceUuidConflictEvent, VmStaticMacConflictEvent; that a clone tells too is inferred",
)
def a_clone_tells_what_is_taken(scratch: Scratch) -> None:
    nic = scratch.nic_on(scratch.port_group())
    nic.addressType, nic.macAddress = "manual", "00:50:56:3f:aa:03"
    source = scratch.machine(deviceChange=[Edit(operation="add", device=nic)])

    copy = clone(scratch, source, config=vim.vm.ConfigSpec(instanceUuid=source.config.instanceUuid))

    about = vim.event.EventFilterSpec.ByEntity(entity=copy, recursion="self")
    wanted = ["VmInstanceUuidConflictEvent", "VmInstanceUuidChangedEvent", "VmStaticMacConflictEvent"]
    events = scratch.content.eventManager.QueryEvents(vim.event.EventFilterSpec(entity=about, eventTypeId=wanted))
    told = {type(event).__name__.rpartition(".")[2]: event for event in events}
    assert set(told) == set(wanted)
    assert moid(told["VmInstanceUuidConflictEvent"].conflictedVm.vm) == moid(source)
    assert told["VmInstanceUuidChangedEvent"].newInstanceUuid == copy.config.instanceUuid
    assert told["VmStaticMacConflictEvent"].mac == scratch.nic(copy).macAddress == "00:50:56:3f:aa:03"


@rule(
    call="CloneVM_Task",
    says="A spec that is refused makes no machine and leaves the name free.",
    standing="inferred",
    source="API reference, CloneVM_Task: a failed task has no result",
)
def a_bad_spec_makes_no_machine(scratch: Scratch) -> None:
    source, mine = machine(scratch), str(uuid.uuid4())
    bad = vim.vm.ConfigSpec(guestId="nope", instanceUuid=mine)

    fault_of(finish(cloning(scratch, source, config=bad)), vmodl.fault.InvalidArgument)

    assert find(scratch, mine) is None
    assert clone(scratch, source).name == scratch.named("copy")


@rule(
    call="CloneVM_Task",
    says="A name that is taken in the folder is DuplicateName, in the task.",
    standing="inferred",
    source="not among the declared faults; what clients catch",
)
def a_taken_name_is_refused(scratch: Scratch) -> None:
    source = machine(scratch)
    clone(scratch, source)

    fault_of(finish(cloning(scratch, source, "COPY")), vim.fault.DuplicateName)


@rule(
    call="CloneVM_Task",
    says="A clone of a template into a machine without a pool is an InvalidArgument.",
    standing="documented",
    source="API reference, RelocateSpec.pool: required for a clone from a template to a virtual machine",
)
def a_template_needs_a_pool(scratch: Scratch) -> None:
    source = machine(scratch)
    source.MarkAsTemplate()

    fault = fault_of(finish(cloning(scratch, source, pool=None)), vmodl.fault.InvalidArgument)
    assert fault.invalidProperty == "spec.location.pool"


@rule(
    call="CloneVM_Task",
    says="A clone of a template is a machine in the pool, and is powered on where that is asked for.",
    standing="documented",
    source="API reference, CloneSpec.template and .powerOn",
)
def a_clone_of_a_template_is_a_machine(scratch: Scratch) -> None:
    source = machine(scratch)
    source.MarkAsTemplate()

    copy = clone(scratch, source, powerOn=True)

    assert not copy.config.template
    assert copy.runtime.powerState == "poweredOn"
    assert moid(copy.resourcePool) == moid(scratch.pool)


@rule(
    call="CloneVM_Task",
    says="location.folder takes precedence over the folder argument.",
    standing="documented",
    source="API reference, CloneVM_Task spec",
)
def the_location_may_name_another_folder(scratch: Scratch) -> None:
    folder = scratch.keep(scratch.place.folder.CreateFolder(scratch.named("labs")))

    copy = clone(scratch, machine(scratch), folder=folder)

    assert moid(copy.parent) == moid(folder)


@rule(
    call="CloneVM_Task",
    says="A clone of a snapshot has the configuration that the snapshot kept.",
    standing="documented",
    source="API reference, CloneSpec.snapshot",
)
def a_clone_of_a_snapshot_is_what_the_machine_was(scratch: Scratch) -> None:
    source = machine(scratch, numCPUs=2, annotation="before")
    snapshot = take(source)
    result_of(source.ReconfigVM_Task(vim.vm.ConfigSpec(numCPUs=4, annotation="after")))

    copy = clone(scratch, source, snapshot=snapshot)

    assert (copy.config.hardware.numCPU, copy.config.annotation) == (2, "before")
    assert len(files(copy.config)) == 1, "by default delta disks are consolidated"


@rule(
    call="CloneVM_Task",
    says="A snapshot of another machine is an InvalidArgument.",
    standing="inferred",
    source="nothing found",
)
def a_snapshot_of_another_machine_is_refused(scratch: Scratch) -> None:
    snapshot = take(machine(scratch, "one"))
    other = machine(scratch, "two")

    fault = fault_of(finish(cloning(scratch, other, snapshot=snapshot)), vmodl.fault.InvalidArgument)
    assert fault.invalidProperty == "spec.snapshot"


@rule(
    call="CloneVM_Task",
    says="createNewChildDiskBacking with a snapshot makes a linked clone: a child of the snapshot's disk.",
    standing="documented",
    source="API reference, VirtualMachineRelocateSpecDiskMoveOptions.createNewChildDiskBacking",
)
def a_linked_clone_shares_the_disk_of_the_snapshot(scratch: Scratch) -> None:
    source = machine(scratch)
    snapshot = take(source)

    copy = clone(scratch, source, snapshot=snapshot, move=LINKED)
    backing = disk_of(copy.config).backing

    assert backing.parent.fileName == disk_of(snapshot.config).backing.fileName
    assert backing.fileName.rpartition("/")[0] == copy.config.files.vmPathName.rpartition("/")[0]
    assert len(copy.layoutEx.disk[0].chain) == 2


@rule(
    call="CloneVM_Task",
    says='createNewChildDiskBacking without a snapshot is InvalidArgument "spec.snapshot".',
    standing="observed",
    source="vmware/pyvmomi issue 362",
)
def a_linked_clone_needs_a_snapshot(scratch: Scratch) -> None:
    fault = fault_of(finish(cloning(scratch, machine(scratch), move=LINKED)), vmodl.fault.InvalidArgument)

    assert fault.invalidProperty == "spec.snapshot"


@rule(
    call="CloneVM_Task",
    says="A template with a snapshot can be the source of linked clones.",
    standing="observed",
    source=CAPV + ": linkedClone mode",
)
def a_template_with_a_snapshot_has_linked_clones(scratch: Scratch) -> None:
    source = machine(scratch)
    snapshot = take(source)
    source.MarkAsTemplate()

    copy = clone(scratch, source, snapshot=snapshot, move=LINKED, powerOn=True)

    assert copy.runtime.powerState == "poweredOn"
    assert len(files(copy.config)) == 2


@rule(
    call="RemoveSnapshot_Task",
    says="A disk that a linked clone reads stays when its snapshot is removed, and is combined once the clone is gone.",
    standing="documented",
    source="programming guide, Removing Snapshots and Deleting Linked Virtual Machines; the second half is inferred",
)
def a_linked_clone_pins_the_disk_of_the_snapshot(scratch: Scratch) -> None:
    source = machine(scratch)
    snapshot = take(source)
    shared = disk_of(snapshot.config).backing.fileName
    copy = clone(scratch, source, snapshot=snapshot, move=LINKED)

    result_of(snapshot.RemoveSnapshot_Task(removeChildren=False))

    assert source.snapshot is None
    assert disk_of(source.config).backing.parent.fileName == shared
    assert disk_of(copy.config).backing.parent.fileName == shared
    assert not source.runtime.consolidationNeeded, "nothing can be combined while the clone reads it"
    result_of(copy.Destroy_Task())
    assert source.runtime.consolidationNeeded
    result_of(source.ConsolidateVMDisks_Task())
    assert disk_of(source.config).backing.fileName == shared


@rule(
    call="PromoteDisks_Task",
    says="With unlink a linked clone gets disks of its own; a second call finds nothing to do and succeeds.",
    standing="documented",
    source="API reference, PromoteDisks_Task",
)
def a_linked_clone_can_be_made_independent(scratch: Scratch) -> None:
    source = machine(scratch)
    snapshot = take(source)
    copy = clone(scratch, source, snapshot=snapshot, move=LINKED)

    result_of(copy.PromoteDisks_Task(unlink=True))
    result_of(copy.PromoteDisks_Task(unlink=True))

    assert len(files(copy.config)) == 1
    home = copy.config.files.vmPathName.rpartition("/")[0]
    assert disk_of(copy.config).backing.fileName.rpartition("/")[0] == home
    result_of(snapshot.RemoveSnapshot_Task(removeChildren=False))
    assert len(files(source.config)) == 1, "nobody else reads the source's disk any more"


@rule(
    call="Destroy_Task",
    says="The source of a linked clone can be destroyed; the clone keeps the disk that it reads.",
    standing="documented",
    source="programming guide, Removing Snapshots and Deleting Linked Virtual Machines",
)
def a_linked_clone_outlives_its_source(scratch: Scratch) -> None:
    source = machine(scratch)
    copy = clone(scratch, source, snapshot=take(source), move=LINKED)
    before = files(copy.config)

    result_of(source.Destroy_Task())
    result_of(copy.PowerOnVM_Task())

    assert files(copy.config) == before
    assert not copy.runtime.consolidationNeeded


@rule(
    call="CloneVM_Task",
    says="The disk of a linked clone cannot grow, that of a full clone of a snapshot can.",
    standing="observed",
    source="kubernetes-sigs/cluster-api-provider-vsphere issue 1189",
)
def a_linked_disk_does_not_grow(scratch: Scratch) -> None:
    source = machine(scratch)
    snapshot = take(source)
    disk = disk_of(source.config)
    disk.capacityInKB, disk.capacityInBytes = 2048, 2048 * 1024
    bigger = vim.vm.ConfigSpec(deviceChange=[Edit(operation="edit", device=disk)])

    task = cloning(scratch, source, snapshot=snapshot, move=LINKED, config=bigger)
    fault = fault_of(finish(task), vim.fault.InvalidDeviceOperation)
    assert "Disks with parents cannot be expanded" in message_of(fault)

    copy = clone(scratch, source, snapshot=snapshot, config=bigger)
    assert disk_of(copy.config).capacityInKB == 2048
    assert len(files(copy.config)) == 1


@rule(
    call="CloneVM_Task",
    says="moveChildMostDiskBacking copies the written file and shares the parents below it.",
    standing="documented",
    source="API reference, VirtualMachineRelocateSpecDiskMoveOptions.moveChildMostDiskBacking",
)
def the_child_most_disk_can_be_copied_alone(scratch: Scratch) -> None:
    source = machine(scratch)
    take(source)

    copy = clone(scratch, source, move="moveChildMostDiskBacking")

    assert files(copy.config)[1:] == files(source.config)[1:]
    assert disk_of(copy.config).backing.fileName != disk_of(source.config).backing.fileName
