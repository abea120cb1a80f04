"""Every rule of the twin with the function that shows it, whether a real vCenter can be asked or only the twin.

The functions are found by looking: those of `verify.checks`, and the decorated tests of the twin. The switches of the
twin and the calls that it refuses are read from its Go source, which is where they are decided.
"""

import importlib.util
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from verify.rule import Rule, rule_of
from verify.table import all_checks

__all__ = ["ROOT", "Denied", "Entry", "denied_calls", "entries", "modules_in", "switches"]

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""

_TESTS = ("tests/contract/twin", "tests/conformance")
_TWIN = ROOT / "tests" / "bed" / "vcenter"


@dataclass(frozen=True)
class Entry:
    """A rule and where it is shown.

    Args:
        rule: The rule.
        subject: What the module is about: "dvpg" for `checks/dvpg.py` and for `test_dvpg_create.py`.
        path: The module, from the top of the checkout.
        function: Its name.
    """

    rule: Rule
    subject: str
    path: str
    function: str


@dataclass(frozen=True)
class Denied:
    """A call that answers NotImplemented, on one type of object or on all, and what the stock simulator does."""

    method: str
    kind: str
    reason: str


def entries() -> Iterator[Entry]:
    """Yield every rule, in the order of the modules and of their text."""
    for check in all_checks():
        file = inspect.getsourcefile(check.run)
        assert file is not None
        yield _entry(check.rule, Path(file), check.run.__name__)
    for module, path in modules_in(*_TESTS):
        for name, function in vars(module).items():
            rule = rule_of(function)
            if rule is not None and name.startswith("test_"):
                yield _entry(rule, path, name)


def _entry(rule: Rule, file: Path, function: str) -> Entry:
    subject = file.stem.removeprefix("test_").partition("_")[0]
    return Entry(rule, subject, file.relative_to(ROOT).as_posix(), function)


def modules_in(*folders: str) -> Iterator[tuple[ModuleType, Path]]:
    """Import the test modules of the folders, by path as pytest does; yields each with its file."""
    for folder in folders:
        for path in sorted((ROOT / folder).glob("test_*.py")):
            spec = importlib.util.spec_from_file_location(f"book_{path.stem}", path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            yield module, path


def switches() -> set[str]:
    """Return the names of the twin's switches for what is undecided."""
    text = (_TWIN / "rules.go").read_text(encoding="utf-8")
    return set(re.findall(r'^\s+\w+\s+\w+\s+`json:"(\w+)"`', text, re.MULTILINE))


def denied_calls() -> list[Denied]:
    """Return the calls that the twin refuses, by name."""
    text = (_TWIN / "deny.go").read_text(encoding="utf-8")
    rows = re.findall(r'^\s+\{"(\w+)", "(\w*)"\}:\s+"([^"]+)",$', text, re.MULTILINE)
    return sorted((Denied(*row) for row in rows), key=lambda call: (call.method, call.kind))
