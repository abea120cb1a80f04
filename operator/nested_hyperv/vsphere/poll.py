"""The long poll over one list view. Blocking.

Each session has one view of all that is watched and one filter over it, on a collector of its own, because the server
serialises the calls on a collector and the long poll would hold up every other read.
"""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pyVmomi import vim, vmodl

from nested_hyperv.domain.host_network import HOST_NETWORK, STANDARD_NETWORK
from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.vsphere.collector import properties_of, read
from nested_hyperv.vsphere.faults import CONNECTION_ERRORS, Call, translate
from nested_hyperv.vsphere.port_news import LATEST_PAGE, PORT_EVENTS, PortEvent, collect_port_events, events_of
from nested_hyperv.vsphere.projection import WATCHED_TYPES, fields_of, paths_of
from nested_hyperv.vsphere.refs import managed, moref, morefs
from nested_hyperv.vsphere.updates import HostChange, Update, host_updates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nested_hyperv.vsphere.session import Session
    from nested_hyperv.vsphere.tuning import Tuning

__all__ = ["Batch", "Poll"]

_log = logging.getLogger(__name__)

_PC: Final = vmodl.query.PropertyCollector
_IN_SECOND_VIEW: Final = frozenset({HOST_NETWORK, STANDARD_NETWORK})


@dataclass(frozen=True, slots=True)
class Batch:
    """One answer of the long poll. ``version`` goes into the next one, which is at once answered if this was cut.

    ``port_events`` is the latest page of them, if it has changed. ``truncated``: there is more, computed already.
    """

    version: str
    updates: tuple[Update, ...]
    port_events: tuple[PortEvent, ...] | None = None
    truncated: bool = False


class Poll:
    """The views and filters of one session, on one collector. Made anew after any error.

    One view holds all that is watched. Hosts whose networks are watched are in a second one with a filter of its own:
    what it sends is dear, and the other hosts need not pay for it. Standard networks are there too, since a distributed
    port group is also a ``Network``, with a filter that tells whole properties. The view is made when the first of them
    is wanted.

    ``events_before`` are the latest events of single ports from before they were watched; ``None`` where the server
    does not tell of any.
    """

    def __init__(self, session: Session, tuning: Tuning) -> None:
        self._session = session
        self._tuning = tuning
        self._channel = session.channel(read_timeout=tuning.poll_wait + tuning.poll_grace)
        self._view: Any = None
        self._networks: Any = None
        self._hosts_filter = ""
        self._events: Any = None
        self.events_before: tuple[PortEvent, ...] | None = None
        self._collector: Any = None
        try:
            self._view = session.content.viewManager.CreateListView()
            waiter = managed(moref(session.content.propertyCollector), self._channel)
            self._collector = waiter.CreatePropertyCollector()
            # False: a changed property is reported whole, not in parts.
            self._collector.CreateFilter(self._filter(self._view, *WATCHED_TYPES), False)
            self._watch_ports()
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
        # Not over the poll's own connection, which is busy waiting.
        collector = managed(moref(self._collector), self._session.calls)
        collector.CreateFilter(self._filter(view, STANDARD_NETWORK), False)
        # True: only what changed inside of a property.
        made = collector.CreateFilter(self._filter(view, HOST_NETWORK), True)
        self._hosts_filter = moref(made).value
        self._networks = view

    def _watch_ports(self) -> None:
        if self._session.content.eventManager is None:
            return
        try:
            self._events = collect_port_events(self._session)
            page = read(self._session, moref(self._events), [LATEST_PAGE]).properties
            watched = [_PC.ObjectSpec(obj=self._events, skip=False)]
            spec = _PC.FilterSpec(objectSet=watched, propSet=[properties_of(PORT_EVENTS, [LATEST_PAGE])])
            self._collector.CreateFilter(spec, False)
            self.events_before = events_of(page.get(LATEST_PAGE) or ())
        except vim.fault.NotAuthenticated:
            raise
        except vmodl.MethodFault as error:
            # Nobody depends on it: ports are looked at now and then all the same.
            server = self._session.about.name
            why = translate(error, Call("CreateCollectorForEvents", server))
            _log.info("%s does not tell of changes of single ports: %s", server, why)

    def _filter(self, view: Any, *kinds: str) -> Any:
        members = _PC.TraversalSpec(name="members", type=vim.view.ListView, path="view", skip=False)
        start = _PC.ObjectSpec(obj=view, skip=True, selectSet=[members])
        version = self._session.version
        properties = [properties_of(_type_on_the_wire(kind), paths_of(kind, version)) for kind in kinds]
        return _PC.FilterSpec(objectSet=[start], propSet=properties)

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
        updates: list[Update] = []
        hosts: list[HostChange] = []
        events: tuple[PortEvent, ...] | None = None
        for part in answer.filterSet or ():
            of_hosts = moref(part.filter).value == self._hosts_filter
            for change in part.objectSet or ():
                if of_hosts:
                    hosts.append(_host_change(change))
                elif moref(change.obj).type == PORT_EVENTS:
                    events = events_of(event for item in change.changeSet or () for event in item.val or ())
                else:
                    updates.append(_update(change, self._session.about.name))
        told = (*updates, *host_updates(self._session, hosts))
        return Batch(answer.version, told, events, truncated=bool(answer.truncated))

    def hang_up(self) -> None:
        """Wake the thread that waits; this poll is of no use afterwards."""
        self._channel.hang_up()

    def close(self) -> None:
        """Give the server its objects back; a lost session took them along already."""
        self.hang_up()
        if self._collector is not None:
            with contextlib.suppress(vmodl.MethodFault, *CONNECTION_ERRORS):
                managed(moref(self._collector), self._session.calls).DestroyPropertyCollector()
        if self._events is not None:
            with contextlib.suppress(vmodl.MethodFault, *CONNECTION_ERRORS):
                self._events.DestroyCollector()
        for view in (self._view, self._networks):
            if view is not None:
                with contextlib.suppress(vmodl.MethodFault, *CONNECTION_ERRORS):
                    view.DestroyView()


def _standard(refs: Sequence[MoRef]) -> list[MoRef]:
    return [ref for ref in refs if ref.type in _IN_SECOND_VIEW]


def _plain(refs: Sequence[MoRef]) -> list[MoRef]:
    return [ref for ref in refs if ref.type not in _IN_SECOND_VIEW]


def _on_the_wire(ref: MoRef) -> MoRef:
    """The managed object behind a reference: the networks of a host are a property of the host."""
    return MoRef(_type_on_the_wire(ref.type), ref.value)


def _type_on_the_wire(kind: str) -> str:
    return "HostSystem" if kind == HOST_NETWORK else kind


def _update(change: Any, server: str) -> Update:
    ref = moref(change.obj)
    values = {item.name: item.val for item in change.changeSet or ()}
    return Update(str(change.kind), ref, fields_of(ref.type, values, server))


def _host_change(change: Any) -> HostChange:
    made = HostChange(str(change.kind), MoRef(HOST_NETWORK, moref(change.obj).value))
    for item in change.changeSet or ():
        made.take(item.name, str(item.op), item.val)
    return made
