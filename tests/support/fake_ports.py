"""The ports of the distributed port groups of a vCenter in memory: one for each adapter that is attached."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain import errors
from nested_hyperv.domain.inventory import Port

if TYPE_CHECKING:
    from nested_hyperv.domain.inventory import MoRef, PortGroup, PortGroupSettings
    from support.fake_vcenter import FakeVCenter

__all__ = ["FakePorts"]


@dataclass
class FakePorts:
    """Who is connected; `settings` is what single ports have of their own, by key ("0", "1" in the order of VMs).

    `news` counts how often it was told that there are other settings.
    """

    vcenter: FakeVCenter
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    news: dict[MoRef, int] = field(default_factory=dict)

    def connected(self, ref: PortGroup) -> tuple[Port, ...]:
        if ref.ref not in self.vcenter.port_groups:
            return ()  # the switch has no ports of a group that is gone
        group = self.vcenter.attached(ref.ref)
        machines = (self.vcenter.machines[machine] for machine in group.virtual_machines)
        owners = [m.ref for m in machines if m.detail for nic in m.detail.adapters if nic.network == group.key]
        return tuple(Port(str(n), owner, **self.settings.get(str(n), {})) for n, owner in enumerate(owners))

    def check(self, group: PortGroup, settings: PortGroupSettings) -> None:
        """Refuse to take ports away that are in use."""
        used = len(self.connected(group))
        if settings.port_count is not None and settings.port_count < used:
            message = f"Cannot set number of ports to {settings.port_count} because at least {used} are still in use"
            raise errors.Blocked(Reason.TASK_FAILED, message)
