"""Port groups of standard switches, and the networks that they make."""

import pytest
from pyVmomi import vim, vmodl

from bed.soap import finish, result_of
from verify.rule import rule
from verify.scratch import Scratch, fault_of
from verify.standard import add_group, add_switch, group, group_spec, machine_on, network, nic_named, security, vswitch


@rule(
    call="AddPortGroup",
    says="A port group shows in host.config.network on its switch, and as a Network of its host and datacenter.",
    standing="documented",
    source="API reference, AddPortGroup, HostNetworkInfo.portgroup, HostVirtualSwitch.portgroup and Network",
)
def a_new_group_is_shown_everywhere(scratch: Scratch) -> None:
    name = add_group(scratch, add_switch(scratch), vlan=7)

    shown = group(scratch.host, name)
    assert (shown.spec.vlanId, shown.spec.vswitchName) == (7, scratch.named("vs"))
    assert shown.vswitch == vswitch(scratch.host, scratch.named("vs")).key
    assert shown.key in vswitch(scratch.host, scratch.named("vs")).portgroup
    assert shown.key in [g.key for g in scratch.network_system.networkInfo.portgroup]
    seen = network(scratch, name)
    assert list(seen.host) == [scratch.host]
    assert seen in scratch.host.network
    assert seen in scratch.host.parent.network
    assert seen in scratch.datacenter.networkFolder.childEntity
    assert seen.summary.accessible


@rule(
    call="AddPortGroup",
    says="A name that a port group of the host has already is AlreadyExists, whatever its switch.",
    standing="documented",
    source="API reference, AddPortGroup",
    switch="duplicatePortGroupIsInvalid",
)
def a_name_is_unique_on_its_host(scratch: Scratch) -> None:
    name = add_group(scratch, add_switch(scratch))
    other = add_switch(scratch, "vs2")

    with pytest.raises(vim.fault.AlreadyExists):
        scratch.network_system.AddPortGroup(portgrp=group_spec(other, name))


@rule(
    call="AddPortGroup",
    says="A switch that the host does not have is NotFound.",
    standing="documented",
    source="API reference, AddPortGroup",
)
def a_group_needs_a_switch(scratch: Scratch) -> None:
    with pytest.raises(vim.fault.NotFound):
        scratch.network_system.AddPortGroup(portgrp=group_spec(scratch.named("none"), scratch.named("std")))


@rule(
    call="AddPortGroup",
    says="A VLAN outside of 0 to 4095 is InvalidArgument; 4095 is taken.",
    standing="documented",
    source="API reference, AddPortGroup and HostPortGroupSpec.vlanId",
)
def a_vlan_has_limits(scratch: Scratch) -> None:
    switch = add_switch(scratch)

    for vlan in (-1, 4096):
        with pytest.raises(vmodl.fault.InvalidArgument):
            scratch.network_system.AddPortGroup(portgrp=group_spec(switch, scratch.named("bad"), vlan=vlan))

    assert group(scratch.host, scratch.named("bad")) is None
    assert group(scratch.host, add_group(scratch, switch, vlan=4095)).spec.vlanId == 4095


@rule(
    call="AddPortGroup",
    says="A policy with a teaming that does not exist, or an uplink that the switch does not have, is InvalidArgument.",
    standing="documented",
    source="API reference, AddPortGroup, HostNicTeamingPolicy.policy and HostNicOrderPolicy",
)
def a_policy_is_validated(scratch: Scratch) -> None:
    switch = add_switch(scratch)
    order = vim.host.NetworkPolicy.NicOrderPolicy(activeNic=["vmnic999"])

    for members in ({"policy": "by_the_moon"}, {"nicOrder": order}):
        bad = vim.host.NetworkPolicy.NicTeamingPolicy(**members)
        spec = group_spec(switch, scratch.named("bad"), policy=vim.host.NetworkPolicy(nicTeaming=bad))
        with pytest.raises(vmodl.fault.InvalidArgument):
            scratch.network_system.AddPortGroup(portgrp=spec)

    assert group(scratch.host, scratch.named("bad")) is None


