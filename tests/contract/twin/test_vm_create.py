"""Creating virtual machines: defaults, companions of VBS, devices, and faults instead of crashes."""

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.lab import Lab, fault_of
from bed.soap import finish, moid, result_of

Add = vim.vm.device.VirtualDeviceSpec.Operation.add
Create = vim.vm.device.VirtualDeviceSpec.FileOperation.create


def disk(gib: int, *, controller: int = -100) -> Any:
    """Return the addition of a thin disk."""
    backing = vim.vm.device.VirtualDisk.FlatVer2BackingInfo(fileName="", diskMode="persistent", thinProvisioned=True)
    device = vim.vm.device.VirtualDisk(
        key=-200, controllerKey=controller, unitNumber=0, capacityInKB=gib * 1024 * 1024, backing=backing
    )
    return vim.vm.device.VirtualDeviceSpec(operation=Add, fileOperation=Create, device=device)


def test_a_machine_without_wishes_gets_the_defaults(lab: Lab) -> None:
    vm = result_of(lab.create("fresh"))
    config = vm.config

    assert (vm.name, config.name) == ("fresh", "fresh")
    assert (config.hardware.numCPU, config.firmware, config.version) == (1, "bios", "vmx-21")
    assert config.nestedHVEnabled is False
    assert vm.runtime.powerState == "poweredOff"
    assert config.files.vmPathName == "[LocalDS_0] fresh/fresh.vmx"
    assert vm.resourcePool is not None
    assert str(vm) in {str(other) for other in vm.runtime.host.vm}
    assert str(vm) in {str(other) for other in vm.datastore[0].vm}


def test_what_the_spec_says_is_what_the_machine_has(lab: Lab) -> None:
    vm = result_of(
        lab.create(
            "host",
            guestId="windows2019srvNext_64Guest",
            numCPUs=8,
            numCoresPerSocket=4,
            memoryMB=16384,
            firmware="efi",
            nestedHVEnabled=True,
            instanceUuid="11111111-2222-3333-4444-555555555555",
            bootOptions=vim.vm.BootOptions(efiSecureBootEnabled=True),
            extraConfig=[vim.option.OptionValue(key="example/owner", value="me")],
            annotation="note",
        )
    )
    config = vm.config

    assert config.guestFullName == "Microsoft Windows Server 2022 (64-bit)"
    assert (config.hardware.numCPU, config.hardware.numCoresPerSocket, config.hardware.memoryMB) == (8, 4, 16384)
    assert config.nestedHVEnabled
    assert config.bootOptions.efiSecureBootEnabled
    assert config.instanceUuid == "11111111-2222-3333-4444-555555555555"
    assert {o.key: o.value for o in config.extraConfig}["example/owner"] == "me"
    assert (vm.summary.config.numCpu, vm.summary.config.memorySizeMB) == (8, 16384)


def test_vbs_brings_its_companions(lab: Lab) -> None:
    config = result_of(lab.create("host", flags=vim.vm.FlagInfo(vbsEnabled=True))).config

    assert config.flags.vbsEnabled
    assert config.flags.vvtdEnabled
    assert config.nestedHVEnabled
    assert config.firmware == "efi"
    assert config.bootOptions.efiSecureBootEnabled


@pytest.mark.parametrize(
    "contradiction",
    [
        {"nestedHVEnabled": False},
        {"firmware": "bios"},
        {"bootOptions": vim.vm.BootOptions(efiSecureBootEnabled=False)},
    ],
)
def test_vbs_refuses_a_contradiction(lab: Lab, contradiction: dict[str, Any]) -> None:
    info = finish(lab.create("host", flags=vim.vm.FlagInfo(vbsEnabled=True), **contradiction))

    assert isinstance(fault_of(info), vim.fault.InvalidVmConfig)


def test_secure_boot_needs_efi(lab: Lab) -> None:
    info = finish(lab.create("host", bootOptions=vim.vm.BootOptions(efiSecureBootEnabled=True)))

    assert isinstance(fault_of(info), vim.fault.InvalidVmConfig)


@pytest.mark.parametrize(
    ("member", "value", "named"),
    [
        ("guestId", "nope", "configSpec.guestId"),
        ("memoryMB", 4097, "configSpec.memoryMB"),
        ("numCPUs", 1000, "configSpec.numCPUs"),
        ("firmware", "uefi", "configSpec.firmware"),
        ("version", "vmx-99", "configSpec.version"),
    ],
)
def test_a_bad_value_names_the_member(lab: Lab, member: str, value: Any, named: str) -> None:
    fault = fault_of(finish(lab.create("host", **{member: value})), vmodl.fault.InvalidArgument)

    assert fault.invalidProperty == named
    assert fault.msg == f"A specified parameter was not correct: {named}"


