"""Two resources for one port group: one has it, the other says so and waits, and nobody fights."""

from dataclasses import replace
from typing import Any

import pytest

from nested_hyperv.domain.errors import OutcomeUnknown, PermissionDenied
from nested_hyperv.domain.host_network import StandardPolicy, StandardPortGroup
from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.domain.ownership import Mark, parse_mark
from nested_hyperv.domain.resource import ObjectKey
from support import vsphere_records as samples
from support.documents import NPG, REMOVED
from support.fake_hosts import FakeHosts
from support.workbench import PORT_GROUP, Workbench

TWIN = ObjectKey(NPG, "other", "twin")
SAME_NAME: dict[str, Any] = {"name": "inner"}
BEFORE = "2026-11-23T08:00:00Z"


@pytest.fixture
def both(bench: Workbench) -> Workbench:
    """A connection in each of two namespaces, which allows adoption."""
    bench.api.delete(ObjectKey("Secret", "lab", "vcenter"))
    for namespace in ("lab", "other"):
        bench.connect(ObjectKey("Secret", namespace, "vcenter"), allowAdoption="true")
    return bench


def strangers(bench: Workbench, **fields: Any) -> MoRef:
    return bench.vcenter.add(replace(samples.port_group("dvportgroup-7"), name="inner", **fields))


def owner(bench: Workbench) -> str | None:
    mark = parse_mark(bench.port_group.description)
    return mark.owner if mark is not None else None


def at(bench: Workbench, key: ObjectKey) -> str:
    return bench.identity(key).owner


async def test_the_second_one_says_whose_it_is_and_follows_when_it_is_let_go(both: Workbench) -> None:
    await both.create(PORT_GROUP)
    both.declare(TWIN, **SAME_NAME)
    await both.run()

    assert both.condition(TWIN) == ("False", "Conflict")
    assert "NestedPortGroup lab/inner" in both.message(TWIN)
    assert both.condition(PORT_GROUP) == ("True", "Succeeded")
    assert both.vcenter.mutations == []

    both.api.delete(PORT_GROUP)
    await both.run()

    assert both.condition(TWIN) == ("True", "Succeeded")
    assert owner(both) == at(both, TWIN)


async def test_of_two_at_once_the_older_creates_it(both: Workbench) -> None:
    both.declare(TWIN, **SAME_NAME)
    both.api.creation = BEFORE
    both.declare(PORT_GROUP)
    await both.run()

    assert owner(both) == at(both, PORT_GROUP)
    assert both.vcenter.mutations == ["create_port_group"]
    assert both.condition(TWIN) == ("False", "Conflict")


async def test_the_mark_counts_more_than_age(both: Workbench) -> None:
    await both.create(PORT_GROUP)
    both.api.creation = BEFORE
    both.declare(TWIN, **SAME_NAME)
    await both.run()

    assert both.condition(TWIN) == ("False", "Conflict")
    assert both.condition(PORT_GROUP) == ("True", "Succeeded")
    assert both.vcenter.mutations == []


@pytest.mark.parametrize("edit", [{"suspend": True}, {"managementPolicy": "Observe"}])
async def test_one_that_does_nothing_is_not_waited_for(both: Workbench, edit: dict[str, Any]) -> None:
    both.vcenter.fail_calls["create_port_group"] = [PermissionDenied("This account may not.")] * 9
    both.declare(PORT_GROUP)
    both.declare(TWIN, **SAME_NAME)
    await both.run()
    assert both.condition(TWIN) == ("False", "Conflict")
    assert both.condition(PORT_GROUP) == ("False", "PermissionDenied")

    both.vcenter.fail_calls.clear()
    both.api.edit(PORT_GROUP, **edit)
    await both.run()

    assert both.condition(TWIN) == ("True", "Succeeded")


async def test_another_switch_is_another_port_group(both: Workbench) -> None:
    await both.create(PORT_GROUP)
    switch = samples.switch(name="dvs-2")
    both.vcenter.add(replace(switch, ref=MoRef(switch.ref.type, "dvs-2")))
    both.declare(TWIN, name="inner", distributed__switch="dvs-2")
    await both.run()

    assert both.condition(TWIN) == ("True", "Succeeded")


