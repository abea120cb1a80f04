"""Plans for the same-named port group on the standard switches of a set of hosts.

Pure. Each host is judged alone (``standard_host``); here they are added up to one plan and one verdict. A host that
fails does not stop the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from nested_hyperv.api.common import DeletionPolicy
from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.portgroup import HOSTS_MAX, HostClaim, NestingMode
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.host_network import host_network
from nested_hyperv.domain.inventory import Change
from nested_hyperv.domain.plan import AddHostPortGroup, HostAction, Plan, Release, RemoveHostPortGroup
from nested_hyperv.domain.verdict import Network, Situation, Verdict

from .rivals import Rival, ahead_on
from .standard_goal import exactly, mode_of, observed, settings_of
from .standard_host import HostOutcome, HostView, Question, away, is_ours, judge
from .users import Users, blocked_by
from .vlan import vlan_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nested_hyperv.api.portgroup import NestedPortGroupSpec, Standard
    from nested_hyperv.domain.host_network import StandardSettings
    from nested_hyperv.domain.inventory import MoRef
    from nested_hyperv.domain.subject import Subject

__all__ = ["StandardWorld", "goes", "plan_standard", "plan_standard_deletion"]

_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class StandardWorld:
    """What was observed. ``paths`` are the inventory paths of the cluster, or of the listed hosts.

    ``hosts`` shall have the port group. ``left`` are hosts that had it and shall not any more. ``network`` is the
    object that vCenter has for all port groups of this name. ``again_after`` is when a host's pause is over (seconds).
    ``rivals`` are resources that may be about the same port groups. ``network_after`` is when to look for the network
    again where there is none (seconds).
    """

    paths: tuple[str, ...]
    hosts: tuple[HostView, ...]
    left: tuple[HostView, ...] = ()
    network: MoRef | None = None
    again_after: float | None = None
    users: Users = field(default_factory=Users)
    rivals: tuple[Rival, ...] = ()
    network_after: float | None = None


def plan_standard(subject: Subject, spec: NestedPortGroupSpec, standard: Standard, world: StandardWorld) -> Plan:
    """Plan to make every host equal to the spec. Raises ``Blocked`` where none of them may be touched."""
    subject.check_scope(*world.paths)
    if len(world.hosts) > HOSTS_MAX:
        raise Blocked(
            Reason.TOO_MANY_HOSTS,
            f"{_where(world)} has {len(world.hosts)} hosts; one NestedPortGroup can have {HOSTS_MAX}. Nothing is "
            "created. List hosts in several resources instead.",
        )
    if not world.hosts:
        raise Blocked(
            Reason.NOT_FOUND, f"{_where(world)} has no hosts. The port group is created on the first that joins."
        )
    goal = settings_of(spec, standard)
    question = Question(subject, spec, standard, goal, world.network, world.rivals)
    outcomes = sorted((judge(question, view) for view in world.hosts), key=lambda outcome: outcome.view.host.name)
    leaving = _leaving(goal, standard, world)
    outcomes += leaving
    facts = _facts(spec, standard, world, outcomes)
    actions = tuple(outcome.action for outcome in outcomes if outcome.action is not None)
    changes = tuple(change for outcome in outcomes for change in outcome.changes)
    claimed = tuple(_before(goal, outcome) for outcome in outcomes)
    new_claims = any(
        outcome.claim != outcome.view.claim or (outcome.creating and outcome.creating != outcome.view.creating)
        for outcome in claimed
    )
    return Plan(
        _verdict(spec, outcomes, world, facts),
        actions=actions,
        changes=changes,
        record={"hosts": tuple(outcome.row() for outcome in claimed)} if actions and new_claims else {},
        unproven=_unproven(actions, world.hosts) | _dropped_in_doubt(world, leaving),
    )


def _dropped_in_doubt(world: StandardWorld, leaving: Iterable[HostOutcome]) -> frozenset[MoRef]:
    """Hosts whose claim is about to be dropped although what vCenter has told may be older than our own creation."""
    kept = {outcome.view.host.ref for outcome in leaving}
    return frozenset(host_network(view.host.ref) for view in world.left if view.in_doubt and view.host.ref not in kept)


def _where(world: StandardWorld) -> str:
    return ", ".join(world.paths) or "The cluster"


def _before(goal: StandardSettings, outcome: HostOutcome) -> HostOutcome:
    """What has to be written before the action of an outcome is executed."""
    if not isinstance(outcome.action, AddHostPortGroup) or outcome.claim is HostClaim.CLAIMED:
        return outcome
    # Also what was adopted: it is gone, and made anew it is not adopted any more.
    return replace(outcome, claim=HostClaim.CLAIMING, creating=exactly(goal))


def _unproven(actions: Iterable[HostAction], views: Iterable[HostView]) -> frozenset[MoRef]:
    """Hosts that have to be read live first. The host itself refuses to create what is there already.

    Unless we may have created it in a call whose answer was lost: a refusal would look as if somebody else had.
    """
    in_doubt = {view.host.ref for view in views if view.in_doubt}
    return frozenset(
        host_network(action.host.ref)
        for action in actions
        if not isinstance(action, AddHostPortGroup) or action.host.ref in in_doubt
    )


def _leaving(goal: StandardSettings, standard: Standard, world: StandardWorld) -> list[HostOutcome]:
    """Hosts that are not wanted any more: what was created there goes, what was adopted stays."""
    outcomes = []
    for view in world.left:
        group = view.network.port_group(goal.name) if view.network is not None else None
        if view.claim not in (HostClaim.CLAIMED, HostClaim.CLAIMING):
            continue
        not_ours = group is None or not _is_ours(goal, standard, view, world.rivals)
        if view.network is not None and view.network.known and not_ours and not _unseen(goal, view):
            continue
        outcome = HostOutcome(view, view.claim, Reason.PROGRESSING, "Removing it from this host.", passing=True)
        absent = away(view)
        if absent is not None:
            outcome = replace(outcome, reason=Reason.HOST_UNAVAILABLE, message=absent, passing=False)
        elif group is not None and view.hindrance is not None:
            outcome = replace(
                outcome, reason=view.hindrance.reason, message=view.hindrance.message,
                passing=not isinstance(view.hindrance, Blocked),
            )  # fmt: skip
        elif group is not None and (view.created or not view.in_flight):
            changes = (Change("name", goal.name, "absent", view.host.name),)
            outcome = replace(outcome, action=RemoveHostPortGroup(view.host, goal.name, changes), changes=changes)
        outcomes.append(outcome)
    return outcomes


def _facts(
    spec: NestedPortGroupSpec, standard: Standard, world: StandardWorld, outcomes: Sequence[HostOutcome]
) -> dict[str, object]:
    ready = [outcome for outcome in outcomes if outcome.ready]
    group = None
    if ready and ready[0].view.network is not None:
        group = ready[0].view.network.port_group(spec.name)
    return {
        "mo_ref": world.network.value if world.network is not None else None,
        "name": spec.name,
        "switch": standard.v_switch,
        "mode": mode_of(spec),
        "vlan": vlan_text(settings_of(spec, standard).vlan),
        "hosts": tuple(outcome.row() for outcome in outcomes),
        "hosts_ready": f"{len(ready)}/{len(world.hosts)}",
        "observed": observed(group) if group is not None else None,
        "deletion_policy": spec.deletion_policy or _default_policy(outcomes),
    }


def _default_policy(outcomes: Sequence[HostOutcome]) -> DeletionPolicy:
    adopted = bool(outcomes) and all(outcome.claim is HostClaim.ADOPTED for outcome in outcomes)
    return DeletionPolicy.RETAIN if adopted else DeletionPolicy.DELETE


def _verdict(
    spec: NestedPortGroupSpec, outcomes: Sequence[HostOutcome], world: StandardWorld, facts: dict[str, object]
) -> Verdict:
    open_ = [outcome for outcome in outcomes if not outcome.ready]
    if not open_ and world.network is None:
        waiting = Verdict.progressing("Waiting for vCenter to see the network.", **facts)
        return replace(waiting, again_after=world.network_after)
    if not open_:
        warnings = _by_message(outcomes)
        return Verdict(
            Situation.READY,
            Reason.SUCCEEDED,
            facts=facts,
            network=_network(spec, warnings),
            synced=True,
        )
    # What waits for somebody is said first: it will not go away by itself.
    open_.sort(key=lambda outcome: outcome.passing)
    message = f"{facts['hosts_ready']} hosts ready. {_listed(_by_message(open_))}"
    first = open_[0]
    acting = any(outcome.action is not None for outcome in open_)
    situation = Situation.PROGRESSING if acting or first.passing else Situation.STALLED
    reason = Reason.PROGRESSING if situation is Situation.PROGRESSING else first.reason
    return Verdict(
        situation,
        reason,
        message,
        facts=facts,
        network=Network(ready=False, reason=first.reason, message=message),
        synced=False,
        again_after=world.again_after,
    )


def _network(spec: NestedPortGroupSpec, warnings: list[str]) -> Network:
    if mode_of(spec) is NestingMode.DISABLED:
        return Network(ready=False, reason=Reason.SUCCEEDED, message="nesting.mode is Disabled: inner VMs are cut off.")
    return Network(ready=True, reason=Reason.SUCCEEDED, message=_listed(warnings))


def _by_message(outcomes: Iterable[HostOutcome]) -> list[str]:
    """What hosts have to say, once for all that say the same."""
    hosts: dict[str, list[str]] = {}
    for outcome in outcomes:
        if outcome.message:
            hosts.setdefault(outcome.message, []).append(outcome.view.host.name)
    return [f"{_enumerated(names)}: {message}" for message, names in hosts.items()]


def _enumerated(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _listed(parts: Sequence[str]) -> str:
    more = len(parts) - _SHOWN
    return " ".join(parts[:_SHOWN]) + (f" And {more} more." if more > 0 else "")


# --- deletion ---------------------------------------------------------------------------------------------------------


def plan_standard_deletion(spec: NestedPortGroupSpec, standard: Standard, world: StandardWorld) -> Plan:
    """Plan to let the port groups go. Only claimed ones are removed; hosts that are gone have taken theirs along."""
    goal = settings_of(spec, standard)
    verdict = Verdict(Situation.DELETING, Reason.DELETING, "Removing the port group from its hosts.")
    views = [view for view in (*world.hosts, *world.left) if view.claim is not None]
    going = [view for view in views if goes(spec, view)]
    lost = [view for view in going if not _reachable(view)]
    ours = [view for view in going if _reachable(view) and _is_ours(goal, standard, view, world.rivals)]
    unseen = [view for view in going if _unseen(goal, view)]
    if ours and world.users:
        return Plan(blocked_by(f"Port group {spec.name}", world.users))
    actions = tuple(
        RemoveHostPortGroup(view.host, spec.name, (Change("name", spec.name, "absent", view.host.name),))
        for view in ours
        if view.hindrance is None and (view.created or not view.in_flight)
    )
    if actions:
        return Plan(verdict, actions=actions, unproven=_unproven(actions, views))
    hindered = [f"{view.host.name}: {view.hindrance.message}" for view in ours if view.hindrance is not None]
    hindered += [f"{view.host.name}: {_why_lost(view)}" for view in lost]
    if hindered:
        return Plan(
            Verdict(
                Situation.DELETION_BLOCKED,
                Reason.DELETION_BLOCKED,
                f"Port group {spec.name} cannot be removed. {_listed(hindered)} Connect the host, or remove it from "
                "the inventory.",
                again_after=world.again_after,
            )
        )
    if ours or unseen:
        return Plan(replace(verdict, again_after=world.again_after))
    kept = len(views) - len(going)
    if kept:
        message = f"deletionPolicy is Retain: port group {spec.name} stays on {kept} hosts."
        return Plan(verdict, release=Release(Reason.RELEASED, message))
    return Plan(verdict, release=Release(Reason.DELETED, f"Port group {spec.name} is gone from all its hosts."))


def goes(spec: NestedPortGroupSpec, view: HostView) -> bool:
    """Whether the port group of a host goes with the resource: an adopted one only if the spec says so."""
    if spec.deletion_policy is not None:
        return spec.deletion_policy is DeletionPolicy.DELETE
    return view.claim is not HostClaim.ADOPTED


def _unseen(goal: StandardSettings, view: HostView) -> bool:
    """Whether a host may have made the port group although vCenter does not tell of it yet."""
    absent = view.network is not None and view.network.port_group(goal.name) is None
    return absent and ((view.created and view.in_flight) or view.doubted)


def _why_lost(view: HostView) -> str:
    state = view.host.connection_state
    return "vCenter does not know the host's networks." if state == "connected" else f"the host is {state}."


def _reachable(view: HostView) -> bool:
    return view.host.connection_state == "connected" and view.network is not None and view.network.known


def _is_ours(goal: StandardSettings, standard: Standard, view: HostView, rivals: Sequence[Rival]) -> bool:
    """Whether what a host has is this resource's to remove, and nobody else's."""
    group = view.network.port_group(goal.name) if view.network is not None else None
    if group is None or view.claim is None or ahead_on(rivals, standard, view.host, view.claim) is not None:
        return False
    return is_ours(view, goal, group)
