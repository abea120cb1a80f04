"""Observe the world of one NestedPortGroup; what to do about it is decided in ``domain.portgroup``.

The object is found by the MoRef in status, else by our mark among all port groups of the switch (it may have been
renamed), never by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.meta import KIND_HOST, KIND_PORT_GROUP
from nested_hyperv.api.portgroup import NestedPortGroupSpec, NestedPortGroupStatus, parse_port_group
from nested_hyperv.controllers.context import AwaitingPush, Context
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.inventory import MoRef, PortGroup
from nested_hyperv.domain.ownership import Ownership, parse_mark
from nested_hyperv.domain.portgroup.plan import PortGroupWorld, plan_deletion, plan_port_group

if TYPE_CHECKING:
    from nested_hyperv.controllers.ports import Store
    from nested_hyperv.domain.inventory import Switch
    from nested_hyperv.domain.plan import Plan
    from nested_hyperv.domain.resource import Resource

__all__ = ["PortGroupKind"]


class PortGroupKind:
    """NestedPortGroup, as the reconciler sees it."""

    name = KIND_PORT_GROUP
    status_model = NestedPortGroupStatus
    managed_type = "DistributedVirtualPortgroup"

    def __init__(self, store: Store) -> None:
        self._store = store

    def parse(self, resource: Resource) -> NestedPortGroupSpec:
        """Return the typed spec. Raises ``InvalidSpec``."""
        return parse_port_group(resource.spec, name=resource.key.name)

    async def observe(self, context: Context[NestedPortGroupSpec]) -> PortGroupWorld:
        """Find the switch, the port group, who has its name, and for a deletion who is attached to it."""
        where, owner = context.spec.distributed, context.subject.identity
        switch = await context.vcenter.find_switch(where.datacenter, where.switch, fresh=context.live)
        port_group = await self._find(context, switch)
        namesake = None
        if port_group is None and not context.resource.deleting:
            namesake = await context.vcenter.find_port_group_by_name(switch, context.spec.name)
            if namesake is not None and Ownership.of(parse_mark(namesake.description), owner) is Ownership.OURS:
                # Made a moment ago in a call whose answer was lost, and not in the index of owners yet.
                port_group, namesake = namesake, None
        watched = [port_group or namesake]
        context.vcenter.watch(context.key, [switch.ref, *(found.ref for found in watched if found is not None)])
        if port_group is None or not context.resource.deleting:
            return PortGroupWorld(switch, port_group, namesake)
        users = await context.vcenter.names_of(port_group.virtual_machines) if port_group.virtual_machines else {}
        return PortGroupWorld(switch, port_group, users=users, lab=self._lab(context.resource.key.namespace))

    async def _find(self, context: Context[NestedPortGroupSpec], switch: Switch) -> PortGroup | None:
        vcenter, subject = context.vcenter, context.subject
        if subject.known is not None:
            found = await self._read(context, switch, subject.known)
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
        adopted = await vcenter.read_port_group(MoRef(self.managed_type, subject.adopt))
        if adopted is None and subject.known is not None:
            return None  # it was adopted once, and is gone since
        if adopted is None or adopted.switch != switch.ref:
            raise Blocked(
                Reason.NOT_FOUND,
                f"Annotation nestedhv.io/adopt names {subject.adopt}, which is no port group of {switch.name}.",
            )
        return adopted

    async def _read(self, context: Context[NestedPortGroupSpec], switch: Switch, ref: MoRef) -> PortGroup | None:
        vcenter = context.vcenter
        if not context.live and not vcenter.missing(ref):
            if vcenter.cached(ref) is None:
                vcenter.watch(context.key, [switch.ref, ref])
            cached = vcenter.cached(ref)
            if isinstance(cached, PortGroup):
                return cached
            raise AwaitingPush
        return await vcenter.read_port_group(ref)

    def _lab(self, namespace: str) -> frozenset[MoRef]:
        hosts = self._store.of_kind(KIND_HOST, namespace)
        return frozenset(MoRef("VirtualMachine", host.status["moRef"]) for host in hosts if host.status.get("moRef"))

    def plan(self, context: Context[NestedPortGroupSpec], world: PortGroupWorld) -> Plan:
        """Plan to make the port group equal to the spec."""
        return plan_port_group(context.subject, context.spec, world)

    def plan_deletion(self, context: Context[NestedPortGroupSpec], world: PortGroupWorld) -> Plan:
        """Plan to let the port group go."""
        return plan_deletion(context.subject, context.spec, world)
