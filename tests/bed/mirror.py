"""A copy of a vCenter's inventory, kept by push updates alone, and what has to agree in any inventory.

A client that follows a property collector has to end with what a read says. `Mirror` is such a client: it applies each
change that it is told, whole or partial, and `differences` compares its copy with a fresh read. `broken_links` reads
both ends of each relation of the inventory and names those that do not agree. Neither knows that there is a twin.
"""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

import re
from collections.abc import Iterator
from typing import Any

from pyVmomi import vim, vmodl
from pyVmomi.VmomiSupport import DataObject, ManagedObject

from bed.soap import moid

__all__ = ["Mirror", "broken_links"]

PropertyCollector = vmodl.query.PropertyCollector

_ALL = (
    vim.Folder, vim.Datacenter, vim.ComputeResource, vim.ResourcePool, vim.Datastore, vim.Network,
    vim.dvs.DistributedVirtualPortgroup, vim.DistributedVirtualSwitch, vim.VirtualMachine,
)  # fmt: skip
_HOST = ["name", "parent", "vm", "network", "datastore", "runtime", "config.network", "recentTask"]
_STEP = re.compile(r'\.?(?P<name>\w+)|\[(?:"(?P<text>[^"]*)"|(?P<number>-?\d+))\]')

# Both ends of a relation: what is listed at one end has to list or name the other.
_PAIRS = (
    (vim.HostSystem, "network", vim.Network, "host"),
    (vim.HostSystem, "vm", vim.VirtualMachine, "runtime.host"),
    (vim.HostSystem, "datastore", vim.Datastore, "host"),
    (vim.VirtualMachine, "network", vim.Network, "vm"),
    (vim.VirtualMachine, "datastore", vim.Datastore, "vm"),
    (vim.ResourcePool, "vm", vim.VirtualMachine, "resourcePool"),
    (vim.Folder, "childEntity", vim.ManagedEntity, "parent"),
    (vim.ComputeResource, "host", vim.HostSystem, "parent"),
    (vim.DistributedVirtualSwitch, "portgroup", vim.Network, "config.distributedVirtualSwitch"),
)


class Mirror:
    """What one client knows of the whole inventory.

    Args:
        instance: The ServiceInstance of a logged-in client.
        partial: Ask for partial updates.
    """

    def __init__(self, instance: Any, *, partial: bool) -> None:
        content = instance.content
        view = content.viewManager.CreateContainerView(content.rootFolder, [vim.ManagedEntity], True)
        path = PropertyCollector.TraversalSpec(path="view", skip=False, type=type(view))
        self._spec = PropertyCollector.FilterSpec(
            objectSet=[
                PropertyCollector.ObjectSpec(obj=view, skip=True, selectSet=[path]),
                PropertyCollector.ObjectSpec(obj=content.rootFolder),
            ],
            propSet=[PropertyCollector.PropertySpec(type=kind, all=True) for kind in _ALL]
            + [PropertyCollector.PropertySpec(type=vim.HostSystem, pathSet=_HOST)],
        )
        self._reader = content.propertyCollector
        self._collector = content.propertyCollector.CreatePropertyCollector()
        self._collector.CreateFilter(self._spec, partialUpdates=partial)
        self._version = ""
        self._copy: dict[str, dict[str, Any]] = {}

    def read(self) -> dict[str, dict[str, Any]]:
        """Read what the copy should be."""
        fresh: dict[str, dict[str, Any]] = {}
        for item in self._reader.RetrieveContents([self._spec]):
            fresh[str(item.obj)] = {}
            for change in item.propSet:
                _put(fresh[str(item.obj)], change.name, _plain(change.val))
        return fresh

    def differences(self, fresh: dict[str, dict[str, Any]]) -> list[str]:
        """Apply what there is to hear; name each property that a read shows differently."""
        self._hear()
        return [
            f"{name}{path}: told {told!r}, read {read!r}"
            for name in sorted(fresh.keys() | self._copy.keys())
            for path, told, read in _apart(self._copy.get(name), fresh.get(name), "")
        ]

    def _hear(self) -> None:
        while True:
            options = PropertyCollector.WaitOptions(maxWaitSeconds=0)
            updates = self._collector.WaitForUpdatesEx(self._version, options)
            if updates is None:
                return
            self._version = updates.version
            for part in updates.filterSet:
                for item in part.objectSet:
                    self._apply(str(item.obj), item)

    def _apply(self, name: str, item: Any) -> None:
        if item.kind == "leave":
            del self._copy[name]
            return
        if item.kind == "enter":
            assert name not in self._copy, f"{name} entered twice"
            self._copy[name] = {}
        for change in item.changeSet:
            value = None if change.op in {"remove", "indirectRemove"} else _plain(change.val)
            _put(self._copy[name], change.name, value, fresh=change.op == "add", gone=change.op == "remove")


