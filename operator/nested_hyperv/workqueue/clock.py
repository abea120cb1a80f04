"""Time as the work queue sees it: a monotonic reading and a callback at a moment.

Everything here that depends on time takes a `Clock`, so that tests move time by hand instead of sleeping.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["AsyncioClock", "Clock", "Timer"]


class Timer(Protocol):
    """A callback that was asked for and has not run yet."""

    def cancel(self) -> None:
        """Forget the callback. Harmless after it ran."""


class Clock(Protocol):
    """Monotonic time in seconds."""

    def now(self) -> float:
        """Seconds since an arbitrary moment; never goes back."""

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        """Run the callback once, not before `when`."""


class AsyncioClock:
    """The time of the running event loop."""

    def now(self) -> float:
        """Read the loop's clock."""
        return asyncio.get_running_loop().time()

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        """Let the loop run the callback."""
        return asyncio.get_running_loop().call_at(when, callback)
