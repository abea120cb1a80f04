"""What a scenario hands back: named figures, each with its unit, its peer in the same run and the bar that we set.

It knows nothing of how they were measured or where they are shown.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.meter import Usage
from bench.peer import Run

__all__ = ["Figure", "busy", "costs", "counts", "percentile"]


@dataclass(frozen=True)
class Figure:
    """One measured value.

    Args:
        scenario: What was done.
        name: What was measured.
        value: The operator's value.
        unit: What it is counted in.
        peer: The value of the plain program in the same run, where there is one.
        bar: What we ask for, in words.
        note: Anything that a reader of the bare number must know.
    """

    scenario: str
    name: str
    value: float
    unit: str
    peer: float | None = None
    bar: str = ""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The operator's value divided by its peer's."""
        return self.value / self.peer if self.peer else None


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def costs(
    scenario: str, objects: int, usage: Usage, *, writes_bar: str = "", peer_cpu: float | None = None
) -> list[Figure]:
    """Tell what each object cost: calls, writes and the operator's CPU."""
    calls, writes = usage.own_calls, usage.writes
    return [
        Figure(
            scenario, "vCenter calls per object", sum(calls.values()) / objects, "calls", note=counts(calls, objects)
        ),
        Figure(
            scenario,
            "Kubernetes writes per object",
            sum(writes.values()) / objects,
            "writes",
            bar=writes_bar,
            note=f"{counts(writes, objects)}; Events apart: {usage.events / objects:.3g}",
        ),
        Figure(scenario, "CPU per object", 1000 * usage.cpu_seconds / objects, "ms", peer=peer_cpu),
    ]


def busy(program: Run, usage: Usage) -> str:
    """Tell how busy the whole machine was: where it is at its end, a rate says little about whoever was measured."""
    return f"all CPUs busy: {usage.busy:.0%}, with the program {program.busy:.0%}"


def counts(tally: Mapping[str, int], objects: int) -> str:
    """Tell a tally for each object, the most frequent first: `CreateDVPortgroup_Task 1, FindChild 2`."""
    ordered = sorted(tally.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {count / objects:.3g}" for name, count in ordered) or "none"
