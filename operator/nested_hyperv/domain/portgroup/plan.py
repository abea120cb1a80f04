"""Plans for a port group on a distributed switch: make it equal to the spec, or tear it down.

Pure. The order of the questions is the order of the promises: is it there, is it ours, does it differ. An object whose
mark does not name this resource is never written and never deleted, unless the annotation ``nestedhv.io/adopt`` names
it and either the mark has our lineage or the connection allows adoption.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from nested_hyperv.api.common import DeletionPolicy, ExternalDeletePolicy
from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.portgroup import AdoptionPolicy
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.inventory import Change, PortGroupSettings
from nested_hyperv.domain.ownership import Mark, Ownership, parse_mark, port_group_text
from nested_hyperv.domain.plan import CreatePortGroup, Destroy, Plan, PlanBlocked, ReconfigurePortGroup, Release
from nested_hyperv.domain.verdict import Network, Situation, Verdict

from .goal import PortGroupGoal, check_switch, differences, goal_of, observed
from .network import network_of
from .overrides import PortUse
from .ports import observed_ports, ports_note
from .rivals import Rival, creates_before, owner_among
from .users import Users, blocked_by
from .vlan import vlan_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nested_hyperv.api.portgroup import NestedPortGroupSpec
    from nested_hyperv.domain.inventory import MoRef, PortGroup, Switch
    from nested_hyperv.domain.subject import Subject

__all__ = ["PortGroupWorld", "deletion_policy", "not_recreated", "plan_deletion", "plan_port_group"]

#: A belt: the end of the task wakes us.
_LOOK_AGAIN: Final = 10.0
#: What status tells of a port group that is not there.
_NOTHING_SEEN: Final[Mapping[str, object]] = {"observed": None, "ports": None, "overriding": None, "overrides": ()}


@dataclass(frozen=True, slots=True)
class PortGroupWorld:
    """What was observed. ``namesake`` is who holds the name while we have no object.

    ``ports`` is the last look at the ports of what we have (``None``: there was none yet), and ``again_after`` says in
    how many seconds another one is due. ``adapters`` tells how many adapters the hosts of this lab have on the port
    group; it may be left out where the limit of MAC learning is no concern. ``users`` are read for a deletion only, for
    which there may be no ``switch`` any more, and ``creating`` are running creations that may be of ours.
    ``rivals`` are resources that may be about the same port group.
    """

    switch: Switch | None
    port_group: PortGroup | None
    namesake: PortGroup | None = None
    users: Users = field(default_factory=Users)
    creating: tuple[MoRef, ...] = ()
    rivals: tuple[Rival, ...] = ()
    ports: PortUse | None = None
    again_after: float | None = None
    adapters: Mapping[str, int] = field(default_factory=dict)


def deletion_policy(spec: NestedPortGroupSpec, mark: Mark | None) -> DeletionPolicy:
    """Resolve ``deletionPolicy``: what was adopted stays by default, what we created goes."""
    if spec.deletion_policy is not None:
        return spec.deletion_policy
    return DeletionPolicy.RETAIN if mark is not None and mark.adopted else DeletionPolicy.DELETE


def plan_port_group(subject: Subject, spec: NestedPortGroupSpec, world: PortGroupWorld) -> Plan:
    """Plan to make the port group equal to the spec. Raises ``Blocked`` where that must not or cannot be done."""
    switch = world.switch
    if switch is None:
        raise Blocked(Reason.NOT_FOUND, "The distributed switch is gone.")
    subject.check_scope(switch.path)
    actual = world.port_group
    if actual is None and world.namesake is not None and _may_adopt(subject, spec, world.namesake):
        _check_turn(subject, spec, (rival for rival in world.rivals if rival.adopts))
        actual = world.namesake
    if actual is None:
        try:
            return _plan_creation(subject, spec, switch, world)
        except Blocked as error:
            if subject.known is None:
                raise
            raise not_recreated(switch, error) from error
    try:
        adopting, goal = _goal_on(subject, spec, switch, actual, world.rivals)
    except Blocked as error:
        if subject.known != actual.ref:
            raise
        raise PlanBlocked(error, _seen(subject, spec, switch, actual, world, error)) from error
    used = world.ports.used if world.ports is not None else None
    changes, settings = differences(goal, actual, ports_used=used)
    facts = _facts(spec, goal, switch, actual, world.ports)
    network = network_of(goal, switch, actual, world.ports, world.adapters)
    if adopting:
        # Not ours before it carries our mark: of what is remembered as ours, a missing mark means that it was lost.
        facts["mo_ref"] = None
    if not changes:
        return Plan(
            Verdict(
                Situation.READY,
                Reason.SUCCEEDED,
                ports_note(goal.ports, actual, used),
                facts=facts,
                network=network,
                synced=True,
                again_after=world.again_after,
            ),
        )
    words = "; ".join(str(change) for change in changes)
    return Plan(
        Verdict(
            Situation.PROGRESSING, Reason.PROGRESSING, f"Writing {words}.", facts=facts, network=network, synced=False
        ),
        actions=(ReconfigurePortGroup(actual, settings, changes),),
        changes=changes,
    )


def _goal_on(
    subject: Subject, spec: NestedPortGroupSpec, switch: Switch, actual: PortGroup, rivals: Iterable[Rival]
) -> tuple[bool, PortGroupGoal]:
    """Return whether it is being adopted, and what it shall be. Raises ``Blocked`` where it must or can not."""
    _refuse_nsx(actual)
    mark = parse_mark(actual.description)
    adopting = _check_ownership(subject, spec, actual, mark, rivals)
    # What was ours before (lineage) keeps what its mark remembers: the mode in use, and that it was adopted once.
    stranger = adopting and Ownership.of(mark, subject.identity) is not Ownership.LINEAGE
    goal = goal_of(spec, subject.identity, switch, None if stranger else mark)
    check_switch(spec, switch, goal)
    if stranger:
        goal = replace(goal, mark=replace(goal.mark, adopted=True))
    return adopting, goal


def _seen(
    subject: Subject,
    spec: NestedPortGroupSpec,
    switch: Switch,
    actual: PortGroup,
    world: PortGroupWorld,
    error: Blocked,
) -> Plan:
    """What is there of the object that was ours: whoever may not write goes on telling whether frames pass."""
    goal = goal_of(spec, subject.identity, switch, parse_mark(actual.description))
    changes, _ = differences(goal, actual)
    facts = _facts(spec, goal, switch, actual, world.ports)
    told = {field: facts[field] for field in ("name", "vlan", "observed", "ports", "overriding", "overrides")}
    network = network_of(goal, switch, actual, world.ports, world.adapters).for_want_of(error.reason)
    synced = False if changes else None
    return Plan(
        Verdict(Situation.STALLED, error.reason, error.message, facts=told, network=network, synced=synced),
        changes=changes,
    )


def _may_adopt(subject: Subject, spec: NestedPortGroupSpec, holder: PortGroup) -> bool:
    """Whether ``adoptionPolicy`` takes over what has the name: never what carries somebody's mark."""
    if spec.adoption_policy is not AdoptionPolicy.ADOPT or parse_mark(holder.description) is not None:
        return False
    return subject.known is None


