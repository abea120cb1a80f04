"""Tasks that fail, answers that are lost, writes that are ignored, people who fight back: told, and never hammered."""

from datetime import UTC, datetime

import pytest

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.blame import Author
from nested_hyperv.domain.errors import Blocked, Concurrent, Gone, PermissionDenied, Transient
from nested_hyperv.domain.inventory import TaskState
from nested_hyperv.workqueue import RequeueAfter
from support import vsphere_records as samples
from support.workbench import PORT_GROUP, Workbench


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
    ref = await bench.create(PORT_GROUP)
    bench.vcenter.fail_tasks["reconfigure_port_group"] = [error]

    bench.vcenter.change(ref, vlan=20)
    await bench.run()
    if isinstance(error, Transient):
        outcome = bench.outcomes[PORT_GROUP]
        assert isinstance(outcome, RequeueAfter)
        assert (outcome.failed, outcome.seconds <= 1) == (True, True)
        assert bench.api.writes == [], "most of these pass at once"
        await bench.after(5)
        assert bench.port_group.vlan == 0

    assert bench.condition(PORT_GROUP) == ready


async def test_an_error_that_lasts_is_told(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
    bench.vcenter.fail_tasks["reconfigure_port_group"] = [Transient(Reason.TASK_FAILED, "host busy")] * 8

    bench.vcenter.change(ref, vlan=20)
    await bench.run()
    for _ in range(4):
        await bench.after(60)

    assert bench.condition(PORT_GROUP) == ("False", "Progressing")
    assert bench.condition(PORT_GROUP, "Reconciling") == ("True", "Progressing")
    assert "host busy" in bench.message(PORT_GROUP)


async def test_a_task_that_fails_again_and_again_is_tried_ever_more_rarely(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
    bench.vcenter.fail_tasks["reconfigure_port_group"] = [Transient(Reason.TASK_FAILED, "host busy")] * 1000

    bench.vcenter.change(ref, vlan=20)
    for _ in range(600):
        await bench.after(1)

    assert len(bench.vcenter.mutations) < 15
    assert len(bench.api.writes) <= 2


async def test_repairs_that_fail_are_nobodys_fight(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
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
    ref = await bench.create(PORT_GROUP)
    bench.vcenter.ignores.add("vlan")

    bench.vcenter.change(ref, vlan=20)
    await bench.run()
    for _ in range(5):
        bench.queue.add(PORT_GROUP)
        await bench.run()

    assert bench.vcenter.mutations == ["reconfigure_port_group"]
    assert bench.condition(PORT_GROUP) == ("False", "NotApplied")
    assert "vlan stayed 20 instead of none" in bench.message(PORT_GROUP)
    assert "version of the switch" in bench.message(PORT_GROUP)
    assert "hardware" not in bench.message(PORT_GROUP)
    assert "Repaired" not in bench.events.reasons
    assert "lastRepair" not in bench.api.status(PORT_GROUP)
    assert bench.meter.repairs == []
    assert bench.writes(PORT_GROUP) == ["status"]


async def test_a_later_try_of_what_was_ignored_flips_no_status(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
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
    ref = await bench.create(PORT_GROUP)
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


async def test_a_fight_is_told_with_the_name_of_the_other_and_a_hint_at_tools(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
    bench.vcenter.blamed = Author("LAB\\terraform", datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
    for _ in range(5):
        bench.vcenter.change(ref, mac_management=samples.mac_policy(allow_promiscuous=True))
        await bench.after(30)

    assert bench.api.status(PORT_GROUP)["lastRepair"]["by"] == "LAB\\terraform"
    assert bench.api.status(PORT_GROUP)["lastRepair"]["changedAt"] == "2026-11-23T09:00:00Z"
    assert "LAB\\terraform" in bench.events.entries[-1][2]
    bench.vcenter.change(ref, mac_management=samples.mac_policy(allow_promiscuous=True))
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("False", "Contested")
    assert "LAB\\terraform keeps reverting promiscuous" in bench.message(PORT_GROUP)
    assert "Terraform and Ansible" in bench.message(PORT_GROUP)


async def test_what_is_reverted_before_we_look_was_not_ignored(bench: Workbench) -> None:
    """Somebody writes the same wrong value again before the operator has seen its own repair."""
    ref = await bench.create(PORT_GROUP)
    bench.vcenter.reverted = frozenset({ref})
    bench.vcenter.ignores.add("vlan")
    bench.vcenter.change(ref, vlan=9)
    await bench.work()
    bench.vcenter.push()
    await bench.work()
    bench.vcenter.advance()
    bench.vcenter.ignores.clear()
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert bench.vcenter.mutations == ["reconfigure_port_group"] * 2


async def test_a_repair_is_told_also_when_nobody_can_be_named(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
    bench.vcenter.fail_calls["author"] = [Blocked(Reason.PERMISSION_DENIED, "No events for you.")]

    bench.vcenter.change(ref, vlan=9)
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert "by" not in bench.api.status(PORT_GROUP)["lastRepair"]


async def test_passes_over_a_contested_object_write_nothing_while_nothing_changes(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
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
    ref = await bench.create(PORT_GROUP)
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
    assert bench.port_group.vlan == 120


async def test_a_contested_object_can_be_deleted_at_once(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
    for vlan in range(20, 26):
        bench.vcenter.change(ref, vlan=vlan)
        await bench.after(10)

    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert PORT_GROUP not in bench.api.objects
    assert bench.vcenter.port_groups == {}


async def test_news_survive_a_status_write_that_was_refused(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
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
    ref = await bench.create(PORT_GROUP)
    bench.vcenter.change(ref, vlan=20)
    bench.vcenter.push()
    await bench.work()  # the task runs
    bench.vcenter.fail_calls["read_port_group"] = [Transient(Reason.PROGRESSING, "the connection broke")]

    await bench.run()
    await bench.after(5)

    assert bench.api.status(PORT_GROUP)["lastRepair"]["changes"][0]["field"] == "vlan"
    assert bench.meter.repairs == [("NestedPortGroup", "vlan")]


async def test_a_task_that_vcenter_forgot_is_not_waited_for(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
    bench.vcenter.holding = True
    bench.vcenter.change(ref, vlan=20)
    await bench.run()
    pending = bench.memories.tasks()
    assert len(pending) == 1

    bench.vcenter.restart()
    bench.vcenter.holding = False
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert bench.port_group.vlan == 0
    assert bench.vcenter.task(*pending).state is TaskState.LOST  # type: ignore[union-attr]


async def test_an_object_that_waits_for_a_push_has_a_belt(bench: Workbench) -> None:
    await bench.create(PORT_GROUP)
    bench.start()
    await bench.work()  # nothing has been pushed

    outcome = bench.outcomes[PORT_GROUP]

    assert isinstance(outcome, RequeueAfter)
    assert outcome.seconds <= 300


async def test_an_object_without_our_mark_survives_the_deletion_of_its_resource(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
    bench.vcenter.change(ref, description="")

    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert ref in bench.vcenter.port_groups
    assert bench.vcenter.mutations == []
    assert "ReleasedUnmarked" in bench.events.reasons
