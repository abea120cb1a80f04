"""Where a VM is to live: from names to references, with every path that it touches (for ``scope``). Blocking."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.inventory import MoRef, Placement, PlacementRequest
from nested_hyperv.vsphere.collector import FOLDERS, POOLS, read, read_many, read_tree
from nested_hyperv.vsphere.lookup import (
    KINDS,
    Datacenter,
    Hit,
    ambiguous,
    ancestors_path,
    datacenter,
    find,
    named,
    not_found,
)
from nested_hyperv.vsphere.refs import displayed, escaped, moref, morefs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nested_hyperv.vsphere.session import Session

__all__ = ["find_host", "host_for", "resolve"]


@dataclass(frozen=True, slots=True)
class _Compute:
    ref: MoRef
    path: str
    pool: MoRef
    hosts: tuple[MoRef, ...]
    datastores: tuple[MoRef, ...]


def resolve(session: Session, request: PlacementRequest) -> Placement:
    """Resolve all names of a placement, or say which one fits nothing or too much."""
    where = datacenter(session, request.datacenter)
    host: Hit | None = None
    if request.cluster is not None:
        hit = find(session, where, KINDS["cluster"], request.cluster)
        compute = _compute(session, hit.ref, hit.path)
    else:
        host, compute = _host(session, where, request.host or "")
    pool = _pool(session, compute, request.resource_pool)
    folder = _folder(session, where, request.folder)
    datastore = _datastore(session, where, compute, request.datastore)
    paths = [compute.path, *([host.path] if host else []), pool.path, folder.path, datastore.path]
    return Placement(
        datacenter=where.ref,
        folder=folder.ref,
        pool=pool.ref,
        compute=compute.ref,
        host=host.ref if host else None,
        datastore=datastore.ref,
        hosts=(host.ref,) if host else compute.hosts,
        paths=tuple(dict.fromkeys(paths)),
    )


def host_for(session: Session, placement: Placement, instance_uuid: str) -> MoRef | None:
    """Return the host that a clone has to name; ``None`` leaves the choice to vSphere.

    Only DRS chooses: a clone into a cluster without it, and without a host, is an ``InvalidArgument`` (API reference,
    ``RelocateSpec.host``). The instance UUID decides then: that spreads many VMs, and a second attempt chooses alike.
    """
    if placement.host is not None or placement.compute.type != "ClusterComputeResource":
        return placement.host
    # Read whole: the path into it would be one of a subtype of what the property is declared as.
    cluster = read(session, placement.compute, ["name", "configurationEx"]).properties
    drs = getattr(cluster.get("configurationEx"), "drsConfig", None)
    if drs is not None and drs.enabled:
        return None
    paths = ["runtime.connectionState", "runtime.inMaintenanceMode", "datastore"]
    usable = sorted(
        host.ref
        for host in read_many(session, placement.hosts, paths)
        if host.properties.get("runtime.connectionState") == "connected"
        and not host.properties.get("runtime.inMaintenanceMode")
        and placement.datastore in morefs(host.properties.get("datastore"))
    )
    if not usable:
        raise Blocked(
            Reason.HOST_UNAVAILABLE,
            f"Cluster {displayed(cluster['name'])} has no DRS, and none of its hosts is connected, out of maintenance "
            "mode and attached to the datastore. Make one usable, or choose another datastore.",
        )
    return usable[uuid.UUID(instance_uuid).int % len(usable)]


def _compute(session: Session, ref: MoRef, path: str) -> _Compute:
    properties = read(session, ref, ["resourcePool", "host", "datastore"]).properties
    return _Compute(
        ref,
        path,
        moref(properties["resourcePool"]),
        morefs(properties.get("host")),
        morefs(properties.get("datastore")),
    )


def _host(session: Session, where: Datacenter, text: str) -> tuple[Hit, _Compute]:
    hit, owner = _host_and_owner(session, where, text)
    return hit, _compute(session, owner, hit.path.rpartition("/")[0])


def find_host(session: Session, where: Datacenter, text: str) -> Hit:
    """Find a host by name, or by its path below the host folder (``cluster/host``)."""
    return _host_and_owner(session, where, text)[0]


def _host_and_owner(session: Session, where: Datacenter, text: str) -> tuple[Hit, MoRef]:
    root = where.folders["hostFolder"]
    found = read_tree(session, root, FOLDERS, ["ComputeResource"], ["host"])
    owners = {host: item.ref for item in found for host in morefs(item.properties.get("host"))}
    names = named(session, owners)
    wanted = displayed(text.rstrip("/").rpartition("/")[2])
    hits = [ref for ref, name in names.items() if name == wanted]
    if "/" in text:
        base = f"{where.path}/host"
        path = text if text.startswith("/") else f"{base}/{text}"
        hits = [ref for ref in hits if ancestors_path(session, ref) == path.rstrip("/")]
    if not hits:
        raise not_found("host", text, f"datacenter {where.path}", names.values())
    if len(hits) > 1:
        raise ambiguous("host", text, (ancestors_path(session, ref) for ref in hits))
    path = ancestors_path(session, hits[0])
    return Hit(hits[0], wanted, path), owners[hits[0]]


def _pool(session: Session, compute: _Compute, text: str | None) -> Hit:
    found = read_tree(session, compute.pool, POOLS, ["ResourcePool"], ["name", "parent"])
    by_ref = {item.ref: item for item in found}
    paths: dict[MoRef, str] = {}

    def path_of(ref: MoRef) -> str:
        if ref not in paths:
            item = by_ref[ref]
            above = compute.path if ref == compute.pool else path_of(moref(item.properties["parent"]))
            paths[ref] = f"{above}/{item.properties['name']}"
        return paths[ref]

    pools = [Hit(ref, displayed(item.properties["name"]), path_of(ref)) for ref, item in by_ref.items()]
    if text is None:
        return next(hit for hit in pools if hit.ref == compute.pool)
    wanted = text.rstrip("/")
    if "/" in wanted:
        # Below the cluster, or below its root pool, which people leave out.
        ends = {wanted, f"{compute.path}/{wanted}", f"{compute.path}/Resources/{wanted}"}
        hits = [hit for hit in pools if hit.path in ends]
    else:
        hits = [hit for hit in pools if hit.name == wanted]
    if not hits:
        raise not_found("resource pool", text, compute.path, (hit.path for hit in pools))
    if len(hits) > 1:
        raise ambiguous("resource pool", text, (hit.path for hit in hits))
    return hits[0]


def _folder(session: Session, where: Datacenter, text: str | None) -> Hit:
    root = Hit(where.folders["vmFolder"], "vm", f"{where.path}/vm")
    if text is None or text.rstrip("/") == root.path:
        return root
    return find(session, where, KINDS["folder"], text)


def _datastore(session: Session, where: Datacenter, compute: _Compute, text: str) -> Hit:
    hit = find(session, where, KINDS["datastore"], text)
    if hit.ref not in compute.datastores:
        raise not_found("datastore", text, compute.path, _paths(session, where, compute.datastores))
    return hit


def _paths(session: Session, where: Datacenter, refs: Sequence[MoRef]) -> list[str]:
    return [f"{where.path}/datastore/{escaped(name)}" for name in named(session, refs).values()]
