"""Asks one server about the rules, one after the other, and leaves its scratch place as it was.

A rule that the server breaks is found as a failed assertion or as a fault that the check did not expect. What keeps a
check from asking (no privilege, no license, no second host, no connection) is no disagreement.
"""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

import contextlib
import http.client
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.soap import message_of
from bed.waiting import NotInTimeError
from verify.place import Corner
from verify.scratch import CannotAsk, Place, Scratch
from verify.seen import seen
from verify.table import Check

__all__ = ["Outcome", "Report", "Verdict", "ask_all"]

_KEPT_FROM_ASKING = (
    vim.fault.NoPermission,
    vmodl.fault.SecurityError,
    vim.fault.InsufficientResourcesFault,
    vmodl.fault.NotEnoughLicenses,
    vim.fault.RestrictedVersion,
    vmodl.fault.NotImplemented,
    vmodl.fault.HostCommunication,
)


_UNREACHABLE = (OSError, http.client.HTTPException)
"""No connection, or an HTTP status in the place of an answer, such as the 503 of a vCenter that starts."""

_KEPT_FROM_TIDYING = (vmodl.MethodFault, NotInTimeError, *_UNREACHABLE)


class Verdict(StrEnum):
    """What asking came to."""

    AGREES = "agrees"
    DISAGREES = "DISAGREES"
    NOT_ASKED = "could not be asked"


@dataclass(frozen=True)
class Outcome:
    """One rule and what the server says to it; `detail` is what was seen, or what kept us from asking."""

    check: Check
    verdict: Verdict
    detail: str = ""
    seconds: float = 0.0


@dataclass
class Report:
    """A run: the outcomes, what could not be cleaned up, and whether it came to its end."""

    outcomes: list[Outcome] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    interrupted: bool = False

    def count(self, verdict: Verdict) -> int:
        """How many rules came to this."""
        return sum(outcome.verdict is verdict for outcome in self.outcomes)

    @property
    def good(self) -> bool:
        """The server was asked something, broke no rule, and is as it was."""
        broken = self.count(Verdict.DISAGREES) or self.left or self.interrupted
        return not broken and self.count(Verdict.AGREES) > 0


def ask_all(
    instance: Any, place: Place, prefix: str, checks: Iterable[Check], tell: Callable[[Outcome], None]
) -> Report:
    """Ask about each rule; `tell` hears of each outcome. Ctrl-C ends the asking, never the cleaning up."""
    report = Report()
    corner = Corner(instance, place, prefix)
    try:
        for check in checks:
            scratch = Scratch(instance, place, prefix)
            try:
                outcome = _ask(check, scratch)
            finally:
                _tidy(scratch, corner)
            report.outcomes.append(outcome)
            tell(outcome)
    except KeyboardInterrupt:
        report.interrupted = True
    report.left = _clean(corner, prefix)
    return report


def _tidy(scratch: Scratch, corner: Corner) -> None:
    """Remove what one check made, kept or not: the next one may use the same names. What fails shows at the end."""
    with contextlib.suppress(*_KEPT_FROM_TIDYING):
        scratch.clean()
    with contextlib.suppress(*_KEPT_FROM_TIDYING):
        corner.sweep()


def _clean(corner: Corner, prefix: str) -> list[str]:
    """Empty the scratch place; return what is left there, with the reason."""
    try:
        refused = corner.sweep()
        foreign = [thing for thing in corner.appeared() if not thing.name.startswith(prefix)]
    except _KEPT_FROM_TIDYING as error:
        return [f"it is not known what is left: {error}. Look for names that begin with {prefix}"]
    return refused + [f"{thing}: appeared during the run without its prefix, not touched" for thing in foreign]


def _ask(check: Check, scratch: Scratch) -> Outcome:
    started = time.monotonic()
    verdict, detail = Verdict.AGREES, ""
    try:
        check.run(scratch)
    except (CannotAsk, NotInTimeError) as reason:  # a task that a busy server has not come to proves nothing
        verdict, detail = Verdict.NOT_ASKED, str(reason)
    except (AssertionError, pytest.fail.Exception) as error:  # the latter, of pytest.raises, is no Exception
        verdict, detail = Verdict.DISAGREES, seen(error)
    except _KEPT_FROM_ASKING as fault:
        verdict, detail = Verdict.NOT_ASKED, _words(fault)
    except vmodl.MethodFault as fault:
        verdict, detail = Verdict.DISAGREES, _words(fault)
    except _UNREACHABLE as error:
        verdict, detail = Verdict.NOT_ASKED, f"the connection broke: {error}"
    except Exception as error:  # noqa: BLE001 - a server that answers in another form breaks the check's own reading
        verdict, detail = Verdict.DISAGREES, f"the check could not read the answer: {type(error).__name__}: {error}"
    return Outcome(check, verdict, detail, time.monotonic() - started)


def _words(fault: Any) -> str:
    return f"{type(fault).__name__.rpartition('.')[2]}: {message_of(fault)}"
