"""From the verdict of a pass to the conditions that people and programs read: the one place that decides them.

``Ready`` always; ``Reconciling`` and ``Stalled`` only while True (kstatus); then ``VCenterReachable``,
``PrerequisitesMet``, ``Synced`` and ``NetworkReady`` always, and ``PowerOffRequired`` only while True. A condition
keeps its transition time until its status flips, and the same verdict gives the same status: then nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from nested_hyperv.api.common import CommonStatus, Condition
from nested_hyperv.api.conditions import ConditionStatus, ConditionType, Reason

from .verdict import Situation, Verdict

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["next_status"]

StatusT = TypeVar("StatusT", bound=CommonStatus)

#: Reasons that say the way to vCenter is closed, not that something in it is wrong.
_CONNECTION: Final = frozenset(
    {
        Reason.CONNECTION_NOT_FOUND,
        Reason.CONNECTION_INVALID,
        Reason.CONNECTION_TERMINATING,
        Reason.CONNECTION_NOT_ALLOWED,
        Reason.AUTHENTICATION_FAILED,
        Reason.CERTIFICATE_NOT_VERIFIED,
        Reason.VCENTER_UNREACHABLE,
    }
)
#: Reasons to be stalled although all prerequisites are met: the object itself is missing, lost or fought over.
_NOT_PREREQUISITES: Final = frozenset({Reason.MISSING, Reason.CONTESTED, Reason.NOT_APPLIED, Reason.INACCESSIBLE})

_READY: Final[dict[Situation, ConditionStatus]] = {Situation.READY: "True", Situation.SUSPENDED: "Unknown"}
_RECONCILING: Final = frozenset(
    {Situation.PROGRESSING, Situation.DEPENDENCY, Situation.DELETING, Situation.DELETION_BLOCKED}
)


@dataclass(frozen=True, slots=True)
class _State:
    status: ConditionStatus
    reason: str
    message: str = ""


def next_status(previous: StatusT, verdict: Verdict, *, generation: int, now: datetime) -> StatusT:
    """Return the status after a pass. ``previous`` is what the API server holds.

    Suspended objects and those whose vCenter is away keep what they had (a fresh one, or a new generation, becomes
    Unknown): what cannot be seen has not changed.
    """
    update = dict(verdict.facts)
    if verdict.situation is Situation.SUSPENDED and previous.conditions:
        return previous.model_copy(update=update)
    if verdict.situation is Situation.UNREACHABLE:
        states = _unreachable(previous, verdict, generation)
    else:
        states = _states(previous, verdict)
        update["observed_generation"] = generation
    update["conditions"] = _conditions(previous, states, generation, now, keep=verdict.situation)
    return previous.model_copy(update=update)


def _states(previous: CommonStatus, verdict: Verdict) -> dict[ConditionType, _State]:
    situation, reason, message = verdict.situation, verdict.reason, verdict.message
    states = {ConditionType.READY: _State(_READY.get(situation, "False"), reason, message)}
    if situation in _RECONCILING:
        states[ConditionType.RECONCILING] = _State("True", reason, message)
    if situation is Situation.STALLED:
        states[ConditionType.STALLED] = _State("True", reason, message)
    cause = verdict.cause or reason
    away = cause in _CONNECTION
    if away:
        states[ConditionType.VCENTER_REACHABLE] = _State("False", reason, message)
    elif situation is Situation.SUSPENDED or cause is Reason.INVALID_SPEC:
        states[ConditionType.VCENTER_REACHABLE] = _last(previous, ConditionType.VCENTER_REACHABLE, reason)
    else:
        states[ConditionType.VCENTER_REACHABLE] = _State("True", Reason.SUCCEEDED, "; ".join(verdict.notes))
    states[ConditionType.PREREQUISITES_MET] = _prerequisites(previous, verdict, away=away)
    states[ConditionType.SYNCED] = _synced(previous, verdict, away=away)
    states[ConditionType.NETWORK_READY] = _network(previous, verdict)
    if situation is Situation.POWER_OFF_REQUIRED:
        states[ConditionType.POWER_OFF_REQUIRED] = _State("True", reason, message)
    return states


def _prerequisites(previous: CommonStatus, verdict: Verdict, *, away: bool) -> _State:
    if verdict.situation in (Situation.READY, Situation.WOULD_CHANGE, Situation.POWER_OFF_REQUIRED):
        return _State("True", Reason.SUCCEEDED)
    if verdict.situation is Situation.STALLED and not away and verdict.reason not in _NOT_PREREQUISITES:
        return _State("False", verdict.reason, verdict.message)
    last = _last(previous, ConditionType.PREREQUISITES_MET, verdict.reason)
    if verdict.situation is Situation.PROGRESSING and last.status == "False":
        return _State("True", Reason.SUCCEEDED)  # something is being done, so nothing stands in its way any more
    return last


def _synced(previous: CommonStatus, verdict: Verdict, *, away: bool) -> _State:
    if verdict.synced is None:
        last = _last(previous, ConditionType.SYNCED, verdict.reason)
        if verdict.situation is not Situation.STALLED or away:
            return last
        # What was under way when it stalled is under way no more.
        stopped = (last.status, last.reason) == ("False", Reason.PROGRESSING)
        if stopped or verdict.reason in _NOT_PREREQUISITES:
            return _State("False", verdict.reason, verdict.message)
        return last
    if verdict.synced:
        return _State("True", Reason.SUCCEEDED)
    return _State("False", verdict.reason, verdict.message)


def _network(previous: CommonStatus, verdict: Verdict) -> _State:
    if verdict.network is None:
        return _last(previous, ConditionType.NETWORK_READY, verdict.reason)
    return _State("True" if verdict.network.ready else "False", verdict.network.reason, verdict.network.message)


def _unreachable(previous: CommonStatus, verdict: Verdict, generation: int) -> dict[ConditionType, _State]:
    kinds = {kind.value: kind for kind in ConditionType}
    states = {
        kinds[condition.type]: _State(condition.status, condition.reason, condition.message)
        for condition in previous.conditions
        if condition.type in kinds
    }
    states[ConditionType.VCENTER_REACHABLE] = _State("False", verdict.reason, verdict.message)
    if previous.observed_generation != generation:
        states[ConditionType.READY] = _State("Unknown", verdict.reason, verdict.message)
        states[ConditionType.RECONCILING] = _State("True", verdict.reason, verdict.message)
        states.pop(ConditionType.STALLED, None)
        for kind in (ConditionType.PREREQUISITES_MET, ConditionType.SYNCED, ConditionType.NETWORK_READY):
            states.setdefault(kind, _State("Unknown", verdict.reason))
    return states


def _last(previous: CommonStatus, kind: ConditionType, reason: Reason) -> _State:
    for condition in previous.conditions:
        if condition.type == kind:
            return _State(condition.status, condition.reason, condition.message)
    return _State("Unknown", reason)


def _conditions(
    previous: CommonStatus,
    states: dict[ConditionType, _State],
    generation: int,
    now: datetime,
    *,
    keep: Situation,
) -> tuple[Condition, ...]:
    before = {condition.type: condition for condition in previous.conditions}
    conditions = []
    for kind in ConditionType:
        state = states.get(kind)
        if state is None:
            continue
        last = before.get(kind)
        unchanged = last is not None and (last.status, last.reason, last.message) == (
            state.status,
            state.reason,
            state.message,
        )
        if last is not None and unchanged and keep is Situation.UNREACHABLE:
            conditions.append(last)
            continue
        conditions.append(
            Condition(
                type=kind.value,
                status=state.status,
                reason=str(state.reason),
                message=state.message,
                last_transition_time=last.last_transition_time if last and last.status == state.status else now,
                observed_generation=generation,
            )
        )
    return tuple(conditions)
