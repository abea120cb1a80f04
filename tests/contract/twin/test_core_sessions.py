"""Logins, sessions and certificates of the vCenter twin."""

import hashlib
import socket
import ssl
from collections.abc import Callable

import pytest
from pyVim.connect import SmartConnect
from pyVmomi import vim

from bed.soap import connect, message_of
from bed.twin import ADMINISTRATOR, ALICE, OPERATOR, Login, Twin
from bed.waiting import wait_for
from verify.rule import rule


@rule(
    call="UserSession.userName",
    says="A login as user@domain is printed as DOMAIN\\user, whichever way it was typed.",
    standing="observed",
    source="pyvmomi and govmomi session listings in issues",
)
def test_a_domain_user_logs_in_and_is_printed_as_vcenter_prints_it(shared_twin: Twin) -> None:
    with connect(shared_twin, OPERATOR) as instance:
        session = instance.content.sessionManager.currentSession

        assert session.userName == "VSPHERE.LOCAL\\operator"
        assert instance.content.about.apiVersion == "8.0.3.0"
        assert instance._stub.version == "vim.version.v8_0_3_0"  # noqa: SLF001 - what pyVmomi agreed on


@rule(
    call="Login",
    says="user@domain and DOMAIN\\user are the same person, printed as DOMAIN\\user.",
    standing="inferred",
    source="vSphere API reference, UserSession.userName; no source found for the two spellings",
)
def test_the_other_spelling_of_a_domain_user_is_the_same_person(shared_twin: Twin) -> None:
    with connect(shared_twin, Login("LAB.example\\alice", ALICE.password, ALICE.shown)) as instance:
        assert instance.content.sessionManager.currentSession.userName == ALICE.shown


@rule(
    call="Login",
    says="A wrong name or a wrong password is InvalidLogin.",
    standing="documented",
    source="API reference, SessionManager.Login",
)
@pytest.mark.parametrize(
    ("name", "password"),
    [(ALICE.name, "wrong"), ("nobody@lab.example", ALICE.password), (ALICE.name, OPERATOR.password)],
)
def test_a_wrong_name_or_password_is_invalid_login(shared_twin: Twin, name: str, password: str) -> None:
    with pytest.raises(vim.fault.InvalidLogin), connect(shared_twin, Login(name, password, "")):
        pass


@rule(
    call="Login",
    says="A second login on a live session is InvalidLogin.",
    standing="documented",
    source="API reference, SessionManager.Login",
)
def test_a_second_login_on_a_live_session_is_refused(shared_twin: Twin) -> None:
    with connect(shared_twin) as instance, pytest.raises(vim.fault.InvalidLogin):
        instance.content.sessionManager.Login(ALICE.name, ALICE.password, None)


@pytest.mark.infrastructure("the certificate of the twin")
def test_the_certificate_is_verifiable_and_its_thumbprint_is_told(shared_twin: Twin) -> None:
    context = ssl.create_default_context(cafile=str(shared_twin.ca))
    with (
        socket.create_connection((shared_twin.host, shared_twin.port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        certificate = secure.getpeercert(binary_form=True)

    assert certificate is not None
    digest = hashlib.sha256(certificate).hexdigest().upper()
    assert ":".join(digest[i : i + 2] for i in range(0, len(digest), 2)) == shared_twin.thumbprint


@pytest.mark.infrastructure("the certificate of the twin")
def test_an_unknown_authority_is_not_trusted(shared_twin: Twin) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        SmartConnect(
            host=shared_twin.host,
            port=shared_twin.port,
            user=ALICE.name,
            pwd=ALICE.password,
            sslContext=ssl.create_default_context(),
        )


def _by_control(twin: Twin, _key: str) -> None:
    assert twin.control.kill_sessions(user=OPERATOR) == 1


def _by_terminate(twin: Twin, key: str) -> None:
    with connect(twin, ADMINISTRATOR) as other:
        other.content.sessionManager.TerminateSession([key])


def _by_idling(twin: Twin, _key: str) -> None:
    twin.control.clock(skew_seconds=3600)


@rule(
    call="NotAuthenticated",
    says="A call in a session that has ended is NotAuthenticated with privilege System.View.",
    standing="observed",
    source="pyvmomi issue 349",
)
@pytest.mark.parametrize("end", [_by_control, _by_terminate, _by_idling])
def test_a_call_after_the_end_of_the_session_is_not_authenticated(twin: Twin, end: Callable[[Twin, str], None]) -> None:
    with connect(twin, OPERATOR) as instance:
        manager = instance.content.sessionManager
        end(twin, manager.currentSession.key)

        with pytest.raises(vim.fault.NotAuthenticated) as caught:
            instance.CurrentTime()

        assert message_of(caught.value) == "The session is not authenticated."
        assert caught.value.privilegeId == "System.View"


@rule(
    call="TerminateSession",
    says="The own session is InvalidArgument, an unknown one NotFound.",
    standing="documented",
    source="API reference, SessionManager.TerminateSession",
)
def test_terminating_the_own_or_an_unknown_session_is_refused(shared_twin: Twin) -> None:
    with connect(shared_twin) as instance:
        manager = instance.content.sessionManager
        with pytest.raises(vim.fault.NotFound):
            manager.TerminateSession(["no such key"])
        with pytest.raises(Exception, match="sessionId"):
            manager.TerminateSession([manager.currentSession.key])
        assert instance.CurrentTime()


@rule(
    call="Logout",
    says="A session's views, collectors and filters end with it.",
    standing="documented",
    source="API reference, ViewManager: a view lasts as long as its session",
)
def test_logout_leaves_no_session_view_or_filter(twin: Twin) -> None:
    with connect(twin) as instance:
        content = instance.content
        content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)
        content.propertyCollector.CreatePropertyCollector()
        assert twin.control.state().views == 1

    state = twin.control.state()
    assert (state.sessions, state.views, state.filters) == ((), 0, 0)


@pytest.mark.infrastructure("the process")
def test_the_twin_ends_when_its_standard_input_closes() -> None:
    twin = Twin().start()
    process = twin._process  # noqa: SLF001 - the launcher's death is played here
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()

    wait_for(lambda: process.poll() is not None, "the twin to end", seconds=10)
    twin.stop()
