"""Observe a port group on a distributed switch.

It is found by the MoRef in status, else by our mark among all port groups of the switch (it may have been renamed). Its
name only says where else to look: what has it is ours by its mark.
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
    try:
        switch = await context.vcenter.find_switch(where.datacenter, where.switch, fresh=context.live)
    except Blocked as error:
        if not context.resource.deleting or error.reason is not Reason.NOT_FOUND:
            raise
        return await _observe_without_switch(context, error)
    port_group = await _find(context, switch)
    if context.resource.deleting:
        return await _observe_deletion(context, switch, port_group, lab)
    namesake = None
    if port_group is None:
        namesake = await context.vcenter.find_port_group_by_name(switch, context.spec.name)
        if _is_ours(context, namesake):
            # Made a moment ago in a call whose answer was lost, and not in the index of owners yet.
            port_group, namesake = namesake, None
    _watch(context, switch, port_group or namesake)
    wanted = port_group or (namesake if context.spec.adoption_policy is AdoptionPolicy.ADOPT else None)
    use, again_after = await observe_ports(context, wanted) if wanted is not None else (None, None)
    return PortGroupWorld(switch, port_group, namesake, ports=use, again_after=again_after)


async def _observe_without_switch(context: Context[NestedPortGroupSpec], error: Blocked) -> PortGroupWorld:
    """Find out whether all of a deletion has gone with its switch; raises ``error`` while it has not.

    A switch that was renamed is not found either. Only when the port group is gone, too, and none is being made, is
    there nothing left; one that is merely hidden from our account is refused here, and stays.
    """
    known, vcenter = context.subject.known, context.vcenter
    if known is not None and await vcenter.read_port_group(known) is not None:
        raise error
    # Running creations first: one that ends in between is then found as the port group that it made.
    creating = await _unaccounted_creations(context) if context.creation_in_doubt else ()
    if not creating and await vcenter.exists_anywhere(context.subject.identity.owner):
        raise error
    return PortGroupWorld(None, None, creating=creating)


async def _observe_deletion(
    context: Context[NestedPortGroupSpec], switch: Switch, port_group: PortGroup | None, lab: frozenset[MoRef]
) -> PortGroupWorld:
    creating: tuple[MoRef, ...] = ()
    if port_group is None and context.creation_in_doubt:
        # Running creations first: one that ends in between is then found as the port group that it made.
        creating = await _unaccounted_creations(context)
        port_group = None if creating else await _find_unanswered(context, switch)
    _watch(context, switch, port_group)
    if port_group is None:
        return PortGroupWorld(switch, None, creating=creating)
    # Found: whatever was in doubt has come to this, and what is gone when it is destroyed is gone.
    context.memory.known, context.memory.in_doubt = port_group.ref, False
    names = await context.vcenter.names_of(port_group.virtual_machines) if port_group.virtual_machines else {}
    return PortGroupWorld(switch, port_group, users=Users(names, lab))


def _watch(context: Context[NestedPortGroupSpec], switch: Switch, found: PortGroup | None) -> None:
    # What we had stays watched while another has its name: unwatched, it would have to be waited for in each pass.
    watched = (switch.ref, found.ref if found is not None else None, context.subject.known)
    context.vcenter.watch(context.key, [ref for ref in watched if ref is not None])


def _is_ours(context: Context[NestedPortGroupSpec], found: PortGroup | None) -> bool:
    identity = context.subject.identity
    return found is not None and Ownership.of(parse_mark(found.description), identity) is Ownership.OURS


async def _unaccounted_creations(context: Context[NestedPortGroupSpec]) -> tuple[MoRef, ...]:
    """Creations by our user that no object waits for: one of them may become this port group.

    On all switches: the one that ours is made on may have been renamed since, and another have its name.
    """
    return await context.unaccounted(await context.vcenter.running_creations())


async def _find_unanswered(context: Context[NestedPortGroupSpec], switch: Switch) -> PortGroup | None:
    """Find what a creation has made of which we never heard: the index of owners may be older."""
    try:
        namesake = await context.vcenter.find_port_group_by_name(switch, context.spec.name)
    except Blocked as error:
        if error.reason is not Reason.NSX_MANAGED:
            raise
        namesake = None  # what NSX has is not ours, and keeps nobody
    if _is_ours(context, namesake):
        return namesake
    if not await context.vcenter.exists_anywhere(context.subject.identity.owner):
        return None
    context.vcenter.distrust_owners(switch)
    marked = await _find_marked(context, switch)
    if marked is None:
        raise Blocked(
            Reason.CONFLICT,
            f"A port group with the mark of this resource is on another switch than {switch.name}, which has perhaps "
            "got the name of the one before. Give each switch its name back, or remove that port group or its mark "
            "(the bracketed part of its description).",
        )
    return marked


async def _find(context: Context[NestedPortGroupSpec], switch: Switch) -> PortGroup | None:
    vcenter, subject = context.vcenter, context.subject
    if subject.known is not None:
        found = await _read(context, switch, subject.known)
        if found is not None:
            return found
    marked = await _find_marked(context, switch)
    if marked is not None:
        return marked
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


async def _find_marked(context: Context[NestedPortGroupSpec], switch: Switch) -> PortGroup | None:
    hits = await context.vcenter.find_port_group_by_owner(switch, context.subject.identity.owner)
    if len(hits) > 1:
        names = ", ".join(f"{hit.name} ({hit.ref.value})" for hit in hits)
        raise Blocked(
            Reason.CONFLICT,
            f"Several port groups carry the mark of this resource: {names}. Remove the mark (the bracketed part of "
            "the description) from all but one.",
        )
    return hits[0] if hits else None


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
