"""Everything that can go wrong, by what the worker has to do about it.

One base and three outcomes: ``Transient`` is tried again with backoff, ``RetryAt`` at a known time, ``Blocked``
has to wait until the spec or the world changes (and is looked at again within five minutes). Every error carries a
``Reason`` and a message with the cause and the cure: it is what a condition shows. Adapters translate once, at the
border; nothing above them knows a SOAP fault or an HTTP status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nested_hyperv.api.conditions import Reason

if TYPE_CHECKING:
    from .moref import MoRef

__all__ = [
    "Blocked",
    "Concurrent",
    "Conflict",
    "Connecting",
    "Gone",
    "InUse",
    "NameTaken",
    "OperatorError",
    "OutcomeUnknown",
    "PermissionDenied",
    "PowerOffNeeded",
    "Reconnecting",
    "RetryAt",
    "Transient",
    "Unreachable",
]


class OperatorError(Exception):
    """Base of every error that the operator raises on purpose."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class Transient(OperatorError):
    """Expected to pass: the same work is tried again with growing delay."""


class RetryAt(OperatorError):
    """Known to pass: the same work is tried again after ``seconds``."""

    def __init__(self, reason: Reason, message: str, *, seconds: float) -> None:
        super().__init__(reason, message)
        self.seconds = seconds


class Blocked(OperatorError):
    """Nothing to do until the spec or the world changes: the resource is *Stalled*."""


class Conflict(Transient):
    """A Kubernetes write met a newer object (409) or none (404): read and plan again."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.PROGRESSING, message)


class Unreachable(Transient):
    """The vCenter does not answer, or its circuit breaker is open."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.VCENTER_UNREACHABLE, message)


class Connecting(OperatorError):
    """The first connection is still being made; the caller is woken when it is up or has failed."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.PROGRESSING, message)


class Reconnecting(Transient):
    """A lost connection is being made again and is not reported yet: tried again, and not a word about it."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.PROGRESSING, message)


class OutcomeUnknown(Transient):
    """The connection broke after a mutating call was sent: nobody knows whether it was executed."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.PROGRESSING, message)


class Concurrent(Transient):
    """Somebody else changed or is changing the object (``ConcurrentAccess``, ``TaskInProgress``): read, plan again."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.PROGRESSING, message)


class Gone(Transient):
    """``ManagedObjectNotFound``: the object vanished between reading and calling."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.MISSING, message)


class NameTaken(Blocked):
    """``DuplicateName`` or ``AlreadyExists``: another object has that name. ``holder`` is that object, if named."""

    def __init__(self, message: str, *, holder: MoRef | None = None) -> None:
        super().__init__(Reason.NAME_TAKEN, message)
        self.holder = holder


class InUse(Blocked):
    """``ResourceInUse``: something is still attached."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.IN_USE, message)


class PowerOffNeeded(Blocked):
    """``InvalidPowerState`` or a hot-plug fault: the change needs the VM powered off."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.POWER_OFF_REQUIRED, message)


class PermissionDenied(Blocked):
    """``NoPermission``: the message names the object and the privilege."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.PERMISSION_DENIED, message)
