"""Uplinks and specs of standard switches, and advanced options of hosts."""

from typing import Any

import pytest
from pyVmomi import VmomiSupport, vim, vmodl

from bed.lab import Lab
from verify.rule import rule
from verify.standard import Bond, add_group, add_switch, group, vswitch

VirtualSwitchSpec = vim.host.VirtualSwitch.Specification
PROMISC = "Net.ReversePathFwdCheckPromisc"

number: Any = VmomiSupport.vmodlTypes["long"]
option: Any = vim.option.OptionValue


@pytest.fixture
def lab(tidy_lab: Lab) -> Lab:
    """The module's twin."""
    return tidy_lab


def _system(host: Any) -> Any:
    return host.configManager.networkSystem


@rule(
    call="RemoveVirtualSwitch",
    says="Under the other reading a switch with port groups, used or not, is ResourceInUse.",
    standing="inferred",
    source="API reference, HostNetworkSystem.RemoveVirtualSwitch, ResourceInUse",
    switch="portGroupsKeepSwitch",
)
def test_unused_groups_can_be_made_to_keep_their_switch(lab: Lab) -> None:
    lab.twin.control.rules(portGroupsKeepSwitch=True)
    switch = add_switch(lab)
    name = add_group(lab, switch)

    with pytest.raises(vim.fault.ResourceInUse):
        lab.network_system.RemoveVirtualSwitch(vswitchName=switch)

    lab.network_system.RemovePortGroup(pgName=name)
    lab.network_system.RemoveVirtualSwitch(vswitchName=switch)
    assert vswitch(lab.host, switch) is None


@rule(
    call="UpdateVirtualSwitch",
    says="Uplinks of a bridge show as the switch's physical adapters, and one that leaves the bridge leaves the "
    "teaming order of the switch and of its groups.",
    standing="documented",
    source="API reference, UpdateVirtualSwitch and HostVirtualSwitch.pnic",
)
def test_uplinks_come_and_go(lab: Lab) -> None:
    host = lab.hosts[1]
    before = vswitch(host, "vSwitch0").spec
    teaming = vim.host.NetworkPolicy.NicTeamingPolicy(
        nicOrder=vim.host.NetworkPolicy.NicOrderPolicy(activeNic=["vmnic1"], standbyNic=["vmnic0"])
    )
    both = VirtualSwitchSpec(numPorts=128, bridge=Bond(nicDevice=["vmnic0", "vmnic1"]))
    _system(host).UpdateVirtualSwitch(vswitchName="vSwitch0", spec=both)
    name = add_group(lab, "vSwitch0", "team", host=host, policy=vim.host.NetworkPolicy(nicTeaming=teaming))
    assert len(vswitch(host, "vSwitch0").pnic) == 2
    assert list(group(host, name).computedPolicy.nicTeaming.nicOrder.activeNic) == ["vmnic1"]
    dumped = lab.twin.control.state().host(host.name)
    assert dumped is not None
    assert dumped.switches[0].uplinks == ("vmnic0", "vmnic1")

    _system(host).UpdateVirtualSwitch(
        vswitchName="vSwitch0", spec=VirtualSwitchSpec(numPorts=128, bridge=before.bridge)
    )

    shown = vswitch(host, "vSwitch0")
    assert len(shown.pnic) == 1
    assert list(shown.spec.policy.nicTeaming.nicOrder.activeNic) == ["vmnic0"]
    order = group(host, name).computedPolicy.nicTeaming.nicOrder
    assert (list(order.activeNic), list(order.standbyNic)) == ([], ["vmnic0"])


@rule(
    call="UpdateVirtualSwitch",
    says="A spec without a bridge leaves the switch without uplinks; an unset MTU stays.",
    standing="documented",
    source="API reference, HostVirtualSwitchSpec.bridge and mtu",
)
def test_a_bridge_that_is_unset_takes_the_uplinks_away(lab: Lab) -> None:
    name = add_switch(lab, bridge=Bond(nicDevice=["vmnic1"]), mtu=9000)
    assert vswitch(lab.host, name).pnic

    lab.network_system.UpdateVirtualSwitch(vswitchName=name, spec=VirtualSwitchSpec(numPorts=64))

    shown = vswitch(lab.host, name)
    assert not shown.pnic
    assert shown.spec.bridge is None
    assert shown.mtu == 9000
    assert not shown.spec.policy.nicTeaming.nicOrder.activeNic


