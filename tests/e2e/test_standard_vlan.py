"""The VLANs of a standard switch: none, an id, or all with their tags (4095 there); it knows no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kubernetes.client import ApiException

from bed.waiting import wait_for

if TYPE_CHECKING:
    from bed.kube_lab import KubeLab
    from bed.stranger import Stranger

HOSTS = [f"DC2_C0_H{number}" for number in range(2)]
ALL = {"trunk": [{"start": 0, "end": 4094}]}
#: As declared, as vSphere has it, as status tells it.
VLANS = {
    "none": ({}, 0, "none"),
    "an id": ({"vlan": {"id": 120}}, 120, "120"),
    "a trunk of all": ({"vlan": ALL}, 4095, "0-4094"),
}
REFUSED: dict[str, dict[str, Any]] = {
    "a partial trunk": {"trunk": [{"start": 100, "end": 199}]},
    "a trunk without untagged": {"trunk": [{"start": 1, "end": 4094}]},
    "all in two ranges": {"trunk": [{"start": 0, "end": 99}, {"start": 100, "end": 4094}]},
    "a private VLAN": {"privateId": 201},
}
CURE = "a standard switch knows an id or a trunk of all VLANs (start 0, end 4094): change vlan, or use a distributed"


def on_hosts(stranger: Stranger, name: str) -> list[int | None]:
    """The VLAN id that each host's port group of this name has."""
    found = [stranger.standard_group(host, name) for host in HOSTS]
    return [group.spec.vlanId if group is not None else None for group in found]


@pytest.mark.parametrize(("spec", "vsphere", "told"), VLANS.values(), ids=VLANS)
def test_it_is_made_on_every_host_and_put_back(
    world_lab: KubeLab, stranger: Stranger, spec: dict[str, Any], vsphere: int, told: str
) -> None:
    group = world_lab.standard_port_group(**spec)
    status = group.wait_ready().status
    assert on_hosts(stranger, group.vsphere_name) == [vsphere, vsphere]
    assert (status["vlan"], status["observed"]["vlan"]) == (told, told)
    assert world_lab.calls.changes() == {"AddPortGroup": 2}
    world_lab.calls.mark()

    theirs = stranger.standard_group(HOSTS[1], group.vsphere_name)
    assert theirs is not None
    theirs.spec.vlanId = 7
    stranger.esx(HOSTS[1]).configManager.networkSystem.UpdatePortGroup(group.vsphere_name, theirs.spec)

    repaired = group.wait(lambda now: now.ready and now.status.get("lastRepair"), "the VLAN to be put back")
    change = {"field": "vlan", "from": "7", "to": told, "host": HOSTS[1]}
    assert repaired.status["lastRepair"]["changes"] == [change]
    assert on_hosts(stranger, group.vsphere_name) == [vsphere, vsphere]
    assert world_lab.calls.changes() == {"UpdatePortGroup": 1}


def test_a_change_from_one_to_another_is_one_call_on_each_host(world_lab: KubeLab, stranger: Stranger) -> None:
    group = world_lab.standard_port_group(vlan={"id": 120})
    group.wait_ready()

    # A merge patch: the member that is left is taken out, not only the other one put in.
    for change, vsphere, told in (({"id": None, **ALL}, 4095, "0-4094"), (None, 0, "none"), ({"id": 7}, 7, "7")):
        world_lab.calls.mark()
        group.patch(vlan=change)
        status = group.wait_ready().status
        assert status["vlan"] == told
        assert on_hosts(stranger, group.vsphere_name) == [vsphere, vsphere]
        assert "lastRepair" not in status, "what was asked for is no repair"
        assert world_lab.calls.changes() == {"UpdatePortGroup": 2}


def test_all_vlans_where_an_id_is_declared_are_taken_back(world_lab: KubeLab, stranger: Stranger) -> None:
    group = world_lab.standard_port_group(vlan={"id": 120})
    group.wait_ready()
    theirs = stranger.standard_group(HOSTS[0], group.vsphere_name)
    assert theirs is not None
    theirs.spec.vlanId = 4095

    stranger.esx(HOSTS[0]).configManager.networkSystem.UpdatePortGroup(group.vsphere_name, theirs.spec)

    wait_for(lambda: on_hosts(stranger, group.vsphere_name) == [120, 120], "the id to be put back")
    repaired = group.wait(lambda now: now.status.get("lastRepair"), "the repair to be told").status["lastRepair"]
    assert repaired["changes"] == [{"field": "vlan", "from": "0-4094", "to": "120", "host": HOSTS[0]}]


@pytest.mark.parametrize("vlan", REFUSED.values(), ids=REFUSED)
def test_another_is_refused_with_the_cure(world_lab: KubeLab, stranger: Stranger, vlan: dict[str, Any]) -> None:
    with pytest.raises(ApiException) as refused:
        world_lab.standard_port_group("never", vlan=vlan)
    assert refused.value.status == 422
    assert CURE in str(refused.value.body)

    group = world_lab.standard_port_group("inner", vlan={"id": 120})
    group.wait_ready()
    with pytest.raises(ApiException) as refused:
        group.patch(vlan={"id": None, **vlan})
    assert refused.value.status == 422
    assert CURE in str(refused.value.body)

    assert group.wait_ready().status["vlan"] == "120"
    assert on_hosts(stranger, group.vsphere_name) == [120, 120]
    assert on_hosts(stranger, world_lab.vsphere_name("never")) == [None, None]
    assert world_lab.calls.changes() == {"AddPortGroup": 2}


def test_4095_as_an_id_is_refused_with_the_trunk_that_means_it(world_lab: KubeLab) -> None:
    with pytest.raises(ApiException) as refused:
        world_lab.standard_port_group(vlan={"id": 4095})
    assert refused.value.status == 422
    assert "for 4095 (every VLAN) use trunk with start 0 and end 4094" in str(refused.value.body)
    assert world_lab.calls.changes() == {}
