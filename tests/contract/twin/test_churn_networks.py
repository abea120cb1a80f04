"""What hosts, datacenters and machines that come bring along of networks, and what they do not."""

from collections.abc import Iterator
from typing import Any

import pytest
from pyVmomi import vim

from bed.lab import Lab
from bed.soap import connect, result_of
from bed.twin import Twin
from verify.rule import rule
from verify.standard import add_group, group, group_spec, machine_on, network


@pytest.fixture
def lab(tidy_lab: Lab) -> Lab:
    """The module's twin."""
    return tidy_lab


def spec_of(name: str, *, like: Any = None) -> Any:
    """Return the spec of a new host; the twin makes it after the pattern of one whose name is the user's."""
    return vim.host.ConnectSpec(hostName=name, userName=like.name if like else "root", password="secret", force=False)


@pytest.fixture
def bare() -> Iterator[Any]:
    """A vCenter with one host and no distributed switch."""
    arguments = ("-cluster", "0", "-standalone-host", "1", "-vm", "0", "-pg", "0")
    with Twin(arguments=arguments) as twin, connect(twin) as instance:
        yield instance


@rule(
    call="CreateDatacenter",
    says="A new datacenter has no network; the first host brings the networks of its port groups, one of each name.",
    standing="documented",
    source="API reference, Network: created when a host is added",
)
def test_networks_come_with_the_first_host(lab: Lab) -> None:
    datacenter = lab.keep(lab.content.rootFolder.CreateDatacenter("second"))
    assert list(datacenter.network) == []
    assert list(datacenter.networkFolder.childEntity) == []

    compute = result_of(datacenter.hostFolder.AddStandaloneHost_Task(spec_of("lonely"), None, True))

    assert [(seen.name, list(seen.host)) for seen in datacenter.network] == [("VM Network", list(compute.host))]
    assert network(lab, "VM Network") not in datacenter.network, "each datacenter has its own"


@rule(
    call="CreateClusterEx, AddStandaloneHost_Task",
    says="A datacenter whose last network is gone takes clusters and hosts.",
    standing="documented",
    source="API reference, Network.DestroyNetwork: networks are removed when they are no longer in use",
)
def test_a_datacenter_without_networks_takes_hosts(bare: Any) -> None:
    datacenter = bare.content.rootFolder.childEntity[0]
    (compute,) = datacenter.hostFolder.childEntity
    compute.host[0].configManager.networkSystem.RemovePortGroup("VM Network")
    assert list(datacenter.network) == []

    cluster = datacenter.hostFolder.CreateClusterEx("cluster", vim.cluster.ConfigSpecEx())
    fresh = result_of(datacenter.hostFolder.AddStandaloneHost_Task(spec_of("second"), None, True))

    assert list(cluster.network) == []
    assert [seen.name for seen in fresh.network] == ["VM Network"]
    assert list(fresh.network) == list(datacenter.network) == list(fresh.host[0].network)


@rule(
    call="AddHost_Task",
    says="A host that is added is on no distributed switch, has no machine on its port groups, and shares no "
    "configuration with another.",
    standing="documented",
    source="API reference, HostProxySwitch and HostPortGroup.port (that currently exist and are used)",
)
def test_a_new_host_has_no_ports_in_use(lab: Lab) -> None:
    name = add_group(lab, "vSwitch0", "lan")
    vm = machine_on(lab, name)
    result_of(vm.PowerOnVM_Task())

    host = lab.keep(result_of(lab.pool.owner.AddHost_Task(spec_of("alike", like=lab.host), True)))
    lab.undo(lambda: result_of(host.DisconnectHost_Task()))
    added = host.configManager.networkSystem
    added.AddPortGroup(group_spec("vSwitch0", lab.named("own")))

    assert len(group(lab.host, name).port) == 1
    assert list(group(host, name).port) == []
    assert list(host.config.network.proxySwitch) == []
    assert group(lab.host, lab.named("own")) is None
    added.RemovePortGroup(name)


@rule(
    call="AddPortGroup",
    says="A machine that was registered while its host lacked the network is on it when the host gets it, and keeps "
    "the group from being removed.",
    standing="inferred",
    source="API reference, VirtualEthernetCardNetworkBackingInfo: a NIC names its network; RemovePortGroup",
)
def test_a_machine_finds_the_network_that_it_names(lab: Lab) -> None:
    name = add_group(lab, "vSwitch0", "lost")
    vm = machine_on(lab, name)
    path = vm.config.files.vmPathName
    vm.UnregisterVM()
    lab.network_system.RemovePortGroup(name)
    vm = lab.keep(result_of(lab.place.folder.RegisterVM_Task(path, None, False, lab.pool, lab.host)))
    assert list(vm.network) == []

    lab.network_system.AddPortGroup(group_spec("vSwitch0", name))

    assert list(vm.network) == [network(lab, name)]
    assert list(network(lab, name).vm) == [vm]
    with pytest.raises(vim.fault.ResourceInUse):
        lab.network_system.RemovePortGroup(name)


@rule(
    call="CreateResourcePool, Rename_Task",
    says="Each pool has its own name and configuration: another one that is made or renamed changes neither.",
    standing="documented",
    source="API reference, ResourcePoolSummary.name, ResourceConfigSpec.entity",
)
def test_a_pool_keeps_its_own_summary(lab: Lab) -> None:
    child = lab.keep(lab.pool.CreateResourcePool(lab.named("child"), lab.pool.config))
    assert (lab.pool.summary.name, child.summary.name) == ("Resources", lab.named("child"))

    result_of(child.Rename_Task(lab.named("renamed")))

    assert (lab.pool.summary.name, child.summary.name) == ("Resources", lab.named("renamed"))
    assert (lab.pool.config.entity, child.config.entity) == (lab.pool, child)
