"""Snapshots of Kubernetes objects, as short as a test can say them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nested_hyperv.domain.resource import ConnectionSecret, ObjectKey, Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["resource", "secret"]


def resource(
    *,
    kind: str = "NestedPortGroup",
    namespace: str = "lab",
    name: str = "pg",
    uid: str | None = None,
    version: int = 1,
    generation: int = 1,
    deleted: datetime | None = None,
    finalizers: tuple[str, ...] = (),
    annotations: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    spec: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
) -> Resource:
    """Make a custom resource that refers to the Secret `vcenter` unless its spec says otherwise."""
    return Resource(
        key=ObjectKey(kind, namespace, name),
        uid=uid or f"uid-{name}",
        resource_version=str(version),
        generation=generation,
        creation_timestamp=datetime(2026, 1, 1, tzinfo=UTC),
        deletion_timestamp=deleted,
        finalizers=finalizers,
        annotations=annotations or {},
        labels=labels or {},
        spec={"connectionRef": {"name": "vcenter"}, **(spec or {})},
        status=status or {},
    )


def secret(
    *,
    namespace: str = "lab",
    name: str = "vcenter",
    uid: str = "uid-secret",
    version: int = 1,
    deleted: datetime | None = None,
    finalizers: tuple[str, ...] = (),
    annotations: Mapping[str, str] | None = None,
    data: Mapping[str, str] | None = None,
) -> ConnectionSecret:
    """Make a connection Secret."""
    return ConnectionSecret(
        namespace=namespace,
        name=name,
        uid=uid,
        resource_version=str(version),
        deletion_timestamp=deleted,
        finalizers=finalizers,
        annotations=annotations or {},
        data=data or {"server": "vcenter.example.com", "username": "user", "password": "pass"},
    )
