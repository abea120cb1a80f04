"""What is the same for every kind of object: its tasks, and ``Destroy_Task``. Blocking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyVmomi import vim, vmodl

from nested_hyperv.domain.inventory import MoRef, Task, TaskState
from nested_hyperv.vsphere.collector import read, read_many
from nested_hyperv.vsphere.lookup import children
from nested_hyperv.vsphere.projection import paths_of, record_of
from nested_hyperv.vsphere.refs import moref

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nested_hyperv.vsphere.session import Session

__all__ = ["destroy", "read_task", "running"]

#: Not the whole of ``info``: it carries arguments and results, and a busy switch has 200 recent tasks.
_RUNNING_PATHS: Final = ("info.descriptionId", "info.reason", "info.state")


def read_task(session: Session, ref: MoRef) -> Task:
    """Read a task; one that the server does not know (any more) is ``lost``."""
    try:
        found = read(session, ref, paths_of("Task", session.version))
    except vmodl.fault.ManagedObjectNotFound:
        return Task(ref, TaskState.LOST)
    return record_of(Task, ref, found.properties, session.about.name)


def running(session: Session, entity: MoRef | None, wanted: Callable[[str], bool]) -> list[MoRef]:
    """Return tasks on an object (``None``: on any) that our user started and that run, by their ``descriptionId``.

    A task is in ``recentTask`` of its entity, and of the TaskManager, from its start to ten minutes after its end (API
    reference, ManagedEntity.recentTask and TaskManager.recentTask; docs/twin.md). Of those that have ended the
    TaskManager shows the last 200, and only tasks on what our account can see.
    """
    where = entity or moref(session.content.taskManager)
    found = read_many(session, children(session, where, "recentTask"), _RUNNING_PATHS)
    ours = [item for item in found if _runs_for(item.properties, session.about.user)]
    return [item.ref for item in ours if wanted(item.properties["info.descriptionId"])]


def _runs_for(info: Mapping[str, Any], user: str) -> bool:
    reason = info.get("info.reason")
    return (
        info.get("info.state") in ("queued", "running")
        and isinstance(reason, vim.TaskReasonUser)
        and reason.userName.casefold() == user.casefold()
    )


def destroy(session: Session, ref: MoRef) -> MoRef:
    """Start the removal of a managed entity: from the inventory, and a VM from its datastore too."""
    return moref(session.object(ref).Destroy_Task())
