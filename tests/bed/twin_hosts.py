"""Hosts and their standard switches in the control API: what the dump tells of them, and work on a host itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bed.twin_wire import Wire

__all__ = ["Host", "HostControl", "StandardNetwork", "StandardPortGroup", "StandardSwitch"]


@dataclass(frozen=True)
class StandardSwitch:
    """A standard switch of a host."""

    name: str
    mtu: int
    uplinks: tuple[str, ...]


@dataclass(frozen=True)
class StandardPortGroup:
    """A port group of a standard switch, with its effective security policy and the number of ports in use."""

    name: str
    switch: str
    vlan_id: int
    allow_promiscuous: bool
    mac_changes: bool
    forged_transmits: bool
    ports: int


@dataclass(frozen=True)
class Host:
    """A host as vCenter knows it; `pending` counts the changes on it that vCenter has not heard of."""

    id: str
    name: str
    connection_state: str
    nested_hv: bool
    maintenance: bool
    networks: tuple[str, ...]
    switches: tuple[StandardSwitch, ...]
    port_groups: tuple[StandardPortGroup, ...]
    pending: int

    def port_group(self, name: str) -> StandardPortGroup | None:
        """Return the standard port group of this name, if there is one."""
        return next((group for group in self.port_groups if group.name == name), None)


@dataclass(frozen=True)
class StandardNetwork:
    """A Network object: the port groups of one name in a datacenter."""

    id: str
    name: str
    hosts: tuple[str, ...]
    vms: tuple[str, ...]


def read_host(told: Mapping[str, Any]) -> Host:
    """Read a host of the dump."""
    return Host(
        id=told["id"],
        name=told["name"],
        connection_state=told["connectionState"],
        nested_hv=told["nestedHV"],
        maintenance=told["maintenance"],
        networks=tuple(told["networks"]),
        switches=tuple(StandardSwitch(s["name"], s["mtu"], tuple(s["uplinks"])) for s in told["switches"]),
        port_groups=tuple(
            StandardPortGroup(
                g["name"], g["switch"], g["vlanId"], g["allowPromiscuous"], g["macChanges"], g["forgedTransmits"],
                g["ports"],
            )
            for g in told["portGroups"]
        ),
        pending=told["pending"],
    )  # fmt: skip


def read_network(told: Mapping[str, Any]) -> StandardNetwork:
    """Read a standard network of the dump."""
    return StandardNetwork(told["id"], told["name"], tuple(told["hosts"]), tuple(told["vms"]))


class HostControl(Wire):
    """Work on a host itself, past vCenter."""

    def host_network(
        self,
        host: str,
        *,
        add: Sequence[Mapping[str, Any]] = (),
        update: Sequence[Mapping[str, Any]] = (),
        remove: Sequence[str] = (),
        pending: bool = False,
        user: str = "root",
    ) -> int:
        """Change port groups of a host's standard switches; return how many changes vCenter has not heard of.

        Args:
            host: Id or name of the host.
            add: New groups: `name`, and `switch`, `vlanId`, `allowPromiscuous`, `macChanges`, `forgedTransmits`.
            update: Settings of groups by their `name`; what is not given stays.
            remove: Names of groups.
            pending: vCenter sees it only when it asks the host: by RefreshNetworkSystem, any other call on its network
                system, or when the host reconnects.
            user: Who did it.
        """
        body = {
            "host": host, "user": user, "pending": pending, "add": [dict(group) for group in add],
            "update": [dict(group) for group in update], "remove": list(remove),
        }  # fmt: skip
        return int(self._post("host-network", body)["pending"])
