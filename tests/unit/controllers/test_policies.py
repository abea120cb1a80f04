"""Observe, suspend, forced reconciles, another vCenter, an unreachable one: when nothing may be touched, nothing is."""

from typing import Any

import pytest

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Blocked, Connecting, Unreachable
from nested_hyperv.domain.inventory import MoRef, PortGroupSettings
from nested_hyperv.workqueue import Done, RequeueAfter
from support import vsphere_records as samples
from support.workbench import HOST, PORT_GROUP, SECRET, Workbench

AWAY = Unreachable("first does not answer.")


async def created(bench: Workbench, **spec: Any) -> MoRef:
    bench.declare(PORT_GROUP, **spec)
    await bench.ready(PORT_GROUP)
    bench.forget_log()
    (ref,) = bench.vcenter.port_groups
    return ref


async def test_observe_publishes_a_plan_and_writes_nothing(bench: Workbench) -> None:
    bench.declare(PORT_GROUP, managementPolicy="Observe", vlan={"id": 120})

    await bench.run()

    assert bench.vcenter.mutations == []
    assert bench.writes(PORT_GROUP) == ["status"]
    assert bench.api.finalizers(PORT_GROUP) == []
    assert bench.api.finalizers(SECRET) == []
    assert bench.condition(PORT_GROUP) == ("False", "WouldChange")
    assert bench.condition(PORT_GROUP, "Stalled") is None
    status = bench.api.status(PORT_GROUP)
    assert "vCenter" not in status
    assert status["plan"] == [
        {"action": "CreatePortGroup", "fields": [{"field": "name", "from": "absent", "to": "inner"}]}
    ]


async def test_observe_of_an_equal_object_is_ready_and_says_that_it_only_looks(bench: Workbench) -> None:
    await created(bench)

    bench.api.edit(PORT_GROUP, managementPolicy="Observe")
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("True", "Observed")
    assert "plan" not in bench.api.status(PORT_GROUP)


async def test_drift_under_observe_is_told_and_left(bench: Workbench) -> None:
    ref = await created(bench)
    bench.api.edit(PORT_GROUP, managementPolicy="Observe")
    await bench.run()
    bench.forget_log()

    bench.vcenter.change(ref, vlan=7)
    await bench.run()
    for _ in range(3):
        bench.queue.add(PORT_GROUP)
        await bench.after(60)

    assert bench.vcenter.mutations == []
    assert bench.writes(PORT_GROUP) == ["status"], "told once"
    assert bench.api.status(PORT_GROUP)["drifted"] == 1
    assert bench.api.status(PORT_GROUP)["plan"][0]["fields"] == [{"field": "vlan", "from": "7", "to": "none"}]


async def test_under_observe_what_would_need_a_power_off_is_a_change_too(bench: Workbench) -> None:
    bench.declare(HOST)
    await bench.ready(HOST)
    (ref,) = (m.ref for m in bench.vcenter.machines.values() if not m.template)
    bench.vcenter.switch_power(ref, on=True)
    bench.api.edit(HOST, managementPolicy="Observe")
    await bench.run()
    bench.forget_log()

    bench.vcenter.change(ref, nested_hv=False)
    await bench.run()

    assert bench.condition(HOST) == ("False", "WouldChange")
    assert bench.api.status(HOST)["plan"] == [
        {
            "action": "Reconfigure",
            "fields": [{"field": "virtualization.nestedHV", "from": "false", "to": "true"}],
            "needsPowerOff": True,
        }
    ]
    assert bench.vcenter.mutations == []


async def test_release_under_observe_takes_the_finalizer_and_leaves_object_and_mark(bench: Workbench) -> None:
    ref = await created(bench)
    marked = bench.vcenter.port_groups[ref].description
    bench.api.edit(PORT_GROUP, managementPolicy="Observe")
    await bench.run()
    bench.forget_log()

    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert PORT_GROUP not in bench.api.objects
    assert bench.vcenter.calls == []
    assert bench.vcenter.port_groups[ref].description == marked
    assert bench.events.reasons == ["Released"]
    assert bench.api.finalizers(SECRET) == []


