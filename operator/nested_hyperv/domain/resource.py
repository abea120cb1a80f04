"""What the operator knows of a Kubernetes object: an immutable snapshot, free of client types.

``kube/`` makes snapshots from watch events and from the answers to its own writes; everything else only reads
them. A snapshot never changes: a write yields a new one that carries the new ``resource_version``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["ConnectionSecret", "ObjectKey", "Resource"]


class ObjectKey(NamedTuple):
    """Names one object of the cluster, and is the key under which work for it is queued."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Resource:
    """One ``NestedPortGroup`` or ``NestedHyperVHost`` as the API server returned it."""

    key: ObjectKey
    uid: str
    resource_version: str
    generation: int
    creation_timestamp: datetime
    deletion_timestamp: datetime | None
    finalizers: tuple[str, ...]
    annotations: Mapping[str, str]
    labels: Mapping[str, str]
    spec: Mapping[str, Any]
    status: Mapping[str, Any]

    @property
    def deleting(self) -> bool:
        """Whether somebody asked for this object to go away."""
        return self.deletion_timestamp is not None

    @property
    def ready(self) -> bool:
        """Whether condition Ready is True."""
        conditions = self.status.get("conditions", ())
        return any((row.get("type"), row.get("status")) == ("Ready", "True") for row in conditions)


@dataclass(frozen=True, slots=True)
class ConnectionSecret:
    """A Secret of type ``nestedhv.io/vcenter``. Its data stays out of ``repr`` and so out of every log."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    deletion_timestamp: datetime | None
    finalizers: tuple[str, ...]
    annotations: Mapping[str, str]
    data: Mapping[str, str] = field(repr=False)

    @property
    def key(self) -> ObjectKey:
        """The queue key of this Secret."""
        return ObjectKey("Secret", self.namespace, self.name)

    @property
    def deleting(self) -> bool:
        """Whether somebody asked for this Secret to go away."""
        return self.deletion_timestamp is not None
