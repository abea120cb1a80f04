"""Power, guest shutdown, templates, deletion and searching of virtual machines."""

import pytest
from pyVmomi import vim, vmodl

from bed.lab import Lab, fault_of
from bed.soap import finish, moid, result_of
from bed.waiting import wait_for


def state(vm: vim.VirtualMachine) -> str:
    """Return a machine's power state."""
    return str(vm.runtime.powerState)


def test_power_goes_on_off_and_sleeps(lab: Lab) -> None:
    vm = lab.vm_off()

    result_of(vm.PowerOnVM_Task())
    assert state(vm) == "poweredOn"
    assert vm.runtime.bootTime is not None
    assert lab.nic(vm).connectable.connected
    result_of(vm.SuspendVM_Task())
    assert state(vm) == "suspended"
    result_of(vm.PowerOnVM_Task())
    result_of(vm.ResetVM_Task())
    assert state(vm) == "poweredOn"
    result_of(vm.PowerOffVM_Task())

    assert state(vm) == str(vm.summary.runtime.powerState) == "poweredOff"
    assert not lab.nic(vm).connectable.connected


@pytest.mark.parametrize(
    ("method", "on", "requested"),
    [
        ("PowerOnVM_Task", True, "poweredOn"),
        ("PowerOffVM_Task", False, "poweredOff"),
        ("SuspendVM_Task", False, "poweredOn"),
        ("ResetVM_Task", False, "poweredOn"),
    ],
)
def test_a_power_call_in_the_wrong_state_fails_its_task(lab: Lab, method: str, on: bool, requested: str) -> None:
    vm = lab.vm() if on else lab.vm_off()

    fault = fault_of(finish(getattr(vm, method)()), vim.fault.InvalidPowerState)

    assert fault.requestedState == requested
    assert fault.existingState == ("poweredOn" if on else "poweredOff")


def test_nested_hv_is_refused_at_power_on_by_a_host_that_cannot(lab: Lab) -> None:
    vm = lab.vm_off()
    lab.twin.control.host(vm.runtime.host.name, nested_hv=False)
    result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(nestedHVEnabled=True)))

    fault = fault_of(finish(vm.PowerOnVM_Task()), vim.fault.VmConfigFault)

    assert "Virtualized Intel VT-x/EPT is not supported on this platform" in fault.msg
    assert state(vm) == "poweredOff"


def test_a_host_in_maintenance_starts_nothing(lab: Lab) -> None:
    vm = lab.vm_off()
    lab.twin.control.host(vm.runtime.host.name, maintenance=True)

    assert isinstance(fault_of(finish(vm.PowerOnVM_Task())), vim.fault.InvalidState)


def test_a_guest_without_tools_cannot_be_shut_down(lab: Lab) -> None:
    vm = lab.vm()

    with pytest.raises(vim.fault.ToolsUnavailable):
        vm.ShutdownGuest()
    assert state(vm) == "poweredOn"


def test_a_machine_that_is_off_has_no_guest_to_shut_down(lab: Lab) -> None:
    with pytest.raises(vim.fault.InvalidPowerState):
        lab.vm_off().ShutdownGuest()


def test_a_guest_with_tools_shuts_down_in_its_own_time(lab: Lab) -> None:
    vm = lab.vm()
    lab.twin.control.guest(moid(vm), ip_address="10.0.0.7", host_name="lab-1", shutdown_seconds=0.2)
    assert (vm.guest.ipAddress, vm.guest.hostName) == ("10.0.0.7", "lab-1")
    assert vm.summary.guest.ipAddress == "10.0.0.7"

    vm.ShutdownGuest()

    assert state(vm) == "poweredOn"
    wait_for(lambda: state(vm) == "poweredOff", "the guest to shut down", seconds=10)
    assert vm.guest.toolsRunningStatus == "guestToolsNotRunning"
    assert vm.guest.ipAddress is None


def test_a_hanging_guest_never_ends(lab: Lab) -> None:
    hanging, other = lab.vm(), lab.vm("DC0_C0_RP0_VM1")
    lab.twin.control.guest(moid(hanging), hang_shutdown=True)
    lab.twin.control.guest(moid(other), shutdown_seconds=0.2)

    hanging.ShutdownGuest()
    other.ShutdownGuest()

    wait_for(lambda: state(other) == "poweredOff", "the other guest to shut down", seconds=10)
    assert state(hanging) == "poweredOn"


