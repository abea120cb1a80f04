"""Look at the ports of a port group when ``domain.portgroup.looks`` says that it is time, or somebody asks.

After a restart, status tells what was seen: it counts until the resync.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from nested_hyperv.domain.portgroup.looks import Look, State, after, due_in
from nested_hyperv.domain.portgroup.overrides import PortUse, judge_ports, overriding, recalled
from nested_hyperv.domain.portgroup.ports import may_shrink

if TYPE_CHECKING:
    from nested_hyperv.api.portgroup import NestedPortGroupSpec
    from nested_hyperv.controllers.context import Context
    from nested_hyperv.domain.inventory import PortGroup

__all__ = ["observe_ports"]


async def observe_ports(context: Context[NestedPortGroupSpec], group: PortGroup) -> tuple[PortUse | None, float | None]:
    """Return what is known of the ports, and in how many seconds to come back for another look (``None``: no need)."""
    if group.nsx or group.uplink:
        return None, None
    memory, now = context.memory, context.elapsed
    state: State = (group.config_version, group.virtual_machines, context.vcenter.port_news(group.ref))
    look = memory.look or _recalled(context, group, state)
    asked = context.thorough or (context.live and may_shrink(context.spec, group))
    if not (asked or group.virtual_machines):
        # Nobody is attached, so there is nothing to look for.
        memory.look = Look(PortUse(used=0, machines=0), state, now)
        return memory.look.use, None
    share = crc32(group.ref.value.encode()) / 2**32
    look = None if look is None else after(look, state, now)
    if look is None or asked or due_in(look, now, share=share) == 0:
        look = Look(await _look(context, group), state, now)
    memory.look = look
    return look.use, due_in(look, now, share=share)


def _recalled(context: Context[NestedPortGroupSpec], group: PortGroup, state: State) -> Look | None:
    """What an earlier process saw, if as many machines are attached as then."""
    use = recalled(context.resource.status)
    if use is None or use.machines != len(group.virtual_machines):
        return None
    return Look(use, state, context.elapsed)


async def _look(context: Context[NestedPortGroupSpec], group: PortGroup) -> PortUse:
    ports = await context.vcenter.connected_ports(group)
    differing = overriding(group, ports)
    connectees = {port.connectee for port in ports if port.key in differing and port.connectee is not None}
    names = await context.vcenter.names_of(connectees) if connectees else {}
    return judge_ports(group, ports, differing, names)
