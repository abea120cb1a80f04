"""Other resources that are about the same port group: who may be one, and who of them has it.

Between two resources the mark decides, or on standard switches the claim in the ledger; where neither has one yet, age
does: the older ``creationTimestamp``, then the uid. That is one order, and everybody reads it from the same store, so
there is never more than one winner. Pure: ``kube.store`` keeps the index of ``tokens_of``, which finds candidates
without looking at anybody else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nested_hyperv.api.common import ManagementPolicy
from nested_hyperv.api.meta import ANNOTATION_ADOPT, KIND_PORT_GROUP
from nested_hyperv.api.parsing import InvalidSpec
from nested_hyperv.api.portgroup import AdoptionPolicy, HostClaim, parse_port_group
from nested_hyperv.domain.ownership import identify

from .ledger import entry_on, read_ledger
from .standard_goal import exactly, settings_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from nested_hyperv.api.portgroup import Distributed, NestedPortGroupSpec, Standard
    from nested_hyperv.domain.inventory import Host, MoRef
    from nested_hyperv.domain.ownership import Mark
    from nested_hyperv.domain.resource import Resource

    from .ledger import Entry

__all__ = ["Rival", "ahead_on", "creates_before", "mo_ref_token", "owner_among", "rivals_of", "tokens_of"]

_RANK = {None: 0, HostClaim.CLAIMING: 1, HostClaim.CLAIMED: 2, HostClaim.ADOPTED: 2}


# --- who may be one ---------------------------------------------------------------------------------------------------


def mo_ref_token(value: str) -> Hashable:
    """The token of whoever has this distributed port group in status."""
    return "moRef", value


def tokens_of(resource: Resource) -> tuple[Hashable, ...]:
    """What a resource shares with all that can be about the same port group. Cheap: runs for each change of each."""
    if resource.key.kind != KIND_PORT_GROUP:
        return ()
    spec: Mapping[str, Any] = resource.spec
    name = spec.get("name") or resource.key.name
    tokens: list[Hashable] = [
        (kind, name, _last(where.get("datacenter", "")))
        for kind in ("distributed", "standard")
        if (where := spec.get(kind))
    ]
    if spec.get("distributed") and resource.status.get("moRef"):
        tokens.append(mo_ref_token(resource.status["moRef"]))
    return tuple(tokens)


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Rival:
    """Another resource. ``active``: it creates and adopts, as nobody does who observes, is suspended or deleted."""

    name: str
    owner: str
    older: bool
    active: bool
    deleting: bool
    adopts: bool
    mo_ref: str | None
    spec: NestedPortGroupSpec
    ledger: Mapping[MoRef, Entry] = field(default_factory=dict)

    def claim(self, host: Host) -> HostClaim | None:
        """What its ledger says of a host."""
        entry = entry_on(self.ledger, host)
        return entry.claim if entry is not None else None

    def creating(self, host: Host) -> str | None:
        """What it was about to create on a host."""
        entry, standard = entry_on(self.ledger, host), self.spec.standard
        if entry is None or standard is None:
            return None
        return entry.creating or exactly(settings_of(self.spec, standard))

    def wants(self, host: Host) -> bool:
        """Whether it is to have the port group on a host, as far as its own rows and its spec tell."""
        where = self.spec.standard
        listed = where is not None and any(_last(text) == host.name for text in where.hosts or ())
        return self.active and (host.ref in self.ledger or listed)

    @property
    def words(self) -> str:
        """It in words."""
        return f"NestedPortGroup {self.name}" + (", which is being deleted" if self.deleting else "")


def rivals_of(resource: Resource, others: Iterable[Resource], cluster_id: str) -> tuple[Rival, ...]:
    """Judge those that share a token and a vCenter with a resource. One whose spec is not valid does nothing."""
    found = []
    for other in others:
        try:
            spec = parse_port_group(other.spec, name=other.key.name)
        except InvalidSpec:
            continue
        found.append(
            Rival(
                name=f"{other.key.namespace}/{other.key.name}",
                owner=identify(cluster_id, other.key, other.uid).owner,
                older=(other.creation_timestamp, other.uid) < (resource.creation_timestamp, resource.uid),
                active=not spec.suspend and spec.management_policy is ManagementPolicy.ENFORCE and not other.deleting,
                deleting=other.deleting,
                adopts=spec.adoption_policy is AdoptionPolicy.ADOPT or ANNOTATION_ADOPT in other.annotations,
                mo_ref=other.status.get("moRef"),
                spec=spec,
                ledger=read_ledger(other.status.get("hosts", ())),
            )
        )
    return tuple(sorted(found, key=lambda rival: (not rival.older, rival.name)))


# --- distributed switches ---------------------------------------------------------------------------------------------


def owner_among(rivals: Iterable[Rival], mark: Mark | None) -> Rival | None:
    """Return the rival that a mark names."""
    return next((rival for rival in rivals if mark is not None and rival.owner == mark.owner), None)


def creates_before(rivals: Iterable[Rival], where: Distributed, *, known: bool) -> Rival | None:
    """Return who may create the port group before us, where there is none: who has had one, then the older."""
    return _best(
        (rival.mo_ref is not None, rival)
        for rival in rivals
        if rival.active
        and _same_switch(rival.spec.distributed, where)
        and (rival.mo_ref is not None, rival.older) > (known, not rival.older)
    )


def _same_switch(one: Distributed | None, other: Distributed) -> bool:
    return (
        one is not None
        and _same_place(one.datacenter, other.datacenter)
        and _same_place(one.switch, other.switch)
    )  # fmt: skip


def _same_place(one: str, other: str) -> bool:
    """Whether two texts can name the same object. A name alone is the end of its path; two whole paths are compared."""
    a, b = one.strip("/").split("/"), other.strip("/").split("/")
    if one.startswith("/") and other.startswith("/"):
        return a == b
    shorter = min(len(a), len(b))
    return a[-shorter:] == b[-shorter:]


# --- standard switches ------------------------------------------------------------------------------------------------


def ahead_on(rivals: Sequence[Rival], where: Standard, host: Host, claim: HostClaim | None) -> Rival | None:
    """Return who comes before us on a host: with the better claim, or with an equal one and older."""
    ranked = [
        (_RANK[theirs], rival)
        for rival in rivals
        if (theirs := rival.claim(host)) is not None
        or rival.wants(host)
        or (rival.active and _same_cluster(rival, where))
    ]
    return _best((rank, rival) for rank, rival in ranked if (rank, rival.older) > (_RANK[claim], not rival.older))


def _best(ranked: Iterable[tuple[int, Rival]]) -> Rival | None:
    found = max(ranked, key=lambda pair: (pair[0], pair[1].older), default=None)
    return found[1] if found is not None else None


def _same_cluster(rival: Rival, where: Standard) -> bool:
    """Whether a host of our cluster is one of theirs although they have no row of it yet: it has just joined."""
    theirs = rival.spec.standard
    if theirs is None or theirs.cluster is None or where.cluster is None:
        return False
    return _same_place(theirs.datacenter, where.datacenter) and _same_place(theirs.cluster, where.cluster)
