"""Whose port group it is that a host has: the ledger in ``status.hosts``, because a standard port group has no mark.

An entry is written *before* the call that it is about: ``Claiming`` after the port group was seen to be absent, and
``Claimed`` once it is there. Only claimed port groups are ever written or removed. After a crash in between the entry
is still ``Claiming``; what the host has then is ours only if it is exactly what was to be created, which the entry
says: the spec may have been edited since.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nested_hyperv.api.portgroup import HostClaim
from nested_hyperv.domain.inventory import MoRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nested_hyperv.domain.inventory import Host

__all__ = ["Entry", "entry_on", "read_ledger"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What was noted about one host."""

    host: MoRef
    name: str
    hardware_uuid: str
    claim: HostClaim | None
    creating: str | None = None


def read_ledger(rows: Iterable[Mapping[str, Any]]) -> dict[MoRef, Entry]:
    """Read ``status.hosts`` as it stands in Kubernetes."""
    entries = (
        Entry(
            MoRef("HostSystem", str(row.get("moRef", ""))),
            str(row.get("host", "")),
            str(row.get("hardwareUuid", "")),
            HostClaim(row["claim"]) if row.get("claim") in set(HostClaim) else None,
            row.get("creating"),
        )
        for row in rows
    )
    return {entry.host: entry for entry in entries}


def entry_on(ledger: Mapping[MoRef, Entry], host: Host) -> Entry | None:
    """Return what was noted about this very machine: a host that was replaced has another hardware UUID."""
    entry = ledger.get(host.ref)
    if entry is None or (entry.hardware_uuid and host.hardware_uuid and entry.hardware_uuid != host.hardware_uuid):
        return None
    return entry
