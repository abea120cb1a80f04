"""Sessions: what a login can say of itself and of others."""

import contextlib

import pytest
from pyVmomi import vim, vmodl

from verify.rule import rule
from verify.scratch import Scratch


@rule(
    call="SessionManager.currentSession",
    says="The session of the caller: its user, when it logged in, from where, and with which client.",
    standing="documented",
    source="API reference, SessionManager.currentSession, UserSession",
)
def a_session_knows_itself(scratch: Scratch) -> None:
    session = scratch.content.sessionManager.currentSession

    assert session.key
    assert "\\" in session.userName or "@" not in session.userName
    assert session.ipAddress
    assert session.loginTime <= session.lastActiveTime
    assert session.callCount > 0


@rule(
    call="SessionManager.sessionList",
    says="Has the caller's own session among all that are logged in.",
    standing="documented",
    source="API reference, SessionManager.sessionList",
)
def the_own_session_is_in_the_list(scratch: Scratch) -> None:
    manager = scratch.content.sessionManager

    assert manager.currentSession.key in {session.key for session in manager.sessionList}


@rule(
    call="Login",
    says="On a connection that is logged in already, a second login is InvalidLogin.",
    standing="documented",
    source="API reference, SessionManager.Login; seen in terraform-provider-vsphere issue 537",
)
def a_second_login_on_a_live_session_is_refused(scratch: Scratch) -> None:
    with pytest.raises(vim.fault.InvalidLogin):
        scratch.content.sessionManager.Login("nobody@nowhere.example", "no password", None)


@rule(
    call="TerminateSession",
    says="The caller's own session is InvalidArgument; Logout is for that.",
    standing="documented",
    source="API reference, SessionManager.TerminateSession",
)
def the_own_session_cannot_be_terminated(scratch: Scratch) -> None:
    manager = scratch.content.sessionManager
    with pytest.raises(vmodl.fault.InvalidArgument):
        manager.TerminateSession([manager.currentSession.key])

    assert scratch.instance.CurrentTime()


@rule(
    call="TerminateSession",
    says="An unknown session is NotFound.",
    standing="documented",
    source="API reference, SessionManager.TerminateSession",
)
def an_unknown_session_cannot_be_terminated(scratch: Scratch) -> None:
    with pytest.raises(vim.fault.NotFound):
        scratch.content.sessionManager.TerminateSession(["52000000-0000-0000-0000-000000000000"])


@rule(
    call="SessionIsActive",
    says="True for a session and the user it belongs to, false for any other key.",
    standing="documented",
    source="API reference, SessionManager.SessionIsActive",
)
def a_session_is_active_for_its_user(scratch: Scratch) -> None:
    manager = scratch.content.sessionManager
    mine = manager.currentSession

    assert manager.SessionIsActive(mine.key, mine.userName)
    assert not manager.SessionIsActive("52000000-0000-0000-0000-000000000000", mine.userName)


@rule(
    call="SetLocale",
    says="Changes the session's locale; one that is no locale is InvalidLocale.",
    standing="documented",
    source="API reference, SessionManager.SetLocale, UserSession.locale",
)
def a_locale_is_a_language_and_a_country(scratch: Scratch) -> None:
    manager = scratch.content.sessionManager
    before = manager.currentSession.locale
    with contextlib.ExitStack() as undo:
        undo.callback(manager.SetLocale, before)
        manager.SetLocale("de")

        assert manager.currentSession.locale == "de"
        with pytest.raises(vim.fault.InvalidLocale):
            manager.SetLocale("no locale at all")


@rule(
    call="AcquireCloneTicket",
    says="Gives a ticket, another one each time.",
    standing="documented",
    source="API reference, SessionManager.AcquireCloneTicket",
)
def a_clone_ticket_is_good_for_one_use(scratch: Scratch) -> None:
    manager = scratch.content.sessionManager

    assert manager.AcquireCloneTicket() != manager.AcquireCloneTicket()


@rule(
    call="CloneSession",
    says="A ticket that nobody gave out is InvalidLogin.",
    standing="documented",
    source="API reference, SessionManager.CloneSession",
)
def an_unknown_ticket_opens_nothing(scratch: Scratch) -> None:
    with pytest.raises(vim.fault.InvalidLogin):
        scratch.content.sessionManager.CloneSession("no such ticket")
