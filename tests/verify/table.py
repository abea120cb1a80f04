"""All rules: those of `verify.checks`, which any vCenter can be asked, found by looking and not by listing."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from verify import checks
from verify.rule import Rule, rule_of
from verify.scratch import Scratch

__all__ = ["Check", "all_checks"]


@dataclass(frozen=True)
class Check:
    """A rule and the function that shows it.

    Args:
        name: `<module>.<function>`.
        rule: What it shows.
        run: Raises AssertionError, or any other exception, where the server does not agree.
    """

    name: str
    rule: Rule
    run: Callable[[Scratch], None]


def all_checks() -> Iterator[Check]:
    """Yield every check, by module and in the order of the text."""
    for module in sorted(info.name for info in pkgutil.iter_modules(checks.__path__)):
        for name, function in vars(importlib.import_module(f"{checks.__name__}.{module}")).items():
            rule = rule_of(function)
            if rule is not None:
                yield Check(f"{module}.{name}", rule, function)
