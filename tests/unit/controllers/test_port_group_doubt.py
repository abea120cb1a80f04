"""What became of a creation is not known for sure: a lost answer, a process that was killed, a name that is taken."""

from dataclasses import replace

import pytest

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Blocked, NameTaken, PermissionDenied, Transient
from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.domain.resource import ObjectKey
from nested_hyperv.workqueue import RequeueAfter
from support import vsphere_records as samples
from support.workbench import PORT_GROUP, Workbench

SWITCH = "dvs-lab"


# --- a deletion while a creation is under way -------------------------------------------------------------------------


async def in_flight(bench: Workbench) -> None:
    """The creation was sent, and this process does not know of its task."""
    bench.vcenter.holding = True
    bench.declare(PORT_GROUP)
    await bench.run()
    assert bench.vcenter.mutations == ["create_port_group"]
    assert bench.api.status(PORT_GROUP)["vCenter"]
    assert "moRef" not in bench.api.status(PORT_GROUP)
    bench.start()


def gone(bench: Workbench) -> None:
    assert PORT_GROUP not in bench.api.objects
    assert bench.vcenter.port_groups == {}
    assert bench.events.reasons[-1] == "Deleted"


async def test_what_a_killed_process_was_creating_is_waited_for_and_destroyed(bench: Workbench) -> None:
    await in_flight(bench)
    bench.api.delete(PORT_GROUP)
    await bench.run()
    assert PORT_GROUP in bench.api.objects
    assert "running creation" in bench.message(PORT_GROUP)
    bench.forget_log()

    bench.vcenter.holding = False
    await bench.run()

    assert bench.vcenter.mutations == ["destroy"], "the end of the task wakes us"
    gone(bench)


async def test_what_a_call_without_an_answer_was_creating_is_waited_for_and_destroyed(bench: Workbench) -> None:
    bench.vcenter.lose_answers.add("create_port_group")
    bench.vcenter.holding = True
    bench.declare(PORT_GROUP)
    await bench.work()
    bench.api.delete(PORT_GROUP)
    await bench.run()
    await bench.after(60)
    assert PORT_GROUP in bench.api.objects

    bench.vcenter.holding = False
    await bench.run()

    assert bench.vcenter.mutations == ["create_port_group", "destroy"]
    gone(bench)


@pytest.mark.parametrize("name", ["inner", "renamed"])
async def test_what_the_index_of_owners_lacks_is_found_by_its_name_or_by_reading_all_marks(
    bench: Workbench, name: str
) -> None:
    """Another resource had the index built before the creation was done: it lacks the port group from then on."""
    await in_flight(bench)
    bench.vcenter.holding = False
    bench.vcenter.advance()
    bench.vcenter.change(bench.port_group.ref, name=name)
    bench.vcenter.not_indexed.add(bench.port_group.ref)
    bench.forget_log()

    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert bench.vcenter.mutations == ["destroy"]
    gone(bench)


async def test_a_creation_that_ends_while_it_is_looked_for_is_found(bench: Workbench) -> None:
    await in_flight(bench)
    bench.api.delete(PORT_GROUP)
    original = bench.vcenter.running_creations

    async def ends_just_then() -> list[MoRef]:
        bench.vcenter.holding = False
        bench.vcenter.advance()
        return await original()

    bench.vcenter.running_creations = ends_just_then  # type: ignore[method-assign]
    await bench.run()

    gone(bench)


async def test_what_is_being_created_keeps_the_deletion_though_its_switch_has_another_name(bench: Workbench) -> None:
    """Found nowhere while it is made; once it is there, a switch that is not found keeps the resource."""
    await in_flight(bench)
    bench.vcenter.change(samples.SWITCH, name="renamed", path="/dc1/network/renamed")
    bench.api.delete(PORT_GROUP)
    await bench.run()
    await bench.after(30)
    assert PORT_GROUP in bench.api.objects
    assert "running creation" in bench.message(PORT_GROUP)

    bench.vcenter.holding = False
    await bench.run()
    assert bench.condition(PORT_GROUP) == ("False", "DeletionBlocked")
    bench.vcenter.change(samples.SWITCH, name=SWITCH, path="/dc1/network/dvs-lab")
    await bench.after(301)

    gone(bench)


async def test_what_was_created_on_a_switch_whose_name_another_has_got_keeps_the_resource(bench: Workbench) -> None:
    await in_flight(bench)
    bench.vcenter.change(samples.SWITCH, name="renamed", path="/dc1/network/renamed")
    another = bench.vcenter.add(replace(samples.switch(), ref=MoRef(samples.SWITCH.type, "dvs-2")))
    bench.api.delete(PORT_GROUP)
    await bench.run()
    assert PORT_GROUP in bench.api.objects
    bench.vcenter.holding = False
    await bench.run()
    assert bench.condition(PORT_GROUP) == ("False", "DeletionBlocked")
    assert "on another switch" in bench.message(PORT_GROUP)

    bench.vcenter.remove(another)
    bench.vcenter.change(samples.SWITCH, name=SWITCH, path="/dc1/network/dvs-lab")
    await bench.after(301)

    gone(bench)


