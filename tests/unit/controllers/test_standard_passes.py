"""A port group on the standard switches of hosts: fan-out, the ledger, one host's trouble, and drift."""

from typing import Any

import pytest

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import PermissionDenied, Transient
from nested_hyperv.domain.host_network import StandardPolicy, StandardPortGroup, StandardSwitch
from nested_hyperv.domain.inventory import HostSet
from support.fake_hosts import FakeHosts
from support.standard import ON_CLUSTER, STRANGERS, create, on_hosts, ref, rows, until_called
from support.workbench import PORT_GROUP, Workbench


async def test_every_host_gets_it_in_one_call_and_says_so(bench: Workbench, hosts: FakeHosts) -> None:
    bench.declare(PORT_GROUP, **ON_CLUSTER)
    await bench.ready(PORT_GROUP)

    assert bench.vcenter.mutations == ["add_host_port_group"] * 2
    status = bench.api.status(PORT_GROUP)
    assert status["hostsReady"] == "2/2"
    assert status["moRef"] == "network-inner"
    assert {row["claim"] for row in status["hosts"]} == {"Claimed"}
    group = hosts.group(ref("esx-a"))
    assert group is not None
    assert group.own == StandardPolicy(allow_promiscuous=True, mac_changes=None, forged_transmits=True)


async def test_nothing_is_called_or_written_while_all_is_well(bench: Workbench, hosts: FakeHosts) -> None:  # noqa: ARG001
    await create(bench)

    await bench.after(7200)

    assert bench.vcenter.calls == []
    assert bench.api.writes == []


async def test_the_claim_is_stored_before_the_call(bench: Workbench, hosts: FakeHosts) -> None:
    bench.declare(PORT_GROUP, **ON_CLUSTER)
    await until_called(bench)

    assert {row["claim"] for row in rows(bench).values()} == {"Claiming"}
    assert hosts.group(ref("esx-a")) is not None


async def test_a_host_that_joins_gets_it_too(bench: Workbench, hosts: FakeHosts) -> None:
    await create(bench)

    hosts.join("esx-c")
    await bench.run()

    assert bench.vcenter.mutations == ["add_host_port_group"]
    assert hosts.group(ref("esx-c")) is not None
    assert bench.api.status(PORT_GROUP)["hostsReady"] == "3/3"


async def test_a_host_that_leaves_is_forgotten(bench: Workbench, hosts: FakeHosts) -> None:
    await create(bench)

    hosts.leave(ref("esx-b"))
    await bench.run()

    assert list(rows(bench)) == ["esx-a"]
    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert bench.vcenter.mutations == []


async def test_a_host_that_is_hidden_has_not_left(bench: Workbench, hosts: FakeHosts) -> None:
    await create(bench)

    bench.vcenter.fail_calls["read_hosts"] = [PermissionDenied("System.Read is missing.")]
    hosts.leave(ref("esx-b"), inventory=False)
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("False", "PermissionDenied")
    assert rows(bench)["esx-b"]["claim"] == "Claimed"


async def test_a_host_off_the_list_is_tidied_up(bench: Workbench, hosts: FakeHosts) -> None:
    await create(bench, on_hosts("esx-a", "esx-b"))

    bench.api.edit(PORT_GROUP, standard=on_hosts("esx-a")["standard"])
    await bench.run()

    assert hosts.group(ref("esx-b")) is None
    assert hosts.group(ref("esx-a")) is not None
    assert list(rows(bench)) == ["esx-a"]


@pytest.mark.parametrize(
    ("own", "field"),
    [
        ({"allow_promiscuous": False}, "promiscuous"),
        ({"forged_transmits": None}, "forgedTransmits"),
        ({"mac_changes": True}, "macChanges"),
    ],
)
async def test_a_drift_on_one_host_is_one_call_there(
    bench: Workbench, hosts: FakeHosts, own: dict[str, Any], field: str
) -> None:
    await create(bench)

    hosts.drift(ref("esx-b"), **own)
    await bench.run()

    assert bench.vcenter.mutations == ["update_host_port_group"]
    assert bench.meter.repairs == [("NestedPortGroup", field)]
    (change,) = bench.api.status(PORT_GROUP)["lastRepair"]["changes"]
    assert (change["field"], change["host"]) == (field, "esx-b")
    assert bench.events.reasons == ["Repaired"]


