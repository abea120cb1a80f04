"""Nothing to do means nothing done: no call but the long poll, no write, for a minute and over a restart.

The lab has a datacenter and an account of its own and is made before all other tests; they run while its minute
passes. What they do to the operator's process starts the minute anew.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from bed.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bed.kube_lab import KubeLab
    from bed.operator_process import OperatorProcess

MINUTE = 60.0


class QuietLab:
    """A lab that is Ready, and since when nothing may have happened to it."""

    def __init__(self, lab: KubeLab, operator: OperatorProcess) -> None:
        self.lab, self._operator = lab, operator
        lab.port_group("inner", vlan={"id": 120})
        lab.port_group("open", nesting={"mode": "Promiscuous"})
        lab.host("running", networks=["inner"], powerState="On")
        lab.host("stopped", networks=["inner"], powerState="Off")
        for made in lab.made:
            made.wait_ready()
        lab.made[2].wait(lambda now: now.status.get("ipAddress"), "an address")
        self.mark()

    def mark(self) -> None:
        """Begin the minute, when a second has passed without a call: the view hears of a new watch after Ready."""
        since = time.monotonic()

        def silent() -> bool:
            nonlocal since
            if self.lab.calls.noise():
                self.lab.calls.mark()
                since = time.monotonic()
            return time.monotonic() - since >= 1

        self.lab.calls.mark()
        wait_for(silent, "a second without a call")
        self.audit = self.lab.plane.audit.mark()
        self.since = time.monotonic()
        self.process = self._operator.pid


@pytest.fixture(scope="session")
def quiet(operator: OperatorProcess, new_lab: Callable[..., KubeLab]) -> Iterator[QuietLab]:
    """The quiet lab of this run."""
    lab = new_lab(datacenter="DC1")
    yield QuietLab(lab, operator)
    lab.close()


def test_a_lab_is_made_that_will_be_left_alone(quiet: QuietLab) -> None:
    assert all(made.read().ready for made in quiet.lab.made)


def test_a_minute_without_work_costs_no_call_and_no_write(quiet: QuietLab, operator: OperatorProcess) -> None:
    if quiet.process != operator.pid:  # restarted by another test: begin again
        quiet.mark()
    wait_for(lambda: time.monotonic() - quiet.since >= MINUTE, "the minute to pass", seconds=MINUTE + 5, interval=0.5)
    assert quiet.lab.calls.noise() == {}
    assert quiet.lab.all_writes(quiet.audit) == []


def test_a_restart_writes_nothing_and_changes_nothing(quiet: QuietLab, operator: OperatorProcess) -> None:
    before = [made.read().document for made in quiet.lab.made]
    quiet.mark()
    operator.kill()
    operator.start()

    def settled(kind: str) -> bool:
        """As many passes as there are objects ended with nothing left to do but the next resync."""
        name = "nested_hyperv_reconcile_total"
        return operator.metric(name, controller=kind, result="requeue_after") >= len(quiet.lab.made) / 2

    for kind in ("NestedPortGroup", "NestedHyperVHost"):
        wait_for(lambda: settled(kind), f"each {kind} to be looked at", detail=operator.tail)  # noqa: B023 - called here
    wait_for(lambda: operator.metric("workqueue_depth", name="reconcile") == 0, "the queue to be empty")

    assert quiet.lab.calls.changes() == {}
    assert quiet.lab.all_writes(quiet.audit) == []
    assert [made.read().document for made in quiet.lab.made] == before
