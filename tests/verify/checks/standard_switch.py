"""Standard switches."""

import pytest
from pyVmomi import vim, vmodl

from bed.soap import result_of
from verify.rule import rule
from verify.scratch import Scratch
from verify.standard import Bond, add_group, add_switch, group, machine_on, network, security, vswitch


@rule(
    call="UpdateVirtualSwitch",
    says="A new policy of the switch shows in the computedPolicy of the groups that do not set it themselves.",
    standing="documented",
    source="API reference, HostPortGroup.computedPolicy and HostNetworkPolicy",
)
def groups_follow_their_switch(scratch: Scratch) -> None:
    switch = add_switch(scratch, policy=security(allowPromiscuous=False, macChanges=True, forgedTransmits=True))
    plain = add_group(scratch, switch, "plain")
    own = add_group(scratch, switch, "own", policy=security(allowPromiscuous=False))

    policy = security(allowPromiscuous=True, macChanges=True, forgedTransmits=True)
    spec = vim.host.VirtualSwitch.Specification(numPorts=128, policy=policy)
    scratch.network_system.UpdateVirtualSwitch(vswitchName=switch, spec=spec)

    assert group(scratch.host, plain).computedPolicy.security.allowPromiscuous is True
    assert group(scratch.host, own).computedPolicy.security.allowPromiscuous is False


@rule(
    call="AddVirtualSwitch",
    says="The switch shows its name, ports, MTU 1500, and a value for every member of its policy.",
    standing="documented",
    source="API reference, AddVirtualSwitch, HostVirtualSwitch and HostNetworkPolicy; the MTU: product documentation",
)
def a_new_switch_is_complete(scratch: Scratch) -> None:
    shown = vswitch(scratch.host, add_switch(scratch))

    assert shown.mtu == 1500
    assert shown.numPortsAvailable <= shown.numPorts
    assert not shown.pnic
    policy = shown.spec.policy
    flags = policy.security
    assert (flags.allowPromiscuous, flags.macChanges, flags.forgedTransmits) == (False, True, True)
    assert policy.nicTeaming.policy == "loadbalance_srcid"
    assert policy.shapingPolicy.enabled is False


@rule(
    call="AddVirtualSwitch",
    says="A name that the host has is AlreadyExists.",
    standing="documented",
    source="API reference, AddVirtualSwitch",
)
def a_switch_name_is_unique(scratch: Scratch) -> None:
    name = add_switch(scratch)

    with pytest.raises(vim.fault.AlreadyExists):
        scratch.network_system.AddVirtualSwitch(vswitchName=name)


@rule(
    call="AddVirtualSwitch",
    says="A name of more than 32 characters is InvalidArgument.",
    standing="documented",
    source="API reference, AddVirtualSwitch",
)
def a_switch_name_is_short(scratch: Scratch) -> None:
    with pytest.raises(vmodl.fault.InvalidArgument):
        scratch.network_system.AddVirtualSwitch(vswitchName="v" * 33)


@rule(
    call="AddVirtualSwitch",
    says="An uplink of another switch is ResourceInUse.",
    standing="documented",
    source="API reference, AddVirtualSwitch",
)
def an_uplink_has_one_switch(scratch: Scratch) -> None:
    taken = scratch.host.config.network.vswitch[0].spec.bridge.nicDevice[0]
    spec = vim.host.VirtualSwitch.Specification(numPorts=128, bridge=Bond(nicDevice=[taken]))

    with pytest.raises(vim.fault.ResourceInUse):
        scratch.network_system.AddVirtualSwitch(vswitchName=scratch.named("vs"), spec=spec)

    assert vswitch(scratch.host, scratch.named("vs")) is None


@rule(
    call="UpdateVirtualSwitch",
    says="A bridge to an adapter that the host does not have is InvalidArgument.",
    standing="documented",
    source="API reference, UpdateVirtualSwitch (the bridge parameter is bad)",
)
def a_bridge_names_adapters_of_the_host(scratch: Scratch) -> None:
    name = add_switch(scratch)
    spec = vim.host.VirtualSwitch.Specification(numPorts=128, bridge=Bond(nicDevice=["vmnic999"]))

    with pytest.raises(vmodl.fault.InvalidArgument):
        scratch.network_system.UpdateVirtualSwitch(vswitchName=name, spec=spec)


