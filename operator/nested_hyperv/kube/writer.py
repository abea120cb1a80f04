"""The writes that the operator makes: status, its finalizer, and the finalizer that keeps a connection Secret.

Each is based on a snapshot and refused by the API server if that is not the newest state, so no write is ever made on
stale knowledge and no status lands in an object of the same name that came later. The answer goes into the store at
once.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Blocked, Conflict
from nested_hyperv.kube.client import Missing, Unexpected
from nested_hyperv.kube.projection import project, to_connection_secret, to_resource
from nested_hyperv.kube.status import same_status, without_nulls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nested_hyperv.domain.resource import ConnectionSecret, Resource
    from nested_hyperv.kube.client import KubeClient
    from nested_hyperv.kube.echo import OwnWrites
    from nested_hyperv.kube.projection import Watched
    from nested_hyperv.kube.store import Store

__all__ = ["KubeWriter"]


class KubeWriter:
    """Satisfies the controllers' `Kube` protocol."""

    def __init__(self, client: KubeClient, store: Store, own_writes: OwnWrites) -> None:
        self._client = client
        self._store = store
        self._own_writes = own_writes

    async def write_status(self, resource: Resource, status: Mapping[str, Any]) -> Resource:
        """Make the status subresource equal to `status`; no request if it is. Raises `Conflict`."""
        wanted = without_nulls(status)
        if same_status(wanted, resource.status):
            return resource
        with self._own_writes.writing(resource.key) as ours:
            try:
                body = await self._client.apply_status(resource.key, resource.resource_version, wanted)
            except Missing as error:
                raise self._vanished(resource) from error
            written = to_resource(resource.key.kind, body)
            ours(written.resource_version)
            self._store.put(written)
            return written

    async def add_finalizer(self, resource: Resource, finalizer: str) -> Resource:
        """Add a finalizer unless it is there. Raises `Conflict`."""
        if finalizer in resource.finalizers:
            return resource
        try:
            body = await self._set_finalizers(resource, [*resource.finalizers, finalizer])
            return to_resource(resource.key.kind, body)
        except Missing as error:
            raise self._vanished(resource) from error
        except Unexpected as error:
            if _takes_no_finalizer(error):
                raise Conflict(f"{resource.key} is being deleted since it was read: {error}") from error
            raise

    async def remove_finalizer(self, resource: Resource, finalizer: str) -> None:
        """Remove a finalizer if it is there. Raises `Conflict`."""
        if finalizer in resource.finalizers:
            await self._drop_finalizer(resource, finalizer)

    async def protect(self, secret: ConnectionSecret, finalizer: str) -> ConnectionSecret:
        """Add a finalizer to a Secret. Raises `Blocked(ConnectionTerminating)` if it is being deleted."""
        if finalizer in secret.finalizers:
            return secret
        if secret.deleting:
            raise _terminating(secret)
        try:
            return to_connection_secret(await self._set_finalizers(secret, [*secret.finalizers, finalizer]))
        except Missing as error:
            raise self._vanished(secret) from error
        except Unexpected as error:
            if _takes_no_finalizer(error):
                raise _terminating(secret) from error
            raise

    async def unprotect(self, secret: ConnectionSecret, finalizer: str) -> None:
        """Remove a finalizer from a Secret. Raises `Conflict`."""
        if finalizer in secret.finalizers:
            await self._drop_finalizer(secret, finalizer)

    async def _drop_finalizer(self, item: Watched, finalizer: str) -> None:
        left = [name for name in item.finalizers if name != finalizer]
        try:
            await self._set_finalizers(item, left)
        except Missing:
            self._store.remove(item.key, item.uid, item.resource_version)

    async def _set_finalizers(self, item: Watched, finalizers: Sequence[str]) -> Mapping[str, Any]:
        with self._own_writes.writing(item.key) as ours:
            body = await self._client.set_finalizers(item.key, item.resource_version, finalizers)
            written = project(item.key.kind, body)
            ours(written.resource_version)
            if written.deleting and not written.finalizers:
                # It was the last one: this answer is the last state of an object that is gone.
                self._store.remove(written.key, written.uid, written.resource_version)
            else:
                self._store.put(written)
            return body

    def _vanished(self, item: Watched) -> Conflict:
        # The watch tells a deletion, unless it happened while the watch was away.
        self._store.remove(item.key, item.uid, item.resource_version)
        return Conflict(f"{item.key} does not exist any more")


def _takes_no_finalizer(error: Unexpected) -> bool:
    """Whether a write was refused because the object is being deleted; admission refuses with 422, too."""
    return error.status == HTTPStatus.UNPROCESSABLE_ENTITY and "no new finalizers" in str(error)


def _terminating(secret: ConnectionSecret) -> Blocked:
    return Blocked(
        Reason.CONNECTION_TERMINATING,
        f"Secret {secret.namespace}/{secret.name} is being deleted and takes no new users. Wait until it is gone and"
        " create it again, or name another Secret in connectionRef",
    )
