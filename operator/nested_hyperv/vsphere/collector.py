"""The property collector: bulk reads by path, and the long poll over one list view. Blocking.

Properties are always read by path in one call; touching an attribute of a pyVmomi object would be a hidden call. Each
session has one view of all that is watched and one filter over it, on a collector of its own, because the server
serialises the calls on a collector and the long poll would hold up every other read.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pyVmomi import vim, vmodl

from nested_hyperv.domain.host_network import HOST_NETWORK, STANDARD_NETWORK
from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.vsphere.faults import CONNECTION_ERRORS
from nested_hyperv.vsphere.projection import WATCHED_TYPES, Fields, fields_of, paths_of
from nested_hyperv.vsphere.refs import managed, managed_type, moref, morefs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nested_hyperv.vsphere.session import Session
    from nested_hyperv.vsphere.tuning import Tuning

__all__ = [
    "ANCESTORS",
    "FOLDERS",
    "POOLS",
    "Batch",
    "Found",
    "Poll",
    "Tree",
    "Update",
    "read",
    "read_many",
    "read_tree",
]

_PC: Final = vmodl.query.PropertyCollector

#: Types of faults.
Faults = tuple[type, ...]


# --- reads ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """One object of an answer, with the properties that are set."""

    ref: MoRef
    properties: dict[str, Any]


def read(session: Session, ref: MoRef, paths: Sequence[str]) -> Found:
    """Read properties of one object; raises ``ManagedObjectNotFound`` if it is gone."""
    found = _retrieve(session, [_PC.ObjectSpec(obj=session.object(ref))], [_properties(ref.type, paths)])
    return found[0]


def read_many(session: Session, refs: Iterable[MoRef], paths: Sequence[str], *, unset_if: Faults = ()) -> list[Found]:
    """Read the same properties of many objects; those that are gone are left out.

    A property that could not be read for a reason in ``unset_if`` counts as not set.
    """
    wanted = list(dict.fromkeys(refs))
    if not wanted:
        return []
    objects = [_PC.ObjectSpec(obj=session.object(ref)) for ref in wanted]
    properties = [_properties(kind, paths) for kind in sorted({ref.type for ref in wanted})]
    try:
        return _retrieve(session, objects, properties, unset_if=unset_if)
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
    return _retrieve(session, [start], [_properties(kind, paths) for kind in kinds])


def _properties(kind: str, paths: Sequence[str]) -> Any:
    return _PC.PropertySpec(type=managed_type(kind), all=False, pathSet=list(paths))


def _retrieve(session: Session, objects: list[Any], properties: list[Any], *, unset_if: Faults = ()) -> list[Found]:
    collector = session.content.propertyCollector
    spec = _PC.FilterSpec(objectSet=objects, propSet=properties)
    answer = collector.RetrievePropertiesEx([spec], _PC.RetrieveOptions())
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


# --- the long poll ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Update:
    """What the long poll says of one object: ``enter``, ``modify`` or ``leave``, and the fields that changed."""

    kind: str
    ref: MoRef
    fields: Fields


@dataclass(frozen=True, slots=True)
class Batch:
    """One answer of the long poll. ``version`` goes into the next one, which is at once answered if this was cut."""

    version: str
    updates: tuple[Update, ...]


class Poll:
    """The views and filters of one session, on one collector. Made anew after any error.

    One view holds all that is watched. Hosts whose networks are watched are in a second one with a filter of its own:
    what it sends is dear, and the other hosts need not pay for it. Standard networks are there too, since a distributed
    port group is also a ``Network``. The view is made when the first of them is wanted.
    """

    def __init__(self, session: Session, tuning: Tuning) -> None:
        self._session = session
        self._tuning = tuning
        self._channel = session.channel(read_timeout=tuning.poll_wait + tuning.poll_grace)
        self._view: Any = None
        self._networks: Any = None
        self._networks_filter = ""
        self._collector: Any = None
        try:
            self._view = session.content.viewManager.CreateListView()
            waiter = managed(moref(session.content.propertyCollector), self._channel)
            self._collector = waiter.CreatePropertyCollector()
            properties = [_properties(kind, paths_of(kind, session.version)) for kind in WATCHED_TYPES]
            # False: a changed property is reported whole, not in parts.
            self._collector.CreateFilter(_filter(self._view, properties), False)
        except BaseException:
            self.close()
            raise

    def change(self, add: Sequence[MoRef], remove: Sequence[MoRef]) -> tuple[MoRef, ...]:
        """Change what is watched; returns those of ``add`` that do not exist. Not the poll's thread."""
        there = self._modify(self._view, _plain(add), _plain(remove))
        networks, gone = _standard(add), _standard(remove)
        if networks and self._networks is None:
            self._watch_networks()
        if networks or gone:
            there += self._modify(self._networks, networks, gone)
        return there

    def _watch_networks(self) -> None:
        view = self._session.content.viewManager.CreateListView()
        version = self._session.version
        properties = [
            _properties("HostSystem", paths_of(HOST_NETWORK, version)),
            _properties(STANDARD_NETWORK, paths_of(STANDARD_NETWORK, version)),
        ]
        # Not over the poll's own connection, which is busy waiting.
        collector = managed(moref(self._collector), self._session.calls)
        made = collector.CreateFilter(_filter(view, properties), False)
        self._networks_filter = moref(made).value
        self._networks = view

    def _modify(self, view: Any, add: Sequence[MoRef], remove: Sequence[MoRef]) -> tuple[MoRef, ...]:
        if not add and not remove:
            return ()
        unresolved = view.ModifyListView(
            [self._session.object(_on_the_wire(ref)) for ref in add],
            [self._session.object(_on_the_wire(ref)) for ref in remove],
        )
        missing = set(morefs(unresolved))
        return tuple(ref for ref in add if _on_the_wire(ref) in missing)

    def wait(self, version: str) -> Batch:
        """Wait for changes since ``version`` (empty: everything); an empty batch when the time is over."""
        options = _PC.WaitOptions(
            maxWaitSeconds=int(self._tuning.poll_wait), maxObjectUpdates=self._tuning.poll_objects
        )
        answer = self._collector.WaitForUpdatesEx(version, options)
        if answer is None:
            return Batch(version, updates=())
        server = self._session.about.name
        updates = tuple(
            _update(change, server, networks=moref(part.filter).value == self._networks_filter)
            for part in answer.filterSet or ()
            for change in part.objectSet or ()
        )
        return Batch(answer.version, updates=updates)

    def hang_up(self) -> None:
        """Wake the thread that waits; this poll is of no use afterwards."""
        self._channel.hang_up()

    def close(self) -> None:
        """Give the server its objects back; a lost session took them along already."""
        self.hang_up()
        if self._collector is not None:
            with contextlib.suppress(vmodl.MethodFault, *CONNECTION_ERRORS):
                managed(moref(self._collector), self._session.calls).DestroyPropertyCollector()
        for view in (self._view, self._networks):
            if view is not None:
                with contextlib.suppress(vmodl.MethodFault, *CONNECTION_ERRORS):
                    view.DestroyView()


