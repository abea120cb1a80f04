"""Standard switches of several hosts, hosts out of reach, uplinks, and what is undecided, both ways."""

from collections.abc import Iterator
from typing import Any

import pytest
from pyVmomi import VmomiSupport, vim, vmodl

from bed.lab import Lab
from bed.soap import connect, find, finish, message_of, moid, result_of
from bed.twin import ALICE, Twin, TwinError
from verify.rule import rule
from verify.scratch import fault_of
from verify.standard import (
    Bond,
    add_group,
    add_switch,
    group,
    group_spec,
    machine_on,
    network,
    nic_named,
    security,
    vswitch,
)

VirtualSwitchSpec = vim.host.VirtualSwitch.Specification
PROMISC = "Net.ReversePathFwdCheckPromisc"

number: Any = VmomiSupport.vmodlTypes["long"]
option: Any = vim.option.OptionValue


@pytest.fixture(scope="module")
def shared() -> Iterator[Lab]:
    """One twin for this module; each test has names of its own and is cleaned up."""
    with Twin() as twin, connect(twin) as instance:
        yield Lab(twin, instance)


@pytest.fixture
def lab(shared: Lab) -> Iterator[Lab]:
    """The shared twin with its usual rules."""
    usual = shared.twin.control.rules()
    yield shared
    shared.twin.control.rules(**usual)
    for host in _hosts(shared):
        shared.twin.control.host(host.name, connection_state="connected")
    shared.clean()


def _hosts(lab: Lab) -> list[Any]:
    return list(find(lab.instance, vim.ClusterComputeResource, "DC0_C0").host)


def _system(host: Any) -> Any:
    return host.configManager.networkSystem


@rule(
    call="AddPortGroup",
    says="Groups of one name on several hosts share one Network, which stays until the last host lets go of it.",
    standing="documented",
    source="API reference, Network (created when a host is configured, removed when no longer in use)",
)
def test_hosts_share_a_network_by_name(lab: Lab) -> None:
    one, two, three = _hosts(lab)
    name = add_group(lab, "vSwitch0", "shared", host=one)
    seen = network(lab, name)

    add_group(lab, "vSwitch0", "shared", host=two, vlan=9)
    assert network(lab, name) == seen
    assert list(seen.host) == [one, two]
    assert seen not in three.network

    _system(one).RemovePortGroup(pgName=name)
    assert list(seen.host) == [two]
    assert seen not in one.network
    assert seen in one.parent.network
    _system(two).RemovePortGroup(pgName=name)
    assert network(lab, name) is None
    assert lab.twin.control.state().network(name) is None


@rule(
    call="RemovePortGroup",
    says="A machine of another host does not keep a group.",
    standing="observed",
    source="equinix/terraform-metal-vsphere issue 36: the ports of the host itself are looked at",
)
def test_a_machine_of_another_host_keeps_nothing(lab: Lab) -> None:
    one, two, _ = _hosts(lab)
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
    says="The group of one of the host's own adapters is ResourceInUse, and no Network.",
    standing="observed",
    source="RemovePortGroup, API reference; the datacenter of an ESXi host that govmomi's simulator carries",
)
def test_the_management_network_stays(lab: Lab) -> None:
    with pytest.raises(vim.fault.ResourceInUse, match="The resource 'Management Network' is in use"):
        lab.network_system.RemovePortGroup(pgName="Management Network")

    assert network(lab, "Management Network") is None


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
    call="AddPortGroup",
    says="Under the other reading a name that is taken is InvalidArgument.",
    standing="inferred",
    source="nothing found beyond the declared faults",
    switch="duplicatePortGroupIsInvalid",
)
def test_a_name_that_is_taken_can_be_made_an_invalid_argument(lab: Lab) -> None:
    lab.twin.control.rules(duplicatePortGroupIsInvalid=True)
    name = add_group(lab, "vSwitch0")

    with pytest.raises(vmodl.fault.InvalidArgument) as caught:
        lab.network_system.AddPortGroup(portgrp=group_spec("vSwitch0", name))

    assert caught.value.invalidProperty == "Vim.Host.PortGroup.Specification.name"


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
    call="HostNetworkSystem",
    says="A call that a host has to answer is HostNotConnected while the host is disconnected, HostCommunication while "
    "it does not respond.",
    standing="documented",
    source="API reference, HostNotConnected and HostCommunication",
)
@pytest.mark.parametrize(
    ("state", "fault"),
    [("disconnected", vmodl.fault.HostNotConnected), ("notResponding", vmodl.fault.HostCommunication)],
)
def test_a_host_out_of_reach_changes_nothing(lab: Lab, state: Any, fault: Any) -> None:
    name = add_group(lab, "vSwitch0", "far")
    options = lab.host.configManager.advancedOption
    lab.twin.control.host(lab.host.name, connection_state=state)
    calls: tuple[Any, ...] = (
        lambda: lab.network_system.AddPortGroup(portgrp=group_spec("vSwitch0", lab.named("more"))),
        lambda: lab.network_system.UpdatePortGroup(pgName=name, portgrp=group_spec("vSwitch0", name, vlan=5)),
        lambda: lab.network_system.RemovePortGroup(pgName=name),
        lambda: lab.network_system.AddVirtualSwitch(vswitchName=lab.named("vs")),
        lambda: lab.network_system.RemoveVirtualSwitch(vswitchName="vSwitch0"),
        lab.network_system.RefreshNetworkSystem,
        lambda: options.QueryOptions(PROMISC),
    )

    for call in calls:
        with pytest.raises(fault) as caught:
            call()
        assert message_of(caught.value).startswith("Unable to communicate with the remote host")

    assert group(lab.host, name).spec.vlanId == 0, "the last known configuration is still readable"


