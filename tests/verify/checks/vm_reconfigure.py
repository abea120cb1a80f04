"""Reconfiguring machines: merging, atomicity, the version fence, what a running machine takes, templates, devices."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from collections.abc import Callable
from typing import Any

from pyVmomi import vim, vmodl

from bed.soap import finish, message_of, moid, result_of
from verify.checks.vm_create import disk
from verify.rule import rule
from verify.scratch import Scratch, fault_of

Spec = vim.vm.ConfigSpec
Edit = vim.vm.device.VirtualDeviceSpec
RECONFIG = "API reference, VirtualMachine.ReconfigVM_Task"


def options(vm: Any) -> dict[str, Any]:
    """Return a machine's extraConfig."""
    return {option.key: option.value for option in vm.config.extraConfig}


def option(key: str, value: str) -> Any:
    """Return one extraConfig entry."""
    return vim.option.OptionValue(key=key, value=value)


def change(vm: Any, **members: Any) -> Any:
    """Reconfigure a machine to the end; returns the TaskInfo."""
    return finish(vm.ReconfigVM_Task(Spec(**members)))


def running(scratch: Scratch, **members: Any) -> Any:
    """Create a machine and power it on."""
    vm = scratch.machine("running", **members)
    result_of(vm.PowerOnVM_Task())
    return vm


@rule(
    call="ReconfigVM_Task",
    says="Unset members of flags and bootOptions stay as they are.",
    standing="documented",
    source=f"{RECONFIG}: unset properties are left as they are",
)
def nested_members_that_are_left_out_stay(scratch: Scratch) -> None:
    vm = scratch.machine(firmware="efi")
    steps: list[dict[str, Any]] = [
        {"flags": vim.vm.FlagInfo(vbsEnabled=True)},
        {"bootOptions": vim.vm.BootOptions(efiSecureBootEnabled=True)},
        {"flags": vim.vm.FlagInfo(vvtdEnabled=True)},
        {"bootOptions": vim.vm.BootOptions(bootDelay=100)},
    ]
    for step in steps:
        assert change(vm, **step).error is None

    assert vm.config.flags.vbsEnabled
    assert vm.config.flags.vvtdEnabled
    assert vm.config.bootOptions.efiSecureBootEnabled
    assert vm.config.bootOptions.bootDelay == 100


@rule(
    call="ReconfigVM_Task",
    says="vbsEnabled alone brings no companions on a reconfigure: nestedHVEnabled stays false.",
    standing="inferred",
    source="API reference, VirtualMachineFlagInfo.vbsEnabled speaks of creation only",
    switch="reconfigureFillsVBS",
)
def vbs_brings_no_companions_on_a_reconfigure(scratch: Scratch) -> None:
    vm = scratch.machine(firmware="efi")

    assert change(vm, flags=vim.vm.FlagInfo(vbsEnabled=True)).error is None

    assert vm.config.flags.vbsEnabled
    assert not vm.config.nestedHVEnabled


@rule(
    call="ReconfigVM_Task",
    says="A companion of VBS is turned off without a word while VBS is on; secure boot without EFI alone is refused.",
    standing="inferred",
    source="community.vmware issue 351: of the four flags only secure boot without EFI came back as an error, on "
    "guests that cannot have them",
)
def a_companion_of_vbs_can_be_turned_off(scratch: Scratch) -> None:
    vm = scratch.machine(flags=vim.vm.FlagInfo(vbsEnabled=True))

    fault_of(change(vm, firmware="bios"), vim.fault.InvalidVmConfig)
    steps: list[dict[str, Any]] = [
        {"nestedHVEnabled": False},
        {"flags": vim.vm.FlagInfo(vvtdEnabled=False)},
        {"bootOptions": vim.vm.BootOptions(efiSecureBootEnabled=False)},
        {"firmware": "bios"},
    ]
    for step in steps:
        assert change(vm, **step).error is None

    assert vm.config.flags.vbsEnabled
    assert vm.config.firmware == "bios"


@rule(
    call="ReconfigVM_Task",
    says="It is all or nothing: a bad value leaves everything, changeVersion too, as it was.",
    standing="documented",
    source=f"{RECONFIG}: the operation is atomic",
)
def a_bad_value_changes_nothing_at_all(scratch: Scratch) -> None:
    vm = scratch.machine()
    before = vm.config.changeVersion

    fault_of(change(vm, numCPUs=6, annotation="new", guestId="nope"), vmodl.fault.InvalidArgument)

    assert vm.config.hardware.numCPU == 1
    assert not vm.config.annotation
    assert vm.config.changeVersion == before


