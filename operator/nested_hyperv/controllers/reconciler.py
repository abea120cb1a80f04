"""The way of a change, the same for both kinds and the only one: observe, plan, execute.

A pass reads from the cache. If the plan is not empty the object is read live and planned again, and only that plan is
executed. A pass never waits for a task: it ends, and the end of the task brings the key back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from nested_hyperv.api.common import CommonSpec, CommonStatus, ManagementPolicy
from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.meta import (
    ANNOTATION_ACCEPT_VCENTER,
    ANNOTATION_ADOPT,
    ANNOTATION_RECONCILE,
    FINALIZER_TEARDOWN,
)
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.domain.ownership import identify
from nested_hyperv.domain.plan import (
    AddHostPortGroup,
    Clone,
    CreatePortGroup,
    HostAction,
    PlanBlocked,
    PowerOn,
    Reconfigure,
    ReconfigurePortGroup,
    Release,
)
from nested_hyperv.domain.subject import Subject
from nested_hyperv.domain.verdict import Situation, Verdict

from .context import Context, Kind
from .lanes import SETTLE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from nested_hyperv.domain.plan import Plan
    from nested_hyperv.domain.resource import Resource

    from .connections import Connections
    from .memory import Memories, Memory
    from .ports import VCenter, VCenters
    from .progress import Ended, Progress
    from .report import Report

__all__ = ["Reconciler", "Result", "handled_request"]

_QUICK = (CreatePortGroup, ReconfigurePortGroup, Reconfigure, PowerOn)
#: The server itself refuses these if the name is taken: what was seen before need not be true any more.
_FENCED = (CreatePortGroup, Clone, AddHostPortGroup)

SpecT = TypeVar("SpecT", bound=CommonSpec)
StatusT = TypeVar("StatusT", bound=CommonStatus)
WorldT = TypeVar("WorldT")


@dataclass(frozen=True, slots=True)
class Result:
    """How a pass ended. Without ``verdict`` nothing is news; ``release`` ends the life of the resource.

    ``again_after`` asks for another pass where there is no verdict to ask for it (seconds).
    """

    resource: Resource
    verdict: Verdict | None = None
    release: Release | None = None
    again_after: float | None = None


class Reconciler(Generic[SpecT, StatusT, WorldT]):
    """Passes over objects of one kind."""

    def __init__(
        self,
        kind: Kind[SpecT, StatusT, WorldT],
        *,
        cluster_id: str,
        connections: Connections,
        vcenters: VCenters,
        memories: Memories,
        progress: Progress,
        report: Report,
        elapsed: Callable[[], float],
    ) -> None:
        self.kind = kind
        self._cluster_id = cluster_id
        self._connections = connections
        self._vcenters = vcenters
        self._memories = memories
        self._progress = progress
        self._report = report
        self._elapsed = elapsed

    async def run(self, resource: Resource, memory: Memory) -> Result:
        """Do one pass. Raises the errors of ``domain.errors``, ``InvalidSpec`` and ``AwaitingPush``."""
        spec = self.kind.parse(resource)
        if spec.suspend:
            self._vcenters.release(resource.key)
            memory.let_go()
            message = "spec.suspend is true: nothing is touched."
            return Result(resource, Verdict(Situation.SUSPENDED, Reason.SUSPENDED, message))
        enforced = spec.management_policy is ManagementPolicy.ENFORCE
        if resource.deleting:
            finished = self._nothing_to_tear_down(resource, enforced=enforced)
            if finished is not None:
                return finished
        secret, connection = self._connections.resolve(resource, spec.connection_ref)
        vcenter = self._vcenters.open(resource.key, connection)
        same = self._is_our_vcenter(resource, vcenter)
        if not same:
            memory.moved()
        if enforced and not resource.deleting:
            resource = await self._connections.claim(resource, secret)
        requested = resource.annotations.get(ANNOTATION_RECONCILE)
        forced = requested is not None and requested != resource.status.get("lastHandledReconcileAt")
        if forced:
            memory.try_again()
        known = self._known(spec, resource, memory) if same else None
        subject = Subject(
            name=f"{resource.key.namespace}/{resource.key.name}",
            identity=identify(self._cluster_id, resource.key, resource.uid),
            known=known,
            made=memory.made,
            adopt=resource.annotations.get(ANNOTATION_ADOPT),
            allow_adoption=connection.allow_adoption,
            scope=connection.scope,
        )
        context = Context(
            resource=resource,
            spec=spec,
            subject=subject,
            memory=memory,
            vcenter=vcenter,
            elapsed=self._elapsed(),
            live=resource.deleting or forced or known is None,
            thorough=resource.deleting or forced,
            notes=connection.warnings,
            others=self._memories.tasks,
            cluster_id=self._cluster_id,
        )
        ended = await self._progress.settle(context)
        if ended is not None:
            subject = replace(subject, known=memory.known or known, made=memory.made)
            context = replace(context, live=True, subject=subject)
        return await self._work(context, ended, enforced=enforced)

    @staticmethod
    def _nothing_to_tear_down(resource: Resource, *, enforced: bool) -> Result | None:
        if FINALIZER_TEARDOWN not in resource.finalizers:
            return Result(resource)
        if not enforced:
            message = "managementPolicy is Observe: the vSphere object and its mark stay."
            return Result(resource, release=Release(Reason.RELEASED, message))
        if not resource.status.get("vCenter"):
            # The vCenter is recorded before anything is created in it, so nothing was.
            return Result(resource, release=Release(Reason.DELETED, "Nothing had been created in vSphere."))
        return None

    @staticmethod
    def _is_our_vcenter(resource: Resource, vcenter: VCenter) -> bool:
        """Whether status belongs to this vCenter, or to none yet. Raises ``Blocked(VCenterChanged)``."""
        recorded, answering = resource.status.get("vCenter"), vcenter.about.instance_uuid
        if not recorded or recorded == answering:
            return True
        if resource.annotations.get(ANNOTATION_ACCEPT_VCENTER) == answering:
            return False
        raise Blocked(
            Reason.VCENTER_CHANGED,
            f"The connection answers as vCenter {answering} ({vcenter.about.name}), but this object lives in vCenter "
            f"{recorded}. Nothing is touched. Correct the connection Secret; if the object moved, set the annotation "
            f"{ANNOTATION_ACCEPT_VCENTER}: {answering}.",
        )

    def _known(self, spec: SpecT, resource: Resource, memory: Memory) -> MoRef | None:
        if memory.known is not None:
            return memory.known
        value = resource.status.get("moRef")
        return MoRef(self.kind.managed_type(spec), value) if value else None

    async def _work(self, context: Context[SpecT], ended: Ended | None, *, enforced: bool) -> Result:
        plan, context = await self._plan(context)
        if await self._progress.lanes.account(context, plan):
            plan, context = await self._plan(context)
        self._remember(context, plan)
        news = await self._progress.account(context, plan, ended)
        if plan.release is not None:
            return Result(context.resource, release=self._progress.release(plan.release, ended))
        plan = replace(plan, verdict=replace(plan.verdict, notes=context.notes))
        facts = {**self._progress.drift(context, plan), **news, **self._common_facts(context, enforced=enforced)}
        differs = plan.actions or (plan.changes and plan.verdict.situation is not Situation.STALLED)
        if differs and not enforced:
            machines = await self.kind.touched(context, plan)
            return Result(context.resource, self._progress.would_change(plan, machines, facts))
        verdict = self._progress.hold(context, plan) if plan.actions else None
        if not plan.actions or verdict is not None:
            verdict = verdict or plan.verdict
            if verdict.situation is Situation.READY:
                context.memory.settled = True
                context.memory.made = None
                if not enforced:
                    verdict = replace(verdict, reason=Reason.OBSERVED)
            return Result(context.resource, replace(verdict, facts={**verdict.facts, **facts}))
        return await self._execute(context, plan, facts)

    def _remember(self, context: Context[SpecT], plan: Plan) -> None:
        """Hold on to the object that this pass found: the next may begin before status says which it is."""
        found = plan.verdict.facts.get("mo_ref")
        if found:
            context.memory.known = MoRef(self.kind.managed_type(context.spec), found)
            context.memory.in_doubt = False
            context.memory.name_refused = False

    async def _plan(self, context: Context[SpecT]) -> tuple[Plan, Context[SpecT]]:
        planner = self.kind.plan_deletion if context.resource.deleting else self.kind.plan
        plan = _planned(planner, context, await self.kind.observe(context))
        while (plan.actions or plan.unproven) and _unproven(context, plan):
            # The cache only says that there may be something to do. What is pushed during the read may say more.
            wanted = None if plan.unproven is None else plan.unproven | (context.unproven or frozenset())
            context = replace(context, live=True, unproven=wanted)
            plan = _planned(planner, context, await self.kind.observe(context))
        return plan, context

    @staticmethod
    def _common_facts(context: Context[SpecT], *, enforced: bool) -> dict[str, Any]:
        facts: dict[str, Any] = {"plan": (), **handled_request(context.resource)}
        if enforced:
            facts["vcenter"] = context.vcenter.about.instance_uuid
        return facts

    async def _execute(self, context: Context[SpecT], plan: Plan, facts: dict[str, Any]) -> Result:
        resource, status = context.resource, context.resource.status
        verdict = replace(plan.verdict, facts={**plan.verdict.facts, **facts, **plan.record})
        first = status.get("vCenter") != context.vcenter.about.instance_uuid
        if first or plan.record:
            # Stored before the call: after a crash it tells that something may exist, and in which vCenter.
            if first and context.subject.known is None:
                verdict = replace(verdict, facts={**verdict.facts, "mo_ref": None})
            resource = await self._report.write(self.kind, resource, verdict)
            # That write took its time: nothing else is proven any more, and the next pass reads it anew.
            fenced = tuple(action for action in plan.actions if isinstance(action, _FENCED))
            if not fenced:
                return Result(resource, replace(verdict, again_after=0.0))
            plan = replace(plan, actions=fenced)
        on_hosts = tuple(action for action in plan.actions if isinstance(action, HostAction))
        if on_hosts:
            return await self._execute_on_hosts(context, resource, on_hosts, verdict)
        repair = self._progress.is_repair(context)
        for action in plan.actions:
            started = await self._progress.start(context, action, repair=repair)
            if not started.accepted:
                verdict = replace(verdict, again_after=0.0)
            if started.task is not None and isinstance(action, Clone):
                verdict = replace(verdict, facts={**verdict.facts, "task": started.task.value})
            if started.task is not None:
                break
        # A quick repair is told when it is done: the object stays Ready meanwhile, and one write says it all.
        quick = all(isinstance(action, _QUICK) for action in plan.actions)
        return Result(resource, None if quick and self._progress.is_quiet(context, plan) else verdict)

    async def _execute_on_hosts(
        self, context: Context[SpecT], resource: Resource, actions: tuple[HostAction, ...], verdict: Verdict
    ) -> Result:
        quiet = all(self._progress.lanes.is_repair(context.memory, action) for action in actions)
        taken = await self._progress.lanes.perform(context, actions)
        again_after = SETTLE_SECONDS if taken else 0.0
        if quiet:
            return Result(resource, again_after=again_after)
        return Result(resource, replace(verdict, again_after=again_after))


def _planned(planner: Callable[[Context[SpecT], WorldT], Plan], context: Context[SpecT], world: WorldT) -> Plan:
    """Plan; where nothing may be done although something is there, the plan says both."""
    try:
        return planner(context, world)
    except PlanBlocked as blocked:
        return blocked.plan


def _unproven(context: Context[Any], plan: Plan) -> bool:
    """Whether a plan rests on something that was not read live and has to be."""
    if plan.unproven is None:
        return not context.live
    return not context.thorough and not plan.unproven <= (context.unproven or frozenset())


def handled_request(resource: Resource) -> dict[str, Any]:
    """The status fact that answers the annotation ``nestedhv.io/reconcile-requested-at``, if it is set."""
    requested = resource.annotations.get(ANNOTATION_RECONCILE)
    return {} if requested is None else {"last_handled_reconcile_at": requested}
