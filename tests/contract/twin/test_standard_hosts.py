"""Standard port groups of several hosts, hosts out of reach, and work on a host itself."""

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.lab import Lab
from bed.soap import connect, find, message_of, moid, result_of
from bed.twin import ALICE, Twin, TwinError
from verify.rule import rule
from verify.standard import add_group, group, group_spec, machine_on, network, security

PROMISC = "Net.ReversePathFwdCheckPromisc"


@pytest.fixture
def lab(tidy_lab: Lab) -> Lab:
    """The module's twin."""
    return tidy_lab


def _system(host: Any) -> Any:
    return host.configManager.networkSystem


@rule(
    call="AddPortGroup",
    says="Groups of one name on several hosts share one Network, which stays until the last host lets go of it.",
    standing="documented",
    source="vSphere API reference, Network: created when a host is configured, removed when no longer in use",
)
def test_hosts_share_a_network_by_name(lab: Lab) -> None:
    one, two, three = lab.hosts
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
    call="CreateDatacenter",
    says="A new datacenter has no Network; one comes with the first host that is added, and the next one joins it.",
    standing="documented",
    source="vSphere API reference, Network: created automatically when a host is added",
)
def test_a_new_datacenter_has_no_network_before_its_first_host(lab: Lab) -> None:
    datacenter = lab.keep(lab.content.rootFolder.CreateDatacenter("fresh"))
    assert list(datacenter.network) == list(datacenter.networkFolder.childEntity) == []
    cluster = datacenter.hostFolder.CreateClusterEx("cluster", vim.cluster.ConfigSpecEx())
    assert list(cluster.network) == []

    alone = result_of(datacenter.hostFolder.AddStandaloneHost_Task(_login("fresh-alone"), None, True))
    member = result_of(cluster.AddHost_Task(_login("fresh-member"), True))

    (seen,) = datacenter.network
    assert (seen.name, list(seen.host)) == ("VM Network", [alone.host[0], member])
    assert list(alone.network) == list(cluster.network) == list(datacenter.networkFolder.childEntity) == [seen]


def _login(name: str) -> Any:
    return vim.host.ConnectSpec(hostName=name, userName="root", password="secret", force=False)


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
