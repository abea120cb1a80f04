"""NestedPortGroup, as the reconciler sees it: which kind of switch, and who observes it.

What to do is decided in ``domain.portgroup``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nested_hyperv.api.meta import KIND_HOST, KIND_PORT_GROUP
from nested_hyperv.api.portgroup import (
    Distributed,
    NestedPortGroupSpec,
    NestedPortGroupStatus,
    Standard,
    parse_port_group,
)
from nested_hyperv.controllers.connections import server_of
from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.domain.portgroup.overrides import HYPERV_POOL
from nested_hyperv.domain.portgroup.plan import PortGroupWorld, plan_deletion, plan_port_group
from nested_hyperv.domain.portgroup.rivals import mo_ref_token, rivals_of, tokens_of
from nested_hyperv.domain.portgroup.standard_plan import StandardWorld, plan_standard, plan_standard_deletion

from .distributed import DISTRIBUTED_TYPE, observe_distributed
from .standard import STANDARD_TYPE, observe_standard
from .touched import touched

if TYPE_CHECKING:
    from collections.abc import Hashable

    from nested_hyperv.controllers.context import Context
    from nested_hyperv.controllers.ports import Store
    from nested_hyperv.domain.plan import Plan
    from nested_hyperv.domain.portgroup.rivals import Rival
    from nested_hyperv.domain.resource import ObjectKey, Resource

__all__ = ["PortGroupKind"]


@dataclass(frozen=True, slots=True)
class _OnDistributed:
    switch: Distributed
    world: PortGroupWorld


@dataclass(frozen=True, slots=True)
class _OnStandard:
    switch: Standard
    world: StandardWorld


_World = _OnDistributed | _OnStandard


class PortGroupKind:
    """One kind of resource over two kinds of switch."""

    name = KIND_PORT_GROUP
    status_model = NestedPortGroupStatus

    def __init__(self, store: Store) -> None:
        self._store = store

    def parse(self, resource: Resource) -> NestedPortGroupSpec:
        """Return the typed spec. Raises ``InvalidSpec``."""
        return parse_port_group(resource.spec, name=resource.key.name)

    def managed_type(self, spec: NestedPortGroupSpec) -> str:
        """Return the type of the managed object that ``status.moRef`` names."""
        return DISTRIBUTED_TYPE if spec.distributed is not None else STANDARD_TYPE

    async def observe(self, context: Context[NestedPortGroupSpec]) -> _World:
        """Read what the plan needs of the switch and the port groups."""
        lab = self._lab(context.key.namespace) if context.resource.deleting else frozenset()
        if context.spec.standard is not None:
            on_hosts = await observe_standard(context, context.spec.standard, lab)
            return _OnStandard(context.spec.standard, replace(on_hosts, rivals=self._rivals(context)))
        if context.spec.distributed is None:
            message = "a parsed spec has one kind of switch"
            raise AssertionError(message)
        world = await observe_distributed(context, context.spec.distributed, lab)
        if context.spec.nesting.learning.limit < HYPERV_POOL:
            world = replace(world, adapters=self._adapters(context.key))
        found = world.port_group or world.namesake
        rivals = self._rivals(context, *([mo_ref_token(found.ref.value)] if found is not None else []))
        return _OnDistributed(context.spec.distributed, replace(world, rivals=rivals))

    def _rivals(self, context: Context[NestedPortGroupSpec], *tokens: Hashable) -> tuple[Rival, ...]:
        """Who else may be about this port group. After all reads: nobody waits between this and the plan."""
        resource, vcenter = context.resource, context.vcenter.about.instance_uuid
        server = server_of(self._store, resource)
        others = [
            other
            for other in self._store.sharing((*tokens_of(resource), *tokens))
            if other.key != resource.key
            and (other.status.get("vCenter") == vcenter or server_of(self._store, other) == server)
        ]
        return rivals_of(resource, others, context.cluster_id)

    def _adapters(self, port_group: ObjectKey) -> dict[str, int]:
        """How many adapters the hosts of this lab have on a port group."""
        counts: dict[str, int] = {}
        for host in self._store.of_kind(KIND_HOST, port_group.namespace):
            refs = (network.get("portGroupRef") or {} for network in host.spec.get("networks") or ())
            if own := sum(ref.get("name") == port_group.name for ref in refs):
                counts[host.key.name] = own
        return counts

    def _lab(self, namespace: str) -> frozenset[MoRef]:
        """The machines of this lab, which do not keep a port group for ever."""
        hosts = self._store.of_kind(KIND_HOST, namespace)
        return frozenset(MoRef("VirtualMachine", host.status["moRef"]) for host in hosts if host.status.get("moRef"))

    def plan(self, context: Context[NestedPortGroupSpec], world: _World) -> Plan:
        """Plan to make the port group equal to the spec."""
        if isinstance(world, _OnStandard):
            return plan_standard(context.subject, context.spec, world.switch, world.world)
        return plan_port_group(context.subject, context.spec, world.world)

    async def touched(self, context: Context[NestedPortGroupSpec], plan: Plan) -> tuple[tuple[str, ...], ...]:
        """Name the machines that each action of a plan touches."""
        return await touched(context, plan)

    def plan_deletion(self, context: Context[NestedPortGroupSpec], world: _World) -> Plan:
        """Plan to let the port group go."""
        if isinstance(world, _OnStandard):
            return plan_standard_deletion(context.spec, world.switch, world.world)
        return plan_deletion(context.subject, context.spec, world.world)
