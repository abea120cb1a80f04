"""Who is attached to a port group that shall be deleted, and what to say to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.domain.verdict import Situation, Verdict

__all__ = ["Users", "blocked_by"]

_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Users:
    """Names of attached VMs; ``lab`` are those of NestedHyperVHosts of the same namespace."""

    names: Mapping[MoRef, str] = field(default_factory=dict)
    lab: frozenset[MoRef] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.names)


def blocked_by(what: str, users: Users) -> Verdict:
    """The verdict of a deletion that has to wait; strangers are named first, they do not go by themselves."""
    strangers = sorted(name for ref, name in users.names.items() if ref not in users.lab)
    if strangers:
        message = (
            f"{what} is still used by {_listed(strangers)}. Attach them to another network or delete them; "
            "deletionPolicy: Retain leaves the port group."
        )
    else:
        hosts = _listed(sorted(users.names.values()))
        message = f"{what} is still used by {hosts} of this lab. It goes when they are gone or attached elsewhere."
    return Verdict(Situation.DELETION_BLOCKED, Reason.DELETION_BLOCKED, message)


def _listed(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
