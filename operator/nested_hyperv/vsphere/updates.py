"""What the long poll tells, in the words of records. Blocking where it has to ask back.

Of most objects a changed property comes whole. The networks of hosts are told in parts: a host with 500 port groups
takes 200 ms to send and to parse, and each creation changes it. With partial updates the server names what changed: the
array, one element by its key, or a member inside one (API reference, ``PropertyCollector.CreateFilter`` and
``PropertyChange``).

The one idea: only arrays and elements are taken as they come. Of a change further inside, only the key counts, and that
element is read, those of all hosts in one call. So there is one way from the wire to a port group, and it does not
matter how finely a server tells.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pyVmomi import vmodl

from nested_hyperv.domain.host_network import HOST_NETWORK
from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.vsphere.collector import read_each
from nested_hyperv.vsphere.host_projection import GROUPS, SWITCHES, port_group_of
from nested_hyperv.vsphere.projection import Fields, fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nested_hyperv.domain.host_network import StandardPortGroup
    from nested_hyperv.vsphere.session import Session

__all__ = ["HostChange", "Update", "host_updates"]

_ELEMENT: Final = re.compile(r'^(?P<array>[\w.]+)\["(?P<key>.+?)"\](?P<inside>\..+)?$', re.DOTALL)
#: Members of a switch that change with every port group and every port, and that nobody asks for.
_COUNTS: Final = (".portgroup", ".numPorts", ".numPortsAvailable")
_REMOVED: Final = frozenset({"remove", "indirectRemove"})


@dataclass(frozen=True, slots=True)
class Update:
    """What the long poll says of one object: ``enter``, ``modify`` or ``leave``, and the fields that changed.

    ``groups`` are single port groups of a host by their key: what they are now, or ``None`` for those that are gone.
    """

    kind: str
    ref: MoRef
    fields: Fields
    groups: Mapping[str, StandardPortGroup | None] = field(default_factory=dict)


@dataclass(slots=True)
class HostChange:
    """What was told of the networks of one host. ``again`` are paths that have to be read to know what it means."""

    kind: str
    ref: MoRef
    values: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, StandardPortGroup | None] = field(default_factory=dict)
    again: set[str] = field(default_factory=set)

    def take(self, name: str, op: str, value: Any) -> None:
        """Take one ``PropertyChange``."""
        element = _ELEMENT.match(name)
        if name in (GROUPS, SWITCHES) or (element is None and value is None):
            self._whole(name, value)
        elif element is None or element["array"] not in (GROUPS, SWITCHES):
            self.again |= {GROUPS, SWITCHES}
        elif element["array"] == SWITCHES:
            if not (element["inside"] or "").startswith(_COUNTS):
                self.again.add(SWITCHES)
        elif element["inside"]:
            self.again.add(_path(element["key"]))
        else:
            self.again.discard(_path(element["key"]))
            self.groups[element["key"]] = None if op in _REMOVED or value is None else port_group_of(value)

    def _whole(self, name: str, value: Any) -> None:
        self.values[name] = value
        told = (name,) if name in (GROUPS, SWITCHES) else (GROUPS, SWITCHES)
        self.again = {path for path in self.again if not path.startswith(told)}
        if GROUPS in told:
            self.groups.clear()

    def read(self, found: Mapping[str, Any]) -> None:
        """Take what a read of ``again`` has answered."""
        for path in self.again:
            value, element = found.get(path), _ELEMENT.match(path)
            if element is None:
                self._whole(path, value)
            else:
                self.groups[element["key"]] = None if value is None else port_group_of(value)
        self.again = set()

    def unreadable(self) -> None:
        """Take that nobody can say what the host has now."""
        self.values, self.groups, self.again = {GROUPS: None, SWITCHES: None}, {}, set()

    def update(self) -> Update:
        """Return it as records know it."""
        return Update(self.kind, self.ref, fields_of(HOST_NETWORK, self.values), self.groups)


def host_updates(session: Session, changes: Sequence[HostChange]) -> list[Update]:
    """Read what has to be read, all of it in one call if that works, and return the updates."""
    unclear = [change for change in changes if change.again]
    if unclear:
        try:
            _read(session, unclear)
        except vmodl.MethodFault:
            # One that has gone meanwhile, host or port group, fails the whole call.
            for change in unclear:
                _read_alone(session, change)
    return [change.update() for change in changes]


def _read_alone(session: Session, change: HostChange) -> None:
    try:
        _read(session, [change])
    except vmodl.query.InvalidProperty:
        change.again = {GROUPS, SWITCHES}  # the port group has gone meanwhile, or the server knows no such path
        _read(session, [change])
    except vmodl.fault.ManagedObjectNotFound:
        change.unreadable()  # its ``leave`` is on the way


def _read(session: Session, changes: Sequence[HostChange]) -> None:
    found = read_each(session, [(_host(change.ref), sorted(change.again)) for change in changes])
    by_host = {item.ref.value: item.properties for item in found}
    for change in changes:
        change.read(by_host.get(change.ref.value, {}))


def _host(ref: MoRef) -> MoRef:
    return MoRef("HostSystem", ref.value)


def _path(key: str) -> str:
    return f'{GROUPS}["{key}"]'