@rule(
    call="ReconfigVM_Task",
    says="A changeVersion other than the current one fails the task with ConcurrentAccess and changes nothing.",
    standing="documented",
    source="API reference, VirtualMachineConfigSpec.changeVersion; in the task: vmware/vic issues 6929 and 6642",
    switch="concurrentAccessInTask",
)
def a_stale_change_version_fails_the_task(scratch: Scratch) -> None:
    vm = scratch.machine()
    stale = vm.config.changeVersion
    assert change(vm, changeVersion=stale, annotation="one").error is None

    fault_of(change(vm, changeVersion=stale, annotation="two"), vim.fault.ConcurrentAccess)

    assert vm.config.annotation == "one"


@rule(
    call="VirtualMachineConfigInfo.changeVersion",
    says="It grows with every reconfigure and with every power-on.",
    standing="observed",
    source="a time stamp, and the power-on: vmware/vic pull 2510",
)
def power_on_and_reconfigure_move_the_change_version(scratch: Scratch) -> None:
    vm = scratch.machine()
    versions = [vm.config.changeVersion]
    assert change(vm, annotation="one").error is None
    versions.append(vm.config.changeVersion)
    result_of(vm.PowerOnVM_Task())
    versions.append(vm.config.changeVersion)

    assert len(set(versions)) == 3
    assert versions == sorted(versions)


@rule(
    call="ReconfigVM_Task",
    says="Nested virtualization, firmware, VBS, IOMMU, vPMC, hot-add, guest id and cores of a running machine: "
    "InvalidPowerState with poweredOff as the state it needs.",
    standing="documented",
    source="vSphere API reference, VirtualMachineConfigSpec.nestedHVEnabled, .cpuHotAddEnabled, .guestId: when off",
)
def running_hardware_does_not_change(scratch: Scratch) -> None:
    vm = running(scratch)
    refused: list[dict[str, Any]] = [
        {"nestedHVEnabled": True},
        {"firmware": "efi"},
        {"flags": vim.vm.FlagInfo(vbsEnabled=True)},
        {"flags": vim.vm.FlagInfo(vvtdEnabled=True)},
        {"vPMCEnabled": True},
        {"cpuHotAddEnabled": True},
        {"memoryHotAddEnabled": True},
        {"guestId": "windows9_64Guest"},
        {"numCPUs": 4, "numCoresPerSocket": 2},
    ]
    for members in refused:
        fault = fault_of(change(vm, **members), vim.fault.InvalidPowerState)

        assert (fault.requestedState, fault.existingState) == ("poweredOff", "poweredOn")
        words = "The attempted operation cannot be performed in the current state (Powered on)."
        assert message_of(fault) == words


@rule(
    call="ReconfigVM_Task",
    says="Without hot-add a running machine refuses other CPUs with CpuHotPlugNotSupported, other memory with "
    "MemoryHotPlugNotSupported.",
    standing="documented",
    source="vSphere API reference, CpuHotPlugNotSupported and MemoryHotPlugNotSupported",
)
def without_hot_add_a_running_machine_keeps_its_size(scratch: Scratch) -> None:
    vm = running(scratch)

    fault_of(change(vm, numCPUs=4), vim.fault.CpuHotPlugNotSupported)
    fault_of(change(vm, memoryMB=64), vim.fault.MemoryHotPlugNotSupported)


@rule(
    call="ReconfigVM_Task",
    says="Name, note, boot options, extraConfig, change tracking, and values that are already so, are taken while the "
    "machine runs.",
    standing="documented",
    source="vSphere API reference, VirtualMachineConfigSpec: these name no power state; equal values: inferred",
)
def what_needs_no_power_off_is_accepted_while_on(scratch: Scratch) -> None:
    vm = running(scratch)
    accepted: list[dict[str, Any]] = [
        {"annotation": "note"},
        {"name": scratch.named("renamed")},
        {"bootOptions": vim.vm.BootOptions(bootDelay=100)},
        {"extraConfig": [option("a", "b")]},
        {"changeTrackingEnabled": True},
        {"nestedHVEnabled": False},
        {"numCPUs": 1},
    ]
    for members in accepted:
        assert change(vm, **members).error is None