async def test_a_restart_writes_nothing_about_drift_that_was_told_before(bench: Workbench) -> None:
    ref = await created(bench)
    bench.api.edit(PORT_GROUP, managementPolicy="Observe")
    bench.vcenter.change(ref, vlan=7)
    await bench.run()
    bench.forget_log()

    bench.clock.advance(3600)
    bench.start()
    await bench.run()

    assert bench.api.writes == []


async def test_a_suspended_object_is_not_touched_deletion_included(bench: Workbench) -> None:
    ref = await created(bench)
    before = bench.api.status(PORT_GROUP)
    bench.api.edit(PORT_GROUP, suspend=True)
    bench.vcenter.change(ref, vlan=7)
    await bench.run()
    assert bench.outcomes[PORT_GROUP] == Done()

    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert bench.vcenter.calls == []
    assert bench.api.writes == []
    assert bench.api.status(PORT_GROUP) == before
    assert PORT_GROUP in bench.api.objects


async def test_a_fresh_suspended_object_says_so_once(bench: Workbench) -> None:
    bench.declare(PORT_GROUP, suspend=True)
    await bench.run()
    bench.queue.add(PORT_GROUP)
    await bench.run()

    assert bench.writes(PORT_GROUP) == ["status"]
    assert bench.condition(PORT_GROUP) == ("Unknown", "Suspended")


async def test_an_object_that_is_resumed_goes_on(bench: Workbench) -> None:
    ref = await created(bench)
    bench.api.edit(PORT_GROUP, suspend=True)
    bench.vcenter.change(ref, vlan=7)
    await bench.run()

    bench.api.edit(PORT_GROUP, suspend=False)
    await bench.run()

    assert bench.vcenter.port_groups[ref].vlan == 0
    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")


async def test_an_object_that_was_suspended_during_a_task_hears_of_its_end(bench: Workbench) -> None:
    bench.declare(HOST)
    await bench.ready(HOST)  # keeps the session alive
    bench.vcenter.holding = True
    bench.declare(PORT_GROUP)
    await bench.run()
    bench.api.edit(PORT_GROUP, suspend=True)
    await bench.run()
    bench.api.edit(PORT_GROUP, suspend=False)
    await bench.run()

    bench.vcenter.holding = False
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded"), "without any clock"
    assert bench.vcenter.mutations.count("create_port_group") == 1


async def test_a_requested_reconcile_looks_live_and_is_answered(bench: Workbench) -> None:
    await created(bench)

    bench.api.annotate(PORT_GROUP, reconcile_requested_at="2026-11-23T12:00:00Z")
    await bench.run()

    assert "read_port_group" in bench.vcenter.calls
    assert bench.api.status(PORT_GROUP)["lastHandledReconcileAt"] == "2026-11-23T12:00:00Z"
    assert bench.writes(PORT_GROUP) == ["status"]
    bench.forget_log()
    bench.queue.add(PORT_GROUP)
    await bench.run()
    assert (bench.vcenter.calls, bench.api.writes) == ([], [])


async def test_a_requested_reconcile_that_ends_stalled_is_answered_too(bench: Workbench) -> None:
    ref = await created(bench)
    bench.vcenter.change(ref, description="")
    bench.api.annotate(PORT_GROUP, reconcile_requested_at="now")

    await bench.run()

    assert bench.condition(PORT_GROUP) == ("False", "OwnershipLost")
    assert bench.api.status(PORT_GROUP)["lastHandledReconcileAt"] == "now"