def _check_turn(subject: Subject, spec: NestedPortGroupSpec, rivals: Iterable[Rival]) -> None:
    """Let the one go first whose turn it is, while no mark decides. Raises ``Blocked(Conflict)``."""
    where = spec.distributed
    first = creates_before(rivals, where, known=subject.known is not None) if where is not None else None
    if first is not None:
        raise Blocked(
            Reason.CONFLICT,
            f"{first.words} asks for the same port group {spec.name} and comes first. Delete one of the two, or choose "
            "another spec.name.",
        )


def _refuse_nsx(found: PortGroup) -> None:
    if found.nsx:
        raise Blocked(
            Reason.NSX_MANAGED,
            f"{found.name} ({found.ref.value}) belongs to NSX, which would revert every change. For inner machines, "
            "put a MAC discovery profile with MAC learning on its segment in NSX Manager; for a port group of its own, "
            "choose another spec.name.",
        )


def _plan_creation(subject: Subject, spec: NestedPortGroupSpec, switch: Switch, world: PortGroupWorld) -> Plan:
    holder = world.namesake
    if holder is not None:
        _refuse_nsx(holder)
        mark = parse_mark(holder.description)
        _check_owner(holder, mark, world.rivals)
        raise Blocked(
            Reason.NAME_TAKEN,
            f"A port group named {spec.name} exists beside {switch.name} ({holder.ref.value}) and "
            f"{_how_to_take(subject, holder, mark)}",
        )
    _check_turn(subject, spec, world.rivals)
    goal = goal_of(spec, subject.identity, switch, None)
    check_switch(spec, switch, goal)
    if subject.known is not None and spec.on_external_delete is ExternalDeletePolicy.REPORT:
        raise Blocked(
            Reason.MISSING,
            f"{subject.known.value} was deleted in vSphere and onExternalDelete is Report. "
            "Set onExternalDelete: Recreate to have it created again, or delete this resource.",
        )
    gone = Network(ready=False, reason=Reason.PROGRESSING, message=f"{goal.name} is not on {switch.name} any more.")
    return Plan(
        Verdict(
            Situation.PROGRESSING,
            Reason.PROGRESSING,
            f"Creating {goal.name} on {switch.name}.",
            facts={
                **_NOTHING_SEEN,
                "name": goal.name,
                "switch": switch.name,
                "mode": goal.mode,
                "vlan": vlan_text(goal.vlan),
                "deletion_policy": deletion_policy(spec, None),
            },
            network=gone if subject.known is not None else None,
            synced=False,
        ),
        actions=(CreatePortGroup(switch, goal.creation(), (Change("name", "absent", goal.name),)),),
        changes=(Change("name", "absent", goal.name),),
    )


