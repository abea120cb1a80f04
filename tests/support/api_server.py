"""An API server in memory, for controllers under test: the rules of the real one that they depend on, and a log.

It takes the place of `KubeClient` beneath the operator's own writer and store, so those are the real ones. Rules kept:
a write is refused unless it carries the newest resourceVersion; a spec change and a deletion count up the generation,
a status does not; a status that is applied replaces the one before; an object with finalizers stays until the last one
goes, and takes no new one while it is being deleted. tests/contract proves the same against the real server.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import itertools
from typing import TYPE_CHECKING, Any

from nested_hyperv.domain.errors import Conflict
from nested_hyperv.domain.resource import ObjectKey
from nested_hyperv.kube.client import Missing, Unexpected
from nested_hyperv.kube.projection import project

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nested_hyperv.kube.arrivals import Arrivals

__all__ = ["MemoryApiServer"]

_CREATED = "2026-11-23T09:00:00Z"
_DELETED = "2026-11-23T11:00:00Z"


class MemoryApiServer:
    """Objects by key; every write of the operator is logged as `(verb, key)`."""

    def __init__(self) -> None:
        self.objects: dict[ObjectKey, dict[str, Any]] = {}
        self.writes: list[tuple[str, ObjectKey]] = []
        self.arrivals: Arrivals | None = None
        #: Called before each write of the operator is looked at: here a test lets somebody else be faster.
        self.before_write: Callable[[str, ObjectKey], None] = lambda _verb, _key: None
        #: When objects are created; those of the same second are as old as their uids.
        self.creation = _CREATED
        self._versions = itertools.count(1)
        self._uids = itertools.count(1)

    # --- what people do -----------------------------------------------------------------------------------------------

    def create(self, key: ObjectKey, spec: Mapping[str, Any], annotations: Mapping[str, str] | None = None) -> None:
        self.objects[key] = {
            "metadata": self._metadata(key, annotations or {}),
            "spec": copy.deepcopy(dict(spec)),
            "status": {"observedGeneration": -1},
        }
        self._changed(key)

    def create_secret(self, key: ObjectKey, data: Mapping[str, str], annotations: Mapping[str, str]) -> None:
        encoded = {name: base64.b64encode(value.encode()).decode() for name, value in data.items()}
        self.objects[key] = {"metadata": self._metadata(key, annotations), "data": encoded}
        self._changed(key)

    def edit(self, key: ObjectKey, **spec: Any) -> None:
        """Set fields of the spec; `None` takes one out."""
        document = self.objects[key]
        document["spec"] = {k: v for k, v in {**document["spec"], **spec}.items() if v is not None}
        document["metadata"]["generation"] += 1
        self._changed(key)

    def annotate(self, key: ObjectKey, **annotations: str) -> None:
        """Set annotations of our group, named in snake case: `accept_vcenter` is nestedhv.io/accept-vcenter."""
        stored = self.objects[key]["metadata"].setdefault("annotations", {})
        stored.update({f"nestedhv.io/{name.replace('_', '-')}": value for name, value in annotations.items()})
        self._changed(key)

    def delete(self, key: ObjectKey) -> None:
        metadata = self.objects[key]["metadata"]
        if not metadata["finalizers"]:
            self._remove(key)
        elif "deletionTimestamp" not in metadata:
            metadata["deletionTimestamp"] = _DELETED
            metadata["generation"] += 1
            self._changed(key)

    def force_finalizers(self, key: ObjectKey, *finalizers: str) -> None:
        """What `kubectl patch` does to an object that will not go."""
        metadata = self.objects[key]["metadata"]
        metadata["finalizers"] = list(finalizers)
        if "deletionTimestamp" in metadata and not finalizers:
            self._remove(key)
        else:
            self._changed(key)

    def wipe_status(self, key: ObjectKey) -> None:
        """What a restored backup does: the object without its status."""
        self.objects[key]["status"] = {"observedGeneration": -1}
        self._changed(key)

    def relist(self, key: ObjectKey) -> None:
        """Announce an object as the first listing of a new process does."""
        if self.arrivals is not None:
            self.arrivals.seen(project(key.kind, copy.deepcopy(self.objects[key])))

    def status(self, key: ObjectKey) -> dict[str, Any]:
        found: dict[str, Any] = self.objects[key]["status"]
        return found

    def finalizers(self, key: ObjectKey) -> list[str]:
        found: list[str] = self.objects[key]["metadata"]["finalizers"]
        return found

    # --- what the operator does (the part of `KubeClient` that its writer uses) ---------------------------------------

    async def apply_status(self, key: ObjectKey, resource_version: str, status: Mapping[str, Any]) -> Mapping[str, Any]:
        document = await self._checked("status", key, resource_version)
        if document["status"] != status:
            document["status"] = copy.deepcopy(dict(status))
            self._changed(key)
        return copy.deepcopy(document)

    async def set_finalizers(
        self, key: ObjectKey, resource_version: str, finalizers: Sequence[str]
    ) -> Mapping[str, Any]:
        document = await self._checked("finalizers", key, resource_version)
        metadata = document["metadata"]
        added = set(finalizers) - set(metadata["finalizers"])
        if "deletionTimestamp" in metadata and added:
            raise Unexpected(f"Forbidden: no new finalizers {added} while {key} is being deleted", status=422)
        metadata["finalizers"] = list(finalizers)
        if "deletionTimestamp" in metadata and not finalizers:
            self._remove(key)
        else:
            self._changed(key)
        return copy.deepcopy(document)

    async def _checked(self, verb: str, key: ObjectKey, resource_version: str) -> dict[str, Any]:
        await asyncio.sleep(0)
        self.before_write(verb, key)
        self.writes.append((verb, key))
        document = self.objects.get(key)
        if document is None:
            raise Missing(f"404 {key}", status=404)
        if document["metadata"]["resourceVersion"] != resource_version:
            raise Conflict(f"409 {key}: the object has been modified")
        return document

    # --- common -------------------------------------------------------------------------------------------------------

    def _metadata(self, key: ObjectKey, annotations: Mapping[str, str]) -> dict[str, Any]:
        return {
            "namespace": key.namespace,
            "name": key.name,
            "uid": f"uid-{next(self._uids)}",
            "generation": 1,
            "creationTimestamp": self.creation,
            "finalizers": [],
            "annotations": dict(annotations),
        }

    def _changed(self, key: ObjectKey) -> None:
        self.objects[key]["metadata"]["resourceVersion"] = str(next(self._versions))
        if self.arrivals is not None:
            self.arrivals.seen(project(key.kind, copy.deepcopy(self.objects[key])))

    def _remove(self, key: ObjectKey) -> None:
        document = self.objects.pop(key)
        document["metadata"]["resourceVersion"] = str(next(self._versions))
        if self.arrivals is not None:
            self.arrivals.gone(project(key.kind, copy.deepcopy(document)))
