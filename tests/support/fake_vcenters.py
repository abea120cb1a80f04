"""Which vCenter in memory answers at which server name, and what stands between (`controllers.ports.VCenters`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from nested_hyperv.api.connection import Connection
    from nested_hyperv.domain.resource import ObjectKey
    from support.fake_vcenter import FakeVCenter

__all__ = ["FakeVCenters"]


class FakeVCenters:
    """Which vCenter answers at which server name; `refusals` say what stands between."""

    def __init__(self, notify: Callable[[ObjectKey], None], **servers: FakeVCenter) -> None:
        self.servers = servers
        self.refusals: dict[str, Exception] = {}
        self.used: dict[ObjectKey, FakeVCenter] = {}
        for vcenter in servers.values():
            vcenter.notify = notify

    def open(self, key: ObjectKey, connection: Connection) -> FakeVCenter:
        vcenter = self.servers[connection.host]
        if self.used.get(key) not in (None, vcenter):
            self.release(key)
        self.used[key] = vcenter
        vcenter.users.add(key)
        if connection.host in self.refusals:
            raise self.refusals[connection.host]
        return vcenter

    def release(self, key: ObjectKey) -> None:
        vcenter = self.used.pop(key, None)
        if vcenter is not None:
            vcenter.users.discard(key)
            vcenter.forget(key)

    def refuse(self, server: str, error: Exception | None) -> None:
        """Close or open the way to a server; its users are told."""
        if error is None:
            self.refusals.pop(server, None)
        else:
            self.refusals[server] = error
        vcenter = self.servers[server]
        for key in tuple(vcenter.users):
            vcenter.notify(key)
