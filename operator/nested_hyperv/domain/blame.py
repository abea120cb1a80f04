"""Who made a change that was found: from the history that vCenter keeps of an object to one name, or to none.

Pure. vCenter tells in an event who changed an object, when, and (since 6.5) what, in text of which the format is
documented nowhere. So the text only helps to choose between several; without a fitting event nobody is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .inventory import Change

__all__ = ["Author", "HistoryEntry", "author_of", "rewritten"]

#: Parts of property paths that a change text has if it is about a field. A field that is not here fits any change.
#: Names are compared themselves.
_TRACES: Final[dict[str, tuple[str, ...]]] = {
    "mark": ("description", "extraConfig"),
    "vlan": ("vlan",),
    "promiscuous": ("Promiscuous", "macManagementPolicy", "securityPolicy"),
    "forgedTransmits": ("forgedTransmits", "macManagementPolicy", "securityPolicy"),
    "macChanges": ("macChanges", "macManagementPolicy", "securityPolicy"),
    "inherited": ("macManagementPolicy", "securityPolicy"),
    "macLearning": ("macLearning", "macManagementPolicy"),
    "macLearning.limit": ("macLearning", "macManagementPolicy"),
    "macLearning.limitPolicy": ("macLearning", "macManagementPolicy"),
    "macLearning.allowUnicastFlooding": ("macLearning", "macManagementPolicy"),
    "hardware.cpus": ("numCPU",),
    "hardware.coresPerSocket": ("numCoresPerSocket",),
    "hardware.memoryMiB": ("memoryMB",),
    "hardware.firmware": ("firmware",),
    "hardware.secureBoot": ("SecureBoot",),
    "virtualization.nestedHV": ("nestedHV",),
    "guestOS": ("guestId",),
}


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One event about an object. ``text`` is what it says of the values that changed; empty if it says nothing."""

    key: int
    user: str
    time: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Author:
    """Somebody who changed an object, as vCenter prints the name, and when (the server's clock)."""

    user: str
    time: datetime


def author_of(history: Iterable[HistoryEntry], changes: Sequence[Change], us: str) -> Author | None:
    """Return who made these changes: the newest fitting event of somebody else since we wrote the object ourselves.

    ``us`` is our own user: our repair is the newest event, what was before our last write was repaired by it.
    """
    ours, met = us.casefold(), False
    for entry in sorted(history, key=lambda entry: entry.key, reverse=True):
        if entry.user.casefold() == ours:
            if met:
                return None
            continue
        met = True
        if not entry.text or any(_fits(entry.text, change) for change in changes):
            return Author(entry.user, entry.time)
    return None


def rewritten(history: Iterable[HistoryEntry], us: str) -> bool:
    """Whether somebody changed an object after we had: what we wrote was taken, and is gone again."""
    users = [entry.user.casefold() for entry in sorted(history, key=lambda entry: entry.key)]
    ours = us.casefold()
    return ours in users and users[-1] != ours


def _fits(text: str, change: Change) -> bool:
    if change.field == "name":
        return change.old in text or change.new in text
    traces = _TRACES.get(change.field, ())
    return not traces or any(trace.casefold() in text.casefold() for trace in traces)
