"""What this process remembers of an object between two passes, and may lose at any moment.

Nothing here is needed for correctness: after a crash the next pass finds the same out from status, the mark and
vSphere. It saves calls, and it says whether a difference is news.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nested_hyperv.api.conditions import ConditionType
from nested_hyperv.api.portgroup import HostClaim
from nested_hyperv.domain.contention import Contention
from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.domain.portgroup.ledger import read_ledger

from .lanes import Lane

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nested_hyperv.api.common import LastRepair
    from nested_hyperv.domain.inventory import Change
    from nested_hyperv.domain.plan import Action
    from nested_hyperv.domain.portgroup.looks import Look
    from nested_hyperv.domain.resource import ObjectKey, Resource

__all__ = ["Memories", "Memory", "NotApplied", "Pending"]


@dataclass(frozen=True, slots=True)
class Pending:
    """A task that was started for an object. ``action`` is ``None`` if an earlier process started it.

    ``followed`` is false until the task is watched, and again once the connection was let go: nobody would wake the
    object at the end of it.
    """

    task: MoRef
    action: Action | None
    repair: bool
    followed: bool = True


@dataclass(frozen=True, slots=True)
class NotApplied:
    """Changes that vSphere accepted and did not make; not tried again before ``until`` (monotonic seconds)."""

    generation: int
    changes: frozenset[Change]
    until: float


@dataclass(slots=True)
class Memory:
    """The memory of one object, identified by its uid: a namesake starts with none.

    ``known`` is the object in vSphere as the last pass found it, ahead of a status that is not written yet.
    ``made`` is the object that its own creation returned, until it has been equal to the spec once.
    ``settled``: vSphere was equal to this generation of the spec, so a difference is drift and not work in progress.
    ``in_doubt``: a creation may be in flight that this process does not know of (a restart, a broken connection).
    ``name_refused``: the last creation was refused because its name is taken, perhaps by what we had made ourselves.
    ``look``: the last look at the ports of a distributed port group.
    ``asked_at``: when the guest was asked to shut down (monotonic seconds).
    ``networkless``: how often in a row vCenter had no network of the name of a standard port group.
    ``settled_hosts`` says the same of single hosts, ``lanes`` what was tried on them.
    ``rival`` is who made the last change that was taken back, if vCenter tells.
    ``connection`` is the queue key of the Secret it uses, which has to hear when the object is gone.
    """

    uid: str
    generation: int
    in_doubt: bool
    settled: bool
    connection: ObjectKey | None = None
    pending: Pending | None = None
    known: MoRef | None = None
    made: MoRef | None = None
    last_repair: LastRepair | None = None
    rival: str | None = None
    asked_at: float | None = None
    not_applied: NotApplied | None = None
    name_refused: bool = False
    contention: Contention = field(default_factory=Contention)
    drift_since: dict[tuple[str, str | None], datetime] = field(default_factory=dict)
    failures: int = 0
    look: Look | None = None
    lanes: dict[MoRef, Lane] = field(default_factory=dict)
    settled_hosts: set[MoRef] = field(default_factory=set)
    networkless: int = 0

    def lane(self, host: MoRef) -> Lane:
        """Return what is remembered of a host, from now on."""
        return self.lanes.setdefault(host, Lane())

    def spec_changed(self, generation: int) -> None:
        """Start afresh on a new spec: old fights and old refusals say nothing about it."""
        self.generation = generation
        self.settled = False
        self.settled_hosts.clear()
        self.asked_at = None
        self.try_again()

    def try_again(self) -> None:
        """Do again what was held back because it was in vain."""
        self.not_applied = None
        self.name_refused = False
        self.failures = 0
        self.contention.reset()
        for lane in self.lanes.values():
            lane.try_again()

    def let_go(self) -> None:
        """The connection is not held any more: what it would have told has to be asked for."""
        if self.pending is not None:
            self.pending = replace(self.pending, followed=False)

    def moved(self) -> None:
        """Forget what was in another vCenter: its references mean something else here."""
        self.known = None
        self.made = None
        self.pending = None
        self.look = None
        self.name_refused = False
        self.settled = False
        self.settled_hosts.clear()
        self.lanes.clear()


class Memories:
    """The memories of all objects."""

    def __init__(self) -> None:
        self._memories: dict[ObjectKey, Memory] = {}

    def of(self, resource: Resource) -> Memory:
        """Return the memory of an object; a new one if its uid is new."""
        memory = self._memories.get(resource.key)
        if memory is None or memory.uid != resource.uid:
            memory = _first_sight(resource)
            self._memories[resource.key] = memory
        if memory.generation != resource.generation:
            memory.spec_changed(resource.generation)
        return memory

    def forget(self, key: ObjectKey) -> Memory | None:
        """Drop the memory of an object that is gone, and return it."""
        return self._memories.pop(key, None)

    def tasks(self) -> frozenset[MoRef]:
        """Every task that some object is waiting for."""
        return frozenset(m.pending.task for m in self._memories.values() if m.pending is not None)


def _first_sight(resource: Resource) -> Memory:
    """What status tells a process that has just started."""
    status = resource.status
    in_doubt = bool(status.get("vCenter")) and not status.get("moRef")
    conditions: Iterable[Mapping[str, Any]] = status.get("conditions", ())
    nothing: Mapping[str, Any] = {}
    synced = next((c for c in conditions if c.get("type") == ConditionType.SYNCED.value), nothing)
    memory = Memory(
        uid=resource.uid,
        generation=resource.generation,
        in_doubt=in_doubt,
        settled=synced.get("status") == "True" and synced.get("observedGeneration") == resource.generation,
        drift_since={
            (row["field"], row.get("host")): datetime.fromisoformat(row["since"])
            for row in status.get("drift", ())
            if row.get("since")
        },
        settled_hosts={
            MoRef("HostSystem", row["moRef"])
            for row in status.get("hosts", ())
            if row.get("ready") and status.get("observedGeneration") == resource.generation
        },
    )
    for host, entry in read_ledger(status.get("hosts", ())).items():
        if entry.claim is HostClaim.CLAIMING:
            # The process before may have ended between this entry and the answer to the call that it is about.
            memory.lane(host).doubt()
    if status.get("task"):
        memory.pending = Pending(MoRef("Task", status["task"]), None, repair=False, followed=False)
    return memory
