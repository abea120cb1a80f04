"""The connection to one vCenter: keeps it up, and is the only way to call it.

A keeper task logs in, runs the long poll, and does it again whenever that ends; it alone probes a vCenter that is
down. Calls run in the threads of this vCenter, so that a dead one holds up nobody else's; while the breaker is open
they fail at once. State lives on the event loop; threads only call and convert.

A loss is reported (``down``) only after a grace period: a service restart on vCenter must not write to the status of
thousands of objects.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import random
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, TypeVar

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Blocked, Connecting, OperatorError, OutcomeUnknown, Transient, Unreachable
from nested_hyperv.vsphere.breaker import Breaker
from nested_hyperv.vsphere.bucket import TokenBucket
from nested_hyperv.vsphere.collector import Batch, Poll
from nested_hyperv.vsphere.faults import Busy, Call, SessionLost, translate
from nested_hyperv.vsphere.inventory import Inventory
from nested_hyperv.vsphere.session import Session, log_in, name_operation
from nested_hyperv.vsphere.transport import endpoint_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from nested_hyperv.api.connection import Connection
    from nested_hyperv.domain.inventory import MoRef, VCenterAbout
    from nested_hyperv.domain.resource import ObjectKey
    from nested_hyperv.vsphere.tuning import Tuning

__all__ = ["Link", "Observer"]

_log = logging.getLogger(__name__)

T = TypeVar("T")


class Observer(Protocol):
    """Who wants to count what happens between us and vCenter."""

    def called(self, server: str, method: str, outcome: str, seconds: float) -> None:
        """A call has ended: ``ok``, or the name of the error."""

    def connected(self, server: str, *, up: bool) -> None:
        """A connection came up or went down."""


class Link:
    """One vCenter as one user: a session, its poll, its inventory and those who use it."""

    def __init__(
        self,
        connection: Connection,
        tuning: Tuning,
        *,
        notify: Callable[[ObjectKey], None],
        observer: Observer | None = None,
    ) -> None:
        self._connection = connection
        self._tuning = tuning
        self._notify = notify
        self._observer = observer
        self.server = connection.host if connection.port == 443 else f"{connection.host}:{connection.port}"  # noqa: PLR2004
        self.users: set[ObjectKey] = set()
        self._changed = asyncio.Event()
        self.inventory = Inventory(notify=notify, changed=self._changed.set)
        #: Grows with every login: what was learned in an older session may be wrong in this one.
        self.generation = 0
        self._since = time.monotonic()
        self._session: Session | None = None
        self._about: VCenterAbout | None = None
        self._stale: list[Poll] = []
        self._breaker = Breaker(tuning.breaker_threshold)
        self._bucket = TokenBucket(tuning.rate, tuning.burst)
        self._calls = ThreadPoolExecutor(tuning.threads, thread_name_prefix=f"vcenter-{connection.host}")
        # The poll sits in one thread; logins, view changes and the keepalive must not queue behind stuck calls.
        self._keeping = ThreadPoolExecutor(4, thread_name_prefix=f"keeper-{connection.host}")
        self._up = asyncio.Event()
        self._lost = asyncio.Event()
        self._last_call = time.monotonic()
        self._error: OperatorError | None = None
        self._reported_down = True
        self._grace: asyncio.TimerHandle | None = None
        self._keeper = asyncio.get_running_loop().create_task(
            # Its own context: the keeper outlives the pass that happened to open the connection.
            self._keep(),
            name=f"vcenter {self.server}",
            context=contextvars.Context(),
        )

    # --- for those who use it -----------------------------------------------------------------------------------------

    def check(self) -> None:
        """Raise what stands between the caller and this vCenter; within the grace period nothing does."""
        if self._up.is_set() or not self._reported_down:
            return
        if self._error is None:
            raise Connecting(f"Connecting to {self.server}.")
        raise self._unavailable()

    @property
    def about(self) -> VCenterAbout:
        """Which vCenter this is; what the last login said. Only after ``check`` has passed once."""
        if self._about is None:
            raise self._unavailable()
        return self._about

    @property
    def connected_for(self) -> float:
        """How many seconds the present session has lasted."""
        return time.monotonic() - self._since if self._up.is_set() else 0.0

    async def call(
        self, method: str, function: Callable[[Session], T], *, target: object = "", mutating: bool = False
    ) -> T:
        """Run ``function`` in a thread of this vCenter; raises errors of the domain only.

        ``NotAuthenticated`` means that nothing was executed: such a call waits for the new session and is made again.
        """
        call = Call(method, self.server, str(target), mutating)
        await self._bucket.take()
        try:
            return await self._attempt(call, function)
        except SessionLost:
            try:
                return await self._attempt(call, function)
            except SessionLost as error:
                raise self._as_reported(Unreachable(f"{error.message} It refused the new session, too.")) from error

    async def _attempt(self, call: Call, function: Callable[[Session], T]) -> T:
        session = await self._usable_session()
        self._last_call = time.monotonic()
        try:
            result = await self._run(self._calls, call, function, session)
        except Unreachable as error:
            self._learn(error, session)
            raise self._as_reported(error) from error
        except OperatorError as error:
            self._learn(error, session)
            raise
        self._breaker.success()
        return result

    async def _usable_session(self) -> Session:
        if self._breaker.closed and not self._up.is_set():
            # A re-login is under way: worth a moment of waiting, but no more.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._tuning.relogin_wait):
                    await self._up.wait()
        if self._session is None or not self._breaker.closed or not self._up.is_set():
            raise self._unavailable()
        return self._session

    def _unavailable(self) -> OperatorError:
        if isinstance(self._error, Blocked):
            return Blocked(self._error.reason, self._error.message)
        return self._as_reported(Unreachable(self._breaker.cause or f"Logging in to {self.server} again."))

    def _as_reported(self, error: Unreachable) -> OperatorError:
        """Within the grace period a silence is a disturbance, to be tried again and not worth a word in status.

        ``Unreachable`` promises that the caller is woken when vCenter is back, which only a reported loss entails.
        """
        return error if self._reported_down else Transient(Reason.PROGRESSING, f"{error.message} It is tried again.")

    async def _run(self, pool: ThreadPoolExecutor, call: Call, function: Callable[[Session], T], session: Session) -> T:
        context = contextvars.copy_context()
        started = time.monotonic()
        outcome = "ok"
        try:
            return await asyncio.get_running_loop().run_in_executor(
                pool, context.run, _in_thread, call, function, session
            )
        except OperatorError as error:
            outcome = type(error).__name__
            raise
        finally:
            if self._observer is not None:
                self._observer.called(self.server, call.method, outcome, time.monotonic() - started)

    def _learn(self, error: OperatorError, session: Session) -> None:
        """Let the breaker know what a call met. A fault is an answer: it says that vCenter works."""
        if isinstance(error, SessionLost):
            self._lose(session)
            return
        if isinstance(error, Busy) or error.reason is Reason.CERTIFICATE_NOT_VERIFIED:
            self._breaker.trip(error.message)
        elif isinstance(error, (Unreachable, OutcomeUnknown)):
            self._breaker.failure(error.message)
        else:
            self._breaker.success()
        if not self._breaker.closed:
            self._lose(session)

    def _lose(self, session: Session) -> None:
        """Have the keeper look after a session that does not work; only the first to notice matters."""
        if session is self._session:
            self._up.clear()
            self._lost.set()

    # --- the keeper ---------------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        pauses = _Pauses(self._tuning)
        while True:
            try:
                poll = await self._establish()
            except OperatorError as error:
                self._went_down(error)
                await asyncio.sleep(pauses.after(error))
                continue
            except Exception as error:  # noqa: BLE001 (logged with its traceback)
                # A bug must not end the only task that can bring this vCenter back.
                _log.exception("Connecting to %s failed unexpectedly", self.server)
                self._went_down(Unreachable(f"Connecting to {self.server} failed: {error}"))
                await asyncio.sleep(self._tuning.retry_longest)
                continue
            pauses.reset()
            self._came_up()
            try:
                await self._serve(poll)
            except OperatorError as error:
                _log.info("%s: %s Listening again.", self.server, error.message)
                if isinstance(error, SessionLost):
                    self._up.clear()
            except Exception:  # noqa: BLE001 (logged with its traceback; the keeper goes on)
                _log.exception("Listening to %s failed unexpectedly", self.server)

    async def _establish(self) -> Poll:
        """Make a poll on the session that there is, or on a new one if the server has ended it."""
        if not self._breaker.closed:
            self._breaker.probe()
        if self._session is not None:
            try:
                return await self._new_poll(self._session)
            except SessionLost:
                self._session.calls.DropConnections()
                self._session = None
                self._stale.clear()
        self._up.clear()
        self._session = await self._log_in()
        self.generation += 1
        self._since = time.monotonic()
        self._about = self._session.about
        return await self._new_poll(self._session)

    async def _log_in(self) -> Session:
        endpoint = endpoint_for(self._connection, self._tuning)
        future = self._keeping.submit(log_in, endpoint, self._connection, self._tuning)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            future.add_done_callback(_log_out_late)
            raise

    async def _new_poll(self, session: Session) -> Poll:
        call = Call("CreatePropertyCollector", self.server)
        poll = await self._run(self._keeping, call, lambda live: Poll(live, self._tuning), session)
        self._lost.clear()
        self.inventory.resync()
        return poll

    async def _serve(self, poll: Poll) -> None:
        """Run until something says that poll or session is of no use any more, and raise what said it."""
        session = self._session
        if session is None:
            raise Unreachable(f"{self.server} has no session.")
        tasks = [
            asyncio.ensure_future(work)
            for work in (
                self._listen(poll, session),
                self._feed(poll, session),
                self._keep_alive(session),
                self._lost.wait(),
            )
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            poll.hang_up()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._stale.append(poll)

    async def _listen(self, poll: Poll, session: Session) -> None:
        call = Call("WaitForUpdatesEx", self.server)
        version = ""
        while True:
            batch = await self._run(self._keeping, call, _waiting(poll, version), session)
            version = batch.version
            self.inventory.apply(batch.updates)

    async def _feed(self, poll: Poll, session: Session) -> None:
        call = Call("ModifyListView", self.server)
        while True:
            await self._changed.wait()
            await asyncio.sleep(self._tuning.watch_batch)
            self._changed.clear()
            while any(changes := self.inventory.take_changes(self._tuning.chunk)):
                unresolved = await self._run(self._keeping, call, _changing(poll, *changes), session)
                self.inventory.unresolved(unresolved)

    async def _keep_alive(self, session: Session) -> None:
        call = Call("CurrentTime", self.server)
        while True:
            idle = time.monotonic() - self._last_call
            if idle < self._tuning.keepalive:
                await asyncio.sleep(self._tuning.keepalive - idle)
                continue
            self._last_call = time.monotonic()
            await self._run(self._keeping, call, lambda live: live.keep_alive(), session)

    # --- up and down --------------------------------------------------------------------------------------------------

    def _came_up(self) -> None:
        self._breaker.close()
        self._error = None
        self._up.set()
        if self._grace is not None:
            self._grace.cancel()
            self._grace = None
        if self._reported_down:
            self._report(down=False)
        # Their views and collectors would stay until the session ends, and sessions live long.
        for poll in self._stale:
            self._keeping.submit(poll.close)
        self._stale.clear()

    def _went_down(self, error: OperatorError) -> None:
        before, self._error = self._error, error
        self._up.clear()
        self._breaker.trip(error.message)
        _log.warning("%s is not available: %s", self.server, error.message)
        if self._reported_down:
            if before is None or before.reason is not error.reason:
                self._wake_users()
        elif isinstance(error, Blocked):
            self._report(down=True)
        elif self._grace is None:
            loop = asyncio.get_running_loop()
            self._grace = loop.call_later(self._tuning.down_grace, self._report_down)

    def _report_down(self) -> None:
        self._grace = None
        self._report(down=True)

    def _report(self, *, down: bool) -> None:
        if self._grace is not None:
            self._grace.cancel()
            self._grace = None
        self._reported_down = down
        if self._observer is not None:
            self._observer.connected(self.server, up=not down)
        self._wake_users()

    def _wake_users(self) -> None:
        for key in tuple(self.users):
            self._notify(key)

    async def close(self) -> None:
        """Log out and let go of every thread; quick also when vCenter does not answer."""
        if self._grace is not None:
            self._grace.cancel()
        self._keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._keeper
        session, self._session = self._session, None
        if session is not None:
            loop = asyncio.get_running_loop()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._tuning.logout_timeout):
                    await loop.run_in_executor(self._keeping, session.log_out)
            session.calls.hang_up()
        self._calls.shutdown(wait=False, cancel_futures=True)
        self._keeping.shutdown(wait=False, cancel_futures=True)


class _Pauses:
    """How long the keeper waits after a failed attempt: longer each time, with jitter, by the kind of failure."""

    def __init__(self, tuning: Tuning) -> None:
        self._tuning = tuning
        self._failures = 0

    def reset(self) -> None:
        self._failures = 0

    def after(self, error: OperatorError) -> float:
        tuning = self._tuning
        first, longest = (
            (tuning.refused_first, tuning.refused_longest)
            if isinstance(error, Blocked)
            else (tuning.busy_pause if isinstance(error, Busy) else tuning.retry_first, tuning.retry_longest)
        )
        pause = min(longest, first * 2.0**self._failures)
        self._failures = min(self._failures + 1, 16)
        return pause * random.uniform(0.8, 1.2)  # noqa: S311 (jitter, no secret)


def _waiting(poll: Poll, version: str) -> Callable[[Session], Batch]:
    return lambda _: poll.wait(version)


def _changing(poll: Poll, add: list[MoRef], remove: list[MoRef]) -> Callable[[Session], tuple[MoRef, ...]]:
    return lambda _: poll.change(add, remove)


def _in_thread(call: Call, function: Callable[[Session], T], session: Session) -> T:
    """Make one call in a pool thread: name the operation, and translate what it raises."""
    name_operation()
    try:
        return function(session)
    except Exception as error:
        raise translate(error, call) from error


def _log_out_late(future: Future[Session]) -> None:
    """A login that ended after its connection was closed."""
    if not future.cancelled() and future.exception() is None:
        future.result().log_out()
