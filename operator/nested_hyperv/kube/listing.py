"""Lists instead of watch events: the first fill of the store, and the sweep for deletions that nobody told.

Kopf does not say when its first listing is complete, and tells no deletion that happened while its watch was away. So
the store is filled here before the watch starts (no object is reconciled while its Secret is still unread), and swept
later.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from nested_hyperv.api.meta import GROUP
from nested_hyperv.domain.errors import OperatorError
from nested_hyperv.kube.client import Missing, Unexpected
from nested_hyperv.kube.paths import KIND_SECRET, WATCHED
from nested_hyperv.kube.projection import project

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nested_hyperv.kube.arrivals import Arrivals
    from nested_hyperv.kube.client import KubeClient
    from nested_hyperv.kube.projection import Watched
    from nested_hyperv.kube.store import Store

__all__ = ["CannotList", "Lister"]

_log = logging.getLogger(__name__)

# An object may vanish between the first listing and the start of the watch; the first sweep finds it soon.
_FIRST_SWEEP: Final = 60.0
_SWEEP: Final = 1800.0


class CannotList(Exception):
    """The operator cannot work in this cluster as it is; the message tells the cure."""


class Lister:
    """Fills and sweeps the store. `namespaces` is empty for the whole cluster."""

    def __init__(self, client: KubeClient, store: Store, arrivals: Arrivals, namespaces: Sequence[str] = ()) -> None:
        self._client = client
        self._store = store
        self._arrivals = arrivals
        self._namespaces: Sequence[str | None] = list(namespaces) or [None]

    async def fill(self) -> None:
        """Read all watched objects into the store. Raises `CannotList` if that is impossible here."""
        # Secrets first: an object that is announced must find its connection.
        for kind in sorted(WATCHED, key=lambda kind: kind != KIND_SECRET):
            for namespace in self._namespaces:
                try:
                    listing = await self._client.list(kind, namespace)
                except Missing as error:
                    raise CannotList(
                        f"the API server does not know {kind}: apply the CustomResourceDefinitions of {GROUP} (crds/)"
                        " first"
                    ) from error
                except OperatorError as error:
                    raise CannotList(error.message) from error
                for body in listing.items:
                    self._arrivals.seen(project(kind, body))

    async def sweep(self) -> int:
        """Forget what the API server has no more. Returns how many objects that were."""
        found = 0
        for kind in WATCHED:
            for namespace in self._namespaces:
                listing = await self._client.list(kind, namespace, metadata_only=True)
                alive = {body["metadata"]["uid"] for body in listing.items}
                for item in list(self._known(kind, namespace)):
                    # What is newer than the listing was created after it.
                    if item.uid not in alive and int(item.resource_version) <= int(listing.resource_version):
                        _log.info("%s was deleted while the watch was away", item.key)
                        self._arrivals.gone(item)
                        found += 1
        return found

    async def run(self) -> None:
        """Sweep soon after the start and then now and then, for ever."""
        delay = _FIRST_SWEEP
        while True:
            await asyncio.sleep(delay)
            delay = _SWEEP
            try:
                await self.sweep()
            except (OperatorError, Unexpected) as error:
                _log.warning("the sweep for deleted objects failed, next try in %d s: %s", delay, error)

    def _known(self, kind: str, namespace: str | None) -> Iterable[Watched]:
        if kind == KIND_SECRET:
            return (secret for secret in self._store.secrets() if namespace in (None, secret.namespace))
        return self._store.of_kind(kind, namespace)
