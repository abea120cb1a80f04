"""Which work the current code is part of, for log lines and for calls that leave the process.

Context variables only: whoever starts a piece of work sets them, everything below reads them.
"""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["bind", "fields", "operation_id", "reconcile_id", "reconciling"]

#: Sent with each vCenter call (``operationID``): kind/namespace/name/reconcile id while an object is worked on.
operation_id: Final[ContextVar[str]] = ContextVar("operation_id", default="nested-hyperv-operator")

#: One reconcile of one object; empty outside of one.
reconcile_id: Final[ContextVar[str]] = ContextVar("reconcile_id", default="")

_bound: Final[ContextVar[Mapping[str, object] | None]] = ContextVar("bound", default=None)


def fields() -> Mapping[str, object]:
    """What is bound to the current work."""
    return _bound.get() or {}


@contextlib.contextmanager
def bind(**values: object) -> Iterator[None]:
    """Add fields to every log line of the block and of the tasks that it starts."""
    token = _bound.set({**fields(), **values})
    try:
        yield
    finally:
        _bound.reset(token)


@contextlib.contextmanager
def reconciling(kind: str, namespace: str, name: str, attempt: str) -> Iterator[None]:
    """Surround one pass over one object: its log lines and its vCenter calls carry the same id."""
    operation = f"{kind}/{namespace}/{name}/{attempt}"
    tokens = operation_id.set(operation), reconcile_id.set(attempt)
    try:
        with bind(kind=kind, namespace=namespace, name=name, reconcileID=attempt, opID=operation):
            yield
    finally:
        operation_id.reset(tokens[0])
        reconcile_id.reset(tokens[1])
