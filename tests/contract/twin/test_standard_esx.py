"""The twin as one ESXi host without a vCenter: the same rules for standard switches, and its own list of networks."""

from collections.abc import Iterator
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.soap import Updates, connect, finish, moid, result_of
from bed.twin import Twin
from verify.rule import rule
from verify.scratch import Place, Scratch, fault_of
from verify.standard import add_group, add_switch, group, group_spec, machine_on, network, security
from verify.table import Check, all_checks


def _checks_of_hosts() -> list[Check]:
    modules = ("standard_switch", "standard_port_group", "host_options")
    return [check for check in all_checks() if check.name.partition(".")[0] in modules]


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Twin, Any]]:
    """One host for this module."""
    with Twin(arguments=("-esx",)) as twin, connect(twin) as instance:
        yield twin, instance


@pytest.fixture
def esx(shared: tuple[Twin, Any]) -> Iterator[Scratch]:
    """A scratch place on the host."""
    datacenter = shared[1].content.rootFolder.childEntity[0]
    compute = datacenter.hostFolder.childEntity[0]
    place = Place(
        datacenter=datacenter,
        folder=datacenter.vmFolder,
        switch=None,
        pool=compute.resourcePool,
        host=compute.host[0],
        datastore=compute.datastore[0],
    )
    scratch = Scratch(shared[1], place, prefix="esx-")
    yield scratch
    scratch.clean()


@rule(
    call="ServiceInstance.content.about",
    says="A host without a vCenter says HostAgent, has no instance UUID, and ids that begin with ha-.",
    standing="observed",
    source="the ESXi inventory that govmomi's simulator carries",
)
def test_it_says_that_it_is_a_host(esx: Scratch) -> None:
    about = esx.content.about

    assert about.apiType == "HostAgent"
    assert about.productLineId == "embeddedEsx"
    assert about.apiVersion == "8.0.3.0"
    assert about.version == esx.host.config.product.version
    assert about.instanceUuid is None
    assert moid(esx.content.rootFolder) == "ha-folder-root"
    assert moid(esx.host) == "ha-host"


@pytest.mark.infrastructure("that the simulator's older host has what is newer")
def test_a_newer_field_arrives(esx: Scratch) -> None:
    assert esx.host.capability.nestedHVSupported is True


@pytest.mark.infrastructure("a flag")
def test_the_api_version_can_be_another() -> None:
    with Twin(arguments=("-esx", "-api-version", "7.0.3.0")) as twin, connect(twin) as instance:
        assert instance.content.about.apiVersion == "7.0.3.0"


@rule(
    call="AddPortGroup",
    says="On a host without a vCenter the network is HaNetwork-<name>, in the list of the host and of its only "
    "datacenter.",
    standing="observed",
    source="the ESXi inventory that govmomi's simulator carries",
)
def test_a_group_is_in_the_one_list_of_the_host(esx: Scratch) -> None:
    name = add_group(esx, add_switch(esx), vlan=7, policy=security(allowPromiscuous=True))

    seen = network(esx, name)
    assert moid(seen) == f"HaNetwork-{name}"
    assert list(esx.host.network) == list(esx.datacenter.network)
    assert list(seen.host) == [esx.host]
    assert group(esx.host, name).computedPolicy.security.allowPromiscuous is True


@rule(
    call="RemovePortGroup",
    says="On a host without a vCenter a machine keeps its group in the same way.",
    standing="documented",
    source="API reference, HostNetworkSystem.RemovePortGroup, ResourceInUse",
)
def test_a_machine_holds_its_group(esx: Scratch) -> None:
    name = add_group(esx, "vSwitch0")
    vm = machine_on(esx, name)

    with pytest.raises(vim.fault.ResourceInUse):
        esx.network_system.RemovePortGroup(pgName=name)

    result_of(vm.Destroy_Task())
    esx.network_system.RemovePortGroup(pgName=name)
    assert network(esx, name) is None


@rule(
    call="DisconnectHost_Task, ReconnectHost_Task",
    says="On a host without a vCenter it is NotSupported: the host is always connected.",
    standing="documented",
    source="API reference, HostSystem.DisconnectHost_Task and HostSystemConnectionState; for the way back inferred",
)
def test_a_host_does_not_leave_itself(esx: Scratch) -> None:
    for task in (esx.host.DisconnectHost_Task(), esx.host.ReconnectHost_Task()):
        fault_of(finish(task), vmodl.fault.NotSupported)

    assert esx.host.runtime.connectionState == "connected"


@rule(
    call="WaitForUpdatesEx",
    says="A host without a vCenter pushes changes of its port groups in the same way.",
    standing="documented",
    source="API reference, PropertyCollector.WaitForUpdatesEx",
)
def test_changes_are_pushed(esx: Scratch) -> None:
    view = esx.content.viewManager.CreateContainerView(esx.content.rootFolder, [vim.HostSystem], True)
    updates = Updates(esx.instance, view, {vim.HostSystem: ["config.network.portgroup"]})
    updates.all()
    name = add_group(esx, "vSwitch0")
    updates.all()

    esx.network_system.UpdatePortGroup(pgName=name, portgrp=group_spec("vSwitch0", name, vlan=9))

    ((_, _, properties),) = updates.all()
    assert {g.spec.name: g.spec.vlanId for g in properties["config.network.portgroup"]}[name] == 9


@rule(
    call="HostNetworkSystem",
    says="A host without a vCenter keeps every rule of standard switches.",
    standing="documented",
    source="API reference, HostNetworkSystem: the same object on both",
)
@pytest.mark.parametrize("check", _checks_of_hosts(), ids=lambda check: check.name)
def test_the_rules_of_standard_switches_are_the_same(esx: Scratch, check: Check) -> None:
    check.run(esx)


@rule(
    call="Destroy_Task",
    says="A host without a vCenter keeps its datacenter and its compute resource: NotSupported.",
    standing="observed",
    source="govmomi govc/test/datacenter.bats, written for an ESXi host; the fault, and the second half, are inferred",
)
def test_a_host_keeps_what_it_is_made_of(esx: Scratch) -> None:
    for part in (esx.datacenter, esx.host.parent):
        fault_of(finish(part.Destroy_Task()), vmodl.fault.NotSupported)

    assert esx.host.name
    assert esx.datacenter.name == "ha-datacenter"
