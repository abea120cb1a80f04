"""The connected ports of a distributed port group: one call, ``FetchDVPorts``. Blocking.

Nothing of the property collector leads to the ports, and no push tells of a change of one. A port comes with all its
settings, so only what it has of its own is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from nested_hyperv.domain.inventory import Port
from nested_hyperv.vsphere.policies import mac_management_policy, security_policy, vlan_setting
from nested_hyperv.vsphere.refs import moref

if TYPE_CHECKING:
    from nested_hyperv.domain.inventory import PortGroup
    from nested_hyperv.vsphere.session import Session

__all__ = ["connected_ports"]


def connected_ports(session: Session, group: PortGroup) -> tuple[Port, ...]:
    """Read the ports of a port group that somebody is connected to."""
    # Without ``inside`` the key counts for nothing, and the answer is all ports of the switch.
    criteria = vim.dvs.PortCriteria(portgroupKey=[group.key], inside=True, connected=True)
    return tuple(_port(found) for found in session.object(group.switch).FetchDVPorts(criteria) or ())


def _port(found: Any) -> Port:
    entity = found.connectee.connectedEntity if found.connectee is not None else None
    setting = found.config.setting
    mac = mac_management_policy(getattr(setting, "macManagementPolicy", None))
    security = getattr(setting, "securityPolicy", None)
    vlan = getattr(setting, "vlan", None)
    blocked = getattr(setting, "blocked", None)
    return Port(
        key=str(found.key),
        connectee=moref(entity) if entity is not None else None,
        vlan=vlan_setting(vlan) if vlan is not None and not vlan.inherited else None,
        mac_management=mac if mac is not None and not mac.inherited else None,
        security=security_policy(security) if _own(security) else None,
        blocked=bool(blocked is not None and not blocked.inherited and blocked.value),
    )


def _own(security: Any) -> bool:
    """Whether any flag of the legacy block is the port's own; each of them is a policy that may be inherited."""
    if security is None or security.inherited:
        return False
    flags = (security.allowPromiscuous, security.macChanges, security.forgedTransmits)
    return any(flag is not None and not flag.inherited for flag in flags)
