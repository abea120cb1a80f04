"""From ``connectionRef`` to a connection, and the finalizer that keeps a Secret alive while somebody needs it.

The connection outlives its users: a Secret carries ``nestedhv.io/in-use`` as long as a resource with ``teardown``
refers to it. One that is being deleted goes on serving those resources and takes no new ones; otherwise the deletion
of a namespace would take away the password before the VMs.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.connection import Connection, InvalidConnection, admits
from nested_hyperv.api.meta import FINALIZER_IN_USE, FINALIZER_TEARDOWN, SECRET_TYPE
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.resource import ObjectKey

if TYPE_CHECKING:
    from collections.abc import Hashable

    from nested_hyperv.api.common import ConnectionRef
    from nested_hyperv.domain.resource import ConnectionSecret, Resource

    from .ports import Kube, Store

__all__ = ["Connections", "connection_of", "server_of"]

_KIND_SECRET: Final = "Secret"  # noqa: S105 - a kind, not a password


def connection_of(resource: Resource) -> ObjectKey:
    """Name the Secret that a resource refers to, whether the spec is valid or not."""
    ref = resource.spec.get("connectionRef") or {}
    return ObjectKey(_KIND_SECRET, ref.get("namespace") or resource.key.namespace, ref.get("name") or "")


def server_of(store: Store, resource: Resource) -> Hashable:
    """The server behind a resource, however many Secrets name it; the Secret itself while there is none."""
    connection = connection_of(resource)
    secret = store.secret(connection.namespace, connection.name)
    return connection if secret is None else secret.data.get("server", "").strip().lower()


class Connections:
    """The connection Secrets and their users."""

    def __init__(self, store: Store, kube: Kube) -> None:
        self._store = store
        self._kube = kube
        self._claiming: Counter[ObjectKey] = Counter()
        self._locks: defaultdict[ObjectKey, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._read: dict[ObjectKey, tuple[ConnectionSecret, Connection]] = {}

    def resolve(self, resource: Resource, ref: ConnectionRef) -> tuple[ConnectionSecret, Connection]:
        """Return the Secret and what it says. Raises ``Blocked`` if there is none that this resource may use."""
        own = resource.key.namespace
        namespace = ref.namespace or own
        secret = self._store.secret(namespace, ref.name)
        if secret is None or (namespace != own and not admits(secret.annotations, own)):
            if namespace == own:
                raise Blocked(
                    Reason.CONNECTION_NOT_FOUND,
                    f"There is no Secret {ref.name} of type {SECRET_TYPE} in namespace {own}. Create it, or change "
                    "spec.connectionRef.",
                )
            # The same words whether it exists or not: nobody learns names in other people's namespaces.
            raise Blocked(
                Reason.CONNECTION_NOT_ALLOWED,
                f"Secret {namespace}/{ref.name} does not exist or does not admit namespace {own}. Its owner can admit "
                "it with the annotation nestedhv.io/allowed-namespaces.",
            )
        if secret.deleting and FINALIZER_TEARDOWN not in resource.finalizers:
            raise Blocked(
                Reason.CONNECTION_TERMINATING,
                f"Secret {namespace}/{ref.name} is being deleted and takes no new users. Create it again when it is "
                "gone.",
            )
        try:
            return secret, self._connection(secret)
        except InvalidConnection as error:
            raise Blocked(Reason.CONNECTION_INVALID, f"Secret {namespace}/{ref.name}: {error}") from error

    def _connection(self, secret: ConnectionSecret) -> Connection:
        """Read a Secret once for all who refer to it."""
        known = self._read.get(secret.key)
        if known is None or known[0] is not secret:
            known = self._read[secret.key] = (secret, Connection.from_secret(secret.data))
        return known[1]

    async def claim(self, resource: Resource, secret: ConnectionSecret) -> Resource:
        """Put ``in-use`` on the Secret, then ``teardown`` on the resource; nothing is created before both stand."""
        if FINALIZER_TEARDOWN in resource.finalizers and (FINALIZER_IN_USE in secret.finalizers or secret.deleting):
            return resource
        self._claiming[secret.key] += 1
        try:
            async with self._locks[secret.key]:  # a thousand new users at once write one finalizer
                await self._kube.protect(self._store.secret(secret.namespace, secret.name) or secret, FINALIZER_IN_USE)
            return await self._kube.add_finalizer(resource, FINALIZER_TEARDOWN)
        finally:
            self._claiming[secret.key] -= 1

    async def settle(self, key: ObjectKey) -> None:
        """Let a Secret go that nobody needs any more. Raises ``Conflict``."""
        async with self._locks[key]:  # who claims it meanwhile waits, and protects it again
            secret = self._store.secret(key.namespace, key.name)
            if secret is None:
                self._read.pop(key, None)
            if secret is None or FINALIZER_IN_USE not in secret.finalizers or self._claiming[key] > 0:
                return
            if any(FINALIZER_TEARDOWN in user.finalizers for user in self._store.referring_to(secret)):
                return
            await self._kube.unprotect(secret, FINALIZER_IN_USE)
