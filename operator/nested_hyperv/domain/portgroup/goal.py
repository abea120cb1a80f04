"""What a port group shall be: the nesting mode resolved, the policy that follows, and how it differs from vSphere.

Where the switch can learn MAC addresses only ``macManagementPolicy`` is written, always complete and not inherited;
elsewhere only ``securityPolicy``. vSphere mirrors one in the other, so a legacy block that disagrees is shown in
status and is never a reason to write. The other way round it is the same where the switch cannot learn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.portgroup import NestingMode, PortGroupObserved
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.inventory import (
    Change,
    MacLearningPolicy,
    MacManagementPolicy,
    PortGroupSettings,
    PrivateVlan,
    SecurityPolicy,
)
from nested_hyperv.domain.ownership import Mark, parse_mark, port_group_text

from .ports import PortsGoal, ports_changes, ports_goal, ports_settings
from .vlan import vlan_of, vlan_text

if TYPE_CHECKING:
    from nested_hyperv.api.portgroup import NestedPortGroupSpec
    from nested_hyperv.domain.inventory import PortGroup, Switch, Vlan
    from nested_hyperv.domain.ownership import Identity

__all__ = ["PortGroupGoal", "differences", "goal_of", "learns", "observed"]

# VMware vSphere 8 networking guide, "MAC learning": distributed switch 6.6.0 and newer (documented).
_FIRST_WITH_LEARNING: Final = (6, 6, 0)
_FLAGS: Final = ("promiscuous", "forgedTransmits", "macChanges")
_LEARNING_DETAILS: Final = ("limit", "limitPolicy", "allowUnicastFlooding")


@dataclass(frozen=True, slots=True)
class PortGroupGoal:
    """The port group that the spec asks for, in vSphere's words."""

    name: str
    vlan: Vlan
    mode: NestingMode
    mark: Mark
    mac_management: MacManagementPolicy | None
    security: SecurityPolicy | None
    ports: PortsGoal | None = None

    def creation(self) -> PortGroupSettings:
        """Everything, for the one call that creates the port group."""
        return ports_settings(
            self.ports,
            PortGroupSettings(
                name=self.name,
                description=self.mark.for_port_group(),
                vlan=self.vlan,
                mac_management=self.mac_management,
                security=self.security,
            ),
        )


def learns(switch: Switch) -> bool:
    """Whether a switch can learn MAC addresses: what it says itself, else its version."""
    if switch.mac_learning_supported is not None:
        return switch.mac_learning_supported
    version = tuple(int(part) for part in switch.version.split(".") if part.isdigit())
    return version >= _FIRST_WITH_LEARNING


def goal_of(spec: NestedPortGroupSpec, identity: Identity, switch: Switch, current: Mark | None) -> PortGroupGoal:
    """Resolve a spec on a switch. ``current`` is our mark on the existing object, which keeps what Auto became.

    Whether the switch can do it is another question: ``check_switch``.
    """
    auto = spec.nesting.mode is NestingMode.AUTO
    capable = learns(switch)
    mode = spec.nesting.mode
    if auto:
        kept = None if current is None or current.mode is None else _mode(current.mode)
        mode = kept or (NestingMode.MAC_LEARNING if capable else NestingMode.PROMISCUOUS)
    return PortGroupGoal(
        name=spec.name,
        vlan=vlan_of(spec.vlan),
        mode=mode,
        mark=Mark(
            owner=identity.owner,
            lineage=identity.lineage,
            mode=mode.value if auto else None,
            adopted=current is not None and current.adopted,
        ),
        mac_management=_mac_management(mode, spec) if capable else None,
        security=None if capable else _security(mode, spec),
        ports=ports_goal(spec),
    )


