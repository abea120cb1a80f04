"""Whether frames of inner machines pass a distributed port group as it *is*, and what is worth a warning.

A port group that differs from the spec may let them pass all the same: the policy in effect and the VLAN decide, and
then each port. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.portgroup import NestingMode
from nested_hyperv.domain.verdict import Network

from .overrides import overrides_text, pool_warning
from .vlan import vlan_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nested_hyperv.domain.inventory import PortGroup, Switch

    from .goal import PortGroupGoal
    from .overrides import PortUse

__all__ = ["network_of"]


def network_of(
    goal: PortGroupGoal, switch: Switch, actual: PortGroup, ports: PortUse | None, adapters: Mapping[str, int]
) -> Network:
    """Judge the network of inner machines. ``adapters`` as in ``pool_warning``."""
    if goal.mode is NestingMode.DISABLED:
        return Network(ready=False, reason=Reason.SUCCEEDED, message="nesting.mode is Disabled: inner VMs are cut off.")
    obstacle = _obstacle(goal, actual)
    if obstacle:
        message = f"Inner VMs on {actual.name} are cut off: {obstacle}."
        return Network(ready=False, reason=Reason.PROGRESSING, message=message)
    overrides = overrides_text(actual.name, ports) if ports is not None else ""
    if overrides:
        return Network(ready=False, reason=Reason.PORT_OVERRIDE, message=overrides)
    warnings = [pool_warning(goal, adapters)]
    if actual.load_balancing == "loadbalance_ip" and switch.uplinks > 1:
        warnings.append(
            f"{actual.name} balances over {switch.uplinks} uplinks by IP hash: inner machines are reached only if the "
            "physical switch bundles these ports."
        )
    return Network(ready=True, reason=Reason.SUCCEEDED, message=" ".join(filter(None, warnings)))


def _obstacle(goal: PortGroupGoal, actual: PortGroup) -> str:
    """Say what keeps frames from passing, if anything does; other differences do not."""
    mac, legacy = actual.mac_management, actual.security
    policy = mac if goal.mac_management is not None else legacy
    if policy is not None and not policy.forged_transmits:
        return "forged transmits are off, so the switch drops what they send"
    learns = goal.mac_management is not None and mac is not None and mac.learning.enabled
    if policy is not None and not (learns or policy.allow_promiscuous):
        return "neither MAC learning nor promiscuous mode is on, so the switch drops what is sent to them"
    if actual.vlan != goal.vlan:
        return f"the VLAN is {vlan_text(actual.vlan)} instead of {vlan_text(goal.vlan)}"
    return ""