def not_recreated(switch: Switch, error: Blocked) -> PlanBlocked:
    """Say of a port group that was there and is not created again why, and that nobody has a network through it."""
    facts = {**_NOTHING_SEEN, "switch": switch.name, "mode": None, "vlan": None}
    network = Network(ready=False, reason=error.reason, message=error.message)
    verdict = Verdict(Situation.STALLED, error.reason, error.message, facts=facts, network=network, synced=False)
    return PlanBlocked(error, Plan(verdict))


def _how_to_take(subject: Subject, holder: PortGroup, mark: Mark | None) -> str:
    """Say whose what has the name is, and what is to be done to have it: ``adoptionPolicy`` takes nothing marked."""
    annotation = f"the annotation nestedhv.io/adopt: {holder.ref.value}"
    if mark is None:
        return (
            "does not carry the mark of this resource. Choose another spec.name, remove that port group, or take it "
            f"over with adoptionPolicy: Adopt or {annotation} (the connection has to allow adoption)."
        )
    if mark.lineage == subject.identity.lineage:
        return (
            "carries the mark of an earlier resource of this namespace and name. Take it back with "
            f"{annotation}, or choose another spec.name."
        )
    return (
        f"carries the mark of a resource that this cluster does not have ({mark.owner}). Choose another spec.name, "
        f"have it released there (deletionPolicy: Retain), or take it over with {annotation} (the connection has to "
        "allow adoption)."
    )


def _check_owner(actual: PortGroup, mark: Mark | None, rivals: Iterable[Rival]) -> None:
    """Leave alone what belongs to another resource that exists: two that take it from each other would never end."""
    owner = owner_among(rivals, mark)
    if owner is not None:
        raise Blocked(
            Reason.CONFLICT,
            f"{actual.name} ({actual.ref.value}) belongs to {owner.words}. Delete one of the two resources, or choose "
            "another spec.name.",
        )


def _check_ownership(
    subject: Subject, spec: NestedPortGroupSpec, actual: PortGroup, mark: Mark | None, rivals: Iterable[Rival]
) -> bool:
    """Return whether the object is being adopted by this pass; raise ``Blocked`` unless we may write to it."""
    ownership = Ownership.of(mark, subject.identity)
    where = f"{actual.name} ({actual.ref.value})"
    if ownership is Ownership.OURS:
        return False
    _check_owner(actual, mark, rivals)
    if subject.adopt == actual.ref.value or _may_adopt(subject, spec, actual):
        if actual.uplink:
            raise Blocked(Reason.CONFLICT, f"{where} carries the uplinks of its switch and cannot be adopted.")
        if ownership is Ownership.LINEAGE or subject.allow_adoption:
            return True
        raise Blocked(
            Reason.ADOPTION_NOT_ALLOWED,
            f"{where} is not this resource's own, and the connection does not allow adoption. "
            'Set allowAdoption: "true" in the connection Secret, or do not ask for adoption.',
        )
    if ownership is Ownership.UNMARKED:
        raise Blocked(
            Reason.OWNERSHIP_LOST,
            f"The description of {where} no longer carries the mark of this resource, so it is not touched. "
            "Put the mark (the part in brackets) back as it was, or take the port group over with the annotation "
            f"nestedhv.io/adopt: {actual.ref.value} (the connection has to allow adoption, and it counts as adopted).",
        )
    raise Blocked(
        Reason.CONFLICT,
        f"{where} carries the mark of a resource that this cluster does not have ({mark.owner if mark else ''}), so it "
        "is not touched. Have it released there, or take it over with the annotation nestedhv.io/adopt: "
        f"{actual.ref.value}.",
    )


def _facts(
    spec: NestedPortGroupSpec, goal: PortGroupGoal, switch: Switch, actual: PortGroup, use: PortUse | None
) -> dict[str, object]:
    used, machines = (use.used, use.machines) if use is not None else (None, None)
    return {
        "mo_ref": actual.ref.value,
        "name": actual.name,
        "switch": switch.name,
        "mode": goal.mode,
        "vlan": vlan_text(actual.vlan),
        "observed": observed(actual, capable=goal.mac_management is not None),
        "ports": observed_ports(actual, used, machines),
        "overriding": use.overriding if use is not None and use.overriding else None,
        "overrides": use.overrides if use is not None else (),
        "deletion_policy": deletion_policy(spec, goal.mark),
    }


def plan_deletion(subject: Subject, spec: NestedPortGroupSpec, world: PortGroupWorld) -> Plan:
    """Plan to let the port group go. Drift never blocks it; whoever is still attached does."""
    actual = world.port_group
    verdict = Verdict(Situation.DELETING, Reason.DELETING, "Tearing down the port group.")
    if actual is None and world.creating:
        message = "Waiting for a running creation of a port group before looking again."
        return Plan(replace(verdict, message=message, again_after=_LOOK_AGAIN))
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
    if world.users:
        return Plan(blocked_by(where, world.users))
    return Plan(verdict, actions=(Destroy(actual.ref),))
