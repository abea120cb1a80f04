"""The standard switches and port groups of one ESXi host, and the cluster that says which hosts there are.

A host's network configuration is one property of the host and has no version and no place for a mark. It is a record of
its own, because it is dear to read (0.4 ms for each port group) and only those who need it should pay for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from .moref import MoRef

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .inventory import Vlan

__all__ = [
    "HOST_NETWORK",
    "STANDARD_NETWORK",
    "Attached",
    "Cluster",
    "HostNetwork",
    "StandardNetwork",
    "StandardPolicy",
    "StandardPortGroup",
    "StandardSettings",
    "StandardSwitch",
    "host_network",
]

#: The type of the object that vCenter has for all standard port groups of a name.
STANDARD_NETWORK: Final = "Network"
#: The type of the references of ``HostNetwork``: our own word, the value is that of the ``HostSystem``.
HOST_NETWORK: Final = "HostNetwork"


def host_network(host: MoRef) -> MoRef:
    """Return the reference under which the network configuration of a host is watched."""
    return MoRef(HOST_NETWORK, host.value)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster and its hosts."""

    ref: MoRef
    name: str
    hosts: tuple[MoRef, ...]


@dataclass(frozen=True, slots=True)
class StandardNetwork:
    """What vCenter has for all standard port groups of a name: the VMs that are attached to any of them."""

    ref: MoRef
    virtual_machines: tuple[MoRef, ...]


@dataclass(frozen=True, slots=True)
class StandardSwitch:
    """A standard switch (``HostVirtualSwitch``) of one host. ``uplinks`` counts its physical adapters."""

    name: str
    mtu: int | None
    uplinks: int


@dataclass(frozen=True, slots=True)
class StandardPolicy:
    """``HostNetworkSecurityPolicy``; ``None`` in the port group's own policy means: as the switch."""

    allow_promiscuous: bool | None = None
    mac_changes: bool | None = None
    forged_transmits: bool | None = None


@dataclass(frozen=True, slots=True)
class StandardPortGroup:
    """A port group on a standard switch of one host.

    ``own`` is what it sets itself, ``effective`` the merge with its switch (``computedPolicy``). ``load_balancing`` is
    the effective teaming policy. ``more`` is true where it sets more than its security: teaming, shaping, offload.
    """

    key: str
    name: str
    switch: str
    vlan: Vlan
    own: StandardPolicy
    effective: StandardPolicy
    load_balancing: str
    more: bool


@dataclass(frozen=True)
class HostNetwork:
    """What ``host.config.network`` says; ``None`` where vCenter cannot say it, as of a host that it has lost."""

    ref: MoRef
    switches: tuple[StandardSwitch, ...] | None
    port_groups: tuple[StandardPortGroup, ...] | None

    @property
    def known(self) -> bool:
        """Whether absence of a port group means that there is none."""
        return self.switches is not None and self.port_groups is not None

    def switch(self, name: str) -> StandardSwitch | None:
        """Return the switch of this name."""
        return next((switch for switch in self.switches or () if switch.name == name), None)

    @cached_property
    def _by_name(self) -> Mapping[str, StandardPortGroup]:
        """Hundreds of resources may ask for one each, on each of many hosts."""
        return {group.name: group for group in self.port_groups or ()}

    def port_group(self, name: str) -> StandardPortGroup | None:
        """Return the port group of this name."""
        return self._by_name.get(name)

    def differing(self, other: HostNetwork) -> frozenset[str] | None:
        """Return the names of port groups that are not the same in both; ``None`` if more than that differs."""
        if (self.known, self.switches) != (other.known, other.switches):
            return None
        mine, theirs = self._by_name, other._by_name
        # Of hundreds nearly all are the very same objects, and to compare two by value is dear.
        changed = {name for name, group in theirs.items() if group is not mine.get(name) and group != mine.get(name)}
        return frozenset(changed | (mine.keys() - theirs.keys()))

    def having(self, name: str, group: StandardPortGroup | None) -> HostNetwork:
        """Return this with the port group of a name read anew: another one, or none."""
        others = tuple(other for other in self.port_groups or () if other.name != name)
        return HostNetwork(self.ref, self.switches, others if group is None else (*others, group))

    def patched(self, groups: Mapping[str, StandardPortGroup | None]) -> HostNetwork:
        """Return this with some port groups, by their key, as they are now; ``None`` for those that are gone."""
        if self.port_groups is None:
            return self
        there = {group.key: group for group in self.port_groups}
        for key, group in groups.items():
            if group is None:
                there.pop(key, None)
            else:
                there[key] = group
        return HostNetwork(self.ref, self.switches, tuple(there.values()))


@dataclass(frozen=True, slots=True)
class Attached:
    """A VM that is attached to a standard port group, and the host that it runs on."""

    name: str
    host: MoRef


@dataclass(frozen=True, slots=True)
class StandardSettings:
    """What a standard port group shall be: everything of it that is managed."""

    name: str
    switch: str
    vlan: Vlan
    policy: StandardPolicy
