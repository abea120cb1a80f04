"""What vCenter has recorded about an object: events, or the tasks of a host, as records. Blocking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyVmomi import vim, vmodl

from nested_hyperv.domain.blame import HistoryEntry
from nested_hyperv.vsphere.collector import read_many
from nested_hyperv.vsphere.lookup import children

if TYPE_CHECKING:
    from nested_hyperv.domain.inventory import MoRef
    from nested_hyperv.vsphere.session import Session

__all__ = ["history_of", "host_history"]

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


def host_history(session: Session, host: MoRef) -> tuple[HistoryEntry, ...]:
    """Return who changed the networks of a host lately. No event tells that; the tasks of the host do, for 10 minutes.

    A task says which method was called and not for which port group.
    """
    tasks = read_many(session, children(session, host, "recentTask"), ["info"])
    infos = [item.properties["info"] for item in tasks if item.properties.get("info") is not None]
    ours = [info for info in infos if (info.descriptionId or "").startswith(_NETWORK_METHODS)]
    ours.sort(key=lambda info: info.startTime or info.queueTime)
    return tuple(
        HistoryEntry(key, info.reason.userName, info.startTime or info.queueTime, "")
        for key, info in enumerate(ours)
        if isinstance(info.reason, vim.TaskReasonUser)
    )
