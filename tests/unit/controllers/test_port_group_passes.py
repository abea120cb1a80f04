"""A port group from creation to deletion: how many calls and writes each situation costs, and what it says."""

from dataclasses import replace
from typing import Any

import pytest

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Concurrent, Gone, PermissionDenied, Transient
from nested_hyperv.domain.inventory import MoRef, PortGroup, Switch, TaskState
from nested_hyperv.workqueue import RequeueAfter
from support import vsphere_records as samples
from support.workbench import HOST, PORT_GROUP, SECRET, Workbench


def only_port_group(bench: Workbench) -> PortGroup:
    (group,) = bench.vcenter.port_groups.values()
    return group


async def created(bench: Workbench, **spec: Any) -> MoRef:
    bench.declare(PORT_GROUP, **spec)
    await bench.ready(PORT_GROUP)
    ref = only_port_group(bench).ref
    bench.forget_log()
    return ref


async def test_creation_is_a_finalizer_then_the_recorded_vcenter_then_one_create_then_ready(bench: Workbench) -> None:
    seen: list[tuple[str, object, list[str]]] = []
    bench.api.before_write = lambda verb, key: seen.append(
        (verb, bench.api.objects[key].get("status", {}).get("vCenter"), list(bench.vcenter.mutations))
    )
    bench.declare(PORT_GROUP)

    await bench.ready(PORT_GROUP)

    assert bench.api.writes == [
        ("finalizers", SECRET),
        ("finalizers", PORT_GROUP),
        ("status", PORT_GROUP),
        ("status", PORT_GROUP),
    ]
    assert bench.vcenter.mutations == ["create_port_group"]
    # Until the third write nothing had been called; before the last one vCenter was on record.
    assert [calls for _, _, calls in seen] == [[], [], [], ["create_port_group"]]
    assert seen[-1][1] == "vcenter-1"
    assert bench.api.status(PORT_GROUP)["moRef"] == only_port_group(bench).ref.value
    assert bench.events.reasons == ["Created", "Succeeded"]


async def test_a_pass_without_work_makes_no_call_and_no_write(bench: Workbench) -> None:
    await created(bench)

    for _ in range(3):
        bench.queue.add(PORT_GROUP)
        await bench.run()

    assert (bench.vcenter.calls, bench.api.writes, bench.events.entries) == ([], [], [])


async def test_a_restart_makes_no_write(bench: Workbench) -> None:
    await created(bench)

    bench.start()
    await bench.run()

    assert bench.api.writes == []
    assert bench.vcenter.calls == []


async def test_a_drift_costs_one_live_read_one_write_and_one_status(bench: Workbench) -> None:
    ref = await created(bench)
    before = bench.api.status(PORT_GROUP)["conditions"]

    bench.vcenter.change(ref, mac_management=samples.mac_policy(allow_promiscuous=True))
    await bench.run()

    assert only_port_group(bench).mac_management == samples.mac_policy()
    assert bench.vcenter.mutations == ["reconfigure_port_group"]
    read = bench.vcenter.calls.index("reconfigure_port_group")
    assert bench.vcenter.calls[:read].count("read_port_group") == 1
    assert bench.writes(PORT_GROUP) == ["status"]
    status = bench.api.status(PORT_GROUP)
    assert status["conditions"] == before, "it stayed Ready"
    assert status["lastRepair"]["changes"] == [{"field": "promiscuous", "from": "true", "to": "false"}]
    assert bench.meter.repairs == [("NestedPortGroup", "promiscuous")]
    assert bench.events.reasons == ["Repaired"]


async def test_a_cache_that_lags_behind_starts_nothing(bench: Workbench) -> None:
    ref = await created(bench)
    good = only_port_group(bench)
    bench.vcenter.change(ref, vlan=7)
    bench.vcenter.push()  # the operator is told of the drift ...
    bench.vcenter.add(good)  # ... which is gone again when it looks

    await bench.work()

    assert bench.vcenter.mutations == []
    assert bench.api.writes == []


