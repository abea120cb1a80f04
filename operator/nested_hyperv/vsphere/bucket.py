"""A token bucket on asyncio: bounds how many calls per second one vCenter sees.

It only delays, in the order of arrival; it refuses nothing and knows nothing of calls. The clock is injected.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["TokenBucket"]


class TokenBucket:
    """``burst`` tokens at first, ``rate`` more per second, never above ``burst``."""

    def __init__(
        self,
        rate: float,
        burst: float,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        if rate <= 0 or burst < 1:
            message = f"rate is {rate} and burst {burst}; allowed are a rate above 0 and a burst of at least 1"
            raise ValueError(message)
        self._rate = rate
        self._burst = burst
        self._now = now
        self._sleep = sleep
        self._tokens = burst
        self._filled = now()

    async def take(self) -> None:
        """Take one token. The debt of those who wait is booked at once, which keeps their order."""
        now = self._now()
        self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._rate) - 1
        self._filled = now
        if self._tokens < 0:
            await self._sleep(-self._tokens / self._rate)
