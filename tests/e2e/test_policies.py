"""What people switch off or ask for once: suspend, Observe, a forced reconcile, a connection's scope."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bed.waiting import wait_for
from support.health import health_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from bed.kube_lab import KubeLab
    from bed.kube_object import KubeObject
    from bed.operator_process import OperatorProcess
    from bed.stranger import Stranger


def suspend(lab: KubeLab, sentinel: KubeObject, *suspended: KubeObject) -> None:
    """Suspend objects and wait until the operator must have seen it: it has answered to a later change."""
    for each in suspended:
        each.patch(suspend=True)
    settle(lab, sentinel)


def settle(lab: KubeLab, sentinel: KubeObject) -> None:
    """Wait until the operator has handled everything that was there when this was called."""
    token = str(lab.plane.audit.mark())
    sentinel.annotate(reconcile_requested_at=token)
    sentinel.wait(lambda now: now.status.get("lastHandledReconcileAt") == token, "the request to be handled")


def test_a_suspended_object_is_not_touched_until_it_is_resumed(lab: KubeLab, stranger: Stranger) -> None:
    inner, sentinel = lab.port_group(vlan={"id": 120}), lab.port_group("sentinel")
    before = inner.wait_ready()
    sentinel.wait_ready()
    suspend(lab, sentinel, inner)
    lab.calls.mark()

    stranger.set_vlan(inner.mo_ref, 7)
    settle(lab, sentinel)

    assert lab.calls.changes() == {}
    seen = inner.read()
    assert seen.status == before.status, "what is not looked at has not changed"
    assert health_of(seen) == "Suspended"

    inner.delete()
    settle(lab, sentinel)
    assert inner.find() is not None, "suspended means deletion, too"
    assert lab.calls.changes() == {}
    inner.patch(suspend=False)
    inner.wait_gone()
    assert lab.calls.changes() == {"Destroy_Task": 1}


def test_a_resumed_object_is_repaired(lab: KubeLab, stranger: Stranger) -> None:
    inner, sentinel = lab.port_group(vlan={"id": 120}), lab.port_group("sentinel")
    inner.wait_ready()
    sentinel.wait_ready()
    suspend(lab, sentinel, inner)
    stranger.set_vlan(inner.mo_ref, 7)
    lab.calls.mark()
    inner.patch(suspend=False)
    inner.wait(lambda now: now.ready and stranger.vlan(now.status["moRef"]) == 120, "repaired")
    assert lab.calls.changes() == {"ReconfigureDVPortgroup_Task": 1}


def test_a_fresh_suspended_object_says_so_once(lab: KubeLab) -> None:
    inner = lab.port_group(suspend=True)
    seen = inner.wait_condition("Ready", "Unknown", "Suspended")
    assert health_of(seen) == "Suspended"
    assert "finalizers" not in seen.metadata
    assert lab.calls.all() == {}, "vCenter is not even asked"


def test_observe_publishes_what_enforce_would_do_and_does_nothing(lab: KubeLab) -> None:
    inner = lab.port_group(managementPolicy="Observe")
    host = lab.host(managementPolicy="Observe")

    for each, action in ((inner, "CreatePortGroup"), (host, "Clone")):
        seen = each.wait_condition("Ready", "False", "WouldChange")
        assert [row["action"] for row in seen.status["plan"]] == [action]
        assert "finalizers" not in seen.metadata
        assert health_of(seen) == "Suspended"
    assert lab.calls.changes() == {}
    assert list(lab.secret_finalizers()) == []

    inner.patch(managementPolicy="Enforce")
    ready = inner.wait_ready()
    assert "plan" not in ready.status


def test_observe_lists_the_drift_of_what_was_enforced(lab: KubeLab, stranger: Stranger) -> None:
    inner = lab.port_group(vlan={"id": 120})
    inner.wait_ready()
    inner.patch(managementPolicy="Observe")
    assert health_of(inner.wait_condition("Ready", "True", "Observed")) == "Healthy"
    lab.calls.mark()

    stranger.set_vlan(inner.mo_ref, 7)
    seen = inner.wait_condition("Ready", "False", "WouldChange")
    (row,) = seen.status["plan"]
    assert row["fields"] == [{"field": "vlan", "from": "7", "to": "120"}]
    assert seen.status["drifted"] == 1
    assert (seen.condition("NetworkReady").status, seen.condition("NetworkReady").reason) == ("False", "WouldChange")
    assert lab.calls.changes() == {}

    inner.patch(managementPolicy="Enforce")
    assert inner.wait_ready().condition("NetworkReady").status == "True"
    assert stranger.vlan(inner.mo_ref) == 120
    assert lab.calls.changes() == {"ReconfigureDVPortgroup_Task": 1}


def test_observe_tells_of_each_setting_whether_it_comes_from_the_switch(lab: KubeLab, stranger: Stranger) -> None:
    inner = lab.port_group(managementPolicy="Observe")
    mo_ref = stranger.create_port_group(stranger.find_switch(lab.datacenter), inner.vsphere_name)
    lab.patch_secret(allowAdoption="true")
    inner.annotate(adopt=mo_ref)

    observed = inner.wait(lambda now: now.status.get("observed"), "what is there").status["observed"]

    names = ["macLearning", "promiscuous", "forgedTransmits", "macChanges"]
    names += ["limit", "limitPolicy", "allowUnicastFlooding"]
    names += ["legacyPromiscuous", "legacyForgedTransmits", "legacyMacChanges", "vlan"]
    assert observed["inheritedFields"] == names
    assert set(names) <= set(observed)

    inner.patch(managementPolicy="Enforce")
    assert "inheritedFields" not in inner.wait_ready().status["observed"], "all its own"
    inner.delete()
    inner.wait_gone()
    stranger.destroy(stranger.port_group(mo_ref))


def test_observe_says_what_would_need_a_power_off(lab: KubeLab) -> None:
    host = lab.host(powerState="On")
    host.wait_ready()
    host.patch(managementPolicy="Observe", hardware={"cpus": 8, "memoryMiB": 8192})
    seen = host.wait_condition("Ready", "False", "WouldChange")
    assert [(row["needsPowerOff"], row["fields"][0]["field"]) for row in seen.status["plan"]] == [
        (True, "hardware.cpus")
    ]


def test_a_requested_reconcile_reads_vsphere_and_is_answered(lab: KubeLab) -> None:
    inner = lab.port_group()
    inner.wait_ready()
    lab.calls.mark()
    since = lab.plane.audit.mark()
    inner.annotate(reconcile_requested_at="2026-01-01T00:00:00Z")
    inner.wait(lambda now: now.status.get("lastHandledReconcileAt") == "2026-01-01T00:00:00Z", "the answer")
    assert lab.calls.changes() == {}
    assert lab.calls.noise(), "it is read from vSphere, not from memory"
    assert [write.subresource for write in lab.wait_writes(since, 1)] == ["status"]


def test_the_scope_of_a_connection_is_kept(operator: OperatorProcess, new_lab: Callable[..., KubeLab]) -> None:
    assert operator.running
    lab = new_lab(scope="/DC2")
    try:
        inner, host = lab.port_group(), lab.host()
        for each in (inner, host):
            stalled = each.wait_condition("Ready", "False", "OutOfScope")
            assert "/DC0" in stalled.condition("Ready").message
        assert lab.calls.changes() == {}
        lab.patch_secret(scope="/DC0")
        inner.wait_ready()
        host.wait_ready()
    finally:
        lab.close()


def test_a_connection_of_another_namespace_has_to_admit_this_one(
    lab: KubeLab, operator: OperatorProcess, new_lab: Callable[..., KubeLab]
) -> None:
    assert operator.running
    guest = new_lab()
    try:
        inner = guest.port_group(connectionRef={"name": "vcenter", "namespace": lab.namespace})
        stalled = inner.wait_condition("Ready", "False", "ConnectionNotAllowed")
        assert stalled.condition("VCenterReachable").status == "False"
        patch = {"metadata": {"annotations": {"nestedhv.io/allowed-namespaces": "lab-*"}}}
        lab.core.patch_namespaced_secret("vcenter", lab.namespace, patch)
        inner.wait_ready()
        assert lab.calls.changes() == {"CreateDVPortgroup_Task": 1}
        assert guest.calls.all() == {}
    finally:
        guest.close()


def test_a_wrong_password_is_told_and_a_corrected_one_is_used(lab: KubeLab) -> None:
    lab.patch_secret(password="not the password")
    inner = lab.port_group()
    stalled = inner.wait_condition("Ready", "False", "AuthenticationFailed")
    assert stalled.condition("VCenterReachable").status == "False"
    assert "not the password" not in str(stalled)
    lab.patch_secret(password=lab.account.password)
    inner.wait_ready()


def test_a_certificate_that_nobody_vouches_for_is_refused(lab: KubeLab) -> None:
    lab.patch_secret(**{"ca.crt": lab.plane.ca.read_text()})
    inner = lab.port_group()
    inner.wait_condition("Ready", "False", "CertificateNotVerified")
    assert lab.calls.all() == {}, "no password was sent"
    lab.core.patch_namespaced_secret(
        "vcenter", lab.namespace, {"stringData": {"thumbprint": lab.twin.thumbprint}, "data": {"ca.crt": None}}
    )
    inner.wait_ready()
    wait_for(lambda: lab.calls.changes() == {"CreateDVPortgroup_Task": 1}, "the port group")
