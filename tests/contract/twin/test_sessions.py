"""How many sessions there may be, how long one lives, and what its end does to whoever waits in it."""

import http.client
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyVmomi import SoapStubAdapter, vim, vmodl

from bed.lab import Lab
from bed.soap import Updates, connect
from bed.twin import ADMINISTRATOR, ALICE, OPERATOR, Twin
from bed.waiting import wait_for
from verify.rule import rule


@pytest.fixture(scope="module")
def shared() -> Iterator[Twin]:
    """One twin for this module, whose sessions end with each test."""
    with Twin() as twin:
        yield twin


@pytest.fixture(autouse=True)
def unlimited(shared: Twin) -> Iterator[None]:
    """Leave no session and no limit behind."""
    yield
    shared.control.clock(skew_seconds=0)
    shared.control.session_limits(idle_seconds=1800, lifetime_seconds=0, maximum=2000)
    shared.control.kill_sessions()


@pytest.fixture
def waiter(shared: Twin) -> Iterator["Waiter"]:
    """A session of the operator's that waits for updates."""
    with connect(shared, OPERATOR) as instance:
        waiter = Waiter(instance)
        shared.control.reset_counters()
        waiter.thread.start()
        yield waiter
        waiter.thread.join(10)
        assert not waiter.thread.is_alive(), "the wait is over with its session"


def stranger(twin: Twin) -> Callable[[], Any]:
    """Return a call of RetrieveServiceContent on a connection without a session."""
    context = ssl.create_default_context(cafile=str(twin.ca))
    stub = SoapStubAdapter(
        host=twin.host, port=twin.port, path="/sdk", version="vim.version.v8_0_3_0", sslContext=context
    )
    return vim.ServiceInstance("ServiceInstance", stub).RetrieveContent


class Waiter:
    """A long poll in a thread of its own, and what it ended with."""

    def __init__(self, instance: Any) -> None:
        self.key = instance.content.sessionManager.currentSession.key
        self.end: Any = None
        self._updates = Updates(instance, instance.content.rootFolder, {vim.Folder: ["name"]})
        self._updates.wait(0)
        self.thread = threading.Thread(target=self._wait)

    def _wait(self) -> None:
        try:
            self.end = self._updates.wait(60)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
            self.end = error


@rule(
    call="TerminateSession",
    says="A wait for updates in the session that ends is RequestCanceled.",
    standing="documented",
    source="API reference, PropertyCollector.WaitForUpdatesEx, RequestCanceled",
)
@pytest.mark.parametrize("how", ["terminate", "kill", "idle", "age"])
def test_the_end_of_a_session_ends_its_wait(shared: Twin, waiter: Waiter, how: str) -> None:
    def terminate() -> None:
        with connect(shared) as other:
            other.content.sessionManager.TerminateSession([waiter.key])

    def skew(idle: float, age: float) -> Callable[[], None]:
        def late() -> None:
            shared.control.session_limits(idle_seconds=idle, lifetime_seconds=age)
            shared.control.clock(skew_seconds=3600)

        return late

    wait_for(
        lambda: shared.control.calls("WaitForUpdatesEx", user=OPERATOR),
        "the wait to begin",
        seconds=10,
    )
    {
        "terminate": terminate,
        "kill": lambda: shared.control.kill_sessions(user=OPERATOR),
        "idle": skew(60.0, 0.0),
        "age": skew(0.0, 60.0),
    }[how]()

    waiter.thread.join(10)
    assert isinstance(waiter.end, vmodl.fault.RequestCanceled)


@rule(
    call="UserSession",
    says="A session ends a given time after its login, however busy it is.",
    standing="observed",
    source="cluster-api-provider-vsphere issue 2781: 86,400 s",
)
def test_a_busy_session_dies_of_old_age(shared: Twin) -> None:
    shared.control.session_limits(idle_seconds=1800, lifetime_seconds=86400)
    with connect(shared) as instance:
        for minutes in range(0, 24 * 60, 20):
            shared.control.clock(skew_seconds=60.0 * minutes)
            assert instance.CurrentTime()

        shared.control.clock(skew_seconds=86460)
        with pytest.raises(vim.fault.NotAuthenticated):
            instance.CurrentTime()


@rule(
    call="UserSession",
    says="A session that makes no call for 30 minutes ends; every call starts the time anew.",
    standing="observed",
    source="Broadcom KB 1031039; pyvmomi issue 953",
)
def test_a_call_keeps_a_session_alive(shared: Twin) -> None:
    with connect(shared) as instance:
        for minutes in (20, 40, 60):
            shared.control.clock(skew_seconds=60.0 * minutes)
            assert instance.CurrentTime()

        shared.control.clock(skew_seconds=60.0 * 91)
        with pytest.raises(vim.fault.NotAuthenticated):
            instance.CurrentTime()


