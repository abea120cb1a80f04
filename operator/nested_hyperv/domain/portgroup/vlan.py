"""The VLAN of a port group: from the spec to vSphere's words, and to the words of people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nested_hyperv.domain.inventory import PrivateVlan, Trunk

if TYPE_CHECKING:
    from nested_hyperv.api.portgroup import Vlan as VlanSpec
    from nested_hyperv.domain.inventory import Vlan

__all__ = ["vlan_of", "vlan_text"]


def vlan_of(spec: VlanSpec | None) -> Vlan:
    """Return what the spec asks for; no VLAN is untagged."""
    if spec is None:
        return 0
    if spec.trunk is not None:
        return Trunk.of((part.start, part.end) for part in spec.trunk)
    if spec.private_id is not None:
        return PrivateVlan(spec.private_id)
    return spec.id or 0


def vlan_text(vlan: Vlan | None) -> str:
    """The VLAN in words: ``none``, its id, the ranges of a trunk, a private id."""
    if vlan is None:
        return "unknown"
    return str(vlan) if vlan else "none"
