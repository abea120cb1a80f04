"""Machines on standard networks: what they hold, where they may be, and what a rename does to them."""

from typing import Any

import pytest
from pyVmomi import vim

from bed.lab import Lab
from bed.soap import finish, result_of
from verify.rule import rule
from verify.scratch import fault_of
from verify.standard import add_group, add_switch, group, group_spec, machine_on, network, nic_named


@pytest.fixture
def lab(tidy_lab: Lab) -> Lab:
    """The module's twin."""
    return tidy_lab


def _system(host: Any) -> Any:
    return host.configManager.networkSystem


@rule(
    call="RemovePortGroup",
    says="A machine of another host does not keep a group.",
    standing="observed",
    source="equinix/terraform-metal-vsphere issue 36: the ports of the host itself are looked at",
)
def test_a_machine_of_another_host_keeps_nothing(lab: Lab) -> None:
    one, two, _ = lab.hosts
    name = add_group(lab, "vSwitch0", "shared", host=one)
    add_group(lab, "vSwitch0", "shared", host=two)
    vm = machine_on(lab, name, host=two)

    _system(one).RemovePortGroup(pgName=name)

    with pytest.raises(vim.fault.ResourceInUse):
        _system(two).RemovePortGroup(pgName=name)
    assert list(network(lab, name).vm) == [vm]


@rule(
    call="RemovePortGroup",
    says="A template on the group keeps it: ResourceInUse.",
    standing="inferred",
    source="a template is a machine that is off; nothing found",
)
def test_a_template_keeps_its_group(lab: Lab) -> None:
    name = add_group(lab, "vSwitch0", "golden")
    vm = machine_on(lab, name)
    vm.MarkAsTemplate()

    with pytest.raises(vim.fault.ResourceInUse):
        lab.network_system.RemovePortGroup(pgName=name)


@rule(
    call="RemovePortGroup",
    says="Under the other reading only a machine that runs keeps the group; one that is off goes on naming a "
    "network without hosts.",
    standing="inferred",
    source="nothing found",
    switch="offMachinesKeepPortGroup",
)
def test_a_machine_that_is_off_can_be_made_no_obstacle(lab: Lab) -> None:
    lab.twin.control.rules(offMachinesKeepPortGroup=False)
    name = add_group(lab, "vSwitch0", "loose")
    vm = machine_on(lab, name)
    result_of(vm.PowerOnVM_Task())
    with pytest.raises(vim.fault.ResourceInUse):
        lab.network_system.RemovePortGroup(pgName=name)
    result_of(vm.PowerOffVM_Task())

    lab.network_system.RemovePortGroup(pgName=name)

    left = network(lab, name)
    assert list(left.vm) == [vm]
    assert not left.host
    assert not left.summary.accessible
    result_of(vm.Destroy_Task())
    assert network(lab, name) is None


@rule(
    call="RemoveVirtualSwitch",
    says="A group with a machine on it keeps the switch, and the refused call removes no other group.",
    standing="documented",
    source="API reference, HostNetworkSystem.RemoveVirtualSwitch, ResourceInUse; all or nothing: inferred",
)
def test_a_machine_that_is_off_keeps_the_switch_of_its_group(lab: Lab) -> None:
    switch = add_switch(lab)
    idle = add_group(lab, switch, "idle")
    machine_on(lab, add_group(lab, switch, "busy"))

    with pytest.raises(vim.fault.ResourceInUse):
        lab.network_system.RemoveVirtualSwitch(vswitchName=switch)

    assert group(lab.host, idle) is not None, "a refused call changes nothing"


