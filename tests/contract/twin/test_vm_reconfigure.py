"""Reconfiguring virtual machines: merging, atomicity, the version fence, power rules, templates, devices."""

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.lab import Lab, fault_of
from bed.soap import finish, moid, result_of

Spec = vim.vm.ConfigSpec


def options(vm: Any) -> dict[str, Any]:
    """Return a machine's extraConfig."""
    return {option.key: option.value for option in vm.config.extraConfig}


def option(key: str, value: str) -> vim.option.OptionValue:
    """Return one extraConfig entry."""
    return vim.option.OptionValue(key=key, value=value)


def test_nested_members_that_are_left_out_stay(lab: Lab) -> None:
    vm = lab.vm_off()
    result_of(vm.ReconfigVM_Task(Spec(firmware="efi", flags=vim.vm.FlagInfo(vbsEnabled=True))))
    result_of(vm.ReconfigVM_Task(Spec(bootOptions=vim.vm.BootOptions(efiSecureBootEnabled=True))))

    result_of(vm.ReconfigVM_Task(Spec(flags=vim.vm.FlagInfo(vvtdEnabled=True))))
    result_of(vm.ReconfigVM_Task(Spec(bootOptions=vim.vm.BootOptions(bootDelay=100))))

    assert vm.config.flags.vbsEnabled
    assert vm.config.flags.vvtdEnabled
    assert vm.config.bootOptions.efiSecureBootEnabled
    assert vm.config.bootOptions.bootDelay == 100


def test_vbs_brings_no_companions_on_a_reconfigure(lab: Lab) -> None:
    vm = lab.vm_off()

    result_of(vm.ReconfigVM_Task(Spec(flags=vim.vm.FlagInfo(vbsEnabled=True))))

    assert vm.config.flags.vbsEnabled
    assert not vm.config.nestedHVEnabled


def test_a_bad_value_changes_nothing_at_all(lab: Lab) -> None:
    vm = lab.vm_off()
    before = vm.config.changeVersion

    fault_of(finish(vm.ReconfigVM_Task(Spec(numCPUs=6, annotation="new", guestId="nope"))), vmodl.fault.InvalidArgument)

    assert vm.config.hardware.numCPU == 1
    assert not vm.config.annotation
    assert vm.config.changeVersion == before


def test_a_stale_change_version_fails_the_task(lab: Lab) -> None:
    vm = lab.vm_off()
    stale = vm.config.changeVersion
    result_of(vm.ReconfigVM_Task(Spec(changeVersion=stale, annotation="one")))

    fault_of(finish(vm.ReconfigVM_Task(Spec(changeVersion=stale, annotation="two"))), vim.fault.ConcurrentAccess)

    assert vm.config.annotation == "one"


def test_a_stale_change_version_is_a_soap_fault_under_the_other_reading(lab: Lab) -> None:
    lab.twin.control.rules(concurrentAccessInTask=False)

    with pytest.raises(vim.fault.ConcurrentAccess):
        lab.vm_off().ReconfigVM_Task(Spec(changeVersion="stale", annotation="two"))


def test_power_on_and_reconfigure_move_the_change_version(lab: Lab) -> None:
    vm = lab.vm_off()
    versions = [vm.config.changeVersion]
    result_of(vm.ReconfigVM_Task(Spec(annotation="one")))
    versions.append(vm.config.changeVersion)
    result_of(vm.PowerOnVM_Task())
    versions.append(vm.config.changeVersion)

    assert len(set(versions)) == 3
    assert versions == sorted(versions)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"nestedHVEnabled": True}, vim.fault.InvalidPowerState),
        ({"firmware": "efi"}, vim.fault.InvalidPowerState),
        ({"flags": vim.vm.FlagInfo(vbsEnabled=True)}, vim.fault.InvalidPowerState),
        ({"flags": vim.vm.FlagInfo(vvtdEnabled=True)}, vim.fault.InvalidPowerState),
        ({"vPMCEnabled": True}, vim.fault.InvalidPowerState),
        ({"cpuHotAddEnabled": True}, vim.fault.InvalidPowerState),
        ({"memoryHotAddEnabled": True}, vim.fault.InvalidPowerState),
        ({"guestId": "windows9_64Guest"}, vim.fault.InvalidPowerState),
        ({"numCPUs": 4, "numCoresPerSocket": 2}, vim.fault.InvalidPowerState),
        ({"numCPUs": 4}, vim.fault.CpuHotPlugNotSupported),
        ({"memoryMB": 4096}, vim.fault.MemoryHotPlugNotSupported),
    ],
)
def test_running_hardware_does_not_change(lab: Lab, change: dict[str, Any], fault: type[Exception]) -> None:
    vm = lab.vm()

    raised = fault_of(finish(vm.ReconfigVM_Task(Spec(**change))), fault)

    if fault is vim.fault.InvalidPowerState:
        assert (raised.requestedState, raised.existingState) == ("poweredOff", "poweredOn")
        assert raised.msg == "The attempted operation cannot be performed in the current state (Powered on)."


