"""The vCenter connections that are in use (``controllers.ports.VCenters``): equal connections share one session.

Equal means same server, user, password and TLS settings; what a connection may be used for (scope, adoption) is not
part of it. A session lives as long as somebody uses it, and no longer.
"""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING

from nested_hyperv.vsphere.link import Link
from nested_hyperv.vsphere.tuning import Tuning
from nested_hyperv.vsphere.vcenter import VCenter

if TYPE_CHECKING:
    from collections.abc import Callable

    from nested_hyperv.api.connection import Connection, SessionKey
    from nested_hyperv.domain.resource import ObjectKey
    from nested_hyperv.vsphere.availability import Observer

__all__ = ["VCenters"]


class VCenters:
    """Registry of sessions and of who uses which. ``notify`` is called on the event loop with keys to look at again."""

    def __init__(
        self,
        notify: Callable[[ObjectKey], None],
        *,
        tuning: Tuning | None = None,
        observer: Observer | None = None,
    ) -> None:
        self._notify = notify
        self._tuning = tuning or Tuning()
        self._observer = observer
        self._links: dict[SessionKey, tuple[Link, VCenter]] = {}
        self._used: dict[ObjectKey, SessionKey] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def open(self, key: ObjectKey, connection: Connection) -> VCenter:
        """Return the session of this connection and count ``key`` among its users. Never waits."""
        wanted = connection.session_key
        if self._used.get(key) not in (None, wanted):
            self.release(key)
        if wanted not in self._links:
            link = Link(connection, self._tuning, notify=self._notify, observer=self._observer)
            self._links[wanted] = (link, VCenter(link, self._tuning))
        link, vcenter = self._links[wanted]
        link.availability.users.add(key)
        self._used[key] = wanted
        link.availability.check()
        return vcenter

    def release(self, key: ObjectKey) -> None:
        """Forget what ``key`` uses and watches; a session without users is logged out."""
        used = self._used.pop(key, None)
        if used is None:
            return
        link, _ = self._links[used]
        link.availability.users.discard(key)
        link.inventory.forget(key)
        if not link.availability.users:
            del self._links[used]
            self._close(link)

    def _close(self, link: Link) -> None:
        link.retire()
        task = asyncio.get_running_loop().create_task(
            link.close(), name=f"log out of {link.server}", context=contextvars.Context()
        )
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    @property
    def sessions(self) -> int:
        """How many connections are open."""
        return len(self._links)

    async def close(self) -> None:
        """Log out everywhere; takes no longer than the slowest vCenter is allowed to."""
        for link, _ in self._links.values():
            self._close(link)
        self._links.clear()
        self._used.clear()
        if self._closing:
            await asyncio.gather(*self._closing)
