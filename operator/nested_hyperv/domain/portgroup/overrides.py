"""What the ports of a port group have of their own: a policy that is right on the group does nothing for them.

vSphere lets single ports override the policies of their group. What such a port does to inner machines is decided by
its own settings, so each connected port is compared with the group. Overrides are reported and never written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from nested_hyperv.api.common import ROWS_MAX
from nested_hyperv.api.portgroup import NestingMode, PortOverride
from nested_hyperv.domain.inventory import MoRef

from .vlan import vlan_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nested_hyperv.domain.inventory import MacManagementPolicy, Port, PortGroup, SecurityPolicy

    from .goal import PortGroupGoal

__all__ = ["HYPERV_POOL", "PortUse", "judge_ports", "overrides_text", "overriding", "pool_warning", "recalled"]

#: Addresses that Hyper-V gives out from the dynamic pool of one host by default: 00-15-5D-xx-yy-00 to -FF.
HYPERV_POOL: Final = 256
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class PortUse:
    """What the last look at the ports has shown.

    ``machines`` were attached then. ``overriding`` counts the ports with settings of their own, of which ``overrides``
    holds the first few.
    """

    used: int
    machines: int
    overrides: tuple[PortOverride, ...] = ()
    overriding: int = 0


def overriding(group: PortGroup, ports: Iterable[Port]) -> dict[str, dict[str, tuple[str, str]]]:
    """Return, by port, the settings that differ from the group's: its value and the port's."""
    found = ((port.key, _differences(group, port)) for port in ports)
    return {key: differences for key, differences in found if differences}


def judge_ports(
    group: PortGroup,
    ports: Iterable[Port],
    differing: Mapping[str, Mapping[str, tuple[str, str]]],
    names: Mapping[MoRef, str],
) -> PortUse:
    """Put a look at the ports into words. ``names`` are those of who is connected to the ports that differ."""
    ports = tuple(ports)
    rows = [
        PortOverride(
            port=port.key,
            machine=names.get(port.connectee, port.connectee.value) if port.connectee is not None else None,
            mo_ref=port.connectee.value if port.connectee is not None else None,
            field=name,
            group=of_group,
            actual=own,
        )
        for port in sorted(ports, key=_in_order)
        for name, (of_group, own) in differing.get(port.key, {}).items()
    ]
    return PortUse(len(ports), len(group.virtual_machines), tuple(rows[:ROWS_MAX]), len(differing))


def recalled(status: Mapping[str, Any]) -> PortUse | None:
    """Read from status what an earlier process saw; ``None`` if nobody has looked yet."""
    ports = status.get("ports") or {}
    if ports.get("used") is None or ports.get("machines") is None:
        return None
    rows = tuple(PortOverride.model_validate(row) for row in status.get("overrides", ()))
    return PortUse(int(ports["used"]), int(ports["machines"]), rows, int(status.get("overriding", 0)))


def overrides_text(name: str, use: PortUse) -> str:
    """Say which ports of a port group differ, and what to do about it; empty if none does."""
    if not use.overriding:
        return ""
    by_port: dict[tuple[str, str], list[str]] = {}
    for row in use.overrides:
        by_port.setdefault((row.port, row.machine or "nobody"), []).append(f"{row.field} {row.actual}")
    shown = [
        f"port {port} of {machine} overrides the group: {', '.join(fields)}"
        for (port, machine), fields in list(by_port.items())[:_SHOWN]
    ]
    more = use.overriding - len(shown)
    rest = f"; and {more} more" if more > 0 else ""
    return (
        f"{'; '.join(shown)}{rest}. Reset the port to the settings of {name} (vCenter: the port group, Ports), or "
        "attach the machine anew."
    )


def pool_warning(goal: PortGroupGoal, adapters: Mapping[str, int]) -> str:
    """Warn of Hyper-V hosts that may use more addresses than their ports learn; empty if none does.

    ``adapters`` tells how many adapters each host has on this port group: the limit counts for each port.
    """
    policy = goal.mac_management
    if goal.mode is not NestingMode.MAC_LEARNING or policy is None or policy.learning.limit_policy != "drop":
        return ""
    limit = policy.learning.limit
    short = sorted(name for name, ports in adapters.items() if limit * ports < HYPERV_POOL)
    if not short:
        return ""
    listed = ", ".join(short[:_SHOWN]) + (f" and {len(short) - _SHOWN} more" if len(short) > _SHOWN else "")
    return (
        f"A port learns {limit} addresses and drops frames of others, but Hyper-V gives out up to {HYPERV_POOL} from "
        f"the pool of one host ({listed}). Raise nesting.macLearning.limit, or set limitPolicy: Allow."
    )


def _in_order(port: Port) -> tuple[int, str]:
    return (int(port.key), "") if port.key.isdigit() else (0, port.key)


def _differences(group: PortGroup, port: Port) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    if port.blocked:
        found["blocked"] = (_word(False), _word(True))
    if port.vlan is not None and port.vlan != group.vlan:
        found["vlan"] = (vlan_text(group.vlan), vlan_text(port.vlan))
    for own, of_group in (
        (_mac(port.mac_management), _mac(group.mac_management)),
        (_security(port.security), _security(group.security)),
    ):
        # The two blocks mirror each other: what both say is said once.
        for name, value in own.items():
            if value != of_group.get(name):
                found.setdefault(name, (_word(of_group.get(name)), _word(value)))
    return found


def _mac(policy: MacManagementPolicy | None) -> dict[str, object]:
    if policy is None:
        return {}
    learning = policy.learning
    fields: dict[str, object] = {
        "macLearning": learning.enabled,
        "promiscuous": policy.allow_promiscuous,
        "forgedTransmits": policy.forged_transmits,
        "macChanges": policy.mac_changes,
    }
    if learning.enabled:
        fields |= {
            "macLearning.limit": learning.limit,
            "macLearning.limitPolicy": learning.limit_policy,
            "macLearning.allowUnicastFlooding": learning.allow_unicast_flooding,
        }
    return fields


def _security(policy: SecurityPolicy | None) -> dict[str, object]:
    if policy is None:
        return {}
    return {
        "promiscuous": policy.allow_promiscuous,
        "forgedTransmits": policy.forged_transmits,
        "macChanges": policy.mac_changes,
    }


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "unset" if value is None else str(value)