@rule(
    call="Login",
    says="Beyond 2000 sessions whoever has none gets HTTP 503, even for RetrieveServiceContent; the others go on.",
    standing="observed",
    source="Broadcom KB 375546; kops issue 2747",
)
def test_a_full_house_answers_http_503(shared: Twin) -> None:
    with connect(shared) as instance:
        shared.control.session_limits(maximum=1)

        content = stranger(shared)
        with pytest.raises(http.client.HTTPException, match="503"):
            content()
        assert instance.CurrentTime()

        shared.control.session_limits(maximum=2)
        assert content()


@rule(
    call="SessionManager",
    says="A session that ended by idling makes room under the limit of sessions.",
    standing="inferred",
    source="the limit counts live sessions",
)
def test_an_idle_session_makes_room(shared: Twin) -> None:
    with connect(shared):
        shared.control.session_limits(maximum=1)
        shared.control.clock(skew_seconds=3600)

        with connect(shared, ALICE) as other:
            assert other.CurrentTime()


@rule(
    call="TerminateSession",
    says="Sessions are ended in turn: those before an unknown one stay ended, those behind it go on.",
    standing="documented",
    source="API reference, SessionManager.TerminateSession",
)
def test_a_list_of_sessions_is_ended_up_to_the_unknown_one(shared: Twin) -> None:
    with connect(shared) as admin, connect(shared, OPERATOR) as first, connect(shared, ALICE) as second:
        keys = [i.content.sessionManager.currentSession.key for i in (first, second)]
        with pytest.raises(vim.fault.NotFound):
            admin.content.sessionManager.TerminateSession([keys[0], "no such key", keys[1]])

        with pytest.raises(vim.fault.NotAuthenticated):
            first.CurrentTime()
        assert second.CurrentTime()


@rule(
    call="CloneSession",
    says="A ticket opens one session with the identity of the one it came from; a second use is InvalidLogin.",
    standing="documented",
    source="API reference, SessionManager.AcquireCloneTicket, CloneSession",
)
def test_a_ticket_opens_one_session(shared: Twin) -> None:
    with connect(shared, ALICE) as instance:
        ticket = instance.content.sessionManager.AcquireCloneTicket()
        content = stranger(shared)
        fresh = content().sessionManager

        session = fresh.CloneSession(ticket)

        assert session.userName == ALICE.shown
        assert session.key != instance.content.sessionManager.currentSession.key
        assert fresh.currentSession.key == session.key
        fresh.Logout()
        with pytest.raises(vim.fault.InvalidLogin):
            fresh.CloneSession(ticket)


@rule(
    call="UserLoginSessionEvent",
    says="Login, logout, a wrong password and the end of another's session are events that name user and session.",
    standing="documented",
    source="API reference, UserLoginSessionEvent, BadUsernameSessionEvent, SessionTerminatedEvent",
)
def test_sessions_are_told_as_events(shared: Twin) -> None:
    with connect(shared) as admin:
        with connect(shared, ALICE) as alice:
            key = alice.content.sessionManager.currentSession.key
        with connect(shared, OPERATOR) as operator:
            other = operator.content.sessionManager.currentSession.key
            admin.content.sessionManager.TerminateSession([other])
        with pytest.raises(vim.fault.InvalidLogin), connect(shared, ALICE.__class__("mallory@lab.example", "x", "")):
            pass
        events = admin.content.eventManager.QueryEvents(vim.event.EventFilterSpec())

    def one(kind: Any, **wanted: str) -> Any:
        return next(
            e
            for e in events
            if isinstance(e, kind) and all(getattr(e, name) == value for name, value in wanted.items())
        )

    assert one(vim.event.UserLoginSessionEvent, sessionId=key).userName == ALICE.shown
    assert one(vim.event.UserLogoutSessionEvent, sessionId=key).callCount > 0
    ended = one(vim.event.SessionTerminatedEvent, sessionId=other)
    assert (ended.terminatedUsername, ended.userName) == (OPERATOR.shown, ADMINISTRATOR.shown)
    assert one(vim.event.BadUsernameSessionEvent, userName="LAB.EXAMPLE\\mallory").ipAddress


@rule(
    call="UpdateServiceMessage",
    says="Sets the message that SessionManager.message shows to every session.",
    standing="documented",
    source="API reference, SessionManager.UpdateServiceMessage",
)
def test_everybody_can_read_the_message(shared: Twin) -> None:
    with connect(shared) as admin, connect(shared, ALICE) as alice:
        admin.content.sessionManager.UpdateServiceMessage("maintenance at noon")

        assert alice.content.sessionManager.message == "maintenance at noon"
        admin.content.sessionManager.UpdateServiceMessage("")


@rule(
    call="UserSession",
    says="ipAddress and userAgent tell where a session comes from.",
    standing="documented",
    source="API reference, UserSession.ipAddress and userAgent",
)
def test_a_session_says_where_it_comes_from(shared: Twin) -> None:
    with connect(shared) as instance:
        lab = Lab(shared, instance)
        session = lab.content.sessionManager.currentSession

        assert session.ipAddress == "127.0.0.1"
        assert "pyvmomi" in session.userAgent.lower()
        assert session.locale == session.messageLocale == "en"
        calls = session.callCount
        assert lab.content.sessionManager.currentSession.callCount > calls
