"""What the operator has made, read by clients that know nothing of it: govc, and the info modules of Ansible.

One port group on each kind of switch, with a value of its own in every field. Both readers have to find exactly that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.ansible import Ansible
from support.govc import Govc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bed.kube_lab import KubeLab
    from bed.kube_object import KubeObject
    from bed.operator_process import OperatorProcess
    from bed.twin import Twin

WORLD = "DC2"
HOSTS = [f"{WORLD}_C0_H{number}" for number in range(2)]


@pytest.fixture(scope="module")
def govc(vcenter: Twin, tmp_path_factory: pytest.TempPathFactory) -> Govc:
    """govc, logged in as an administrator."""
    return Govc(vcenter, tmp_path_factory.mktemp("govmomi"))


@pytest.fixture(scope="module")
def ansible(vcenter: Twin, tmp_path_factory: pytest.TempPathFactory) -> Ansible:
    """Ansible, logged in as an administrator."""
    return Ansible(vcenter, tmp_path_factory.mktemp("ansible"))


@pytest.fixture(scope="module")
def old_switch(govc: Govc) -> Iterator[str]:
    """A distributed switch from before MAC learning."""
    name = "before-learning"
    govc("dvs.create", "-dc", WORLD, "-product-version", "6.5.0", name)
    yield name
    govc("object.destroy", f"/{WORLD}/network/{name}")


@pytest.fixture(scope="module")
def lab(
    operator: OperatorProcess,
    new_lab: Callable[..., KubeLab],
    old_switch: str,  # noqa: ARG001 - it goes after the lab
) -> Iterator[KubeLab]:
    """A lab for all readers."""
    assert operator.running
    made = new_lab(datacenter=WORLD)
    yield made
    made.close()


@pytest.fixture(scope="module")
def learning(lab: KubeLab) -> KubeObject:
    """On a switch that learns."""
    learning = {"limit": 512, "limitPolicy": "Allow", "allowUnicastFlooding": False}
    group = lab.port_group("learning", vlan={"id": 120}, nesting={"mode": "MACLearning", "macLearning": learning})
    group.wait_ready()
    return group


@pytest.fixture(scope="module")
def promiscuous(lab: KubeLab, old_switch: str) -> KubeObject:
    """On a switch that cannot learn, which only the legacy policy makes pass frames."""
    trunk = [{"start": 100, "end": 199}, {"start": 4000, "end": 4094}]
    where = {"datacenter": WORLD, "switch": old_switch}
    group = lab.port_group("old", distributed=where, vlan={"trunk": trunk}, security={"macChanges": True})
    group.wait_ready()
    return group


@pytest.fixture(scope="module")
def standard(lab: KubeLab) -> KubeObject:
    """On the standard switches of a cluster."""
    group = lab.standard_port_group("local", vlan={"id": 130})
    group.wait_ready()
    return group


@pytest.fixture(scope="module")
def told(ansible: Ansible, learning: KubeObject, promiscuous: KubeObject, standard: KubeObject) -> dict[str, Any]:
    """What Ansible tells of each port group, by its name; those of a host by host and name."""
    names = {group.vsphere_name for group in (learning, promiscuous, standard)}
    on_switches, on_hosts = ansible.play(
        ("vmware_dvs_portgroup_info", {"datacenter": WORLD, "show_mac_learning": True, "show_vlan_info": True}),
        ("vmware_portgroup_info", {"cluster_name": f"{WORLD}_C0", "policies": True}),
    )
    found = {
        group["portgroup_name"]: group for groups in on_switches["dvs_portgroup_info"].values() for group in groups
    }
    for host, groups in on_hosts["hosts_portgroup_info"].items():
        found |= {f"{host} {group['portgroup']}": group for group in groups}
    return {name: group for name, group in found.items() if name.rpartition(" ")[2] in names}


def settings(govc: Govc, group: KubeObject) -> dict[str, Any]:
    """What govc tells of the ports of a distributed port group: the settings that are its own."""
    path = f"/{WORLD}/network/{group.vsphere_name}"
    (told,) = govc.json("collect", path, "config.defaultPortConfig")
    return {
        name: setting
        for name, setting in told["val"].items()
        if isinstance(setting, dict) and setting.get("inherited") is False
    }


def test_govc_sees_the_settings_of_a_switch_that_learns_and_nothing_else_of_its_own(
    govc: Govc, learning: KubeObject
) -> None:
    own = settings(govc, learning)

    assert own.pop("vlan")["vlanId"] == 120
    policy = own.pop("macManagementPolicy")
    learned = policy.pop("macLearningPolicy")
    wanted: dict[str, Any] = {
        "inherited": False,
        "allowPromiscuous": False,
        "forgedTransmits": True,
        "macChanges": False,
    }
    assert {name: policy[name] for name in wanted} == wanted
    assert learned.pop("limitPolicy").lower() == "allow"
    wanted = {"inherited": False, "enabled": True, "limit": 512, "allowUnicastFlooding": False}
    assert {name: learned[name] for name in wanted} == wanted
    legacy = own.pop("securityPolicy")  # the mirror that vSphere keeps
    assert (legacy["allowPromiscuous"]["value"], legacy["forgedTransmits"]["value"]) == (False, True)
    assert own == {}


def test_govc_sees_the_legacy_policy_and_the_trunk_on_a_switch_that_cannot_learn(
    govc: Govc, promiscuous: KubeObject
) -> None:
    own = settings(govc, promiscuous)

    assert [(part["start"], part["end"]) for part in own.pop("vlan")["vlanId"]] == [(100, 199), (4000, 4094)]
    policy = own.pop("securityPolicy")
    values = {name: policy[name]["value"] for name in ("allowPromiscuous", "forgedTransmits", "macChanges")}
    assert values == {"allowPromiscuous": True, "forgedTransmits": True, "macChanges": True}
    own.pop("macManagementPolicy", None)  # the mirror
    assert own == {}


@pytest.mark.parametrize("host", HOSTS)
def test_govc_sees_on_every_host_what_is_set_and_what_is_left_to_the_switch(
    govc: Govc, standard: KubeObject, host: str
) -> None:
    found = govc.json("host.portgroup.info", "-host", f"/{WORLD}/host/{WORLD}_C0/{host}")["portgroup"]
    (group,) = (group for group in found if group["spec"]["name"] == standard.vsphere_name)

    spec = group["spec"]
    assert (spec["vswitchName"], spec["vlanId"]) == ("vSwitch0", 130)
    assert spec["policy"]["security"] == {"allowPromiscuous": True, "forgedTransmits": True}
    assert spec["policy"]["shapingPolicy"] == {}
    assert "policy" not in spec["policy"]["nicTeaming"]


def test_ansible_sees_what_was_declared_on_distributed_switches(
    told: dict[str, Any], learning: KubeObject, promiscuous: KubeObject, old_switch: str
) -> None:
    new, old = told[learning.vsphere_name], told[promiscuous.vsphere_name]

    assert new["dvswitch_name"] == "DVS0"
    assert new["vlan_info"] == {"trunk": False, "pvlan": False, "vlan_id": "120"}
    assert new["network_policy"] == {"promiscuous": False, "forged_transmits": True, "mac_changes": False}
    learned = new["mac_learning"]
    assert learned | {"limit_policy": learned["limit_policy"].lower()} == {
        "enabled": True,
        "limit": 512,
        "limit_policy": "allow",
        "allow_unicast_flooding": False,
    }
    assert old["dvswitch_name"] == old_switch
    assert old["vlan_info"] == {"trunk": True, "pvlan": False, "vlan_id": ["100-199", "4000-4094"]}
    assert old["network_policy"] == {"promiscuous": True, "forged_transmits": True, "mac_changes": True}
    assert old["mac_learning"]["enabled"] is False


@pytest.mark.parametrize("host", HOSTS)
def test_ansible_sees_what_was_declared_on_standard_switches(
    told: dict[str, Any], standard: KubeObject, host: str
) -> None:
    group = told[f"{host} {standard.vsphere_name}"]

    assert (group["vswitch"], group["vlan_id"]) == ("vSwitch0", 130)
    promiscuous, mac_changes, forged_transmits = group["security"]
    assert (promiscuous, mac_changes, forged_transmits) == (True, "No override", True)
    assert (group["ts"], group["lb"]) == ("No override", "No override")
