"""Observe a port group on a distributed switch.

It is found by the MoRef in status, else by our mark among all port groups of the switch (it may have been renamed),
never by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.portgroup import AdoptionPolicy
from nested_hyperv.controllers.context import AwaitingPush, Context
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.inventory import MoRef, PortGroup
from nested_hyperv.domain.ownership import Ownership, parse_mark
from nested_hyperv.domain.portgroup.plan import PortGroupWorld
from nested_hyperv.domain.portgroup.users import Users

from .ports import observe_ports

if TYPE_CHECKING:
    from nested_hyperv.api.portgroup import Distributed, NestedPortGroupSpec
    from nested_hyperv.domain.inventory import Switch

__all__ = ["DISTRIBUTED_TYPE", "observe_distributed"]

DISTRIBUTED_TYPE: Final = "DistributedVirtualPortgroup"


async def observe_distributed(
    context: Context[NestedPortGroupSpec], where: Distributed, lab: frozenset[MoRef]
) -> PortGroupWorld:
    """Find the switch, the port group, who has its name, and for a deletion who is attached to it."""
    switch = await _switch(context, where)
    if switch is None:
        return PortGroupWorld(None, None)
    owner = context.subject.identity
    port_group = await _find(context, switch)
    namesake = None
    if port_group is None and not context.resource.deleting:
        namesake = await context.vcenter.find_port_group_by_name(switch, context.spec.name)
        if namesake is not None and Ownership.of(parse_mark(namesake.description), owner) is Ownership.OURS:
            # Made a moment ago in a call whose answer was lost, and not in the index of owners yet.
            port_group, namesake = namesake, None
    watched = [port_group or namesake]
    context.vcenter.watch(context.key, [switch.ref, *(found.ref for found in watched if found is not None)])
    if not context.resource.deleting:
        wanted = port_group or (namesake if context.spec.adoption_policy is AdoptionPolicy.ADOPT else None)
        use, again_after = await observe_ports(context, wanted) if wanted is not None else (None, None)
        return PortGroupWorld(switch, port_group, namesake, ports=use, again_after=again_after)
    if port_group is None:
        return PortGroupWorld(switch, port_group, namesake)
    names = await context.vcenter.names_of(port_group.virtual_machines) if port_group.virtual_machines else {}
    return PortGroupWorld(switch, port_group, users=Users(names, lab))


async def _switch(context: Context[NestedPortGroupSpec], where: Distributed) -> Switch | None:
    """Find the switch; ``None`` when all of a deletion has gone with it."""
    try:
        return await context.vcenter.find_switch(where.datacenter, where.switch, fresh=context.live)
    except Blocked as error:
        if not context.resource.deleting or error.reason is not Reason.NOT_FOUND:
            raise
        # A switch that was renamed is not found either. Only when the port group is gone, too, is there nothing left;
        # one that is merely hidden from our account is refused here, and stays.
        known, vcenter = context.subject.known, context.vcenter
        if known is not None and await vcenter.read_port_group(known) is not None:
            raise
        if await vcenter.exists_anywhere(context.subject.identity.owner):
            raise
        return None


async def _find(context: Context[NestedPortGroupSpec], switch: Switch) -> PortGroup | None:
    vcenter, subject = context.vcenter, context.subject
    if subject.known is not None:
        found = await _read(context, switch, subject.known)
        if found is not None:
            return found
    hits = await vcenter.find_port_group_by_owner(switch, subject.identity.owner)
    if len(hits) > 1:
        names = ", ".join(f"{hit.name} ({hit.ref.value})" for hit in hits)
        raise Blocked(
            Reason.CONFLICT,
            f"Several port groups carry the mark of this resource: {names}. Remove the mark (the bracketed part of "
            "the description) from all but one.",
        )
    if hits:
        return hits[0]
    if subject.adopt is None or context.resource.deleting:
        return None
    adopted = await vcenter.read_port_group(MoRef(DISTRIBUTED_TYPE, subject.adopt))
    if adopted is None and subject.known is not None:
        return None  # it was adopted once, and is gone since
    if adopted is None or adopted.switch != switch.ref:
        raise Blocked(
            Reason.NOT_FOUND,
            f"Annotation nestedhv.io/adopt names {subject.adopt}, which is no port group of {switch.name}.",
        )
    return adopted


async def _read(context: Context[NestedPortGroupSpec], switch: Switch, ref: MoRef) -> PortGroup | None:
    vcenter = context.vcenter
    if not context.live and not vcenter.missing(ref):
        if vcenter.cached(ref) is None:
            vcenter.watch(context.key, [switch.ref, ref])
        cached = vcenter.cached(ref)
        if isinstance(cached, PortGroup):
            return cached
        raise AwaitingPush
    return await vcenter.read_port_group(ref)