def _put(tree: dict[str, Any], path: str, value: Any, *, fresh: bool = False, gone: bool = False) -> None:
    """Write a value at a property path; None takes away what is there."""
    steps = [step["name"] or f"[{step['text'] or step['number']}]" for step in _STEP.finditer(path)]
    for step in steps[:-1]:
        tree = tree.setdefault(step, {})
    last = steps[-1]
    assert not (fresh and last in tree), f"{path} was added, and had been there"
    assert not gone or last in tree, f"{path} was removed, and had not been there"
    if value is None:
        tree.pop(last, None)
    else:
        tree[last] = value


def _plain(value: Any) -> Any:
    """Return a value as dictionaries and texts; elements that have keys are found by them, in whatever order."""
    if isinstance(value, DataObject):
        names = [info.name for info in value._GetPropertyList()]  # noqa: SLF001 - pyVmomi has no public way
        members = {name: _plain(getattr(value, name)) for name in names}
        return {name: member for name, member in members.items() if member is not None} | {"": type(value).__name__}
    if isinstance(value, list):
        keys = [_key(element) for element in value]
        if None in keys or len(set(keys)) < len(keys):
            return [_plain(element) for element in value] or None
        return {f"[{key}]": _plain(element) for key, element in zip(keys, value, strict=True)} or None
    return None if value is None else str(value)


def _key(element: Any) -> str | None:
    if isinstance(element, ManagedObject):
        return moid(element)
    key = getattr(element, "key", None) if isinstance(element, DataObject) else None
    return str(key) if isinstance(key, str | int) else None


def _apart(told: Any, read: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield the places in which two trees differ. An empty branch is none, and 0 is what an unset number reads as."""
    if isinstance(told, dict) or isinstance(read, dict):
        left, right = told or {}, read or {}
        if isinstance(left, dict) and isinstance(right, dict):
            for name in sorted(left.keys() | right.keys()):
                yield from _apart(left.get(name), right.get(name), f"{path}.{name}")
            return
    if (told or "0") != (read or "0"):
        yield path, told, read


def broken_links(instance: Any) -> list[str]:
    """Name each relation of the inventory whose two ends do not agree."""
    content = instance.content
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.ManagedEntity], True)
    entities = {str(entity): entity for entity in [content.rootFolder, *view.view]}
    view.DestroyView()
    broken: list[str] = []
    for kind, path, other, back in _PAIRS:
        forth = {(a, b) for a in entities for b in _ends(entities[a], kind, path)}
        reverse = {(b, a) for a in entities for b in _ends(entities[a], other, back)}
        reverse = {(a, b) for a, b in reverse if a not in entities or isinstance(entities[a], kind)}
        broken += [f"{a} {path} and {b} {back} disagree" for a, b in sorted(forth ^ reverse)]
    return broken


def _ends(entity: Any, kind: Any, path: str) -> set[str]:
    """Return what one entity names at a path, empty where its type has none."""
    if not isinstance(entity, kind):
        return set()
    for step in path.split("."):
        entity = getattr(entity, step, None)
    listed: list[Any] = entity if isinstance(entity, list) else [entity]
    return {str(getattr(end, "key", None) if isinstance(end, DataObject) else end) for end in listed if end is not None}