@rule(
    call="HostPortGroup.computedPolicy",
    says="Each setting that the group leaves unset is the switch's, and computedPolicy shows the result.",
    standing="documented",
    source="API reference, HostNetworkPolicy and HostPortGroup.computedPolicy",
)
def what_is_unset_is_inherited(scratch: Scratch) -> None:
    switch = add_switch(scratch, policy=security(allowPromiscuous=False, macChanges=True, forgedTransmits=False))

    name = add_group(scratch, switch, policy=security(allowPromiscuous=True))

    shown = group(scratch.host, name)
    assert shown.spec.policy.security.allowPromiscuous is True
    assert shown.spec.policy.security.macChanges is None
    computed = shown.computedPolicy
    assert computed.security.allowPromiscuous is True
    assert computed.security.macChanges is True
    assert computed.security.forgedTransmits is False
    own = vswitch(scratch.host, switch).spec.policy
    assert computed.nicTeaming.policy == own.nicTeaming.policy
    assert computed.shapingPolicy.enabled == own.shapingPolicy.enabled


@rule(
    call="UpdatePortGroup",
    says="The spec replaces the whole group: a policy that it leaves out is inherited again.",
    standing="documented",
    source="API reference, HostPortGroupSpec (all members are required) and HostNetworkPolicy",
)
def an_update_replaces_the_group(scratch: Scratch) -> None:
    switch = add_switch(scratch)
    name = add_group(scratch, switch, vlan=7, policy=security(allowPromiscuous=True))

    scratch.network_system.UpdatePortGroup(pgName=name, portgrp=group_spec(switch, name, vlan=8))

    shown = group(scratch.host, name)
    assert shown.spec.vlanId == 8
    assert shown.computedPolicy.security.allowPromiscuous is False


@rule(
    call="UpdatePortGroup",
    says="A group or switch that is not there is NotFound.",
    standing="documented",
    source="API reference, UpdatePortGroup",
)
def an_update_needs_group_and_switch(scratch: Scratch) -> None:
    switch = add_switch(scratch)
    name = add_group(scratch, switch)

    with pytest.raises(vim.fault.NotFound):
        scratch.network_system.UpdatePortGroup(pgName=scratch.named("no"), portgrp=group_spec(switch, name))
    with pytest.raises(vim.fault.NotFound):
        scratch.network_system.UpdatePortGroup(pgName=name, portgrp=group_spec(scratch.named("no"), name))


@rule(
    call="UpdatePortGroup",
    says="With another name the group is renamed, and the old Network is gone when nobody else uses it.",
    standing="observed",
    source="VMware's public test script for vim.host.NetworkSystem; that the Network follows: API reference, Network",
)
def an_update_renames(scratch: Scratch) -> None:
    switch = add_switch(scratch)
    name, fresh = add_group(scratch, switch), scratch.named("fresh")
    scratch.undo(lambda: scratch.network_system.RemovePortGroup(pgName=fresh))

    scratch.network_system.UpdatePortGroup(pgName=name, portgrp=group_spec(switch, fresh, vlan=3))

    assert group(scratch.host, name) is None
    assert group(scratch.host, fresh).spec.vlanId == 3
    assert network(scratch, name) is None
    assert list(network(scratch, fresh).host) == [scratch.host]


@rule(
    call="UpdatePortGroup",
    says="The name of another group of the host is AlreadyExists and changes nothing.",
    standing="documented",
    source="API reference, UpdatePortGroup",
    switch="duplicatePortGroupIsInvalid",
)
def a_rename_does_not_collide(scratch: Scratch) -> None:
    switch = add_switch(scratch)
    name, other = add_group(scratch, switch), add_group(scratch, switch, "other")

    with pytest.raises(vim.fault.AlreadyExists):
        scratch.network_system.UpdatePortGroup(pgName=name, portgrp=group_spec(switch, other, vlan=9))

    assert group(scratch.host, name).spec.vlanId == 0


