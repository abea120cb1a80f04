"""Which port group carries whose mark: an index that only says where to look. Lives on the event loop.

Built by one bulk read per switch and session, and kept up with our own writes. Every hit is read live before it
counts, so an entry too many does no harm; only one too few would. Therefore a write adds what it may have marked,
whatever holds a name that a creation wanted is looked at too, and a write with unknown outcome has the index built
again. That may be before such a write is done: who must not overlook what it has made has it built once more.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from nested_hyperv.domain.errors import NameTaken
from nested_hyperv.domain.inventory import TaskState

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from nested_hyperv.domain.inventory import MoRef, Task
    from nested_hyperv.vsphere.portgroups import Owners

__all__ = ["OwnerIndex"]

_PORT_GROUP: Final = "DistributedVirtualPortgroup"


@dataclass(frozen=True, slots=True)
class _Write:
    """A task that marks something: ``target``, or what it creates."""

    switch: MoRef
    owner: str
    target: MoRef | None


class OwnerIndex:
    """Owner to port groups, by switch."""

    def __init__(self, task: Callable[[MoRef], Task | None]) -> None:
        self._task = task
        self._generation = 0
        self._switches: dict[MoRef, asyncio.Task[Owners]] = {}
        self._writes: dict[MoRef, _Write] = {}
        self._settled: dict[MoRef, list[tuple[str, MoRef]]] = {}

    async def candidates(
        self, generation: int, switch: MoRef, owner: str, read: Callable[[], Coroutine[Any, Any, Owners]]
    ) -> list[MoRef]:
        """Return what may carry a mark of ``owner``. Many that ask at once share one ``read``."""
        if generation != self._generation:
            self._generation = generation
            self._switches.clear()
        while True:
            building = self._switches.get(switch)
            if building is None:
                building = self._switches[switch] = asyncio.get_running_loop().create_task(read())
            try:
                # Shielded: one of those who wait may be cancelled, the others still want to know.
                index = await asyncio.shield(building)
            except BaseException:
                if building.done() and self._switches.get(switch) is building:
                    del self._switches[switch]
                raise
            self._settle()
            if self._switches.get(switch) is building:
                break  # else something has happened that this index may not know
        for marked, ref in self._settled.pop(switch, ()):
            index.setdefault(marked, set()).add(ref)
        return sorted(index.get(owner, ()))

    def invalidate(self, switch: MoRef) -> None:
        """Have the index of a switch built again: nobody knows what a write has done there."""
        self._switches.pop(switch, None)

    def marking(self, task: MoRef, switch: MoRef, owner: str, target: MoRef | None = None) -> None:
        """Expect a task to mark ``target``, or what it creates, for ``owner``."""
        self._writes[task] = _Write(switch, owner, target)

    def _settle(self) -> None:
        """Take over what the writes that have ended say."""
        for ref, write in list(self._writes.items()):
            task = self._task(ref)
            if task is not None and not task.state.ended:
                continue
            del self._writes[ref]
            if task is None or task.state is TaskState.LOST:
                self.invalidate(write.switch)
                continue
            # DuplicateName may mean that an earlier process of ours has created it in the meantime.
            holder = task.error.holder if isinstance(task.error, NameTaken) else None
            for marked in (write.target, task.result, holder):
                # A switch can hold a name, too, and carries no mark.
                if marked is not None and marked.type == _PORT_GROUP:
                    self._settled.setdefault(write.switch, []).append((write.owner, marked))
