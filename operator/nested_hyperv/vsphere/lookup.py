"""From names and inventory paths to objects. Blocking.

A text with a slash is a path: absolute if it starts with one (``/dc/vm/folder/name``), else below the datacenter's
folder of that kind. A text without is a name, looked for in all folders of that kind of the datacenter; a name that
fits twice is an error that lists the candidates. Names are compared as people write them, paths are kept escaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pyVmomi import vmodl

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.vsphere.collector import ANCESTORS, FOLDERS, Found, read, read_many, read_tree
from nested_hyperv.vsphere.refs import displayed, escaped, moref, morefs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nested_hyperv.vsphere.session import Session

__all__ = ["KINDS", "Datacenter", "Hit", "Kind", "ambiguous", "ancestors_path", "datacenter", "find", "not_found"]

_MOST_CANDIDATES: Final = 10
#: A datastore cluster is a folder of datastores.
_FOLDER_TYPES: Final = ("Folder", "StoragePod")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object: its name in messages, its folder property in the datacenter, and its types on the wire."""

    noun: str
    folder: str
    segment: str
    types: tuple[str, ...]
    list_candidates: bool = True


_NETWORK_TYPES: Final = ("DistributedVirtualPortgroup", "Network", "OpaqueNetwork")

KINDS: Final = {
    "switch": Kind(
        "distributed switch", "networkFolder", "network", ("VmwareDistributedVirtualSwitch", "DistributedVirtualSwitch")
    ),
    "network": Kind("network", "networkFolder", "network", _NETWORK_TYPES, list_candidates=False),
    "machine": Kind("virtual machine or template", "vmFolder", "vm", ("VirtualMachine",), list_candidates=False),
    "folder": Kind("folder of virtual machines", "vmFolder", "vm", ("Folder",)),
    "cluster": Kind("cluster", "hostFolder", "host", ("ClusterComputeResource",)),
    "datastore": Kind("datastore", "datastoreFolder", "datastore", ("Datastore",)),
}


@dataclass(frozen=True, slots=True)
class Hit:
    """An object that was found, with its inventory path."""

    ref: MoRef
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Datacenter:
    """A datacenter and its four folders by property name."""

    ref: MoRef
    path: str
    folders: dict[str, MoRef]


# --- errors -----------------------------------------------------------------------------------------------------------


def not_found(noun: str, text: str, where: str, candidates: Iterable[str] = ()) -> Blocked:
    """Make the error of a name that fits nothing."""
    there = sorted(candidates)
    some = ", ".join(there[:_MOST_CANDIDATES]) + (", …" if len(there) > _MOST_CANDIDATES else "")
    hint = f" There: {some}." if there else ""
    return Blocked(
        Reason.NOT_FOUND,
        f"No {noun} {text!r} in {where}.{hint} "
        "Correct the name or create the object; the account must be able to see it.",
    )


def ambiguous(noun: str, text: str, paths: Iterable[str]) -> Blocked:
    """Make the error of a name that fits more than one object."""
    return Blocked(
        Reason.AMBIGUOUS, f"The {noun} {text!r} is ambiguous: {', '.join(sorted(paths))}. Write one of these paths."
    )


# --- datacenters ------------------------------------------------------------------------------------------------------


def datacenter(session: Session, text: str) -> Datacenter:
    """Find a datacenter by name, or by its path below the root folder."""
    root = moref(session.content.rootFolder)
    tree = _folder_tree(session, root, ("Datacenter",))
    segments = [displayed(part) for part in text.strip("/").split("/")]
    hits = [hit for hit in tree.leaves if _ends_with(hit.path, segments, whole=text.startswith("/"))]
    if not hits:
        raise not_found("datacenter", text, "this vCenter", (hit.path for hit in tree.leaves))
    if len(hits) > 1:
        raise ambiguous("datacenter", text, (hit.path for hit in hits))
    names = [kind.folder for kind in KINDS.values()]
    properties = read(session, hits[0].ref, sorted(set(names))).properties
    return Datacenter(hits[0].ref, hits[0].path, {name: moref(properties[name]) for name in names})


def _ends_with(path: str, segments: Sequence[str], *, whole: bool) -> bool:
    have = [displayed(part) for part in path.strip("/").split("/")]
    return have == list(segments) if whole else have[-len(segments) :] == list(segments)


# --- names and paths --------------------------------------------------------------------------------------------------