@pytest.mark.parametrize(
    "change",
    [
        {"annotation": "note"},
        {"name": "renamed"},
        {"bootOptions": vim.vm.BootOptions(bootDelay=100)},
        {"extraConfig": [option("a", "b")]},
        {"changeTrackingEnabled": True},
        {"instanceUuid": "11111111-2222-3333-4444-555555555555"},
        {"nestedHVEnabled": False},
        {"numCPUs": 1},
    ],
)
def test_what_needs_no_power_off_is_accepted_while_on(lab: Lab, change: dict[str, Any]) -> None:
    assert finish(lab.vm().ReconfigVM_Task(Spec(**change))).error is None


def test_hot_add_lets_cpus_and_memory_grow_and_never_shrink(lab: Lab) -> None:
    vm = lab.vm_off()
    result_of(vm.ReconfigVM_Task(Spec(numCPUs=2, memoryMB=1024, cpuHotAddEnabled=True, memoryHotAddEnabled=True)))
    result_of(vm.PowerOnVM_Task())

    result_of(vm.ReconfigVM_Task(Spec(numCPUs=4, memoryMB=2048)))
    fault_of(finish(vm.ReconfigVM_Task(Spec(numCPUs=2))), vim.fault.CpuHotPlugNotSupported)
    fault_of(finish(vm.ReconfigVM_Task(Spec(memoryMB=1024))), vim.fault.MemoryHotPlugNotSupported)

    assert (vm.config.hardware.numCPU, vm.config.hardware.memoryMB) == (4, 2048)


def test_an_old_hardware_version_ignores_what_it_cannot_do(lab: Lab) -> None:
    vm = result_of(lab.create("old", version="vmx-08"))

    result_of(vm.ReconfigVM_Task(Spec(nestedHVEnabled=True, annotation="new")))

    assert vm.config.annotation == "new"
    assert not vm.config.nestedHVEnabled


def test_a_template_takes_a_new_name_and_note_and_nothing_else(lab: Lab) -> None:
    template = lab.template()

    result_of(template.ReconfigVM_Task(Spec(name="golden", annotation="note")))
    for spec in (Spec(numCPUs=4), Spec(tools=vim.vm.ToolsConfigInfo()), Spec(extraConfig=[option("a", "b")])):
        assert isinstance(fault_of(finish(template.ReconfigVM_Task(spec))), vmodl.fault.NotSupported)

    assert (template.name, template.config.annotation) == ("golden", "note")


def test_extra_config_is_merged_by_key_and_an_empty_value_removes(lab: Lab) -> None:
    vm = lab.vm_off()
    result_of(vm.ReconfigVM_Task(Spec(extraConfig=[option("a", "1"), option("b", "2")])))
    result_of(vm.ReconfigVM_Task(Spec(extraConfig=[option("a", ""), option("c", "3"), option("vhv.enable", "TRUE")])))

    assert "a" not in options(vm)
    assert (options(vm)["b"], options(vm)["c"]) == ("2", "3")
    assert "vhv.enable" not in options(vm), "a key that conflicts with a first-class member is ignored"


@pytest.mark.parametrize("way", ["spec", "call"])
def test_a_rename_changes_every_name_and_respects_others(lab: Lab, way: str) -> None:
    vm, taken = lab.vm(), lab.vm("DC0_C0_RP0_VM1").name

    def rename(name: str) -> Any:
        return vm.Rename_Task(name) if way == "call" else vm.ReconfigVM_Task(Spec(name=name))

    result_of(rename("renamed"))
    fault_of(finish(rename(taken.lower())), vim.fault.DuplicateName)

    assert (vm.name, vm.config.name, vm.summary.config.name) == ("renamed", "renamed", "renamed")


def test_a_nic_can_be_added_moved_and_removed(lab: Lab) -> None:
    one, two, vm = lab.port_group("one"), lab.port_group("two"), lab.vm_off()

    def change(operation: str, device: Any) -> None:
        spec = vim.vm.device.VirtualDeviceSpec(operation=operation, device=device)
        result_of(vm.ReconfigVM_Task(Spec(deviceChange=[spec])))

    change("add", lab.nic_on(one))
    added = next(d for d in vm.config.hardware.device if d.deviceInfo.label == "Network adapter 2")
    assert moid(one) in {moid(network) for network in vm.network}
    change("edit", lab.nic_on(two, key=added.key))
    moved = next(d for d in vm.config.hardware.device if d.key == added.key)
    assert moved.macAddress == added.macAddress
    assert moved.deviceInfo.label == "Network adapter 2"
    assert {moid(network) for network in vm.network} >= {moid(two)}
    assert not one.vm
    change("remove", moved)

    assert not two.vm
    assert vm.summary.config.numEthernetCards == 1


