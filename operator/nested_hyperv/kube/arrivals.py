"""What an arriving object means for the queue: nothing, background work, or something a person waits for.

Runs for every watch event, so it compares a few fields and never more. The one idea: what the operator itself wrote
is no news, everything else that it would act on is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from nested_hyperv.domain.portgroup.rivals import tokens_of
from nested_hyperv.domain.resource import ConnectionSecret, ObjectKey, Resource
from nested_hyperv.workqueue import Priority

if TYPE_CHECKING:
    from nested_hyperv.kube.echo import OwnWrites
    from nested_hyperv.kube.projection import Watched
    from nested_hyperv.kube.store import Store

__all__ = ["Arrivals", "Enqueue", "priority_of"]


class Enqueue(Protocol):
    """The queue's `add`."""

    def __call__(self, key: ObjectKey, priority: Priority) -> None:
        """Have the key reconciled."""


def priority_of(known: Watched | None, new: Watched) -> Priority | None:
    """How urgent a new snapshot is, compared with the known one; `None` if it changes nothing that we act on."""
    if isinstance(new, Resource):
        return _resource_priority(known if isinstance(known, Resource) else None, new)
    return _secret_priority(known if isinstance(known, ConnectionSecret) else None, new)


def _resource_priority(known: Resource | None, new: Resource) -> Priority | None:
    if known is None or known.uid != new.uid:
        # A restart lists what is settled already; it must not hold up what people changed meanwhile.
        settled = new.status.get("observedGeneration") == new.generation and not new.deleting
        return Priority.LOW if settled else Priority.HIGH
    if (known.generation, known.deletion_timestamp, known.annotations) != (
        new.generation,
        new.deletion_timestamp,
        new.annotations,
    ):
        return Priority.HIGH
    if (known.status, known.finalizers) != (new.status, new.finalizers):
        return Priority.LOW
    return None


def _secret_priority(known: ConnectionSecret | None, new: ConnectionSecret) -> Priority | None:
    if known is None or known.uid != new.uid:
        return Priority.LOW
    changed = (known.data, known.annotations, known.deletion_timestamp, known.finalizers) != (
        new.data,
        new.annotations,
        new.deletion_timestamp,
        new.finalizers,
    )
    return Priority.LOW if changed else None


class Arrivals:
    """Puts what arrives into the store and the keys that it concerns into the queue."""

    def __init__(self, store: Store, own_writes: OwnWrites, enqueue: Enqueue) -> None:
        self._store = store
        self._own_writes = own_writes
        self._enqueue = enqueue

    def seen(self, item: Watched) -> None:
        """An object was listed, added or modified."""
        known = self._store.find(item.key)
        if not self._store.put(item):
            return
        priority = priority_of(known, item)
        if priority is not None:
            self._own_writes.unless_ours(item.key, item.resource_version, lambda: self._announce(item, priority))

    def gone(self, item: Watched) -> None:
        """An object was deleted; `item` is its last state."""
        self._store.remove(item.key, item.uid, item.resource_version)
        # A namesake that took its place is announced by its own arrival.
        if self._store.find(item.key) is None:
            self._announce(item, Priority.HIGH)

    def _announce(self, item: Watched, priority: Priority) -> None:
        self._enqueue(item.key, priority)
        if isinstance(item, ConnectionSecret):
            for resource in self._store.referring_to(item):
                self._enqueue(resource.key, Priority.LOW)
            return
        # Who waits for this one to let go, or to want something else, has nobody else to hear it from.
        for resource in self._store.sharing(tokens_of(item)):
            if resource.key != item.key and not resource.ready:
                self._enqueue(resource.key, Priority.LOW)