@rule(
    call="AddVirtualSwitch",
    says="A bad member of the spec is InvalidArgument with its path.",
    standing="inferred",
    source="API reference, HostNetworkSystem.AddVirtualSwitch, InvalidArgument; the spelling of the path: nothing "
    "found",
)
@pytest.mark.parametrize(
    ("field", "members"),
    [
        ("spec.numPorts", {"numPorts": 1025}),
        ("spec.bridge", {"bridge": vim.host.VirtualSwitch.AutoBridge()}),
        ("spec.bridge.nicDevice", {"bridge": Bond(nicDevice=["vmnic1", "vmnic1"])}),
        (
            "spec.policy.nicTeaming.failureCriteria.checkBeacon",
            {
                "policy": vim.host.NetworkPolicy(
                    nicTeaming=vim.host.NetworkPolicy.NicTeamingPolicy(
                        failureCriteria=vim.host.NetworkPolicy.NicFailureCriteria(checkBeacon=True)
                    )
                )
            },
        ),
    ],
)
def test_a_bad_switch_spec_names_its_member(lab: Lab, field: str, members: dict[str, Any]) -> None:
    spec = VirtualSwitchSpec(**{"numPorts": 128, **members})

    with pytest.raises(vmodl.fault.InvalidArgument) as caught:
        lab.network_system.AddVirtualSwitch(vswitchName=lab.named("vs"), spec=spec)

    fault: Any = caught.value
    assert fault.invalidProperty == field
    assert vswitch(lab.host, lab.named("vs")) is None


@rule(
    call="OptionManager.UpdateOptions",
    says="An option is changed, in host.config.option too; a value of another type or out of range is InvalidArgument.",
    standing="observed",
    source="API reference, OptionManager.UpdateOptions; the type: ansible issue 41212",
)
def test_an_advanced_option_is_set(lab: Lab) -> None:
    host = lab.hosts[2]
    options = host.configManager.advancedOption

    options.UpdateOptions([option(key=PROMISC, value=number(1))])

    assert options.QueryOptions(PROMISC)[0].value == 1
    assert {o.key: o.value for o in host.config.option}[PROMISC] == 1
    assert lab.host.configManager.advancedOption.QueryOptions(PROMISC)[0].value == 0, "other hosts keep theirs"
    for bad in (number(2), 1, "1"):
        with pytest.raises(vmodl.fault.InvalidArgument):
            options.UpdateOptions([option(key=PROMISC, value=bad)])
    assert options.QueryOptions(PROMISC)[0].value == 1


@rule(
    call="OptionManager.UpdateOptions",
    says="Options before the one that is refused stay changed.",
    standing="inferred",
    source="API reference, OptionManager.UpdateOptions promises no atomicity",
)
def test_options_are_changed_one_by_one(lab: Lab) -> None:
    options = lab.hosts[1].configManager.advancedOption

    with pytest.raises(vim.fault.InvalidName):
        options.UpdateOptions([option(key="Net.NotifySwitch", value=number(0)), option(key="Net.No", value=number(0))])

    assert options.QueryOptions("Net.NotifySwitch")[0].value == 0


@rule(
    call="QueryNetworkHint",
    says="Each physical adapter has a hint; one that the host does not have is NotFound.",
    standing="documented",
    source="API reference, HostNetworkSystem.QueryNetworkHint",
)
def test_every_uplink_has_a_hint(lab: Lab) -> None:
    assert [hint.device for hint in lab.network_system.QueryNetworkHint()] == ["vmnic0", "vmnic1"]
    with pytest.raises(vim.fault.NotFound):
        lab.network_system.QueryNetworkHint(["vmnic9"])
