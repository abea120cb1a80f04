"""The ports of a distributed port group: how they are bound, how many there are, and how many are left.

A port that somebody uses is never taken away: a number below the ports in use waits, and is said, until they are free.
Where vSphere adds ports by itself (``autoExpand``), more than asked for is what it is meant to do, and no drift.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from nested_hyperv.api.portgroup import PortBinding, PortsObserved
from nested_hyperv.domain.inventory import DEFAULT_PORTS, Change, PortGroupSettings

if TYPE_CHECKING:
    from nested_hyperv.api.portgroup import NestedPortGroupSpec
    from nested_hyperv.domain.inventory import PortGroup

__all__ = [
    "PortsGoal",
    "may_shrink",
    "observed_ports",
    "ports_changes",
    "ports_goal",
    "ports_note",
    "ports_settings",
]

_IN_VSPHERE: Final = {PortBinding.STATIC: "earlyBinding", PortBinding.EPHEMERAL: "ephemeral"}
_IN_SPEC: Final = {"earlyBinding": "Static", "ephemeral": "Ephemeral", "lateBinding": "Dynamic"}


@dataclass(frozen=True, slots=True)
class PortsGoal:
    """What the spec says of the ports; ``None`` is not managed."""

    binding: PortBinding
    count: int | None
    auto_expand: bool | None


def ports_goal(spec: NestedPortGroupSpec) -> PortsGoal | None:
    """Return what shall be, if the spec says anything of ports."""
    asked = spec.distributed.ports if spec.distributed is not None else None
    return None if asked is None else PortsGoal(asked.binding, asked.count, asked.auto_expand)


def ports_settings(goal: PortsGoal | None, settings: PortGroupSettings) -> PortGroupSettings:
    """Add the ports to the settings of a new port group."""
    if goal is None:
        return settings
    return replace(settings, binding=_IN_VSPHERE[goal.binding], port_count=goal.count, auto_expand=goal.auto_expand)


def ports_changes(
    goal: PortsGoal | None, actual: PortGroup, used: int | None, settings: PortGroupSettings
) -> tuple[tuple[Change, ...], PortGroupSettings]:
    """Compare; returns what differs in words, and ``settings`` with what makes it equal.

    ``used`` is how many ports are connected; ``None`` if nobody has looked yet: a live pass looks before it writes.
    """
    if goal is None:
        return (), settings
    changes: list[Change] = []
    binding = _IN_VSPHERE[goal.binding]
    rebound = actual.binding != binding
    if rebound:
        changes.append(Change("ports.binding", _binding(actual), goal.binding.value))
        settings = replace(settings, binding=binding)
    if goal.binding is PortBinding.EPHEMERAL:
        return tuple(changes), settings
    # What was ephemeral has neither ports nor a way to grow: it gets what a new port group would have.
    expand = goal.auto_expand
    if expand is None and actual.binding == _IN_VSPHERE[PortBinding.EPHEMERAL]:
        expand = True
    if expand is not None and expand != bool(actual.auto_expand):
        changes.append(Change("ports.autoExpand", _flag(actual.auto_expand), _flag(expand)))
        settings = replace(settings, auto_expand=expand)
    count = _count(goal, actual, used, rebound=rebound, grows=bool(actual.auto_expand if expand is None else expand))
    if count != actual.port_count:
        changes.append(Change("ports.count", str(actual.port_count), str(count)))
        settings = replace(settings, port_count=count)
    return tuple(changes), settings


def _count(goal: PortsGoal, actual: PortGroup, used: int | None, *, rebound: bool, grows: bool) -> int:
    there = actual.port_count
    if goal.count is None and not (rebound and there == 0):
        return there
    # Ephemeral ports are not counted in there. What is known of their use may be older than the rest.
    floor = min(used or 0, there) if there else used or 0
    asked = DEFAULT_PORTS if goal.count is None else goal.count
    return max(asked, there) if grows else max(asked, floor)


def may_shrink(spec: NestedPortGroupSpec, actual: PortGroup) -> bool:
    """Whether ports would be taken away, so that those in use have to be known."""
    changes, _ = ports_changes(ports_goal(spec), actual, None, PortGroupSettings())
    return any(change.field == "ports.count" and int(change.new) < int(change.old) for change in changes)


def ports_note(goal: PortsGoal | None, actual: PortGroup, used: int | None) -> str:
    """Say why there are more ports than asked for, where that is not because vSphere adds them."""
    if goal is None or goal.count is None or used is None or actual.auto_expand:
        return ""
    if goal.count >= actual.port_count or used < actual.port_count:
        return ""
    return (
        f"distributed.ports.count is {goal.count}, but {used} ports are in use: {actual.name} keeps them until "
        "machines are detached."
    )


def observed_ports(actual: PortGroup, used: int | None, machines: int | None) -> PortsObserved:
    """What status tells of the ports."""
    limited = actual.binding != _IN_VSPHERE[PortBinding.EPHEMERAL]
    return PortsObserved(
        binding=_binding(actual),
        count=actual.port_count,
        auto_expand=actual.auto_expand,
        used=used,
        free=max(0, actual.port_count - used) if limited and used is not None else None,
        machines=machines,
    )


def _binding(actual: PortGroup) -> str:
    return _IN_SPEC.get(actual.binding, actual.binding or "unset")


def _flag(value: bool | None) -> str:
    return "unset" if value is None else str(value).lower()
