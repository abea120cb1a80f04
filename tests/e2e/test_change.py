"""A person changes the spec: vSphere follows with one call, and what the change does not name stays as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kubernetes.client import ApiException

if TYPE_CHECKING:
    from bed.kube_lab import KubeLab
    from bed.kube_object import KubeObject
    from bed.stranger import Stranger


def networks_of(stranger: Stranger, host: KubeObject) -> list[str]:
    """The port group ids of a host's NICs, in the order of the devices."""
    devices = stranger.vm(host.mo_ref).config.hardware.device
    return [device.backing.port.portgroupKey for device in devices if hasattr(device, "macAddress")]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"vlan": {"id": 7}}, {"vlan": "7"}),
        ({"vlan": None}, {"vlan": "none"}),
        (
            {"nesting": {"mode": "Promiscuous"}},
            {"promiscuous": True, "macLearning": False, "legacyPromiscuous": True},
        ),
        ({"nesting": {"macLearning": {"limit": 64, "limitPolicy": "Allow"}}}, {"limit": 64, "limitPolicy": "Allow"}),
    ],
    ids=["vlan", "untagged", "mode", "limit"],
)
def test_a_changed_port_group_follows_with_one_call(
    change: dict[str, Any], expected: dict[str, object], lab: KubeLab
) -> None:
    inner = lab.port_group(vlan={"id": 120})
    before = inner.wait_ready()
    lab.calls.mark()
    inner.patch(**change)
    after = inner.wait_ready()
    assert after.status["observed"] == {**before.status["observed"], **expected}
    assert lab.calls.changes() == {"ReconfigureDVPortgroup_Task": 1}
    assert "lastRepair" not in after.status, "a change that was asked for is no repair"
    assert inner.wait_event("Reconfigured")


def test_several_changes_of_a_stopped_host_are_one_call(lab: KubeLab) -> None:
    host = lab.host()
    host.wait_ready()
    lab.calls.mark()
    host.patch(
        hardware={"cpus": 8, "coresPerSocket": 4, "memoryMiB": 16384, "secureBoot": True},
        guestOS="WindowsServer2025",
        virtualization={"nestedHV": False},
    )
    observed = host.wait_ready().status["observed"]
    assert (observed["cpus"], observed["coresPerSocket"], observed["memoryMiB"]) == (8, 4, 16384)
    assert (observed["guestId"], observed["secureBoot"]) == ("windows2022srvNext_64Guest", True)
    assert observed["nestedHV"] is False
    assert lab.calls.changes() == {"ReconfigVM_Task": 1}


def test_networks_come_and_go_while_the_host_runs(lab: KubeLab, stranger: Stranger) -> None:
    inner, outer = lab.port_group("inner"), lab.port_group("outer")
    inner.wait_ready()
    outer.wait_ready()
    host = lab.host(networks=["inner"], powerState="On")
    host.wait_ready()
    entries = [{"name": name, "portGroupRef": {"name": name}} for name in ("inner", "outer")]

    host.patch(networks=entries)
    assert host.wait(lambda now: now.ready and now.status["network"] == "2/2", "two NICs").status["powerState"] == "On"
    assert networks_of(stranger, host) == [inner.mo_ref, outer.mo_ref]

    host.patch(networks=entries[1:])
    host.wait(lambda now: now.ready and now.status["network"] == "1/1", "one NIC")
    assert networks_of(stranger, host) == [outer.mo_ref], "the one that was named goes, not the last one"


def test_a_port_group_that_is_created_again_takes_its_hosts_back(lab: KubeLab, stranger: Stranger) -> None:
    inner = lab.port_group("inner")
    first = inner.wait_ready().status["moRef"]
    host = lab.host(networks=["inner"])
    host.wait_ready()
    host.patch(suspend=True)  # or it would plug the NIC in again before vCenter lets the port group go
    inner.annotate(reconcile_requested_at="1")
    inner.wait(lambda now: now.status.get("lastHandledReconcileAt") == "1", "the suspension to be seen")
    other = lab.twin.control.state().port_group(f"{lab.datacenter}_DVPG0")
    assert other is not None
    stranger.edit_nic(host.mo_ref, 0, network=other.id)
    stranger.destroy(stranger.port_group(first))
    again = inner.wait(lambda now: now.ready and now.status["moRef"] != first, "created again")
    host.patch(suspend=False)
    host.wait_ready()
    assert networks_of(stranger, host) == [again.status["moRef"]]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "another"},
        {"connectionRef": {"name": "another"}},
        {"distributed": {"datacenter": "DC2", "switch": "DVS0"}},
        {"vlan": {"id": 4095}},
    ],
    ids=["name", "connection", "switch", "vlan 4095"],
)
def test_what_cannot_change_is_refused_by_the_api_server(change: dict[str, Any], lab: KubeLab) -> None:
    inner = lab.port_group()
    with pytest.raises(ApiException) as refused:
        inner.patch(**change)
    assert refused.value.status == 422
    inner.wait_ready()