async def test_what_changes_between_reading_and_writing_is_read_again(bench: Workbench) -> None:
    ref = await created(bench)
    changes = iter([30])

    def somebody_is_faster(read: MoRef) -> None:
        for vlan in changes:
            bench.vcenter.change(read, vlan=vlan)

    bench.vcenter.after_read = somebody_is_faster
    bench.vcenter.change(ref, vlan=20)
    await bench.run()  # the fence refuses the first write
    await bench.after(5)

    assert only_port_group(bench).vlan == 0
    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")


async def test_an_object_that_lost_its_mark_is_not_written_even_when_the_cache_still_shows_it(bench: Workbench) -> None:
    ref = await created(bench)
    bench.vcenter.change(ref, vlan=20)
    bench.vcenter.push()
    bench.vcenter.change(ref, description="mine now")  # not pushed yet

    await bench.work()

    assert bench.vcenter.mutations == []
    assert bench.condition(PORT_GROUP) == ("False", "OwnershipLost")


async def test_a_port_group_that_was_deleted_is_created_again_and_stays_ready(bench: Workbench) -> None:
    ref = await created(bench)

    bench.vcenter.remove(ref)
    await bench.run()

    assert bench.vcenter.mutations == ["create_port_group"]
    assert bench.api.status(PORT_GROUP)["moRef"] == only_port_group(bench).ref.value != ref.value
    assert bench.writes(PORT_GROUP) == ["status"]
    assert "Recreated" in bench.events.reasons


async def test_with_policy_report_a_deleted_port_group_is_missing_and_stays_so(bench: Workbench) -> None:
    ref = await created(bench, onExternalDelete="Report")

    bench.vcenter.remove(ref)
    await bench.run()
    await bench.after(400)

    assert bench.vcenter.mutations == []
    assert bench.condition(PORT_GROUP) == ("False", "Missing")
    assert bench.writes(PORT_GROUP) == ["status"], "told once"


async def test_an_object_that_has_a_new_id_is_watched_under_it_and_only_there(bench: Workbench) -> None:
    """A pass must not go back to the id that it was born with: that would never end."""
    ref = await created(bench)
    moved = replace(only_port_group(bench), ref=MoRef(ref.type, "dvportgroup-999"))
    bench.vcenter.remove(ref)
    bench.vcenter.add(moved)

    await bench.run()
    bench.forget_log()
    for _ in range(3):
        bench.queue.add(PORT_GROUP)
        await bench.run()

    assert bench.api.status(PORT_GROUP)["moRef"] == "dvportgroup-999"
    assert bench.vcenter.calls == []


async def test_without_status_the_object_is_found_by_its_mark_and_not_made_again(bench: Workbench) -> None:
    ref = await created(bench)
    bench.vcenter.change(ref, name="renamed-by-hand")

    bench.api.wipe_status(PORT_GROUP)
    bench.start()
    await bench.run()

    assert "create_port_group" not in bench.vcenter.calls
    assert bench.api.status(PORT_GROUP)["moRef"] == ref.value
    assert only_port_group(bench).name == "inner"


@pytest.mark.parametrize(
    ("error", "ready"),
    [
        pytest.param(PermissionDenied("lacks DVPortgroup.Modify"), ("False", "PermissionDenied"), id="blocked"),
        pytest.param(Concurrent("somebody was faster"), ("True", "Succeeded"), id="concurrent"),
        pytest.param(Gone("gone"), ("True", "Succeeded"), id="gone"),
        pytest.param(Transient(Reason.TASK_FAILED, "host busy"), ("True", "Succeeded"), id="transient"),
    ],
)
async def test_a_task_that_fails_says_why_or_is_tried_again(
    bench: Workbench, error: Transient, ready: tuple[str, str]
) -> None:
    ref = await created(bench)
    bench.vcenter.fail_tasks["reconfigure_port_group"] = [error]

    bench.vcenter.change(ref, vlan=20)
    await bench.run()
    if isinstance(error, Transient):
        outcome = bench.outcomes[PORT_GROUP]
        assert isinstance(outcome, RequeueAfter)
        assert (outcome.failed, outcome.seconds <= 1) == (True, True)
        assert bench.api.writes == [], "most of these pass at once"
        await bench.after(5)
        assert only_port_group(bench).vlan == 0

    assert bench.condition(PORT_GROUP) == ready


