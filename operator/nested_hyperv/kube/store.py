"""The newest snapshot of every watched object.

Three sources write here and overtake each other: the watch, the answers to our own writes, and listings. Whatever the
order of arrival, the newest `resourceVersion` stays (Kubernetes defines it as a growing integer), and an object that
was seen deleted does not come back from a late answer.

Used on the event loop's thread only; reading never waits.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from nested_hyperv.domain.portgroup.rivals import tokens_of
from nested_hyperv.domain.resource import ConnectionSecret, ObjectKey, Resource
from nested_hyperv.kube.paths import KIND_SECRET

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from nested_hyperv.kube.projection import Watched

__all__ = ["Store"]

# Late answers arrive within a request timeout; this many deletions do not happen meanwhile.
_GRAVES: Final = 4096


class Store:
    """Snapshots by key, by kind and namespace, by the Secret that they refer to, and by what rivals have in common."""

    def __init__(self) -> None:
        self._objects: dict[str, dict[str, dict[str, Resource]]] = {}
        self._secrets: dict[ObjectKey, ConnectionSecret] = {}
        self._referring: dict[ObjectKey, set[ObjectKey]] = {}
        self._sharing: dict[Hashable, set[ObjectKey]] = {}
        self._graves: OrderedDict[str, int] = OrderedDict()

    def get(self, key: ObjectKey) -> Resource | None:
        """Return the newest snapshot of a custom resource, or `None` if the API server has it no more."""
        return self._objects.get(key.kind, {}).get(key.namespace, {}).get(key.name)

    def of_kind(self, kind: str, namespace: str | None = None) -> Iterator[Resource]:
        """Return all objects of a kind, in one namespace or in all that are watched."""
        namespaces = self._objects.get(kind, {})
        chosen = namespaces.values() if namespace is None else [namespaces.get(namespace, {})]
        return iter([resource for by_name in chosen for resource in by_name.values()])

    def secret(self, namespace: str, name: str) -> ConnectionSecret | None:
        """Return a connection Secret."""
        return self._secrets.get(ObjectKey(KIND_SECRET, namespace, name))

    def secrets(self) -> Iterator[ConnectionSecret]:
        """Return all connection Secrets."""
        return iter(list(self._secrets.values()))

    def referring_to(self, secret: ConnectionSecret) -> Iterator[Resource]:
        """Return every object whose `connectionRef` names this Secret."""
        resources = (self.get(key) for key in sorted(self._referring.get(secret.key, ())))
        return iter([resource for resource in resources if resource is not None])

    def sharing(self, tokens: Iterable[Hashable]) -> Iterator[Resource]:
        """Return every object that has one of these tokens (`tokens_of`)."""
        keys = frozenset().union(*(self._sharing.get(token, ()) for token in tokens))
        resources = (self.get(key) for key in sorted(keys))
        return iter([resource for resource in resources if resource is not None])

    def find(self, key: ObjectKey) -> Watched | None:
        """Return the snapshot of any watched kind."""
        return self._secrets.get(key) if key.kind == KIND_SECRET else self.get(key)

    def put(self, item: Watched) -> bool:
        """Keep the snapshot if it is newer than what is known. Returns whether it is."""
        version = int(item.resource_version)
        known = self.find(item.key)
        if version <= self._graves.get(item.uid, 0) or (known is not None and version <= int(known.resource_version)):
            return False
        if isinstance(item, ConnectionSecret):
            self._secrets[item.key] = item
            return True
        self._forget_reference(known)
        self._objects.setdefault(item.key.kind, {}).setdefault(item.key.namespace, {})[item.key.name] = item
        self._referring.setdefault(connection_of(item), set()).add(item.key)
        for token in tokens_of(item):
            self._sharing.setdefault(token, set()).add(item.key)
        return True

    def remove(self, key: ObjectKey, uid: str, resource_version: str) -> bool:
        """Forget the object that was deleted at this version. Returns whether it was known.

        An object of the same name with another uid is left alone.
        """
        self._graves[uid] = int(resource_version)
        while len(self._graves) > _GRAVES:
            self._graves.popitem(last=False)
        known = self.find(key)
        if known is None or known.uid != uid:
            return False
        if isinstance(known, ConnectionSecret):
            del self._secrets[key]
            return True
        self._forget_reference(known)
        namespaces = self._objects[key.kind]
        del namespaces[key.namespace][key.name]
        if not namespaces[key.namespace]:
            del namespaces[key.namespace]
        return True

    def _forget_reference(self, known: Watched | None) -> None:
        if not isinstance(known, Resource):
            return
        _take_out(self._referring, connection_of(known), known.key)
        for token in tokens_of(known):
            _take_out(self._sharing, token, known.key)


def _take_out(index: dict[Any, set[ObjectKey]], entry: Hashable, key: ObjectKey) -> None:
    keys = index[entry]
    keys.discard(key)
    if not keys:
        del index[entry]


def connection_of(resource: Resource) -> ObjectKey:
    """Name the Secret that a resource refers to. The schema requires `connectionRef.name`."""
    reference = resource.spec["connectionRef"]
    return ObjectKey(KIND_SECRET, reference.get("namespace") or resource.key.namespace, reference["name"])
