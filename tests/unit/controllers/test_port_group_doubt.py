"""What became of a creation is not known for sure: a lost answer, a process that was killed, a name that is taken."""

import pytest

from nested_hyperv.domain.errors import NameTaken
from nested_hyperv.workqueue import RequeueAfter
from support import vsphere_records as samples
from support.workbench import PORT_GROUP, Workbench

SWITCH = "dvs-lab"


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
