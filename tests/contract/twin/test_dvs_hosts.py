"""Hosts of a distributed switch: joining, leaving, uplinks, physical NICs, versions; and who keeps a switch in use."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from pyVmomi import vim, vmodl

from bed.soap import Updates, finish, message_of, moid, result_of
from verify.rule import rule
from verify.scratch import Switch, fault_of
from verify.standard import Bond, add_switch
from verify.switching import create_switch, machine_on, new_switch, reconfigure_switch, refused

if TYPE_CHECKING:
    from bed.lab import Lab

Member = vim.dvs.HostMember
API = "vSphere API reference, "


@pytest.fixture(scope="module")
def shared_lab() -> Iterator["Lab"]:
    """An administrator's login on a twin of this module."""
    from bed.lab import Lab
    from bed.soap import connect
    from bed.twin import Twin

    with Twin() as twin, connect(twin) as instance:
        yield Lab(twin, instance)


@pytest.fixture
def lab(shared_lab: "Lab") -> Iterator["Lab"]:
    """The module's login; what a test made is taken away."""
    yield shared_lab
    shared_lab.clean()


def change(operation: str, host: Any, *pnics: str) -> Any:
    """Return one change of a switch's members."""
    spec = Member.ConfigSpec(operation=operation, host=host)
    if pnics:
        devices = [Member.PnicSpec(pnicDevice=device) for device in pnics]
        spec.backing = Member.PnicBacking(pnicSpec=devices)
    return spec


def uplinks(*names: str) -> Any:
    """Return an uplink policy of these names."""
    return vim.DistributedVirtualSwitch.NameArrayUplinkPortPolicy(uplinkPortName=list(names))


def proxies(host: Any) -> dict[str, Any]:
    """Return the proxy switches of a host by the name of their switch."""
    return {proxy.dvsName: proxy for proxy in host.config.network.proxySwitch}


@rule(
    call="ReconfigureDvs_Task",
    says="A host that joins gets the switch's groups, an uplink port for each uplink name and a proxy switch; what it "
    "had of them goes when it leaves.",
    standing="documented",
    source=API + "DVSConfigInfo.uplinkPortgroup; DistributedVirtualSwitchHostMember.uplinkPortKey: these ports are "
    "deleted after the host leaves; HostNetworkInfo.proxySwitch",
)
def test_a_host_joins_and_leaves(lab: "Lab") -> None:
    switch, host = new_switch(lab, uplinkPortPolicy=uplinks("one", "two")), lab.host
    group = result_of(switch.CreateDVPortgroup_Task(lab.group_spec("joined")))
    version = switch.config.configVersion
    watch = Updates(lab.instance, host, {vim.HostSystem: ["network"]})
    watch.all()

    result_of(reconfigure_switch(switch, host=[change("add", host)]))

    [(_, _, pushed)] = watch.all()
    assert moid(group) in {moid(network) for network in pushed["network"]}
    assert switch.config.configVersion != version
    assert [moid(h) for h in switch.summary.hostMember] == [moid(host)] == [moid(h) for h in group.host]
    assert switch.summary.numHosts == 1
    [member] = switch.config.host
    ports = switch.FetchDVPorts(vim.dvs.PortCriteria(uplinkPort=True, host=[host]))
    assert {port.key for port in ports} == set(member.uplinkPortKey)
    assert {port.config.name for port in ports} == {"one", "two"}
    assert proxies(host)[switch.name].dvsUuid == switch.uuid

    result_of(reconfigure_switch(switch, host=[change("remove", host)]))

    assert not switch.summary.hostMember
    assert not group.host
    assert moid(group) not in {moid(network) for network in host.network}
    assert not switch.FetchDVPortKeys(vim.dvs.PortCriteria(uplinkPort=True))
    assert switch.name not in proxies(host)


