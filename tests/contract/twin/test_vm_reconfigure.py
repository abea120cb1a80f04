"""Reconfiguring virtual machines: merging, atomicity, the version fence, power rules, templates, devices."""

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.lab import Lab, fault_of
from bed.soap import finish, moid, result_of
from verify.rule import rule

Spec = vim.vm.ConfigSpec


@rule(
    call="ReconfigVM_Task",
    says="Under the other reading a stale changeVersion is a SOAP fault and there is no task.",
    standing="inferred",
    source="the fault is declared on the method",
    switch="concurrentAccessInTask",
)
def test_a_stale_change_version_is_a_soap_fault_under_the_other_reading(lab: Lab) -> None:
    lab.twin.control.rules(concurrentAccessInTask=False)

    with pytest.raises(vim.fault.ConcurrentAccess):
        lab.vm_off().ReconfigVM_Task(Spec(changeVersion="stale", annotation="two"))


@pytest.mark.infrastructure("what is not modelled")
def test_moving_the_files_is_refused_loudly(lab: Lab) -> None:
    files = vim.vm.FileInfo(vmPathName="[LocalDS_0] elsewhere/elsewhere.vmx")

    fault_of(finish(lab.vm_off().ReconfigVM_Task(Spec(files=files))), vmodl.fault.NotImplemented)


@pytest.mark.infrastructure("what is not modelled")
def test_a_member_that_is_not_modelled_is_refused_loudly(lab: Lab) -> None:
    vm = lab.vm_off()
    profile = vim.vm.DefinedProfileSpec(profileId="gold")

    fault = fault_of(
        finish(vm.ReconfigVM_Task(Spec(vmProfile=[profile], annotation="new"))), vmodl.fault.NotImplemented
    )

    assert "VmProfile" in fault.msg
    assert not vm.config.annotation


@rule(
    call="ReconfigVM_Task",
    says="A machine whose host is disconnected is InvalidState.",
    standing="documented",
    source="API reference, VirtualMachine.ReconfigVM_Task, InvalidState",
)
def test_a_machine_whose_host_is_gone_takes_no_change(lab: Lab) -> None:
    vm = lab.vm_off()
    lab.twin.control.host(vm.runtime.host.name, connection_state="disconnected")

    assert isinstance(fault_of(finish(vm.ReconfigVM_Task(Spec(annotation="new")))), vim.fault.InvalidState)


@rule(
    call="VmReconfiguredEvent",
    says="It names the user, carries the spec, and configChanges has each path with its old and new value.",
    standing="documented",
    source="API reference, VmReconfiguredEvent; the form of the text: observed in clients that parse it",
)
def test_a_reconfigure_leaves_an_event_with_old_and_new_values(lab: Lab) -> None:
    vm = lab.vm_off()
    result_of(vm.ReconfigVM_Task(Spec(numCPUs=4, nestedHVEnabled=True)))

    [event] = lab.content.eventManager.QueryEvents(vim.event.EventFilterSpec(eventTypeId=["VmReconfiguredEvent"]))

    assert event.userName == "VSPHERE.LOCAL\\administrator"
    assert event.configSpec.numCPUs == 4
    assert "config.hardware.numCPU: 1 -> 4" in event.configChanges.modified
    assert "config.nestedHVEnabled: false -> true" in event.configChanges.modified


@rule(
    call="ReconfigVM_Task",
    says="A second operation on a busy machine waits, queued, until the first has ended.",
    standing="observed",
    source="terraform-provider-vsphere issue 493",
    switch="busyVM",
)
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


