"""Observe the world of one NestedHyperVHost; what to do about it is decided in ``domain.host``.

The VM is found by the MoRef in status, else by the instance UUID that was chosen at its creation. What is needed only
to create one (placement, template, offered guest ids) is looked up only when there is none.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.host import NestedHyperVHostSpec, NestedHyperVHostStatus, parse_host
from nested_hyperv.api.meta import KIND_HOST
from nested_hyperv.controllers.context import AwaitingPush, Context
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.host.create import is_reported_missing
from nested_hyperv.domain.host.plan import plan_host, plan_host_deletion
from nested_hyperv.domain.host.world import CreationWorld, HostWorld
from nested_hyperv.domain.inventory import Host, MoRef, PlacementRequest, VirtualMachine

from .networks import observe_networks, port_overrides

if TYPE_CHECKING:
    from nested_hyperv.controllers.ports import Store
    from nested_hyperv.domain.plan import Plan
    from nested_hyperv.domain.resource import Resource

__all__ = ["HostKind"]

_TYPE: Final = "VirtualMachine"


class HostKind:
    """NestedHyperVHost, as the reconciler sees it."""

    name = KIND_HOST
    status_model = NestedHyperVHostStatus

    def __init__(self, store: Store) -> None:
        self._store = store

    def parse(self, resource: Resource) -> NestedHyperVHostSpec:
        """Return the typed spec. Raises ``InvalidSpec``."""
        return parse_host(resource.spec, name=resource.key.name)

    def managed_type(self, spec: NestedHyperVHostSpec) -> str:
        """Return the type of the managed object that ``status.moRef`` names."""
        del spec
        return _TYPE

    async def observe(self, context: Context[NestedHyperVHostSpec]) -> HostWorld:
        """Find the VM and what it hangs on, or what is needed to create it."""
        deleting = context.resource.deleting
        networks, dependencies = ((), ()) if deleting else await observe_networks(context, self._store)
        # The VM last: its mark is the proof for what follows, and a proof does not keep.
        vm = await self._find(context)
        cloning: tuple[MoRef, ...] = ()
        if vm is None and context.creation_in_doubt:
            # Running clones before the VM: one that ends in between is then found as the VM that it made.
            cloning = await self._unaccounted_clones(context)
            vm = await self._find(context)
        asked_ago = self._asked_ago(context, vm)
        if vm is None:
            creating = not (deleting or cloning or is_reported_missing(context.subject, context.spec))
            creation = await self._observe_creation(context) if creating else None
            return HostWorld(None, None, networks, dependencies, creation=creation, cloning=cloning)
        if deleting:
            context.vcenter.watch(context.key, [vm.ref])
            return HostWorld(vm, None, (), (), asked_ago=asked_ago)
        host = await self._host_of(context, vm)
        context.vcenter.watch(context.key, [vm.ref, *([vm.host] if vm.host is not None else [])])
        pending = bool(context.resource.status.get("powerOnPending"))
        return HostWorld(
            vm,
            host,
            networks,
            dependencies,
            asked_ago=asked_ago,
            power_on_pending=pending,
            port_overrides=port_overrides(context, self._store, vm.ref),
        )

    @staticmethod
    def _asked_ago(context: Context[NestedHyperVHostSpec], vm: VirtualMachine | None) -> float | None:
        memory = context.memory
        if vm is None or vm.power_state != "poweredOn":
            memory.asked_at = None
        return None if memory.asked_at is None else context.elapsed - memory.asked_at

    async def _find(self, context: Context[NestedHyperVHostSpec]) -> VirtualMachine | None:
        vcenter, subject = context.vcenter, context.subject
        if subject.known is not None:
            found = await self._read(context, subject.known)
            if found is not None:
                return found
        # A VM that was unregistered and registered again has a new MoRef; one that was adopted has its own UUID.
        recorded = context.resource.status.get("instanceUuid")
        for uuid in dict.fromkeys((recorded or subject.identity.owner, subject.identity.owner)):
            found = await vcenter.find_by_instance_uuid(uuid)
            if found is not None:
                return found
        if subject.adopt is None or context.resource.deleting:
            return None
        return await self._adopted(context, subject.adopt)

    async def _adopted(self, context: Context[NestedHyperVHostSpec], adopt: str) -> VirtualMachine | None:
        """The VM that the annotation names; ``None`` if it was taken over once and is gone since."""
        if adopt.startswith("vm-"):
            found = await context.vcenter.read_virtual_machine(MoRef(_TYPE, adopt))
        else:
            found = await context.vcenter.find_by_instance_uuid(adopt)
        if found is None and context.subject.known is None:
            raise Blocked(
                Reason.NOT_FOUND,
                f"Annotation nestedhv.io/adopt names {adopt}, which is neither the id (vm-...) nor the instance UUID "
                "of a VM in this vCenter. Correct it, or remove it to have a VM created.",
            )
        return found

    async def _read(self, context: Context[NestedHyperVHostSpec], ref: MoRef) -> VirtualMachine | None:
        vcenter = context.vcenter
        if not context.live and not vcenter.missing(ref):
            if vcenter.cached(ref) is None:
                vcenter.watch(context.key, [ref])
            cached = vcenter.cached(ref)
            if not isinstance(cached, VirtualMachine):
                raise AwaitingPush
            if cached.detailed or not cached.config_available:
                return cached
        return await vcenter.read_virtual_machine(ref)

    @staticmethod
    async def _host_of(context: Context[NestedHyperVHostSpec], vm: VirtualMachine) -> Host | None:
        if vm.host is None:
            return None
        cached = context.vcenter.cached(vm.host)
        if isinstance(cached, Host):
            return cached
        hosts = await context.vcenter.read_hosts([vm.host])
        return hosts[0] if hosts else None

    @staticmethod
    async def _unaccounted_clones(context: Context[NestedHyperVHostSpec]) -> tuple[MoRef, ...]:
        """Clones by our user that no object waits for: after a crash, one may become this VM.

        What ours is cloned from may have been renamed since, and another have its name. A deletion that overlooks a
        clone leaves a VM behind, so it looks at those of all templates; a creation finds the name reserved.
        """
        vcenter, spec, template = context.vcenter, context.spec, None
        if not context.resource.deleting:
            with contextlib.suppress(Blocked):  # the creation says in its own words that there is no template
                found, _ = await vcenter.find_virtual_machine(spec.placement.datacenter, spec.source.template.path)
                template = found.ref
        return await context.unaccounted(await vcenter.running_clones(template))

    @staticmethod
    async def _observe_creation(context: Context[NestedHyperVHostSpec]) -> CreationWorld:
        vcenter, place = context.vcenter, context.spec.placement
        placement = await vcenter.resolve_placement(
            PlacementRequest(
                datacenter=place.datacenter,
                cluster=place.cluster,
                host=place.host,
                resource_pool=place.resource_pool,
                folder=place.folder,
                datastore=place.datastore,
            )
        )
        template, path = await vcenter.find_virtual_machine(place.datacenter, context.spec.source.template.path)
        namesake = await vcenter.find_virtual_machine_by_name(placement, context.spec.name)
        hosts = tuple(await vcenter.read_hosts(placement.hosts))
        # What left our sight (a permission was taken) and comes back must wake us, too.
        known = context.subject.known
        watched = (template.ref, *placement.hosts, namesake, known)
        vcenter.watch(context.key, [ref for ref in watched if ref is not None])
        return CreationWorld(
            placement=placement,
            template=template,
            template_path=path,
            hosts=hosts,
            guest_ids=await vcenter.offered_guest_ids(placement.compute, template.hardware_version),
            namesake=namesake,
            settled_for=vcenter.connected_for,
        )

    def plan(self, context: Context[NestedHyperVHostSpec], world: HostWorld) -> Plan:
        """Plan to make the VM equal to the spec."""
        return plan_host(context.subject, context.spec, world)

    async def touched(self, context: Context[NestedHyperVHostSpec], plan: Plan) -> tuple[tuple[str, ...], ...]:  # noqa: ARG002
        """Name the machines that each action touches beside the one that it is about: none."""
        return tuple(() for _ in plan.actions)

    def plan_deletion(self, context: Context[NestedHyperVHostSpec], world: HostWorld) -> Plan:
        """Plan to let the VM go."""
        return plan_host_deletion(context.subject, context.spec, world)
