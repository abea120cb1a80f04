"""Devices of machines: controllers, units, addresses, disks."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from typing import Any

from pyVmomi import vim, vmodl

from bed.soap import finish, result_of
from verify.rule import rule
from verify.scratch import Scratch, fault_of

Change = vim.vm.device.VirtualDeviceSpec
GUIDE = "vSphere administration guide"


def add(device: Any, *, file: bool = False) -> Any:
    """Return the addition of a device."""
    return Change(operation="add", fileOperation="create" if file else None, device=device)


def scsi(key: int = -100, bus: int = 0, kind: Any = vim.vm.device.ParaVirtualSCSIController) -> Any:
    """Return the addition of a SCSI controller."""
    return add(kind(key=key, busNumber=bus, sharedBus="noSharing"))


def disk(unit: int | None, *, controller: int | None = -100, key: int = -200, mib: int = 64) -> Any:
    """Return the addition of a small thin disk."""
    backing = vim.vm.device.VirtualDisk.FlatVer2BackingInfo(fileName="", diskMode="persistent", thinProvisioned=True)
    return add(
        vim.vm.device.VirtualDisk(
            key=key, controllerKey=controller, unitNumber=unit, capacityInKB=mib * 1024, backing=backing
        ),
        file=True,
    )


def remove(device: Any) -> Any:
    """Return the removal of a device."""
    return Change(operation="remove", device=device)


def edit(vm: Any, device: Any) -> Any:
    """Edit a device of a machine; returns the TaskInfo."""
    return finish(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[Change(operation="edit", device=device)])))


def refuse(scratch: Scratch, fault: Any, *changes: Any, **members: Any) -> Any:
    """Try to make a machine of these devices; returns the fault."""
    return fault_of(finish(scratch.create("refused", deviceChange=list(changes), **members)), fault)


def device(vm: Any, label: str) -> Any:
    """Return a device by its label."""
    return next(d for d in vm.config.hardware.device if d.deviceInfo.label == label)


@rule(
    call="CreateVM_Task, ReconfigVM_Task",
    says="A temporary key in a spec ties a disk to its controller; the server gives both their real keys.",
    standing="documented",
    source="API reference, VirtualDevice.key, VirtualDevice.controllerKey",
)
def temporary_keys_are_replaced(scratch: Scratch) -> None:
    vm = scratch.machine(deviceChange=[disk(0), scsi()])

    controller, hard_disk = device(vm, "SCSI controller 0"), device(vm, "Hard disk 1")
    assert (controller.key, hard_disk.key) == (1000, 2000)
    assert hard_disk.controllerKey == controller.key
    assert controller.device == [hard_disk.key]


@rule(
    call="CreateVM_Task, ReconfigVM_Task",
    says="Two devices on one unit of a controller are InvalidDeviceSpec, which names the second by its index.",
    standing="observed",
    source="govmomi, simulator/virtual_machine.go keeps what a server answered",
)
def one_unit_holds_one_device(scratch: Scratch) -> None:
    fault = refuse(scratch, vim.fault.InvalidDeviceSpec, scsi(), disk(0), disk(0, key=-201))

    assert fault.deviceIndex == 2


@rule(
    call="CreateVM_Task, ReconfigVM_Task",
    says="Unit 7 of a SCSI controller is the controller's own: InvalidDeviceSpec, and the server's choice skips it.",
    standing="documented",
    source="API reference, VirtualSCSIController.scsiCtlrUnitNumber; the fault is inferred",
)
def the_controller_sits_on_unit_seven(scratch: Scratch) -> None:
    refuse(scratch, vim.fault.InvalidDeviceSpec, scsi(), disk(7))

    vm = scratch.machine(deviceChange=[scsi(), *(disk(None, key=-200 - n) for n in range(9))])

    units = [d.unitNumber for d in vm.config.hardware.device if isinstance(d, vim.vm.device.VirtualDisk)]
    assert units == [0, 1, 2, 3, 4, 5, 6, 8, 9]


@rule(
    call="CreateVM_Task, ReconfigVM_Task",
    says="A unit that the controller does not have is InvalidDeviceSpec: 15 is the last of LSI SAS, 63 of PVSCSI.",
    standing="documented",
    source=f"{GUIDE} and configuration maximums; the fault is inferred",
)
def a_controller_has_so_many_units(scratch: Scratch) -> None:
    sas = scsi(kind=vim.vm.device.VirtualLsiLogicSASController)

    refuse(scratch, vim.fault.InvalidDeviceSpec, sas, disk(16))
    refuse(scratch, vim.fault.InvalidDeviceSpec, scsi(), disk(64))
    scratch.machine("wide", deviceChange=[scsi(), disk(63)])


@rule(
    call="CreateVM_Task, ReconfigVM_Task",
    says="A disk without a controller key is MissingController; one that names no controller is InvalidController.",
    standing="documented",
    source="API reference, MissingController, InvalidController",
)
def a_disk_needs_a_controller(scratch: Scratch) -> None:
    refuse(scratch, vim.fault.MissingController, disk(0, controller=None))

    fault = refuse(scratch, vim.fault.InvalidController, disk(0, controller=4711))

    assert (fault.deviceIndex, fault.controllerKey) == (0, 4711)


@rule(
    call="CreateVM_Task, ReconfigVM_Task",
    says="A machine has at most four SCSI controllers.",
    standing="documented",
    source="configuration maximums; that TooManyDevices is the fault is inferred",
)
def a_fifth_scsi_controller_is_too_many(scratch: Scratch) -> None:
    refuse(scratch, vim.fault.TooManyDevices, *(scsi(-100 - n, n) for n in range(5)))


@rule(
    call="CreateVM_Task, ReconfigVM_Task",
    says="A disk mode that does not exist is InvalidDeviceBacking.",
    standing="inferred",
    source="API reference, VirtualDiskFlatVer2BackingInfo.diskMode: a VirtualDiskMode; the fault is not named there",
)
def a_disk_has_a_mode_that_exists(scratch: Scratch) -> None:
    odd = disk(0)
    odd.device.backing.diskMode = "sometimes"
    refuse(scratch, vim.fault.InvalidDeviceBacking, scsi(), odd)

    vm = scratch.machine(deviceChange=[scsi(), disk(0)])
    changed = device(vm, "Hard disk 1")
    changed.backing.diskMode = "sometimes"

    fault_of(edit(vm, changed), vim.fault.InvalidDeviceBacking)


@rule(
    call="ReconfigVM_Task",
    says="An edit puts a disk on another unit, or on another controller, which then lists it; a unit that is taken is "
    "InvalidDeviceSpec.",
    standing="observed",
    source="PowerCLI, Set-HardDisk -Controller, is such an edit; the fault as for a new device",
)
def a_disk_moves_to_another_place(scratch: Scratch) -> None:
    vm = scratch.machine(deviceChange=[scsi(), scsi(-101, 1), disk(0), disk(1, key=-201)])
    first, second = device(vm, "SCSI controller 0"), device(vm, "SCSI controller 1")
    moving = device(vm, "Hard disk 1")

    moving.unitNumber = 1
    fault_of(edit(vm, moving), vim.fault.InvalidDeviceSpec)
    moving.unitNumber = 5
    assert edit(vm, moving).error is None
    assert device(vm, "Hard disk 1").unitNumber == 5
    moving.controllerKey = second.key
    assert edit(vm, moving).error is None

    moved = device(vm, "Hard disk 1")
    assert (moved.controllerKey, moved.unitNumber) == (second.key, 5)
    assert moved.backing.fileName == moving.backing.fileName
    other = device(vm, "Hard disk 2")
    assert list(device(vm, first.deviceInfo.label).device) == [other.key]
    assert list(device(vm, second.deviceInfo.label).device) == [moved.key]


@rule(
    call="ReconfigVM_Task",
    says="A controller goes with its disk in one spec, whichever comes first; alone it stays while it has one.",
    standing="inferred",
    source="API reference, ReconfigVM_Task: the changes of a spec are applied together; no trace of a server found",
)
def a_controller_goes_with_its_disk(scratch: Scratch) -> None:
    for name, backwards in (("one", False), ("two", True)):
        vm = scratch.machine(name, deviceChange=[scsi(), disk(0)])
        both = [remove(device(vm, label)) for label in ("Hard disk 1", "SCSI controller 0")]
        fault_of(finish(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=both[1:]))), vim.fault.InvalidDeviceOperation)

        result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=both[::-1] if backwards else both)))

        assert "SCSI controller 0" not in {found.deviceInfo.label for found in vm.config.hardware.device}


@rule(
    call="ReconfigVM_Task",
    says="SCSI controllers, their disks and NICs are plugged into a running machine and pulled out of it.",
    standing="observed",
    source="vmware/ansible-vsphere-gos-validation, pull request 73: hot adding disk and controller at the same time",
)
def a_running_machine_takes_disks_and_nics(scratch: Scratch) -> None:
    vm = scratch.machine()
    result_of(vm.PowerOnVM_Task())

    added = [scsi(), disk(0), add(scratch.nic_on(scratch.port_group()))]
    result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=added)))
    assert scratch.nic(vm).connectable.connected
    for label in ("Hard disk 1", "Network adapter 1", "SCSI controller 0"):
        result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[remove(device(vm, label))])))

    assert not vm.summary.config.numVirtualDisks
    assert not vm.summary.config.numEthernetCards


@rule(
    call="ReconfigVM_Task",
    says="What sits on an IDE controller, and a vTPM, is neither added to a running machine nor removed: "
    "DeviceHotPlugNotSupported with the index of the change.",
    standing="observed",
    source="vmware/ansible-vsphere-gos-validation issue 143: IDE; API reference, DeviceHotPlugNotSupported; vTPM: "
    "vSphere security guide, power off the virtual machine",
)
def some_devices_need_a_machine_that_is_off(scratch: Scratch) -> None:
    group = scratch.port_group()
    vm = scratch.machine(deviceChange=[disk(0, controller=200)])
    result_of(vm.PowerOnVM_Task())
    nic = add(scratch.nic_on(group))

    for late in (disk(1, controller=200), add(vim.vm.device.VirtualTPM(key=-3)), remove(device(vm, "Hard disk 1"))):
        task = vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[nic, late]))
        assert fault_of(finish(task), vim.fault.DeviceHotPlugNotSupported).deviceIndex == 1

    assert vm.summary.config.numVirtualDisks == 1
    assert not vm.summary.config.numEthernetCards


@rule(
    call="ReconfigVM_Task",
    says="A suspended machine takes no device and gives none: InvalidPowerState.",
    standing="inferred",
    source="its memory image fixes the hardware, as it does for CPUs and memory",
)
def a_suspended_machine_keeps_its_devices(scratch: Scratch) -> None:
    vm = scratch.machine(deviceChange=[add(scratch.nic_on(scratch.port_group()))])
    result_of(vm.PowerOnVM_Task())
    result_of(vm.SuspendVM_Task())

    for changed in (scsi(), remove(scratch.nic(vm))):
        task = vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[changed]))
        assert fault_of(finish(task), vim.fault.InvalidPowerState).existingState == "suspended"


@rule(
    call="ReconfigVM_Task",
    says="The MAC address of a NIC, the mode of a disk, the sharing of a bus and the place of a disk do not change "
    "while the machine runs: InvalidPowerState.",
    standing="documented",
    source="vSphere networking and administration guides, power off the virtual machine; the fault: API reference, "
    "ReconfigVM_Task, InvalidPowerState; the place is inferred",
)
def some_edits_need_a_machine_that_is_off(scratch: Scratch) -> None:
    vm = scratch.machine(deviceChange=[scsi(), disk(0), add(scratch.nic_on(scratch.port_group()))])
    result_of(vm.PowerOnVM_Task())
    address, mode, sharing, place = (
        device(vm, label) for label in ("Network adapter 1", "Hard disk 1", "SCSI controller 0", "Hard disk 1")
    )
    address.addressType, address.macAddress = "manual", "00:50:56:3f:aa:05"
    mode.backing.diskMode = "independent_persistent"
    sharing.sharedBus = "virtualSharing"
    place.unitNumber = 3

    for changed in (address, mode, sharing, place):
        fault_of(edit(vm, changed), vim.fault.InvalidPowerState)
    result_of(vm.PowerOffVM_Task())

    for changed in (address, mode, place):
        assert edit(vm, changed).error is None


@rule(
    call="CreateVM_Task, ReconfigVM_Task",
    says="The server names a disk's file after the machine and gives it a UUID.",
    standing="documented",
    source="API reference, VirtualDeviceFileBackingInfo.fileName: may name only the datastore",
)
def a_disk_gets_a_file(scratch: Scratch) -> None:
    vm = scratch.machine(deviceChange=[scsi(), disk(0), disk(1, key=-201)])

    path = vm.config.files.vmPathName.removesuffix(".vmx")
    first, second = (device(vm, f"Hard disk {n}").backing for n in (1, 2))
    assert (first.fileName, second.fileName) == (f"{path}.vmdk", f"{path}_1.vmdk")
    assert first.uuid != second.uuid


@rule(
    call="CreateVM_Task, ReconfigVM_Task",
    says="A NIC without an address gets one of 00:50:56:80-bf and the type assigned; one with an address is manual.",
    standing="documented",
    source="vSphere networking guide, MAC address assignment; API reference, VirtualEthernetCard.addressType",
)
def a_nic_gets_an_address(scratch: Scratch) -> None:
    group = scratch.port_group()
    given = scratch.nic_on(group, key=-2)
    given.macAddress = "00:50:56:3F:AA:01"

    vm = scratch.machine(deviceChange=[add(scratch.nic_on(group)), add(given)])

    one, two = device(vm, "Network adapter 1"), device(vm, "Network adapter 2")
    assert one.addressType == "assigned"
    assert "00:50:56:80" <= one.macAddress < "00:50:56:c0"
    assert (two.addressType, two.macAddress) == ("manual", "00:50:56:3f:aa:01")


@rule(
    call="ReconfigVM_Task",
    says="An assigned address of another range, or one that another machine has, is overridden by the server.",
    standing="documented",
    source="API reference, VirtualEthernetCard.macAddress",
)
def an_assigned_address_is_the_servers_choice(scratch: Scratch) -> None:
    group = scratch.port_group()
    first = scratch.machine("first", deviceChange=[add(scratch.nic_on(group))])
    taken = scratch.nic(first).macAddress
    for n, address in enumerate((taken, "00:50:56:00:00:01")):
        nic = scratch.nic_on(group)
        nic.addressType, nic.macAddress = "assigned", address

        vm = scratch.machine(f"other-{n}", deviceChange=[add(nic)])

        assert scratch.nic(vm).macAddress not in {taken, "00:50:56:00:00:01"}


@rule(
    call="PowerOnVM_Task",
    says="A manual address that VMware keeps for itself is accepted, and the machine does not start.",
    standing="observed",
    source="community.vmware issue 1159, terraform-provider-esxi issue 184; the fault's type is inferred",
)
def a_reserved_address_keeps_a_machine_off(scratch: Scratch) -> None:
    group = scratch.port_group()
    for n, address in enumerate(("00:50:56:40:00:01", "00:0c:29:00:00:01")):
        nic = scratch.nic_on(group)
        nic.addressType, nic.macAddress = "manual", address
        vm = scratch.machine(f"reserved-{n}", deviceChange=[add(nic)])

        fault = fault_of(finish(vm.PowerOnVM_Task()), vmodl.MethodFault)

        assert "VMware reserved MACs" in fault.msg


@rule(
    call="ReconfigVM_Task",
    says="A manual address that another machine has is accepted; the history tells of it.",
    standing="documented",
    source="API reference, VmStaticMacConflictEvent",
)
def a_double_address_is_reported(scratch: Scratch) -> None:
    group = scratch.port_group()
    machines = []
    for name in ("first", "second"):
        nic = scratch.nic_on(group)
        nic.addressType, nic.macAddress = "manual", "00:50:56:3f:aa:02"
        machines.append(scratch.machine(name, deviceChange=[add(nic)]))

    about = vim.event.EventFilterSpec.ByEntity(entity=machines[1], recursion="self")
    wanted = vim.event.EventFilterSpec(entity=about, eventTypeId=["VmStaticMacConflictEvent"])
    [event] = scratch.content.eventManager.QueryEvents(wanted)
    assert (event.conflictedVm.name, event.mac) == (machines[0].name, "00:50:56:3f:aa:02")


@rule(
    call="UpgradeVM_Task",
    says="Hardware goes up only: AlreadyUpgraded, InvalidState for a bad version, InvalidPowerState while on.",
    standing="documented",
    source="API reference, VirtualMachine.UpgradeVM_Task",
)
def hardware_is_upgraded_only_upwards_and_off(scratch: Scratch) -> None:
    vm = scratch.machine("old", version="vmx-14", deviceChange=[scsi(), disk(0)])

    result_of(vm.UpgradeVM_Task("vmx-19"))
    fault_of(finish(vm.UpgradeVM_Task("vmx-19")), vim.fault.AlreadyUpgraded)
    fault_of(finish(vm.UpgradeVM_Task("vmx-99")), vim.fault.InvalidState)
    result_of(vm.PowerOnVM_Task())
    fault_of(finish(vm.UpgradeVM_Task()), vim.fault.InvalidPowerState)

    assert vm.config.version == vm.summary.config.hwVersion == "vmx-19"


@rule(
    call="UpgradeVM_Task",
    says="A machine without a disk is not upgraded: NoDiskFound.",
    standing="documented",
    source="API reference, NoDiskFound",
)
def a_machine_without_a_disk_is_not_upgraded(scratch: Scratch) -> None:
    fault_of(finish(scratch.machine("old", version="vmx-14").UpgradeVM_Task()), vim.fault.NoDiskFound)


@rule(
    call="VirtualDevice.deviceInfo",
    says="A disk's summary is its size in KB, in groups of three digits, and follows when it grows.",
    standing="observed",
    source="community.vmware vmware_guest_disk_info, sample; that it follows is inferred",
)
def a_disks_summary_is_its_size(scratch: Scratch) -> None:
    vm = scratch.machine(deviceChange=[disk(0), scsi()])
    seen = device(vm, "Hard disk 1")
    assert seen.deviceInfo.summary == "65,536 KB"

    seen.capacityInKB = seen.capacityInKB * 2
    seen.capacityInBytes = seen.capacityInKB * 1024
    result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[Change(operation="edit", device=seen)])))

    assert device(vm, "Hard disk 1").deviceInfo.summary == "131,072 KB"
