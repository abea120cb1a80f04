"""A port group on standard switches while hosts come, go and fail: each host for itself, and what only it can know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pyVmomi import vim

from bed.soap import moid, result_of
from bed.stranger import Stranger
from bed.twin import ADMINISTRATOR
from bed.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bed.kube_lab import KubeLab
    from bed.twin import Twin

A, B = "DC2_C0_H0", "DC2_C0_H1"


@pytest.fixture
def joining(vcenter: Twin, token: str) -> Iterator[tuple[Stranger, str]]:
    """An administrator who may add a host to the cluster, and its name; it is taken out again."""
    with Stranger(vcenter, ADMINISTRATOR) as administrator:
        yield administrator, f"{token}-esx"
        host = administrator.esx(f"{token}-esx")
        if not host.runtime.inMaintenanceMode:
            result_of(host.EnterMaintenanceMode_Task(timeout=0))
        inside = isinstance(host.parent, vim.ClusterComputeResource)
        administrator.destroy(host if inside else host.parent)


def test_a_host_that_joins_has_it_at_once_and_one_that_leaves_is_forgotten(
    world_lab: KubeLab, joining: tuple[Stranger, str]
) -> None:
    group = world_lab.standard_port_group(vlan={"id": 120})
    group.wait_ready()
    world_lab.calls.mark()
    administrator, name = joining
    connect = vim.host.ConnectSpec(hostName=name, userName="root", password="secret", force=False)

    result_of(administrator.find(vim.ClusterComputeResource, "DC2_C0").AddHost_Task(connect, True))

    wait_for(lambda: administrator.standard_group(name, group.vsphere_name), "the port group", seconds=3)
    group.wait(lambda now: now.status["hostsReady"] == "3/3" and now.ready, "3/3")
    assert world_lab.calls.changes() == {"AddPortGroup": 1}

    host = administrator.esx(name)
    result_of(host.EnterMaintenanceMode_Task(timeout=0))
    result_of(administrator.find(vim.Datacenter, "DC2").hostFolder.MoveIntoFolder_Task([host]))
    left = group.wait(lambda now: now.status["hostsReady"] == "2/2", "2/2")
    assert name not in {row["host"] for row in left.status["hosts"]}
    assert world_lab.calls.changes() == {"AddPortGroup": 1}, "what it has it keeps"
    administrator.remove_standard(name, group.vsphere_name)


def test_a_host_that_is_away_is_told_and_caught_up_with(world_lab: KubeLab, stranger: Stranger) -> None:
    control = world_lab.twin.control
    control.host(B, connection_state="disconnected")
    try:
        group = world_lab.standard_port_group(vlan={"id": 120})
        waiting = group.wait_condition("Ready", "False", "HostUnavailable")
        rows = {row["host"]: row for row in waiting.status["hosts"]}
        assert waiting.status["hostsReady"] == "1/2"
        assert (rows[A]["ready"], rows[B]["reason"]) == (True, "HostUnavailable")
        assert "Connect it" in rows[B]["message"]
    finally:
        control.host(B, connection_state="connected")
    group.wait_ready()
    found = stranger.standard_group(B, group.vsphere_name)
    assert found is not None
    assert found.spec.vlanId == 120


def test_a_list_of_hosts_is_followed(world_lab: KubeLab, stranger: Stranger) -> None:
    group = world_lab.standard_port_group(hosts=[A])
    group.wait_ready()
    assert stranger.standard_group(B, group.vsphere_name) is None

    group.patch(standard={"hosts": [B]})

    moved = group.wait(lambda now: now.ready and now.status["hostsReady"] == "1/1", "moved")
    wait_for(lambda: stranger.standard_group(A, group.vsphere_name) is None, "the port group to go from the first")
    assert [row["host"] for row in moved.status["hosts"]][-1] == B
    assert world_lab.calls.changes() == {"AddPortGroup": 2, "RemovePortGroup": 1}


def test_one_host_that_refuses_does_not_stop_the_other(world_lab: KubeLab, stranger: Stranger) -> None:
    networks = moid(stranger.esx(B).configManager.networkSystem)
    fault = world_lab.twin.control.fail("AddPortGroup", fault="HostConfigFault", target=networks)
    assert fault
    group = world_lab.standard_port_group()

    partly = group.wait(lambda now: now.status.get("hostsReady") == "1/2", "1/2")
    assert stranger.standard_group(A, group.vsphere_name) is not None
    assert "HostConfigFault" in partly.condition("Ready").message

    group.annotate(reconcile_requested_at="when the host is well again")
    assert group.wait_ready().status["hostsReady"] == "2/2"


def test_a_host_without_the_switch_is_told_and_joins_in_when_it_has_it(
    world_lab: KubeLab, stranger: Stranger, token: str
) -> None:
    systems = {host: stranger.esx(host).configManager.networkSystem for host in (A, B)}
    spec = vim.host.VirtualSwitch.Specification(numPorts=128)
    systems[A].AddVirtualSwitch(token, spec)
    where = {"datacenter": world_lab.datacenter, "vSwitch": token, "cluster": f"{world_lab.datacenter}_C0"}
    group = world_lab.standard_port_group(standard=where)

    partly = group.wait_condition("Ready", "False", "NotFound")

    rows = {row["host"]: row for row in partly.status["hosts"]}
    assert partly.status["hostsReady"] == "1/2"
    assert (rows[A]["ready"], rows[B]["reason"]) == (True, "NotFound")
    assert f"no standard switch {token} (there: vSwitch0). Create it on this host." in rows[B]["message"]
    assert world_lab.calls.changes() == {"AddPortGroup": 1}

    systems[B].AddVirtualSwitch(token, spec)
    group.wait(lambda now: now.ready and now.status["hostsReady"] == "2/2", "both", seconds=5)
    group.delete()
    group.wait_gone()
    for system in systems.values():
        system.RemoveVirtualSwitch(token)


def test_a_name_that_is_taken_on_one_host_stays_a_strangers(world_lab: KubeLab, stranger: Stranger) -> None:
    name = world_lab.vsphere_name("inner")
    theirs = {"name": name, "switch": "vSwitch0", "vlanId": 7}
    world_lab.twin.control.host_network(B, add=[theirs])
    group = world_lab.standard_port_group(vlan={"id": 120})

    taken = group.wait_condition("Ready", "False", "NameTaken")
    rows = {row["host"]: row for row in taken.status["hosts"]}
    assert (rows[A]["ready"], rows[B]["reason"], "claim" in rows[B]) == (True, "NameTaken", False)
    assert "adoptionPolicy: Adopt" in rows[B]["message"]
    group.delete()
    group.wait_gone()

    found = stranger.standard_group(B, name)
    assert found is not None
    assert found.spec.vlanId == 7
    assert stranger.standard_group(A, name) is None
    stranger.remove_standard(B, name)


def test_observe_names_the_machines_of_each_host_and_enforce_approves(world_lab: KubeLab, stranger: Stranger) -> None:
    group = world_lab.standard_port_group()
    group.wait_ready()
    model = world_lab.twin.control.state().vm("DC2_C0_RP0_VM1")
    assert model is not None
    guest = stranger.vm(stranger.clone(model.id, f"{world_lab.namespace}-guest"))
    card = next(d for d in guest.config.hardware.device if isinstance(d, vim.vm.device.VirtualEthernetCard))
    card.backing = vim.vm.device.VirtualEthernetCard.NetworkBackingInfo(deviceName=group.vsphere_name)
    change = vim.vm.device.VirtualDeviceSpec(operation="edit", device=card)
    stranger.reconfigure_vm(moid(guest), deviceChange=[change])
    where = guest.runtime.host.name
    group.patch(managementPolicy="Observe")
    group.wait_condition("Ready", "True", "Observed")
    world_lab.calls.mark()

    stranger.update_standard(where, group.vsphere_name, allowPromiscuous=False)

    seen = group.wait_condition("Ready", "False", "WouldChange")
    (row,) = seen.status["plan"]
    assert (row["action"], row["target"]) == ("UpdateHostPortGroup", where)
    assert row["fields"] == [{"field": "promiscuous", "from": "false", "to": "true", "host": where}]
    assert (row["virtualMachines"], row["virtualMachineCount"]) == ([f"{world_lab.namespace}-guest"], 1)
    assert world_lab.calls.changes() == {}

    group.patch(managementPolicy="Enforce")
    group.wait_ready()
    assert world_lab.calls.changes() == {"UpdatePortGroup": 1}

    group.delete()
    blocked = group.wait_condition("Ready", "False", "DeletionBlocked")
    assert f"{world_lab.namespace}-guest" in blocked.condition("Ready").message
    stranger.destroy(guest)
    group.wait_gone()
