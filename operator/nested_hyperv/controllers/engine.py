"""From a key of the queue to an outcome for the queue: which reconciler, and what an error means.

Here is the one place that decides when something is tried again. Errors become verdicts by their class, never by their
text; what is not one of ours is a bug and passes through to the worker, which logs it and tries again.
"""

from __future__ import annotations

import logging
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.meta import ANNOTATION_ORPHAN, FINALIZER_TEARDOWN, KIND_HOST, KIND_PORT_GROUP
from nested_hyperv.api.parsing import InvalidSpec
from nested_hyperv.domain.errors import (
    Blocked,
    Conflict,
    Connecting,
    OperatorError,
    Reconnecting,
    RetryAt,
    Transient,
    Unreachable,
)
from nested_hyperv.domain.plan import PlanBlocked, Release
from nested_hyperv.domain.portgroup.rivals import tokens_of
from nested_hyperv.domain.resource import ObjectKey
from nested_hyperv.domain.verdict import Situation, Verdict
from nested_hyperv.workqueue.backoff import Backoff
from nested_hyperv.workqueue.outcome import Done, Outcome, RequeueAfter, Retry

from .connections import connection_of, server_of
from .context import AwaitingPush
from .reconciler import Reconciler, Result, handled_request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nested_hyperv.domain.resource import Resource

    from .connections import Connections
    from .memory import Memories, Memory
    from .ports import Events, Kube, Meter, Store, VCenters
    from .report import Report
    from .shares import Shares

__all__ = ["Engine"]

_log = logging.getLogger(__name__)

_KIND_SECRET: Final = "Secret"  # noqa: S105 - a kind, not a password
_RESYNC_SECONDS: Final = 1980.0  # at the latest; most come a little earlier
_BLOCKED_SECONDS: Final = 300.0
_QUIET_FAILURES: Final = 3
_BACKOFF: Final = Backoff()
#: What a pass says that has started something: nobody knows yet whether it goes well.
_UNDER_WAY: Final = frozenset({Situation.PROGRESSING, Situation.DELETING})
_VCENTER_AWAY: Final = frozenset(
    {
        Reason.VCENTER_UNREACHABLE,
        Reason.VCENTER_CHANGED,
        Reason.CONNECTION_NOT_FOUND,
        Reason.CONNECTION_INVALID,
        Reason.CONNECTION_NOT_ALLOWED,
        Reason.AUTHENTICATION_FAILED,
        Reason.CERTIFICATE_NOT_VERIFIED,
        Reason.INACCESSIBLE,
    }
)


