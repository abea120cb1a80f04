"""The one place where a planned action becomes a vSphere call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from nested_hyperv.domain.plan import (
    Action,
    AddHostPortGroup,
    Clone,
    CreatePortGroup,
    Destroy,
    HostAction,
    PowerOff,
    PowerOn,
    Reconfigure,
    ReconfigurePortGroup,
    RemoveHostPortGroup,
    ShutdownGuest,
    UpdateHostPortGroup,
)

if TYPE_CHECKING:
    from nested_hyperv.domain.inventory import MoRef
    from nested_hyperv.domain.resource import ObjectKey

    from .ports import VCenter

__all__ = ["Started", "execute"]

TaskAction = CreatePortGroup | ReconfigurePortGroup | Clone | Reconfigure | PowerOn | PowerOff | Destroy


@dataclass(frozen=True, slots=True)
class Started:
    """What became of an action: the task that will wake its key, if it has one, and whether it was taken at all."""

    task: MoRef | None = None
    accepted: bool = True


async def execute(vcenter: VCenter, key: ObjectKey, action: Action) -> Started:
    """Start an action; those on a host are done when this returns."""
    if isinstance(action, HostAction):
        await _on_host(vcenter, action)
        return Started()
    if isinstance(action, ShutdownGuest):
        # The change of the power state is its end; without VMware Tools nobody was asked.
        return Started(accepted=await vcenter.shutdown_guest(action.ref))
    return Started(task=await _start(vcenter, key, action))


async def _start(vcenter: VCenter, key: ObjectKey, action: TaskAction) -> MoRef:
    match action:
        case CreatePortGroup():
            return await vcenter.create_port_group(key, action.switch, action.settings)
        case ReconfigurePortGroup():
            return await vcenter.reconfigure_port_group(key, action.current, action.settings)
        case Clone():
            return await vcenter.clone(key, action.request)
        case Reconfigure():
            return await vcenter.reconfigure(key, action.current, action.settings)
        case PowerOn():
            return await vcenter.power_on(key, action.ref)
        case PowerOff():
            return await vcenter.power_off(key, action.ref)
        case Destroy():
            return await vcenter.destroy(key, action.ref)
        case _:
            assert_never(action)


async def _on_host(vcenter: VCenter, action: HostAction) -> None:
    match action:
        case AddHostPortGroup():
            await vcenter.standard.add(action.host.ref, action.settings)
        case UpdateHostPortGroup():
            await vcenter.standard.update(action.host.ref, action.current, action.settings)
        case RemoveHostPortGroup():
            await vcenter.standard.remove(action.host.ref, action.name)
        case _:
            assert_never(action)
