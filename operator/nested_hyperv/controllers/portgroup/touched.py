"""Which machines a plan touches: those that are attached to what it changes. Asked for what is published only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.domain.plan import HostAction, ReconfigurePortGroup, RemoveHostPortGroup, UpdateHostPortGroup

from .standard import STANDARD_TYPE

if TYPE_CHECKING:
    from nested_hyperv.api.portgroup import NestedPortGroupSpec
    from nested_hyperv.controllers.context import Context
    from nested_hyperv.domain.plan import Action, Plan

__all__ = ["touched"]


async def touched(context: Context[NestedPortGroupSpec], plan: Plan) -> tuple[tuple[str, ...], ...]:
    """Name the machines that each action of a plan touches, by one read."""
    on_hosts = {a.host.ref for a in plan.actions if isinstance(a, UpdateHostPortGroup | RemoveHostPortGroup)}
    network = plan.verdict.facts.get("mo_ref")
    vcenter = context.vcenter
    if on_hosts and network:
        attached = await vcenter.standard.users_of(MoRef(STANDARD_TYPE, network), on_hosts)
        located = [(machine.host, machine.name) for machine in attached.values()]
        return tuple(
            tuple(sorted(name for host, name in located if isinstance(a, HostAction) and host == a.host.ref))
            for a in plan.actions
        )
    refs = [_attached(action) for action in plan.actions]
    everybody = {ref for each in refs for ref in each}
    names = await vcenter.names_of(everybody) if everybody else {}
    return tuple(tuple(sorted(names[ref] for ref in each if ref in names)) for each in refs)


def _attached(action: Action) -> tuple[MoRef, ...]:
    return action.current.virtual_machines if isinstance(action, ReconfigurePortGroup) else ()