class Engine:
    """Everything that the workers call."""

    def __init__(  # noqa: PLR0913 - the composition root names each part once
        self,
        *,
        reconcilers: Mapping[str, Reconciler[Any, Any, Any]],
        store: Store,
        kube: Kube,
        events: Events,
        connections: Connections,
        vcenters: VCenters,
        memories: Memories,
        report: Report,
        shares: Shares,
        meter: Meter,
        enqueue: Callable[[ObjectKey], None],
    ) -> None:
        self._reconcilers = reconcilers
        self._store = store
        self._kube = kube
        self._events = events
        self._connections = connections
        self._vcenters = vcenters
        self._memories = memories
        self._report = report
        self._shares = shares
        self._meter = meter
        self._enqueue = enqueue

    async def reconcile(self, key: ObjectKey) -> Outcome:
        """Do one pass over what ``key`` names."""
        try:
            return await self._reconcile(key)
        except Conflict as conflict:
            _log.debug("%s", conflict)
        except OperatorError as error:
            # A write to Kubernetes failed: status cannot tell it, so the log has to.
            _log.error("%s", error.message)
        return Retry()

    async def _reconcile(self, key: ObjectKey) -> Outcome:
        if key.kind == _KIND_SECRET:
            await self._connections.settle(key)
            return Done()
        resource = self._store.get(key)
        if resource is None:
            self._forget(key)
            return Done()
        if not self._shares.enter(server_of(self._store, resource), key):
            return Done()
        keeps_place = False
        try:
            return await self._pass(self._reconcilers[key.kind], resource)
        except Connecting:
            # Its connection wakes this key. The thousands behind it need not come to hear the same.
            keeps_place = True
            return _later(_BLOCKED_SECONDS)  # a belt
        finally:
            if not keeps_place:
                self._shares.leave(key)

    async def _pass(self, reconciler: Reconciler[Any, Any, Any], resource: Resource) -> Outcome:
        memory = self._memories.of(resource)
        memory.connection = connection_of(resource)
        try:
            result = await reconciler.run(resource, memory)
            outcome = self._outcome(result)
            if result.verdict is not None and result.verdict.situation not in _UNDER_WAY:
                memory.failures = 0
        except AwaitingPush:
            return _later(_BLOCKED_SECONDS)  # a push wakes the key; this is a belt
        except InvalidSpec as error:
            result, outcome = self._failed(resource, memory, Blocked(Reason.INVALID_SPEC, str(error))), Done()
        except (Conflict, Connecting):
            raise
        except OperatorError as error:
            _log.info("%s: %s", error.reason, error.message)
            passing = isinstance(error, Transient) and not isinstance(error, Unreachable)
            memory.failures += passing
            result, outcome = self._failed(resource, memory, error), self._retry(error, memory.failures)
            brief = memory.failures <= _QUIET_FAILURES or isinstance(error, Reconnecting)
            if passing and brief and not resource.deleting:
                return outcome  # most of these pass at once; status tells what lasts
        current = self._current(result.resource)
        if current is None:
            return outcome  # a new spec or a namesake has taken its place, and is queued already
        if result.release is not None:
            await self._release(current, result.release)
            return Done()
        if result.verdict is not None:
            written = await self._report.write(reconciler.kind, current, result.verdict)
            self._wake_dependents(resource, written)
        return outcome

    def _current(self, resource: Resource) -> Resource | None:
        """The newest snapshot of the very object and spec that a pass was about; ``None`` if there is none any more."""
        current = self._store.get(resource.key)
        same = current is not None and (current.uid, current.generation) == (resource.uid, resource.generation)
        return current if same else None

    # --- errors ----------------------------------------------------------------------------------------------------

    def _failed(self, resource: Resource, memory: Memory, error: OperatorError) -> Result:
        if resource.deleting and FINALIZER_TEARDOWN in resource.finalizers:
            if resource.annotations.get(ANNOTATION_ORPHAN) == "true" and error.reason in _VCENTER_AWAY:
                return Result(resource, release=Release(Reason.ORPHANED, f"Let go on request although {error.message}"))
            return Result(resource, self._deletion_failed(error))
        if isinstance(error, Unreachable):
            return Result(resource, Verdict(Situation.UNREACHABLE, error.reason, error.message))
        # A task that has ended is not one that runs.
        ended = {"task": None} if memory.pending is None and "task" in resource.status else {}
        if isinstance(error, Blocked):
            verdict = error.plan.verdict if isinstance(error, PlanBlocked) else Verdict.stalled(error)
            facts = {**verdict.facts, **ended, **handled_request(resource)}
            return Result(resource, replace(verdict, facts=facts))
        return Result(resource, Verdict.progressing(error.message, **ended))

    @staticmethod
    def _deletion_failed(error: OperatorError) -> Verdict:
        if not isinstance(error, Blocked | Unreachable):
            return Verdict(Situation.DELETING, Reason.DELETING, error.message)
        cure = f' To let go without vCenter set the annotation {ANNOTATION_ORPHAN}: "true".'
        return Verdict(
            Situation.DELETION_BLOCKED,
            Reason.DELETION_BLOCKED,
            error.message + (cure if error.reason in _VCENTER_AWAY else ""),
            cause=error.reason,
        )

    @staticmethod
    def _retry(error: OperatorError, failures: int) -> Outcome:
        if isinstance(error, Blocked):
            return _later(_BLOCKED_SECONDS)
        if isinstance(error, RetryAt):
            return RequeueAfter(error.seconds)
        if isinstance(error, Unreachable):
            return RequeueAfter(_BLOCKED_SECONDS)  # the connection wakes the key when it is back; this is a belt
        # Counted here and not in the queue: between two failures of a task lies the good pass that started it.
        return RequeueAfter(_BACKOFF.delay(max(1, failures)), failed=True)

    @staticmethod
    def _outcome(result: Result) -> Outcome:
        verdict = result.verdict
        if result.again_after is not None:
            return RequeueAfter(result.again_after)
        if verdict is not None and verdict.again_after is not None:
            return RequeueAfter(verdict.again_after)
        if verdict is not None and verdict.situation in (Situation.STALLED, Situation.DELETION_BLOCKED):
            return _later(_BLOCKED_SECONDS)
        if verdict is not None and verdict.situation is Situation.SUSPENDED:
            return Done()
        return _later(_RESYNC_SECONDS)

    # --- the end of a resource, and who has to hear of a change ------------------------------------------------------

    async def _release(self, resource: Resource, release: Release) -> None:
        kind = "Warning" if release.reason in (Reason.ORPHANED, Reason.RELEASED_UNMARKED) else "Normal"
        self._events.emit(resource, kind, release.reason, release.message)
        await self._kube.remove_finalizer(resource, FINALIZER_TEARDOWN)
        self._meter.released(resource.key.kind, release.reason)
        _log.info("%s: %s", release.reason, release.message)
        self._vcenters.release(resource.key)
        self._enqueue(connection_of(resource))

    def _forget(self, key: ObjectKey) -> None:
        self._vcenters.release(key)
        self._shares.leave(key)
        memory = self._memories.forget(key)
        if memory is not None and memory.connection is not None:
            self._enqueue(memory.connection)  # if our finalizer was taken by force, nobody else tells the Secret
        self._wake_hosts(key)

    def _wake_dependents(self, before: Resource, after: Resource) -> None:
        if before.key.kind != KIND_PORT_GROUP:
            return
        if any(before.status.get(field) != after.status.get(field) for field in ("conditions", "moRef", "overrides")):
            self._wake_hosts(before.key)
        if _holdings(before) != _holdings(after):
            self._wake_rivals(after)

    def _wake_rivals(self, port_group: Resource) -> None:
        """What it has claimed or let go decides for others. Of a change of its spec they hear when that arrives."""
        for rival in self._store.sharing(tokens_of(port_group)):
            if rival.key != port_group.key and not rival.ready:
                self._enqueue(rival.key)

    def _wake_hosts(self, port_group: ObjectKey) -> None:
        if port_group.kind != KIND_PORT_GROUP:
            return
        for host in self._store.of_kind(KIND_HOST, port_group.namespace):
            refs = [network.get("portGroupRef") or {} for network in host.spec.get("networks") or ()]
            if any(ref.get("name") == port_group.name for ref in refs):
                self._enqueue(host.key)


def _holdings(port_group: Resource) -> tuple[object, ...]:
    status = port_group.status
    return status.get("moRef"), *((row.get("moRef"), row.get("claim")) for row in status.get("hosts", ()))


def _later(seconds: float) -> RequeueAfter:
    """Spread what would otherwise come back all at once; never later than the seconds say."""
    return RequeueAfter(seconds * random.uniform(0.8, 1.0))  # noqa: S311 - jitter
