"""Whether a vCenter can be used, and who is told when that changes. Lives on the event loop.

A loss is reported only after a grace period: the restart of a service on vCenter must not write to the status of
thousands of objects. Until then a failed call is a disturbance that is tried again; ``Unreachable`` promises the
caller to be woken when vCenter is back, and only a reported loss keeps that promise.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Blocked, Connecting, OperatorError, Reconnecting, Transient, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable

    from nested_hyperv.domain.resource import ObjectKey

__all__ = ["Availability", "Observer"]

_log = logging.getLogger(__name__)


class Observer(Protocol):
    """Who wants to count what happens between us and vCenter."""

    def called(self, server: str, method: str, code: str, seconds: float, /) -> None:
        """A call has ended: ``ok``, or the name of the error."""

    def connected(self, server: str, link: int, *, up: bool) -> None:
        """A connection is up or down. ``link`` tells apart those to one server, as after a change of the password."""


class Availability:
    """Up, down, or down so shortly that it is not worth a word."""

    def __init__(
        self, server: str, grace: float, *, notify: Callable[[ObjectKey], None], observer: Observer | None
    ) -> None:
        self.server = server
        self.users: set[ObjectKey] = set()
        self._grace = grace
        self._notify = notify
        self._observer = observer
        self._up = asyncio.Event()
        self._error: OperatorError | None = None
        self._reported_down = True
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def up(self) -> bool:
        """Whether calls can be made now."""
        return self._up.is_set()

    async def wait(self, seconds: float) -> bool:
        """Wait at most so long for it to be up; returns whether it is."""
        try:
            async with asyncio.timeout(seconds):
                await self._up.wait()
        except TimeoutError:
            return False
        return True

    # --- for callers ----------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Raise what stands between the caller and this vCenter; within the grace period nothing does."""
        if self.up or not self._reported_down:
            return
        if self._error is None:
            raise Connecting(f"Connecting to {self.server}.")
        raise self.error()

    def error(self) -> OperatorError:
        """Make the error of a call that cannot be made now."""
        if isinstance(self._error, Blocked):
            return Blocked(self._error.reason, self._error.message)
        message = f"Logging in to {self.server} again." if self._error is None else self._error.message
        return self.as_reported(Unreachable(message))

    def as_reported(self, error: Unreachable) -> OperatorError:
        """Return the error of a call that was not answered, as strong as what has been reported."""
        if self._reported_down:
            return error
        message = f"{error.message} It is tried again."
        return Transient(Reason.PROGRESSING, message) if self.up else Reconnecting(message)

    # --- for the keeper -------------------------------------------------------------------------------------------

    def pause(self) -> None:
        """Let calls wait a moment: the session is being replaced."""
        self._up.clear()

    def came_up(self) -> None:
        """Calls can be made."""
        if self._closed:
            return  # a login that was under way
        self._error = None
        self._up.set()
        self._stop_timer()
        if self._reported_down:
            self._report(down=False)

    def went_down(self, error: OperatorError) -> None:
        """An attempt to connect has failed."""
        before, self._error = self._error, error
        self._up.clear()
        _log.warning("%s is not available: %s", self.server, error.message)
        if self._reported_down:
            self._observe(up=False)
            if before is None or before.reason is not error.reason:
                self.wake_users()
        elif isinstance(error, Blocked):
            self._report(down=True)
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._grace, lambda: self._report(down=True))

    def _report(self, *, down: bool) -> None:
        self._stop_timer()
        self._reported_down = down
        self._observe(up=not down)
        self.wake_users()

    def _observe(self, *, up: bool) -> None:
        if self._observer is not None:
            self._observer.connected(self.server, id(self), up=up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def wake_users(self) -> None:
        """Have everybody look again."""
        for key in tuple(self.users):
            self._notify(key)

    def close(self) -> None:
        """Say nothing any more."""
        self._closed = True
        self._stop_timer()
        self._up.clear()
        self._reported_down = True
        self._error = Unreachable(f"The connection to {self.server} was closed.")
        self._observe(up=False)