@rule(
    call="ReconfigureDvs_Task",
    says="Adding a member again is AlreadyExists; editing or removing a host that is none is NotFound; one host twice, "
    "or an unknown operation, is an InvalidArgument.",
    standing="documented",
    source=API + "ReconfigureDvs_Task, declared faults; DVSConfigSpec.host: duplicate entries raise a fault",
)
def test_a_host_is_a_member_once(lab: "Lab") -> None:
    switch, host = new_switch(lab), lab.host
    result_of(reconfigure_switch(switch, host=[change("add", host)]))
    other = next(h for h in lab.switch.summary.hostMember if moid(h) != moid(host))

    for changes, kind in (
        ([change("add", host)], vim.fault.AlreadyExists),
        ([change("edit", other)], vim.fault.NotFound),
        ([change("remove", other)], vim.fault.NotFound),
        ([change("add", other), change("add", other)], vmodl.fault.InvalidArgument),
        ([change("move", host)], vmodl.fault.InvalidArgument),
    ):
        fault_of(finish(reconfigure_switch(switch, host=changes)), kind)
    assert switch.summary.numHosts == 1


@rule(
    call="ReconfigureDvs_Task",
    says="A host with machines on the switch cannot leave it: ResourceInUse.",
    standing="documented",
    source=API + "ReconfigureDvs_Task declares ResourceInUse",
)
def test_a_host_with_machines_on_the_switch_stays(lab: "Lab") -> None:
    vm = machine_on(lab, lab.port_group())
    members = len(lab.switch.summary.hostMember)

    fault_of(finish(reconfigure_switch(lab.switch, host=[change("remove", vm.runtime.host)])), vim.fault.ResourceInUse)

    assert len(lab.switch.summary.hostMember) == members


@rule(
    call="Destroy_Task",
    says="A switch with machines on its ports is ResourceInUse and stays as it is.",
    standing="documented",
    source=API + "ResourceInUse; ManagedEntity.Destroy_Task",
)
def test_a_switch_in_use_cannot_be_deleted(lab: "Lab") -> None:
    machine_on(lab, lab.port_group())
    groups = len(lab.switch.portgroup)

    fault_of(finish(lab.switch.Destroy_Task()), vim.fault.ResourceInUse)

    assert len(lab.switch.portgroup) == groups


@rule(
    call="CreateVM_Task",
    says="A machine can use a group only on a host that is a member of its switch.",
    standing="observed",
    source="govmomi simulator/virtual_machine.go: InvalidArgument for a host that is no member",
)
def test_a_machine_needs_a_member_host(lab: "Lab") -> None:
    switch = new_switch(lab)
    group = lab.keep(result_of(switch.CreateDVPortgroup_Task(lab.group_spec("nowhere"))))
    nic = vim.vm.device.VirtualDeviceSpec(operation="add", device=lab.nic_on(group))

    fault_of(finish(lab.create("stray", deviceChange=[nic])), vmodl.fault.InvalidArgument)


@rule(
    call="ReconfigureDvs_Task",
    says="A physical NIC goes on an uplink port of its host, and the port shows it as its connectee; an unknown NIC "
    "is an "
    "InvalidArgument, one of another switch ResourceInUse.",
    standing="documented",
    source=API
    + "DistributedVirtualSwitchHostMemberPnicSpec, DistributedVirtualSwitchPortConnectee.nicKey; faults inferred",
)
def test_a_physical_nic_goes_on_an_uplink_port(lab: "Lab") -> None:
    switch, host = new_switch(lab, host=[change("add", lab.host, "vmnic0")]), lab.host

    [port] = switch.FetchDVPorts(vim.dvs.PortCriteria(uplinkPort=True, connected=True))
    assert (port.connectee.type, port.connectee.nicKey, moid(port.connectee.connectedEntity)) == (
        "pnic", "vmnic0", moid(host),
    )  # fmt: skip
    [pnic] = switch.config.host[0].config.backing.pnicSpec
    assert (pnic.pnicDevice, pnic.uplinkPortKey, pnic.connectionCookie) == ("vmnic0", port.key, port.connectionCookie)

    other = create_switch(lab, "other", host=[change("add", host, "vmnic0")])
    fault_of(finish(other), vim.fault.ResourceInUse)
    unknown = change("edit", host, "vmnic99")
    nothing = Member.ConfigSpec(operation="edit", host=host, backing=Member.Backing())
    for spec in (unknown, nothing):
        fault_of(finish(reconfigure_switch(switch, host=[spec])), vmodl.fault.InvalidArgument)


