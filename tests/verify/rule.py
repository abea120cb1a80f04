"""One rule of vSphere: what a call does, how we know, and the function that shows it.

The idea: the decorator sits on the very function that proves the rule, so that the table in `docs/twin.md`, the test
suite and `make verify-vcenter` cannot tell different stories. A decorated function in `verify.checks` takes a `Scratch`
and nothing else, so it runs against any vCenter; one in `tests/contract/twin` may use the twin's control API.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

__all__ = ["Rule", "Standing", "rule", "rule_of"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Standing(StrEnum):
    """How a rule is known."""

    DOCUMENTED = "documented"
    """The API reference or a vendor's article says so."""
    OBSERVED = "observed"
    """Somebody saw a real server do it; the source says where."""
    INFERRED = "inferred"
    """Concluded from other rules. A real server may disagree."""


@dataclass(frozen=True)
class Rule:
    """What vCenter does, in one sentence.

    Args:
        call: The method of the API, or the property, that the rule is about: "ReconfigureDVPortgroup_Task".
        says: What happens, in one sentence that can be right or wrong.
        standing: How it is known.
        source: Where: a page of the API reference, a type and its member, an issue, an article.
        switch: The switch of the twin (`rules.go`) for a rule that is undecided; empty where there is none.
    """

    call: str
    says: str
    standing: Standing
    source: str
    switch: str = ""


def rule(
    *, call: str, says: str, standing: Standing | str, source: str, switch: str = ""
) -> Callable[[_Function], _Function]:
    """Say which rule a function proves."""
    described = Rule(call, says, Standing(standing), source, switch)

    def mark(function: _Function) -> _Function:
        function.__rule__ = described  # type: ignore[attr-defined]
        return function

    return mark


def rule_of(function: object) -> Rule | None:
    """Return the rule that a function proves, if it proves one."""
    found = getattr(function, "__rule__", None)
    return found if isinstance(found, Rule) else None
