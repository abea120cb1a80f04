"""Ansible's modules for switches and port groups: what they make is there, and a second run changes nothing."""

from typing import TYPE_CHECKING, Any

import pytest
from pyVmomi import vim

from bed.soap import find
from verify.scratch import Switch

if TYPE_CHECKING:
    from bed.lab import Lab
    from support.ansible import Ansible

LEARNING = {"enabled": True, "limit": 4096, "limit_policy": "drop", "allow_unicast_flooding": True}
GROUP: dict[str, Any] = {
    "switch_name": "DVS0",
    "vlan_id": 120,
    "num_ports": 16,
    "port_binding": "static",
    "mac_learning": LEARNING,
    "network_policy": {"promiscuous": False, "forged_transmits": True, "mac_changes": False, "inherited": False},
    "state": "present",
}
SWITCH: dict[str, Any] = {
    "datacenter": "DC0",
    "version": "7.0.3",
    "mtu": 9000,
    "uplink_quantity": 2,
    "discovery_protocol": "lldp",
    "discovery_operation": "both",
    "state": "present",
}


def test_a_port_group_that_learns_comes_changes_and_goes(ansible: "Ansible", lab: "Lab") -> None:
    wanted = GROUP | {"portgroup_name": "learns"}

    made, again = ansible.play(("vmware_dvs_portgroup", wanted), ("vmware_dvs_portgroup", wanted))

    assert (made.changed, again.changed) == (True, False)
    setting = find(lab.instance, vim.dvs.DistributedVirtualPortgroup, "learns").config.defaultPortConfig
    mac = setting.macManagementPolicy
    assert (mac.macLearningPolicy.enabled, mac.macLearningPolicy.limit) == (True, 4096)
    assert mac.macLearningPolicy.limitPolicy.lower() == "drop"
    assert (setting.vlan.vlanId, mac.forgedTransmits, mac.allowPromiscuous) == (120, True, False)

    # Turning it off is a change as well, and is seen as one once.
    off = wanted | {"mac_learning": {"enabled": False}, "vlan_id": 130}
    gone = wanted | {"state": "absent"}
    outcomes = ansible.play(*(("vmware_dvs_portgroup", step) for step in (off, off, gone, gone)))

    assert [outcome.changed for outcome in outcomes] == [True, False, True, False]


@pytest.mark.parametrize("kind", ["trunk", "ephemeral"])
def test_port_groups_of_other_kinds_are_equal_the_second_time(ansible: "Ansible", kind: str) -> None:
    kinds: dict[str, dict[str, Any]] = {
        "trunk": {"vlan_trunk": True, "vlan_id": "1-100, 205, 4000-4094", "port_allocation": "elastic"},
        "ephemeral": {"port_binding": "ephemeral", "num_ports": None},
    }
    wanted = {name: value for name, value in (GROUP | kinds[kind]).items() if value is not None} | {
        "portgroup_name": kind
    }

    outcomes = ansible.play(("vmware_dvs_portgroup", wanted), ("vmware_dvs_portgroup", wanted))

    assert [outcome.changed for outcome in outcomes] == [True, False]


def test_port_groups_are_told_with_their_policies(ansible: "Ansible") -> None:
    wanted = GROUP | {"portgroup_name": "told"}
    asked = {"datacenter": "DC0", "dvswitch": "DVS0", "show_mac_learning": True, "show_vlan_info": True}

    _, told = ansible.play(("vmware_dvs_portgroup", wanted), ("vmware_dvs_portgroup_info", asked))

    group = next(item for item in told["dvs_portgroup_info"]["DVS0"] if item["portgroup_name"] == "told")
    assert group["mac_learning"] | {"limit_policy": "drop"} == LEARNING
    assert group["mac_learning"]["limit_policy"].lower() == "drop"
    assert (group["num_ports"], group["vlan_info"]["vlan_id"]) == (16, "120")
    assert (group["network_policy"]["forged_transmits"], group["network_policy"]["promiscuous"]) == (True, False)