@rule(
    call="ReconfigureDvs_Task",
    says="The uplink policy names, adds and deletes the uplink ports of every host; below those with a physical NIC it "
    "is refused.",
    standing="documented",
    source=API + "DVSNameArrayUplinkPortPolicy; the fault ResourceInUse is inferred",
)
def test_uplink_ports_follow_the_policy(lab: "Lab") -> None:
    switch = new_switch(lab, uplinkPortPolicy=uplinks("one", "two"), host=[change("add", lab.host)])

    def names() -> set[str]:
        return {port.config.name for port in switch.FetchDVPorts(vim.dvs.PortCriteria(uplinkPort=True))}

    result_of(reconfigure_switch(switch, uplinkPortPolicy=uplinks("first", "two", "three")))
    assert names() == {"first", "two", "three"}
    assert len(switch.config.host[0].uplinkPortKey) == 3
    result_of(reconfigure_switch(switch, uplinkPortPolicy=uplinks("first", "two")))
    assert names() == {"first", "two"}

    keys = switch.config.host[0].uplinkPortKey
    on_second = Member.PnicBacking(pnicSpec=[Member.PnicSpec(pnicDevice="vmnic0", uplinkPortKey=keys[1])])
    edit = Member.ConfigSpec(operation="edit", host=lab.host, backing=on_second)
    result_of(reconfigure_switch(switch, host=[edit]))
    fault_of(finish(reconfigure_switch(switch, uplinkPortPolicy=uplinks("first"))), vim.fault.ResourceInUse)
    assert names() == {"first", "two"}


@rule(
    call="ReconfigureDvs_Task",
    says="A host that is older than the switch cannot join, and an upgrade beyond a member's version is refused: "
    "DvsOperationBulkFault names the host.",
    standing="documented",
    source="Broadcom KB 434420; terraform-provider-vsphere issue 1291; API reference, DvsOperationBulkFault.hostFault",
)
def test_an_old_host_keeps_a_switch_old(lab: "Lab") -> None:
    host, manager = lab.host, lab.content.dvSwitchManager
    old = result_of(create_switch(lab, "old", version="6.6.0", host=[change("add", host)]))
    lab.keep(old)
    new = new_switch(lab, "new")
    current = host.config.product.version
    lab.twin.control.drift(moid(host), set={"config.product.version": "7.0.3"})
    try:
        joined = fault_of(finish(reconfigure_switch(new, host=[change("add", host)])), vim.fault.DvsOperationBulkFault)
        upgrade = old.PerformDvsProductSpecOperation_Task("upgrade", vim.dvs.ProductSpec(version="8.0.0"))
        upgraded = fault_of(finish(upgrade), vim.fault.DvsOperationBulkFault)
        fit = manager.QueryCompatibleHostForExistingDvs(lab.datacenter, True, new)

        for fault in (joined, upgraded):
            assert [moid(failed.host) for failed in fault.hostFault] == [moid(host)]
        assert moid(host) not in {moid(other) for other in fit}
        result_of(old.PerformDvsProductSpecOperation_Task("upgrade", vim.dvs.ProductSpec(version="7.0.3")))
        assert old.config.productInfo.version == "7.0.3"
    finally:
        lab.twin.control.drift(moid(host), set={"config.product.version": current})


@rule(
    call="QueryCompatibleHostForNewDvs",
    says="The container is a datacenter, folder or compute resource; without recursion a datacenter's subfolders are "
    "left "
    "out; another object is an InvalidArgument.",
    standing="documented",
    source=API + "QueryCompatibleHostForNewDvs, container and recursive; the fault is inferred",
)
def test_hosts_are_looked_for_in_a_container(lab: "Lab") -> None:
    query = lab.content.dvSwitchManager.QueryCompatibleHostForNewDvs
    cluster = lab.host.parent

    assert {moid(host) for host in query(cluster, False)} == {moid(host) for host in cluster.host}
    assert {moid(host) for host in query(lab.datacenter, True)} >= {moid(host) for host in cluster.host}
    with pytest.raises(vmodl.fault.InvalidArgument):
        query(lab.host, True)


