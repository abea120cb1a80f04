"""The standard switches of hosts, as the controllers see them (``controllers.ports.StandardSwitches``).

Each host has one lane: a host serves one change of its networks at a time, and a second one would only wait there.
"""

from __future__ import annotations

import asyncio
import functools
from collections import Counter
from typing import TYPE_CHECKING

from nested_hyperv.domain.errors import NameTaken
from nested_hyperv.domain.host_network import Cluster, HostNetwork, host_network
from nested_hyperv.vsphere import host_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nested_hyperv.domain.host_network import Attached, StandardPortGroup, StandardSettings
    from nested_hyperv.domain.inventory import HostSet, MoRef
    from nested_hyperv.vsphere.link import Link
    from nested_hyperv.vsphere.remembered import Remembered
    from nested_hyperv.vsphere.session import Session

__all__ = ["HostNetworks"]


class HostNetworks:
    """Standard switches of one vCenter, or of one stand-alone host."""

    def __init__(self, link: Link, remembered: Remembered) -> None:
        self._link = link
        self._inventory = link.inventory
        self._remembered = remembered
        self._lanes: dict[MoRef, asyncio.Lock] = {}
        #: How often a port group of a name came or went: the last that goes takes its network along, and the next one
        #: has another.
        self._turns: Counter[str] = Counter()

    async def find_hosts(self, datacenter: str, cluster: str | None, hosts: Iterable[str], *, fresh: bool) -> HostSet:
        """Find the hosts of a cluster, or those that are listed."""
        names = tuple(hosts)

        async def ask() -> HostSet:
            return await self._link.call(
                "RetrievePropertiesEx",
                lambda session: host_calls.find_hosts(session, datacenter, cluster, names),
                target=cluster or ", ".join(names),
            )

        question = ("hosts", datacenter, cluster, names)
        found = await self._remembered.get(self._link.generation, question, ask, fresh=fresh)
        named = found.hosts if found.cluster is None else (found.cluster,)
        if any(self._inventory.missing(ref) for ref in named):
            # Removed since: perhaps it was added anew, and else the answer is that there is none.
            self._remembered.forget(question)
            found = await self._remembered.get(self._link.generation, question, ask, fresh=True)
            if found.cluster is not None:
                # It is there after all: what joins it is told of again.
                name = found.paths[0].rpartition("/")[2]
                self._inventory.refresh(Cluster(found.cluster, name, found.hosts))
        return found

    async def find_network(self, datacenter: str, name: str, *, fresh: bool) -> MoRef | None:
        """Return what has this name among the networks of a datacenter."""
        return await self._remembered.get(
            self._link.generation,
            ("network named", datacenter, name, self._turns[name]),
            lambda: self._link.call(
                "FindChild", lambda session: host_calls.find_network(session, datacenter, name), target=name
            ),
            fresh=fresh,
        )

    async def read(self, network: MoRef, name: str) -> HostNetwork | None:
        """Read the port group of a name on a host live."""
        while True:
            cached = self._inventory.cached(network)
            record = await self._link.call(
                "RetrievePropertiesEx",
                functools.partial(host_calls.read_network, network=network, name=name, known=cached),
                target=network,
            )
            newest = self._inventory.cached(network)
            if record is None:
                self._inventory.gone(network)
                return None
            if not isinstance(newest, HostNetwork) or newest is cached:
                break
            if not isinstance(cached, HostNetwork) or newest.port_group(name) == cached.port_group(name):
                # Pushed while we were reading: what it tells of other port groups nobody would tell again.
                record = newest.having(name, record.port_group(name))
                break
            # It was told of this port group meanwhile, and nothing says which of the two is newer: look again.
        self._inventory.refresh(record)
        return record

    async def reverse_path_check(self, host: MoRef, *, fresh: bool) -> bool | None:
        """Whether ``Net.ReversePathFwdCheckPromisc`` is set on a host."""
        return await self._remembered.get(
            self._link.generation,
            ("reverse path check", host),
            lambda: self._link.call(
                "QueryOptions", lambda session: host_calls.reverse_path_check(session, host), target=host
            ),
            fresh=fresh,
        )

    async def users_of(self, network: MoRef, hosts: Iterable[MoRef]) -> dict[MoRef, Attached]:
        """Return the VMs of these hosts that are attached to a standard network."""
        wanted = frozenset(hosts)
        return await self._link.call(
            "RetrievePropertiesEx", lambda session: host_calls.users_of(session, network, wanted), target=network
        )

    async def add(self, host: MoRef, settings: StandardSettings) -> None:
        """``AddPortGroup``: refused if the host has one of that name, and then that one is what is known of it."""
        try:
            await self._change(host, "AddPortGroup", lambda session, system: host_calls.add(session, system, settings))
        except NameTaken:
            await self.read(host_network(host), settings.name)
            raise
        self._turns[settings.name] += 1

    async def update(self, host: MoRef, current: StandardPortGroup, settings: StandardSettings) -> None:
        """``UpdatePortGroup``: everything that is managed; what is not stays."""
        await self._change(
            host,
            "UpdatePortGroup",
            lambda session, system: host_calls.update(session, system, host, current, settings),
        )

    async def remove(self, host: MoRef, name: str) -> None:
        """``RemovePortGroup``: refused while a virtual adapter of this host is attached."""
        await self._change(host, "RemovePortGroup", lambda session, system: host_calls.remove(session, system, name))
        self._turns[name] += 1

    async def _change(self, host: MoRef, method: str, function: Callable[[Session, MoRef], None]) -> None:
        system = await self._system(host)
        async with self._lanes.setdefault(host, asyncio.Lock()):
            await self._link.call(method, lambda session: function(session, system), target=host, mutating=True)

    async def _system(self, host: MoRef) -> MoRef:
        """The object that changes the networks of a host: it is the same as long as the host is."""
        return await self._remembered.get(
            self._link.generation,
            ("network system", host),
            lambda: self._link.call(
                "RetrievePropertiesEx", lambda session: host_calls.network_system(session, host), target=host
            ),
            fresh=False,
        )
