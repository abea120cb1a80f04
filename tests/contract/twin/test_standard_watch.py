"""Standard port groups in push updates: each change reaches who watches the host, its networks or its machines."""

import pytest
from pyVmomi import vim, vmodl

from bed.lab import Lab
from bed.soap import Updates, moid, result_of
from verify.rule import rule
from verify.standard import add_group, group, group_spec, machine_on, network, security

GROUPS = {vim.HostSystem: ["config.network.portgroup"]}


def _list(lab: Lab, *objects: object) -> object:
    return lab.content.viewManager.CreateListView(list(objects))


def _names(sent: object) -> list[str]:
    return [g.spec.name for g in sent]  # type: ignore[attr-defined]


@rule(
    call="WaitForUpdatesEx",
    says="A new standard group is a modify of its host, in config.network.portgroup.",
    standing="documented",
    source="API reference, HostNetworkInfo.portgroup and PropertyCollector",
)
def test_a_new_group_is_sent_with_its_host(lab: Lab) -> None:
    updates = Updates(lab.instance, _list(lab, lab.host), GROUPS)
    updates.all()

    name = add_group(lab, "vSwitch0")

    (change,) = updates.all()
    assert change[:2] == ("modify", moid(lab.host))
    assert name in _names(change[2]["config.network.portgroup"])


@rule(
    call="WaitForUpdatesEx",
    says="A new group of another host is no change of this one.",
    standing="documented",
    source="API reference, PropertyCollector, PropertyFilterUpdate",
)
def test_a_group_of_another_host_is_not_sent(lab: Lab) -> None:
    updates = Updates(lab.instance, _list(lab, lab.host), GROUPS)
    updates.all()

    add_group(lab, "vSwitch0", host=lab.host.parent.host[1])

    assert updates.wait(1) is None


@rule(
    call="CreateFilter",
    says="A path may reach into one port group by its key, down to a leaf.",
    standing="documented",
    source="API reference, PropertySpec.pathSet: keyed elements of arrays",
)
@pytest.mark.parametrize("leaf", ["spec.vlanId", "computedPolicy.security.allowPromiscuous"])
def test_a_leaf_of_one_group_can_be_watched(lab: Lab, leaf: str) -> None:
    name = add_group(lab, "vSwitch0")
    path = f'config.network.portgroup["{group(lab.host, name).key}"].{leaf}'
    updates = Updates(lab.instance, _list(lab, lab.host), {vim.HostSystem: [path]})
    ((_, _, first),) = updates.all()

    policy = security(allowPromiscuous=True)
    lab.network_system.UpdatePortGroup(pgName=name, portgrp=group_spec("vSwitch0", name, vlan=7, policy=policy))

    ((_, _, second),) = updates.all()
    assert (first[path], second[path]) in ((0, 7), (False, True))


@rule(
    call="CreateContainerView",
    says="A Network enters a view with its first host and leaves with its last.",
    standing="documented",
    source="API reference, Network and ContainerView",
)
def test_a_network_enters_and_leaves_a_view(lab: Lab) -> None:
    content = lab.content
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.Network], True)
    updates = Updates(lab.instance, view, {vim.Network: ["name"]})
    updates.all()

    name = add_group(lab, "vSwitch0")
    ((kind, entered, properties),) = updates.all()
    assert (kind, properties["name"]) == ("enter", name)

    lab.network_system.RemovePortGroup(pgName=name)
    assert [change[:2] for change in updates.all()] == [("leave", entered)]


@rule(
    call="WaitForUpdatesEx",
    says="A machine that starts on a group is sent as a change of the Network and as a port of the host's group.",
    standing="documented",
    source="API reference, Network.vm and HostPortGroup.port",
)
def test_a_machine_on_a_network_is_sent_with_both(lab: Lab) -> None:
    name = add_group(lab, "vSwitch0")
    seen = network(lab, name)
    updates = Updates(lab.instance, _list(lab, seen, lab.host), {vim.Network: ["vm"]} | GROUPS)
    updates.all()

    vm = machine_on(lab, name)
    result_of(vm.PowerOnVM_Task())

    sent = {object_id: properties for _, object_id, properties in updates.all()}
    assert [moid(ref) for ref in sent[moid(seen)]["vm"]] == [moid(vm)]
    ports = next(g.port for g in sent[moid(lab.host)]["config.network.portgroup"] if g.spec.name == name)
    assert [port.type for port in ports] == ["virtualMachine"]


@rule(
    call="HostNetworkSystem.networkInfo",
    says="networkInfo of the network system changes together with config.network of the host.",
    standing="documented",
    source="API reference, HostNetworkSystem.networkInfo",
)
def test_the_network_system_tells_the_same(lab: Lab) -> None:
    kind = vim.host.NetworkSystem
    updates = Updates(lab.instance, _list(lab, lab.network_system), {kind: ["networkInfo.portgroup"]})
    updates.all()

    name = add_group(lab, "vSwitch0")

    ((_, _, properties),) = updates.all()
    assert name in _names(properties["networkInfo.portgroup"])


@rule(
    call="WaitForUpdatesEx",
    says="With partialUpdates a port group is sent alone, by its key: as added, as the leaf that changed, as removed.",
    standing="documented",
    source="API reference, PropertyChange.name and op (keyed arrays) and CreateFilter.partialUpdates",
)
def test_a_client_can_be_sent_one_group_of_many(lab: Lab) -> None:
    collector_api = vmodl.query.PropertyCollector
    collector = lab.content.propertyCollector.CreatePropertyCollector()
    collector.CreateFilter(
        collector_api.FilterSpec(
            objectSet=[collector_api.ObjectSpec(obj=lab.host)],
            propSet=[collector_api.PropertySpec(type=vim.HostSystem, pathSet=["config.network.portgroup"])],
        ),
        partialUpdates=True,
    )
    versions = [""]

    def changes() -> list[tuple[str, str]]:
        sent = collector.WaitForUpdatesEx(versions[-1], collector_api.WaitOptions(maxWaitSeconds=10))
        versions.append(sent.version)
        (update,) = sent.filterSet[0].objectSet
        return [(change.op, change.name) for change in update.changeSet]

    changes()
    name = add_group(lab, "vSwitch0")
    path = f'config.network.portgroup["{group(lab.host, name).key}"]'
    assert changes() == [("add", path)]

    lab.network_system.UpdatePortGroup(pgName=name, portgrp=group_spec("vSwitch0", name, vlan=7))
    assert changes() == [("assign", f"{path}.spec.vlanId")]

    lab.network_system.RemovePortGroup(pgName=name)
    assert changes() == [("remove", path)]
