"""Finds the scratch place, knows what lies in it, and empties it of what a run made.

The idea: what is there before the first check is never touched. What appears later and carries the run's prefix is
ours, whatever check made it and however it ended; what appears without the prefix is told and left alone.
"""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from pyVmomi import vim, vmodl

from bed.soap import finish, message_of, moid, result_of
from bed.waiting import NotInTimeError
from verify.scratch import Place, Switch
from verify.target import RefusedError, Target

__all__ = ["Corner", "Thing", "find_place"]

_TASK_SECONDS = 120.0


def find_place(instance: Any, target: Target) -> Place:
    """Return the managed objects that the target names; RefusedError names every path that leads to none."""
    reasons: list[str] = []

    def at(variable: str, path: str, kind: Any, what: str) -> Any:
        found = instance.content.searchIndex.FindByInventoryPath(path.strip("/"))
        if not isinstance(found, kind):
            seen = "nothing is there" if found is None else f"that is a {type(found).__name__}"
            reasons.append(f"{variable} is {path!r}: {seen}; {what} is needed, as an inventory path.")
        return found

    folder = at("VERIFY_FOLDER", target.folder, vim.Folder, "a folder for machines")
    switch = at("VERIFY_SWITCH", target.switch, Switch, "a distributed switch")
    pool = at("VERIFY_POOL", target.pool, vim.ResourcePool, "a resource pool")
    datastore = at("VERIFY_DATASTORE", target.datastore, vim.Datastore, "a datastore")
    host = at("VERIFY_HOST", target.host, vim.HostSystem, "a host") if target.host else None
    if isinstance(folder, vim.Folder) and not _is_scratch(folder):
        reasons.append(
            f"VERIFY_FOLDER is {target.folder!r}: name a folder for machines below a datacenter's own, made for this."
        )
    if reasons:
        raise RefusedError(*reasons)
    datacenters = {str(_datacenter(entity)) for entity in (folder, switch, pool, datastore, host) if entity is not None}
    if len(datacenters) > 1:
        raise RefusedError("VERIFY_FOLDER, _SWITCH, _POOL, _DATASTORE and _HOST lie in different datacenters: use one.")
    return Place(
        datacenter=_datacenter(folder), folder=folder, switch=switch, pool=pool, host=host, datastore=datastore
    )


def _is_scratch(folder: Any) -> bool:
    return "VirtualMachine" in folder.childType and not isinstance(folder.parent, vim.Datacenter)


def _datacenter(entity: Any) -> Any:
    while entity is not None and not isinstance(entity, vim.Datacenter):
        entity = entity.parent
    return entity


@dataclass(frozen=True)
class Thing:
    """Something in the scratch place.

    Args:
        id: Tells it from all others.
        name: Its name.
        what: "VirtualMachine vm-12", for people.
        remove: Takes it away; raises the server's fault.
    """

    id: str
    name: str
    what: str
    remove: Callable[[], None]

    def __str__(self) -> str:
        return f"{self.what} {self.name!r}"


class Corner:
    """The scratch place as it was found.

    Args:
        instance: The ServiceInstance of a logged-in client.
        place: Where to look.
        prefix: What the names of the run's own things begin with.
    """

    def __init__(self, instance: Any, place: Place, prefix: str) -> None:
        self._instance, self._place, self._prefix = instance, place, prefix
        self._ended: set[str] = set()
        self._before = {thing.id for thing in self._things()}

    def appeared(self) -> list[Thing]:
        """Return what has come since the start, the innermost first."""
        return [thing for thing in self._things() if thing.id not in self._before]

    def sweep(self) -> list[str]:
        """Take away what the run made, after its last task has ended; return what could not be taken and why."""
        self._wait_for_tasks()
        refused = []
        for thing in self.appeared():
            if thing.name.startswith(self._prefix):
                try:
                    thing.remove()
                except vmodl.fault.ManagedObjectNotFound:
                    continue  # it went with what was around it
                except vmodl.MethodFault as fault:
                    refused.append(f"{thing}: {message_of(fault)}")
                except NotInTimeError as late:
                    refused.append(f"{thing}: {late}")
        return refused

    def _wait_for_tasks(self) -> None:
        # A check that was interrupted has left a task that may still make something.
        me = self._instance.content.sessionManager.currentSession.userName
        for task in self._instance.content.taskManager.recentTask:
            if str(task) in self._ended:
                continue
            try:
                info = task.info
                if isinstance(info.reason, vim.TaskReasonUser) and info.reason.userName == me:
                    finish(task, seconds=_TASK_SECONDS)
                    self._ended.add(str(task))
            except vmodl.fault.ManagedObjectNotFound:
                continue  # old enough to be forgotten by the server

    def _things(self) -> Iterator[Thing]:
        yield from self._inside(self._place.folder)
        for group in self._place.switch.portgroup:
            yield _entity(group)
        for sibling in self._place.switch.parent.childEntity:
            if isinstance(sibling, Switch):  # a check may make one without hosts
                yield _entity(sibling)
        for pool in self._place.pool.resourcePool:
            yield _entity(pool)
        yield from self._roles()
        if self._place.host is not None:
            yield from self._standard_networks()

    def _inside(self, folder: Any) -> Iterator[Thing]:
        for child in folder.childEntity:
            if isinstance(child, vim.Folder):
                yield from self._inside(child)
            yield _entity(child)

    def _roles(self) -> Iterator[Thing]:
        manager = self._instance.content.authorizationManager
        with contextlib.suppress(vim.fault.NoPermission):  # who may not read them has made none
            for role in manager.roleList:
                if role.name.startswith(self._prefix):  # roles have no place of their own: others come and go
                    remove = partial(manager.RemoveAuthorizationRole, role.roleId, False)
                    yield Thing(f"role {role.roleId}", role.name, "role", remove)

    def _standard_networks(self) -> Iterator[Thing]:
        system = self._place.host.configManager.networkSystem
        info = system.networkInfo
        for group in info.portgroup:
            name = group.spec.name
            yield Thing(f"port group {name}", name, "standard port group", partial(system.RemovePortGroup, name))
        for switch in info.vswitch:
            name = switch.name
            yield Thing(f"switch {name}", name, "standard switch", partial(system.RemoveVirtualSwitch, name))


def _entity(entity: Any) -> Thing:
    def remove() -> None:
        if isinstance(entity, vim.VirtualMachine) and entity.runtime.powerState != "poweredOff":
            result_of(entity.PowerOffVM_Task(), seconds=_TASK_SECONDS)
        result_of(entity.Destroy_Task(), seconds=_TASK_SECONDS)

    kind = type(entity).__name__.rpartition(".")[2]
    return Thing(str(entity), entity.name, f"{kind} {moid(entity)}", remove)