async def test_an_error_that_lasts_is_told(bench: Workbench) -> None:
    ref = await created(bench)
    bench.vcenter.fail_tasks["reconfigure_port_group"] = [Transient(Reason.TASK_FAILED, "host busy")] * 8

    bench.vcenter.change(ref, vlan=20)
    await bench.run()
    for _ in range(4):
        await bench.after(60)

    assert bench.condition(PORT_GROUP) == ("False", "Progressing")
    assert bench.condition(PORT_GROUP, "Reconciling") == ("True", "Progressing")
    assert "host busy" in bench.message(PORT_GROUP)


async def test_a_task_that_fails_again_and_again_is_tried_ever_more_rarely(bench: Workbench) -> None:
    ref = await created(bench)
    bench.vcenter.fail_tasks["reconfigure_port_group"] = [Transient(Reason.TASK_FAILED, "host busy")] * 1000

    bench.vcenter.change(ref, vlan=20)
    for _ in range(600):
        await bench.after(1)

    assert len(bench.vcenter.mutations) < 15
    assert len(bench.api.writes) <= 2


async def test_repairs_that_fail_are_nobodys_fight(bench: Workbench) -> None:
    ref = await created(bench)
    bench.vcenter.fail_tasks["reconfigure_port_group"] = [Concurrent("busy")] * 6

    bench.vcenter.change(ref, vlan=20)
    await bench.run()
    for _ in range(10):
        await bench.after(60)

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert "Contested" not in bench.events.reasons


async def test_a_blocked_object_is_looked_at_again_within_five_minutes(bench: Workbench) -> None:
    bench.vcenter.fail_calls["create_port_group"] = [PermissionDenied("lacks DVPortgroup.Create")] * 5
    bench.declare(PORT_GROUP)
    await bench.run()
    outcome = bench.outcomes[PORT_GROUP]
    assert bench.condition(PORT_GROUP, "Stalled") == ("True", "PermissionDenied")
    assert isinstance(outcome, RequeueAfter)
    assert outcome.seconds <= 300
    bench.vcenter.fail_calls.clear()

    await bench.after(300)

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert bench.condition(PORT_GROUP, "Stalled") is None


async def test_a_create_whose_answer_was_lost_makes_no_second_one(bench: Workbench) -> None:
    bench.vcenter.lose_answers.add("create_port_group")
    bench.declare(PORT_GROUP)

    await bench.run()
    await bench.after(10)

    assert bench.vcenter.mutations == ["create_port_group"]
    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert len(bench.vcenter.port_groups) == 1


async def test_a_create_that_is_still_in_flight_meets_its_own_name_and_waits(bench: Workbench) -> None:
    bench.vcenter.lose_answers.add("create_port_group")
    bench.vcenter.holding = True
    bench.declare(PORT_GROUP)
    await bench.run()
    await bench.after(10)
    bench.vcenter.holding = False

    await bench.run()
    await bench.after(10)

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert len(bench.vcenter.port_groups) == 1


async def test_what_vsphere_ignores_is_told_once_and_not_written_again_and_again(bench: Workbench) -> None:
    ref = await created(bench)
    bench.vcenter.ignores.add("vlan")

    bench.vcenter.change(ref, vlan=20)
    await bench.run()
    for _ in range(5):
        bench.queue.add(PORT_GROUP)
        await bench.run()

    assert bench.vcenter.mutations == ["reconfigure_port_group"]
    assert bench.condition(PORT_GROUP) == ("False", "NotApplied")
    assert "vlan stayed 20 instead of none" in bench.message(PORT_GROUP)
    assert "Repaired" not in bench.events.reasons
    assert "lastRepair" not in bench.api.status(PORT_GROUP)
    assert bench.meter.repairs == []
    assert bench.writes(PORT_GROUP) == ["status"]


async def test_a_later_try_of_what_was_ignored_flips_no_status(bench: Workbench) -> None:
    ref = await created(bench)
    bench.vcenter.ignores.add("vlan")
    bench.vcenter.change(ref, vlan=20)
    await bench.run()
    bench.forget_log()

    await bench.after(320)
    assert bench.vcenter.mutations == ["reconfigure_port_group"]
    assert bench.api.writes == []

    bench.vcenter.ignores.clear()
    await bench.after(320)
    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")


