"""What one pass over one object works with, and what each kind has to provide to be reconciled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from nested_hyperv.api.common import CommonSpec, CommonStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nested_hyperv.domain.inventory import MoRef
    from nested_hyperv.domain.plan import Plan
    from nested_hyperv.domain.resource import ObjectKey, Resource
    from nested_hyperv.domain.subject import Subject

    from .memory import Memory
    from .ports import VCenter

__all__ = ["AwaitingPush", "Context", "Kind"]

SpecT = TypeVar("SpecT", bound=CommonSpec)
StatusT = TypeVar("StatusT", bound=CommonStatus)
WorldT = TypeVar("WorldT")


class AwaitingPush(Exception):
    """A watched object has not been delivered yet; the key is woken when it is."""


@dataclass(frozen=True, slots=True)
class Context(Generic[SpecT]):
    """One pass. ``elapsed`` is a monotonic clock in seconds; ``live`` forbids the cache.

    ``thorough``: somebody asked, or the object is being deleted, so everything is read live. ``unproven`` is what a
    first plan wants to have read live before it counts. ``others`` tells the tasks that objects are waiting for;
    ``cluster_id`` is half of every identity; ``notes`` is what the user should know of the connection.
    """

    resource: Resource
    spec: SpecT
    subject: Subject
    memory: Memory
    vcenter: VCenter
    elapsed: float
    live: bool
    thorough: bool
    others: Callable[[], frozenset[MoRef]]
    cluster_id: str
    notes: tuple[str, ...] = ()
    unproven: frozenset[MoRef] | None = None

    @property
    def creation_in_doubt(self) -> bool:
        """Whether we may be creating what is not found, in a task that this process does not wait for.

        Of an object that status names and this process has never seen, an earlier one may have seen that it was gone,
        and have begun to create it anew.
        """
        return self.memory.in_doubt or (self.memory.known is None and self.subject.known is not None)

    async def unaccounted(self, running: Iterable[MoRef]) -> tuple[MoRef, ...]:
        """Those of running creations that no object waits for: one of them may become what is not found.

        We are woken by the end of one of them. That is enough: to be woken by the end of each would be to look again
        each time, for each who waits.
        """
        others = self.others()
        tasks = tuple(task for task in running if task not in others)
        if tasks:
            await self.vcenter.watch_task(self.key, tasks[-1])
        return tasks

    @property
    def key(self) -> ObjectKey:
        """The queue key of the object."""
        return self.resource.key


class Kind(Protocol[SpecT, StatusT, WorldT]):
    """What is special about one kind. The order of a pass is not: see ``reconciler``."""

    name: str
    status_model: type[StatusT]

    def managed_type(self, spec: SpecT) -> str:
        """Return the type of the managed object that ``status.moRef`` names."""

    def parse(self, resource: Resource) -> SpecT:
        """Return the typed spec. Raises ``InvalidSpec``."""

    async def observe(self, context: Context[SpecT]) -> WorldT:
        """Read; never write. Raises ``AwaitingPush`` while the cache has no answer and ``context.live`` is false."""

    def plan(self, context: Context[SpecT], world: WorldT) -> Plan:
        """Plan to make vSphere equal to the spec (pure)."""

    async def touched(self, context: Context[SpecT], plan: Plan) -> tuple[tuple[str, ...], ...]:
        """Name the machines that each action of a plan touches, for a plan that is published instead of executed."""

    def plan_deletion(self, context: Context[SpecT], world: WorldT) -> Plan:
        """Plan to let go (pure)."""
