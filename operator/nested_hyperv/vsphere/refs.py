"""Between managed object references of pyVmomi and ``MoRef``, and between displayed and escaped names.

Nothing here calls the server.
"""

from __future__ import annotations

import re
from typing import Any, Final

from pyVmomi import VmomiSupport

from nested_hyperv.domain.inventory import MoRef

__all__ = ["displayed", "escaped", "managed", "managed_type", "moref", "morefs"]

_NAMESPACE: Final = "urn:vim25"
_ESCAPE: Final = re.compile(r"%(2f|5c|25)", re.IGNORECASE)
_PLAIN: Final = {"2f": "/", "5c": "\\", "25": "%"}


def moref(obj: Any) -> MoRef:
    """Return the reference of a managed object as pyVmomi delivers it."""
    return MoRef(obj._wsdlName, obj._GetMoId())  # noqa: SLF001 (pyVmomi documents both as public)


def morefs(objects: Any) -> tuple[MoRef, ...]:
    """Return the references of a list that may be unset."""
    return tuple(moref(obj) for obj in objects or ())


def managed_type(kind: str) -> Any:
    """Return pyVmomi's class for a managed type named as on the wire, such as ``VirtualMachine``."""
    return VmomiSupport.GetWsdlType(_NAMESPACE, kind)


def managed(ref: MoRef, stub: Any) -> Any:
    """Return a managed object that sends its calls through ``stub``."""
    return managed_type(ref.type)(ref.value, stub)


def displayed(name: str | None) -> str:
    """Return a ``ManagedEntity.name`` as people read it: slash, backslash and percent come escaped there."""
    return _ESCAPE.sub(lambda match: _PLAIN[match[1].lower()], name or "")


def escaped(name: str) -> str:
    """Return a name as a ``ManagedEntity`` keeps it, also the form of a segment of an inventory path."""
    return name.replace("%", "%25").replace("/", "%2f").replace("\\", "%5c")
