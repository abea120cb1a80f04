"""From ``host.config.network`` to the records of standard switches and port groups.

Sources: API reference, ``HostPortGroup`` (unset members of ``spec.policy`` inherit from the switch, ``computedPolicy``
is the merge; VLAN id 4095 passes all VLANs) and ``HostVirtualSwitch``.
"""

from __future__ import annotations

from typing import Any, Final

from nested_hyperv.domain.host_network import StandardPolicy, StandardPortGroup, StandardSwitch
from nested_hyperv.domain.inventory import ALL_VLANS
from nested_hyperv.vsphere.leaves import Leaf, one

__all__ = ["ALL_VLANS_ID", "GROUPS", "HOST_NETWORK_LEAVES", "SWITCHES", "port_group_of"]

GROUPS: Final = "config.network.portgroup"
SWITCHES: Final = "config.network.vswitch"

#: The VLAN id of a standard port group that passes all VLANs with their tags.
ALL_VLANS_ID: Final = 4095


def _switches(switches: Any) -> tuple[StandardSwitch, ...]:
    return tuple(
        StandardSwitch(name=str(switch.name), mtu=switch.mtu, uplinks=len(switch.pnic or ()))
        for switch in switches or ()
    )


def port_group_of(group: Any) -> StandardPortGroup:
    """Project one ``HostPortGroup``."""
    spec, computed = group.spec, group.computedPolicy
    teaming = getattr(computed, "nicTeaming", None)
    own = spec.policy
    return StandardPortGroup(
        key=str(group.key or ""),
        name=str(spec.name),
        switch=str(spec.vswitchName),
        vlan=ALL_VLANS if spec.vlanId == ALL_VLANS_ID else int(spec.vlanId),
        own=_policy(own),
        effective=_policy(computed),
        load_balancing=str(getattr(teaming, "policy", None) or ""),
        more=any(getattr(own, part, None) is not None for part in ("nicTeaming", "shapingPolicy", "offloadPolicy")),
    )


def _policy(policy: Any) -> StandardPolicy:
    security = getattr(policy, "security", None)
    if security is None:
        return StandardPolicy()
    return StandardPolicy(security.allowPromiscuous, security.macChanges, security.forgedTransmits)


def _port_groups(groups: Any) -> tuple[StandardPortGroup, ...]:
    return tuple(port_group_of(group) for group in groups or ())


HOST_NETWORK_LEAVES: Final[tuple[Leaf, ...]] = (
    one(SWITCHES, "switches", _switches, None),
    one(GROUPS, "port_groups", _port_groups, None),
)
