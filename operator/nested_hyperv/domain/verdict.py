"""What one pass over an object came to: the situation, in one value that status, events and the queue derive from.

The situations are the rows of the status table in docs/architecture.md. A plan names one; nothing else decides what a
condition says.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from nested_hyperv.api.conditions import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .errors import OperatorError

__all__ = ["Network", "Situation", "Verdict"]


class Situation(Enum):
    """The rows of the status table."""

    READY = "equal to the spec"
    PROGRESSING = "creating, applying, waiting for a task or a retry"
    POWER_OFF_REQUIRED = "waits for power-off"
    DEPENDENCY = "dependency not ready"
    STALLED = "spec or world must change first"
    WOULD_CHANGE = "Observe: different"
    UNREACHABLE = "vCenter unreachable"
    SUSPENDED = "suspended"
    DELETING = "deleting"
    DELETION_BLOCKED = "cannot be deleted"


@dataclass(frozen=True, slots=True)
class Network:
    """Whether frames of inner VMs can pass, and why (not)."""

    ready: bool
    reason: Reason
    message: str

    def for_want_of(self, reason: Reason) -> Network:
        """The same where nothing is under way to change it, and why not."""
        return replace(self, reason=reason) if self.reason is Reason.PROGRESSING else self


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of one pass.

    ``facts`` are fields of the status model that this pass learned (``None`` clears one); what is not named keeps its
    last value. ``cause`` is the reason behind a general one such as ``DeletionBlocked``. ``notes`` are warnings
    about a connection that works. ``again_after`` asks for another pass after so many seconds; ``None`` leaves it to
    the situation.
    """

    situation: Situation
    reason: Reason
    message: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    network: Network | None = None
    synced: bool | None = None
    again_after: float | None = None
    cause: Reason | None = None
    notes: tuple[str, ...] = ()

    def instead(self, situation: Situation, reason: Reason, message: str, **changes: Any) -> Verdict:
        """The verdict of a plan that is not carried out, and why not."""
        network = self.network.for_want_of(reason) if self.network is not None else None
        return replace(self, situation=situation, reason=reason, message=message, network=network, **changes)

    @classmethod
    def stalled(cls, error: OperatorError, **facts: Any) -> Verdict:
        """The verdict for something that only the spec or the world can change."""
        return cls(Situation.STALLED, error.reason, error.message, facts=facts)

    @classmethod
    def progressing(cls, message: str, **facts: Any) -> Verdict:
        """The verdict while something is under way."""
        return cls(Situation.PROGRESSING, Reason.PROGRESSING, message, facts=facts)