async def test_each_host_is_looked_at_before_it_is_written_also_when_its_push_comes_last(
    bench: Workbench, hosts: FakeHosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    await create(bench)
    made = hosts.group(ref("esx-a"))
    assert made is not None
    find_hosts, looks = hosts.find_hosts, 0

    async def slowly(*where: Any, fresh: bool) -> HostSet:
        nonlocal looks
        looks += fresh
        if fresh and looks == 1:
            hosts.drift(ref("esx-a"), allow_promiscuous=False)
            bench.vcenter.push()
            hosts.put(ref("esx-a"), made)  # somebody has put it back already
        return await find_hosts(*where, fresh=fresh)

    monkeypatch.setattr(hosts, "find_hosts", slowly)
    hosts.drift(ref("esx-b"), allow_promiscuous=False)
    await bench.run()

    assert looks
    assert bench.vcenter.mutations == ["update_host_port_group"]


async def test_what_was_removed_on_a_host_comes_back(bench: Workbench, hosts: FakeHosts) -> None:
    await create(bench)

    hosts.drop(ref("esx-a"))
    await bench.run()

    assert bench.vcenter.mutations == ["add_host_port_group"]
    assert bench.events.reasons == ["Recreated"]


async def test_what_was_removed_on_a_host_is_reported_where_that_is_asked_for(
    bench: Workbench, hosts: FakeHosts
) -> None:
    await create(bench, onExternalDelete="Report")

    hosts.drop(ref("esx-a"))
    await bench.run()

    assert bench.vcenter.mutations == []
    assert bench.condition(PORT_GROUP) == ("False", "Missing")


async def test_what_is_reported_as_removed_stays_away_over_a_restart_and_an_edit_until_it_is_wanted(
    bench: Workbench, hosts: FakeHosts
) -> None:
    await create(bench, onExternalDelete="Report")
    hosts.drop(ref("esx-a"))
    await bench.run()

    bench.start()
    await bench.run()
    assert bench.condition(PORT_GROUP) == ("False", "Missing")

    bench.api.edit(PORT_GROUP, vlan={"id": 7})
    await bench.run()
    assert bench.condition(PORT_GROUP) == ("False", "Missing")
    assert bench.vcenter.mutations == ["update_host_port_group"], "esx-b has it, and has the new VLAN"

    bench.api.edit(PORT_GROUP, onExternalDelete="Recreate")
    await bench.ready(PORT_GROUP)
    assert bench.vcenter.mutations == ["update_host_port_group", "add_host_port_group"]


async def test_one_host_in_trouble_does_not_stop_the_others(bench: Workbench, hosts: FakeHosts) -> None:
    bench.vcenter.change(ref("esx-b"), connection_state="disconnected")
    bench.declare(PORT_GROUP, **ON_CLUSTER)
    await bench.run()

    assert hosts.group(ref("esx-a")) is not None
    assert bench.api.status(PORT_GROUP)["hostsReady"] == "1/2"
    assert bench.condition(PORT_GROUP) == ("False", "HostUnavailable")
    assert rows(bench)["esx-b"]["reason"] == "HostUnavailable"

    bench.vcenter.change(ref("esx-b"), connection_state="connected")
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")


async def test_a_call_that_fails_on_one_host_is_tried_again_there(bench: Workbench, hosts: FakeHosts) -> None:
    bench.vcenter.fail_calls["add_host_port_group esx-b"] = [Transient(Reason.TASK_FAILED, "The host is busy.")]
    bench.declare(PORT_GROUP, **ON_CLUSTER)
    await bench.run()
    assert "The host is busy." in rows(bench)["esx-b"]["message"]

    await bench.after(5)

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert hosts.group(ref("esx-b")) is not None


async def test_a_name_that_is_taken_on_one_host_is_left_alone_there(bench: Workbench, hosts: FakeHosts) -> None:
    hosts.put(ref("esx-b"), STRANGERS)
    bench.declare(PORT_GROUP, **ON_CLUSTER)
    await bench.run()

    assert hosts.group(ref("esx-b")) == STRANGERS
    assert bench.condition(PORT_GROUP) == ("False", "NameTaken")
    assert "claim" not in rows(bench)["esx-b"]
    assert rows(bench)["esx-a"]["ready"]


async def test_hosts_that_say_the_same_are_named_together(bench: Workbench, hosts: FakeHosts) -> None:
    for name in ("esx-a", "esx-b"):
        hosts.put(ref(name), STRANGERS)

    bench.declare(PORT_GROUP, **ON_CLUSTER)
    await bench.run()

    assert bench.message(PORT_GROUP).startswith("0/2 hosts ready. esx-a, esx-b: The host has a port group inner")


async def test_somebody_who_was_faster_keeps_what_he_made(bench: Workbench, hosts: FakeHosts) -> None:
    """Between our look and our call somebody creates exactly what we would have: it is not ours."""
    bench.declare(PORT_GROUP, **ON_CLUSTER)
    made = await _what_we_would_create(bench, hosts)

    assert bench.condition(PORT_GROUP) == ("False", "NameTaken")
    assert "claim" not in rows(bench)["esx-b"]
    assert hosts.group(ref("esx-b")) == made


async def _what_we_would_create(bench: Workbench, hosts: FakeHosts) -> StandardPortGroup:
    made = StandardPortGroup(
        key="theirs",
        name="inner",
        switch="vSwitch0",
        vlan=0,
        own=StandardPolicy(allow_promiscuous=True, mac_changes=None, forged_transmits=True),
        effective=StandardPolicy(allow_promiscuous=True, mac_changes=True, forged_transmits=True),
        load_balancing="",
        more=False,
    )
    await bench.work()
    bench.vcenter.push()  # the operator sees that nothing is there
    hosts.put(ref("esx-b"), made)
    await bench.work()
    await bench.run()
    return made


@pytest.mark.parametrize("executed", [True, False])
async def test_a_crash_between_claim_and_call_makes_no_second_one_and_loses_none(
    bench: Workbench, hosts: FakeHosts, executed: bool
) -> None:
    bench.declare(PORT_GROUP, **ON_CLUSTER)
    await until_called(bench)
    if not executed:
        for name in ("esx-a", "esx-b"):
            hosts.drop(ref(name))

    bench.start()
    await bench.ready(PORT_GROUP)

    assert {row["claim"] for row in rows(bench).values()} == {"Claimed"}
    assert bench.vcenter.mutations.count("add_host_port_group") == (2 if executed else 4)


@pytest.mark.parametrize("crash", [True, False])
async def test_a_spec_that_is_edited_right_after_the_call_finds_its_own_port_group_again(
    bench: Workbench, hosts: FakeHosts, crash: bool
) -> None:
    bench.declare(PORT_GROUP, **ON_CLUSTER)
    await until_called(bench)
    assert rows(bench)["esx-b"]["creating"].startswith("vSwitch0, vlan none, promiscuous true")
    bench.api.edit(PORT_GROUP, vlan={"id": 5})

    if crash:
        bench.start()
    await bench.run()
    await bench.after(3)

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    group = hosts.group(ref("esx-b"))
    assert group is not None
    assert group.vlan == 5
    assert "creating" not in rows(bench)["esx-b"]


async def test_what_was_created_before_a_crash_and_an_edit_goes_at_the_end(bench: Workbench, hosts: FakeHosts) -> None:
    bench.declare(PORT_GROUP, **ON_CLUSTER)
    await until_called(bench)
    bench.api.edit(PORT_GROUP, vlan={"id": 5})
    bench.api.delete(PORT_GROUP)

    bench.start()
    await bench.run()

    assert hosts.group(ref("esx-b")) is None
    assert PORT_GROUP not in bench.api.objects


async def test_what_appears_under_a_claim_and_differs_is_not_ours(bench: Workbench, hosts: FakeHosts) -> None:
    bench.declare(PORT_GROUP, **ON_CLUSTER)
    await until_called(bench)
    hosts.put(ref("esx-b"), STRANGERS)

    bench.start()
    await bench.run()

    assert hosts.group(ref("esx-b")) == STRANGERS
    assert bench.condition(PORT_GROUP) == ("False", "Conflict")


async def test_adoption_takes_over_what_is_there_and_leaves_it_at_the_end(bench: Workbench, hosts: FakeHosts) -> None:
    bench.connect(allowAdoption="true")
    for name in ("esx-a", "esx-b"):
        hosts.put(ref(name), STRANGERS)
    bench.declare(PORT_GROUP, **(ON_CLUSTER | {"adoptionPolicy": "Adopt"}))
    await bench.ready(PORT_GROUP)

    assert bench.vcenter.mutations == ["update_host_port_group"] * 2
    assert {row["claim"] for row in rows(bench).values()} == {"Adopted"}
    assert bench.api.status(PORT_GROUP)["deletionPolicy"] == "Retain"

    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert hosts.group(ref("esx-a")) is not None
    assert PORT_GROUP not in bench.api.objects


async def test_adoption_needs_the_connection_to_allow_it(bench: Workbench, hosts: FakeHosts) -> None:
    hosts.put(ref("esx-a"), STRANGERS)
    bench.declare(PORT_GROUP, **(ON_CLUSTER | {"adoptionPolicy": "Adopt"}))
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("False", "AdoptionNotAllowed")
    assert hosts.group(ref("esx-a")) == STRANGERS


async def test_observe_claims_and_writes_nothing_and_tells_what_it_would_do(bench: Workbench, hosts: FakeHosts) -> None:
    bench.declare(PORT_GROUP, **(ON_CLUSTER | {"managementPolicy": "Observe"}))
    await bench.run()

    assert bench.vcenter.mutations == []
    assert hosts.group(ref("esx-a")) is None
    status = bench.api.status(PORT_GROUP)
    assert {row["target"] for row in status["plan"]} == {"esx-a", "esx-b"}
    assert not any("claim" in row for row in status["hosts"])


async def test_a_fight_on_one_host_is_contested_there_alone(bench: Workbench, hosts: FakeHosts) -> None:
    await create(bench)
    for _ in range(5):
        hosts.drift(ref("esx-b"), allow_promiscuous=False)
        await bench.after(3)
    hosts.drift(ref("esx-b"), allow_promiscuous=False)
    hosts.drift(ref("esx-a"), allow_promiscuous=False)
    await bench.run()

    assert rows(bench)["esx-b"]["reason"] == "Contested"
    message = rows(bench)["esx-b"]["message"]
    assert "promiscuous: repaired 5 times within 10 minutes. Repairs now pause for 60 s." in message
    assert "Terraform and Ansible write the security settings" in message
    assert rows(bench)["esx-a"]["ready"]


async def test_a_script_over_all_hosts_is_no_fight(bench: Workbench, hosts: FakeHosts) -> None:
    for name in ("esx-c", "esx-d", "esx-e", "esx-f"):
        hosts.join(name)
    await create(bench)

    for name in ("esx-a", "esx-b", "esx-c", "esx-d", "esx-e", "esx-f"):
        hosts.drift(ref(name), allow_promiscuous=False)
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert bench.vcenter.mutations == ["update_host_port_group"] * 6


async def test_what_a_host_accepts_and_ignores_is_said_and_not_repeated(bench: Workbench, hosts: FakeHosts) -> None:
    await create(bench)
    bench.vcenter.ignores.add("policy")

    hosts.drift(ref("esx-b"), allow_promiscuous=False)
    await bench.run()
    await bench.after(3)

    assert bench.vcenter.mutations == ["update_host_port_group"]
    assert rows(bench)["esx-b"]["reason"] == "NotApplied"


async def test_a_missing_switch_on_one_host_names_those_that_are_there(bench: Workbench, hosts: FakeHosts) -> None:
    hosts.join("esx-c", switches=[StandardSwitch("vSwitch9", 1500, 1)])
    bench.declare(PORT_GROUP, **ON_CLUSTER)
    await bench.run()

    assert bench.api.status(PORT_GROUP)["hostsReady"] == "2/3"
    assert "vSwitch9" in rows(bench)["esx-c"]["message"]


async def test_several_uplinks_without_the_reverse_path_check_are_warned_about(
    bench: Workbench, hosts: FakeHosts
) -> None:
    hosts.join("esx-c", switches=[StandardSwitch("vSwitch0", 1500, 2)])
    bench.declare(PORT_GROUP, **ON_CLUSTER)
    await bench.ready(PORT_GROUP)

    assert bench.condition(PORT_GROUP, "NetworkReady") == ("True", "Succeeded")
    assert "Net.ReversePathFwdCheckPromisc" in bench.message(PORT_GROUP, "NetworkReady")


async def test_an_empty_cluster_is_said_and_filled_later(bench: Workbench, hosts: FakeHosts) -> None:
    for name in ("esx-a", "esx-b"):
        hosts.leave(ref(name))
    bench.declare(PORT_GROUP, **ON_CLUSTER)
    await bench.run()
    assert bench.condition(PORT_GROUP) == ("False", "NotFound")

    hosts.join("esx-c")
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")


async def test_a_replaced_machine_is_another_host(bench: Workbench, hosts: FakeHosts) -> None:
    """VCenter gives a reinstalled host its old MoRef back after a restore; what it has now is not what we made."""
    await create(bench)
    hosts.put(ref("esx-b"), STRANGERS)
    bench.vcenter.change(ref("esx-b"), hardware_uuid="another")
    await bench.run()

    assert hosts.group(ref("esx-b")) == STRANGERS
    assert rows(bench)["esx-b"]["reason"] == "NameTaken"