def _filter(view: Any, properties: list[Any]) -> Any:
    members = _PC.TraversalSpec(name="members", type=vim.view.ListView, path="view", skip=False)
    start = _PC.ObjectSpec(obj=view, skip=True, selectSet=[members])
    return _PC.FilterSpec(objectSet=[start], propSet=properties)


_IN_SECOND_VIEW: Final = frozenset({HOST_NETWORK, STANDARD_NETWORK})


def _standard(refs: Sequence[MoRef]) -> list[MoRef]:
    return [ref for ref in refs if ref.type in _IN_SECOND_VIEW]


def _plain(refs: Sequence[MoRef]) -> list[MoRef]:
    return [ref for ref in refs if ref.type not in _IN_SECOND_VIEW]


def _on_the_wire(ref: MoRef) -> MoRef:
    """The managed object behind a reference: the networks of a host are a property of the host."""
    return MoRef("HostSystem", ref.value) if ref.type == HOST_NETWORK else ref


def _update(change: Any, server: str, *, networks: bool) -> Update:
    ref = moref(change.obj)
    if networks and ref.type == "HostSystem":
        ref = MoRef(HOST_NETWORK, ref.value)
    values = {item.name: item.val for item in change.changeSet or ()}
    return Update(str(change.kind), ref, fields_of(ref.type, values, server))
