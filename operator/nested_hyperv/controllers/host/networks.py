"""Resolve ``spec.networks``: each entry to a network of vSphere, or to the reason why it is not usable yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nested_hyperv.api.conditions import ConditionType
from nested_hyperv.api.meta import KIND_PORT_GROUP
from nested_hyperv.controllers.portgroup.distributed import DISTRIBUTED_TYPE
from nested_hyperv.controllers.portgroup.standard import STANDARD_TYPE
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.host.adapters import WantedAdapter
from nested_hyperv.domain.host.world import Dependency
from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.domain.resource import ObjectKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nested_hyperv.api.host import NestedHyperVHostSpec, PortGroupRef
    from nested_hyperv.controllers.context import Context
    from nested_hyperv.controllers.ports import Store
    from nested_hyperv.domain.inventory import Network

__all__ = ["is_ready", "observe_networks", "port_overrides"]


async def observe_networks(
    context: Context[NestedHyperVHostSpec], store: Store
) -> tuple[tuple[WantedAdapter, ...], tuple[Dependency, ...]]:
    """Return one ``WantedAdapter`` for each entry, and what is wrong with those that cannot be used yet."""
    wanted: list[WantedAdapter] = []
    dependencies: list[Dependency] = []
    for entry in context.spec.networks:
        network: Network | None = None
        problem: Dependency | None = None
        if entry.port_group_ref is not None:
            network, message = await _referred(context, store, entry.port_group_ref)
            problem = Dependency(entry.name, message) if message else None
        else:
            try:
                network = await context.vcenter.find_network(
                    context.spec.placement.datacenter, entry.network or "", fresh=context.live
                )
                context.subject.check_scope(network.path)
            except Blocked as error:
                problem = Dependency(entry.name, error.message, error)
        wanted.append(WantedAdapter(entry.name, network))
        if problem is not None:
            dependencies.append(problem)
    return tuple(wanted), tuple(dependencies)


async def _referred(
    context: Context[NestedHyperVHostSpec], store: Store, ref: PortGroupRef
) -> tuple[Network | None, str]:
    resource = store.get(ObjectKey(KIND_PORT_GROUP, context.key.namespace, ref.name))
    if resource is None:
        return None, f"NestedPortGroup {ref.name} does not exist in namespace {context.key.namespace}. Create it."
    network = None
    if resource.status.get("moRef") and resource.status.get("vCenter") == context.vcenter.about.instance_uuid:
        kind = STANDARD_TYPE if resource.spec.get("standard") else DISTRIBUTED_TYPE
        port_group = MoRef(kind, resource.status["moRef"])
        network = await context.vcenter.network_of(port_group, fresh=context.live)
    if not is_ready(resource.status, resource.generation):
        return network, f"NestedPortGroup {ref.name} is not Ready: {_why(resource.status)}"
    if network is None:
        return None, f"NestedPortGroup {ref.name} is not on the vCenter of this host."
    return network, ""


def port_overrides(context: Context[NestedHyperVHostSpec], store: Store, vm: MoRef) -> str:
    """Say what ports of the VM have of their own, as its NestedPortGroups have found it; empty if nothing."""
    found: list[str] = []
    names = dict.fromkeys(entry.port_group_ref.name for entry in context.spec.networks if entry.port_group_ref)
    for name in names:
        resource = store.get(ObjectKey(KIND_PORT_GROUP, context.key.namespace, name))
        if resource is None or resource.status.get("vCenter") != context.vcenter.about.instance_uuid:
            continue
        found.extend(
            f"port {row['port']} overrides NestedPortGroup {name}: {row['field']} {row['actual']}"
            for row in resource.status.get("overrides", ())
            if row.get("moRef") == vm.value
        )
    return f"{'; '.join(found)}. Reset the port to the settings of its port group." if found else ""


def is_ready(status: Mapping[str, Any], generation: int) -> bool:
    """Whether a status says Ready for this generation of its object."""
    condition = _condition(status)
    return condition.get("status") == "True" and condition.get("observedGeneration") == generation


def _why(status: Mapping[str, Any]) -> str:
    condition = _condition(status)
    return str(condition.get("message") or condition.get("reason") or "not seen yet")


def _condition(status: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((c for c in status.get("conditions", ()) if c.get("type") == ConditionType.READY.value), {})
