"""What to do about one port group on the standard switch of one host. Pure; hosts know nothing of each other.

The order of the questions is the order of the promises: can it be seen, is it ours, does it differ. Without a claim in
the ledger nothing that a host has under this name is written, unless adoption was asked for and is allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nested_hyperv.api.common import ExternalDeletePolicy, ManagementPolicy
from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.portgroup import AdoptionPolicy, HostClaim, HostRow
from nested_hyperv.domain.errors import Blocked, NameTaken, OperatorError
from nested_hyperv.domain.inventory import Change
from nested_hyperv.domain.plan import AddHostPortGroup, HostAction, UpdateHostPortGroup

from .rivals import Rival, ahead_on
from .standard_goal import differences, exactly

if TYPE_CHECKING:
    from nested_hyperv.api.portgroup import NestedPortGroupSpec, Standard
    from nested_hyperv.domain.host_network import (
        HostNetwork,
        StandardPortGroup,
        StandardSettings,
        StandardSwitch,
    )
    from nested_hyperv.domain.inventory import Host, MoRef
    from nested_hyperv.domain.subject import Subject

__all__ = ["HostOutcome", "HostView", "Question", "away", "is_ours", "judge"]


@dataclass(frozen=True, slots=True)
class HostView:
    """What was observed of one host.

    ``claim`` is what the ledger says of it, ``hindrance`` why the last attempt there failed, as long as its pause
    lasts. ``in_flight``: a call has been made there, and what vCenter says may be older. ``in_doubt``: nobody knows
    whether the last call has happened; ``doubted``: the host may still be at it. ``removed``: the host has answered
    that ours is gone. ``creating`` is what the ledger says is being created, ``created`` whether the host has answered
    that it was. ``reverse_path_check`` is the advanced option that keeps promiscuous mode from echoing frames, where
    somebody has asked for it.
    """

    host: Host
    network: HostNetwork | None
    claim: HostClaim | None = None
    hindrance: OperatorError | None = None
    in_flight: bool = False
    in_doubt: bool = False
    doubted: bool = False
    removed: bool = False
    creating: str | None = None
    created: bool = False
    reverse_path_check: bool | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What all hosts are asked: who asks, for what, which network an annotation allows to adopt, and who else asks."""

    subject: Subject
    spec: NestedPortGroupSpec
    standard: Standard
    goal: StandardSettings
    network: MoRef | None
    rivals: tuple[Rival, ...] = ()

    @property
    def adopts(self) -> bool:
        """Whether what has the name already is to be taken over."""
        named = self.network is not None and self.subject.adopt == self.network.value
        return named or self.spec.adoption_policy is AdoptionPolicy.ADOPT

    @property
    def enforced(self) -> bool:
        """Whether claims may be made."""
        return self.spec.management_policy is ManagementPolicy.ENFORCE

    def ahead(self, view: HostView) -> Rival | None:
        """Who comes before us on a host."""
        return ahead_on(self.rivals, self.standard, view.host, view.claim)

    def lost_to(self, rival: Rival) -> Blocked:
        """Say that the port group of a host is somebody else's."""
        return Blocked(
            Reason.CONFLICT,
            f"Port group {self.goal.name} on this host belongs to {rival.words}. Delete one of the two resources, or "
            "choose another spec.name.",
        )


@dataclass(frozen=True, slots=True)
class HostOutcome:
    """What one host comes to: whether it is ready, what is claimed there now, and what to do."""

    view: HostView
    claim: HostClaim | None
    reason: Reason = Reason.SUCCEEDED
    message: str = ""
    action: HostAction | None = None
    changes: tuple[Change, ...] = ()
    passing: bool = False
    creating: str | None = None

    @property
    def ready(self) -> bool:
        """Whether the host has the port group as declared."""
        return self.reason is Reason.SUCCEEDED

    def row(self) -> HostRow:
        """The row of status, and of the ledger."""
        host = self.view.host
        return HostRow(
            host=host.name,
            mo_ref=host.ref.value,
            hardware_uuid=host.hardware_uuid or None,
            claim=self.claim,
            creating=(self.creating or self.view.creating) if self.claim is HostClaim.CLAIMING else None,
            ready=self.ready,
            reason=None if self.ready else self.reason,
            message=self.message or None,
        )


def is_ours(view: HostView, goal: StandardSettings, group: StandardPortGroup) -> bool:
    """Whether what a host has is what the ledger claims: created or adopted, or exactly what we were creating."""
    if _refused(view, goal, group) or (view.removed and not view.in_flight):
        return False  # what is there has come since
    if view.claim is not HostClaim.CLAIMING:
        return view.claim is not None
    return view.created or exactly(group) == (view.creating or exactly(goal))


