"""Writes docs/twin.md: the rules from the functions that show them, inside a text that is written by hand.

    python -m verify.docs [--check]

The hand-written part is `twin.template.md` beside this file.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from nested_hyperv.api.generated import settle
from verify.book import ROOT, Entry, denied_calls, entries, switches
from verify.rule import Standing

__all__ = ["main", "render"]

_TEMPLATE = Path(__file__).with_name("twin.template.md")
_TITLES = {
    "dvpg": "Distributed port groups",
    "dvport": "Distributed ports",
    "dvs": "Distributed switches",
    "standard": "Standard switches",
    "vm": "Virtual machines",
    "clones": "Clones",
    "snapshots": "Snapshots",
    "relocate": "Relocation and registration",
    "churn": "Inventory that changes",
    "sessions": "Sessions",
    "privileges": "Privileges",
    "events": "Events",
    "tasks": "Tasks",
    "collector": "Property collector and views",
    "core": "The protocol, and a vCenter that restarts",
}
"""The subjects in the order of the page; one that is missing here comes last, under its own name."""
_ALIASES = {
    "control": "core",
    "folders": "churn",
    "hosts": "churn",
    "pools": "churn",
    "retrieve": "collector",
    "switch": "dvs",
    "views": "collector",
    "visibility": "privileges",
}
"""Modules whose rules belong to the subject of another."""
_HEADING = ["| Call | Rule | Standing | Source | Switch | Shown by |", "|---|---|---|---|---|---|"]


def render() -> str:
    """Return the page."""
    found = list(entries())
    unknown = sorted({entry.rule.switch for entry in found} - switches() - {""})
    if unknown:
        raise SystemExit(f"rules name switches that rules.go does not have: {', '.join(unknown)}")
    parts = {
        "{{summary}}": _summary(found),
        "{{rules}}": "\n\n".join(_sections(found)),
        "{{denied}}": "\n".join(_denied()),
    }
    text = _TEMPLATE.read_text(encoding="utf-8")
    for mark, part in parts.items():
        if text.count(mark) != 1:
            raise SystemExit(f"{_TEMPLATE.name} has to contain {mark} once")
        text = text.replace(mark, part)
    return text


def _summary(found: Sequence[Entry]) -> str:
    standing = Counter(entry.rule.standing for entry in found)
    counted = ", ".join(f"{standing[each]} {each}" for each in Standing)
    asked = sum(entry.path.startswith("tests/verify/") for entry in found)
    return f"{len(found)} rules: {counted}. {asked} of them can be asked of a real vCenter."


def _sections(found: Sequence[Entry]) -> Iterator[str]:
    by_subject: dict[str, list[Entry]] = {subject: [] for subject in _TITLES}
    for entry in found:
        by_subject.setdefault(_ALIASES.get(entry.subject, entry.subject), []).append(entry)
    for subject, rules in by_subject.items():
        if rules:
            title = _TITLES.get(subject, subject.capitalize())
            yield "\n".join([f"### {title}", "", *_HEADING, *_rows(rules)])


def _rows(rules: Iterable[Entry]) -> Iterator[str]:
    for entry in rules:
        rule = entry.rule
        switch = f"`{rule.switch}`" if rule.switch else ""
        link = f"[{entry.function.removeprefix('test_').replace('_', ' ')}](../{entry.path})"
        cells = [f"`{rule.call}`", rule.says, str(rule.standing), rule.source, switch, link]
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _denied() -> Iterator[str]:
    yield "| Call | On | What the stock simulator does with it |"
    yield "|---|---|---|"
    for call in denied_calls():
        yield f"| `{call.method}` | {call.kind or 'any object'} | {call.reason} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m verify.docs", description="Write docs/twin.md from the rules.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the page is not up to date")
    options = parser.parse_args(arguments)
    return settle({ROOT / "docs" / "twin.md": render()}, check=options.check, command="make twin-doc")


if __name__ == "__main__":
    sys.exit(main())