@rule(
    call="UpdateVirtualSwitch",
    says="The MTU changes, and a policy that the spec leaves out is unchanged.",
    standing="documented",
    source="API reference, HostVirtualSwitchSpec.policy and mtu",
)
def an_unset_policy_of_a_switch_stays(scratch: Scratch) -> None:
    name = add_switch(scratch, policy=security(allowPromiscuous=True, macChanges=True, forgedTransmits=True))

    spec = vim.host.VirtualSwitch.Specification(numPorts=128, mtu=9000)
    scratch.network_system.UpdateVirtualSwitch(vswitchName=name, spec=spec)

    shown = vswitch(scratch.host, name)
    assert shown.mtu == 9000
    assert shown.spec.policy.security.allowPromiscuous is True


@rule(
    call="UpdateVirtualSwitch",
    says="An MTU below 1280 is PlatformConfigFault and changes nothing.",
    standing="observed",
    source="VMware's public test script for vim.host.NetworkSystem",
)
def an_mtu_has_a_minimum(scratch: Scratch) -> None:
    name = add_switch(scratch)
    spec = vim.host.VirtualSwitch.Specification(numPorts=128, mtu=1)

    with pytest.raises(vim.fault.PlatformConfigFault):
        scratch.network_system.UpdateVirtualSwitch(vswitchName=name, spec=spec)

    assert vswitch(scratch.host, name).mtu == 1500


@rule(
    call="AddVirtualSwitch",
    says="A switch without uplinks takes a teaming policy with an empty order, and its groups inherit it.",
    standing="observed",
    source="VMware's public test script for vim.host.NetworkSystem",
)
def a_switch_without_uplinks_has_a_teaming(scratch: Scratch) -> None:
    teaming = vim.host.NetworkPolicy.NicTeamingPolicy(
        policy="loadbalance_srcid",
        rollingOrder=True,
        notifySwitches=False,
        nicOrder=vim.host.NetworkPolicy.NicOrderPolicy(),
    )
    switch = add_switch(scratch, policy=vim.host.NetworkPolicy(nicTeaming=teaming))

    computed = group(scratch.host, add_group(scratch, switch)).computedPolicy.nicTeaming

    assert (computed.rollingOrder, computed.notifySwitches) == (True, False)
    assert not computed.nicOrder.activeNic


@rule(
    call="RemoveVirtualSwitch",
    says="A switch that is not there is NotFound.",
    standing="documented",
    source="API reference, RemoveVirtualSwitch",
)
def a_missing_switch_is_not_found(scratch: Scratch) -> None:
    with pytest.raises(vim.fault.NotFound):
        scratch.network_system.RemoveVirtualSwitch(vswitchName=scratch.named("no"))
    spec = vim.host.VirtualSwitch.Specification(numPorts=128)
    with pytest.raises(vim.fault.NotFound):
        scratch.network_system.UpdateVirtualSwitch(vswitchName=scratch.named("no"), spec=spec)


@rule(
    call="RemoveVirtualSwitch",
    says="A switch with a machine on one of its groups is ResourceInUse.",
    standing="documented",
    source="API reference, RemoveVirtualSwitch",
)
def a_switch_in_use_stays(scratch: Scratch) -> None:
    switch = add_switch(scratch)
    vm = machine_on(scratch, add_group(scratch, switch))
    result_of(vm.PowerOnVM_Task())

    with pytest.raises(vim.fault.ResourceInUse):
        scratch.network_system.RemoveVirtualSwitch(vswitchName=switch)


@rule(
    call="RemoveVirtualSwitch",
    says="Port groups that nobody uses go with their switch, and their networks too.",
    standing="observed",
    source="VMware's public test script for vim.host.NetworkSystem cleans up this way; the API reference lets only "
    "virtual network adapters keep a switch",
    switch="portGroupsKeepSwitch",
)
def unused_groups_go_with_their_switch(scratch: Scratch) -> None:
    switch = add_switch(scratch)
    name = add_group(scratch, switch)

    scratch.network_system.RemoveVirtualSwitch(vswitchName=switch)

    assert vswitch(scratch.host, switch) is None
    assert group(scratch.host, name) is None
    assert network(scratch, name) is None