async def test_a_requested_reconcile_ends_the_pause_of_a_fight(bench: Workbench) -> None:
    ref = await created(bench)
    for vlan in range(20, 26):
        bench.vcenter.change(ref, vlan=vlan)
        await bench.after(10)
    assert bench.condition(PORT_GROUP) == ("False", "Contested")

    bench.api.annotate(PORT_GROUP, reconcile_requested_at="now")
    await bench.run()

    assert bench.vcenter.port_groups[ref].vlan == 0
    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")


async def _point_elsewhere(bench: Workbench) -> None:
    bench.api.objects[SECRET]["metadata"]["finalizers"] = []
    bench.api.delete(SECRET)
    bench.connect(server="second")
    await bench.run()


async def test_a_secret_that_names_another_vcenter_changes_nothing(bench: Workbench) -> None:
    ref = await created(bench)
    # The same id is somebody else's object there.
    bench.other.add(samples.port_group(ref.value))

    await _point_elsewhere(bench)
    await bench.after(400)

    assert bench.condition(PORT_GROUP) == ("False", "VCenterChanged")
    assert bench.condition(PORT_GROUP, "Stalled") == ("True", "VCenterChanged")
    assert "vcenter-2" in bench.message(PORT_GROUP)
    assert bench.other.mutations == []
    bench.api.delete(PORT_GROUP)
    await bench.run()
    assert PORT_GROUP in bench.api.objects, "nothing read there means gone"
    assert bench.condition(PORT_GROUP) == ("False", "DeletionBlocked")
    assert ref in bench.vcenter.port_groups


async def test_an_accepted_vcenter_starts_afresh_and_never_uses_an_id_of_the_old_one(bench: Workbench) -> None:
    ref = await created(bench)
    stranger = samples.port_group(ref.value)
    bench.other.add(stranger)
    moved = bench.vcenter.port_groups[ref]
    bench.other.add(samples.port_group("dvportgroup-77"))
    bench.other.change(MoRef(ref.type, "dvportgroup-77"), name=moved.name, description=moved.description, vlan=0)
    await _point_elsewhere(bench)

    bench.api.annotate(PORT_GROUP, accept_vcenter="vcenter-2")
    await bench.run()
    bench.queue.add(PORT_GROUP)
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert bench.api.status(PORT_GROUP)["vCenter"] == "vcenter-2"
    assert bench.api.status(PORT_GROUP)["moRef"] == "dvportgroup-77"
    assert bench.other.port_groups[ref] == stranger
    assert bench.vcenter.mutations == []


async def test_a_task_of_the_old_vcenter_is_not_waited_for_in_the_new_one(bench: Workbench) -> None:
    """Both vCenters count their tasks from one: the same id is somebody else's task there."""
    bench.vcenter.holding = bench.other.holding = True
    bench.declare(PORT_GROUP)
    await bench.run()
    (pending,) = bench.memories.tasks()
    theirs = samples.port_group("dvportgroup-5")
    while await bench.other.reconfigure_port_group(HOST, theirs, PortGroupSettings()) != pending:
        pass
    bench.other.calls.clear()

    await _point_elsewhere(bench)
    bench.api.annotate(PORT_GROUP, accept_vcenter="vcenter-2")
    await bench.run()

    assert bench.other.mutations == ["create_port_group"]


async def test_an_accepted_empty_vcenter_gets_a_new_object(bench: Workbench) -> None:
    ref = await created(bench)
    await _point_elsewhere(bench)

    bench.api.annotate(PORT_GROUP, accept_vcenter="vcenter-2")
    await bench.run()

    assert bench.other.mutations == ["create_port_group"]
    assert bench.api.status(PORT_GROUP)["moRef"] in {new.value for new in bench.other.port_groups}
    assert ref in bench.vcenter.port_groups


async def test_an_unreachable_vcenter_leaves_ready_as_it_was_and_says_so(bench: Workbench) -> None:
    await created(bench)

    bench.vcenters.refuse("first", AWAY)
    await bench.run()
    for _ in range(3):
        await bench.after(301)

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert bench.condition(PORT_GROUP, "VCenterReachable") == ("False", "VCenterUnreachable")
    assert bench.writes(PORT_GROUP) == ["status"]
    outcome = bench.outcomes[PORT_GROUP]
    assert isinstance(outcome, RequeueAfter)
    assert outcome.seconds <= 300

    bench.vcenters.refuse("first", None)
    await bench.run()
    assert bench.condition(PORT_GROUP, "VCenterReachable") == ("True", "Succeeded")