def check_switch(spec: NestedPortGroupSpec, switch: Switch, goal: PortGroupGoal) -> None:
    """Raise ``Blocked`` where the switch cannot do what is asked for; to change that is not ours."""
    if spec.minimum_mtu is not None and switch.mtu is not None and switch.mtu < spec.minimum_mtu:
        raise Blocked(
            Reason.MTU_TOO_SMALL,
            f"{switch.name} has MTU {switch.mtu}, minimumMTU is {spec.minimum_mtu}. Raise the MTU of the switch.",
        )
    vlan = vlan_of(spec.vlan)
    if isinstance(vlan, PrivateVlan) and vlan.id not in switch.private_vlans:
        there = ", ".join(str(number) for number in sorted(switch.private_vlans)) or "none"
        raise Blocked(
            Reason.NOT_FOUND,
            f"{switch.name} has no private VLAN with the secondary id {vlan.id} (there: {there}). "
            "Add it to the switch, or change vlan.privateId.",
        )
    if goal.mode is NestingMode.MAC_LEARNING and goal.mac_management is None:
        raise Blocked(
            Reason.MAC_LEARNING_NOT_SUPPORTED,
            f"{switch.name} is version {switch.version}; MAC learning needs 6.6.0 or newer. "
            "Upgrade the switch or set nesting.mode: Promiscuous.",
        )


def _mode(text: str) -> NestingMode | None:
    try:
        return NestingMode(text)
    except ValueError:
        return None  # written by hand or by a newer operator: resolve again


def _mac_management(mode: NestingMode, spec: NestedPortGroupSpec) -> MacManagementPolicy:
    flags, learning = _security(mode, spec), spec.nesting.learning
    return MacManagementPolicy(
        allow_promiscuous=flags.allow_promiscuous,
        mac_changes=flags.mac_changes,
        forged_transmits=flags.forged_transmits,
        learning=MacLearningPolicy(
            enabled=mode is NestingMode.MAC_LEARNING,
            allow_unicast_flooding=learning.allow_unicast_flooding,
            limit=learning.limit,
            limit_policy=learning.limit_policy.value.lower(),
        ),
    )


def _security(mode: NestingMode, spec: NestedPortGroupSpec) -> SecurityPolicy:
    asked = spec.security
    forged = asked.forged_transmits if asked is not None else None
    return SecurityPolicy(
        allow_promiscuous=mode is NestingMode.PROMISCUOUS,
        mac_changes=bool(asked is not None and asked.mac_changes),
        forged_transmits=mode is not NestingMode.DISABLED if forged is None else forged,
    )


def differences(
    goal: PortGroupGoal, actual: PortGroup, *, ports_used: int | None = None
) -> tuple[tuple[Change, ...], PortGroupSettings]:
    """Compare; returns what differs in words, and the settings that make it equal (only what differs).

    ``ports_used`` is how many ports are connected, if that is known: there will not be fewer.
    """
    changes: list[Change] = []
    name = vlan = description = mac_management = security = None
    if actual.name != goal.name:
        changes.append(Change("name", actual.name, goal.name))
        name = goal.name
    if actual.vlan != goal.vlan or actual.vlan_inherited:
        inherited = " (inherited)" if actual.vlan_inherited else ""
        changes.append(Change("vlan", vlan_text(actual.vlan) + inherited, vlan_text(goal.vlan)))
        vlan = goal.vlan
    mark = parse_mark(actual.description)
    if mark != goal.mark:
        changes.append(Change("mark", "none" if mark is None else mark.for_port_group(), goal.mark.for_port_group()))
        description = port_group_text(actual.description, goal.mark)
    policy = _policy_changes(goal, actual)
    if policy:
        changes.extend(policy)
        mac_management, security = goal.mac_management, goal.security
    settings = PortGroupSettings(
        name=name, description=description, vlan=vlan, mac_management=mac_management, security=security
    )
    of_ports, settings = ports_changes(goal.ports, actual, ports_used, settings)
    return (*changes, *of_ports), settings