@rule(
    call="RemovePortGroup",
    says="The group is gone from the host, and its Network with the last host.",
    standing="documented",
    source="API reference, RemovePortGroup and Network.DestroyNetwork",
)
def a_removed_group_is_gone(scratch: Scratch) -> None:
    switch = add_switch(scratch)
    name = add_group(scratch, switch)

    scratch.network_system.RemovePortGroup(pgName=name)

    assert group(scratch.host, name) is None
    assert not vswitch(scratch.host, switch).portgroup
    assert network(scratch, name) is None
    with pytest.raises(vim.fault.NotFound):
        scratch.network_system.RemovePortGroup(pgName=name)


@rule(
    call="RemovePortGroup",
    says="A group that a machine of the host names is ResourceInUse, also while the machine is off.",
    standing="inferred",
    source="API reference, RemovePortGroup (virtual network adapters associated with it); a machine that is off: "
    "nothing found",
    switch="offMachinesKeepPortGroup",
)
def a_group_in_use_stays(scratch: Scratch) -> None:
    name = add_group(scratch, add_switch(scratch))
    vm = machine_on(scratch, name)

    with pytest.raises(vim.fault.ResourceInUse) as caught:
        scratch.network_system.RemovePortGroup(pgName=name)

    assert caught.value.name == name
    result_of(vm.Destroy_Task())
    scratch.network_system.RemovePortGroup(pgName=name)
    assert network(scratch, name) is None


@rule(
    call="Network.vm",
    says="A machine on a standard network is in Network.vm, the network in VirtualMachine.network and in the backing.",
    standing="documented",
    source="API reference, Network.vm, VirtualMachine.network and VirtualEthernetCardNetworkBackingInfo.network",
)
def machines_and_networks_know_each_other(scratch: Scratch) -> None:
    name = add_group(scratch, add_switch(scratch))

    vm = machine_on(scratch, name)

    seen = network(scratch, name)
    assert list(vm.network) == [seen]
    assert list(seen.vm) == [vm]
    backing = scratch.nic(vm).backing
    assert (backing.deviceName, backing.network) == (name, seen)


@rule(
    call="CreateVM_Task",
    says="A NIC on a standard network that the machine's host does not have fails the task.",
    standing="inferred",
    source="vSphere API reference, InvalidDeviceBacking: cannot be resolved on the host",
)
def a_nic_needs_the_network_on_its_host(scratch: Scratch) -> None:
    files = vim.vm.FileInfo(vmPathName=f"[{scratch.place.datastore.name}]")
    change = [nic_named(scratch.named("nowhere"))]
    spec = vim.vm.ConfigSpec(name=scratch.named("machine"), files=files, deviceChange=change)

    task = scratch.place.folder.CreateVM_Task(spec, scratch.pool, scratch.host)

    fault_of(finish(task), vim.fault.InvalidDeviceSpec)


@rule(
    call="HostPortGroup.port",
    says="A running machine has a port of type virtualMachine with its NIC's MAC address; one that is off has none.",
    standing="documented",
    source="API reference, HostPortGroup.port (that currently exist and are used) and HostPortGroupPort",
)
def a_running_machine_has_a_port(scratch: Scratch) -> None:
    name = add_group(scratch, add_switch(scratch))
    vm = machine_on(scratch, name)
    assert not group(scratch.host, name).port

    result_of(vm.PowerOnVM_Task())

    (port,) = group(scratch.host, name).port
    assert port.type == "virtualMachine"
    assert list(port.mac) == [scratch.nic(vm).macAddress]
    result_of(vm.PowerOffVM_Task())
    assert not group(scratch.host, name).port


@rule(
    call="Network.DestroyNetwork",
    says="A Network cannot be removed by hand: ResourceInUse.",
    standing="documented",
    source="API reference, Network.DestroyNetwork (deprecated, throws ResourceInUse)",
)
def nobody_destroys_a_network(scratch: Scratch) -> None:
    name = add_group(scratch, add_switch(scratch))

    with pytest.raises(vim.fault.ResourceInUse):
        network(scratch, name).DestroyNetwork()

    assert network(scratch, name) is not None