async def test_a_field_that_somebody_keeps_reverting_is_contested_and_rests(bench: Workbench) -> None:
    ref = await created(bench)
    for vlan in range(20, 25):
        bench.vcenter.change(ref, vlan=vlan)
        await bench.after(30)
    assert bench.vcenter.mutations == ["reconfigure_port_group"] * 5
    bench.forget_log()

    bench.vcenter.change(ref, vlan=99)
    await bench.run()

    assert bench.vcenter.mutations == []
    assert bench.condition(PORT_GROUP) == ("False", "Contested")
    assert bench.condition(PORT_GROUP, "Stalled") == ("True", "Contested")
    assert "vlan" in bench.message(PORT_GROUP)
    assert bench.api.status(PORT_GROUP)["drift"][0]["actual"] == "99"


async def test_passes_over_a_contested_object_write_nothing_while_nothing_changes(bench: Workbench) -> None:
    ref = await created(bench)
    for vlan in range(20, 26):
        bench.vcenter.change(ref, vlan=vlan)
        await bench.after(10)
    bench.forget_log()

    for _ in range(4):
        bench.queue.add(PORT_GROUP)
        await bench.after(5)

    assert bench.condition(PORT_GROUP) == ("False", "Contested")
    assert bench.api.writes == []


async def test_a_contested_object_is_repaired_after_the_pause_and_at_once_after_a_spec_change(bench: Workbench) -> None:
    ref = await created(bench)
    for vlan in range(20, 26):
        bench.vcenter.change(ref, vlan=vlan)
        await bench.after(10)
    assert bench.condition(PORT_GROUP) == ("False", "Contested")
    await bench.after(61)
    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")

    bench.vcenter.change(ref, vlan=70)
    await bench.run()
    assert bench.condition(PORT_GROUP) == ("False", "Contested")
    bench.api.edit(PORT_GROUP, vlan={"id": 120})
    await bench.run()
    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert only_port_group(bench).vlan == 120


async def test_a_contested_object_can_be_deleted_at_once(bench: Workbench) -> None:
    ref = await created(bench)
    for vlan in range(20, 26):
        bench.vcenter.change(ref, vlan=vlan)
        await bench.after(10)

    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert PORT_GROUP not in bench.api.objects
    assert bench.vcenter.port_groups == {}


async def test_a_spec_change_is_written_and_told_as_what_it_is(bench: Workbench) -> None:
    await created(bench)

    bench.api.edit(PORT_GROUP, vlan={"id": 120})
    await bench.run()

    assert only_port_group(bench).vlan == 120
    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert bench.api.status(PORT_GROUP)["observedGeneration"] == 2
    assert "lastRepair" not in bench.api.status(PORT_GROUP)
    assert "Reconfigured" in bench.events.reasons
    assert "Repaired" not in bench.events.reasons


async def test_a_status_never_vouches_for_a_spec_that_came_later(bench: Workbench) -> None:
    """Argo CD and kstatus take observedGeneration as the operator's word."""
    await created(bench)
    bench.api.edit(PORT_GROUP, vlan={"id": 120})

    def somebody_edits(read: MoRef) -> None:
        if bench.vcenter.port_groups[read].vlan == 120 and bench.api.objects[PORT_GROUP]["metadata"]["generation"] == 2:
            bench.api.edit(PORT_GROUP, vlan={"id": 130})

    bench.vcenter.after_read = somebody_edits
    vouched: list[tuple[int, str, str]] = []
    original = bench.api.apply_status

    async def apply_status(key, resource_version, status):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        vouched.append((status["observedGeneration"], status["vlan"], status["conditions"][0]["status"]))
        return await original(key, resource_version, status)

    bench.api.apply_status = apply_status  # type: ignore[method-assign]
    await bench.run()
    await bench.after(5)

    assert (3, "130", "True") in vouched
    assert (3, "120", "True") not in vouched
    assert bench.api.status(PORT_GROUP)["observedGeneration"] == 3
    assert only_port_group(bench).vlan == 130


async def test_news_survive_a_status_write_that_was_refused(bench: Workbench) -> None:
    ref = await created(bench)
    conflicts = iter([1])

    def somebody_labels(verb: str, _: object) -> None:
        for _conflict in conflicts:
            if verb == "status":
                bench.api.annotate(PORT_GROUP, note="x")

    bench.api.before_write = somebody_labels
    bench.vcenter.change(ref, vlan=20)
    await bench.run()
    await bench.after(5)

    assert bench.api.status(PORT_GROUP)["lastRepair"]["changes"][0]["field"] == "vlan"


