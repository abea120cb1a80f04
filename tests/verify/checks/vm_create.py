"""Creating machines: defaults, companions of VBS, devices, and faults that name what is wrong."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.soap import finish, message_of, moid, result_of
from verify.rule import rule
from verify.scratch import Scratch, fault_of

Edit = vim.vm.device.VirtualDeviceSpec
Card = vim.vm.device.VirtualEthernetCard
CREATE = "API reference, Folder.CreateVM_Task"


def disk(gib: int, *, controller: int) -> Any:
    """Return the addition of a thin disk."""
    backing = vim.vm.device.VirtualDisk.FlatVer2BackingInfo(fileName="", diskMode="persistent", thinProvisioned=True)
    device = vim.vm.device.VirtualDisk(
        key=-200, controllerKey=controller, unitNumber=0, capacityInKB=gib * 1024 * 1024, backing=backing
    )
    return Edit(operation="add", fileOperation="create", device=device)


@rule(
    call="CreateVM_Task",
    says="A machine without wishes has one CPU, BIOS, no nested virtualization, is off, and its files lie in a folder "
    "of its name.",
    standing="inferred",
    source="no source found: VirtualMachineConfigSpec names no defaults; clients that leave these unset count on them",
)
def a_machine_without_wishes_gets_the_defaults(scratch: Scratch) -> None:
    vm = scratch.machine("plain")
    config, name = vm.config, scratch.named("plain")

    assert (vm.name, config.name) == (name, name)
    assert (config.hardware.numCPU, config.firmware) == (1, "bios")
    assert config.nestedHVEnabled is False
    assert vm.runtime.powerState == "poweredOff"
    assert config.files.vmPathName == f"[{scratch.place.datastore.name}] {name}/{name}.vmx"
    assert moid(vm.resourcePool) == moid(scratch.pool)
    assert moid(vm) in {moid(other) for other in vm.runtime.host.vm}
    assert moid(vm) in {moid(other) for other in vm.datastore[0].vm}


@rule(
    call="CreateVM_Task",
    says="What the spec says is what the machine has, in config and in summary; guestFullName follows from guestId.",
    standing="documented",
    source=f"{CREATE}; VirtualMachineConfigInfo.guestFullName",
)
def what_the_spec_says_is_what_the_machine_has(scratch: Scratch) -> None:
    vm = scratch.machine(
        "host",
        guestId="windows2019srvNext_64Guest",
        numCPUs=8,
        numCoresPerSocket=4,
        memoryMB=512,
        firmware="efi",
        nestedHVEnabled=True,
        bootOptions=vim.vm.BootOptions(efiSecureBootEnabled=True),
        extraConfig=[vim.option.OptionValue(key="example/owner", value="me")],
        annotation="note",
    )
    config = vm.config

    assert config.guestFullName == "Microsoft Windows Server 2022 (64-bit)"
    assert (config.hardware.numCPU, config.hardware.numCoresPerSocket, config.hardware.memoryMB) == (8, 4, 512)
    assert config.nestedHVEnabled
    assert config.bootOptions.efiSecureBootEnabled
    assert {option.key: option.value for option in config.extraConfig}["example/owner"] == "me"
    assert (vm.summary.config.numCpu, vm.summary.config.memorySizeMB) == (8, 512)


@rule(
    call="CreateVM_Task",
    says="vbsEnabled fills in vvtdEnabled, nestedHVEnabled, EFI and secure boot where the spec is silent.",
    standing="documented",
    source="API reference, VirtualMachineFlagInfo.vbsEnabled",
)
def vbs_brings_its_companions(scratch: Scratch) -> None:
    config = scratch.machine(flags=vim.vm.FlagInfo(vbsEnabled=True)).config

    assert config.flags.vbsEnabled
    assert config.flags.vvtdEnabled
    assert config.nestedHVEnabled
    assert config.firmware == "efi"
    assert config.bootOptions.efiSecureBootEnabled


@rule(
    call="CreateVM_Task",
    says="vbsEnabled together with an explicit nestedHVEnabled=false, BIOS or no secure boot is InvalidVmConfig.",
    standing="documented",
    source="API reference, VirtualMachineFlagInfo.vbsEnabled",
)
def vbs_refuses_a_contradiction(scratch: Scratch) -> None:
    contradictions: list[dict[str, Any]] = [
        {"nestedHVEnabled": False},
        {"firmware": "bios"},
        {"bootOptions": vim.vm.BootOptions(efiSecureBootEnabled=False)},
    ]
    for contradiction in contradictions:
        task = scratch.create("host", flags=vim.vm.FlagInfo(vbsEnabled=True), **contradiction)
        fault_of(finish(task), vim.fault.InvalidVmConfig)


@rule(
    call="CreateVM_Task",
    says="Below hardware version 14 vbsEnabled is ignored without a word, and brings no companions.",
    standing="documented",
    source="vSphere security guide, VBS needs hardware version 14; ignored: vm-operator compute_overwrite.go; that "
    "the companions stay out too is inferred",
)
def vbs_on_old_hardware_brings_nothing(scratch: Scratch) -> None:
    config = scratch.machine("old", version="vmx-13", flags=vim.vm.FlagInfo(vbsEnabled=True)).config

    assert not config.flags.vbsEnabled
    assert not config.nestedHVEnabled
    assert config.firmware == "bios"
    assert not config.bootOptions.efiSecureBootEnabled


@rule(
    call="CreateVM_Task",
    says="Secure boot without EFI is InvalidVmConfig.",
    standing="inferred",
    source="API reference, VirtualMachineBootOptions.efiSecureBootEnabled: only for EFI; the fault is not named there",
)
def secure_boot_needs_efi(scratch: Scratch) -> None:
    task = scratch.create("host", bootOptions=vim.vm.BootOptions(efiSecureBootEnabled=True))

    fault_of(finish(task), vim.fault.InvalidVmConfig)


@rule(
    call="CreateVM_Task",
    says="A bad value fails the task with InvalidArgument that names the member: configSpec.guestId.",
    standing="observed",
    source="the spelling: hashicorp/packer issue 9153; the limits: API reference, VirtualMachineConfigSpec",
)
def a_bad_value_names_the_member(scratch: Scratch) -> None:
    bad: dict[str, Any] = {
        "guestId": "nope",
        "memoryMB": 4097,
        "numCPUs": 1000,
        "firmware": "uefi",
        "version": "vmx-99",
    }
    for member, value in bad.items():
        fault = fault_of(finish(scratch.create("host", **{member: value})), vmodl.fault.InvalidArgument)

        assert fault.invalidProperty == f"configSpec.{member}"
        assert message_of(fault) == f"A specified parameter was not correct: configSpec.{member}"


@rule(
    call="CreateVM_Task",
    says="numCPUs has to be a multiple of numCoresPerSocket.",
    standing="documented",
    source="API reference, VirtualMachineConfigSpec.numCoresPerSocket",
)
def cores_must_fill_whole_sockets(scratch: Scratch) -> None:
    fault = fault_of(finish(scratch.create("host", numCPUs=6, numCoresPerSocket=4)), vmodl.fault.InvalidArgument)

    assert fault.invalidProperty == "configSpec.numCoresPerSocket"


@rule(
    call="CreateVM_Task",
    says="A name that is taken in the folder, in whatever case, is DuplicateName with the machine that has it.",
    standing="documented",
    source=f"{CREATE}, DuplicateName; whatever its case: inferred from vSphere's naming guidance",
)
def a_taken_name_is_refused_whatever_its_case(scratch: Scratch) -> None:
    vm = scratch.machine("taken")

    for name in ("taken", "TAKEN"):
        fault = fault_of(finish(scratch.create(name)), vim.fault.DuplicateName)
        assert moid(fault.object) == moid(vm)


@rule(
    call="CreateVM_Task",
    says="An empty name and one of more than 80 characters are InvalidName.",
    standing="documented",
    source=f"{CREATE}, InvalidName; VirtualMachineConfigSpec.name, limit of 80",
)
def a_name_has_1_to_80_characters(scratch: Scratch) -> None:
    files = vim.vm.FileInfo(vmPathName=f"[{scratch.place.datastore.name}]")
    for name in ("", scratch.named("x" * 80)):
        task = scratch.place.folder.CreateVM_Task(vim.vm.ConfigSpec(name=name, files=files), scratch.pool)
        fault_of(finish(task), vim.fault.InvalidName)


@rule(
    call="CreateVM_Task",
    says="A datastore that does not exist is InvalidDatastore.",
    standing="documented",
    source=f"{CREATE}, InvalidDatastore",
)
def an_unknown_datastore_is_a_fault(scratch: Scratch) -> None:
    fault_of(finish(scratch.create("host", datastore="no such datastore")), vim.fault.InvalidDatastore)


@rule(
    call="CreateVM_Task",
    says="A pool or host that does not exist is ManagedObjectNotFound at once, before there is a task.",
    standing="documented",
    source="API reference, ManagedObjectNotFound: any call with a reference to what is not there",
)
def an_unknown_pool_or_host_is_refused_at_once(scratch: Scratch) -> None:
    stub = scratch.instance._stub  # noqa: SLF001 - pyVmomi has no other way to name an object that is not there
    files = vim.vm.FileInfo(vmPathName=f"[{scratch.place.datastore.name}]")
    spec, folder = vim.vm.ConfigSpec(name=scratch.named("host"), files=files), scratch.place.folder

    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        folder.CreateVM_Task(spec, vim.ResourcePool("resgroup-99999999", stub))
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        folder.CreateVM_Task(spec, scratch.pool, vim.HostSystem("host-99999999", stub))


@rule(
    call="CreateVM_Task",
    says="A NIC on a standard network that the host does not have is InvalidDeviceBacking.",
    standing="documented",
    source="API reference, VirtualEthernetCardNetworkBackingInfo and InvalidDeviceBacking",
)
def an_unknown_standard_network_is_a_fault(scratch: Scratch) -> None:
    nic = vim.vm.device.VirtualVmxnet3(key=-1, backing=Card.NetworkBackingInfo(deviceName="no such network"))

    task = scratch.create("host", deviceChange=[Edit(operation="add", device=nic)])

    fault_of(finish(task), vim.fault.InvalidDeviceBacking)


@rule(
    call="CreateVM_Task",
    says="A NIC on a distributed switch or port group that does not exist is NotFound.",
    standing="observed",
    source="govmomi's own tests for the switch; inferred for the port group",
)
def an_unknown_distributed_network_is_a_fault(scratch: Scratch) -> None:
    for uuid in (scratch.switch.uuid, "00 00 00 00 00 00 00 00-00 00 00 00 00 00 00 00"):
        port = vim.dvs.PortConnection(switchUuid=uuid, portgroupKey="dvportgroup-99999999")
        nic = vim.vm.device.VirtualVmxnet3(key=-1, backing=Card.DistributedVirtualPortBackingInfo(port=port))

        task = scratch.create("host", deviceChange=[Edit(operation="add", device=nic)])

        fault_of(finish(task), vim.fault.NotFound)


@rule(
    call="CreateVM_Task",
    says="Devices get keys, labels, addresses and files from the server, whatever negative keys the spec used.",
    standing="documented",
    source="API reference, VirtualDeviceConfigSpec and VirtualDevice.key; VirtualEthernetCard.macAddress",
)
def devices_get_keys_labels_addresses_and_files(scratch: Scratch) -> None:
    group = scratch.port_group()
    scsi = vim.vm.device.ParaVirtualSCSIController(key=-100, busNumber=0, sharedBus="noSharing")
    changes = [
        disk(1, controller=-100),
        *(Edit(operation="add", device=each) for each in (scsi, scratch.nic_on(group), scratch.nic_on(group, key=-2))),
    ]

    vm = scratch.machine("devices", deviceChange=changes)

    devices = {device.deviceInfo.label: device for device in vm.config.hardware.device}
    name = scratch.named("devices")
    hard_disk = devices["Hard disk 1"]
    assert hard_disk.controllerKey == devices["SCSI controller 0"].key
    assert hard_disk.backing.fileName == f"[{scratch.place.datastore.name}] {name}/{name}.vmdk"
    assert hard_disk.capacityInBytes == 1024**3
    assert devices["Network adapter 1"].key != devices["Network adapter 2"].key
    addresses = {devices[f"Network adapter {number}"].macAddress for number in (1, 2)}
    assert len(addresses) == 2
    assert [address for address in addresses if not address.startswith("00:50:56:")] == []
    assert (vm.summary.config.numEthernetCards, vm.summary.config.numVirtualDisks) == (2, 1)


@rule(
    call="CreateVM_Task",
    says="A device may come without any key: 0 is as good as a negative one, and names no controller.",
    standing="observed",
    source="community.vmware, vmware_guest_network adds NICs without a key",
)
def a_device_needs_no_key(scratch: Scratch) -> None:
    group = scratch.port_group()
    nic = scratch.nic_on(group, key=0)

    vm = scratch.machine(deviceChange=[Edit(operation="add", device=nic), Edit(operation="add", device=nic)])

    cards = [device for device in vm.config.hardware.device if isinstance(device, Card)]
    assert len({card.key for card in cards}) == 2
    assert len({card.controllerKey for card in cards}) == 1


@rule(
    call="FindByUuid",
    says="A machine is found by its instance UUID and by its BIOS UUID, and by neither after it is destroyed.",
    standing="documented",
    source="API reference, SearchIndex.FindByUuid",
)
def a_machine_is_found_by_its_uuids(scratch: Scratch) -> None:
    vm, index = scratch.machine(), scratch.content.searchIndex
    instance, bios = vm.config.instanceUuid, vm.config.uuid

    assert moid(index.FindByUuid(None, instance, True, True)) == moid(vm)
    assert moid(index.FindByUuid(None, bios, True, False)) == moid(vm)
    result_of(vm.Destroy_Task())
    assert index.FindByUuid(None, instance, True, True) is None
    assert index.FindByUuid(None, bios, True, False) is None
