"""Which port group carries whose mark: an index that only says where to look. Lives on the event loop.

Built by one bulk read per switch and session, and kept up with our own creations. Whatever may have made it wrong (a
creation with unknown outcome or one that failed, a new session) makes it be built again. Every hit is read live before
it counts, so a stale entry does no harm; only a missing one would, and those come from the cases named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nested_hyperv.domain.inventory import TaskState

if TYPE_CHECKING:
    from collections.abc import Callable

    from nested_hyperv.domain.inventory import MoRef, Task
    from nested_hyperv.vsphere.portgroups import Owners

__all__ = ["OwnerIndex"]


class OwnerIndex:
    """Owner to port groups, by switch."""

    def __init__(self, task: Callable[[MoRef], Task | None]) -> None:
        self._task = task
        self._switches: dict[MoRef, Owners] = {}
        self._creations: dict[MoRef, tuple[MoRef, str]] = {}
        self._generation = 0
        self._changes = 0

    def at(self, generation: int) -> None:
        """Forget everything that an older session said."""
        if generation != self._generation:
            self._generation = generation
            self.invalidate()

    def invalidate(self, switch: MoRef | None = None) -> None:
        """Have the index of a switch, or of all, built again."""
        self._changes += 1
        if switch is None:
            self._switches.clear()
            self._creations.clear()
        else:
            self._switches.pop(switch, None)

    def creating(self, task: MoRef, switch: MoRef, owner: str) -> None:
        """Expect the result of a creation."""
        self._creations[task] = (switch, owner)

    def known(self, switch: MoRef) -> Owners | None:
        """Return the index of a switch as of now; ``None`` if it has to be built."""
        for task, (where, owner) in list(self._creations.items()):
            state = self._task(task)
            if state is not None and not state.state.ended:
                continue
            del self._creations[task]
            if state is not None and state.state is TaskState.SUCCESS and state.result is not None:
                self._switches.get(where, {}).setdefault(owner, set()).add(state.result)
            else:
                self.invalidate(where)
        return self._switches.get(switch)

    def begin(self) -> int:
        """Take a stamp before building an index."""
        return self._changes

    def built(self, stamp: int, switch: MoRef, owners: Owners) -> None:
        """Keep an index, unless something has happened since it was begun that it may not know."""
        if stamp == self._changes:
            self._switches[switch] = owners