@rule(
    call="UpdatePortGroup",
    says="A machine on a renamed group goes on naming the old network, which then has no host.",
    standing="inferred",
    source="nothing found",
    switch="portGroupRenameMovesMachines",
)
def test_a_rename_leaves_machines_behind(lab: Lab) -> None:
    name, fresh = add_group(lab, "vSwitch0", "before"), lab.named("after")
    lab.undo(lambda: lab.network_system.RemovePortGroup(pgName=fresh))
    vm = machine_on(lab, name)
    result_of(vm.PowerOnVM_Task())

    lab.network_system.UpdatePortGroup(pgName=name, portgrp=group_spec("vSwitch0", fresh))

    assert lab.nic(vm).backing.deviceName == name
    assert [n.name for n in vm.network] == [name]
    assert not network(lab, name).host
    assert list(network(lab, fresh).host) == [lab.host]
    assert len(group(lab.host, fresh).port) == 1, "the machine sits on the port that it had"
    vm.Rename_Task(lab.named("renamed"))
    assert len(group(lab.host, fresh).port) == 1


@rule(
    call="UpdatePortGroup",
    says="Under the other reading a rename takes the machines on the group along.",
    standing="inferred",
    source="nothing found",
    switch="portGroupRenameMovesMachines",
)
def test_a_rename_can_be_made_to_take_machines_along(lab: Lab) -> None:
    lab.twin.control.rules(portGroupRenameMovesMachines=True)
    name, fresh = add_group(lab, "vSwitch0", "before"), lab.named("after")
    lab.undo(lambda: lab.network_system.RemovePortGroup(pgName=fresh))
    vm = machine_on(lab, name)
    version = vm.config.changeVersion

    lab.network_system.UpdatePortGroup(pgName=name, portgrp=group_spec("vSwitch0", fresh))

    assert lab.nic(vm).backing.deviceName == fresh
    assert [n.name for n in vm.network] == [fresh]
    assert list(network(lab, fresh).vm) == [vm]
    assert network(lab, name) is None
    assert vm.config.changeVersion != version


@rule(
    call="CreateVM_Task",
    says="Without a host, a machine goes to a host that has its standard network.",
    standing="inferred",
    source="API reference, CreateVM_Task (the server chooses a host) and InvalidDeviceBacking",
)
def test_a_machine_is_placed_where_its_network_is(lab: Lab) -> None:
    last = lab.hosts[2]
    name = add_group(lab, "vSwitch0", "here", host=last)

    vm = lab.machine("placed", deviceChange=[nic_named(name)])

    assert vm.runtime.host == last


@rule(
    call="CloneVM_Task",
    says="A clone to a host without the machine's standard network fails the task and leaves nothing.",
    standing="inferred",
    source="API reference, InvalidDeviceBacking: the network has to exist on the machine's host",
)
def test_a_clone_needs_the_network_on_its_host(lab: Lab) -> None:
    one, two, _ = lab.hosts
    name = add_group(lab, "vSwitch0", "source", host=one)
    vm = machine_on(lab, name, host=one)
    location = vim.vm.RelocateSpec(pool=lab.pool, host=two)
    spec = vim.vm.CloneSpec(location=location, powerOn=False, template=False)

    task = vm.CloneVM_Task(folder=lab.place.folder, name=lab.named("copy"), spec=spec)

    fault_of(finish(task), vim.fault.InvalidDeviceSpec)
    assert list(network(lab, name).vm) == [vm]
    copy = result_of(lab.clone(vm))
    lab.keep(copy)
    assert copy.runtime.host == one
    assert list(network(lab, name).vm) == [vm, copy]


@rule(
    call="ReconfigVM_Task",
    says="A NIC that moves to a distributed group leaves nothing behind on the standard one.",
    standing="documented",
    source="API reference, VirtualEthernetCard backings and Network.vm",
)
def test_a_nic_moves_between_standard_and_distributed(lab: Lab) -> None:
    name = add_group(lab, "vSwitch0", "standard")
    distributed = lab.port_group("distributed")
    vm = machine_on(lab, name)
    result_of(vm.PowerOnVM_Task())
    assert len(group(lab.host, name).port) == 1

    lab.attach(vm, distributed)

    assert not group(lab.host, name).port
    assert not network(lab, name).vm
    assert list(vm.network) == [distributed]
    lab.network_system.RemovePortGroup(pgName=name)
