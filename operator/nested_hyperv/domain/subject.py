"""The custom resource a plan is made for: its identity, its history, and what its connection allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nested_hyperv.api.conditions import Reason

from .errors import Blocked

if TYPE_CHECKING:
    from .inventory import MoRef
    from .ownership import Identity

__all__ = ["Subject"]


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks, in the words a planner needs.

    ``name`` is namespace and name, as people write them.
    ``known`` is the object that status (or this process) remembers, ``adopt`` the value of the annotation
    ``nestedhv.io/adopt``, ``scope`` the inventory paths that the connection may use (empty: all), ``made`` the object
    that a task of this object's own has just made: its mark may be missing without anybody having taken it away.
    """

    name: str
    identity: Identity
    known: MoRef | None
    adopt: str | None
    allow_adoption: bool
    scope: tuple[str, ...]
    made: MoRef | None = None

    def check_scope(self, *paths: str) -> None:
        """Raise ``Blocked(OutOfScope)`` unless each path lies at or below a path of the connection's scope."""
        outside = [path for path in paths if not self._admits(path)]
        if outside:
            raise Blocked(
                Reason.OUT_OF_SCOPE,
                f"{', '.join(outside)} is outside the scope of the connection ({', '.join(self.scope)}). "
                "Use objects within it, or have key scope of the connection Secret widened.",
            )

    def _admits(self, path: str) -> bool:
        return not self.scope or any(path == allowed or path.startswith(f"{allowed}/") for allowed in self.scope)
