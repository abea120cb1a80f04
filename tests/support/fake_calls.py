"""Which calls of a vCenter in memory change something."""

from typing import Final

__all__ = ["MUTATING"]

_ON_SWITCHES: Final = frozenset({"create_port_group", "reconfigure_port_group"})
_ON_HOSTS: Final = frozenset({"add_host_port_group", "update_host_port_group", "remove_host_port_group"})
_ON_MACHINES: Final = frozenset({"destroy", "clone", "reconfigure", "power_on", "power_off", "shutdown_guest"})

MUTATING: Final = _ON_SWITCHES | _ON_HOSTS | _ON_MACHINES
