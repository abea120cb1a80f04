"""From what pyVmomi raises to the errors of the domain: one table, used for calls and for tasks alike.

Each row says what a fault means for the worker (retry, wait for the world, …) and words the cause and the cure. The
raw fault goes to the log. Whether a call is repeated is not decided here. Order matters: a row for a subtype stands
before the row of its base (``NotAuthenticated`` is a ``NoPermission``, ``InvalidPowerState`` an ``InvalidState``).
"""

from __future__ import annotations

import http.client
import logging
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from xml.parsers.expat import ExpatError

from pyVmomi import vim, vmodl

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import (
    Blocked,
    Concurrent,
    Gone,
    InUse,
    NameTaken,
    OperatorError,
    OutcomeUnknown,
    PermissionDenied,
    PowerOffNeeded,
    Transient,
    Unreachable,
)
from nested_hyperv.vsphere.refs import displayed, moref
from nested_hyperv.vsphere.transport import CertificateMismatch, NotConnected

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CONNECTION_ERRORS", "Busy", "Call", "SessionLost", "refused_login", "translate", "translate_fault"]

_log = logging.getLogger(__name__)

#: What a broken connection, a silent peer or a garbled answer raises out of pyVmomi.
CONNECTION_ERRORS: Final = (OSError, http.client.HTTPException, ExpatError)


class SessionLost(Transient):
    """``NotAuthenticated``: the call was not executed, and a new login is needed."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.PROGRESSING, message)


class Busy(Unreachable):
    """HTTP 503: too many sessions, or vCenter's services are still starting. Hammering makes it last."""


@dataclass(frozen=True, slots=True)
class Call:
    """Which call failed: its name as in the API reference, on what, at which server, and whether it changes things."""

    method: str
    server: str
    target: str = ""
    mutating: bool = False

    def __str__(self) -> str:
        return f"{self.method} on {self.target}" if self.target else self.method


def translate(error: Exception, call: Call) -> OperatorError:
    """Translate what a call raised."""
    if isinstance(error, OperatorError):
        return error
    if isinstance(error, vmodl.MethodFault):
        return translate_fault(error, call)
    if isinstance(error, CONNECTION_ERRORS):
        return _connection(error, call)
    if call.mutating:
        # The answer could not be understood, so nobody knows what was done; the cause stays visible in the log.
        _log.error("The answer to %s could not be read", call, exc_info=error)
        return OutcomeUnknown(f"The answer of {call.server} to {call} could not be read: {error}")
    raise error


def refused_login(error: Exception, call: Call, username: str) -> OperatorError:
    """Translate what ``Login`` raised: there, a missing permission means that the account has no role at all."""
    if isinstance(error, vim.fault.InvalidLogin):
        return Blocked(
            Reason.AUTHENTICATION_FAILED,
            f"{call.server} refuses user {username!r} or the password (or the account is locked). "
            "Correct username and password in the connection Secret.",
        )
    if isinstance(error, vim.fault.NoPermission):
        return Blocked(
            Reason.AUTHENTICATION_FAILED,
            f"{call.server} knows user {username!r}, but it has no role anywhere. "
            "Grant it the operator's role on the inventory, with propagation.",
        )
    return translate(error, call)


# --- the connection -----------------------------------------------------------------------------------------------


def _connection(error: Exception, call: Call) -> OperatorError:
    cause: BaseException = error.__cause__ if isinstance(error, NotConnected) and error.__cause__ else error
    if isinstance(cause, CertificateMismatch):
        return Blocked(
            Reason.CERTIFICATE_NOT_VERIFIED,
            f"The certificate of {call.server} has the SHA-256 thumbprint {cause.seen}, the connection Secret wants "
            f"{cause.wanted}. If the certificate was renewed on purpose, update thumbprint in the Secret.",
        )
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Blocked(
            Reason.CERTIFICATE_NOT_VERIFIED,
            f"The certificate of {call.server} is not trusted: {cause.verify_message}. Put the CA certificates of "
            "this vCenter into key ca.crt of the connection Secret, or its SHA-256 thumbprint into key thumbprint.",
        )
    text = _described(cause)
    if call.mutating and not isinstance(error, NotConnected):
        return OutcomeUnknown(f"The connection to {call.server} broke during {call}: {text}. Its outcome is unknown.")
    if isinstance(error, http.client.HTTPException) and str(error).startswith("503"):
        return Busy(f"{call.server} answers HTTP 503: it has too many sessions, or its services are starting.")
    return Unreachable(f"{call.server} does not answer {call}: {text}.")


def _described(error: BaseException) -> str:
    if isinstance(error, socket.gaierror):
        return f"its name cannot be resolved ({error.strerror})"
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, ExpatError):
        return f"the answer is no XML ({error}); is this the address of a vCenter?"
    if isinstance(error, http.client.HTTPException) and str(error)[:3].isdigit():
        return f"HTTP {error}; is this the address of a vCenter?"
    return str(error) or type(error).__name__


# --- SOAP faults and task errors ------------------------------------------------------------------------------------


def translate_fault(fault: Any, call: Call) -> OperatorError:
    """Translate a SOAP fault or ``TaskInfo.error``."""
    kind = _kind(fault)
    _log.info("vCenter fault %s from %s: %s", kind, call, _flat(fault))
    for types, make in _TABLE:
        if isinstance(fault, types):
            return make(fault, call)
    return Blocked(Reason.TASK_FAILED, f"{_failed(call)} with {kind}: {_message(fault)}")


def _failed(call: Call) -> str:
    text = f"{call} failed"
    return text[0].upper() + text[1:]


