"""Measures repairs where they happen: in vCenter, by a session that only watches.

The clock starts before the other administrator's call is sent and stops when vCenter pushes the repaired object to the
watcher, so her own call and the push are inside the time. Repaired means: the values are those of before, and the
version is not, so that the change did take place. Nothing that the operator says of itself counts here.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyVmomi import vim

from bed.calls import Calls
from bed.kube_object import KubeObject
from bed.soap import Updates, result_of
from bed.stranger import Stranger
from bed.waiting import NotInTimeError, wait_for
from demo.difference import differing_lines
from demo.drift import Drift
from demo.lab import describe

__all__ = ["Repair", "Watcher", "take"]

_REPAIR_SECONDS = 15.0
_VERSIONS = ("config.configVersion", "config.changeVersion")
_PATHS = {
    vim.dvs.DistributedVirtualPortgroup: ["name", "config.configVersion", "config.defaultPortConfig"],
    vim.VirtualMachine: ["name", "config.changeVersion", "config.nestedHVEnabled"],
}


@dataclass(frozen=True)
class Repair:
    """What was seen of one repair."""

    milliseconds: float
    calls: Mapping[str, int]
    """The operator's calls that may have changed something."""
    changes: Sequence[str]
    """The rows of `status.lastRepair`."""
    event: str
    """The Kubernetes event."""


class Watcher:
    """A session to which vCenter pushes every change of port groups and virtual machines."""

    def __init__(self, session: Stranger) -> None:
        content = session.instance.content
        view = content.viewManager.CreateContainerView(content.rootFolder, list(_PATHS), True)
        self._updates = Updates(session.instance, view, _PATHS)
        self.objects: dict[str, dict[str, Any]] = {}

    def catch_up(self) -> None:
        """Take in everything that has happened."""
        while self._take_in(0):
            pass

    def wait_for_return(self, target: str, before: Mapping[str, Any], *, seconds: float) -> float:
        """Wait until an object is as it was before, in a new version; returns the moment."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._take_in(1)
            moment = time.monotonic()
            for ref, now in self.objects.items():
                is_same_version = ref == target and _version(now) == _version(before)
                if not is_same_version and _values(now) == _values(before):
                    return moment
        if target not in self.objects:
            raise NotInTimeError(f"waited {seconds:g} s for {before['name']} to be there again")
        lines = differing_lines(_values(before), _values(self.objects[target]))
        raise NotInTimeError("\n".join([f"waited {seconds:g} s for {before['name']} to be as it was", *lines]))

    def _take_in(self, seconds: int) -> bool:
        updates = self._updates.wait(seconds)
        if updates is None:
            return False
        for part in updates.filterSet:
            for item in part.objectSet:
                ref = item.obj._moId  # noqa: SLF001 - pyVmomi's name for the id
                if item.kind == "leave":
                    self.objects.pop(ref, None)
                else:
                    self.objects.setdefault(ref, {}).update({change.name: change.val for change in item.changeSet})
        return True


def take(drift: Drift, watcher: Watcher, calls: Calls) -> Repair:
    """Let a drift happen and see it repaired, in vCenter and in Kubernetes."""
    subject = drift.subject
    watcher.catch_up()
    before = dict(watcher.objects[drift.target])
    known_events = len(_events(subject))
    known_repair = subject.read().status.get("lastRepair")
    calls.mark()

    sent = time.monotonic()
    task = drift.send()
    try:
        repaired = watcher.wait_for_return(drift.target, before, seconds=_REPAIR_SECONDS)
    except NotInTimeError as error:
        raise NotInTimeError(f"{error}\n{describe(subject)}") from None
    result_of(task)

    news = subject.wait(
        lambda now: now.ready and now.status.get("lastRepair") != known_repair, "its repair in status", seconds=10.0
    )
    changes = [f"{row['field']}: {row['from']} → {row['to']}" for row in news.status["lastRepair"]["changes"]]
    events = wait_for(lambda: _events(subject)[known_events:], f"an event about the repair of {subject}", seconds=10.0)
    return Repair((repaired - sent) * 1000, calls.changes(), changes, events[-1])


def _events(subject: KubeObject) -> list[str]:
    return [f"{reason}: {note}" for reason, note in subject.events() if reason in {"Repaired", "Recreated"}]


def _values(properties: Mapping[str, Any]) -> dict[str, str]:
    return {path: str(value) for path, value in properties.items() if path not in _VERSIONS}


def _version(properties: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(properties.get(path) for path in _VERSIONS)
