"""What a port group shall be on standard switches, and how the one that a host has differs from that.

Set fields override, unset fields inherit from the switch; teaming, shaping and offload are nobody's business here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nested_hyperv.api.portgroup import NestingMode, PortGroupObserved
from nested_hyperv.domain.host_network import StandardPolicy, StandardSettings
from nested_hyperv.domain.inventory import Change

from .vlan import vlan_of, vlan_text

if TYPE_CHECKING:
    from nested_hyperv.api.portgroup import NestedPortGroupSpec, Standard
    from nested_hyperv.domain.host_network import StandardPortGroup

__all__ = ["differences", "exactly", "mode_of", "observed", "settings_of"]


def mode_of(spec: NestedPortGroupSpec) -> NestingMode:
    """Resolve ``Auto``: a standard switch cannot learn addresses."""
    return NestingMode.PROMISCUOUS if spec.nesting.mode is NestingMode.AUTO else spec.nesting.mode


def settings_of(spec: NestedPortGroupSpec, standard: Standard) -> StandardSettings:
    """Return what every host shall have."""
    off = mode_of(spec) is NestingMode.DISABLED
    asked = spec.security
    forged = asked.forged_transmits if asked is not None else None
    changes = asked.mac_changes if asked is not None else None
    return StandardSettings(
        name=spec.name,
        switch=standard.v_switch,
        vlan=vlan_of(spec.vlan),
        policy=StandardPolicy(
            allow_promiscuous=not off,
            forged_transmits=(not off) if forged is None else forged,
            # Hyper-V needs no MAC changes: unless somebody decides it, the switch does.
            mac_changes=False if off and changes is None else changes,
        ),
    )


def differences(goal: StandardSettings, actual: StandardPortGroup, host: str) -> tuple[Change, ...]:
    """Compare what is managed; returns what differs, in words."""
    wanted, own = goal.policy, actual.own
    pairs = (
        ("vSwitch", actual.switch, goal.switch),
        ("vlan", vlan_text(actual.vlan), vlan_text(goal.vlan)),
        ("promiscuous", _text(own.allow_promiscuous), _text(wanted.allow_promiscuous)),
        ("forgedTransmits", _text(own.forged_transmits), _text(wanted.forged_transmits)),
        ("macChanges", _text(own.mac_changes), _text(wanted.mac_changes)),
    )
    return tuple(Change(field, old, new, host) for field, old, new in pairs if old != new)


def exactly(settings: StandardSettings | StandardPortGroup) -> str:
    """Return everything managed in one line: what is asked for and what is there compare by it across a restart."""
    policy = settings.policy if isinstance(settings, StandardSettings) else settings.own
    return (
        f"{settings.switch}, vlan {vlan_text(settings.vlan)}, promiscuous {_text(policy.allow_promiscuous)}, "
        f"forgedTransmits {_text(policy.forged_transmits)}, macChanges {_text(policy.mac_changes)}"
    )


def _text(value: bool | None) -> str:
    return "inherited" if value is None else str(value).lower()


def observed(actual: StandardPortGroup) -> PortGroupObserved:
    """The policy in effect on one host."""
    own, effective = actual.own, actual.effective
    settings = {
        "promiscuous": own.allow_promiscuous,
        "forgedTransmits": own.forged_transmits,
        "macChanges": own.mac_changes,
    }
    inherited = tuple(name for name, value in settings.items() if value is None)
    return PortGroupObserved(
        promiscuous=effective.allow_promiscuous,
        forged_transmits=effective.forged_transmits,
        mac_changes=effective.mac_changes,
        inherited=bool(inherited),
        vlan=vlan_text(actual.vlan),
        inherited_fields=inherited,
    )
