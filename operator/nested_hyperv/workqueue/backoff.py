"""How long to wait after the n-th failure in a row.

Doubles from `base` up to `cap`, and takes up to a quarter off at random, so that a thousand objects that failed
together (their vCenter went away) do not come back together.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Backoff"]

# 2**63 seconds is past any cap; a larger exponent would only overflow the float.
_LARGEST_EXPONENT = 63


@dataclass(frozen=True, slots=True)
class Backoff:
    """Jittered exponential delays in seconds."""

    base: float = 1.0
    cap: float = 300.0
    jitter: float = 0.25
    uniform: Callable[[], float] = field(default=random.random)

    def delay(self, failures: int) -> float:
        """The delay after `failures` failures in a row (the first one is 1)."""
        if failures < 1:
            message = f"failures: got {failures}; a delay exists after the first failure only, so it must be 1 or more"
            raise ValueError(message)
        grown = min(self.cap, self.base * 2.0 ** min(failures - 1, _LARGEST_EXPONENT))
        return grown * (1.0 - self.jitter * self.uniform())