@rule(
    call="ReconfigVM_Task",
    says="Under the other reading it fails with TaskInProgress and names the task it met.",
    standing="observed",
    source="govmomi issue 953 and vmware/vic issue 5647, on ESXi; ReconfigVM_Task declares TaskInProgress",
    switch="busyVM",
)
def test_a_second_change_is_refused_under_the_other_reading(lab: Lab) -> None:
    lab.twin.control.rules(busyVM="reject")
    vm = lab.vm_off()
    lab.twin.control.hold("ReconfigVM_Task")
    first = vm.ReconfigVM_Task(Spec(annotation="first"))

    fault = fault_of(finish(vm.PowerOnVM_Task()), vim.fault.TaskInProgress)
    lab.twin.control.release()

    assert moid(fault.task) == moid(first)
    result_of(first)


@rule(
    call="ReconfigVM_Task",
    says="Under the other reading version in a reconfigure upgrades the hardware.",
    standing="inferred",
    source="nothing found",
    switch="reconfigureTakesVersion",
)
def test_a_reconfigure_upgrades_under_the_other_reading(lab: Lab) -> None:
    lab.twin.control.rules(reconfigureTakesVersion=True)
    vm = result_of(lab.create("old", version="vmx-14"))

    result_of(vm.ReconfigVM_Task(Spec(version="vmx-15")))

    assert vm.config.version == "vmx-15"


@rule(
    call="VirtualDevice.deviceInfo",
    says="The summary of a CD drive is `ISO` and the file that lies in it, and follows when another one is put in.",
    standing="observed",
    source="govmomi govc/test/device.bats, written for real servers",
)
def test_a_drive_tells_which_image_lies_in_it(lab: Lab) -> None:
    vm = lab.vm_off()
    iso: Any = vim.vm.device.VirtualCdrom.IsoBackingInfo
    none: Any = vim.vm.device.VirtualCdrom.RemotePassthroughBackingInfo

    def drives() -> list[Any]:
        return [d for d in vm.config.hardware.device if isinstance(d, vim.vm.device.VirtualCdrom)]

    def change(operation: str, drive: Any, backing: Any) -> str:
        drive.backing = backing
        edit = vim.vm.device.VirtualDeviceSpec(operation=operation, device=drive)
        result_of(vm.ReconfigVM_Task(Spec(deviceChange=[edit])))
        return str(drives()[-1].deviceInfo.summary)

    added = change("add", vim.vm.device.VirtualCdrom(key=-1, controllerKey=200), iso(fileName="[LocalDS_0] one.iso"))
    assert added == "ISO [LocalDS_0] one.iso"
    assert change("edit", drives()[-1], iso(fileName="[LocalDS_0] two.iso")) == "ISO [LocalDS_0] two.iso"
    assert "ISO" not in change("edit", drives()[-1], none(deviceName="", exclusive=False))


Cdrom: Any = vim.vm.device.VirtualCdrom
Floppy: Any = vim.vm.device.VirtualFloppy
Serial: Any = vim.vm.device.VirtualSerialPort


@rule(
    call="VirtualDevice.connectable",
    says="A CD drive, a floppy drive and a serial port that come without it get it, so that they can be connected.",
    standing="observed",
    source="govmomi govc/test/device.bats, written for real servers",
)
@pytest.mark.parametrize(
    "device",
    [
        Cdrom(controllerKey=200, backing=Cdrom.RemotePassthroughBackingInfo(deviceName="", exclusive=False)),
        Floppy(backing=Floppy.RemoteDeviceBackingInfo(deviceName="")),
        Serial(backing=Serial.URIBackingInfo(serviceURI="telnet://:33233", direction="server")),
    ],
    ids=["cdrom", "floppy", "serial"],
)
def test_what_can_be_plugged_in_can_be_connected(lab: Lab, device: Any) -> None:
    vm = lab.vm_off()
    device.key = -1
    add = vim.vm.device.VirtualDeviceSpec(operation="add", device=device)

    result_of(vm.ReconfigVM_Task(Spec(deviceChange=[add])))

    (*_, seen) = (each for each in vm.config.hardware.device if isinstance(each, type(device)))
    assert seen.connectable is not None
    assert not seen.connectable.connected
