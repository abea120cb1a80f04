"""govc makes, changes and removes distributed switches and port groups, and sees what pyVmomi sees."""

from typing import TYPE_CHECKING

import pytest
from pyVmomi import vim

from bed.soap import find
from verify.scratch import Switch

if TYPE_CHECKING:
    from bed.lab import Lab
    from support.govc import Govc

Portgroup = vim.dvs.DistributedVirtualPortgroup


def test_a_switch_is_made_and_changed(govc: "Govc", lab: "Lab") -> None:
    govc("dvs.create", "-product-version", "7.0.3", "-mtu", "9000", "-num-uplinks", "2", "made")
    switch = find(lab.instance, Switch, "made")
    assert switch.config.maxMtu == 9000
    assert switch.config.productInfo.version == "7.0.3"
    assert len(switch.config.uplinkPortPolicy.uplinkPortName) == 2
    version = switch.config.configVersion

    govc("dvs.change", "-mtu", "1600", "-discovery-protocol", "cdp", "made")

    assert switch.config.maxMtu == 1600
    assert switch.config.linkDiscoveryProtocolConfig.protocol == "cdp"
    assert switch.config.configVersion != version


def test_hosts_join_a_switch(govc: "Govc", lab: "Lab") -> None:
    govc("dvs.create", "joined")

    govc("dvs.add", "-dvs", "joined", "-pnic", "vmnic1", "DC0_C0_H0", "DC0_C0_H1")

    switch = find(lab.instance, Switch, "joined")
    assert {member.config.host.name for member in switch.config.host} == {"DC0_C0_H0", "DC0_C0_H1"}
    assert {host.name for host in switch.summary.hostMember} == {"DC0_C0_H0", "DC0_C0_H1"}


@pytest.mark.parametrize("kind", ["earlyBinding", "ephemeral"])
def test_a_port_group_is_made_as_asked(govc: "Govc", lab: "Lab", kind: str) -> None:
    name = f"made-{kind}"
    ports = 16 if kind == "earlyBinding" else 0

    govc("dvs.portgroup.add", "-dvs", "DVS0", "-type", kind, "-nports", str(ports), "-vlan", "120", name)

    config = find(lab.instance, Portgroup, name).config
    assert (config.type, config.numPorts) == (kind, ports)
    assert config.defaultPortConfig.vlan.vlanId == 120
    assert f"/DC0/network/{name}" in govc("find", "/", "-type", "g").splitlines()


def test_a_port_group_is_changed_and_keeps_what_was_not_named(govc: "Govc", lab: "Lab") -> None:
    govc("dvs.portgroup.add", "-dvs", "DVS0", "-nports", "4", "-vlan", "7", "changed")
    group = find(lab.instance, Portgroup, "changed")
    before = group.config

    govc("dvs.portgroup.change", "-vlan-mode", "trunking", "-vlan-range", "0-100,200-300", "-nports", "8", "changed")

    after = group.config
    assert [(part.start, part.end) for part in after.defaultPortConfig.vlan.vlanId] == [(0, 100), (200, 300)]
    assert (after.numPorts, after.name) == (8, "changed")
    assert after.configVersion != before.configVersion
    learning = after.defaultPortConfig.macManagementPolicy.macLearningPolicy.enabled
    assert learning == before.defaultPortConfig.macManagementPolicy.macLearningPolicy.enabled


def test_the_ports_of_a_port_group_are_listed(govc: "Govc", lab: "Lab") -> None:
    govc("dvs.portgroup.add", "-dvs", "DVS0", "-nports", "3", "-vlan", "9", "listed")
    group = find(lab.instance, Portgroup, "listed")

    ports = govc.json("dvs.portgroup.info", "-pg", "listed", "DVS0")["port"]

    assert {port["key"] for port in ports} == set(group.portKeys)
    assert {port["portgroupKey"] for port in ports} == {group.key}
    assert {port["dvsUuid"] for port in ports} == {lab.switch.uuid}
    assert {port["config"]["setting"]["vlan"]["vlanId"] for port in ports} == {9}


def test_a_name_that_is_taken_is_refused(govc: "Govc") -> None:
    govc("dvs.portgroup.add", "-dvs", "DVS0", "taken")

    assert "already exists" in govc.refused("dvs.portgroup.add", "-dvs", "DVS0", "taken")


def test_a_vlan_beyond_the_range_is_refused(govc: "Govc") -> None:
    govc.refused("dvs.portgroup.add", "-dvs", "DVS0", "-vlan", "4095", "beyond")

    assert "beyond" not in govc("find", "/", "-type", "g")


def test_a_port_group_in_use_is_not_removed(govc: "Govc") -> None:
    govc("dvs.portgroup.add", "-dvs", "DVS0", "used")
    govc("vm.create", "-on=false", "-net", "used", "-net.adapter", "vmxnet3", "user-of-it")

    assert "in use" in govc.refused("object.destroy", "/DC0/network/used")
    govc("vm.destroy", "user-of-it")
    govc("object.destroy", "/DC0/network/used")

    assert "/DC0/network/used" not in govc("find", "/", "-type", "g")


def test_a_switch_is_removed_with_its_port_groups(govc: "Govc") -> None:
    govc("dvs.create", "removed")
    govc("dvs.portgroup.add", "-dvs", "removed", "removed-group")

    govc("object.destroy", "/DC0/network/removed")

    assert "removed" not in govc("find", "/DC0/network")