async def test_a_switch_that_is_gone_keeps_nobody_when_nothing_is_being_created(bench: Workbench) -> None:
    await in_flight(bench)
    bench.vcenter.restart()
    bench.vcenter.remove(samples.SWITCH)

    bench.api.delete(PORT_GROUP)
    await bench.run()

    gone(bench)


async def test_without_doubt_a_switch_that_is_gone_costs_no_look_at_tasks(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
    bench.vcenter.remove(ref)
    bench.vcenter.remove(samples.SWITCH)

    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert "running_creations" not in bench.vcenter.calls
    gone(bench)


async def test_what_was_to_be_created_again_when_the_process_was_killed_is_destroyed(bench: Workbench) -> None:
    """Status names the port group that is gone: nothing in it tells of the one that is on its way."""
    bench.vcenter.remove(await bench.create(PORT_GROUP))
    bench.vcenter.holding = True
    await bench.run()
    assert bench.vcenter.mutations == ["create_port_group"]
    bench.start()
    bench.api.delete(PORT_GROUP)
    await bench.run()
    bench.vcenter.holding = False
    await bench.run()

    assert bench.vcenter.mutations == ["create_port_group", "destroy"]
    gone(bench)


async def test_a_creation_that_came_to_nothing_lets_the_resource_go(bench: Workbench) -> None:
    await in_flight(bench)
    bench.vcenter.fail_tasks["create_port_group"] = [Transient(Reason.TASK_FAILED, "host busy")]
    bench.api.delete(PORT_GROUP)
    await bench.run()

    bench.vcenter.holding = False
    await bench.run()

    gone(bench)


@pytest.mark.parametrize("holder", ["a stranger", "NSX"])
async def test_who_has_the_name_and_not_our_mark_is_left_alone_and_keeps_nobody(bench: Workbench, holder: str) -> None:
    await in_flight(bench)
    bench.vcenter.restart()
    if holder == "NSX":
        bench.vcenter.fail_calls["find_port_group_by_name"] = [Blocked(Reason.NSX_MANAGED, "a network of NSX")]
    else:
        bench.vcenter.add(samples.port_group("inner"))

    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert PORT_GROUP not in bench.api.objects
    assert len(bench.vcenter.port_groups) == (holder == "a stranger")
    assert bench.vcenter.mutations == ["create_port_group"]


async def test_the_creation_of_another_resource_keeps_no_deletion_waiting(bench: Workbench) -> None:
    await in_flight(bench)
    bench.vcenter.restart()
    other = ObjectKey(PORT_GROUP.kind, "lab", "other")
    bench.declare(other, name="other")
    await bench.work(lambda: bench.vcenter.mutations == ["create_port_group"] * 2)

    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert PORT_GROUP not in bench.api.objects


@pytest.mark.parametrize("restarted", [False, True])
async def test_without_doubt_a_deletion_makes_no_more_calls(bench: Workbench, restarted: bool) -> None:
    await bench.create(PORT_GROUP)
    if restarted:
        bench.start()
        await bench.ready(PORT_GROUP)
        bench.forget_log()

    bench.api.delete(PORT_GROUP)
    await bench.run()

    looks = ["find_switch", "read_port_group"]
    assert bench.vcenter.calls == [*looks, "destroy", *looks, "find_port_group_by_owner"]
    gone(bench)


async def test_without_doubt_a_deletion_right_after_a_restart_makes_no_more_calls(bench: Workbench) -> None:
    await bench.create(PORT_GROUP)
    bench.api.delete(PORT_GROUP)
    bench.start()
    await bench.run()

    looks = ["find_switch", "read_port_group"]
    assert bench.vcenter.calls == [*looks, "destroy", *looks, "find_port_group_by_owner"]
    gone(bench)


async def test_a_creation_that_is_denied_while_the_resource_is_deleted_does_not_block_that(bench: Workbench) -> None:
    bench.vcenter.holding = True
    bench.declare(PORT_GROUP)
    await bench.run()
    bench.vcenter.fail_tasks["create_port_group"] = [PermissionDenied("lacks DVPortgroup.Create")]
    bench.api.delete(PORT_GROUP)
    await bench.run()

    bench.vcenter.holding = False
    await bench.run()
    await bench.after(5)

    gone(bench)
    assert "DeletionBlocked" not in bench.events.reasons


# --- a name that is taken ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [SWITCH, "DVS-Lab", "THEIRS"])
async def test_a_name_that_no_look_finds_and_vsphere_refuses_is_told_as_taken(bench: Workbench, name: str) -> None:
    """DuplicateName: whatever its case, and whether a port group or a switch has it (docs/twin.md)."""
    bench.vcenter.add(samples.port_group("theirs"))
    bench.declare(PORT_GROUP, name=name)

    await bench.run()
    assert bench.vcenter.mutations == ["create_port_group"]
    assert bench.condition(PORT_GROUP) == ("False", "Progressing"), "perhaps it was our own: looked for first"
    await bench.after(5)

    assert bench.vcenter.mutations == ["create_port_group"] * 2
    assert bench.condition(PORT_GROUP) == ("False", "NameTaken")
    assert bench.condition(PORT_GROUP, "Stalled") == ("True", "NameTaken")
    outcome = bench.outcomes[PORT_GROUP]
    assert isinstance(outcome, RequeueAfter)
    assert 240 <= outcome.seconds <= 300


async def test_a_name_that_stays_taken_is_tried_every_five_minutes_without_a_word(bench: Workbench) -> None:
    bench.declare(PORT_GROUP, name=SWITCH)
    await bench.run()
    await bench.after(5)
    assert bench.condition(PORT_GROUP) == ("False", "NameTaken")
    bench.forget_log()

    for _ in range(3):
        await bench.after(301)

    assert bench.vcenter.mutations == ["create_port_group"] * 3
    assert bench.api.writes == []
    assert bench.events.entries == []


async def test_a_name_that_becomes_free_is_used(bench: Workbench) -> None:
    theirs = bench.vcenter.add(samples.port_group("INNER"))
    bench.declare(PORT_GROUP)
    await bench.run()
    await bench.after(5)
    assert bench.condition(PORT_GROUP) == ("False", "NameTaken")

    bench.vcenter.remove(theirs)
    await bench.after(301)

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert bench.condition(PORT_GROUP, "Stalled") is None


async def test_a_call_that_is_refused_at_once_has_its_name_looked_for_like_a_task(bench: Workbench) -> None:
    bench.vcenter.fail_calls["create_port_group"] = [NameTaken("The name inner is taken.")]
    bench.declare(PORT_GROUP)
    await bench.run()
    await bench.after(5)
    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert "NameTaken" not in bench.events.reasons


@pytest.mark.parametrize("by", ["a new spec", "a request"])
async def test_who_asks_again_has_the_first_refusal_looked_at_again(bench: Workbench, by: str) -> None:
    bench.vcenter.fail_tasks["create_port_group"] = [NameTaken("The name inner is taken.") for _ in range(3)]
    bench.declare(PORT_GROUP)
    await bench.run()
    await bench.after(5)
    assert bench.condition(PORT_GROUP) == ("False", "NameTaken")

    if by == "a new spec":
        bench.api.edit(PORT_GROUP, vlan={"id": 120})
    else:
        bench.api.annotate(PORT_GROUP, reconcile_requested_at="now")
    await bench.run()
    assert bench.condition(PORT_GROUP) == ("False", "Progressing")
    await bench.after(5)

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")


async def test_a_refusal_before_a_lost_answer_says_nothing_of_the_one_after_it(bench: Workbench) -> None:
    """Refused by a stranger who leaves, then made in a call whose answer was lost: the next refusal is by our own."""
    bench.vcenter.fail_tasks["create_port_group"] = [NameTaken("The name inner is taken.")]
    bench.declare(PORT_GROUP)
    await bench.run()
    bench.vcenter.holding = True
    bench.vcenter.lose_answers.add("create_port_group")
    await bench.after(5)
    await bench.after(10)
    bench.vcenter.holding = False
    await bench.run()
    await bench.after(30)

    assert bench.vcenter.mutations == ["create_port_group"] * 3
    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert "NameTaken" not in bench.events.reasons


async def test_a_creation_that_is_refused_again_keeps_no_deletion_waiting(bench: Workbench) -> None:
    bench.declare(PORT_GROUP, name=SWITCH)
    await bench.run()
    bench.vcenter.holding = True
    await bench.after(5)
    bench.api.delete(PORT_GROUP)
    await bench.run()
    bench.vcenter.holding = False
    await bench.run()
    await bench.after(5)

    assert PORT_GROUP not in bench.api.objects
    assert "DeletionBlocked" not in bench.events.reasons


async def test_a_stranger_under_the_name_of_what_was_destroyed_is_looked_at_once(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)

    bench.vcenter.remove(ref)
    theirs = bench.vcenter.add(samples.port_group("inner"))
    await bench.run()
    assert bench.condition(PORT_GROUP) == ("False", "NameTaken")
    bench.vcenter.remove(theirs)
    await bench.run()

    assert bench.vcenter.mutations == ["create_port_group"], "watched, so its end wakes us"
    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