@rule(
    call="ReconfigVM_Task",
    says="With hot-add CPUs and memory of a running machine grow and do not shrink.",
    standing="documented",
    source="API reference, VirtualMachineConfigInfo.cpuHotAddEnabled, memoryHotAddEnabled and cpuHotRemoveEnabled",
)
def hot_add_lets_cpus_and_memory_grow_and_never_shrink(scratch: Scratch) -> None:
    vm = running(scratch, numCPUs=2, memoryMB=1024, cpuHotAddEnabled=True, memoryHotAddEnabled=True)

    assert change(vm, numCPUs=4, memoryMB=2048).error is None
    fault_of(change(vm, numCPUs=2), vim.fault.CpuHotPlugNotSupported)
    fault_of(change(vm, memoryMB=1024), vim.fault.MemoryHotPlugNotSupported)

    assert (vm.config.hardware.numCPU, vm.config.hardware.memoryMB) == (4, 2048)


@rule(
    call="ReconfigVM_Task",
    says="The memory of a running machine grows in steps of hotPlugMemoryIncrementSize up to hotPlugMemoryLimit, which "
    "only a running machine with hot-add has; else InvalidVmConfig.",
    standing="documented",
    source="API reference, VirtualMachineConfigInfo.hotPlugMemoryLimit and .hotPlugMemoryIncrementSize; the fault: "
    "terraform-provider-vsphere issues 255 and 1352, of another limit; the values are inferred",
)
def hot_add_of_memory_has_steps_and_an_end(scratch: Scratch) -> None:
    vm = scratch.machine("running", memoryMB=1024, memoryHotAddEnabled=True)
    assert vm.config.hotPlugMemoryLimit is None
    result_of(vm.PowerOnVM_Task())
    limit, step = vm.config.hotPlugMemoryLimit, vm.config.hotPlugMemoryIncrementSize

    fault_of(change(vm, memoryMB=1024 + step // 2), vim.fault.InvalidVmConfig)
    fault_of(change(vm, memoryMB=limit + step), vim.fault.InvalidVmConfig)
    assert change(vm, memoryMB=1024 + step).error is None
    assert vm.config.hotPlugMemoryLimit == limit
    result_of(vm.PowerOffVM_Task())

    assert vm.config.hotPlugMemoryIncrementSize is None
    assert change(vm, memoryMB=1024 + step // 2).error is None


@rule(
    call="ReconfigVM_Task",
    says="With VBS a running machine takes neither CPUs nor memory, hot-add or not; both can be set together.",
    standing="inferred",
    source="vSphere security guide 6.7 and KB 52584: unsupported together; vmware/ansible-vsphere-gos-validation issue "
    "144 skips hot add where VBS is on; how a server refuses: no trace found",
)
def vbs_keeps_a_running_machine_from_growing(scratch: Scratch) -> None:
    flags = vim.vm.FlagInfo(vbsEnabled=True)
    vm = running(scratch, memoryMB=1024, cpuHotAddEnabled=True, memoryHotAddEnabled=True, flags=flags)

    fault_of(change(vm, numCPUs=2), vim.fault.CpuHotPlugNotSupported)
    fault_of(change(vm, memoryMB=2048), vim.fault.MemoryHotPlugNotSupported)


@rule(
    call="ReconfigVM_Task",
    says="nestedHVEnabled below hardware version 9 is ignored without a word; the rest of the spec is carried out. The "
    "machine's own capability tells.",
    standing="observed",
    source="vm-operator, compute_overwrite.go (code of the vendor); API reference, VirtualMachineCapability."
    "nestedHVSupported",
)
def an_old_hardware_version_ignores_what_it_cannot_do(scratch: Scratch) -> None:
    vm = scratch.machine("old", version="vmx-08")

    assert change(vm, nestedHVEnabled=True, annotation="new").error is None

    assert vm.config.annotation == "new"
    assert not vm.config.nestedHVEnabled
    assert not vm.capability.nestedHVSupported
    assert scratch.machine("newer", version="vmx-09").capability.nestedHVSupported


@rule(
    call="ReconfigVM_Task",
    says="So are the counters below 9, CPU hot add below 11, secure boot below 13, IOMMU and VBS below 14; from that "
    "version on each is taken.",
    standing="observed",
    source="vm-operator, compute_overwrite.go (code of the vendor); secure boot, IOMMU, VBS: vSphere security guide",
)
def each_setting_has_a_first_hardware_version(scratch: Scratch) -> None:
    first: dict[int, tuple[dict[str, Any], Callable[[Any], bool | None]]] = {
        9: ({"vPMCEnabled": True}, lambda config: config.vPMCEnabled),
        11: ({"cpuHotAddEnabled": True}, lambda config: config.cpuHotAddEnabled),
        13: (
            {"firmware": "efi", "bootOptions": vim.vm.BootOptions(efiSecureBootEnabled=True)},
            lambda config: config.bootOptions.efiSecureBootEnabled,
        ),
        14: (
            {"flags": vim.vm.FlagInfo(vvtdEnabled=True, vbsEnabled=True)},
            lambda config: config.flags.vvtdEnabled and config.flags.vbsEnabled,
        ),
    }
    for version, (members, taken) in first.items():
        for given, expected in ((version - 1, False), (version, True)):
            vm = scratch.machine(f"v{given}-for-{version}", version=f"vmx-{given:02}")

            assert change(vm, **members).error is None
            assert bool(taken(vm.config)) is expected


@rule(
    call="ReconfigVM_Task",
    says="A template takes a new name and note; anything else is NotSupported.",
    standing="documented",
    source=f"{RECONFIG}: only name and annotation of a template may change",
)
def a_template_takes_a_new_name_and_note_and_nothing_else(scratch: Scratch) -> None:
    template, golden = scratch.machine("template"), scratch.named("golden")
    template.MarkAsTemplate()

    assert change(template, name=golden, annotation="note").error is None
    others: list[dict[str, Any]] = [
        {"numCPUs": 4},
        {"tools": vim.vm.ToolsConfigInfo()},
        {"extraConfig": [option("a", "b")]},
    ]
    for members in others:
        fault_of(change(template, **members), vmodl.fault.NotSupported)

    assert (template.name, template.config.annotation) == (golden, "note")


@rule(
    call="ReconfigVM_Task",
    says="An empty note takes the note away; one that is left out stays.",
    standing="inferred",
    source="XML Schema: an element that is there has a value, only an absent one is unset",
)
def an_empty_note_is_no_note(scratch: Scratch) -> None:
    vm = scratch.machine(annotation="old")

    assert change(vm, numCPUs=2).error is None
    assert vm.config.annotation == "old"
    assert change(vm, annotation="").error is None

    assert not vm.config.annotation
    assert not vm.summary.config.annotation


@rule(
    call="ReconfigVM_Task",
    says="extraConfig is merged by key, an empty value removes, and a key for which the spec has a member is ignored.",
    standing="documented",
    source="API reference, VirtualMachineConfigSpec.extraConfig",
)
def extra_config_is_merged_by_key_and_an_empty_value_removes(scratch: Scratch) -> None:
    vm = scratch.machine()
    assert change(vm, extraConfig=[option("a", "1"), option("b", "2")]).error is None
    assert change(vm, extraConfig=[option("a", ""), option("c", "3"), option("vhv.enable", "TRUE")]).error is None

    assert "a" not in options(vm)
    assert (options(vm)["b"], options(vm)["c"]) == ("2", "3")
    assert "vhv.enable" not in options(vm)


@rule(
    call="Rename_Task",
    says="A rename, by its own call or in a spec, changes name, config.name and summary; a taken one is DuplicateName.",
    standing="documented",
    source="API reference, ManagedEntity.Rename_Task and VirtualMachineConfigSpec.name",
)
def a_rename_changes_every_name_and_respects_others(scratch: Scratch) -> None:
    vm, _ = scratch.machine("first"), scratch.machine("second")
    renamed, taken = scratch.named("renamed"), scratch.named("SECOND")

    result_of(vm.Rename_Task(scratch.named("halfway")))
    assert change(vm, name=renamed).error is None
    fault_of(finish(vm.Rename_Task(taken)), vim.fault.DuplicateName)
    fault_of(change(vm, name=taken), vim.fault.DuplicateName)

    assert (vm.name, vm.config.name, vm.summary.config.name) == (renamed, renamed, renamed)


@rule(
    call="ReconfigVM_Task",
    says="A NIC is added, moved with its address and label, and removed; network and the group's vm follow.",
    standing="documented",
    source="API reference, VirtualDeviceConfigSpec, VirtualMachine.network and Network.vm",
)
def a_nic_can_be_added_moved_and_removed(scratch: Scratch) -> None:
    one, two, vm = scratch.port_group("one"), scratch.port_group("two"), scratch.machine()

    def edit(operation: str, device: Any) -> None:
        assert change(vm, deviceChange=[Edit(operation=operation, device=device)]).error is None

    edit("add", scratch.nic_on(one))
    added = scratch.nic(vm)
    assert [moid(network) for network in vm.network] == [moid(one)]
    edit("edit", scratch.nic_on(two, key=added.key))
    moved = scratch.nic(vm)
    assert (moved.key, moved.macAddress, moved.deviceInfo.label) == (added.key, added.macAddress, "Network adapter 1")
    assert [moid(network) for network in vm.network] == [moid(two)]
    assert not one.vm
    edit("remove", moved)

    assert not two.vm
    assert not vm.summary.config.numEthernetCards


@rule(
    call="VirtualDeviceConnectInfo.connected",
    says="A NIC is connected when its machine runs and not before, whatever the spec asked.",
    standing="documented",
    source="API reference, VirtualDeviceConnectInfo.connected: valid only while the machine runs",
)
def a_nic_is_connected_when_its_machine_runs_and_only_then(scratch: Scratch) -> None:
    nic = scratch.nic_on(scratch.port_group())
    nic.connectable = vim.vm.device.VirtualDevice.ConnectInfo(
        startConnected=True, connected=True, allowGuestControl=True
    )
    vm = scratch.machine(deviceChange=[Edit(operation="add", device=nic)])

    assert not scratch.nic(vm).connectable.connected
    result_of(vm.PowerOnVM_Task())
    assert scratch.nic(vm).connectable.connected


@rule(
    call="ReconfigVM_Task",
    says="A disk grows; a smaller capacity is InvalidDeviceOperation.",
    standing="documented",
    source="API reference, VirtualDisk.capacityInKB; the fault: as govmomi records it",
)
def a_disk_grows_and_never_shrinks(scratch: Scratch) -> None:
    scsi = vim.vm.device.ParaVirtualSCSIController(key=-100, busNumber=0, sharedBus="noSharing")
    vm = scratch.machine(deviceChange=[Edit(operation="add", device=scsi), disk(1, controller=-100)])

    def own() -> Any:
        return next(device for device in vm.config.hardware.device if isinstance(device, vim.vm.device.VirtualDisk))

    def resize(kib: int) -> Any:
        device = own()
        device.capacityInKB, device.capacityInBytes = kib, kib * 1024
        return change(vm, deviceChange=[Edit(operation="edit", device=device)])

    assert resize(2 * 1024**2).error is None
    fault_of(resize(1024**2), vim.fault.InvalidDeviceOperation)
    assert own().capacityInBytes == 2 * 1024**3


@rule(
    call="ReconfigVM_Task",
    says="A device that is not there is InvalidDeviceSpec with the index of its change.",
    standing="documented",
    source="API reference, InvalidDeviceSpec.deviceIndex",
)
def an_unknown_device_is_named_by_its_index(scratch: Scratch) -> None:
    vm = scratch.machine(deviceChange=[Edit(operation="add", device=scratch.nic_on(scratch.port_group()))])
    good = Edit(operation="edit", device=scratch.nic(vm))
    bad = Edit(operation="remove", device=vim.vm.device.VirtualVmxnet3(key=9999))

    fault = fault_of(change(vm, deviceChange=[good, bad]), vim.fault.InvalidDeviceSpec)

    assert fault.deviceIndex == 1


@rule(
    call="ReconfigVM_Task",
    says="version in a reconfigure is ignored: hardware is upgraded by UpgradeVM_Task.",
    standing="inferred",
    source="API reference, VirtualMachineConfigSpec.version sends users to UpgradeVM_Task and says nothing more",
    switch="reconfigureTakesVersion",
)
def a_reconfigure_does_not_upgrade(scratch: Scratch) -> None:
    vm = scratch.machine("old", version="vmx-14")

    assert change(vm, version="vmx-15", annotation="new").error is None

    assert (vm.config.version, vm.config.annotation) == ("vmx-14", "new")
