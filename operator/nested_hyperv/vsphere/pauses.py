"""How long to wait before the next attempt to reach a vCenter: longer each time, and by the kind of failure."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from nested_hyperv.domain.errors import Blocked, OperatorError
from nested_hyperv.vsphere.faults import Busy

if TYPE_CHECKING:
    from nested_hyperv.vsphere.tuning import Tuning

__all__ = ["Pauses"]

_MOST_DOUBLINGS = 16


class Pauses:
    """Counts failures in a row. Refusals wait longest: each attempt may count towards locking the account."""

    def __init__(self, tuning: Tuning) -> None:
        self._tuning = tuning
        self._failures = 0

    def reset(self) -> None:
        """Something worked."""
        self._failures = 0

    def after(self, error: OperatorError) -> float:
        """Return the seconds to wait after one more failure."""
        tuning = self._tuning
        if isinstance(error, Blocked):
            first, longest = tuning.refused_first, tuning.refused_longest
        elif isinstance(error, Busy):
            first, longest = tuning.busy_pause, tuning.retry_longest
        else:
            first, longest = tuning.retry_first, tuning.retry_longest
        pause = min(longest, first * 2.0**self._failures)
        self._failures = min(self._failures + 1, _MOST_DOUBLINGS)
        return pause * random.uniform(0.8, 1.2)  # noqa: S311 (jitter, no secret)
