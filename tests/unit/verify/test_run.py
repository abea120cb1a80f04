"""What a check's end means, and the words for what was seen, without a server."""

from collections.abc import Callable
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from verify.rule import Rule, Standing
from verify.run import Outcome, Verdict, ask_all
from verify.scratch import CannotAsk, Place, Scratch
from verify.table import Check

RULE = Rule("Rename_Task", "It is kept.", Standing.INFERRED, "nothing found")


class EmptyCorner:
    """A scratch place in which nothing ever is."""

    def __init__(self, *_: object) -> None:
        pass

    def sweep(self) -> list[str]:
        return []

    def appeared(self) -> list[Any]:
        return []


def version_stays(_: Scratch) -> None:
    raise AssertionError("the version moved")


def nothing_is_refused(_: Scratch) -> None:
    with pytest.raises(vim.fault.NotFound):
        pass


def no_second_host(_: Scratch) -> None:
    raise CannotAsk("the cluster has one host")


def no_permission(_: Scratch) -> None:
    raise vim.fault.NoPermission(msg="Permission to perform this operation was denied.")


def unexpected_fault(_: Scratch) -> None:
    raise vmodl.fault.SystemError(msg="A general system error occurred.")


def lost_connection(_: Scratch) -> None:
    raise ConnectionResetError("reset by peer")


def agreement(_: Scratch) -> None:
    pass


@pytest.mark.parametrize(
    ("run", "verdict", "detail"),
    [
        (agreement, Verdict.AGREES, ""),
        (version_stays, Verdict.DISAGREES, "the version moved"),
        (nothing_is_refused, Verdict.DISAGREES, "DID NOT RAISE vim.fault.NotFound"),
        (unexpected_fault, Verdict.DISAGREES, "SystemError: A general system error occurred."),
        (no_second_host, Verdict.NOT_ASKED, "the cluster has one host"),
        (no_permission, Verdict.NOT_ASKED, "NoPermission: Permission to perform this operation was denied."),
        (lost_connection, Verdict.NOT_ASKED, "the connection broke: reset by peer"),
    ],
)
def test_how_a_check_ends_is_the_verdict(
    monkeypatch: pytest.MonkeyPatch, run: Callable[[Scratch], None], verdict: Verdict, detail: str
) -> None:
    monkeypatch.setattr("verify.run.Corner", EmptyCorner)
    place = Place(datacenter=None, folder=None, switch=None, pool=None, host=None, datastore=None)
    told: list[Outcome] = []

    report = ask_all(
        None, place, "v0-", [Check("unit.check", RULE, run), Check("unit.last", RULE, agreement)], told.append
    )

    assert [(outcome.verdict, outcome.detail) for outcome in told] == [(verdict, detail), (Verdict.AGREES, "")]
    assert report.good is (verdict is not Verdict.DISAGREES)


def test_a_run_in_which_nothing_could_be_asked_is_not_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.run.Corner", EmptyCorner)
    place = Place(datacenter=None, folder=None, switch=None, pool=None, host=None, datastore=None)

    report = ask_all(None, place, "v0-", [Check("unit.check", RULE, no_permission)], lambda _: None)

    assert not report.good
