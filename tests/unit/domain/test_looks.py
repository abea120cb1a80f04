"""When the ports of a port group are looked at: after news and a moment of quiet, and when the last look is old."""

import pytest

from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.domain.portgroup.looks import Look, State, after, due_in
from nested_hyperv.domain.portgroup.overrides import PortUse

A: State = ("1", (MoRef("VirtualMachine", "vm-1"),), 0)
B: State = ("2", A[1], 0)
LOOK = Look(PortUse(used=1, machines=1), A, at=100.0)


def test_a_look_lasts_about_as_long_as_a_resync() -> None:
    assert due_in(LOOK, 100, share=0) == 1980
    assert due_in(LOOK, 100, share=1) == 1584
    assert due_in(LOOK, 2080, share=0) == 0
    assert due_in(LOOK, 9999, share=0.5) == 0


def test_the_same_state_is_no_news() -> None:
    assert after(LOOK, A, 200) is LOOK


def test_machines_that_come_or_go_are_looked_at_at_once() -> None:
    assert due_in(after(LOOK, ("1", (*A[1], MoRef("VirtualMachine", "vm-2")), 0), 200), 200, share=0) == 0


@pytest.mark.parametrize("state", [B, ("1", A[1], 1)], ids=["configuration", "single ports"])
def test_what_was_changed_waits_for_a_moment_of_quiet(state: State) -> None:
    changed = after(LOOK, state, 200)

    assert due_in(changed, 200, share=0) == 0.5
    assert due_in(after(changed, state, 200.4), 200.4, share=0) < 0.11
    assert due_in(changed, 200.5, share=0) == 0
    assert due_in(changed, 200.495, share=0) == 0, "a clock may be a little early"


def test_further_news_prolong_the_wait() -> None:
    changed = after(after(LOOK, B, 200), A, 200.4)

    assert due_in(changed, 200.4, share=0) == 0.5, "back to what was seen is news, too: a port may be another one"


def test_nobody_waits_for_ever() -> None:
    look = LOOK
    for tenths in range(2000, 2051, 3):
        look = after(look, (str(tenths), A[1], 0), tenths / 10)

    assert due_in(look, 205.0, share=0) == 0
