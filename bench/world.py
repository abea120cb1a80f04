"""The parts that are measured, running: a control plane, vCenter twins that take their time, and the operator.

The operator runs as its ServiceAccount with its default settings. vCenter answers a read after 5 ms and ends a task
after 300 ms, for the operator and for the program that it is compared with.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bed.apiserver import ControlPlane
from bed.estate import flags, stock
from bed.kube_lab import KubeLab
from bed.kube_object import PORT_GROUPS
from bed.operator_process import OperatorProcess, install
from bed.twin import Twin
from bench.board import Board
from bench.herd import Herd
from bench.meter import Meter
from bench.peer import Peer

__all__ = [
    "CONNECTIONS",
    "THREADS",
    "Crowd",
    "World",
    "crowd",
    "port_group",
    "realistic",
    "world",
]

_CALL_SECONDS, _TASK_SECONDS = 0.005, 0.3
THREADS = 24
"""As many objects as the operator works on at once for one vCenter: three quarters of its 32 workers."""
CONNECTIONS = 12
"""As many calls as the operator makes at once to one vCenter."""


@dataclass(frozen=True)
class World:
    """What the scenarios share."""

    plane: ControlPlane
    operator: OperatorProcess
    twin: Twin

    def lab(self, name: str, twin: Twin | None = None) -> KubeLab:
        """Make a namespace that is joined to a vCenter, with an account of its own there."""
        return KubeLab(self.plane, twin or self.twin, name=name).open()

    def meter(self, *labs: KubeLab) -> Meter:
        """Measure from now on, with the vCenter calls made for these labs."""
        return Meter(self.plane, self.operator, *(lab.calls for lab in labs))


@contextmanager
def world() -> Iterator[World]:
    """Start everything; stop it at the end."""
    with ControlPlane() as plane, Twin(arguments=flags(1)) as twin:
        install(plane)
        stock(twin, "DC0")
        realistic(twin)
        with OperatorProcess(plane) as operator:
            yield World(plane, operator, twin)


def realistic(twin: Twin) -> None:
    """Let a twin take the time of a vCenter."""
    twin.control.latency(seconds=_CALL_SECONDS, task_seconds=_TASK_SECONDS)


def port_group(number: int) -> dict[str, object]:
    """Return the spec of a NestedPortGroup."""
    return {"distributed": {"datacenter": "DC0", "switch": "DVS0"}, "vlan": {"id": 1 + number % 4094}}


@dataclass(frozen=True)
class Crowd:
    """Many objects of one kind in one lab, and the program that they are compared with."""

    world: World
    lab: KubeLab
    board: Board
    herd: Herd
    peer: Peer

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.board.status)

    def meter(self) -> Meter:
        """Measure what they cost from now on."""
        return self.world.meter(self.lab)


@contextmanager
def crowd(world: World, name: str, plural: str = PORT_GROUPS, twin: Twin | None = None) -> Iterator[Crowd]:
    """Make an empty lab, and follow what comes into it."""
    lab = world.lab(name, twin)
    with Board(lab.api, lab.namespace, plural) as board:
        yield Crowd(world, lab, board, Herd(lab.api, lab.namespace, plural), Peer(lab.twin, THREADS))