async def test_two_that_are_told_to_take_the_same_one_do_not_take_it_from_each_other(both: Workbench) -> None:
    theirs = strangers(both)
    for key in (PORT_GROUP, TWIN):
        both.declare(key, {"nestedhv.io/adopt": theirs.value}, name="inner")
    await both.run()
    await both.after(2)

    assert both.vcenter.mutations.count("reconfigure_port_group") <= 2, "one of the two may have met the other's fence"
    assert {both.condition(PORT_GROUP), both.condition(TWIN)} == {("True", "Succeeded"), ("False", "Conflict")}


async def test_of_two_that_adopt_by_policy_the_older_does(both: Workbench) -> None:
    strangers(both)
    both.declare(TWIN, name="inner", adoptionPolicy="Adopt")
    both.api.creation = BEFORE
    both.declare(PORT_GROUP, adoptionPolicy="Adopt")
    await both.run()

    assert both.vcenter.mutations == ["reconfigure_port_group"]
    assert owner(both) == at(both, PORT_GROUP)
    assert both.condition(TWIN) == ("False", "Conflict")


async def test_an_older_one_that_does_not_adopt_is_not_waited_for(both: Workbench) -> None:
    strangers(both)
    both.declare(PORT_GROUP)
    both.declare(TWIN, name="inner", adoptionPolicy="Adopt")
    await both.run()

    assert both.condition(TWIN) == ("True", "Succeeded")
    assert both.condition(PORT_GROUP) == ("False", "Conflict")


async def test_what_another_cluster_marked_is_a_strangers(both: Workbench) -> None:
    mark = Mark("0" * 8 + "-0000-4000-8000-000000000001", "0" * 8 + "-0000-4000-8000-000000000002")
    strangers(both, description=mark.for_port_group())
    both.declare(PORT_GROUP)
    await both.run()

    assert both.condition(PORT_GROUP) == ("False", "NameTaken")
    assert both.vcenter.mutations == []


# --- standard switches ------------------------------------------------------------------------------------------------

ON_CLUSTER: dict[str, Any] = {
    "name": "inner",
    "distributed": REMOVED,
    "standard": {"datacenter": "dc1", "vSwitch": "vSwitch0", "cluster": "lab"},
}
MADE = StandardPortGroup(
    key="key-vim.host.PortGroup-inner",
    name="inner",
    switch="vSwitch0",
    vlan=0,
    own=StandardPolicy(allow_promiscuous=True, mac_changes=None, forged_transmits=True),
    effective=StandardPolicy(allow_promiscuous=True, mac_changes=True, forged_transmits=True),
    load_balancing="",
    more=False,
)


def listed(*names: str) -> dict[str, Any]:
    return ON_CLUSTER | {"standard": {"datacenter": "dc1", "vSwitch": "vSwitch0", "hosts": list(names)}}


@pytest.fixture
def hosts(both: Workbench) -> FakeHosts:
    """A cluster of two hosts."""
    for name in ("esx-a", "esx-b"):
        both.vcenter.standard.join(name)
    return both.vcenter.standard


def ref(name: str) -> MoRef:
    return MoRef("HostSystem", name)


def claims(bench: Workbench, key: ObjectKey) -> dict[str, str | None]:
    return {row["host"]: row.get("claim") for row in bench.api.status(key).get("hosts", ())}


async def test_of_two_on_a_cluster_the_older_gets_every_host(both: Workbench, hosts: FakeHosts) -> None:
    both.declare(PORT_GROUP, **ON_CLUSTER)
    both.declare(TWIN, **ON_CLUSTER, vlan={"id": 7})
    await both.run()

    assert both.condition(PORT_GROUP) == ("True", "Succeeded")
    assert both.condition(TWIN) == ("False", "Conflict")
    assert "NestedPortGroup lab/inner" in both.message(TWIN)
    assert both.vcenter.mutations == ["add_host_port_group"] * 2
    assert set(claims(both, TWIN).values()) == {None}

    both.api.delete(PORT_GROUP)
    await both.run()

    assert both.condition(TWIN) == ("True", "Succeeded")
    group = hosts.group(ref("esx-a"))
    assert group is not None
    assert group.vlan == 7