@rule(
    call="DVSSummary.vm",
    says="A switch lists the machines with NICs on its ports, each once.",
    standing="documented",
    source=API + "DVSSummary.vm",
)
def test_a_switch_lists_its_machines(lab: "Lab") -> None:
    before = {moid(vm) for vm in lab.switch.summary.vm}
    first, second = lab.port_group("first"), lab.port_group("second")
    vm = machine_on(lab, first)

    lab.attach(vm, second)
    assert [moid(user) for user in lab.switch.summary.vm].count(moid(vm)) == 1

    result_of(vm.Destroy_Task())
    assert {moid(user) for user in lab.switch.summary.vm} == before


@rule(
    call="DvsReconfiguredEvent",
    says="What happens to a switch leaves events: created, reconfigured, host joined and left, upgraded, renamed, "
    "ports reconfigured, destroyed.",
    standing="documented",
    source=API + "DvsEvent and the events that extend it",
)
def test_a_switch_leaves_events(lab: "Lab") -> None:
    switch = result_of(create_switch(lab, "told", version="6.6.0"))
    group = result_of(switch.CreateDVPortgroup_Task(lab.group_spec("told-group", numPorts=1)))
    result_of(reconfigure_switch(switch, host=[change("add", lab.host)]))
    result_of(reconfigure_switch(switch, host=[change("remove", lab.host)]))
    result_of(switch.PerformDvsProductSpecOperation_Task("upgrade", vim.dvs.ProductSpec(version="7.0.0")))
    port = vim.dvs.DistributedVirtualPort.ConfigSpec(operation="edit", key=group.portKeys[0], description="text")
    result_of(switch.ReconfigureDVPort_Task([port]))
    result_of(switch.Rename_Task("told-again"))
    result_of(switch.Destroy_Task())

    kinds = [
        "DvsCreatedEvent", "DvsReconfiguredEvent", "DvsHostJoinedEvent", "DvsHostLeftEvent", "DvsUpgradedEvent",
        "DvsPortReconfiguredEvent", "DvsRenamedEvent", "DvsDestroyedEvent",
    ]  # fmt: skip
    events = lab.content.eventManager.QueryEvents(vim.event.EventFilterSpec(eventTypeId=kinds))
    mine = [event for event in events if moid(event.dvs.dvs) == moid(switch)]

    assert {type(event).__name__.rpartition(".")[2] for event in mine} == set(kinds)
    assert all(event.userName == "VSPHERE.LOCAL\\administrator" for event in mine)
    assert isinstance(switch, Switch)


@rule(
    call="Destroy_Task",
    says="A VMkernel adapter keeps its port group, its switch and its host's membership in use, as a machine's NIC "
    "does.",
    standing="inferred",
    source=API + "DVSSummary.host, hosts with virtual NICs that connect to the switch; nothing found on the fault",
)
def test_a_kernel_adapter_keeps_its_group_in_use(lab: "Lab") -> None:
    switch = new_switch(lab, host=[change("add", lab.host)])
    group = result_of(switch.CreateDVPortgroup_Task(lab.group_spec("kernel")))
    port = {"switchUuid": switch.uuid, "portgroupKey": group.key}
    adapter = {"device": "vmk9", "key": "vmk9", "portgroup": "", "spec": {"distributedVirtualPort": port}}
    lab.twin.control.drift(moid(lab.host), set={"config.network.vnic": [adapter]})

    for task in (
        group.Destroy_Task(),
        switch.Destroy_Task(),
        reconfigure_switch(switch, host=[change("remove", lab.host)]),
    ):
        fault_of(finish(task), vim.fault.ResourceInUse)

    lab.twin.control.drift(moid(lab.host), set={"config.network.vnic": []})
    result_of(group.Destroy_Task())


@rule(
    call="CreateDVS_Task",
    says="A switch lies in a network folder; elsewhere the task fails with NotSupported.",
    standing="documented",
    source=API + "Folder.childType; Folder.CreateDVS_Task, NotSupported",
)
def test_a_switch_needs_a_network_folder(lab: "Lab") -> None:
    spec = vim.DistributedVirtualSwitch.CreateSpec(configSpec=Switch.ConfigSpec(name="misplaced"))

    fault_of(finish(lab.datacenter.vmFolder.CreateDVS_Task(spec)), vmodl.fault.NotSupported)