def test_a_switch_comes_takes_a_host_and_goes(ansible: "Ansible", lab: "Lab") -> None:
    switch = SWITCH | {"switch": "made"}
    member = {"esxi_hostname": "DC0_C0_H0", "switch_name": "made", "vmnics": ["vmnic1"], "state": "present"}

    outcomes = ansible.play(
        ("vmware_dvswitch", switch),
        ("vmware_dvswitch", switch),
        ("vmware_dvs_host", member),
        ("vmware_dvs_host", member),
        ("vmware_dvswitch", switch | {"mtu": 1600}),
        ("vmware_dvswitch_info", {"switch_name": "made"}),
    )

    assert [outcome.changed for outcome in outcomes] == [True, False, True, False, True, False]
    config = find(lab.instance, Switch, "made").config
    assert (config.maxMtu, config.productInfo.version) == (1600, "7.0.3")
    assert [member.config.host.name for member in config.host] == ["DC0_C0_H0"]
    told = outcomes[-1]["distributed_virtual_switches"][0]["configure"]
    assert told["settings"]["properties"]["discoveryProtocol"] == {"operation": "both", "protocol": "lldp"}
    assert told["hosts"] == ["DC0_C0_H0"]

    outcomes = ansible.play(
        ("vmware_dvs_host", member | {"state": "absent"}),
        ("vmware_dvswitch", switch | {"state": "absent"}),
        ("vmware_dvswitch", switch | {"state": "absent"}),
    )

    assert [outcome.changed for outcome in outcomes] == [True, True, False]


def test_a_standard_switch_and_its_group_come_change_and_go(ansible: "Ansible", lab: "Lab") -> None:
    switch = {"esxi_hostname": "DC0_C0_H0", "switch": "standard", "mtu": 9000, "state": "present"}
    group = {"esxi_hostname": "DC0_C0_H0", "switch": "standard", "portgroup": "plain", "vlan_id": 5, "state": "present"}
    promiscuous = group | {"security": {"promiscuous_mode": True}}

    outcomes = ansible.play(
        ("vmware_vswitch", switch),
        ("vmware_vswitch", switch),
        ("vmware_portgroup", group),
        ("vmware_portgroup", group),
        ("vmware_portgroup", promiscuous),
        ("vmware_portgroup", promiscuous),
        ("vmware_portgroup_info", {"esxi_hostname": "DC0_C0_H0", "policies": True}),
    )

    assert [outcome.changed for outcome in outcomes] == [True, False, True, False, True, False, False]
    host = next(item for item in lab.pool.owner.host if item.name == "DC0_C0_H0")
    seen = next(item for item in host.config.network.portgroup if item.spec.name == "plain")
    assert (seen.spec.vlanId, seen.computedPolicy.security.allowPromiscuous) == (5, True)
    told = next(item for item in outcomes[-1]["hosts_portgroup_info"]["DC0_C0_H0"] if item["portgroup"] == "plain")
    assert (told["vlan_id"], told["vswitch"]) == (5, "standard")

    steps = [("vmware_portgroup", group | {"state": "absent"})] * 2 + [
        ("vmware_vswitch", switch | {"state": "absent"})
    ] * 2
    assert [outcome.changed for outcome in ansible.play(*steps)] == [True, False, True, False]


def test_an_advanced_option_of_a_host_is_set_once(ansible: "Ansible", lab: "Lab") -> None:
    # What MAC learning's older brother, promiscuous mode, needs on a host with more than one uplink.
    wanted = {"esxi_hostname": "DC0_C0_H1", "options": {"Net.ReversePathFwdCheckPromisc": 1}}

    outcomes = ansible.play(("vmware_host_config_manager", wanted), ("vmware_host_config_manager", wanted))

    assert [outcome.changed for outcome in outcomes] == [True, False]
    host = next(item for item in lab.pool.owner.host if item.name == "DC0_C0_H1")
    assert {option.key: option.value for option in host.config.option}["Net.ReversePathFwdCheckPromisc"] == 1
