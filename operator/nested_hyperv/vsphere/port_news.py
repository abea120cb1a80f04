"""Single ports that somebody changes: the one push that tells of it is an event.

Neither a port group nor its switch changes with the settings of one of its ports, and ports are no managed objects. But
vCenter posts a ``DvsPortReconfiguredEvent``, and the latest page of a collector of events is a property that the long
poll can watch. The event names switch and ports and not the port group, so that is asked for: one call for few ports.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pyVmomi import vim

from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.vsphere.refs import moref

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nested_hyperv.vsphere.session import Session

__all__ = ["LATEST_PAGE", "PORT_EVENTS", "PortEvent", "PortNews", "collect_port_events", "events_of", "port_groups_of"]

#: Type and property that the long poll watches.
PORT_EVENTS: Final = "EventHistoryCollector"
LATEST_PAGE: Final = "latestPage"
_KIND: Final = "DvsPortReconfiguredEvent"
#: Events on the page, which is sent whole with each new one. One event tells all ports that were changed by one call.
_PAGE: Final = 32


@dataclass(frozen=True, slots=True)
class PortEvent:
    """Ports of a switch that were reconfigured. ``key`` grows with time."""

    key: int
    switch: MoRef
    ports: tuple[str, ...]


def collect_port_events(session: Session) -> Any:
    """Make a collector of these events, to be watched."""
    spec = vim.event.EventFilterSpec(eventTypeId=[_KIND], disableFullMessage=True)
    made = session.content.eventManager.CreateCollectorForEvents(spec)
    made.SetCollectorPageSize(_PAGE)
    return made


def events_of(page: Iterable[Any]) -> tuple[PortEvent, ...]:
    """Project a page of events; its order means nothing."""
    return tuple(
        PortEvent(event.key, moref(event.dvs.dvs), tuple(event.portKey or ()))
        for event in page
        if isinstance(event, vim.event.DvsPortReconfiguredEvent) and event.dvs is not None
    )


def port_groups_of(session: Session, switch: MoRef, ports: Iterable[str]) -> frozenset[str]:
    """Return the keys of the port groups that have these ports."""
    criteria = vim.dvs.PortCriteria(portKey=sorted(ports))
    found = session.object(switch).FetchDVPorts(criteria) or ()
    return frozenset(port.portgroupKey for port in found if port.portgroupKey)


class PortNews:
    """Which of the events are new, and what they say that nobody has passed on yet. Lives on the event loop.

    The page that there is when somebody begins to listen is what was before. Later ones are compared with the newest
    event that was seen, so that nothing is lost while the poll is made anew.
    """

    def __init__(self) -> None:
        self._newest: int | None = None
        self._pending: dict[MoRef, set[str]] = {}
        self._news = asyncio.Event()

    def begin(self, page: tuple[PortEvent, ...]) -> None:
        """Take over what was on the page of a new collector before it was watched."""
        if self._newest is None or _newest(page) < self._newest:
            # The first, or of a vCenter that counts from an older number on: it was restored from a backup.
            self._newest = _newest(page)
        self.take(page)

    def take(self, page: tuple[PortEvent, ...]) -> None:
        """Take over a page that was pushed."""
        for event in page:
            if self._newest is None or event.key > self._newest:
                self._pending.setdefault(event.switch, set()).update(event.ports)
                self._news.set()
        self._newest = max(self._newest or 0, _newest(page))

    def restart(self) -> None:
        """Another vCenter answers: it counts its events for itself."""
        self._newest = None
        self._pending.clear()
        self._news.clear()

    async def wait(self) -> tuple[MoRef, frozenset[str]]:
        """Return a switch and the ports of it that were changed; again until ``told`` says that it was passed on."""
        await self._news.wait()
        switch = next(iter(self._pending))
        return switch, frozenset(self._pending[switch])

    def told(self, switch: MoRef, ports: Iterable[str]) -> None:
        """It was passed on."""
        left = self._pending.get(switch, set())
        left.difference_update(ports)
        if not left:
            self._pending.pop(switch, None)
        if not self._pending:
            self._news.clear()


def _newest(page: Iterable[PortEvent]) -> int:
    return max((event.key for event in page), default=0)
