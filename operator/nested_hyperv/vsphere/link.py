"""The connection to one vCenter, and the only way to call it: rate, breaker, session and threads come together here.

State lives on the event loop; threads only call and convert. While the breaker is open calls fail at once, without
touching the network.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import OperatorError, OutcomeUnknown, Unreachable
from nested_hyperv.vsphere.availability import Availability, Observer
from nested_hyperv.vsphere.breaker import Breaker
from nested_hyperv.vsphere.bucket import TokenBucket
from nested_hyperv.vsphere.faults import Busy, Call, SessionLost
from nested_hyperv.vsphere.inventory import Inventory
from nested_hyperv.vsphere.keeper import Keeper
from nested_hyperv.vsphere.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable

    from nested_hyperv.api.connection import Connection
    from nested_hyperv.domain.inventory import VCenterAbout
    from nested_hyperv.domain.resource import ObjectKey
    from nested_hyperv.vsphere.session import Session
    from nested_hyperv.vsphere.tuning import Tuning

__all__ = ["Link"]

T = TypeVar("T")

_HTTPS = 443


class Link:
    """One vCenter as one user: its session, what it pushes, and those who use it."""

    def __init__(
        self,
        connection: Connection,
        tuning: Tuning,
        *,
        notify: Callable[[ObjectKey], None],
        observer: Observer | None = None,
    ) -> None:
        self._tuning = tuning
        self.server = connection.host if connection.port == _HTTPS else f"{connection.host}:{connection.port}"
        changed = asyncio.Event()
        self.inventory = Inventory(notify=notify, changed=changed.set)
        self.availability = Availability(self.server, tuning.down_grace, notify=notify, observer=observer)
        self._breaker = Breaker(tuning.breaker_threshold)
        self._bucket = TokenBucket(tuning.rate, tuning.burst)
        self._threads = Threads(self.server, tuning.threads, observer)
        self._keeper = Keeper(
            connection,
            tuning,
            threads=self._threads,
            breaker=self._breaker,
            availability=self.availability,
            inventory=self.inventory,
            changed=changed,
        )

    @property
    def about(self) -> VCenterAbout:
        """Which vCenter this is: what the last login said. Only after ``availability.check`` has passed once."""
        if self._keeper.about is None:
            raise self.availability.error()
        return self._keeper.about

    @property
    def generation(self) -> int:
        """Grows with every login."""
        return self._keeper.generation

    @property
    def connected_for(self) -> float:
        """How many seconds the present session has lasted."""
        return time.monotonic() - self._keeper.since if self.availability.up else 0.0

    async def call(
        self, method: str, function: Callable[[Session], T], *, target: object = "", mutating: bool = False
    ) -> T:
        """Run ``function`` in a thread of this vCenter; raises errors of the domain only.

        ``NotAuthenticated`` means that nothing was executed: such a call waits for the new session and is made again.
        """
        call = Call(method, self.server, str(target), mutating)
        try:
            return await self._attempt(call, function)
        except SessionLost:
            try:
                return await self._attempt(call, function)
            except SessionLost as error:
                unanswered = Unreachable(f"{error.message} It refused the new session, too.")
                raise self.availability.as_reported(unanswered) from error

    async def _attempt(self, call: Call, function: Callable[[Session], T]) -> T:
        await self._usable_session()
        await self._bucket.take()
        session = await self._usable_session()
        self._keeper.last_call = time.monotonic()
        try:
            result = await self._threads.call(call, function, session)
        except Unreachable as error:
            self._learn(error, session)
            raise self.availability.as_reported(error) from error
        except OperatorError as error:
            self._learn(error, session)
            raise
        self._breaker.success()
        return result

    async def _usable_session(self) -> Session:
        if self._breaker.closed and not self.availability.up:
            # A re-login is under way: worth a moment of waiting, but no more.
            await self.availability.wait(self._tuning.relogin_wait)
        session = self._keeper.session
        if session is None or not self._breaker.closed or not self.availability.up:
            raise self.availability.error()
        return session

    def _learn(self, error: OperatorError, session: Session) -> None:
        """Let the breaker know what a call met. A fault is an answer: it says that vCenter works."""
        if isinstance(error, SessionLost):
            self._keeper.lose(session)
            return
        if isinstance(error, Busy) or error.reason is Reason.CERTIFICATE_NOT_VERIFIED:
            self._breaker.trip(error.message)
        elif isinstance(error, Unreachable | OutcomeUnknown):
            self._breaker.failure(error.message)
        else:
            self._breaker.success()
        if not self._breaker.closed:
            self._keeper.lose(session)

    def retire(self) -> None:
        """Refuse calls from now on."""
        self.availability.close()
        self._breaker.trip(f"The connection to {self.server} was closed.")

    async def close(self) -> None:
        """Log out and let go of every thread."""
        await self._keeper.close()
        self._threads.shut_down()
