"""One object of our kinds as a test sees it through the API server: read, changed, and waited for with a deadline.

A wait that fails tells the last state of the object, so that nobody has to run the test again to learn it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kubernetes import client

from bed.waiting import wait_for

__all__ = ["GROUP", "HOSTS", "PORT_GROUPS", "Condition", "KubeObject", "Snapshot"]

GROUP, VERSION = "nestedhv.io", "v1alpha1"
PORT_GROUPS, HOSTS = "nestedportgroups", "nestedhypervhosts"
_KINDS = {PORT_GROUPS: "NestedPortGroup", HOSTS: "NestedHyperVHost"}
_MERGE = "application/merge-patch+json"
_NOT_FOUND = 404


@dataclass(frozen=True)
class Condition:
    """One condition of an object, or the absence of one (status `absent`)."""

    status: str
    reason: str
    message: str
    observed_generation: int


@dataclass(frozen=True)
class Snapshot:
    """An object as the API server returned it."""

    document: Mapping[str, Any]

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Its metadata."""
        found: Mapping[str, Any] = self.document["metadata"]
        return found

    @property
    def status(self) -> Mapping[str, Any]:
        """Its status."""
        found: Mapping[str, Any] = self.document.get("status", {})
        return found

    def condition(self, kind: str) -> Condition:
        """Return a condition by its type."""
        for each in self.status.get("conditions", ()):
            if each["type"] == kind:
                return Condition(each["status"], each["reason"], each["message"], each.get("observedGeneration", -1))
        return Condition("absent", "", "", -1)

    @property
    def ready(self) -> bool:
        """Whether it is Ready at its present generation."""
        ready = self.condition("Ready")
        return ready.status == "True" and ready.observed_generation == self.metadata["generation"]

    def __str__(self) -> str:
        shown = {key: self.metadata.get(key) for key in ("generation", "deletionTimestamp", "finalizers")}
        return json.dumps({**shown, "status": self.status}, indent=1)


class KubeObject:
    """One object, which may not exist (yet, or any more)."""

    def __init__(self, api: client.ApiClient, namespace: str, plural: str, name: str, vsphere_name: str) -> None:
        self._objects = client.CustomObjectsApi(api)
        self._events = client.EventsV1Api(api)
        self._where = (GROUP, VERSION, namespace, plural)
        self.namespace, self.plural, self.name, self.vsphere_name = namespace, plural, name, vsphere_name

    def __str__(self) -> str:
        return f"{_KINDS[self.plural]} {self.name}"

    def create(self, spec: Mapping[str, Any]) -> None:
        """Create it."""
        document = {"apiVersion": f"{GROUP}/{VERSION}", "kind": _KINDS[self.plural], "metadata": {"name": self.name}}
        self._objects.create_namespaced_custom_object(*self._where, {**document, "spec": dict(spec)})

    def find(self) -> Snapshot | None:
        """Return it as it is now, or nothing."""
        try:
            found: Any = self._objects.get_namespaced_custom_object(*self._where, self.name)
        except client.ApiException as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        return Snapshot(found)

    def read(self) -> Snapshot:
        """Return it as it is now."""
        found = self.find()
        assert found is not None, f"{self} does not exist"
        return found

    @property
    def mo_ref(self) -> str:
        """The id in vSphere that its status names."""
        found: str = self.read().status["moRef"]
        return found

    def patch(self, *, metadata: Mapping[str, Any] | None = None, **spec: Any) -> None:
        """Merge into spec and metadata."""
        body = {"spec": spec, "metadata": dict(metadata or {})}
        self._objects.patch_namespaced_custom_object(*self._where, self.name, body, _content_type=_MERGE)

    def patch_status(self, **status: Any) -> None:
        """Merge into status: what was lost with a crash, for example."""
        body = {"status": status}
        self._objects.patch_namespaced_custom_object_status(*self._where, self.name, body, _content_type=_MERGE)

    def annotate(self, **annotations: str | None) -> None:
        """Set annotations of our group: `reconcile_requested_at="1"` is `nestedhv.io/reconcile-requested-at`."""
        named = {f"{GROUP}/{name.replace('_', '-')}": value for name, value in annotations.items()}
        self.patch(metadata={"annotations": named})

    def delete(self) -> None:
        """Ask for it to go."""
        self._objects.delete_namespaced_custom_object(*self._where, self.name)

    def wait(self, condition: Callable[[Snapshot], object], what: str, *, seconds: float = 30.0) -> Snapshot:
        """Wait until it exists and satisfies a condition; returns it as it was then."""

        def check() -> Snapshot | None:
            found = self.find()
            return found if found is not None and condition(found) else None

        found = wait_for(check, f"{self}: {what}", seconds=seconds, interval=0.02, detail=self._last)
        assert found is not None
        return found

    def wait_ready(self, *, seconds: float = 30.0) -> Snapshot:
        """Wait until it is Ready at its present generation."""
        return self.wait(lambda now: now.ready, "Ready", seconds=seconds)

    def wait_condition(self, kind: str, status: str, reason: str = "", *, seconds: float = 30.0) -> Snapshot:
        """Wait for a condition at the present generation."""

        def holds(now: Snapshot) -> bool:
            found = now.condition(kind)
            current = status == "absent" or found.observed_generation == now.metadata["generation"]
            return current and found.status == status and reason in ("", found.reason)

        return self.wait(holds, f"{kind}={status} {reason}", seconds=seconds)

    def wait_gone(self, *, seconds: float = 30.0) -> None:
        """Wait until the API server knows it no more."""
        wait_for(lambda: self.find() is None, f"{self} to be gone", seconds=seconds, detail=self._last)

    def events(self) -> list[tuple[str, str]]:
        """Its events as (reason, note), oldest first."""
        selector = f"regarding.name={self.name}"
        found = self._events.list_namespaced_event(self.namespace, field_selector=selector).items
        return [(each.reason or "", each.note or "") for each in sorted(found, key=lambda each: str(each.event_time))]

    def wait_event(self, reason: str, *, seconds: float = 10.0) -> str:
        """Wait for an event, which is posted in the background; returns reason and note."""

        def check() -> str:
            return next((f"{found}: {note}" for found, note in self.events() if found == reason), "")

        detail = lambda: f"events: {self.events()}"  # noqa: E731
        return wait_for(check, f"event {reason} of {self}", seconds=seconds, detail=detail)

    def _last(self) -> str:
        return f"last: {self.find()}"
