"""Ports: as many as declared and never fewer than are used; and what a single port does against its group is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bed.twin import ALICE

if TYPE_CHECKING:
    from bed.kube_lab import KubeLab
    from bed.kube_object import KubeObject, Snapshot
    from bed.stranger import Stranger
    from bed.twin import Twin


def _ports(now: Snapshot) -> dict[str, Any]:
    found: dict[str, Any] = now.status.get("ports", {})
    return found


def _with_ports(lab: KubeLab, **ports: Any) -> KubeObject:
    made = lab.port_group("inner")
    where = made.read().document["spec"]["distributed"]
    made.patch(distributed={**where, "ports": ports})
    made.wait_ready()
    return made


def test_a_port_that_overrides_its_group_makes_the_network_not_ready(lab: KubeLab, stranger: Stranger) -> None:
    inner = lab.port_group("inner")
    host = lab.host("hv1", networks=["inner"])
    inner.wait_ready()
    host.wait_ready()
    inner.wait(lambda now: _ports(now).get("used") == 1, "the port of the host to be counted")
    stranger.allow_overrides(inner.mo_ref)
    lab.calls.mark()
    port = stranger.stop_learning_on_port(inner.mo_ref, host.mo_ref)

    told = inner.wait_condition("NetworkReady", "False", "PortOverride", seconds=10)

    assert told.ready, "the port group itself is as declared"
    name = host.read().status["name"]
    said = f"port {port} of {name} overrides the group: macLearning off"
    assert told.condition("NetworkReady").message.startswith(said)
    assert [(row["port"], row["field"], row["actual"]) for row in told.status["overrides"]] == [
        (port, "macLearning", "off")
    ]
    host.wait_condition("NetworkReady", "False", "PortOverride")
    assert lab.calls.changes() == {}, "ports are reported and not written"

    stranger.reset_port(inner.mo_ref, host.mo_ref)

    inner.wait_condition("NetworkReady", "True", seconds=10)
    host.wait_condition("NetworkReady", "True")


def test_ports_are_live_and_those_in_use_stay(lab: KubeLab) -> None:
    inner = _with_ports(lab, binding="Static", count=4, autoExpand=False)
    inner.wait(lambda now: _ports(now)["count"] == 4, "four ports")
    hosts = [lab.host(name, networks=["inner"]) for name in ("hv1", "hv2")]
    for host in hosts:
        host.wait_ready()
    inner.wait(lambda now: (_ports(now)["used"], _ports(now)["free"]) == (2, 2), "both to be counted")

    where = inner.read().document["spec"]["distributed"]
    inner.patch(distributed={**where, "ports": {"binding": "Static", "count": 1, "autoExpand": False}})
    clamped = inner.wait(lambda now: now.ready and _ports(now)["count"] == 2, "as few ports as can be")

    assert "distributed.ports.count is 1, but 2 ports are in use" in clamped.condition("Ready").message

    hosts[1].delete()
    hosts[1].wait_gone()
    freed = inner.wait(lambda now: _ports(now)["count"] == 1, "the port that is free now to go")
    assert freed.ready


def test_a_changed_number_of_ports_is_put_back_with_who_did_it(lab: KubeLab, stranger: Stranger) -> None:
    inner = _with_ports(lab, binding="Static", count=4, autoExpand=False)
    inner.wait(lambda now: _ports(now)["count"] == 4, "four ports")
    lab.calls.mark()

    stranger.reconfigure_port_group(inner.mo_ref, numPorts=9, autoExpand=True)

    repaired = inner.wait(lambda now: now.status.get("lastRepair") and now.status["drifted"] == 0, "repaired")
    changes = {row["field"]: (row["from"], row["to"]) for row in repaired.status["lastRepair"]["changes"]}
    assert changes == {"ports.count": ("9", "4"), "ports.autoExpand": ("true", "false")}
    assert repaired.status["lastRepair"]["by"] == ALICE.shown
    assert lab.calls.changes() == {"ReconfigureDVPortgroup_Task": 1}


def test_a_name_that_nsx_holds_is_refused_with_the_way_that_nsx_has(
    lab: KubeLab, vcenter: Twin, stranger: Stranger
) -> None:
    vcenter.control.nsx_port_group(stranger.find_switch(lab.datacenter), lab.vsphere_name("inner"))

    inner = lab.port_group("inner")

    refused = inner.wait_condition("Ready", "False", "NSXManaged")
    assert "MAC discovery profile" in refused.condition("Ready").message
    assert lab.calls.changes() == {}


def test_a_table_that_is_too_small_for_the_pool_of_a_host_is_warned_of(lab: KubeLab) -> None:
    inner = lab.port_group("inner", nesting={"macLearning": {"limit": 100}})
    lab.host("one", networks=["inner"]).wait_ready()
    lab.host("three", networks=[{"name": name, "portGroupRef": {"name": "inner"}} for name in "abc"]).wait_ready()

    warned = inner.wait(lambda now: "Hyper-V gives out up to 256" in now.condition("NetworkReady").message, "warned")

    assert "(one)" in warned.condition("NetworkReady").message, "three adapters learn enough together"
    assert (warned.ready, warned.condition("NetworkReady").status) == (True, "True")

    inner.patch(nesting={"macLearning": {"limitPolicy": "Allow"}})
    inner.wait(lambda now: now.ready and not now.condition("NetworkReady").message, "no warning any more")
