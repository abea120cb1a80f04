"""Work on hosts: lanes that run side by side, fail on their own and are remembered on their own.

A call on a host is no task: it has happened when it returns. What vCenter says of the host follows a moment later, so
a lane is *in flight* until then, and only what the next plan sees counts as done. Here is what a lane has tried, when
it may try again, and whether somebody fights it.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from nested_hyperv.api.common import ROWS_MAX, FieldChange, LastRepair
from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.contention import Contention
from nested_hyperv.domain.errors import Blocked, NameTaken, OperatorError, OutcomeUnknown, Transient
from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.domain.plan import AddHostPortGroup, RemoveHostPortGroup
from nested_hyperv.workqueue.backoff import Backoff

from .blaming import blamed, contested, find_author, was_rewritten
from .execute import execute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from nested_hyperv.api.portgroup import HostRow
    from nested_hyperv.domain.blame import Author
    from nested_hyperv.domain.inventory import Change
    from nested_hyperv.domain.plan import HostAction, Plan

    from .context import Context
    from .memory import Memory
    from .ports import Events, Meter

__all__ = ["SETTLE_SECONDS", "Lane", "Lanes"]

#: How long the push that follows a call may take before the host is looked at.
SETTLE_SECONDS: Final = 2.0
#: How long a host may go on with a call whose answer was lost. No source says; a lost claim would leave what it makes.
_DOUBT_SECONDS: Final = 20.0
_BLOCKED_SECONDS: Final = 300.0
#: Lanes of one object that run at once.
_AT_ONCE: Final = 16
_BACKOFF: Final = Backoff()

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Performed:
    action: HostAction
    repair: bool
    until: float


@dataclass(slots=True)
class Lane:
    """What is remembered of one host. Times are seconds of a monotonic clock.

    ``in_doubt``: we may have created the port group in a call that nobody knows the outcome of. ``doubted_until``: when
    the host is done with that call at the latest; ``None`` until somebody has asked. ``removed``: the host has answered
    that it removed the port group, or that it had none.
    """

    performed: _Performed | None = None
    in_doubt: bool = False
    doubted_until: float | None = None
    removed: bool = False
    failure: OperatorError | None = None
    failures: int = 0
    retry_at: float = 0.0
    contention: Contention = field(default_factory=Contention)
    rival: str | None = None

    def hindrance(self, elapsed: float) -> OperatorError | None:
        """Why nothing may be tried on this host now, if so."""
        if self.failure is not None and elapsed < self.retry_at:
            return self.failure
        if self.contention.paused_for(elapsed) > 0:
            return Blocked(Reason.CONTESTED, contested(self.rival, self.contention, "the tasks of the host"))
        return None

    def in_flight(self, elapsed: float) -> bool:
        """Whether a call was made of which vCenter may not tell yet."""
        return self.performed is not None and elapsed < self.performed.until

    def doubt(self) -> None:
        """A creation was called, and nobody knows the outcome. What was removed before says nothing of it."""
        self.in_doubt, self.doubted_until, self.removed = True, None, False

    def doubted(self, elapsed: float) -> bool:
        """Whether the host may still be at the call that is in doubt."""
        if not self.in_doubt:
            return False
        if self.doubted_until is None:
            # From the first look on: how long ago the call was made is not known after a restart.
            self.doubted_until = elapsed + _DOUBT_SECONDS
        return elapsed < self.doubted_until

    @property
    def created(self) -> bool:
        """Whether the host has answered a creation well that is not accounted for yet."""
        return self.performed is not None and isinstance(self.performed.action, AddHostPortGroup)

    def wait(self, elapsed: float) -> float | None:
        """In how many seconds this lane has to be looked at again, if nothing happens before."""
        waits = [self.retry_at - elapsed] if self.failure is not None else []
        waits.append(self.contention.paused_for(elapsed))
        waits += [self.performed.until - elapsed] if self.performed is not None else []
        waits += [self.doubted_until - elapsed] if self.in_doubt and self.doubted_until is not None else []
        return min((wait for wait in waits if wait > 0), default=None)

    def try_again(self) -> None:
        """Forget failures and fights; what was called a moment ago was called all the same."""
        self.failure, self.failures, self.retry_at = None, 0, 0.0
        self.contention.reset()

    def failed(self, error: OperatorError, elapsed: float, *, after: float | None = None) -> None:
        """Remember a failure; it is tried again when its pause is over."""
        self.performed = None
        self.failure, self.failures = error, self.failures + 1
        pause = _BLOCKED_SECONDS if isinstance(error, Blocked) else _BACKOFF.delay(self.failures)
        self.retry_at = elapsed + (pause if after is None else after)


class Lanes:
    """Execution and bookkeeping of actions on hosts."""

    def __init__(self, events: Events, meter: Meter, now: Callable[[], datetime]) -> None:
        self._events = events
        self._meter = meter
        self._now = now

    async def perform(self, context: Context[Any], actions: Sequence[HostAction]) -> bool:
        """Execute the actions, those of different hosts side by side; returns whether all were taken."""
        lanes: dict[MoRef, list[HostAction]] = {}
        for action in actions:
            lanes.setdefault(action.host.ref, []).append(action)
        gate = asyncio.Semaphore(_AT_ONCE)
        return all(await asyncio.gather(*(self._lane(context, gate, host, work) for host, work in lanes.items())))

    async def _lane(
        self, context: Context[Any], gate: asyncio.Semaphore, host: MoRef, actions: Sequence[HostAction]
    ) -> bool:
        lane = context.memory.lane(host)
        async with gate:
            for action in actions:
                try:
                    await execute(context.vcenter, context.key, action)
                except OperatorError as error:
                    lane.failed(_understood(error, action, lane), context.elapsed)
                    return False
                lane.failure, lane.in_doubt = None, False
                lane.removed = isinstance(action, RemoveHostPortGroup)
                lane.performed = _Performed(
                    action, self.is_repair(context.memory, action), context.elapsed + SETTLE_SECONDS
                )
        return True

    @staticmethod
    def is_repair(memory: Memory, action: HostAction) -> bool:
        """Whether a host had been equal to this very spec before."""
        return action.host.ref in memory.settled_hosts and not isinstance(action, RemoveHostPortGroup)

    async def account(self, context: Context[Any], plan: Plan) -> bool:
        """Tell what the last calls achieved, and note which hosts are as declared.

        Returns whether a host turned out to ignore what it accepted: then the plan would do it once more.
        """
        memory, elapsed = context.memory, context.elapsed
        rows: dict[str, HostRow] = {row.mo_ref: row for row in plan.verdict.facts.get("hosts", ())}
        outstanding = frozenset(plan.changes).union(*(action.changes for action in plan.actions))
        torn_down = context.resource.deleting and plan.release is None
        done: list[_Performed] = []
        in_vain = False
        for host, lane in list(memory.lanes.items()):
            performed, row = lane.performed, rows.get(host.value)
            waits = torn_down if row is None else not row.ready
            if performed is None or (waits and lane.in_flight(elapsed)):
                continue
            lane.performed = None
            ignored = [change for change in performed.action.changes if change in outstanding]
            if ignored and not await was_rewritten(context, host):
                words = ", ".join(f"{change.field} stayed {change.old}" for change in ignored)
                message = f"vSphere accepted the change and did not make it: {words}."
                lane.failed(Blocked(Reason.NOT_APPLIED, message), elapsed)
                in_vain = True
                continue
            lane.failures = 0
            done.append(performed)
            if performed.repair:
                lane.contention.repaired([change.field for change in performed.action.changes], elapsed)
        await self._tell(context, done)
        ready = {MoRef("HostSystem", row.mo_ref) for row in rows.values() if row.ready}
        for host, lane in memory.lanes.items():
            row = rows.get(host.value)
            if row is not None and row.ready:
                lane.failure, lane.in_doubt, lane.removed = None, False, False
            elif row is not None and row.claim is None:
                lane.in_doubt = False  # what the host has, if anything, is not ours
        memory.settled_hosts = ready | {host for host in memory.settled_hosts if host.value in rows}
        return in_vain

    async def _tell(self, context: Context[Any], done: Sequence[_Performed]) -> None:
        repairs = [performed for performed in done if performed.repair]
        author = await self._author(context, repairs)
        groups: dict[Reason, list[_Performed]] = {}
        for performed in done:
            groups.setdefault(_reason(performed), []).append(performed)
        for reason, group in groups.items():
            words = "; ".join(str(change) for performed in group for change in performed.action.changes)
            words += blamed(author) if group[0].repair else ""
            self._events.emit(context.resource, "Normal", reason, words)
        repaired = [change for performed in repairs for change in performed.action.changes]
        for change in repaired:
            self._meter.repaired(context.key.kind, change.field)
        if repaired:
            _log.info("Repaired %s%s", "; ".join(str(change) for change in repaired), blamed(author))
            context.memory.last_repair = LastRepair(
                time=self._now(),
                by=author.user if author is not None else None,
                changed_at=author.time if author is not None else None,
                changes=_rows(repaired),
            )

    @staticmethod
    async def _author(context: Context[Any], repairs: Sequence[_Performed]) -> Author | None:
        """Ask who changed the first of these hosts: whoever runs a script over many did it on all of them."""
        if not repairs:
            return None
        first = repairs[0].action
        author = await find_author(context, first.host.ref, first.changes)
        for performed in repairs:
            context.memory.lane(performed.action.host.ref).rival = author.user if author is not None else None
        return author


def _understood(error: OperatorError, action: HostAction, lane: Lane) -> OperatorError:
    """What a failure means after those before it."""
    if not isinstance(action, AddHostPortGroup):
        return error
    if isinstance(error, NameTaken) and lane.in_doubt:
        # Perhaps by ourselves, in a call whose answer was lost: look again before calling it somebody else's.
        return Transient(Reason.PROGRESSING, error.message)
    if isinstance(error, OutcomeUnknown):
        lane.doubt()
    return error


def _reason(performed: _Performed) -> Reason:
    match performed.action:
        case AddHostPortGroup():
            return Reason.RECREATED if performed.repair else Reason.CREATED
        case RemoveHostPortGroup():
            return Reason.DELETED
        case _:
            return Reason.REPAIRED if performed.repair else Reason.RECONFIGURED


def _rows(changes: Iterable[Change]) -> tuple[FieldChange, ...]:
    return tuple(FieldChange(from_=c.old, field=c.field, to=c.new, host=c.host) for c in changes)[:ROWS_MAX]
