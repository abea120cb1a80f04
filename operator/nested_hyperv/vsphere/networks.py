"""Networks as a NIC sees them: distributed port groups by key and switch, standard ones by name. Blocking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyVmomi import vmodl

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.inventory import MoRef, Network
from nested_hyperv.vsphere.collector import read
from nested_hyperv.vsphere.lookup import KINDS, ancestors_path, datacenter, find
from nested_hyperv.vsphere.refs import displayed, moref

if TYPE_CHECKING:
    from nested_hyperv.vsphere.session import Session

__all__ = ["find_network", "network_of"]

_PORT_GROUP: Final = "DistributedVirtualPortgroup"


def find_network(session: Session, datacenter_name: str, text: str) -> Network:
    """Find a network by name or path."""
    hit = find(session, datacenter(session, datacenter_name), KINDS["network"], text)
    if hit.ref.type == _PORT_GROUP:
        return _distributed(session, hit.ref, hit.path)
    if hit.ref.type != "Network":
        raise Blocked(
            Reason.NSX_MANAGED,
            f"The network {text!r} belongs to another product ({hit.ref.type}). "
            "Choose a distributed or a standard port group.",
        )
    return Network(ref=hit.ref, name=hit.name, path=hit.path, portgroup_key=None, switch_uuid=None)


def network_of(session: Session, ref: MoRef) -> Network | None:
    """Return a port group as a network; ``None`` if it is gone."""
    try:
        path = ancestors_path(session, ref)
        if ref.type == _PORT_GROUP:
            return _distributed(session, ref, path)
        name = displayed(read(session, ref, ["name"]).properties["name"])
        return Network(ref=ref, name=name, path=path, portgroup_key=None, switch_uuid=None)
    except vmodl.fault.ManagedObjectNotFound:
        return None


def _distributed(session: Session, ref: MoRef, path: str) -> Network:
    properties = read(session, ref, ["name", "key", "config.distributedVirtualSwitch"]).properties
    switch = read(session, moref(properties["config.distributedVirtualSwitch"]), ["uuid"]).properties
    return Network(
        ref=ref,
        name=displayed(properties["name"]),
        path=path,
        portgroup_key=properties["key"],
        switch_uuid=switch["uuid"],
    )