@rule(
    call="RefreshNetworkSystem",
    says="A change that somebody made on the host itself shows after a refresh.",
    standing="documented",
    source="API reference, RefreshNetworkSystem (pick up any changes that might have occurred)",
)
def test_a_refresh_shows_what_was_done_on_the_host(lab: Lab) -> None:
    kept, gone = add_group(lab, "vSwitch0", "kept"), add_group(lab, "vSwitch0", "gone")
    fresh = lab.named("fresh")
    lab.undo(lambda: lab.network_system.RemovePortGroup(pgName=fresh))

    waiting = lab.twin.control.host_network(
        lab.host.name,
        add=[{"name": fresh, "vlanId": 7, "allowPromiscuous": True}],
        update=[{"name": kept, "vlanId": 8}],
        remove=[gone],
        pending=True,
    )

    assert waiting == 3
    assert group(lab.host, fresh) is None
    assert network(lab, gone) is not None
    lab.network_system.RefreshNetworkSystem()
    assert group(lab.host, fresh).computedPolicy.security.allowPromiscuous is True
    assert group(lab.host, kept).spec.vlanId == 8
    assert network(lab, gone) is None
    assert network(lab, fresh) is not None


@rule(
    call="AddPortGroup",
    says="The host answers by what it has, also where vCenter has not heard of it yet.",
    standing="inferred",
    source="the call is carried out by the host",
)
def test_the_host_knows_what_vcenter_has_not_heard_of(lab: Lab) -> None:
    fresh = lab.named("fresh")
    lab.undo(lambda: lab.network_system.RemovePortGroup(pgName=fresh))
    lab.twin.control.host_network(lab.host.name, add=[{"name": fresh, "vlanId": 7}], pending=True)

    with pytest.raises(vim.fault.AlreadyExists):
        lab.network_system.AddPortGroup(portgrp=group_spec("vSwitch0", fresh))

    assert group(lab.host, fresh).spec.vlanId == 7


@pytest.mark.infrastructure("how work on a host is simulated")
def test_what_is_done_on_a_host_out_of_reach_shows_when_it_is_back(lab: Lab) -> None:
    fresh = lab.named("fresh")
    lab.undo(lambda: lab.network_system.RemovePortGroup(pgName=fresh))
    lab.twin.control.host(lab.host.name, connection_state="disconnected")

    assert lab.twin.control.host_network(lab.host.name, add=[{"name": fresh, "vlanId": 7}]) == 1

    assert group(lab.host, fresh) is None
    lab.twin.control.host(lab.host.name, connection_state="connected")
    assert group(lab.host, fresh).spec.vlanId == 7


