"""The policies of ports, as vSphere words them in the settings of a port group and of a single port.

Values are effective ones: an inherited policy shows the parent's values and says that it is inherited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyVmomi import vim

from nested_hyperv.domain.inventory import (
    MacLearningPolicy,
    MacManagementPolicy,
    PrivateVlan,
    SecurityPolicy,
    Trunk,
)

if TYPE_CHECKING:
    from nested_hyperv.domain.inventory import Vlan

__all__ = ["mac_management_policy", "security_policy", "vlan_setting"]

_DVS: Final = vim.dvs.VmwareDistributedVirtualSwitch


def mac_management_policy(policy: Any) -> MacManagementPolicy | None:
    """Project ``DVSMacManagementPolicy``."""
    if policy is None:
        return None
    learning = policy.macLearningPolicy
    return MacManagementPolicy(
        allow_promiscuous=bool(policy.allowPromiscuous),
        mac_changes=bool(policy.macChanges),
        forged_transmits=bool(policy.forgedTransmits),
        learning=MacLearningPolicy(
            enabled=bool(learning is not None and learning.enabled),
            allow_unicast_flooding=bool(learning is not None and learning.allowUnicastFlooding),
            limit=(learning.limit or 0) if learning is not None else 0,
            limit_policy=(learning.limitPolicy or "").lower() if learning is not None else "",
            inherited=bool(learning is not None and learning.inherited),
        ),
        inherited=bool(policy.inherited),
    )


def security_policy(policy: Any) -> SecurityPolicy | None:
    """Project ``DVSSecurityPolicy``."""
    if policy is None:
        return None
    flags = {
        "promiscuous": policy.allowPromiscuous,
        "forgedTransmits": policy.forgedTransmits,
        "macChanges": policy.macChanges,
    }
    # Each flag of this block is a policy of its own that may be inherited.
    inherited = tuple(name for name, flag in flags.items() if policy.inherited or flag is None or flag.inherited)
    return SecurityPolicy(
        allow_promiscuous=_value(policy.allowPromiscuous),
        mac_changes=_value(policy.macChanges),
        forged_transmits=_value(policy.forgedTransmits),
        inherited_fields=inherited,
    )


def vlan_setting(vlan: Any) -> Vlan | None:
    """Project the VLAN of a port setting."""
    if isinstance(vlan, _DVS.VlanIdSpec):
        return int(vlan.vlanId)
    if isinstance(vlan, _DVS.TrunkVlanSpec):
        return Trunk.of((part.start, part.end) for part in vlan.vlanId or ())
    if isinstance(vlan, _DVS.PvlanSpec):
        return PrivateVlan(vlan.pvlanId)
    return None


def _value(policy: Any) -> bool:
    return bool(policy is not None and policy.value)
