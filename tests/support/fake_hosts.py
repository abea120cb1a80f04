"""The standard switches of a vCenter in memory: calls happen at once, what vCenter says of a host follows by push."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain import errors
from nested_hyperv.domain.host_network import (
    Attached,
    Cluster,
    HostNetwork,
    StandardNetwork,
    StandardPolicy,
    StandardPortGroup,
    StandardSwitch,
    host_network,
)
from nested_hyperv.domain.inventory import HostSet, MoRef
from support import vsphere_records as samples

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nested_hyperv.domain.host_network import StandardSettings
    from support.fake_vcenter import FakeVCenter

__all__ = ["CLUSTER", "FakeHosts"]

CLUSTER = MoRef("ClusterComputeResource", "domain-c1")
_CLOSED = StandardPolicy(allow_promiscuous=False, mac_changes=True, forged_transmits=True)


@dataclass
class FakeHosts:
    """`controllers.ports.StandardSwitches` over a `FakeVCenter`."""

    vcenter: FakeVCenter
    reverse_path: bool | None = False

    # --- what others do -----------------------------------------------------------------------------------------------

    def join(self, name: str, *, switches: Iterable[StandardSwitch] = (StandardSwitch("vSwitch0", 1500, 1),)) -> MoRef:
        """Add a host to the cluster; returns it."""
        ref = self.vcenter.add(samples.host(name, hardware_uuid=f"uuid-{name}"))
        self.vcenter.add(HostNetwork(host_network(ref), tuple(switches), ()))
        members = self.vcenter.clusters[CLUSTER].hosts if CLUSTER in self.vcenter.clusters else ()
        self.vcenter.add(Cluster(CLUSTER, "lab", (*members, ref)))
        return ref

    def leave(self, host: MoRef, *, inventory: bool = True) -> None:
        """Take a host out of the cluster, and out of the inventory too."""
        members = tuple(ref for ref in self.vcenter.clusters[CLUSTER].hosts if ref != host)
        self.vcenter.add(Cluster(CLUSTER, "lab", members))
        if inventory:
            self.vcenter.remove(host)
            self.vcenter.remove(host_network(host))

    def group(self, host: MoRef, name: str = "inner") -> StandardPortGroup | None:
        """What a host has under a name."""
        return self._network(host).port_group(name)

    def put(self, host: MoRef, group: StandardPortGroup) -> None:
        """Write a port group as somebody on the host does."""
        self.vcenter.add(self._network(host).having(group.name, group))

    def drop(self, host: MoRef, name: str = "inner") -> None:
        """Remove a port group as somebody on the host does."""
        self.vcenter.add(self._network(host).having(name, None))

    def drift(self, host: MoRef, name: str = "inner", **own: bool | None) -> None:
        """Change the policy of a port group as somebody on the host does."""
        group = self.group(host, name)
        assert group is not None
        self.put(host, replace(group, own=replace(group.own, **own)))

    def networks(self) -> dict[MoRef, StandardNetwork]:
        """What vCenter has for all port groups of a name, and who is attached to it."""
        names = {group.name for network in self.vcenter.host_networks.values() for group in network.port_groups or ()}
        return {
            (ref := MoRef("Network", f"network-{name}")): StandardNetwork(
                ref,
                tuple(
                    machine.ref
                    for machine in self.vcenter.machines.values()
                    if machine.detail and any(nic.network == name for nic in machine.detail.adapters)
                ),
            )
            for name in names
        }

    def _network(self, host: MoRef) -> HostNetwork:
        return self.vcenter.host_networks[host_network(host)]

    # --- controllers.ports.StandardSwitches ---------------------------------------------------------------------------

    async def find_hosts(self, datacenter: str, cluster: str | None, hosts: Iterable[str], *, fresh: bool) -> HostSet:
        await self.vcenter.called("find_hosts", remembered=not fresh)
        if cluster is not None:
            found = next((c for c in self.vcenter.clusters.values() if c.name == cluster), None)
            if found is None:
                raise errors.Blocked(Reason.NOT_FOUND, f"No cluster {cluster!r} in {datacenter}.")
            return HostSet(found.ref, found.hosts, (f"/dc1/host/{cluster}",))
        names = tuple(hosts)
        refs = {host.name: host.ref for host in self.vcenter.hosts.values()}
        for name in names:
            if name not in refs:
                raise errors.Blocked(Reason.NOT_FOUND, f"No host {name!r} in {datacenter}.")
        return HostSet(None, tuple(refs[name] for name in names), tuple(f"/dc1/host/{name}" for name in names))

    async def find_network(self, datacenter: str, name: str, *, fresh: bool) -> MoRef | None:  # noqa: ARG002 - one datacenter
        known = any(network.port_group(name) for network in self.vcenter.host_networks.values())
        await self.vcenter.called("find_standard_network", remembered=not fresh and known)
        return MoRef("Network", f"network-{name}") if known else None

    async def read(self, network: MoRef, name: str) -> HostNetwork | None:  # noqa: ARG002 - all of it is one read here
        await self.vcenter.called("read_host_network")
        found: HostNetwork | None = self.vcenter.read_live(network)
        return found

    async def reverse_path_check(self, host: MoRef, *, fresh: bool) -> bool | None:  # noqa: ARG002 - the same everywhere
        await self.vcenter.called("reverse_path_check", remembered=not fresh)
        return self.reverse_path

    async def users_of(self, network: MoRef, hosts: Iterable[MoRef]) -> dict[MoRef, Attached]:
        await self.vcenter.called("users_of")
        name, there = network.value.removeprefix("network-"), set(hosts)
        return {
            machine.ref: Attached(machine.name, machine.host)
            for machine in self.vcenter.machines.values()
            if machine.host is not None and machine.host in there
            if machine.detail and any(nic.network == name for nic in machine.detail.adapters)
        }

    async def add(self, host: MoRef, settings: StandardSettings) -> None:
        await self._change("add_host_port_group", host)
        if self.group(host, settings.name) is not None:
            raise errors.NameTaken(f"The name {settings.name} is taken on {host.value}.")
        self._write(host, settings)
        self._answer("add_host_port_group")

    async def update(self, host: MoRef, current: StandardPortGroup, settings: StandardSettings) -> None:
        await self._change("update_host_port_group", host)
        if self.group(host, current.name) is None:
            raise errors.Gone(f"{current.name} is gone.")
        self._write(host, settings)
        self._answer("update_host_port_group")

    async def remove(self, host: MoRef, name: str) -> None:
        await self._change("remove_host_port_group", host)
        self.drop(host, name)
        self._answer("remove_host_port_group")

    def _answer(self, method: str) -> None:
        """Break the connection after the call where a test asks for that."""
        if method in self.vcenter.lose_answers:
            self.vcenter.lose_answers.discard(method)
            raise errors.OutcomeUnknown(f"The connection broke during {method}.")

    async def _change(self, method: str, host: MoRef) -> None:
        await self.vcenter.called(method)
        await self.vcenter.called(f"{method} {host.value}", remembered=True)
        if host not in self.vcenter.hosts:
            raise errors.Gone(f"{host.value} is gone.")
        if self.vcenter.hosts[host].connection_state != "connected":
            raise errors.Transient(Reason.HOST_UNAVAILABLE, f"{host.value} is not connected.")

    def _write(self, host: MoRef, settings: StandardSettings) -> None:
        policy = settings.policy
        if "policy" in self.vcenter.ignores:
            policy = _CLOSED
        effective = StandardPolicy(
            *(
                inherited if own is None else own
                for own, inherited in zip(
                    (policy.allow_promiscuous, policy.mac_changes, policy.forged_transmits),
                    (_CLOSED.allow_promiscuous, _CLOSED.mac_changes, _CLOSED.forged_transmits),
                    strict=True,
                )
            )
        )
        self.put(
            host,
            StandardPortGroup(
                key=f"key-vim.host.PortGroup-{settings.name}",
                name=settings.name,
                switch=settings.switch,
                vlan=settings.vlan,
                own=policy,
                effective=effective,
                load_balancing="loadbalance_srcid",
                more=False,
            ),
        )
