"""Which calls of a vCenter in memory change something, and what their tasks do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from nested_hyperv.domain.inventory import MoRef

__all__ = ["MUTATING", "Running"]

_ON_SWITCHES: Final = frozenset({"create_port_group", "reconfigure_port_group"})
_ON_HOSTS: Final = frozenset({"add_host_port_group", "update_host_port_group", "remove_host_port_group"})
_ON_MACHINES: Final = frozenset({"destroy", "clone", "reconfigure", "power_on", "power_off", "shutdown_guest"})

MUTATING: Final = _ON_SWITCHES | _ON_HOSTS | _ON_MACHINES


@dataclass
class Running:
    """A task that has not ended: what it does then. `on` is the template that a clone is of."""

    method: str
    effect: Callable[[], MoRef | None]
    name: str = ""
    on: MoRef | None = None
