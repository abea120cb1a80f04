"""Two resources for one port group: one has it, the other says whose it is, and gets it when it is let go."""

from collections.abc import Callable, Iterator

import pytest

from bed.kube_lab import KubeLab
from bed.stranger import Stranger
from nested_hyperv.domain.ownership import Mark, identify
from nested_hyperv.domain.resource import ObjectKey
from support.health import health_of

STANDARD_HOSTS = [f"DC2_C0_H{number}" for number in range(2)]


@pytest.fixture
def other_lab(world_lab: KubeLab, new_lab: Callable[..., KubeLab]) -> Iterator[KubeLab]:
    """A second namespace on the same datacenter."""
    made = new_lab(datacenter=world_lab.datacenter)
    yield made
    made.close()


def test_a_second_resource_waits_for_the_owner_of_a_distributed_port_group(
    world_lab: KubeLab, other_lab: KubeLab, stranger: Stranger
) -> None:
    inner = world_lab.port_group()
    mo_ref = inner.wait_ready().status["moRef"]
    second = other_lab.port_group("second", name=inner.vsphere_name, vlan={"id": 7})

    stalled = second.wait_condition("Ready", "False", "Conflict")
    assert stalled.condition("Stalled").status == "True"
    assert f"{world_lab.namespace}/inner" in stalled.condition("Ready").message
    assert health_of(stalled) == "Degraded"
    second.annotate(adopt=mo_ref)
    other_lab.patch_secret(allowAdoption="true")
    second.wait_condition("Ready", "False", "Conflict")
    assert other_lab.calls.changes() == {}

    inner.delete()
    inner.wait_gone()
    second.annotate(adopt=None)
    assert second.wait_ready(seconds=10).status["moRef"] != mo_ref
    assert stranger.vlan(second.mo_ref) == 7
    assert other_lab.calls.changes() == {"CreateDVPortgroup_Task": 1}


def test_of_two_at_once_in_one_namespace_one_has_it_and_the_other_follows(lab: KubeLab) -> None:
    shared = lab.vsphere_name("shared")
    both = [lab.port_group(name, name=shared, vlan={"id": vlan}) for name, vlan in (("one", 1), ("two", 2))]

    decided = [
        each.wait(lambda now: now.ready or now.condition("Ready").reason == "Conflict", "decided") for each in both
    ]

    owner, other = both if decided[0].ready else reversed(both)
    assert sum(now.ready for now in decided) == 1
    conflict = other.read().condition("Ready")
    assert f"{lab.namespace}/{owner.name}" in conflict.message
    assert lab.calls.changes() == {"CreateDVPortgroup_Task": 1}

    owner.delete()
    owner.wait_gone()
    assert other.wait_ready(seconds=10).status["vlan"] == {"one": "1", "two": "2"}[other.name]
    assert lab.calls.changes() == {"CreateDVPortgroup_Task": 2, "Destroy_Task": 1}


def test_a_second_resource_waits_for_the_owner_on_standard_switches(
    world_lab: KubeLab, other_lab: KubeLab, stranger: Stranger
) -> None:
    inner = world_lab.standard_port_group(vlan={"id": 120})
    inner.wait_ready()
    second = other_lab.standard_port_group("second", hosts=STANDARD_HOSTS[:1], name=inner.vsphere_name, vlan={"id": 7})

    stalled = second.wait_condition("Ready", "False", "Conflict")
    assert f"{world_lab.namespace}/inner" in stalled.condition("Ready").message
    assert "claim" not in stalled.status["hosts"][0]

    inner.delete()
    inner.wait_gone()
    second.wait_ready(seconds=10)
    found = stranger.standard_group(STANDARD_HOSTS[0], inner.vsphere_name)
    assert found is not None
    assert found.spec.vlanId == 7
    assert stranger.standard_group(STANDARD_HOSTS[1], inner.vsphere_name) is None
    assert other_lab.calls.changes() == {"AddPortGroup": 1}


def test_what_has_the_name_is_adopted_by_policy_and_stays_at_the_end(world_lab: KubeLab, stranger: Stranger) -> None:
    world_lab.patch_secret(allowAdoption="true")
    name = world_lab.vsphere_name("inner")
    theirs = stranger.create_port_group(stranger.find_switch(world_lab.datacenter), name)

    inner = world_lab.port_group(adoptionPolicy="Adopt", vlan={"id": 120})

    assert inner.wait_ready().status["moRef"] == theirs
    assert stranger.vlan(theirs) == 120
    assert world_lab.calls.changes() == {"ReconfigureDVPortgroup_Task": 1}
    inner.delete()
    inner.wait_gone()
    group = stranger.port_group(theirs)
    assert "nestedhv.io/owner" not in group.config.description
    assert world_lab.calls.changes() == {"ReconfigureDVPortgroup_Task": 2}
    stranger.destroy(group)


def test_what_another_cluster_has_marked_is_a_strangers_until_it_is_released_there(
    world_lab: KubeLab, stranger: Stranger
) -> None:
    world_lab.patch_secret(allowAdoption="true")
    mo_ref = stranger.create_port_group(stranger.find_switch(world_lab.datacenter), world_lab.vsphere_name("inner"))
    theirs = identify("another cluster", ObjectKey("NestedPortGroup", "lab", "inner"), "a uid")
    mark = Mark(theirs.owner, theirs.lineage, mode="MACLearning")
    stranger.reconfigure_port_group(mo_ref, description=mark.for_port_group())

    inner = world_lab.port_group(adoptionPolicy="Adopt")

    taken = inner.wait_condition("Ready", "False", "NameTaken").condition("Ready").message
    assert theirs.owner in taken
    assert f"nestedhv.io/adopt: {mo_ref}" in taken
    assert "adoptionPolicy" not in taken, "that is what it has"
    assert world_lab.calls.changes() == {}

    stranger.reconfigure_port_group(mo_ref, description="")
    assert inner.wait_ready().status["moRef"] == mo_ref
    inner.patch(deletionPolicy="Delete")
    inner.wait_ready()
    inner.delete()
    inner.wait_gone()
    assert world_lab.twin.control.state().port_group(inner.vsphere_name) is None, "adopted, and Delete was said"


def test_a_lost_status_means_adoption_on_standard_switches(world_lab: KubeLab, stranger: Stranger) -> None:
    """A restored cluster has the resource and not what it knew; the annotation names the network to take back."""
    inner = world_lab.standard_port_group(managementPolicy="Enforce")
    network = inner.wait_ready().status["moRef"]
    inner.patch(managementPolicy="Observe")
    inner.delete()
    inner.wait_gone()
    again = world_lab.standard_port_group()
    refused = again.wait_condition("Ready", "False", "NameTaken")
    assert f"nestedhv.io/adopt: {network}" in refused.condition("Ready").message

    again.annotate(adopt=network)
    again.wait_condition("Ready", "False", "AdoptionNotAllowed")
    world_lab.patch_secret(allowAdoption="true")
    status = again.wait_ready().status

    assert {row["claim"] for row in status["hosts"]} == {"Adopted"}
    assert status["deletionPolicy"] == "Retain"
    again.patch(deletionPolicy="Delete")
    again.wait_ready()
    again.delete()
    again.wait_gone()
    assert all(stranger.standard_group(host, again.vsphere_name) is None for host in STANDARD_HOSTS)
