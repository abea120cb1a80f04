"""Standard switches of hosts: the calls. Blocking.

``HostNetworkSystem`` has no tasks and no versions: a call has happened when it returns, and ``UpdatePortGroup`` writes
a port group whole. What is not managed (teaming, shaping, offload) is read and sent back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyVmomi import vim, vmodl

from nested_hyperv.domain.errors import Concurrent
from nested_hyperv.domain.host_network import Attached, HostNetwork
from nested_hyperv.domain.inventory import HostSet, MoRef, Trunk
from nested_hyperv.vsphere.collector import read, read_many
from nested_hyperv.vsphere.host_projection import ALL_VLANS_ID, GROUPS, port_group_of
from nested_hyperv.vsphere.lookup import KINDS, children, datacenter, find
from nested_hyperv.vsphere.placement import find_host
from nested_hyperv.vsphere.projection import paths_of, record_of
from nested_hyperv.vsphere.refs import displayed, escaped, moref

if TYPE_CHECKING:
    from nested_hyperv.domain.host_network import StandardPortGroup, StandardSettings
    from nested_hyperv.domain.inventory import Record
    from nested_hyperv.vsphere.session import Session

__all__ = [
    "add",
    "find_hosts",
    "find_network",
    "network_system",
    "read_network",
    "remove",
    "reverse_path_check",
    "update",
    "users_of",
]

_OPTION: Final = "Net.ReversePathFwdCheckPromisc"


def find_hosts(session: Session, datacenter_name: str, cluster: str | None, names: tuple[str, ...]) -> HostSet:
    """Find the hosts of a cluster, or those that are listed."""
    where = datacenter(session, datacenter_name)
    if cluster is not None:
        hit = find(session, where, KINDS["cluster"], cluster)
        return HostSet(hit.ref, children(session, hit.ref, "host"), (hit.path,))
    hits = [find_host(session, where, name) for name in names]
    return HostSet(None, tuple(dict.fromkeys(hit.ref for hit in hits)), tuple(hit.path for hit in hits))


def find_network(session: Session, datacenter_name: str, name: str) -> MoRef | None:
    """Return what has a name in the network folder, where vCenter keeps the networks of standard switches."""
    folder = session.object(datacenter(session, datacenter_name).folders["networkFolder"])
    child = session.content.searchIndex.FindChild(folder, escaped(name))
    return moref(child) if child is not None else None


def read_network(session: Session, network: MoRef, name: str, known: Record | None) -> HostNetwork | None:
    """Read the networks of a host live; only the one port group where its key is known already."""
    host = MoRef("HostSystem", network.value)
    before = known.port_group(name) if isinstance(known, HostNetwork) else None
    try:
        if isinstance(known, HostNetwork) and before is not None and before.key:
            try:
                found = _element(session, host, before.key)
                return known.having(name, port_group_of(found) if found is not None else None)
            except vmodl.query.InvalidProperty:
                pass  # the server knows no such path, or no such port group any more: all of them tell which
        return record_of(HostNetwork, network, read(session, host, paths_of(network.type, session.version)).properties)
    except vmodl.fault.ManagedObjectNotFound:
        return None


def _element(session: Session, host: MoRef, key: str) -> Any:
    """Read one element of an array by its key (API reference, "property path"): 500 of them cost 200 ms to parse."""
    path = f'{GROUPS}["{key}"]'
    return read(session, host, [path]).properties.get(path)


def reverse_path_check(session: Session, host: MoRef) -> bool | None:
    """Whether the host drops what promiscuous mode would echo over a second uplink."""
    manager = read(session, host, ["configManager.advancedOption"]).properties.get("configManager.advancedOption")
    if manager is None:
        return None
    try:
        options = session.object(moref(manager)).QueryOptions(_OPTION)
    except vim.fault.InvalidName:
        return None
    return bool(int(options[0].value)) if options else None


def users_of(session: Session, network: MoRef, hosts: frozenset[MoRef]) -> dict[MoRef, Attached]:
    """Return the VMs of some hosts that are attached to a network. A name that may not be read is the reference."""
    try:
        machines = children(session, network, "vm")
    except vmodl.fault.ManagedObjectNotFound:
        return {}
    found = {}
    for item in read_many(session, machines, ["name", "runtime.host"], unset_if=(vmodl.MethodFault,)):
        host = item.properties.get("runtime.host")
        if host is not None and moref(host) in hosts:
            found[item.ref] = Attached(displayed(item.properties.get("name")) or str(item.ref), moref(host))
    return found


def network_system(session: Session, host: MoRef) -> MoRef:
    """Return the object that changes the networks of a host (``HostNetworkSystem``)."""
    return moref(read(session, host, ["configManager.networkSystem"]).properties["configManager.networkSystem"])


# --- calls that change something: the first argument after the session is the host's ``HostNetworkSystem`` ------------


def add(session: Session, system: MoRef, settings: StandardSettings) -> None:
    """Create a port group on a host."""
    session.object(system).AddPortGroup(_spec(settings, vim.host.NetworkPolicy()))


def update(
    session: Session, system: MoRef, host: MoRef, current: StandardPortGroup, settings: StandardSettings
) -> None:
    """Write a port group of a host; what it sets beside its security is sent back as it is."""
    policy = _other_policies(session, host, current) if current.more else vim.host.NetworkPolicy()
    session.object(system).UpdatePortGroup(current.name, _spec(settings, policy))


def remove(session: Session, system: MoRef, name: str) -> None:
    """Remove a port group from a host; it is no error if there is none."""
    try:
        session.object(system).RemovePortGroup(name)
    except vim.fault.NotFound:
        return


def _other_policies(session: Session, host: MoRef, current: StandardPortGroup) -> Any:
    try:
        found = _element(session, host, current.key)
    except vmodl.query.InvalidProperty:
        groups = read(session, host, [GROUPS]).properties.get(GROUPS) or ()
        found = next((group for group in groups if group.spec.name == current.name), None)
    if found is None:
        message = f"{current.name} is not on {host} any more."
        raise Concurrent(message)
    return found.spec.policy


def _spec(settings: StandardSettings, policy: Any) -> Any:
    wanted = settings.policy
    policy.security = vim.host.NetworkPolicy.SecurityPolicy(
        allowPromiscuous=wanted.allow_promiscuous,
        macChanges=wanted.mac_changes,
        forgedTransmits=wanted.forged_transmits,
    )
    vlan = ALL_VLANS_ID if isinstance(settings.vlan, Trunk) else settings.vlan
    return vim.host.PortGroup.Specification(name=settings.name, vlanId=vlan, vswitchName=settings.switch, policy=policy)