async def test_the_end_of_a_task_is_not_forgotten_when_the_read_after_it_fails(bench: Workbench) -> None:
    ref = await created(bench)
    bench.vcenter.change(ref, vlan=20)
    bench.vcenter.push()
    await bench.work()  # the task runs
    bench.vcenter.fail_calls["read_port_group"] = [Transient(Reason.PROGRESSING, "the connection broke")]

    await bench.run()
    await bench.after(5)

    assert bench.api.status(PORT_GROUP)["lastRepair"]["changes"][0]["field"] == "vlan"
    assert bench.meter.repairs == [("NestedPortGroup", "vlan")]


async def test_a_task_that_vcenter_forgot_is_not_waited_for(bench: Workbench) -> None:
    ref = await created(bench)
    bench.vcenter.holding = True
    bench.vcenter.change(ref, vlan=20)
    await bench.run()
    pending = bench.memories.tasks()
    assert len(pending) == 1

    bench.vcenter.restart()
    bench.vcenter.holding = False
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert only_port_group(bench).vlan == 0
    assert bench.vcenter.task(*pending).state is TaskState.LOST  # type: ignore[union-attr]


async def test_an_object_that_waits_for_a_push_has_a_belt(bench: Workbench) -> None:
    await created(bench)
    bench.start()
    await bench.work()  # nothing has been pushed

    outcome = bench.outcomes[PORT_GROUP]

    assert isinstance(outcome, RequeueAfter)
    assert outcome.seconds <= 300


async def test_a_name_that_a_stranger_has_is_refused_until_the_stranger_lets_go(bench: Workbench) -> None:
    stranger = bench.vcenter.add(samples.port_group("dvportgroup-7"))
    bench.vcenter.change(stranger, name="inner")
    bench.declare(PORT_GROUP)
    await bench.run()
    assert bench.condition(PORT_GROUP) == ("False", "NameTaken")
    assert bench.vcenter.mutations == []

    bench.vcenter.remove(stranger)
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded"), "woken without any clock"


async def test_deletion_destroys_what_is_ours_and_lets_the_secret_go(bench: Workbench) -> None:
    await created(bench)

    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert bench.vcenter.port_groups == {}
    assert bench.vcenter.mutations == ["destroy"]
    assert PORT_GROUP not in bench.api.objects
    assert len(bench.writes(PORT_GROUP)) <= 2
    assert bench.api.finalizers(SECRET) == []
    assert "Deleted" in bench.events.reasons


async def test_deletion_waits_for_whoever_is_attached_and_goes_on_when_they_leave(bench: Workbench) -> None:
    ref = await created(bench)
    key = only_port_group(bench).key
    vm = bench.vcenter.add(samples.virtual_machine("stranger", nics=[samples.nic(4000, key)]))

    bench.api.delete(PORT_GROUP)
    await bench.run()
    assert bench.vcenter.mutations == []
    assert bench.condition(PORT_GROUP) == ("False", "DeletionBlocked")
    assert "stranger" in bench.message(PORT_GROUP)

    bench.vcenter.remove(vm)
    await bench.run()
    assert ref not in bench.vcenter.port_groups
    assert PORT_GROUP not in bench.api.objects


async def test_somebody_who_attaches_at_the_last_moment_is_not_cut_off(bench: Workbench) -> None:
    await created(bench)
    key = only_port_group(bench).key
    machines = iter([samples.virtual_machine("late", nics=[samples.nic(4000, key)])])

    def attach(_: MoRef) -> None:
        for machine in machines:
            bench.vcenter.add(machine)

    bench.vcenter.after_read = attach
    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert len(bench.vcenter.port_groups) == 1
    assert bench.condition(PORT_GROUP) == ("False", "DeletionBlocked")
    assert "late" in bench.message(PORT_GROUP) or "in use" in bench.message(PORT_GROUP)


