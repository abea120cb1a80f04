"""Tells the difference between two states of an object of vSphere in the few lines in which it lies."""

import difflib
from collections.abc import Iterator, Mapping

__all__ = ["differing_lines"]

_WORDS = {"- ": "expected", "+ ": "found"}


def differing_lines(expected: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    """Yield what differs, property by property; the values are pyVmomi's text of them, one member per line."""
    for path in sorted(expected.keys() | found.keys()):
        was, now = expected.get(path, "<absent>"), found.get(path, "<absent>")
        if was == now:
            continue
        yield f"  {path}:"
        for line in difflib.ndiff(was.splitlines(), now.splitlines()):
            if line[:2] in _WORDS:
                yield f"    {_WORDS[line[:2]]:<9}{line[2:].strip()}"