async def test_other_hosts_are_other_port_groups(both: Workbench, hosts: FakeHosts) -> None:
    both.declare(PORT_GROUP, **listed("esx-a"))
    both.declare(TWIN, **listed("esx-b"), vlan={"id": 7})
    await both.ready(PORT_GROUP, TWIN)

    assert hosts.group(ref("esx-a")) != hosts.group(ref("esx-b"))


async def test_only_the_hosts_that_both_want_are_disputed(both: Workbench, hosts: FakeHosts) -> None:
    both.declare(PORT_GROUP, **listed("esx-a"))
    await both.ready(PORT_GROUP)
    both.declare(TWIN, **ON_CLUSTER)
    await both.run()

    assert claims(both, TWIN) == {"esx-a": None, "esx-b": "Claimed"}
    assert hosts.group(ref("esx-b")) is not None

    both.api.edit(PORT_GROUP, standard=listed("esx-b")["standard"])
    await both.run()

    assert both.condition(PORT_GROUP) == ("False", "Conflict")
    assert claims(both, TWIN) == {"esx-a": "Claimed", "esx-b": "Claimed"}


async def test_a_host_that_joins_two_clusters_worth_of_claims_has_one_owner(both: Workbench, hosts: FakeHosts) -> None:
    both.declare(PORT_GROUP, **ON_CLUSTER)
    both.declare(TWIN, **ON_CLUSTER)
    await both.run()
    both.forget_log()

    hosts.join("esx-c")
    await both.run()

    assert both.vcenter.mutations == ["add_host_port_group"]
    assert claims(both, PORT_GROUP)["esx-c"] == "Claimed"
    assert claims(both, TWIN)["esx-c"] is None


@pytest.mark.parametrize("claim", ["Claiming", "Claimed"])
async def test_what_both_have_claimed_before_a_crash_is_the_older_ones(
    both: Workbench, hosts: FakeHosts, claim: str
) -> None:
    """Both rows were stored before either call, and the port group is exactly what each would have made."""
    both.declare(PORT_GROUP, **ON_CLUSTER)
    both.declare(TWIN, **ON_CLUSTER)
    row = {"hardwareUuid": "", "claim": claim, "ready": False}
    for key in (PORT_GROUP, TWIN):
        rows = [{**row, "host": name, "moRef": name} for name in ("esx-a", "esx-b")]
        both.api.status(key).update(vCenter=both.vcenter.uuid, hosts=rows)
        both.api.edit(key)
    for name in ("esx-a", "esx-b"):
        hosts.put(ref(name), MADE)
    await both.run()

    assert set(claims(both, PORT_GROUP).values()) == {"Claimed"}
    assert set(claims(both, TWIN).values()) == {None}
    assert both.condition(TWIN) == ("False", "Conflict")
    assert both.vcenter.mutations == []

    both.api.delete(TWIN)
    await both.run()
    assert TWIN not in both.api.objects
    assert hosts.group(ref("esx-a")) == MADE


async def test_one_that_is_deleted_leaves_what_another_one_has(both: Workbench, hosts: FakeHosts) -> None:
    """The younger one crashed with its row stored; the older one has it."""
    both.declare(PORT_GROUP, **ON_CLUSTER)
    await both.ready(PORT_GROUP)
    made = hosts.group(ref("esx-a"))
    both.declare(TWIN, **ON_CLUSTER)
    await both.run()
    both.api.status(TWIN).update(
        vCenter=both.vcenter.uuid,
        hosts=[{"host": "esx-a", "moRef": "esx-a", "hardwareUuid": "uuid-esx-a", "claim": "Claiming", "ready": False}],
    )
    both.api.delete(TWIN)
    await both.run()

    assert TWIN not in both.api.objects
    assert hosts.group(ref("esx-a")) == made