@pytest.mark.infrastructure("how work on a host is simulated")
def test_work_on_a_host_obeys_the_host(lab: Lab) -> None:
    with pytest.raises(TwinError, match=r"refuses the change.*in use"):
        lab.twin.control.host_network(lab.host.name, remove=["Management Network"])
    with pytest.raises(TwinError, match="no managed object has this id or name"):
        lab.twin.control.host_network("nowhere", remove=["x"])


@rule(
    call="UpdateVirtualSwitch",
    says="Uplinks of a bridge show as the switch's physical adapters, and one that leaves the bridge leaves the "
    "teaming order of the switch and of its groups.",
    standing="documented",
    source="API reference, UpdateVirtualSwitch and HostVirtualSwitch.pnic",
)
def test_uplinks_come_and_go(lab: Lab) -> None:
    host = _hosts(lab)[1]
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
    call="AddPortGroup",
    says="A group without a name or without a switch is InvalidArgument.",
    standing="inferred",
    source="API reference, HostNetworkSystem.AddPortGroup, InvalidArgument; the spelling of the path: nothing found",
)
def test_a_missing_member_of_a_group_is_an_invalid_argument(lab: Lab) -> None:
    for spec, field in ((group_spec("vSwitch0", ""), "name"), (group_spec("", lab.named("x")), "vswitchName")):
        with pytest.raises(vmodl.fault.InvalidArgument) as caught:
            lab.network_system.AddPortGroup(portgrp=spec)
        assert caught.value.invalidProperty == f"portgrp.{field}"


@rule(
    call="OptionManager.UpdateOptions",
    says="An option is changed, in host.config.option too; a value of another type or out of range is InvalidArgument.",
    standing="observed",
    source="API reference, OptionManager.UpdateOptions; the type: ansible issue 41212",
)
def test_an_advanced_option_is_set(lab: Lab) -> None:
    host = _hosts(lab)[2]
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
    options = _hosts(lab)[1].configManager.advancedOption

    with pytest.raises(vim.fault.InvalidName):
        options.UpdateOptions([option(key="Net.NotifySwitch", value=number(0)), option(key="Net.No", value=number(0))])

    assert options.QueryOptions("Net.NotifySwitch")[0].value == 0


@rule(
    call="HostNetworkSystem",
    says="A change of a host's network leaves a finished task on the host, with its user and, if it failed, its fault.",
    standing="observed",
    source="descriptions in TaskManager.description, vCenter's statistics of tasks and ESXi's log name these methods; "
    "for a failed call inferred",
    switch="hostNetworkLeavesTasks",
)
def test_a_change_leaves_a_task_that_says_who(lab: Lab) -> None:
    spec = group_spec("vSwitch0", lab.named("traced"))
    lab.undo(lambda: lab.network_system.RemovePortGroup(pgName=spec.name))
    with connect(lab.twin, ALICE) as alice:
        system = _system(find(alice, vim.HostSystem, lab.host.name))
        system.AddPortGroup(portgrp=spec)
        with pytest.raises(vim.fault.AlreadyExists):
            system.AddPortGroup(portgrp=spec)

    done, failed = (task.info for task in lab.host.recentTask[-2:])
    assert done.descriptionId == failed.descriptionId == "host.NetworkSystem.addPortGroup"
    assert (done.state, failed.state) == ("success", "error")
    assert done.reason.userName == ALICE.shown
    assert done.entityName == lab.host.name
    assert isinstance(failed.error, vim.fault.AlreadyExists)
    assert done.completeTime is not None


@rule(
    call="HostNetworkSystem",
    says="Under the other reading a change of a host's network leaves no task.",
    standing="inferred",
    source="the methods return no task",
    switch="hostNetworkLeavesTasks",
)
def test_a_change_can_be_made_to_leave_no_task(lab: Lab) -> None:
    lab.twin.control.rules(hostNetworkLeavesTasks=False)
    before = list(lab.host.recentTask)

    add_group(lab, "vSwitch0", "untraced")

    assert list(lab.host.recentTask) == before


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