async def test_a_new_spec_of_an_unreachable_object_is_unknown(bench: Workbench) -> None:
    await created(bench)
    bench.vcenters.refuse("first", AWAY)

    bench.api.edit(PORT_GROUP, vlan={"id": 120})
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("Unknown", "VCenterUnreachable")
    assert bench.condition(PORT_GROUP, "Reconciling") == ("True", "VCenterUnreachable")
    assert bench.api.status(PORT_GROUP)["observedGeneration"] == 1


async def test_while_the_first_login_is_under_way_nothing_is_said(bench: Workbench) -> None:
    bench.vcenters.refuse("first", Connecting("Connecting to first."))
    bench.declare(PORT_GROUP)
    await bench.run()
    assert bench.api.writes == []

    bench.vcenters.refuse("first", None)
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")


@pytest.mark.parametrize("reason", [Reason.AUTHENTICATION_FAILED, Reason.CERTIFICATE_NOT_VERIFIED])
async def test_a_connection_that_is_refused_stalls_its_users(bench: Workbench, reason: Reason) -> None:
    await created(bench)

    bench.vcenters.refuse("first", Blocked(reason, "Correct the Secret."))
    await bench.run()

    assert bench.condition(PORT_GROUP, "Stalled") == ("True", reason.value)
    assert bench.condition(PORT_GROUP, "VCenterReachable") == ("False", reason.value)


async def test_a_deletion_waits_for_its_vcenter_and_tells_how_to_let_go(bench: Workbench) -> None:
    ref = await created(bench)
    bench.vcenters.refuse("first", AWAY)

    bench.api.delete(PORT_GROUP)
    await bench.run()
    assert PORT_GROUP in bench.api.objects
    assert bench.condition(PORT_GROUP) == ("False", "DeletionBlocked")
    assert bench.condition(PORT_GROUP, "VCenterReachable") == ("False", "DeletionBlocked")
    assert "nestedhv.io/orphan" in bench.message(PORT_GROUP)

    bench.api.annotate(PORT_GROUP, orphan="true")
    await bench.run()
    assert PORT_GROUP not in bench.api.objects
    assert "Orphaned" in bench.events.reasons
    assert bench.meter.releases == [("NestedPortGroup", "Orphaned")]
    assert ref in bench.vcenter.port_groups


async def test_orphan_lets_go_of_nothing_while_vcenter_answers(bench: Workbench) -> None:
    await created(bench)
    bench.api.annotate(PORT_GROUP, orphan="true")

    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert bench.vcenter.port_groups == {}
    assert "Orphaned" not in bench.events.reasons


async def test_a_spec_that_cannot_be_read_is_stalled_and_waits_for_a_change(bench: Workbench) -> None:
    await created(bench)

    bench.api.edit(PORT_GROUP, nesting={"mode": "Telepathy"})
    await bench.run()

    assert bench.condition(PORT_GROUP, "Stalled") == ("True", "InvalidSpec")
    assert bench.condition(PORT_GROUP, "VCenterReachable") == ("True", "Succeeded")
    assert "nesting.mode" in bench.message(PORT_GROUP)
    assert bench.outcomes[PORT_GROUP] == Done()


async def test_what_is_out_of_scope_is_never_touched(bench: Workbench) -> None:
    bench.api.delete(SECRET)
    bench.connect(scope="/dc1/network/other, /dc2")
    bench.declare(PORT_GROUP)

    await bench.run()

    assert bench.condition(PORT_GROUP) == ("False", "OutOfScope")
    assert bench.vcenter.mutations == []