@rule(
    call="ReconfigureDvs_Task",
    says="A port group of the switch can become a second uplink group, and gets its share of the uplink ports; the one "
    "that has ports of a host cannot be dropped.",
    standing="documented",
    source=API + "DVSConfigInfo.uplinkPortgroup: uplink ports are evenly spread among them; the fault is inferred",
)
def test_uplink_ports_are_spread_over_the_uplink_groups(lab: "Lab") -> None:
    switch = new_switch(lab, uplinkPortPolicy=uplinks("one", "two"))
    [first] = switch.config.uplinkPortgroup
    second = result_of(switch.CreateDVPortgroup_Task(lab.group_spec("second-uplinks", numPorts=0)))

    result_of(reconfigure_switch(switch, uplinkPortgroup=[first, second]))
    result_of(reconfigure_switch(switch, host=[change("add", lab.host)]))

    assert second.config.uplink
    assert [len(group.portKeys) for group in (first, second)] == [1, 1]
    fault_of(finish(reconfigure_switch(switch, uplinkPortgroup=[second])), vim.fault.ResourceInUse)
    assert first.config.uplink
    foreign = lab.switch.config.uplinkPortgroup[0]
    fault_of(finish(reconfigure_switch(switch, uplinkPortgroup=[first, second, foreign])), vmodl.fault.InvalidArgument)


@rule(
    call="ReconfigureDvs_Task",
    says="maxPorts below the number of ports that there are is LimitExceeded.",
    standing="documented",
    source=API + "DVSConfigSpec.maxPorts cannot be smaller than the number of ports; LimitExceeded is a declared fault",
)
def test_a_switch_cannot_have_fewer_ports_than_it_has(lab: "Lab") -> None:
    switch = new_switch(lab)
    result_of(switch.CreateDVPortgroup_Task(lab.group_spec("many", numPorts=5)))

    fault = fault_of(finish(reconfigure_switch(switch, maxPorts=4)), vim.fault.LimitExceeded)

    assert fault.limit == 5
    result_of(reconfigure_switch(switch, maxPorts=5))
    assert switch.config.maxPorts == 5


@rule(
    call="ReconfigureDvs_Task",
    says="A host out of reach cannot join: DvsOperationBulkFault with the host and HostNotConnected; a member out of "
    "reach can be edited, and learns of it later.",
    standing="inferred",
    source=API + "HostNotConnected, DvsOperationBulkFault, RectifyDvsOnHost_Task; the text: govmomi issue 3230",
)
def test_a_silent_host_does_not_join(lab: "Lab") -> None:
    host, switch = lab.hosts[0], new_switch(lab)
    lab.twin.control.host(host.name, connection_state="disconnected")
    lab.undo(lambda: lab.twin.control.host(host.name, connection_state="connected"))

    fault = fault_of(finish(reconfigure_switch(switch, host=[change("add", host)])), vim.fault.DvsOperationBulkFault)

    (failed,) = fault.hostFault
    assert failed.host == host
    assert isinstance(failed.fault, vmodl.fault.HostNotConnected)
    assert message_of(fault).startswith("Cannot complete a vSphere Distributed Switch operation")
    assert list(switch.summary.hostMember) == []
    result_of(reconfigure_switch(lab.switch, host=[change("edit", host)]))


@rule(
    call="AddVirtualSwitch, UpdateVirtualSwitch",
    says="A physical NIC of a distributed switch is ResourceInUse to a standard one.",
    standing="documented",
    source=API + "HostNetworkSystem.AddVirtualSwitch: the physical network adapter being bridged is already in use",
)
def test_a_nic_of_a_distributed_switch_is_in_use(lab: "Lab") -> None:
    host, switch = lab.hosts[0], new_switch(lab)
    result_of(reconfigure_switch(switch, host=[change("add", host, "vmnic1")]))
    standard = add_switch(lab)
    bridged = vim.host.VirtualSwitch.Specification(numPorts=128, bridge=Bond(nicDevice=["vmnic1"]))

    refused(vim.fault.ResourceInUse, lab.network_system.AddVirtualSwitch, lab.named("other"), bridged)
    refused(vim.fault.ResourceInUse, lab.network_system.UpdateVirtualSwitch, standard, bridged)

    result_of(reconfigure_switch(switch, host=[change("remove", host)]))
    lab.network_system.UpdateVirtualSwitch(standard, bridged)