def test_cores_must_fill_whole_sockets(lab: Lab) -> None:
    fault = fault_of(finish(lab.create("host", numCPUs=6, numCoresPerSocket=4)))

    assert fault.invalidProperty == "configSpec.numCoresPerSocket"


@pytest.mark.parametrize("name", ["fresh", "FRESH", "DC0_C0_RP0_VM0"])
def test_a_taken_name_is_refused_whatever_its_case(lab: Lab, name: str) -> None:
    result_of(lab.create("fresh"))

    fault = fault_of(finish(lab.create(name)), vim.fault.DuplicateName)

    assert fault.object.name.lower() == name.lower()


@pytest.mark.parametrize("name", ["", "x" * 81])
def test_a_bad_name_is_refused(lab: Lab, name: str) -> None:
    assert isinstance(fault_of(finish(lab.create(name))), vim.fault.InvalidName)


def test_an_unknown_datastore_is_a_fault(lab: Lab) -> None:
    assert isinstance(fault_of(finish(lab.create("host", datastore="nope"))), vim.fault.InvalidDatastore)


def test_an_unknown_pool_or_host_is_refused_at_once(lab: Lab) -> None:
    stub = lab.instance._stub  # noqa: SLF001 - pyVmomi has no other way to name an object that is not there
    files = vim.vm.FileInfo(vmPathName="[LocalDS_0]")
    spec, folder = vim.vm.ConfigSpec(name="host", files=files), lab.datacenter.vmFolder

    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        folder.CreateVM_Task(spec, vim.ResourcePool("resgroup-999", stub))
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        folder.CreateVM_Task(spec, lab.pool, vim.HostSystem("host-999", stub))


@pytest.mark.parametrize("kind", ["standard", "group", "switch"])
def test_an_unknown_network_is_a_fault(lab: Lab, kind: str) -> None:
    card = vim.vm.device.VirtualEthernetCard
    if kind == "standard":
        backing: Any = card.NetworkBackingInfo(deviceName="nope")
    else:
        uuid = lab.switch.uuid if kind == "group" else "00 00 00 00 00 00 00 00-00 00 00 00 00 00 00 00"
        port = vim.dvs.PortConnection(switchUuid=uuid, portgroupKey="dvportgroup-999")
        backing = card.DistributedVirtualPortBackingInfo(port=port)
    nic = vim.vm.device.VirtualVmxnet3(key=-1, backing=backing)
    change = vim.vm.device.VirtualDeviceSpec(operation=Add, device=nic)

    expected = vim.fault.InvalidDeviceBacking if kind == "standard" else vim.fault.NotFound
    fault_of(finish(lab.create("host", deviceChange=[change])), expected)


def test_devices_get_keys_labels_addresses_and_files(lab: Lab) -> None:
    group = lab.port_group("lab")
    scsi = vim.vm.device.ParaVirtualSCSIController(key=-100, busNumber=0, sharedBus="noSharing")
    changes = [
        disk(40),
        vim.vm.device.VirtualDeviceSpec(operation=Add, device=scsi),
        vim.vm.device.VirtualDeviceSpec(operation=Add, device=lab.nic_on(group)),
        vim.vm.device.VirtualDeviceSpec(operation=Add, device=lab.nic_on(group, key=-2)),
    ]

    vm = result_of(lab.create("host", deviceChange=changes))
    devices = {device.deviceInfo.label: device for device in vm.config.hardware.device}

    hard_disk = devices["Hard disk 1"]
    assert hard_disk.controllerKey == devices["SCSI controller 0"].key
    assert hard_disk.backing.fileName == "[LocalDS_0] host/host.vmdk"
    assert hard_disk.capacityInBytes == 40 * 1024**3
    assert devices["Network adapter 1"].key != devices["Network adapter 2"].key
    macs = {devices[f"Network adapter {n}"].macAddress for n in (1, 2)}
    assert len(macs) == 2
    assert all(mac.startswith("00:50:56:") for mac in macs)
    assert vm.summary.config.numEthernetCards == 2
    assert vm.summary.config.numVirtualDisks == 1


def test_a_name_is_taken_from_the_moment_of_the_call(lab: Lab) -> None:
    lab.twin.control.hold("CreateVM_Task")
    first = lab.create("host")
    second = finish(lab.create("Host"))
    lab.twin.control.release()

    assert isinstance(fault_of(second), vim.fault.DuplicateName)
    assert result_of(first).name == "host"


def test_nobody_sees_half_a_machine(lab: Lab) -> None:
    lab.twin.control.hold("CreateVM_Task")
    uuid = "11111111-2222-3333-4444-555555555555"
    task = lab.create("host", instanceUuid=uuid)

    assert lab.content.searchIndex.FindByUuid(None, uuid, True, True) is None
    assert lab.twin.control.state().vm("host") is None
    lab.twin.control.release()

    vm = result_of(task)
    assert moid(lab.content.searchIndex.FindByUuid(None, uuid, True, True)) == moid(vm)
