"""Where the watched kinds live in the Kubernetes API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from nested_hyperv.api.meta import (
    GROUP,
    KIND_HOST,
    KIND_PORT_GROUP,
    PLURAL_HOST,
    PLURAL_PORT_GROUP,
    SECRET_TYPE,
    VERSION,
)

__all__ = ["CUSTOM_KINDS", "KIND_SECRET", "WATCHED", "Endpoint"]

KIND_SECRET: Final = "Secret"  # noqa: S105 - the kind, not a secret
CUSTOM_KINDS: Final = (KIND_PORT_GROUP, KIND_HOST)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The REST address of a kind, and which of its objects concern us."""

    root: str
    plural: str
    field_selector: str | None = None

    def collection(self, namespace: str | None) -> str:
        """Path of the objects of one namespace, or of all."""
        scope = "" if namespace is None else f"/namespaces/{namespace}"
        return f"{self.root}{scope}/{self.plural}"

    def object(self, namespace: str, name: str) -> str:
        """Path of one object."""
        return f"{self.collection(namespace)}/{name}"


WATCHED: Final = {
    KIND_PORT_GROUP: Endpoint(f"/apis/{GROUP}/{VERSION}", PLURAL_PORT_GROUP),
    KIND_HOST: Endpoint(f"/apis/{GROUP}/{VERSION}", PLURAL_HOST),
    # Other Secrets of the cluster never reach this process.
    KIND_SECRET: Endpoint("/api/v1", "secrets", field_selector=f"type={SECRET_TYPE}"),
}
