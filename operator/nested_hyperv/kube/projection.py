"""From what the API server sends to the snapshots that the rest of the operator reads.

Keeps what is used and drops the rest (managed fields, annotations of others): ten thousand objects are held in
memory.
"""

from __future__ import annotations

import base64
import binascii
import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nested_hyperv.api.meta import GROUP
from nested_hyperv.domain.resource import ConnectionSecret, ObjectKey, Resource
from nested_hyperv.kube.paths import KIND_SECRET

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Watched", "project", "to_connection_secret", "to_resource"]

Watched = Resource | ConnectionSecret

_log = logging.getLogger(__name__)


def project(kind: str, body: Mapping[str, Any]) -> Watched:
    """Make the snapshot of an object of any watched kind (items of a list do not name their kind)."""
    return to_connection_secret(body) if kind == KIND_SECRET else to_resource(kind, body)


def to_resource(kind: str, body: Mapping[str, Any]) -> Resource:
    """Make the snapshot of a custom resource."""
    metadata = body["metadata"]
    return Resource(
        key=ObjectKey(kind, metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        generation=metadata["generation"],
        creation_timestamp=datetime.fromisoformat(metadata["creationTimestamp"]),
        deletion_timestamp=_moment(metadata.get("deletionTimestamp")),
        finalizers=tuple(metadata.get("finalizers", ())),
        annotations=_ours(metadata.get("annotations", {})),
        labels=dict(metadata.get("labels", {})),
        spec=body.get("spec", {}),
        status=body.get("status", {}),
    )


def to_connection_secret(body: Mapping[str, Any]) -> ConnectionSecret:
    """Make the snapshot of a connection Secret, its data decoded."""
    metadata = body["metadata"]
    namespace, name = metadata["namespace"], metadata["name"]
    return ConnectionSecret(
        namespace=namespace,
        name=name,
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        deletion_timestamp=_moment(metadata.get("deletionTimestamp")),
        finalizers=tuple(metadata.get("finalizers", ())),
        annotations=_ours(metadata.get("annotations", {})),
        data=dict(_decoded(namespace, name, body.get("data") or {})),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _ours(annotations: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in annotations.items() if key.startswith(f"{GROUP}/")}


def _decoded(namespace: str, name: str, data: Mapping[str, str]) -> list[tuple[str, str]]:
    pairs = []
    for key, encoded in data.items():
        try:
            pairs.append((key, base64.b64decode(encoded).decode()))
        except (binascii.Error, UnicodeDecodeError):
            # Left out, so that the connection is refused for want of this key, and no login is tried with a wrong
            # value.
            _log.warning(
                "Secret %s/%s: the value of key %s is not UTF-8 text; it counts as missing", namespace, name, key
            )
    return pairs