async def test_retain_takes_the_mark_away_and_leaves_the_object(bench: Workbench) -> None:
    ref = await created(bench, deletionPolicy="Retain")
    group = only_port_group(bench)
    bench.vcenter.change(ref, description=f"{group.description} kept for Anna")

    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert bench.vcenter.port_groups[ref].description == "kept for Anna"
    assert bench.vcenter.mutations == ["reconfigure_port_group"]
    assert PORT_GROUP not in bench.api.objects
    assert bench.events.reasons[-1] == "Released"


async def test_an_object_without_our_mark_survives_the_deletion_of_its_resource(bench: Workbench) -> None:
    ref = await created(bench)
    bench.vcenter.change(ref, description="")

    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert ref in bench.vcenter.port_groups
    assert bench.vcenter.mutations == []
    assert "ReleasedUnmarked" in bench.events.reasons


async def test_a_resource_that_is_to_adopt_what_does_not_exist_can_be_deleted(bench: Workbench) -> None:
    bench.vcenter.fail_calls["create_port_group"] = [PermissionDenied("lacks DVPortgroup.Create")] * 9
    bench.declare(PORT_GROUP)
    await bench.run()
    bench.api.annotate(PORT_GROUP, adopt="dvportgroup-404")
    await bench.run()
    assert bench.condition(PORT_GROUP) == ("False", "NotFound")

    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert PORT_GROUP not in bench.api.objects


async def test_an_adopted_port_group_that_was_deleted_is_made_anew_although_the_annotation_stays(
    bench: Workbench,
) -> None:
    bench.api.delete(SECRET)
    bench.connect(allowAdoption="true")
    theirs = bench.vcenter.add(samples.port_group("dvportgroup-7"))
    bench.declare(PORT_GROUP, {"nestedhv.io/adopt": theirs.value})
    await bench.ready(PORT_GROUP)
    assert bench.api.status(PORT_GROUP)["deletionPolicy"] == "Retain"

    bench.vcenter.remove(theirs)
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert bench.api.status(PORT_GROUP)["moRef"] != theirs.value
    assert bench.api.status(PORT_GROUP)["deletionPolicy"] == "Delete"


async def test_our_own_port_group_is_recognised_by_its_mark_when_only_its_name_leads_to_it(bench: Workbench) -> None:
    """The index of owners may not know yet what a lost call has made; the mark on the object does."""
    bench.vcenter.lose_answers.add("create_port_group")

    async def knows_nothing(switch: Switch, owner: str) -> list[PortGroup]:
        bench.vcenter.calls.append(f"{owner} on {switch.name}?")
        return []

    bench.vcenter.find_port_group_by_owner = knows_nothing  # type: ignore[method-assign]
    bench.declare(PORT_GROUP)
    await bench.run()
    await bench.after(10)

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert "NameTaken" not in bench.events.reasons
    assert len(bench.vcenter.port_groups) == 1


async def test_a_recreated_resource_takes_its_object_back_with_what_its_mark_remembers(bench: Workbench) -> None:
    bench.vcenter.add(samples.switch("6.5.0", learns=False))
    bench.declare(PORT_GROUP)
    await bench.run()
    ref = only_port_group(bench).ref
    assert bench.api.status(PORT_GROUP)["mode"] == "Promiscuous"
    bench.api.force_finalizers(PORT_GROUP)
    bench.api.delete(PORT_GROUP)
    bench.vcenter.add(samples.switch("8.0.3", learns=True))

    bench.declare(PORT_GROUP)
    await bench.run()
    assert bench.condition(PORT_GROUP) == ("False", "NameTaken")
    bench.api.annotate(PORT_GROUP, adopt=ref.value)
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    status = bench.api.status(PORT_GROUP)
    assert (status["moRef"], status["mode"], status["deletionPolicy"]) == (ref.value, "Promiscuous", "Delete")


async def test_a_host_waits_for_its_port_group_and_is_woken_by_it(bench: Workbench) -> None:
    bench.declare(HOST, networks=[{"name": "lan", "portGroupRef": {"name": "inner"}}])
    await bench.run()
    assert bench.condition(HOST) == ("False", "DependencyNotReady")
    assert bench.vcenter.mutations == []

    bench.declare(PORT_GROUP)
    await bench.run()

    assert bench.condition(HOST) == ("True", "Succeeded")