def find(session: Session, where: Datacenter, kind: Kind, text: str) -> Hit:
    """Find one object of a kind by name or path."""
    base = f"{where.path}/{kind.segment}"
    if "/" in text:
        path = text if text.startswith("/") else f"{base}/{text}"
        return _by_path(session, where, kind, path.rstrip("/"), text)
    hits = by_name(session, where, kind, text)
    if not hits:
        names = (name for name, _ in _names(session, where, kind)) if kind.list_candidates else ()
        raise not_found(kind.noun, text, f"datacenter {where.path}", names)
    if len(hits) > 1:
        raise ambiguous(kind.noun, text, (hit.path for hit in hits))
    return hits[0]


def _by_path(session: Session, where: Datacenter, kind: Kind, path: str, text: str) -> Hit:
    inside = path.startswith(f"{where.path}/{kind.segment}/")
    found = session.content.searchIndex.FindByInventoryPath(path.lstrip("/")) if inside else None
    if found is None or moref(found).type not in kind.types:
        raise not_found(kind.noun, text, f"datacenter {where.path}")
    return Hit(moref(found), displayed(path.rpartition("/")[2]), path)


def by_name(session: Session, where: Datacenter, kind: Kind, name: str) -> list[Hit]:
    """Find all objects of a kind with a name, one quick question per folder instead of reading the inventory."""
    root = where.folders[kind.folder]
    base = f"{where.path}/{kind.segment}"
    tree = _folder_tree(session, root, ())
    # A slash in a name can only be written escaped, since it would make a path; a percent sign is written either way.
    plain = displayed(name)
    hits: list[Hit] = []
    for folder, path in tree.folders.items():
        child = session.content.searchIndex.FindChild(session.object(folder), escaped(plain))
        if child is not None and moref(child).type in kind.types:
            hits.append(Hit(moref(child), plain, f"{base}{path}/{escaped(plain)}"))
    return hits


def _names(session: Session, where: Datacenter, kind: Kind) -> list[tuple[str, MoRef]]:
    found = read_tree(session, where.folders[kind.folder], FOLDERS, _property_types(kind.types), ["name"])
    return [
        (displayed(item.properties.get("name")), item.ref)
        for item in found
        if item.ref.type in kind.types and item.ref != where.folders[kind.folder]
    ]


def _property_types(types: tuple[str, ...]) -> list[str]:
    """Return base types only: two property sets for one object would be one too many."""
    return ["DistributedVirtualSwitch"] if "DistributedVirtualSwitch" in types else list(types)


@dataclass(frozen=True, slots=True)
class _Tree:
    folders: dict[MoRef, str]
    leaves: list[Hit]


def _folder_tree(session: Session, root: MoRef, leaf_types: Sequence[str]) -> _Tree:
    """Read the folders below ``root`` with their paths relative to it, and the leaves of some types."""
    found = read_tree(session, root, FOLDERS, ["Folder", *leaf_types], ["name", "parent"])
    by_ref = {item.ref: item for item in found}
    paths: dict[MoRef, str] = {root: ""}

    def path_of(item: Found) -> str:
        if item.ref not in paths:
            parent = by_ref.get(moref(item.properties["parent"]))
            above = path_of(parent) if parent is not None else ""
            paths[item.ref] = f"{above}/{item.properties['name']}"
        return paths[item.ref]

    folders = {item.ref: path_of(item) for item in found if item.ref.type in _FOLDER_TYPES}
    leaves = [
        Hit(item.ref, displayed(item.properties["name"]), path_of(item))
        for item in found
        if item.ref.type not in _FOLDER_TYPES
    ]
    return _Tree({root: "", **folders}, leaves)


def ancestors_path(session: Session, ref: MoRef) -> str:
    """Return the inventory path of an object, by one read of all its ancestors; without the root folder."""
    found = {item.ref: item for item in read_tree(session, ref, ANCESTORS, ["ManagedEntity"], ["name", "parent"])}
    segments: list[str] = []
    at: Any = found.get(ref)
    while at is not None and (parent := at.properties.get("parent")) is not None:
        segments.append(at.properties["name"])
        at = found.get(moref(parent))
    return "".join(f"/{segment}" for segment in reversed(segments))


def children(session: Session, ref: MoRef, path: str) -> tuple[MoRef, ...]:
    """Read one list of references of an object."""
    return morefs(read(session, ref, [path]).properties.get(path))


def named(session: Session, refs: Iterable[MoRef]) -> dict[MoRef, str]:
    """Read names; what is gone is left out, and what may not be read goes by its reference."""
    found = read_many(session, refs, ["name"], unset_if=(vmodl.MethodFault,))
    return {item.ref: displayed(item.properties.get("name")) or str(item.ref) for item in found}
