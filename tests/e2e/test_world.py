"""What the world has to offer first: a switch that learns, hosts that expose VT-x, templates and names that exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.health import health_of

if TYPE_CHECKING:
    from bed.kube_lab import KubeLab
    from bed.stranger import Stranger


def test_mac_learning_waits_for_a_switch_that_can_and_then_works(world_lab: KubeLab, old_switch: str) -> None:
    inner = world_lab.port_group(nesting={"mode": "MACLearning"})
    stalled = inner.wait_condition("Ready", "False", "MACLearningNotSupported")
    assert stalled.condition("Stalled").status == "True"
    assert stalled.condition("PrerequisitesMet").status == "False"
    assert "6.5.0" in stalled.condition("Ready").message
    assert "nesting.mode: Promiscuous" in stalled.condition("Ready").message
    assert health_of(stalled) == "Degraded"
    assert world_lab.calls.changes() == {}

    world_lab.twin.control.switch(old_switch, version="8.0.3")

    ready = inner.wait_ready()
    assert ready.status["observed"]["macLearning"]
    assert world_lab.calls.changes() == {"CreateDVPortgroup_Task": 1}


def test_auto_on_an_old_switch_is_promiscuous_and_an_upgrade_does_not_flip_it(
    world_lab: KubeLab, old_switch: str
) -> None:
    inner = world_lab.port_group()
    ready = inner.wait_ready()
    assert (ready.status["mode"], ready.status["observed"]["promiscuous"]) == ("Promiscuous", True)
    assert ready.status["observed"]["forgedTransmits"]

    world_lab.twin.control.switch(old_switch, version="8.0.3")
    inner.annotate(reconcile_requested_at="after the upgrade")
    again = inner.wait(lambda now: now.status.get("lastHandledReconcileAt") == "after the upgrade", "reconciled")
    assert (again.status["mode"], again.status["observed"]["promiscuous"]) == ("Promiscuous", True)

    inner.patch(nesting={"mode": "MACLearning"})
    learned = inner.wait_ready()
    assert (learned.status["observed"]["macLearning"], learned.status["observed"]["promiscuous"]) == (True, False)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("Promiscuous", {"macLearning": False, "promiscuous": True, "forgedTransmits": True, "macChanges": False}),
        ("Disabled", {"macLearning": False, "promiscuous": False, "forgedTransmits": False, "macChanges": False}),
    ],
)
def test_the_other_modes_are_written_in_full(mode: str, expected: dict[str, bool], lab: KubeLab) -> None:
    ready = lab.port_group(nesting={"mode": mode}).wait_ready()
    observed = ready.status["observed"]
    assert {name: observed[name] for name in expected} == expected
    assert observed["inherited"] is False
    assert ready.condition("NetworkReady").status == ("False" if mode == "Disabled" else "True")


def test_a_host_without_virtualization_is_refused_until_it_has_it(world_lab: KubeLab) -> None:
    control, hosts = world_lab.twin.control, [f"{world_lab.datacenter}_C0_H{number}" for number in range(2)]
    for host in hosts:
        control.host(host, nested_hv=False)
    try:
        made = world_lab.host()
        stalled = made.wait_condition("Ready", "False", "NestedHVNotSupported")
        assert hosts[0] in stalled.condition("Ready").message
        assert world_lab.calls.changes() == {}
    finally:
        for host in hosts:
            control.host(host, nested_hv=True)
    assert made.wait_ready().status["nestedHV"]


def test_a_cluster_in_maintenance_is_waited_for(world_lab: KubeLab) -> None:
    control, hosts = world_lab.twin.control, [f"{world_lab.datacenter}_C0_H{number}" for number in range(2)]
    for host in hosts:
        control.host(host, maintenance=True)
    try:
        made = world_lab.host()
        made.wait_condition("Ready", "False", "HostUnavailable")
        assert world_lab.calls.changes() == {}
    finally:
        for host in hosts:
            control.host(host, maintenance=False)
    made.wait_ready()


def test_unknown_names_are_told_with_what_there_is(lab: KubeLab, stranger: Stranger) -> None:
    where = {"datacenter": "DC0", "cluster": "DC0_C0", "datastore": "LocalDS_0"}
    cases = {
        "switch": lab.port_group("switch", distributed={"datacenter": "DC0", "switch": "DVS9"}),
        "datacenter": lab.port_group("datacenter", distributed={"datacenter": "DC9", "switch": "DVS0"}),
        "cluster": lab.host("cluster", placement={**where, "cluster": "DC0_C9"}),
        "datastore": lab.host("datastore", placement={**where, "datastore": "LocalDS_9"}),
        "template": lab.host("template", source={"template": {"path": "no-such-template"}}),
    }
    wrong = {
        "switch": "DVS9",
        "datacenter": "DC9",
        "cluster": "DC0_C9",
        "datastore": "LocalDS_9",
        "template": "no-such",
    }
    for what, made in cases.items():
        stalled = made.wait_condition("Ready", "False", "NotFound")
        assert wrong[what] in stalled.condition("Ready").message
        assert stalled.condition("Stalled").status == "True"
    assert "DVS0" in cases["switch"].read().condition("Ready").message
    assert lab.calls.changes() == {}
    assert stranger.find_switch("DC0")


def test_an_unknown_network_is_told_before_anything_is_cloned(lab: KubeLab) -> None:
    host = lab.host(networks=[{"name": "lan", "network": "No Such Network"}])
    stalled = host.wait_condition("Ready", "False", "NotFound")
    assert "No Such Network" in stalled.condition("Ready").message
    assert lab.calls.changes() == {}
    host.patch(networks=[{"name": "lan", "network": "VM Network"}])
    assert host.wait_ready().status["network"] == "1/1"
