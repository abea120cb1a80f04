"""Power, guest shutdown, templates and deletion of machines."""

import pytest
from pyVmomi import vim, vmodl

from bed.soap import finish, moid, result_of
from verify.rule import rule
from verify.scratch import Scratch, fault_of

PowerState = vim.VirtualMachine.PowerState


@rule(
    call="PowerOnVM_Task, SuspendVM_Task, ResetVM_Task, PowerOffVM_Task",
    says="Power goes on, sleeps, wakes, is reset and goes off; runtime and summary tell the same.",
    standing="documented",
    source="API reference, VirtualMachine.PowerOnVM_Task and its neighbours",
)
def power_goes_on_off_and_sleeps(scratch: Scratch) -> None:
    vm = scratch.machine()

    result_of(vm.PowerOnVM_Task())
    assert vm.runtime.powerState == PowerState.poweredOn
    assert vm.runtime.bootTime is not None
    result_of(vm.SuspendVM_Task())
    assert vm.runtime.powerState == PowerState.suspended
    result_of(vm.PowerOnVM_Task())
    result_of(vm.ResetVM_Task())
    assert vm.runtime.powerState == PowerState.poweredOn
    result_of(vm.PowerOffVM_Task())

    assert vm.runtime.powerState == vm.summary.runtime.powerState == PowerState.poweredOff


@rule(
    call="PowerOnVM_Task, SuspendVM_Task, ResetVM_Task, PowerOffVM_Task",
    says="In the wrong state the task fails with InvalidPowerState, which names the state it is in.",
    standing="documented",
    source="API reference, the methods' InvalidPowerState and its two members",
)
def a_power_call_in_the_wrong_state_fails_its_task(scratch: Scratch) -> None:
    vm = scratch.machine()

    for method, wanted in (
        ("PowerOffVM_Task", "poweredOff"),
        ("SuspendVM_Task", "poweredOn"),
        ("ResetVM_Task", "poweredOn"),
    ):
        fault = fault_of(finish(getattr(vm, method)()), vim.fault.InvalidPowerState)
        assert (fault.requestedState, fault.existingState) == (wanted, "poweredOff")
    result_of(vm.PowerOnVM_Task())
    fault = fault_of(finish(vm.PowerOnVM_Task()), vim.fault.InvalidPowerState)
    assert (fault.requestedState, fault.existingState) == ("poweredOn", "poweredOn")


@rule(
    call="ShutdownGuest",
    says="Without running Tools it is ToolsUnavailable at once, and the machine goes on.",
    standing="documented",
    source="API reference, VirtualMachine.ShutdownGuest",
)
def a_guest_without_tools_cannot_be_shut_down(scratch: Scratch) -> None:
    vm = scratch.machine()
    result_of(vm.PowerOnVM_Task())

    with pytest.raises(vim.fault.ToolsUnavailable):
        vm.ShutdownGuest()

    assert vm.runtime.powerState == PowerState.poweredOn


@rule(
    call="ShutdownGuest",
    says="A machine that is off is InvalidPowerState.",
    standing="documented",
    source="API reference, VirtualMachine.ShutdownGuest",
)
def a_machine_that_is_off_has_no_guest_to_shut_down(scratch: Scratch) -> None:
    vm = scratch.machine()

    with pytest.raises(vim.fault.InvalidPowerState):
        vm.ShutdownGuest()


@rule(
    call="MarkAsTemplate, MarkAsVirtualMachine",
    says="A template has no pool and no power (NotSupported) until it is a machine again.",
    standing="documented",
    source="API reference, VirtualMachine.MarkAsTemplate, MarkAsVirtualMachine and PowerOnVM_Task",
)
def a_template_has_no_power_and_no_pool(scratch: Scratch) -> None:
    template = scratch.machine("template")
    template.MarkAsTemplate()

    assert template.config.template
    assert template.resourcePool is None
    fault_of(finish(template.PowerOnVM_Task()), vmodl.fault.NotSupported)
    template.MarkAsVirtualMachine(scratch.pool)
    result_of(template.PowerOnVM_Task())
    assert template.runtime.powerState == PowerState.poweredOn


@rule(
    call="MarkAsTemplate",
    says="A machine that runs is InvalidPowerState, a template NotSupported.",
    standing="documented",
    source="API reference, VirtualMachine.MarkAsTemplate",
)
def only_a_machine_that_is_off_becomes_a_template(scratch: Scratch) -> None:
    vm, template = scratch.machine(), scratch.machine("template")
    result_of(vm.PowerOnVM_Task())
    template.MarkAsTemplate()

    with pytest.raises(vim.fault.InvalidPowerState):
        vm.MarkAsTemplate()
    with pytest.raises(vmodl.fault.NotSupported):
        template.MarkAsTemplate()


@rule(
    call="Destroy_Task, UnregisterVM",
    says="A machine that runs is InvalidPowerState.",
    standing="documented",
    source="API reference, VirtualMachine.UnregisterVM and ManagedEntity.Destroy_Task",
)
def a_running_machine_cannot_be_deleted(scratch: Scratch) -> None:
    vm = scratch.machine()
    result_of(vm.PowerOnVM_Task())

    fault_of(finish(vm.Destroy_Task()), vim.fault.InvalidPowerState)
    with pytest.raises(vim.fault.InvalidPowerState):
        vm.UnregisterVM()


@rule(
    call="Destroy_Task",
    says="A deleted machine is in no list of its host, datastore, network and pool, and calls on its reference are "
    "ManagedObjectNotFound.",
    standing="documented",
    source="API reference, ManagedEntity.Destroy_Task and ManagedObjectNotFound",
)
def a_deleted_machine_leaves_nothing_behind(scratch: Scratch) -> None:
    group = scratch.port_group()
    nic = vim.vm.device.VirtualDeviceSpec(operation="add", device=scratch.nic_on(group))
    vm = scratch.machine(deviceChange=[nic])
    owners = (vm.runtime.host, vm.datastore[0], group, scratch.pool)

    result_of(vm.Destroy_Task())

    for owner in owners:
        assert moid(vm) not in {moid(other) for other in owner.vm}
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        _ = vm.name
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        vm.PowerOnVM_Task()


@rule(
    call="PowerOnMultiVM_Task",
    says="It starts a task per machine, and each ends with its own fault.",
    standing="documented",
    source="API reference, Datacenter.PowerOnMultiVM_Task and ClusterPowerOnVmResult",
)
def several_machines_are_powered_on_in_one_call(scratch: Scratch) -> None:
    off, on = scratch.machine("off"), scratch.machine("on")
    result_of(on.PowerOnVM_Task())

    result = result_of(scratch.datacenter.PowerOnMultiVM_Task([off, on]))

    outcomes = {moid(attempt.vm): finish(attempt.task) for attempt in result.attempted}
    assert outcomes[moid(off)].error is None
    fault_of(outcomes[moid(on)], vim.fault.InvalidPowerState)
