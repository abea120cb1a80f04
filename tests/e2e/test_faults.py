"""vCenter refuses, forgets or drops a call: the operator converges, and never makes a second one of anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bed.waiting import wait_for

if TYPE_CHECKING:
    from bed.kube_lab import KubeLab
    from bed.stranger import Stranger
    from bed.twin import State


def named(state: State, name: str) -> int:
    """How many objects have a name."""
    return [*(vm.name for vm in state.vms), *(group.name for group in state.port_groups)].count(name)


@pytest.mark.parametrize(
    ("fault", "fields"),
    [("ConcurrentAccess", {}), ("TaskInProgress", {"task": {"type": "Task", "value": "task-1"}})],
)
def test_a_write_that_met_another_is_planned_again(
    fault: str, fields: dict[str, object], lab: KubeLab, stranger: Stranger
) -> None:
    inner = lab.port_group(vlan={"id": 120})
    inner.wait_ready()
    lab.calls.mark()
    lab.twin.control.fail(
        "ReconfigureDVPortgroup_Task", fault=fault, fields=fields, where="task", user=lab.account.name
    )
    stranger.set_vlan(inner.mo_ref, 7)
    inner.wait(lambda now: now.status.get("lastRepair") and now.ready, "repaired at the second attempt")
    assert stranger.vlan(inner.mo_ref) == 120
    assert lab.calls.changes() == {"ReconfigureDVPortgroup_Task": 2}


@pytest.mark.parametrize("where", ["drop-before", "drop-after"])
def test_a_creation_whose_answer_was_lost_makes_no_second_port_group(where: str, lab: KubeLab) -> None:
    lab.twin.control.fail("CreateDVPortgroup_Task", where=where, user=lab.account.name)  # type: ignore[arg-type]
    inner = lab.port_group()
    ready = inner.wait_ready()
    assert named(lab.twin.control.state(), inner.vsphere_name) == 1
    assert lab.calls.changes() == {"CreateDVPortgroup_Task": 2 if where == "drop-before" else 1}
    made = lab.twin.control.state().port_group(inner.vsphere_name)
    assert made is not None
    assert made.id == ready.status["moRef"]


@pytest.mark.parametrize("where", ["drop-before", "drop-after"])
def test_a_clone_whose_answer_was_lost_makes_no_second_machine(where: str, lab: KubeLab) -> None:
    lab.twin.control.fail("CloneVM_Task", where=where, user=lab.account.name)  # type: ignore[arg-type]
    lab.twin.control.latency("CloneVM_Task", task_seconds=1.0)
    try:
        host = lab.host()
        host.wait_ready()
    finally:
        lab.twin.control.clear_latency()
    assert named(lab.twin.control.state(), host.vsphere_name) == 1
    assert lab.calls.changes()["CloneVM_Task"] == (2 if where == "drop-before" else 1)


def test_a_failed_clone_is_told_and_made_good_when_asked(lab: KubeLab) -> None:
    lab.twin.control.fail("CloneVM_Task", fault="InsufficientResourcesFault", where="task", user=lab.account.name)
    host = lab.host()
    stalled = host.wait_condition("Ready", "False", "HostUnavailable")
    assert stalled.condition("Stalled").status == "True"
    host.annotate(reconcile_requested_at="there is room again")
    host.wait_ready()
    assert named(lab.twin.control.state(), host.vsphere_name) == 1
    assert lab.calls.changes()["CloneVM_Task"] == 2


def test_a_missing_privilege_is_named(lab: KubeLab) -> None:
    fields = {"object": {"type": "Folder", "value": "group-n6"}, "privilegeId": "DVPortgroup.Create"}
    lab.twin.control.fail(
        "CreateDVPortgroup_Task", fault="NoPermission", fields=fields, user=lab.account.name, count=1000
    )
    inner = lab.port_group()
    stalled = inner.wait_condition("Ready", "False", "PermissionDenied")
    assert "DVPortgroup.Create" in stalled.condition("Ready").message
    assert stalled.condition("Stalled").status == "True"
    lab.twin.control.clear_faults()
    inner.annotate(reconcile_requested_at="granted")
    inner.wait_ready()


def test_a_lost_session_is_made_again_without_a_word(lab: KubeLab, stranger: Stranger) -> None:
    inner = lab.port_group(vlan={"id": 120})
    before = inner.wait_ready()
    since = lab.plane.audit.mark()
    assert lab.twin.control.kill_sessions(user=lab.account) >= 1
    wait_for(lambda: lab.account.shown in lab.twin.control.state().sessions, "a new session")

    stranger.set_vlan(inner.mo_ref, 7)
    repaired = inner.wait(lambda now: now.status.get("lastRepair"), "repaired")
    assert repaired.condition("VCenterReachable") == before.condition("VCenterReachable")
    assert len(lab.wait_writes(since, 1)) == 1, "the repair, and nothing about the session"
