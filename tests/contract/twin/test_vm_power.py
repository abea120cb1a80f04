"""Power, guest shutdown, templates, deletion and searching of virtual machines."""

import pytest
from pyVmomi import vim

from bed.lab import Lab, fault_of
from bed.soap import finish, message_of, moid, result_of
from bed.waiting import wait_for
from verify.rule import rule


def state(vm: vim.VirtualMachine) -> str:
    """Return a machine's power state."""
    return str(vm.runtime.powerState)


@rule(
    call="PowerOnVM_Task",
    says="A machine with nestedHVEnabled does not start on a host that cannot nest: VmConfigFault, with the words "
    "of the hypervisor.",
    standing="documented",
    source="API reference, HostCapability.nestedHVSupported; the words: users who meet them",
)
def test_nested_hv_is_refused_at_power_on_by_a_host_that_cannot(lab: Lab) -> None:
    vm = lab.vm_off()
    lab.twin.control.host(vm.runtime.host.name, nested_hv=False)
    result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(nestedHVEnabled=True)))

    fault = fault_of(finish(vm.PowerOnVM_Task()), vim.fault.VmConfigFault)

    assert "Virtualized Intel VT-x/EPT is not supported on this platform" in fault.msg
    assert state(vm) == "poweredOff"


@rule(
    call="PowerOnVM_Task",
    says="A machine with more CPUs than its host has does not start: NotEnoughCpus with both numbers.",
    standing="documented",
    source="API reference, NotEnoughCpus; the words: vmware/ansible-vsphere-gos-validation issue 12",
)
def test_a_machine_does_not_start_on_a_host_with_fewer_cpus(lab: Lab) -> None:
    vm = lab.vm_off()
    lab.twin.control.host(vm.runtime.host.name, cpus=4)
    result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(numCPUs=8)))

    fault = fault_of(finish(vm.PowerOnVM_Task()), vim.fault.NotEnoughCpus)

    assert (fault.numCpuDest, fault.numCpuVm) == (vm.runtime.host.summary.hardware.numCpuThreads, 8) == (4, 8)
    assert message_of(fault) == "Virtual machine requires 8 CPUs to operate, but the host hardware only provides 4."
    result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(numCPUs=4)))
    result_of(vm.PowerOnVM_Task())


@rule(
    call="PowerOnVM_Task",
    says="A host in maintenance mode starts nothing: InvalidState.",
    standing="documented",
    source="API reference, VirtualMachine.PowerOnVM_Task",
)
def test_a_host_in_maintenance_starts_nothing(lab: Lab) -> None:
    vm = lab.vm_off()
    lab.twin.control.host(vm.runtime.host.name, maintenance=True)

    assert isinstance(fault_of(finish(vm.PowerOnVM_Task())), vim.fault.InvalidState)


@rule(
    call="ShutdownGuest",
    says="It returns at once; the guest goes off in its own time, and its address is gone then.",
    standing="documented",
    source="API reference, VirtualMachine.ShutdownGuest",
)
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


@rule(
    call="ShutdownGuest",
    says="Nothing ends a guest that does not shut down.",
    standing="documented",
    source="API reference, VirtualMachine.ShutdownGuest: does not wait for the guest",
)
def test_a_hanging_guest_never_ends(lab: Lab) -> None:
    hanging, other = lab.vm(), lab.vm("DC0_C0_RP0_VM1")
    lab.twin.control.guest(moid(hanging), hang_shutdown=True)
    lab.twin.control.guest(moid(other), shutdown_seconds=0.2)

    hanging.ShutdownGuest()
    other.ShutdownGuest()

    wait_for(lambda: state(other) == "poweredOff", "the other guest to shut down", seconds=10)
    assert state(hanging) == "poweredOn"


@rule(
    call="GuestInfo.toolsRunningStatus",
    says="Tools, address and host name come some time after power-on.",
    standing="documented",
    source="API reference, GuestInfo",
)
def test_tools_come_up_after_power_on(lab: Lab) -> None:
    vm = lab.vm_off()
    lab.twin.control.guest(moid(vm), ip_address="10.0.0.7", boot_seconds=0.2)

    result_of(vm.PowerOnVM_Task())

    assert vm.guest.toolsRunningStatus == "guestToolsNotRunning"
    wait_for(lambda: vm.guest.ipAddress == "10.0.0.7", "the guest to come up", seconds=10)


@pytest.mark.infrastructure("how a guest is simulated")
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


@rule(
    call="FindAllByUuid",
    says="With vmSearch false hosts are found by the UUID of their hardware.",
    standing="documented",
    source="API reference, SearchIndex.FindAllByUuid",
)
def test_hosts_are_found_by_uuid_too(lab: Lab) -> None:
    host = lab.vm().runtime.host

    found = lab.content.searchIndex.FindAllByUuid(None, host.summary.hardware.uuid, False)

    assert moid(host) in {moid(other) for other in found}
