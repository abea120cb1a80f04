"""Who uses a distributed port group: back references, and what keeps it from being deleted."""

from pyVmomi import vim, vmodl

from bed.soap import finish, result_of
from verify.rule import rule
from verify.scratch import Scratch, fault_of
from verify.switching import machine_on, new_switch, refused

API = "vSphere API reference, "


@rule(
    call="ReconfigVM_Task",
    says="Attaching a NIC shows on both sides: VirtualMachine.network and Network.vm; the network it left forgets it.",
    standing="documented",
    source=API + "Network.vm, VirtualMachine.network",
)
def attaching_shows_on_both_sides(scratch: Scratch) -> None:
    before, group = scratch.port_group("before"), scratch.port_group("after")
    vm = machine_on(scratch, before)
    assert [str(user) for user in before.vm] == [str(vm)]

    scratch.attach(vm, group)

    assert [str(user) for user in group.vm] == [str(vm)]
    assert [str(network) for network in vm.network] == [str(group)]
    assert not before.vm


@rule(
    call="Destroy_Task",
    says="A group that a machine's NIC is on, running, off or a template, is ResourceInUse and stays.",
    standing="observed",
    source="saltstack/salt issue 62064; API reference, DistributedVirtualPortgroupPortgroupType.earlyBinding: a static "
    "port is held while off",
)
def a_group_in_use_cannot_be_deleted(scratch: Scratch) -> None:
    group = scratch.port_group()
    vm = machine_on(scratch, group)

    for step in (vm.PowerOnVM_Task, vm.PowerOffVM_Task, vm.MarkAsTemplate):
        task = step()
        if task is not None:
            result_of(task)
        fault = fault_of(finish(group.Destroy_Task()), vim.fault.ResourceInUse)
        assert fault.msg == f"The resource '{fault.name}' is in use."
        assert [str(user) for user in group.vm] == [str(vm)]


@rule(
    call="Destroy_Task",
    says="A group that nobody uses goes, and with it every reference: switch, datacenter and hosts.",
    standing="documented",
    source=API + "ManagedEntity.Destroy_Task; ManagedObjectNotFound for a dead reference: terraform issue 1337",
)
def a_group_that_nobody_uses_takes_every_reference_along(scratch: Scratch) -> None:
    group, other = scratch.port_group(), scratch.port_group("other")
    name = group.name
    vm = machine_on(scratch, group)
    scratch.attach(vm, other)

    result_of(group.Destroy_Task())

    assert str(group) not in {str(g) for g in scratch.switch.portgroup}
    assert name not in scratch.switch.summary.portgroupName
    assert str(group) not in {str(n) for n in scratch.datacenter.network}
    assert all(str(group) not in {str(n) for n in host.network} for host in scratch.switch.summary.hostMember)
    refused(vmodl.fault.ManagedObjectNotFound, lambda: group.name)


@rule(
    call="Destroy_Task",
    says="Deleting a machine frees its port, and its group can go.",
    standing="documented",
    source=API + "VirtualMachine.Destroy_Task; DistributedVirtualPort.connectee",
)
def deleting_a_machine_frees_its_port(scratch: Scratch) -> None:
    group = scratch.port_group()
    vm = machine_on(scratch, group)

    result_of(vm.Destroy_Task())

    assert not group.vm
    assert not scratch.switch.FetchDVPortKeys(
        vim.dvs.PortCriteria(portgroupKey=[group.key], inside=True, connected=True)
    )
    result_of(group.Destroy_Task())


@rule(
    call="Destroy_Task",
    says="An uplink group belongs to its switch: it is marked as such and cannot be deleted.",
    standing="inferred",
    source=API + "DVPortgroupConfigInfo.uplink; the fault is inferred",
)
def an_uplink_group_belongs_to_the_switch(scratch: Scratch) -> None:
    [uplinks] = new_switch(scratch).config.uplinkPortgroup

    assert uplinks.config.uplink
    fault_of(finish(uplinks.Destroy_Task()), vim.fault.ResourceInUse)
