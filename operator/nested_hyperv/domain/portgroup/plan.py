"""Plans for a port group on a distributed switch: make it equal to the spec, or tear it down.

Pure. The order of the questions is the order of the promises: is it there, is it ours, does it differ. An object whose
mark does not name this resource is never written and never deleted, unless the annotation ``nestedhv.io/adopt`` names
it and either the mark has our lineage or the connection allows adoption.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nested_hyperv.api.common import DeletionPolicy, ExternalDeletePolicy
from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.portgroup import NestingMode
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.inventory import Change, PortGroupSettings
from nested_hyperv.domain.ownership import Mark, Ownership, parse_mark, port_group_text
from nested_hyperv.domain.plan import CreatePortGroup, Destroy, Plan, ReconfigurePortGroup, Release
from nested_hyperv.domain.verdict import Network, Situation, Verdict

from .goal import PortGroupGoal, differences, goal_of, observed, vlan_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nested_hyperv.api.portgroup import NestedPortGroupSpec
    from nested_hyperv.domain.inventory import MoRef, PortGroup, Switch
    from nested_hyperv.domain.subject import Subject

__all__ = ["PortGroupWorld", "deletion_policy", "plan_deletion", "plan_port_group"]

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class PortGroupWorld:
    """What was observed. ``namesake`` is who holds the name while we have no object.

    ``users`` (only for a deletion) are the names of the attached VMs; ``lab`` those of them that belong to
    NestedHyperVHosts of the same namespace.
    """

    switch: Switch
    port_group: PortGroup | None
    namesake: PortGroup | None = None
    users: Mapping[MoRef, str] | None = None
    lab: frozenset[MoRef] = frozenset()


def deletion_policy(spec: NestedPortGroupSpec, mark: Mark | None) -> DeletionPolicy:
    """Resolve ``deletionPolicy``: what was adopted stays by default, what we created goes."""
    if spec.deletion_policy is not None:
        return spec.deletion_policy
    return DeletionPolicy.RETAIN if mark is not None and mark.adopted else DeletionPolicy.DELETE


def plan_port_group(subject: Subject, spec: NestedPortGroupSpec, world: PortGroupWorld) -> Plan:
    """Plan to make the port group equal to the spec. Raises ``Blocked`` where that must not or cannot be done."""
    subject.check_scope(world.switch.path)
    actual = world.port_group
    if actual is None:
        return _plan_creation(subject, spec, world)
    mark = parse_mark(actual.description)
    adopting = _check_ownership(subject, actual, mark)
    # What was ours before (lineage) keeps what its mark remembers: the mode in use, and that it was adopted once.
    stranger = adopting and Ownership.of(mark, subject.identity) is not Ownership.LINEAGE
    goal = goal_of(spec, subject.identity, world.switch, None if stranger else mark)
    if stranger:
        goal = replace(goal, mark=replace(goal.mark, adopted=True))
    changes, settings = differences(goal, actual)
    facts = _facts(spec, goal, world.switch, actual)
    if not changes:
        return Plan(
            Verdict(Situation.READY, Reason.SUCCEEDED, facts=facts, network=_network(goal), synced=True),
        )
    words = "; ".join(str(change) for change in changes)
    return Plan(
        Verdict(Situation.PROGRESSING, Reason.PROGRESSING, f"Writing {words}.", facts=facts, synced=False),
        actions=(ReconfigurePortGroup(actual, settings, changes),),
        changes=changes,
    )


def _plan_creation(subject: Subject, spec: NestedPortGroupSpec, world: PortGroupWorld) -> Plan:
    if world.namesake is not None:
        holder = world.namesake
        raise Blocked(
            Reason.NAME_TAKEN,
            f"A port group named {spec.name} exists beside {world.switch.name} ({holder.ref.value}) and does not carry "
            f"the mark of this resource. Choose another spec.name, remove that port group, or take it over with the "
            f"annotation nestedhv.io/adopt: {holder.ref.value} (the connection has to allow adoption).",
        )
    goal = goal_of(spec, subject.identity, world.switch, None)
    facts = {"switch": world.switch.name, "mode": goal.mode, "vlan": vlan_text(goal.vlan), "observed": None}
    if subject.known is not None and spec.on_external_delete is ExternalDeletePolicy.REPORT:
        raise Blocked(
            Reason.MISSING,
            f"{subject.known.value} was deleted in vSphere and onExternalDelete is Report. "
            "Set onExternalDelete: Recreate to have it created again, or delete this resource.",
        )
    return Plan(
        Verdict(
            Situation.PROGRESSING,
            Reason.PROGRESSING,
            f"Creating {goal.name} on {world.switch.name}.",
            facts={**facts, "name": goal.name, "deletion_policy": deletion_policy(spec, None)},
            synced=False,
        ),
        actions=(CreatePortGroup(world.switch, goal.creation(), (Change("name", "absent", goal.name),)),),
        changes=(Change("name", "absent", goal.name),),
    )


def _check_ownership(subject: Subject, actual: PortGroup, mark: Mark | None) -> bool:
    """Return whether the object is being adopted by this pass; raise ``Blocked`` unless we may write to it."""
    ownership = Ownership.of(mark, subject.identity)
    where = f"{actual.name} ({actual.ref.value})"
    if ownership is Ownership.OURS:
        return False
    if subject.adopt == actual.ref.value:
        if actual.nsx:
            raise Blocked(
                Reason.NSX_MANAGED,
                f"{where} belongs to NSX, which would revert every change. Use a MAC discovery profile in NSX instead.",
            )
        if actual.uplink:
            raise Blocked(Reason.CONFLICT, f"{where} carries the uplinks of its switch and cannot be adopted.")
        if ownership is Ownership.LINEAGE or subject.allow_adoption:
            return True
        raise Blocked(
            Reason.ADOPTION_NOT_ALLOWED,
            f"{where} is not this resource's own, and the connection does not allow adoption. "
            'Set allowAdoption: "true" in the connection Secret, or remove the annotation nestedhv.io/adopt.',
        )
    if ownership is Ownership.UNMARKED:
        raise Blocked(
            Reason.OWNERSHIP_LOST,
            f"The description of {where} no longer carries the mark of this resource, so it is not touched. "
            f"Restore the description, or take it back with the annotation nestedhv.io/adopt: {actual.ref.value}.",
        )
    raise Blocked(
        Reason.CONFLICT,
        f"{where} carries the mark of another resource ({mark.owner if mark else ''}), so it is not touched. "
        f"Delete one of the two, or take it over with the annotation nestedhv.io/adopt: {actual.ref.value}.",
    )


def _network(goal: PortGroupGoal) -> Network:
    if goal.mode is NestingMode.DISABLED:
        return Network(ready=False, reason=Reason.SUCCEEDED, message="nesting.mode is Disabled: inner VMs are cut off.")
    return Network(ready=True, reason=Reason.SUCCEEDED, message="")


def _facts(spec: NestedPortGroupSpec, goal: PortGroupGoal, switch: Switch, actual: PortGroup) -> dict[str, object]:
    return {
        "mo_ref": actual.ref.value,
        "name": actual.name,
        "switch": switch.name,
        "mode": goal.mode,
        "vlan": vlan_text(actual.vlan),
        "observed": observed(actual),
        "deletion_policy": deletion_policy(spec, goal.mark),
    }


def plan_deletion(subject: Subject, spec: NestedPortGroupSpec, world: PortGroupWorld) -> Plan:
    """Plan to let the port group go. Drift never blocks it; whoever is still attached does."""
    actual = world.port_group
    verdict = Verdict(Situation.DELETING, Reason.DELETING, "Tearing down the port group.")
    if actual is None:
        return Plan(verdict, release=Release(Reason.DELETED, f"Port group {spec.name} is gone from vSphere."))
    where = f"{actual.name} ({actual.ref.value})"
    mark = parse_mark(actual.description)
    if mark is None or mark.owner != subject.identity.owner:
        return Plan(
            verdict,
            release=Release(Reason.RELEASED_UNMARKED, f"{where} does not carry the mark of this resource: left alone."),
        )
    if deletion_policy(spec, mark) is DeletionPolicy.RETAIN:
        # Words instead of nothing: what an empty description does is documented nowhere.
        text = port_group_text(actual.description, None) or f"Left here by NestedPortGroup {subject.name}."
        settings = PortGroupSettings(description=text)
        return Plan(
            verdict, actions=(ReconfigurePortGroup(actual, settings, (Change("mark", "this resource", "none"),)),)
        )
    users = world.users or {}
    if users:
        return Plan(_blocked(where, users, world.lab))
    return Plan(verdict, actions=(Destroy(actual.ref),))


def _blocked(where: str, users: Mapping[MoRef, str], lab: frozenset[MoRef]) -> Verdict:
    strangers = sorted(name for ref, name in users.items() if ref not in lab)
    hosts = sorted(name for ref, name in users.items() if ref in lab)
    if strangers:
        return Verdict(
            Situation.DELETION_BLOCKED,
            Reason.DELETION_BLOCKED,
            f"{where} is still used by {_listed(strangers)}. Attach them to another network or delete them; "
            "deletionPolicy: Retain leaves the port group.",
        )
    return Verdict(
        Situation.DELETION_BLOCKED,
        Reason.DELETION_BLOCKED,
        f"{where} is still used by {_listed(hosts)} of this lab. It goes when they are gone or attached elsewhere.",
    )


def _listed(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
