"""What one pass over a key ended in, as far as the queue is concerned.

There is no outcome "failed for good": the world may change, so whoever cannot go on asks for a late second look.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Done", "Outcome", "RequeueAfter", "Retry"]


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing left to do; only a new event brings the key back."""


@dataclass(frozen=True, slots=True)
class RequeueAfter:
    """Look again after this many seconds (an earlier event is not held back).

    ``failed``: the pass failed, but whoever says so keeps count itself and knows when to try again.
    """

    seconds: float
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """The pass failed in a way that may heal by itself; again with exponential backoff."""


Outcome: TypeAlias = Done | RequeueAfter | Retry