async def test_of_two_that_were_about_to_create_different_ones_the_maker_keeps_it(
    both: Workbench, hosts: FakeHosts
) -> None:
    both.declare(PORT_GROUP, **ON_CLUSTER, vlan={"id": 7})
    both.declare(TWIN, **ON_CLUSTER)
    for key in (PORT_GROUP, TWIN):
        rows = [{"host": n, "moRef": n, "claim": "Claiming", "ready": False} for n in ("esx-a", "esx-b")]
        both.api.status(key).update(vCenter=both.vcenter.uuid, hosts=rows)
        both.api.edit(key)
    for name in ("esx-a", "esx-b"):
        hosts.put(ref(name), MADE)
    await both.run()

    assert set(claims(both, TWIN).values()) == {"Claimed"}
    assert both.condition(PORT_GROUP) == ("False", "Conflict")
    assert both.vcenter.mutations == []


# --- what a host has is not ours because it was ours once -------------------------------------------------------------


async def test_what_somebody_made_in_our_place_is_not_written(both: Workbench, hosts: FakeHosts) -> None:
    """It was removed, and before it is created again a stranger has created his own."""
    both.declare(PORT_GROUP, **ON_CLUSTER)
    await both.ready(PORT_GROUP)
    theirs = StandardPortGroup(
        "theirs", "inner", "vSwitch0", 9, StandardPolicy(), MADE.effective, load_balancing="", more=False
    )
    hosts.drop(ref("esx-b"))
    both.vcenter.push()
    hosts.put(ref("esx-b"), theirs)
    both.forget_log()
    await both.run()
    await both.after(600)

    assert hosts.group(ref("esx-b")) == theirs
    assert both.condition(PORT_GROUP) == ("False", "NameTaken")
    assert claims(both, PORT_GROUP) == {"esx-a": "Claimed", "esx-b": None}
    assert "update_host_port_group" not in both.vcenter.mutations


async def test_a_creation_whose_answer_was_lost_is_looked_at_before_it_is_repeated(
    both: Workbench, hosts: FakeHosts
) -> None:
    both.vcenter.fail_calls["add_host_port_group esx-b"] = [OutcomeUnknown("The connection broke.")]
    both.declare(PORT_GROUP, **ON_CLUSTER)
    await both.run()
    network = hosts.vcenter.host_networks
    hidden = {r: n for r, n in network.items() if r.value == "esx-b"}
    assert hidden
    both.clock.advance(10)
    for r, n in hidden.items():  # executed after all, and the push of it is still on its way
        network[r] = n.having("inner", MADE)
    await both.work()
    await both.run()

    assert both.condition(PORT_GROUP) == ("True", "Succeeded")
    assert claims(both, PORT_GROUP) == {"esx-a": "Claimed", "esx-b": "Claimed"}
    assert both.vcenter.mutations.count("add_host_port_group") == 2


async def test_what_was_adopted_and_is_made_anew_is_adopted_no_more(both: Workbench, hosts: FakeHosts) -> None:
    for name in ("esx-a", "esx-b"):
        hosts.put(ref(name), MADE)
    both.declare(PORT_GROUP, **ON_CLUSTER, adoptionPolicy="Adopt")
    await both.ready(PORT_GROUP)
    assert both.api.status(PORT_GROUP)["deletionPolicy"] == "Retain"

    hosts.drop(ref("esx-b"))
    await both.ready(PORT_GROUP)

    assert claims(both, PORT_GROUP) == {"esx-a": "Adopted", "esx-b": "Claimed"}
    both.api.delete(PORT_GROUP)
    await both.run()
    assert hosts.group(ref("esx-a")) is not None
    assert hosts.group(ref("esx-b")) is None


async def test_a_port_group_on_another_switch_of_the_host_is_not_moved(both: Workbench, hosts: FakeHosts) -> None:
    elsewhere = StandardPortGroup(
        "x", "inner", "vSwitch9", 0, MADE.own, MADE.effective, load_balancing="", more=False
    )  # fmt: skip
    hosts.put(ref("esx-a"), elsewhere)
    both.declare(PORT_GROUP, **ON_CLUSTER, adoptionPolicy="Adopt")
    await both.run()

    assert hosts.group(ref("esx-a")) == elsewhere
    assert both.condition(PORT_GROUP) == ("False", "Conflict")
    assert "vSwitch9" in both.message(PORT_GROUP)
