"""One vCenter of three answers nothing any more: what the other two notice of it.

Its process is stopped, so connections are still accepted and then stay silent, which is the worst kind of outage. Every
object on it is changed, so that the operator has as much work there as it can have.
"""

import os
import signal
from contextlib import ExitStack

from bed.estate import flags, stock
from bed.twin import Twin
from bench.create import fill
from bench.drift import repair_seconds
from bench.figures import Figure, percentile
from bench.world import Crowd, World, crowd, realistic

__all__ = ["black_hole"]

_OBJECTS, _ROUNDS = 60, 20


def black_hole(world: World) -> list[Figure]:
    """Measure repairs on two vCenters, then again while the third is silent."""
    with ExitStack() as stack:
        crowds = []
        for number, name in enumerate(("first", "second", "third")):
            twin = stack.enter_context(Twin(arguments=flags(1))) if number else world.twin
            if number:
                stock(twin, "DC0")
                realistic(twin)
            crowds.append(stack.enter_context(crowd(world, name, twin=twin)))
            fill(crowds[-1], _OBJECTS)
        before = _repairs(crowds[:2])
        dead = crowds[2]
        os.kill(dead.lab.twin.pid, signal.SIGSTOP)
        try:
            dead.herd.patch(list(dead.board.status), {"vlan": {"id": 4000}})
            during = _repairs(crowds[:2])
        finally:
            os.kill(dead.lab.twin.pid, signal.SIGCONT)
    scenario = "one silent vCenter of three"
    note = f"{len(during)} repairs on the other two, {_OBJECTS} objects wait on the third; compared with before"
    return [
        Figure(
            scenario,
            f"p{p} of a repair elsewhere",
            percentile(during, p) * 1000,
            "ms",
            peer=percentile(before, p) * 1000,
            bar="≤ 1.1",
            note=note,
        )
        for p in (50, 90)
    ]


def _repairs(crowds: list[Crowd]) -> list[float]:
    out = []
    for each in crowds:
        out += repair_seconds(each.lab.twin, list(each.board.mo_refs.values())[:_ROUNDS])
    return out