@rule(
    call="AddPortGroup",
    says="A slash in the name is %2f in the Network and a slash on the host; machines name it as the host does.",
    standing="documented",
    source="API reference, ManagedEntity.name: slashes are escaped; the host: inferred",
)
def test_a_slash_is_escaped_in_the_network_and_not_on_the_host(lab: Lab) -> None:
    name = add_group(lab, "vSwitch0", "a/b")

    assert group(lab.host, name) is not None
    seen = network(lab, name.replace("/", "%2f"))
    assert list(seen.host) == [lab.host]
    vm = machine_on(lab, name)
    assert list(seen.vm) == [vm]


@rule(
    call="AddPortGroup",
    says="A standard group may have the name of a distributed port group; the two are different networks.",
    standing="observed",
    source="terraform-provider-vsphere issue 349 and govmomi issue 949",
)
def test_a_distributed_group_of_the_same_name_is_no_obstacle(lab: Lab) -> None:
    distributed = lab.port_group("twins")

    name = add_group(lab, "vSwitch0", "twins")

    assert network(lab, name) != distributed
    assert distributed in lab.datacenter.network


@pytest.mark.infrastructure("the dump")
def test_the_dump_tells_of_switches_and_groups(lab: Lab) -> None:
    name = add_group(lab, "vSwitch0", vlan=7, policy=security(allowPromiscuous=True))

    host = lab.twin.control.state().host(lab.host.name)

    assert host is not None
    shown = host.port_group(name)
    assert shown is not None
    assert (shown.switch, shown.vlan_id, shown.allow_promiscuous, shown.ports) == ("vSwitch0", 7, True, 0)
    assert moid(network(lab, name)) in host.networks


@pytest.mark.infrastructure("drift")
def test_a_drift_shows_in_both_places(lab: Lab) -> None:
    name = add_group(lab, "vSwitch0")
    path = f'config.network.portgroup["key-vim.host.PortGroup-{name}"].spec.vlanId'

    lab.twin.control.drift(lab.host.name, set={path: 12})

    assert group(lab.host, name).spec.vlanId == 12
    shown = {g.spec.name: g.spec.vlanId for g in lab.network_system.networkInfo.portgroup}
    assert shown[name] == 12


@rule(
    call="CreateVM_Task",
    says="Without a host, a machine goes to a host that has its standard network.",
    standing="inferred",
    source="API reference, CreateVM_Task (the server chooses a host) and InvalidDeviceBacking",
)
def test_a_machine_is_placed_where_its_network_is(lab: Lab) -> None:
    last = _hosts(lab)[2]
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
    one, two, _ = _hosts(lab)
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


@pytest.mark.infrastructure("checkpoints")
def test_a_restore_brings_the_switches_back(twin: Twin) -> None:
    with connect(twin) as instance:
        lab = Lab(twin, instance)
        kept = add_group(lab, "vSwitch0", "kept")
        twin.control.checkpoint("before")
        add_group(lab, "vSwitch0", "newer")
        lab.network_system.RemovePortGroup(pgName=kept)
        twin.control.restore("before")

    with connect(twin) as instance:
        lab = Lab(twin, instance)
        assert group(lab.host, kept) is not None
        assert list(network(lab, kept).host) == [lab.host]
        assert network(lab, "newer") is None
        lab.network_system.RemovePortGroup(pgName=kept)
        assert network(lab, kept) is None


@rule(
    call="ClusterComputeResource.network",
    says="A host that moves to another cluster takes its standard networks out of one list and into the other; the "
    "networks stay the same objects.",
    standing="documented",
    source="API reference, ComputeResource.network (the networks of its hosts) and Network",
)
def test_a_host_that_moves_keeps_its_networks() -> None:
    with Twin(arguments=("-cluster", "2", "-vm", "0")) as twin, connect(twin) as instance:
        lab = Lab(twin, instance)
        old, new = (find(instance, vim.ClusterComputeResource, name) for name in ("DC0_C0", "DC0_C1"))
        host = lab.host
        name = add_group(lab, "vSwitch0", "moving")
        seen = network(lab, name)
        twin.control.host(host.name, maintenance=True)

        result_of(new.MoveInto_Task([host]))

        assert host.parent == new
        assert seen in new.network
        assert seen not in old.network
        assert network(lab, name) == seen
        assert list(seen.host) == [host]
