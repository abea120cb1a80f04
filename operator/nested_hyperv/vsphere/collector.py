"""The property collector: bulk reads by path. Blocking.

Properties are always read by path in one call; touching an attribute of a pyVmomi object would be a hidden call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pyVmomi import vim, vmodl

from nested_hyperv.vsphere.refs import managed_type, moref

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nested_hyperv.domain.inventory import MoRef
    from nested_hyperv.vsphere.session import Session

__all__ = [
    "ANCESTORS",
    "FOLDERS",
    "POOLS",
    "Found",
    "Tree",
    "properties_of",
    "read",
    "read_each",
    "read_many",
    "read_tree",
]

_PC: Final = vmodl.query.PropertyCollector

#: Types of faults.
Faults = tuple[type, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """One object of an answer, with the properties that are set."""

    ref: MoRef
    properties: dict[str, Any]


def read(session: Session, ref: MoRef, paths: Sequence[str]) -> Found:
    """Read properties of one object; raises ``ManagedObjectNotFound`` if it is gone."""
    return read_each(session, [(ref, paths)])[0]


def read_each(session: Session, wanted: Iterable[tuple[MoRef, Sequence[str]]]) -> list[Found]:
    """Read other properties of each object; raises ``ManagedObjectNotFound`` if one is gone."""
    wanted = tuple(wanted)
    found = _retrieve(
        session,
        [
            _PC.FilterSpec(
                objectSet=[_PC.ObjectSpec(obj=session.object(ref))], propSet=[properties_of(ref.type, paths)]
            )
            for ref, paths in wanted
        ],
    )
    # One that goes while the answer is made is left out of it, as what belongs to a session that is ended meanwhile.
    for ref in {ref for ref, _ in wanted} - {item.ref for item in found}:
        raise vmodl.fault.ManagedObjectNotFound(obj=session.object(ref))
    return found


def read_many(session: Session, refs: Iterable[MoRef], paths: Sequence[str], *, unset_if: Faults = ()) -> list[Found]:
    """Read the same properties of many objects; those that are gone are left out.

    A property that could not be read for a reason in ``unset_if`` counts as not set.
    """
    wanted = list(dict.fromkeys(refs))
    if not wanted:
        return []
    objects = [_PC.ObjectSpec(obj=session.object(ref)) for ref in wanted]
    properties = [properties_of(kind, paths) for kind in sorted({ref.type for ref in wanted})]
    try:
        return _retrieve(session, [_PC.FilterSpec(objectSet=objects, propSet=properties)], unset_if=unset_if)
    except vmodl.fault.ManagedObjectNotFound:
        if len(wanted) == 1:
            return []
        # One dead reference fails the whole call: halve until it is alone.
        middle = len(wanted) // 2
        first = read_many(session, wanted[:middle], paths, unset_if=unset_if)
        return first + read_many(session, wanted[middle:], paths, unset_if=unset_if)


@dataclass(frozen=True, slots=True)
class Tree:
    """A way through the inventory: from objects of a type over one property, again and again."""

    kind: Any
    path: str


FOLDERS: Final = Tree(vim.Folder, "childEntity")
POOLS: Final = Tree(vim.ResourcePool, "resourcePool")
ANCESTORS: Final = Tree(vim.ManagedEntity, "parent")


def read_tree(session: Session, root: MoRef, tree: Tree, kinds: Iterable[str], paths: Sequence[str]) -> list[Found]:
    """Read properties of all objects of ``kinds`` that a tree reaches from ``root``, itself included."""
    again = _PC.SelectionSpec(name="again")
    traversal = _PC.TraversalSpec(name=again.name, type=tree.kind, path=tree.path, skip=False, selectSet=[again])
    start = _PC.ObjectSpec(obj=session.object(root), skip=False, selectSet=[traversal])
    properties = [properties_of(kind, paths) for kind in kinds]
    return _retrieve(session, [_PC.FilterSpec(objectSet=[start], propSet=properties)])


def properties_of(kind: str, paths: Sequence[str]) -> Any:
    """Say which properties of a type are wanted."""
    return _PC.PropertySpec(type=managed_type(kind), all=False, pathSet=list(paths))


def _retrieve(session: Session, specs: list[Any], *, unset_if: Faults = ()) -> list[Found]:
    collector = session.content.propertyCollector
    answer = collector.RetrievePropertiesEx(specs, _PC.RetrieveOptions())
    found: list[Found] = []
    while answer is not None:
        found.extend(_found(content, unset_if=unset_if) for content in answer.objects or ())
        if not answer.token:
            break
        answer = collector.ContinueRetrievePropertiesEx(answer.token)
    return found


def _found(content: Any, *, unset_if: Faults) -> Found:
    for missing in content.missingSet or ():
        # To take a property that could not be read for one that is not set would be to see drift, or an object
        # without its mark, where there is none. What is merely unset is not listed here.
        if not isinstance(missing.fault, unset_if):
            raise missing.fault
    return Found(moref(content.obj), {item.name: item.val for item in content.propSet or ()})