def test_tools_come_up_after_power_on(lab: Lab) -> None:
    vm = lab.vm_off()
    lab.twin.control.guest(moid(vm), ip_address="10.0.0.7", boot_seconds=0.2)

    result_of(vm.PowerOnVM_Task())

    assert vm.guest.toolsRunningStatus == "guestToolsNotRunning"
    wait_for(lambda: vm.guest.ipAddress == "10.0.0.7", "the guest to come up", seconds=10)


def test_a_timer_of_an_earlier_boot_does_nothing(lab: Lab) -> None:
    vm = lab.vm()
    lab.twin.control.guest(moid(vm), shutdown_seconds=0.3)
    vm.ShutdownGuest()
    result_of(vm.PowerOffVM_Task())
    result_of(vm.PowerOnVM_Task())
    other = lab.vm("DC0_C0_RP0_VM1")
    lab.twin.control.guest(moid(other), shutdown_seconds=0.4)
    other.ShutdownGuest()

    wait_for(lambda: state(other) == "poweredOff", "the later timer to strike", seconds=10)

    assert state(vm) == "poweredOn"


def test_a_template_has_no_power_and_no_pool(lab: Lab) -> None:
    template = lab.template()

    assert template.config.template
    assert template.resourcePool is None
    assert isinstance(fault_of(finish(template.PowerOnVM_Task())), vmodl.fault.NotSupported)
    template.MarkAsVirtualMachine(lab.pool)
    result_of(template.PowerOnVM_Task())
    assert state(template) == "poweredOn"


def test_only_a_machine_that_is_off_becomes_a_template(lab: Lab) -> None:
    with pytest.raises(vim.fault.InvalidPowerState):
        lab.vm().MarkAsTemplate()
    template = lab.template()
    with pytest.raises(vmodl.fault.NotSupported):
        template.MarkAsTemplate()


def test_a_running_machine_cannot_be_deleted(lab: Lab) -> None:
    vm = lab.vm()

    fault_of(finish(vm.Destroy_Task()), vim.fault.InvalidPowerState)

    with pytest.raises(vim.fault.InvalidPowerState):
        vm.UnregisterVM()


def test_a_deleted_machine_leaves_nothing_behind(lab: Lab) -> None:
    vm = lab.vm_off()
    host, store, group, uuid = vm.runtime.host, vm.datastore[0], vm.network[0], vm.config.instanceUuid

    result_of(vm.Destroy_Task())

    for owner in (host, store, group, lab.pool):
        assert moid(vm) not in {moid(other) for other in owner.vm}
    assert lab.content.searchIndex.FindByUuid(None, uuid, True, True) is None
    with pytest.raises(vmodl.fault.ManagedObjectNotFound) as caught:
        _ = vm.name
    assert moid(caught.value.obj) == moid(vm)
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        vm.PowerOnVM_Task()


@pytest.mark.parametrize(("reading", "found"), [(True, 0), (False, 1)])
def test_an_inaccessible_machine_is_not_found_by_uuid(lab: Lab, reading: bool, found: int) -> None:
    lab.twin.control.rules(findByUuidSkipsInaccessible=reading)
    vm = lab.vm_off()
    uuid = vm.config.instanceUuid
    lab.twin.control.vm(moid(vm), connection_state="inaccessible")

    assert len(lab.content.searchIndex.FindAllByUuid(None, uuid, True, True)) == found


def test_hosts_are_found_by_uuid_too(lab: Lab) -> None:
    host = lab.vm().runtime.host

    found = lab.content.searchIndex.FindAllByUuid(None, host.summary.hardware.uuid, False)

    assert moid(host) in {moid(other) for other in found}


def test_several_machines_are_powered_on_in_one_call(lab: Lab) -> None:
    vms = [lab.vm_off(), lab.vm("DC0_C0_RP0_VM1")]

    result = result_of(lab.datacenter.PowerOnMultiVM_Task(vms))

    outcomes = {moid(attempt.vm): finish(attempt.task) for attempt in result.attempted}
    assert outcomes[moid(vms[0])].error is None
    assert isinstance(fault_of(outcomes[moid(vms[1])]), vim.fault.InvalidPowerState)


def test_hardware_is_upgraded_only_upwards_and_off(lab: Lab) -> None:
    vm = result_of(lab.create("old", version="vmx-14"))

    result_of(vm.UpgradeVM_Task("vmx-19"))
    fault_of(finish(vm.UpgradeVM_Task("vmx-19")), vim.fault.AlreadyUpgraded)
    fault_of(finish(vm.UpgradeVM_Task("vmx-99")), vim.fault.InvalidState)
    result_of(vm.PowerOnVM_Task())
    fault_of(finish(vm.UpgradeVM_Task()), vim.fault.InvalidPowerState)

    assert vm.config.version == vm.summary.config.hwVersion == "vmx-19"
