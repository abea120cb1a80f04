"""What vCenter has recorded about an object: events, or the tasks of a host, as records. Blocking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyVmomi import vim, vmodl

from nested_hyperv.domain.blame import HistoryEntry
from nested_hyperv.vsphere.collector import read_many
from nested_hyperv.vsphere.lookup import children

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from nested_hyperv.domain.inventory import MoRef
    from nested_hyperv.vsphere.session import Session

__all__ = ["HostTasks", "history_of"]

#: Kinds of events that can be the cause of a drift, by the type of the object.
_KINDS: Final = {
    "DistributedVirtualPortgroup": ("DVPortgroupReconfiguredEvent", "DVPortgroupRenamedEvent"),
    # Of a port group that was deleted, only its switch can still be asked.
    "VmwareDistributedVirtualSwitch": ("DVPortgroupDestroyedEvent",),
    "DistributedVirtualSwitch": ("DVPortgroupDestroyedEvent",),
    "VirtualMachine": (
        "VmReconfiguredEvent",
        "VmRenamedEvent",
        "VmPoweredOnEvent",
        "VmPoweredOffEvent",
        "VmGuestShutdownEvent",
    ),
}
_NETWORK_METHODS: Final = "host.NetworkSystem."
_TASK_PATHS: Final = ("info.descriptionId", "info.queueTime", "info.reason", "info.startTime", "info.state")
_ENDED: Final = ("success", "error")
#: As many of the newest as are asked for: somebody who changes an object more often than that between two repairs is
#: found by one of them all the same.
_MOST: Final = 20


def history_of(session: Session, ref: MoRef) -> tuple[HistoryEntry, ...]:
    """Return the newest events of somebody having changed an object; none for objects that have no such events."""
    kinds = _KINDS.get(ref.type)
    manager = session.content.eventManager
    if kinds is None or manager is None:
        return ()
    entity = vim.event.EventFilterSpec.ByEntity(entity=session.object(ref), recursion="self")
    # Without the full message: the server would format each event for people.
    spec = vim.event.EventFilterSpec(entity=entity, eventTypeId=list(kinds), maxCount=_MOST, disableFullMessage=True)
    try:
        events = manager.QueryEvents(spec)
    except vmodl.fault.ManagedObjectNotFound:
        return ()
    return tuple(_entry(event) for event in events or ())


def _entry(event: Any) -> HistoryEntry:
    changed = getattr(event, "configChanges", None)
    parts = (changed.modified, changed.added, changed.deleted) if changed is not None else ()
    names = [getattr(event, "oldName", None), getattr(event, "newName", None)]
    if isinstance(event, vim.event.DVPortgroupDestroyedEvent) and event.net is not None:
        names.append(event.net.name)
    text = " ".join(part for part in (*parts, *names) if part)
    return HistoryEntry(key=event.key, user=event.userName or "", time=event.createdTime, text=text)


class HostTasks:
    """Who changed the networks of hosts lately. No event tells that; the tasks of a host do, for 10 minutes.

    A task says which method was called and not for which port group. What an ended one says does not change any more,
    so each is read once: when many port groups of a host are repaired, each asks, and each leaves one task more.
    """

    def __init__(self) -> None:
        self._session: Session | None = None
        self._ended: dict[MoRef, dict[MoRef, tuple[datetime, str] | None]] = {}

    def history(self, session: Session, host: MoRef) -> tuple[HistoryEntry, ...]:
        """Return the changes of the networks of a host, oldest first."""
        if session is not self._session:
            # A vCenter that was restored from a backup may count its tasks from an older number on.
            self._session, self._ended = session, {}
        ended = self._ended.get(host, {})
        recent = children(session, host, "recentTask")
        known = {ref: ended[ref] for ref in recent if ref in ended}
        changes = [change for change in known.values() if change is not None]
        for item in read_many(session, [ref for ref in recent if ref not in ended], _TASK_PATHS):
            change = _network_change(item.properties)
            if change is not None:
                changes.append(change)
            if item.properties.get("info.state") in _ENDED:
                known[item.ref] = change
        self._ended[host] = known
        return tuple(HistoryEntry(key, user, time, "") for key, (time, user) in enumerate(sorted(changes)))


def _network_change(info: Mapping[str, Any]) -> tuple[datetime, str] | None:
    reason = info.get("info.reason")
    time: datetime | None = info.get("info.startTime") or info.get("info.queueTime")
    if time is None or not (info.get("info.descriptionId") or "").startswith(_NETWORK_METHODS):
        return None
    return (time, reason.userName) if isinstance(reason, vim.TaskReasonUser) else None