def test_a_nic_is_connected_when_its_machine_runs_and_only_then(lab: Lab) -> None:
    group, vm = lab.port_group("lab"), lab.vm_off()

    def add(key: int) -> None:
        nic = lab.nic_on(group, key=key)
        nic.connectable = vim.vm.device.VirtualDevice.ConnectInfo(
            startConnected=True, connected=True, allowGuestControl=True
        )
        change = vim.vm.device.VirtualDeviceSpec(operation="add", device=nic)
        result_of(vm.ReconfigVM_Task(Spec(deviceChange=[change])))

    def connected() -> list[bool]:
        nics: list[Any] = [d for d in vm.config.hardware.device if isinstance(d, vim.vm.device.VirtualEthernetCard)]
        return [nic.connectable.connected for nic in nics]

    add(-1)
    assert connected() == [False, False]
    result_of(vm.PowerOnVM_Task())
    add(-1)
    assert connected() == [True, True, True]


def test_moving_the_files_is_refused_loudly(lab: Lab) -> None:
    files = vim.vm.FileInfo(vmPathName="[LocalDS_0] elsewhere/elsewhere.vmx")

    fault_of(finish(lab.vm_off().ReconfigVM_Task(Spec(files=files))), vmodl.fault.NotImplemented)


def test_a_disk_grows_and_never_shrinks(lab: Lab) -> None:
    vm = lab.vm_off()
    disk = next(d for d in vm.config.hardware.device if isinstance(d, vim.vm.device.VirtualDisk))
    size = disk.capacityInKB

    def resize(kib: int) -> Any:
        device = vim.vm.device.VirtualDisk(key=disk.key, capacityInKB=kib)
        change = vim.vm.device.VirtualDeviceSpec(operation="edit", device=device)
        return finish(vm.ReconfigVM_Task(Spec(deviceChange=[change])))

    assert resize(size * 2).error is None
    assert isinstance(fault_of(resize(size)), vim.fault.InvalidDeviceOperation)
    grown = next(d for d in vm.config.hardware.device if d.key == disk.key)
    assert grown.capacityInBytes == size * 2 * 1024


def test_an_unknown_device_is_named_by_its_index(lab: Lab) -> None:
    vm = lab.vm_off()
    good = vim.vm.device.VirtualDeviceSpec(operation="edit", device=lab.nic(vm))
    bad = vim.vm.device.VirtualDeviceSpec(operation="remove", device=vim.vm.device.VirtualVmxnet3(key=9999))

    fault = fault_of(finish(vm.ReconfigVM_Task(Spec(deviceChange=[good, bad]))), vim.fault.InvalidDeviceSpec)

    assert fault.deviceIndex == 1


def test_a_member_that_is_not_modelled_is_refused_loudly(lab: Lab) -> None:
    vm = lab.vm_off()
    profile = vim.vm.DefinedProfileSpec(profileId="gold")

    fault = fault_of(
        finish(vm.ReconfigVM_Task(Spec(vmProfile=[profile], annotation="new"))), vmodl.fault.NotImplemented
    )

    assert "VmProfile" in fault.msg
    assert not vm.config.annotation


def test_a_machine_whose_host_is_gone_takes_no_change(lab: Lab) -> None:
    vm = lab.vm_off()
    lab.twin.control.host(vm.runtime.host.name, connection_state="disconnected")

    assert isinstance(fault_of(finish(vm.ReconfigVM_Task(Spec(annotation="new")))), vim.fault.InvalidState)


def test_a_reconfigure_leaves_an_event_with_old_and_new_values(lab: Lab) -> None:
    vm = lab.vm_off()
    result_of(vm.ReconfigVM_Task(Spec(numCPUs=4, nestedHVEnabled=True)))

    [event] = lab.content.eventManager.QueryEvents(vim.event.EventFilterSpec(eventTypeId=["VmReconfiguredEvent"]))

    assert event.userName == "VSPHERE.LOCAL\\administrator"
    assert event.configSpec.numCPUs == 4
    assert "config.hardware.numCPU: 1 -> 4" in event.configChanges.modified
    assert "config.nestedHVEnabled: false -> true" in event.configChanges.modified


def test_a_second_change_waits_for_the_first(lab: Lab) -> None:
    vm = lab.vm_off()
    lab.twin.control.hold("ReconfigVM_Task")
    first = vm.ReconfigVM_Task(Spec(annotation="first"))
    second = vm.PowerOnVM_Task()

    assert second.info.state == "queued"
    lab.twin.control.release()

    result_of(first)
    result_of(second)
    assert (vm.config.annotation, vm.runtime.powerState) == ("first", "poweredOn")


def test_a_second_change_is_refused_under_the_other_reading(lab: Lab) -> None:
    lab.twin.control.rules(busyVM="reject")
    vm = lab.vm_off()
    lab.twin.control.hold("ReconfigVM_Task")
    first = vm.ReconfigVM_Task(Spec(annotation="first"))

    fault = fault_of(finish(vm.PowerOnVM_Task()), vim.fault.TaskInProgress)
    lab.twin.control.release()

    assert moid(fault.task) == moid(first)
    result_of(first)
