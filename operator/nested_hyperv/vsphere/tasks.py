"""What is the same for every kind of object: reading a task once, and ``Destroy_Task``. Blocking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyVmomi import vmodl

from nested_hyperv.domain.inventory import MoRef, Task, TaskState
from nested_hyperv.vsphere.collector import read
from nested_hyperv.vsphere.projection import paths_of, record_of
from nested_hyperv.vsphere.refs import moref

if TYPE_CHECKING:
    from nested_hyperv.vsphere.session import Session

__all__ = ["destroy", "read_task"]


def read_task(session: Session, ref: MoRef) -> Task:
    """Read a task; one that the server does not know (any more) is ``lost``."""
    try:
        found = read(session, ref, paths_of("Task", session.version))
    except vmodl.fault.ManagedObjectNotFound:
        return Task(ref, TaskState.LOST)
    return record_of(Task, ref, found.properties, session.about.name)


def destroy(session: Session, ref: MoRef) -> MoRef:
    """Start the removal of a managed entity: from the inventory, and a VM from its datastore too."""
    return moref(session.object(ref).Destroy_Task())