def _kind(fault: Any) -> str:
    return type(fault).__name__.rpartition(".")[2]


def _message(fault: Any) -> str:
    """Return the text of a fault: its own, or that of the first entry of its ``faultMessage``."""
    text = getattr(fault, "msg", None)
    if not text:
        texts = [item.message for item in getattr(fault, "faultMessage", None) or () if item.message]
        text = texts[0] if texts else _kind(fault)
    return str(text).strip()


def _flat(fault: Any) -> str:
    return " ".join(str(fault).split())


def _session_lost(_: Any, call: Call) -> OperatorError:
    return SessionLost(f"{call.server} has ended the session; logging in again.")


def _no_permission(fault: Any, call: Call) -> OperatorError:
    missing = [
        f"{', '.join(entry.privilegeIds)} on {moref(entry.entity)}"
        for entry in getattr(fault, "missingPrivileges", None) or ()
        if entry.privilegeIds
    ]
    if not missing and fault.privilegeId:
        missing = [f"{fault.privilegeId} on {moref(fault.object)}" if fault.object else fault.privilegeId]
    what = "; ".join(missing) or f"a privilege that {call} needs"
    return PermissionDenied(
        f"The vCenter user lacks {what}. Add it to the operator's role, granted with propagation. (Call: {call}.)"
    )


def _gone(fault: Any, call: Call) -> OperatorError:
    what = moref(fault.obj) if getattr(fault, "obj", None) else call.target or "an object"
    return Gone(f"{what} does not exist any more in {call.server}.")


def _name_taken(fault: Any, call: Call) -> OperatorError:
    name = displayed(getattr(fault, "name", "") or "")
    holder = moref(fault.object) if getattr(fault, "object", None) else None
    by = f" ({holder})" if holder else ""
    return NameTaken(
        f"The name {name!r} is taken by another object{by} in the same folder. "
        f"Rename or remove that object, or choose another name. ({call}: {_message(fault)})",
        holder=holder,
    )


def _in_use(fault: Any, call: Call) -> OperatorError:
    name = getattr(fault, "name", "") or call.target
    return InUse(f"{name} is still in use, so {call.method} was refused. Detach what uses it. ({_message(fault)})")


def _power(fault: Any, _: Call) -> OperatorError:
    return PowerOffNeeded(f"The machine has to be powered off for this change: {_message(fault)}")


def _concurrent(fault: Any, call: Call) -> OperatorError:
    return Concurrent(f"Something else works on {call.target or 'the object'} at the moment: {_message(fault)}")


def _transient(fault: Any, call: Call) -> OperatorError:
    return Transient(Reason.TASK_FAILED, f"{_failed(call)} with {_kind(fault)}: {_message(fault)} It is tried again.")


def _blocked(reason: Reason, cure: str) -> Callable[[Any, Call], OperatorError]:
    def make(fault: Any, call: Call) -> OperatorError:
        return Blocked(reason, f"{_failed(call)} with {_kind(fault)}: {_message(fault)} {cure}")

    return make


def _invalid_argument(fault: Any, call: Call) -> OperatorError:
    field = getattr(fault, "invalidProperty", None)
    what = f"refuses the value of {field}" if field else "refuses a value"
    return Blocked(
        Reason.INVALID_SPEC,
        f"vCenter {what} in {call}: {_message(fault)} Correct the field of the spec that leads to it.",
    )


_TABLE: Final[tuple[tuple[tuple[type, ...], Callable[[Any, Call], OperatorError]], ...]] = (
    ((vim.fault.NotAuthenticated,), _session_lost),
    ((vim.fault.NoPermission,), _no_permission),
    ((vmodl.fault.ManagedObjectNotFound,), _gone),
    ((vim.fault.DuplicateName, vim.fault.AlreadyExists), _name_taken),
    ((vim.fault.ResourceInUse,), _in_use),
    (
        (
            vim.fault.InvalidPowerState,
            vim.fault.CpuHotPlugNotSupported,
            vim.fault.MemoryHotPlugNotSupported,
            vim.fault.DeviceHotPlugNotSupported,
        ),
        _power,
    ),
    # Transient by their nature; the same list as govmomi's fault.IsTransientError.
    ((vim.fault.ConcurrentAccess, vim.fault.TaskInProgress), _concurrent),
    (
        (
            vmodl.fault.HostCommunication,
            vim.fault.NetworkDisruptedAndConfigRolledBack,
            vmodl.fault.RequestCanceled,
            vmodl.fault.SystemError,
            vim.fault.Timedout,
        ),
        _transient,
    ),
    (
        (vim.fault.InvalidName,),
        _blocked(Reason.INVALID_SPEC, "Choose a name of at most 80 characters that vSphere accepts."),
    ),
    (
        (vim.fault.InsufficientResourcesFault,),
        _blocked(Reason.HOST_UNAVAILABLE, "Free resources on the hosts of the placement, or choose another one."),
    ),
    (
        (vim.fault.DvsNotAuthorized,),
        _blocked(Reason.NSX_MANAGED, "Another product manages this switch; use a switch that vCenter manages itself."),
    ),
    ((vim.fault.NoDiskSpace,), _blocked(Reason.TASK_FAILED, "Free space on the datastore, or choose another one.")),
    (
        (vim.fault.InvalidHostState,),
        _blocked(Reason.HOST_UNAVAILABLE, "Connect the host and take it out of maintenance."),
    ),
    (
        (vmodl.fault.NotSupported,),
        _blocked(Reason.TASK_FAILED, "This object, its version or its state does not allow what the spec asks for."),
    ),
    ((vmodl.fault.InvalidArgument,), _invalid_argument),
)