def _refused(view: HostView, goal: StandardSettings, group: StandardPortGroup) -> bool:
    """Whether a host has refused ours for this one. What vCenter told before may have been older than our own."""
    refused = isinstance(view.hindrance, NameTaken)
    return refused and (view.claim is HostClaim.CLAIMING or exactly(group) != exactly(goal))


def away(view: HostView) -> str | None:
    """Say that a host cannot be asked for anything now, if so."""
    state = view.host.connection_state
    return None if state == "connected" else f"The host is {state}. Connect it in vCenter."


def judge(question: Question, view: HostView) -> HostOutcome:
    """Decide about one host."""
    claim = view.claim
    absent = away(view)
    if absent is not None:
        return HostOutcome(view, claim, Reason.HOST_UNAVAILABLE, absent)
    if view.network is None or not view.network.known:
        message = "vCenter does not know the host's networks yet."
        return HostOutcome(view, claim, Reason.PROGRESSING, message, passing=True)
    switch = view.network.switch(question.goal.switch)
    if switch is None:
        there = ", ".join(sorted(other.name for other in view.network.switches or ())) or "none"
        message = f"The host has no standard switch {question.goal.switch} (there: {there}). Create it on this host."
        return HostOutcome(view, claim, Reason.NOT_FOUND, message)
    wanted = question.spec.minimum_mtu
    if wanted is not None and switch.mtu is not None and switch.mtu < wanted:
        message = f"{switch.name} has MTU {switch.mtu}, minimumMTU is {wanted}. Raise the MTU of the switch there."
        return HostOutcome(view, claim, Reason.MTU_TOO_SMALL, message)
    group = view.network.port_group(question.goal.name)
    return _absent(question, view) if group is None else _present(question, view, switch, group)


def _present(question: Question, view: HostView, switch: StandardSwitch, group: StandardPortGroup) -> HostOutcome:
    claim, problem = _ownership(question, view, group)
    if problem is not None:
        return HostOutcome(view, claim, problem.reason, problem.message)
    changes = differences(question.goal, group, view.host.name)
    if not changes:
        return HostOutcome(view, claim, message=_warning(question, view, switch, group))
    if view.in_flight:
        return HostOutcome(view, claim, Reason.PROGRESSING, "Waiting for vCenter to see the change.", passing=True)
    if view.hindrance is not None:
        return _hindered(view, claim, view.hindrance, changes)
    action = UpdateHostPortGroup(view.host, group, question.goal, changes)
    words = "; ".join(str(change) for change in changes)
    return HostOutcome(view, claim, Reason.PROGRESSING, f"Writing {words}.", action, changes, passing=True)


def _ownership(
    question: Question, view: HostView, group: StandardPortGroup
) -> tuple[HostClaim | None, OperatorError | None]:
    """Find out what is claimed of a port group that is there, or why it is not ours."""
    rival = question.ahead(view)
    if view.claim is HostClaim.CLAIMING:
        return _confirm(question, view, group)
    if view.claim is None:
        # One without a claim comes first only if it would take over what is there.
        if rival is not None and (rival.claim(view.host) is not None or (rival.adopts and question.adopts)):
            return None, question.lost_to(rival)
        return _adopt(question, group)
    if view.hindrance is not None and _refused(view, question.goal, group):
        # It had gone, and before we could create it again somebody else had.
        return None, view.hindrance
    return (view.claim, None) if rival is None else (None, question.lost_to(rival))


def _absent(question: Question, view: HostView) -> HostOutcome:
    claim, goal = view.claim, question.goal
    if view.in_flight:
        return HostOutcome(view, claim, Reason.PROGRESSING, "Waiting for vCenter to see the change.", passing=True)
    if view.doubted and view.creating not in (None, exactly(goal)):
        # Overwritten in the ledger, it could not be known again.
        message = "Waiting for what becomes of the creation from the spec before."
        return HostOutcome(view, claim, Reason.PROGRESSING, message, passing=True)
    rival = question.ahead(view)
    if rival is not None:
        # While both are only about to create it, the claim stays: the other one may be refused by the host.
        undecided = rival.claim(view.host) is HostClaim.CLAIMING and claim is HostClaim.CLAIMING
        problem = question.lost_to(rival)
        return HostOutcome(view, claim if undecided else None, problem.reason, problem.message)
    if isinstance(view.hindrance, NameTaken):
        kept = None if claim is HostClaim.CLAIMING else claim
        return HostOutcome(view, kept, Reason.NAME_TAKEN, view.hindrance.message)
    changes = (Change("name", "absent", goal.name, view.host.name),)
    if view.hindrance is not None:
        return _hindered(view, claim, view.hindrance, changes)
    ours = claim in (HostClaim.CLAIMED, HostClaim.ADOPTED)
    if ours and not view.removed and question.spec.on_external_delete is ExternalDeletePolicy.REPORT:
        return HostOutcome(
            view,
            claim,
            Reason.MISSING,
            "The port group was removed from this host and onExternalDelete is Report. Set onExternalDelete: Recreate "
            "to have it created again.",
        )
    action = AddHostPortGroup(view.host, goal, changes)
    return HostOutcome(view, claim, Reason.PROGRESSING, f"Creating {goal.name}.", action, changes, passing=True)


