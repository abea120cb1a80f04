"""Observe the hosts that shall have a port group on a standard switch.

Everything comes from the cache, which a push keeps: the hosts of the cluster, their connection, their networks. Only
hosts that are about to be written are read live, since that is dear.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.portgroup import HostClaim, NestingMode
from nested_hyperv.controllers.context import AwaitingPush, Context
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.host_network import STANDARD_NETWORK, Cluster, HostNetwork, host_network
from nested_hyperv.domain.inventory import Host, HostSet, MoRef
from nested_hyperv.domain.portgroup.ledger import Entry, entry_on, read_ledger
from nested_hyperv.domain.portgroup.standard_goal import mode_of
from nested_hyperv.domain.portgroup.standard_host import HostView
from nested_hyperv.domain.portgroup.standard_plan import StandardWorld, goes
from nested_hyperv.domain.portgroup.users import Users
from nested_hyperv.workqueue.backoff import Backoff

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nested_hyperv.api.portgroup import NestedPortGroupSpec, Standard

__all__ = ["STANDARD_TYPE", "observe_standard"]

STANDARD_TYPE: Final = STANDARD_NETWORK
_BACKOFF: Final = Backoff()


async def observe_standard(
    context: Context[NestedPortGroupSpec], where: Standard, lab: frozenset[MoRef]
) -> StandardWorld:
    """Find the hosts, what each has, and for a deletion who is attached to it."""
    ledger = read_ledger(context.resource.status.get("hosts", ()))
    wanted = await _wanted(context, where)
    left = [ref for ref, entry in ledger.items() if entry.claim is not None and ref not in wanted.hosts]
    if left and where.cluster is not None and not context.resource.deleting:
        await _check_left(context, wanted, left)
        left = []
    watched = [*([wanted.cluster] if wanted.cluster else []), *wanted.hosts, *left]
    networks = [host_network(ref) for ref in (*wanted.hosts, *left)]
    network = await _network(context, where)
    if network is not None and context.resource.deleting:
        networks.append(network)  # who is attached to it decides when the deletion can go on
    context.vcenter.watch(context.key, [*watched, *networks], name=context.spec.name)
    hosts = await _hosts(context, (*wanted.hosts, *left))
    found = await _networks(context, hosts)
    views = {ref: _view(context, ledger, host, found.get(ref)) for ref, host in hosts.items()}
    world = StandardWorld(
        paths=wanted.paths,
        hosts=tuple([await _checked(context, views[ref]) for ref in wanted.hosts if ref in views]),
        left=tuple(views[ref] for ref in left if ref in views),
        network=network,
        again_after=_soonest(context),
        users=Users(await _users(context, network, views.values()), lab),
        network_after=_look_again(context, network),
    )
    return world


async def _check_left(context: Context[NestedPortGroupSpec], wanted: HostSet, left: Iterable[MoRef]) -> None:
    """Make sure that hosts have left their cluster: unlike one off a list, such a host is forgotten, with its claim."""
    vcenter, cluster = context.vcenter, wanted.cluster
    if cluster is not None and not isinstance(vcenter.cached(cluster), Cluster) and not vcenter.missing(cluster):
        # What is remembered of its members may be older than the claim.
        vcenter.watch(context.key, [cluster])
        raise AwaitingPush
    # A host that is only hidden from our account has not left: then this is refused, and the ledger stays as it is.
    await vcenter.read_hosts(left)


async def _wanted(context: Context[NestedPortGroupSpec], where: Standard) -> HostSet:
    """The hosts of the spec. While a deletion is under way only the ledger counts."""
    if context.resource.deleting:
        return HostSet(None, (), ())
    found = await context.vcenter.standard.find_hosts(
        where.datacenter, where.cluster, where.hosts or (), fresh=context.live
    )
    cluster = context.vcenter.cached(found.cluster) if found.cluster is not None else None
    # What is pushed is newer than what is remembered: a host that has just joined.
    return HostSet(found.cluster, cluster.hosts, found.paths) if isinstance(cluster, Cluster) else found


async def _hosts(context: Context[NestedPortGroupSpec], refs: tuple[MoRef, ...]) -> Mapping[MoRef, Host]:
    vcenter = context.vcenter
    known: dict[MoRef, Host] = {}
    asked = []
    for ref in refs:
        cached = vcenter.cached(ref)
        # A deletion asks those that it writes to, and they answer only if they are there and connected.
        if isinstance(cached, Host) and (context.resource.deleting or not context.thorough):
            known[ref] = cached
        else:
            asked.append(ref)
    if asked:
        known |= {host.ref: host for host in await vcenter.read_hosts(asked)}
    return known


async def _networks(context: Context[NestedPortGroupSpec], hosts: Mapping[MoRef, Host]) -> Mapping[MoRef, HostNetwork]:
    """The networks of each host; live where the plan rests on them."""
    vcenter = context.vcenter
    found: dict[MoRef, HostNetwork] = {}
    live = []
    for ref, host in hosts.items():
        network = host_network(ref)
        cached = vcenter.cached(network)
        needed = context.thorough or (context.unproven is not None and network in context.unproven)
        needed = needed and not _seen_to_go(context, ref, cached)
        if host.connection_state != "connected" and not isinstance(cached, HostNetwork):
            continue  # vCenter has nothing to say of it
        if needed and host.connection_state == "connected":
            live.append(network)
        elif isinstance(cached, HostNetwork):
            found[ref] = cached
        elif not vcenter.missing(network):
            raise AwaitingPush
        elif host.connection_state == "connected":
            live.append(network)  # the view lost sight of it, as while we might not see the host: ask
    answers = await asyncio.gather(*(vcenter.standard.read(ref, context.spec.name) for ref in live))
    found |= {MoRef("HostSystem", answer.ref.value): answer for answer in answers if answer is not None}
    return found


def _seen_to_go(context: Context[NestedPortGroupSpec], host: MoRef, network: object) -> bool:
    """Whether we have removed it there and are told, or will be: absence takes a read of all that the host has."""
    lane = context.memory.lanes.get(host)
    if lane is None or not lane.removed or not isinstance(network, HostNetwork):
        return False
    absent = network.known and network.port_group(context.spec.name) is None
    return absent or lane.in_flight(context.elapsed)


def _view(
    context: Context[NestedPortGroupSpec], ledger: Mapping[MoRef, Entry], host: Host, network: HostNetwork | None
) -> HostView:
    lane, entry = context.memory.lanes.get(host.ref), entry_on(ledger, host)
    return HostView(
        host=host,
        network=network,
        claim=entry.claim if entry is not None else None,
        creating=entry.creating if entry is not None else None,
        created=lane is not None and lane.created,
        hindrance=lane.hindrance(context.elapsed) if lane is not None else None,
        in_flight=lane is not None and lane.in_flight(context.elapsed),
        in_doubt=lane is not None and (lane.in_doubt or lane.created),
        doubted=lane is not None and lane.doubted(context.elapsed),
        removed=lane is not None and lane.removed,
    )


async def _checked(context: Context[NestedPortGroupSpec], view: HostView) -> HostView:
    """Ask for the option that promiscuous mode needs on a switch with several uplinks."""
    where = context.spec.standard
    switch = view.network.switch(where.v_switch) if view.network is not None and where is not None else None
    promiscuous = mode_of(context.spec) is NestingMode.PROMISCUOUS
    if switch is None or switch.uplinks <= 1 or not promiscuous or view.host.connection_state != "connected":
        return view
    check = await context.vcenter.standard.reverse_path_check(view.host.ref, fresh=context.live)
    return replace(view, reverse_path_check=check)


async def _network(context: Context[NestedPortGroupSpec], where: Standard) -> MoRef | None:
    """The object that stands for all port groups of this name."""
    try:
        found = await context.vcenter.standard.find_network(
            where.datacenter, context.spec.name, fresh=context.live and not context.resource.deleting
        )
    except Blocked as error:
        if context.resource.deleting and error.reason is Reason.NOT_FOUND:
            return None
        raise
    if found is not None and found.type != STANDARD_TYPE:
        if context.resource.deleting:
            return None
        raise Blocked(
            Reason.NAME_TAKEN,
            f"{context.spec.name} is a network of another kind in {where.datacenter} ({found.value}). "
            "Choose another spec.name.",
        )
    return found


def _look_again(context: Context[NestedPortGroupSpec], network: MoRef | None) -> float | None:
    """In how many seconds to look for the network again. No push tells that it is there."""
    memory = context.memory
    under_way = any(lane.performed is not None for lane in memory.lanes.values())
    memory.networkless = 0 if network is not None or under_way else memory.networkless + 1
    return _BACKOFF.delay(max(1, memory.networkless)) if network is None else None


def _soonest(context: Context[NestedPortGroupSpec]) -> float | None:
    waits = [lane.wait(context.elapsed) for lane in context.memory.lanes.values()]
    return min((wait for wait in waits if wait is not None), default=None)


async def _users(
    context: Context[NestedPortGroupSpec], network: MoRef | None, views: Iterable[HostView]
) -> Mapping[MoRef, str]:
    if not context.resource.deleting or network is None:
        return {}
    there = (view for view in views if view.claim in (HostClaim.CLAIMED, HostClaim.ADOPTED))
    going = [view.host.ref for view in there if goes(context.spec, view)]
    if not going:
        return {}
    attached = await context.vcenter.standard.users_of(network, going)
    return {ref: machine.name for ref, machine in attached.items()}
