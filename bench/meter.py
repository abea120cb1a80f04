"""What something cost: CPU of the operator, its memory, its calls to vCenter and its writes to Kubernetes.

A meter is started, the work is done, and `read` tells the difference. It changes nothing in what it measures.
"""

import os
import urllib.request
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bed.apiserver import ControlPlane
from bed.calls import Calls
from bed.operator_process import OPERATOR_USER, OperatorProcess

__all__ = ["Machine", "Meter", "Usage", "cpu_seconds", "metrics", "rss_mib"]

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """A difference between two moments."""

    cpu_seconds: float
    calls: Mapping[str, int]
    """Calls to vCenter, by method."""
    writes: Mapping[str, int]
    """Requests to Kubernetes that ask for a change, by verb and resource; without Events."""
    events: int
    """Events posted."""
    busy: float
    """The share of the whole machine that was busy, whoever used it."""

    @property
    def own_calls(self) -> dict[str, int]:
        """The calls without those that keep a session alive and deliver its news."""
        return {name: count for name, count in self.calls.items() if name not in {"WaitForUpdatesEx", "CurrentTime"}}


class Meter:
    """Measures from now on; while the operator does not run, from its next start on."""

    def __init__(self, plane: ControlPlane, operator: OperatorProcess, *calls: Calls) -> None:
        self._plane, self._operator, self._calls = plane, operator, calls
        self._cpu = cpu_seconds(operator.pid) if operator.running else 0.0
        self._mark = plane.audit.mark()
        self._machine = Machine()
        for each in calls:
            each.mark()

    def read(self) -> Usage:
        """Tell what was used since the start."""
        busy = self._machine.busy()
        requests = self._plane.audit.requests(since=self._mark, user=OPERATOR_USER)
        writes = [request for request in requests if request.is_write]
        made: Counter[str] = Counter()
        for each in self._calls:
            made.update(each.all())
        return Usage(
            cpu_seconds(self._operator.pid) - self._cpu,
            dict(made),
            dict(Counter(_words(w.verb, w.resource, w.subresource) for w in writes if w.resource != "events")),
            sum(write.resource == "events" for write in writes),
            busy,
        )


class Machine:
    """How busy all CPUs are from now on."""

    def __init__(self) -> None:
        self._idle, self._total = _machine_ticks()

    def busy(self) -> float:
        """Return the share of time in which they were not idle."""
        idle, total = _machine_ticks()
        return 1 - (idle - self._idle) / max(1, total - self._total)


def _machine_ticks() -> tuple[int, int]:
    ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def _words(verb: str, resource: str, subresource: str) -> str:
    return f"{verb} {resource}/{subresource}" if subresource else f"{verb} {resource}"


def cpu_seconds(pid: int) -> float:
    """Return the user and system time that a process has used."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / _TICKS


def rss_mib(pid: int) -> float:
    """Return the resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def metrics(operator: OperatorProcess) -> dict[str, float]:
    """Read the operator's own metrics, summed over their labels."""
    with urllib.request.urlopen(f"{operator.address}/metrics", timeout=30) as response:  # noqa: S310 - loopback
        lines = response.read().decode().splitlines()
    total: Counter[str] = Counter()
    for line in lines:
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            total[name.partition("{")[0]] += float(value)  # type: ignore[assignment] # counts floats as well
    return dict(total)