def _confirm(
    question: Question, view: HostView, group: StandardPortGroup
) -> tuple[HostClaim | None, OperatorError | None]:
    """Find out whether what is there now is what we were about to create.

    Rivals may have been about to create it, too: then it is the oldest one's of those whose spec it equals, unless the
    host has refused that one. Who is not sure yet keeps the claim until another one is.
    """
    host = view.host
    claims = [(rival, rival.claim(host)) for rival in question.rivals]
    owner = next((rival for rival, claim in claims if claim in (HostClaim.CLAIMED, HostClaim.ADOPTED)), None)
    if owner is not None:
        return None, question.lost_to(owner)
    if view.created:
        return HostClaim.CLAIMED, None
    makers = [
        rival for rival, claim in claims if claim is HostClaim.CLAIMING and rival.creating(host) == exactly(group)
    ]
    if isinstance(view.hindrance, NameTaken):
        return None, question.lost_to(makers[0]) if makers else view.hindrance
    likely = is_ours(view, question.goal, group)
    maker = next((rival for rival in makers if rival.older or not likely), None)
    if maker is not None:
        return HostClaim.CLAIMING if likely else None, question.lost_to(maker)
    if likely:
        return HostClaim.CLAIMED, None
    return None, Blocked(
        Reason.CONFLICT,
        f"A port group {group.name} appeared on this host while it was to be created, and it differs. "
        "Choose another spec.name or remove that port group.",
    )


def _adopt(question: Question, group: StandardPortGroup) -> tuple[HostClaim | None, OperatorError | None]:
    name = question.goal.name
    if not question.adopts:
        pointer = f": {question.network.value}" if question.network is not None else ""
        return None, NameTaken(
            f"The host has a port group {name} that this resource did not create. Choose another spec.name, remove "
            f"that port group, or take it over with adoptionPolicy: Adopt or the annotation nestedhv.io/adopt{pointer} "
            "(the connection has to allow adoption)."
        )
    if not question.subject.allow_adoption:
        return None, Blocked(
            Reason.ADOPTION_NOT_ALLOWED,
            f"The host has a port group {name}, and the connection does not allow adoption. "
            'Set allowAdoption: "true" in the connection Secret, or choose another spec.name.',
        )
    if group.switch != question.goal.switch:
        return None, Blocked(
            Reason.CONFLICT,
            f"The host has a port group {name} on {group.switch}. To move it to {question.goal.switch} would cut off "
            "the machines on it. Choose another spec.name or another vSwitch.",
        )
    return HostClaim.ADOPTED if question.enforced else None, None


def _hindered(
    view: HostView, claim: HostClaim | None, hindrance: OperatorError, changes: tuple[Change, ...]
) -> HostOutcome:
    passing = not isinstance(hindrance, Blocked)
    return HostOutcome(view, claim, hindrance.reason, hindrance.message, changes=changes, passing=passing)


def _warning(question: Question, view: HostView, switch: StandardSwitch, group: StandardPortGroup) -> str:
    """What is worth knowing although everything is as declared. Nothing of it is ever changed."""
    if switch.uplinks <= 1:
        return ""
    warnings = []
    if question.goal.policy.allow_promiscuous and view.reverse_path_check is False:
        warnings.append(
            f"{switch.name} has {switch.uplinks} uplinks and Net.ReversePathFwdCheckPromisc is 0: inner machines get "
            "their own broadcasts back, and duplicates. Set the advanced option to 1 on this host."
        )
    if group.load_balancing == "loadbalance_ip":
        warnings.append(
            f"{switch.name} balances over {switch.uplinks} uplinks by IP hash: inner machines are reached only if the "
            "physical switch bundles these ports."
        )
    return " ".join(warnings)
