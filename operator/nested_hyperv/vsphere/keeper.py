"""Keeps one vCenter connected: logs in, listens, and does it again whenever that ends. Lives on the event loop.

It alone owns the session and alone probes a vCenter that is down, so that no worker is ever spent on that. Any error of
the long poll makes a new collector, filter and view on the same session; only ``NotAuthenticated`` makes a new session.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import time
from typing import TYPE_CHECKING, TypeVar

from nested_hyperv.domain.errors import OperatorError, Unreachable
from nested_hyperv.vsphere.faults import Call, SessionLost
from nested_hyperv.vsphere.pauses import Pauses
from nested_hyperv.vsphere.poll import Batch, Poll
from nested_hyperv.vsphere.port_news import PortNews, port_groups_of
from nested_hyperv.vsphere.session import Session, first_channel, log_in
from nested_hyperv.vsphere.transport import endpoint_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from nested_hyperv.api.connection import Connection
    from nested_hyperv.domain.inventory import MoRef, VCenterAbout
    from nested_hyperv.vsphere.availability import Availability
    from nested_hyperv.vsphere.breaker import Breaker
    from nested_hyperv.vsphere.inventory import Inventory
    from nested_hyperv.vsphere.threads import Threads
    from nested_hyperv.vsphere.transport import Channel
    from nested_hyperv.vsphere.tuning import Tuning

__all__ = ["Keeper"]

_log = logging.getLogger(__name__)

T = TypeVar("T")


class Keeper:
    """Owner of the session."""

    def __init__(
        self,
        connection: Connection,
        tuning: Tuning,
        *,
        threads: Threads,
        breaker: Breaker,
        availability: Availability,
        inventory: Inventory,
        changed: asyncio.Event,
    ) -> None:
        self._connection = connection
        self._tuning = tuning
        self._threads = threads
        self._breaker = breaker
        self._availability = availability
        self._inventory = inventory
        self._changed = changed
        self._server = availability.server
        self.session: Session | None = None
        self.about: VCenterAbout | None = None
        #: Grows with every login: what was learned in an older session may be wrong in this one.
        self.generation = 0
        self.since = time.monotonic()
        self.last_call = time.monotonic()
        self._lost = asyncio.Event()
        self._pauses = Pauses(tuning)
        self._port_news = PortNews()
        self._stale: list[Poll] = []
        self._login: tuple[Future[Session], Channel] | None = None
        self._task = asyncio.get_running_loop().create_task(
            # Its own context: the keeper outlives the pass that happened to open the connection.
            self._keep(),
            name=f"vcenter {self._server}",
            context=contextvars.Context(),
        )

    def lose(self, session: Session) -> None:
        """Look after a session that does not work; only the first to notice matters."""
        if session is self.session:
            self._availability.pause()
            self._lost.set()

    async def close(self) -> None:
        """Stop, and log out; quick also when vCenter does not answer."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        session, self.session = self.session, None
        if self._login is not None:
            session = await self._late_login(*self._login)
        if session is not None:
            await self._end_of(self._threads.submit(session.log_out))
            session.calls.hang_up()

    async def _late_login(self, future: Future[Session], channel: Channel) -> Session | None:
        """Wait a moment for a login that is under way, to log out again; then break it off."""
        session = await self._end_of(future)
        if session is None:
            channel.hang_up()
        return session

    async def _end_of(self, future: Future[T]) -> T | None:
        """Wait for as long as the end may take; ``None`` if that was not enough, or if it failed."""
        waiting = asyncio.wrap_future(future)
        await asyncio.wait([waiting], timeout=self._tuning.logout_timeout)
        if not waiting.done() or waiting.cancelled() or waiting.exception() is not None:
            return None
        return waiting.result()

    # --- connecting -----------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        while True:
            error = await self._round()
            if error is not None:
                await asyncio.sleep(self._pauses.after(error))

    async def _round(self) -> OperatorError | None:
        """Connect and listen until that ends; returns what calls for a pause before the next round."""
        try:
            poll = await self._establish()
        except Exception as error:  # noqa: BLE001 (a bug must not end what alone can bring this vCenter back)
            failure = self._understood(error)
            self._breaker.trip(failure.message)
            self._availability.went_down(failure)
            return failure
        self._breaker.close()
        self._availability.came_up()
        self._clean_up()
        heard = self._inventory.pushes
        try:
            await self._serve(poll)
        except Exception as error:  # noqa: BLE001 (as above)
            failure = self._understood(error)
            _log.info("%s: %s Listening again.", self._server, failure.message)
            if isinstance(failure, SessionLost):
                self._availability.pause()
            elif self._inventory.pushes == heard:
                return failure
        return None

    def _understood(self, error: Exception) -> OperatorError:
        if isinstance(error, OperatorError):
            return error
        _log.error("Keeping %s connected failed unexpectedly", self._server, exc_info=error)
        return Unreachable(f"{self._server} sent something that could not be understood: {error}")

    async def _establish(self) -> Poll:
        """Make a poll on the session that there is, or on a new one if the server has ended it."""
        if not self._breaker.closed:
            self._breaker.probe()
        if self.session is not None:
            try:
                return await self._new_poll(self.session)
            except SessionLost:
                self.session.calls.DropConnections()
                self.session = None
                self._stale.clear()
        self._availability.pause()
        session = await self._log_in()
        self._arrive(session)
        return await self._new_poll(session)

    async def _log_in(self) -> Session:
        endpoint = endpoint_for(self._connection, self._tuning)
        channel = first_channel(endpoint, self._tuning)
        future = self._threads.submit(lambda: log_in(channel, endpoint, self._connection))
        self._login = (future, channel)
        # Shielded: a login that is under way when we are closed has to be logged out again.
        session = await asyncio.shield(asyncio.wrap_future(future))
        self._login = None
        return session

    def _arrive(self, session: Session) -> None:
        if self.about is not None and self.about.instance_uuid != session.about.instance_uuid:
            _log.warning("%s is another vCenter than before: %s", self._server, session.about.instance_uuid)
            self._inventory.clear()
            self._port_news.restart()
            self._availability.wake_users()
        self.session = session
        self.about = session.about
        self.generation += 1
        self.since = time.monotonic()

    async def _new_poll(self, session: Session) -> Poll:
        poll = await self._threads.keep(
            Call("CreatePropertyCollector", self._server), lambda live: Poll(live, self._tuning), session
        )
        self._lost.clear()
        if poll.events_before is not None:
            self._port_news.begin(poll.events_before)
        self._inventory.resync()
        return poll

    def _clean_up(self) -> None:
        """Give back views and collectors of earlier polls: they would stay until the session ends."""
        for poll in self._stale:
            self._threads.submit(poll.close)
        self._stale.clear()

    # --- listening ------------------------------------------------------------------------------------------------

    async def _serve(self, poll: Poll) -> None:
        """Run until something says that poll or session is of no use any more; raises what said it."""
        session = self.session
        if session is None:
            raise Unreachable(f"{self._server} has no session.")
        tasks = [
            asyncio.ensure_future(work)
            for work in (
                self._listen(poll, session),
                self._notice_silence(),
                self._feed(poll, session),
                self._tell_of_ports(session),
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
        call = Call("WaitForUpdatesEx", self._server)
        version, view = "", self._inventory.view_changes
        while True:
            batch = await self._threads.keep(call, _waiting(poll, version), session)
            self._pauses.reset()
            version = batch.version
            self._inventory.apply(batch.updates)
            if batch.port_events is not None:
                self._port_news.take(batch.port_events)
            if not batch.truncated:
                # An answer tells of the view as it was when it was asked for, at least.
                self._inventory.untold(view)
                view = self._inventory.view_changes

    async def _notice_silence(self) -> None:
        """A poll that goes on waiting has nothing to tell, of what came into the view since it was asked for either."""
        while True:
            heard, view = self._inventory.pushes, self._inventory.view_changes
            await asyncio.sleep(self._tuning.poll_quiet)
            if self._inventory.pushes == heard:
                self._inventory.untold(view)

    async def _feed(self, poll: Poll, session: Session) -> None:
        call = Call("ModifyListView", self._server)
        while True:
            await self._changed.wait()
            await asyncio.sleep(self._tuning.watch_batch)
            self._changed.clear()
            while any(changes := self._inventory.take_changes(self._tuning.chunk)):
                unresolved = await self._threads.keep(call, _changing(poll, *changes), session)
                self._inventory.unresolved(unresolved)
                self._inventory.taken(changes[0])

    async def _tell_of_ports(self, session: Session) -> None:
        call = Call("FetchDVPorts", self._server)
        while True:
            switch, ports = await self._port_news.wait()
            if self._inventory.watches_switch(switch):
                try:
                    self._inventory.ports_changed(await self._threads.keep(call, _having(switch, ports), session))
                except SessionLost:
                    raise  # asked again in the next one
                except OperatorError as error:
                    # Not worth a new poll: ports are looked at now and then all the same.
                    _log.info("%s: whose ports of %s were changed is not told: %s", self._server, switch, error.message)
            self._port_news.told(switch, ports)

    async def _keep_alive(self, session: Session) -> None:
        call = Call("CurrentTime", self._server)
        while True:
            idle = time.monotonic() - self.last_call
            if idle < self._tuning.keepalive:
                await asyncio.sleep(self._tuning.keepalive - idle)
                continue
            self.last_call = time.monotonic()
            await self._threads.keep(call, lambda live: live.keep_alive(), session)


def _waiting(poll: Poll, version: str) -> Callable[[Session], Batch]:
    return lambda _: poll.wait(version)


def _having(switch: MoRef, ports: frozenset[str]) -> Callable[[Session], frozenset[str]]:
    return lambda session: port_groups_of(session, switch, ports)


def _changing(poll: Poll, add: list[MoRef], remove: list[MoRef]) -> Callable[[Session], tuple[MoRef, ...]]:
    return lambda _: poll.change(add, remove)
