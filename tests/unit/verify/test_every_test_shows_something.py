"""Each test of the twin says which rule it shows, or that it shows the twin as a tool; each undecided rule is shown."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from verify.book import entries, modules_in, switches
from verify.rule import rule_of


def marks(thing: Any) -> set[str]:  # noqa: ANN401 - a module or a function
    """Return the names of a test's or module's pytest marks."""
    found = getattr(thing, "pytestmark", [])
    return {mark.name for mark in (found if isinstance(found, list) else [found])}


def functions(module: ModuleType) -> Iterator[Any]:
    yield from (function for name, function in vars(module).items() if name.startswith("test_"))


def test_each_test_of_the_twin_shows_a_rule_or_the_tool() -> None:
    modules = list(modules_in("tests/contract/twin"))
    assert modules

    neither = [
        f"{path.name}::{function.__name__}"
        for module, path in modules
        for function in functions(module)
        if rule_of(function) is None and "infrastructure" not in marks(module) | marks(function)
    ]

    assert neither == [], "put @rule(...) on each, or @pytest.mark.infrastructure(what)"


def test_each_switch_for_what_is_undecided_stands_at_a_rule() -> None:
    named = {entry.rule.switch for entry in entries()} - {""}

    assert named - switches() == set(), "no such switch in rules.go"
    assert switches() - named == set(), "no rule names them"