def _policy_changes(goal: PortGroupGoal, actual: PortGroup) -> list[Change]:
    if goal.mac_management is None:
        return _compare(_security_fields(actual.security), _security_fields(goal.security))
    wanted = _mac_fields(goal.mac_management)
    if not goal.mac_management.learning.enabled:
        # With learning off, the rest of that block has no effect and is nobody's drift.
        wanted = {field: value for field, value in wanted.items() if not field.startswith("macLearning.")}
    return _compare(_mac_fields(actual.mac_management), wanted)


def _compare(actual: dict[str, object], wanted: dict[str, object]) -> list[Change]:
    return [
        Change(field, _text(actual.get(field)), _text(value))
        for field, value in wanted.items()
        if actual.get(field) != value
    ]


def _security_fields(policy: SecurityPolicy | None) -> dict[str, object]:
    if policy is None:
        return {}
    return {
        "promiscuous": policy.allow_promiscuous,
        "forgedTransmits": policy.forged_transmits,
        "macChanges": policy.mac_changes,
        "inherited": policy.inherited,
    }


def _mac_fields(policy: MacManagementPolicy | None) -> dict[str, object]:
    if policy is None:
        return {}
    learning = policy.learning
    return {
        "macLearning": learning.enabled,
        "promiscuous": policy.allow_promiscuous,
        "forgedTransmits": policy.forged_transmits,
        "macChanges": policy.mac_changes,
        "inherited": policy.inherited,
        "macLearning.limit": learning.limit,
        "macLearning.limitPolicy": learning.limit_policy.lower(),
        "macLearning.allowUnicastFlooding": learning.allow_unicast_flooding,
    }


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "unset" if value is None else str(value)


def observed(actual: PortGroup, *, capable: bool) -> PortGroupObserved:
    """The table that ``Get-MacLearn`` prints, legacy columns included.

    ``capable`` is whether the switch can learn. vCenter may show a ``macManagementPolicy`` where it cannot, too, but
    there the legacy policy is the one that is managed, and so the one that the columns without prefix tell.
    """
    mac, legacy = actual.mac_management, actual.security
    source = (mac or legacy) if capable else (legacy or mac)
    learning = mac.learning if mac else None
    return PortGroupObserved(
        mac_learning=learning.enabled if learning else None,
        promiscuous=source.allow_promiscuous if source else None,
        forged_transmits=source.forged_transmits if source else None,
        mac_changes=source.mac_changes if source else None,
        limit=learning.limit if learning else None,
        limit_policy=learning.limit_policy.capitalize() if learning else None,
        allow_unicast_flooding=learning.allow_unicast_flooding if learning else None,
        inherited=source.inherited if source else None,
        mac_learning_inherited=learning.inherited if learning else None,
        legacy_inherited=legacy.inherited if legacy else None,
        legacy_promiscuous=legacy.allow_promiscuous if legacy else None,
        legacy_forged_transmits=legacy.forged_transmits if legacy else None,
        legacy_mac_changes=legacy.mac_changes if legacy else None,
        vlan=vlan_text(actual.vlan),
        inherited_fields=_inherited(actual, source),
    )


def _inherited(actual: PortGroup, source: MacManagementPolicy | SecurityPolicy | None) -> tuple[str, ...]:
    """Name what comes from the switch, in the words and the order of ``status.observed``."""
    mac, legacy = actual.mac_management, actual.security
    # An inherited block brings the details of learning along.
    learning_inherited = mac is not None and (mac.inherited or mac.learning.inherited)
    fields: list[str] = ["macLearning"] if learning_inherited else []
    if isinstance(source, SecurityPolicy):
        fields += source.inherited_fields
    elif source is not None and source.inherited:
        fields += _FLAGS
    fields += _LEARNING_DETAILS if learning_inherited else ()
    if legacy is not None:
        fields += (f"legacy{name[0].upper()}{name[1:]}" for name in legacy.inherited_fields)
    return (*fields, "vlan") if actual.vlan_inherited else tuple(fields)
