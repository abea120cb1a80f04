"""What was started and what became of it: tasks that end, repairs that hold, writes that vSphere ignored.

It decides nothing about vSphere. It turns the difference between what was asked for and what is there now into news
(``lastRepair``, events, counts), and it refuses to do in vain what was done in vain already.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from nested_hyperv.api.common import NAMES_MAX, ROWS_MAX, DriftRow, FieldChange, LastRepair, PlanRow
from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Blocked, NameTaken, OutcomeUnknown, Transient
from nested_hyperv.domain.inventory import TaskState
from nested_hyperv.domain.plan import (
    AddHostPortGroup,
    Clone,
    CreatePortGroup,
    HostAction,
    PowerOff,
    PowerOn,
    Reconfigure,
    ReconfigurePortGroup,
    Release,
    ShutdownGuest,
)
from nested_hyperv.domain.portgroup.plan import not_recreated
from nested_hyperv.domain.verdict import Situation, Verdict

from .blaming import blamed, contested, find_author, was_rewritten
from .context import AwaitingPush, Context
from .execute import Started, execute
from .lanes import Lanes
from .memory import NotApplied, Pending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from nested_hyperv.domain.blame import Author
    from nested_hyperv.domain.errors import OperatorError
    from nested_hyperv.domain.inventory import Change, MoRef, Task
    from nested_hyperv.domain.plan import Action, Plan

    from .ports import Events, Meter

__all__ = ["Ended", "Progress"]

_NOT_APPLIED_SECONDS: Final = 300.0
_LONG_AGO: Final = 1e9

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ended:
    """A task that has ended without an error, or that vCenter forgot."""

    pending: Pending
    task: Task


class Progress:
    """The bookkeeping of actions, over the memory of each object."""

    def __init__(self, events: Events, meter: Meter, now: Callable[[], datetime]) -> None:
        self._events = events
        self._meter = meter
        self._now = now
        self.lanes = Lanes(events, meter, now)

    async def settle(self, context: Context[Any]) -> Ended | None:
        """Look after the task that this object waits for.

        Raises ``AwaitingPush`` while it runs, and its translated error if it failed.
        """
        memory, pending = context.memory, context.memory.pending
        if pending is None:
            return None
        task = context.vcenter.task(pending.task) if pending.followed else None
        if task is None:
            task = await context.vcenter.watch_task(context.key, pending.task)
            memory.pending = pending = replace(pending, followed=True)
        if not task.state.ended:
            raise AwaitingPush
        creation = isinstance(pending.action, CreatePortGroup | Clone) or pending.action is None
        if task.state is TaskState.SUCCESS:
            if creation and task.result is not None:
                memory.known = memory.made = task.result
                memory.in_doubt = False
            return Ended(pending, task)
        if creation:
            memory.in_doubt = True
        if task.state is TaskState.ERROR:
            memory.pending = None
            error = task.error or Transient(Reason.TASK_FAILED, f"Task {task.ref.value} failed without a fault.")
            raise _refused(context, pending.action, error) if creation else error
        memory.name_refused = False  # nobody knows what became of it: the next who has the name may be of our own
        return Ended(pending, task)

    # --- what to say -----------------------------------------------------------------------------------------------

    async def account(self, context: Context[Any], plan: Plan, ended: Ended | None) -> dict[str, Any]:
        """Tell what an ended task achieved; returns status facts."""
        memory = context.memory
        if ended is not None:
            # Only now: a pass that failed between the end of the task and here has to see that end again.
            memory.pending = None
            if ended.task.state is TaskState.SUCCESS and ended.pending.action is not None:
                applied = await self._applied(context, plan, ended.pending.action)
                author = await self._author(context, ended.pending, applied)
                self._tell(context, ended, ended.pending.action, applied, author)
        return {} if memory.last_repair is None else {"last_repair": memory.last_repair}

    @staticmethod
    async def _author(context: Context[Any], pending: Pending, applied: tuple[Change, ...]) -> Author | None:
        """Ask who had changed what was repaired."""
        target = _changed_object(pending.action)
        if not (pending.repair and applied) or target is None:
            return None
        return await find_author(context, target, applied)

    def _tell(
        self, context: Context[Any], ended: Ended, action: Action, applied: tuple[Change, ...], author: Author | None
    ) -> None:
        resource, repair = context.resource, ended.pending.repair
        words = "; ".join(str(change) for change in applied) + blamed(author)
        match action:
            case CreatePortGroup() | Clone():
                reason = Reason.RECREATED if repair else Reason.CREATED
                created = ended.task.result.value if ended.task.result else "an object"
                self._events.emit(resource, "Normal", reason, f"Created {created} in vSphere.{blamed(author)}")
            case PowerOn():
                self._events.emit(resource, "Normal", Reason.POWERED_ON, f"Powered {action.ref.value} on.")
            case PowerOff():
                self._events.emit(resource, "Warning", Reason.POWERED_OFF, f"Powered {action.ref.value} off hard.")
            case Reconfigure() | ReconfigurePortGroup() if applied:
                self._events.emit(resource, "Normal", Reason.REPAIRED if repair else Reason.RECONFIGURED, words)
            case _:
                pass
        if repair and applied:
            # Counted when it has worked: a repair that fails again and again is nobody's fight.
            # A value that stands as it was written last was not reverted: what is wanted has moved, as a number of
            # ports does that follows their use.
            last = context.memory.last_repair
            written = {row.field: row.to for row in last.changes} if last is not None else {}
            fought = [change.field for change in applied if written.get(change.field) != change.old]
            if fought:
                context.memory.contention.repaired(fought, context.elapsed)
            for change in applied:
                self._meter.repaired(resource.key.kind, change.field)
            context.memory.last_repair = LastRepair(
                time=self._now(),
                by=author.user if author is not None else None,
                changed_at=author.time if author is not None else None,
                changes=_rows(applied),
            )
            context.memory.rival = author.user if author is not None else None
            _log.info("Repaired %s%s", "; ".join(str(change) for change in applied), blamed(author))

    @staticmethod
    async def _applied(context: Context[Any], plan: Plan, action: Action) -> tuple[Change, ...]:
        """What of an action is there now and worth telling; what vSphere ignored is remembered."""
        if not isinstance(action, Reconfigure | ReconfigurePortGroup):
            return action.changes
        ignored = frozenset(action.changes) & _outstanding(plan)
        context.memory.not_applied = None
        if ignored and await was_rewritten(context, action.current.ref):
            ignored = frozenset()  # not ignored: reverted already
        if ignored:
            context.memory.not_applied = NotApplied(
                context.resource.generation, ignored, context.elapsed + _NOT_APPLIED_SECONDS
            )
        # The mark of a VM changes with its bindings: bookkeeping, and no news.
        silent = {"mark"} if isinstance(action, Reconfigure) else set()
        return tuple(c for c in action.changes if c not in ignored and c.field not in silent)

    def release(self, release: Release, ended: Ended | None) -> Release:
        """Word the end of a resource: an object that this pass has unmarked was retained, not found unmarked."""
        unmarked = ended is not None and isinstance(ended.pending.action, Reconfigure | ReconfigurePortGroup)
        if unmarked and release.reason is Reason.RELEASED_UNMARKED:
            return Release(Reason.RELEASED, "deletionPolicy is Retain: the mark was removed, the object stays.")
        return release

    def drift(self, context: Context[Any], plan: Plan) -> dict[str, Any]:
        """The rows of ``status.drift``: what differs and is not repaired yet."""
        since, now = context.memory.drift_since, self._now()
        changes = tuple(change for change in plan.changes if change not in _creations(context, plan))
        for name in set(since) - {(change.field, change.host) for change in changes}:
            del since[name]
        rows = tuple(
            DriftRow(
                field=c.field,
                desired=c.new,
                actual=c.old,
                since=since.setdefault((c.field, c.host), now),
                host=c.host,
            )
            for c in changes
        )
        return {"drift": rows[:ROWS_MAX], "drifted": len(changes)}

    def would_change(self, plan: Plan, machines: Sequence[tuple[str, ...]], facts: dict[str, Any]) -> Verdict:
        """The verdict of Observe where something differs: the plan is published, not executed.

        ``machines`` are those that each action touches.
        """
        waiting = {change.field for change in plan.waiting}
        rows = [
            PlanRow(
                action=type(action).__name__,
                target=_target(action),
                fields=_rows(action.changes),
                virtual_machines=names[:NAMES_MAX],
                virtual_machine_count=len(names) or None,
            )
            for action, names in zip(plan.actions, machines, strict=True)
        ]
        if waiting:
            rows.append(PlanRow(action=Reconfigure.__name__, fields=_rows(plan.waiting), needs_power_off=True))
        words = ", ".join(dict.fromkeys(change.field for change in plan.changes)) or plan.verdict.message
        return plan.verdict.instead(
            Situation.WOULD_CHANGE,
            Reason.WOULD_CHANGE,
            f"managementPolicy is Observe. Enforce would change: {words}. See status.plan.",
            facts={**plan.verdict.facts, **facts, "plan": tuple(rows)[:ROWS_MAX]},
            again_after=None,
        )

    # --- what to do ------------------------------------------------------------------------------------------------

    def hold(self, context: Context[Any], plan: Plan) -> Verdict | None:
        """Say why a plan must not be executed now, if so."""
        memory, elapsed = context.memory, context.elapsed
        ignored = memory.not_applied
        if ignored is not None and elapsed < ignored.until:
            left = self._still_ignored(context, plan)
            if left:
                return self._ignored(left, plan, ignored.until - elapsed)
        paused = memory.contention.paused_for(elapsed) if memory.settled else 0.0
        if paused > 0:
            message = contested(memory.rival, memory.contention, "Monitor, Events")
            return plan.verdict.instead(Situation.STALLED, Reason.CONTESTED, message, synced=False, again_after=paused)
        return None

    @staticmethod
    def _still_ignored(context: Context[Any], plan: Plan) -> frozenset[Change]:
        ignored = context.memory.not_applied
        if ignored is None or ignored.generation != context.memory.generation:
            return frozenset()
        return ignored.changes & _outstanding(plan)

    def is_quiet(self, context: Context[Any], plan: Plan) -> bool:
        """Whether an attempt is told only when it has ended: a repair, or another try of what was in vain before."""
        return self.is_repair(context) or context.memory.name_refused or bool(self._still_ignored(context, plan))

    @staticmethod
    def _ignored(left: frozenset[Change], plan: Plan, again_after: float) -> Verdict:
        nested = any(change.field == "virtualization.nestedHV" for change in left)
        words = ", ".join(f"{c.field} stayed {c.old} instead of {c.new}" for c in sorted(left, key=lambda c: c.field))
        if nested:
            cure = "Check the hardware version (vmx-9 or newer) and nestedHVSupported of the host."
        elif any(isinstance(action, ReconfigurePortGroup) for action in plan.actions):
            cure = "Check the version of the switch, and whether another product manages it."
        else:
            cure = "Check the hardware version and what this vCenter supports."
        if plan.verdict.situation is Situation.DELETING:
            return plan.verdict.instead(
                Situation.DELETION_BLOCKED,
                Reason.DELETION_BLOCKED,
                f"vSphere accepted the change and did not make it: {words}. Change it by hand.",
                again_after=again_after,
            )
        return plan.verdict.instead(
            Situation.STALLED,
            Reason.NESTED_HV_NOT_APPLIED if nested else Reason.NOT_APPLIED,
            f"vSphere accepted the change and did not make it: {words}. {cure}",
            synced=False,
            again_after=again_after,
        )

    @staticmethod
    def is_repair(context: Context[Any]) -> bool:
        """Whether a difference is drift: the object was equal to this very spec before."""
        return context.memory.settled and not context.resource.deleting

    async def start(self, context: Context[Any], action: Action, *, repair: bool) -> Started:
        """Execute one action and remember it; a task ends the pass."""
        memory = context.memory
        try:
            started = await execute(context.vcenter, context.key, action)
        except OutcomeUnknown:
            memory.in_doubt = True
            memory.name_refused = False  # what has the name from now on may be what this call has made
            raise
        except Blocked as error:
            raise (_refused(context, action, error) if isinstance(action, CreatePortGroup) else error) from None
        if isinstance(action, ShutdownGuest):
            memory.asked_at = context.elapsed if started.accepted else context.elapsed - _LONG_AGO
            if started.accepted:
                message = f"Asked the guest of {action.ref.value} to shut down."
                self._events.emit(context.resource, "Normal", Reason.SHUTDOWN_REQUESTED, message)
        if started.task is not None:
            memory.pending = Pending(started.task, action, repair)
        return started


def _refused(context: Context[Any], action: Action | None, error: OperatorError) -> OperatorError:
    """Word why a creation failed: whose a taken name is turns out only when it is looked for.

    It may be our own, made in a call whose answer was lost, so it is looked for once before it is called somebody
    else's. That look finds no port group by the name of a switch, or in other letters, while vSphere refuses both
    (``DuplicateName``): refused again, nothing of ours has it. For a clone the plan itself looks who has the name.
    What keeps from coming back what was there says, too, that it is gone. A deletion takes no failure amiss: it only
    has to look once more whether anything was made.
    """
    memory, taken = context.memory, isinstance(error, NameTaken)
    again, memory.name_refused = memory.name_refused, taken and isinstance(action, CreatePortGroup)
    if context.resource.deleting or (taken and not (memory.name_refused and again)):
        return Transient(Reason.PROGRESSING, error.message)
    if isinstance(error, Blocked) and isinstance(action, CreatePortGroup) and context.subject.known is not None:
        return not_recreated(action.switch, error)
    return error


def _changed_object(action: Action | None) -> MoRef | None:
    """The object whose history tells who made the change that an action took back."""
    match action:
        case ReconfigurePortGroup() | Reconfigure():
            return action.current.ref
        case CreatePortGroup():
            return action.switch.ref
        case _:
            return None


def _creations(context: Context[Any], plan: Plan) -> frozenset[Change]:
    """Changes that make what has never been there, which is no drift."""
    if any(isinstance(action, CreatePortGroup | Clone) for action in plan.actions):
        return frozenset(plan.changes)
    new = (
        action.changes
        for action in plan.actions
        if isinstance(action, AddHostPortGroup) and action.host.ref not in context.memory.settled_hosts
    )
    return frozenset(change for changes in new for change in changes)


def _target(action: Action) -> str | None:
    return action.host.name if isinstance(action, HostAction) else None


def _outstanding(plan: Plan) -> frozenset[Change]:
    """All that is not as it shall be: what differs from the spec, and what a deletion has still to do."""
    return frozenset(plan.changes).union(*(action.changes for action in plan.actions))


def _rows(changes: Iterable[Change]) -> tuple[FieldChange, ...]:
    return tuple(FieldChange(from_=c.old, field=c.field, to=c.new, host=c.host) for c in changes)[:ROWS_MAX]
