"""Kubernetes Events: what a person reads under `kubectl describe`.

Best effort by design. `emit` never waits and never fails; a full buffer drops the oldest, a refused post (a namespace
that is being deleted takes no Events) is only logged. The caller emits on transitions; the recorder keeps a caller
that repeats itself from flooding the cluster.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import uuid4

from nested_hyperv.api.meta import API_VERSION, FIELD_MANAGER
from nested_hyperv.domain.errors import OperatorError
from nested_hyperv.kube.client import Unexpected

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nested_hyperv.api.conditions import Reason
    from nested_hyperv.domain.resource import Resource

__all__ = ["EventRecorder", "PostEvent"]

_log = logging.getLogger(__name__)

_BUFFER: Final = 1000
_SAME_EVENT_SECONDS: Final = 600.0
_REMEMBERED: Final = 4096
# As client-go's spam filter: a burst for each object, then one Event in five minutes.
_BURST: Final = 25
_REFILL_SECONDS: Final = 300.0
# Limit of the API server for `note`.
_NOTE_BYTES: Final = 1024


class PostEvent(Protocol):
    """How an Event reaches the API server."""

    async def create_event(self, namespace: str, event: Mapping[str, Any]) -> None:
        """Post it."""


@dataclass(slots=True)
class _Allowance:
    left: float
    since: float


class EventRecorder:
    """Buffers Events and posts them in the background."""

    def __init__(self, client: PostEvent, *, now: Callable[[], float] | None = None) -> None:
        self._client = client
        self._now = now or (lambda: asyncio.get_running_loop().time())
        self._buffer: deque[tuple[str, dict[str, Any]]] = deque(maxlen=_BUFFER)
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._recent: OrderedDict[tuple[str, str, str, str], float] = OrderedDict()
        self._allowances: OrderedDict[str, _Allowance] = OrderedDict()
        self._instance = os.environ.get("HOSTNAME") or socket.gethostname()

    def emit(self, resource: Resource, kind: str, reason: Reason, message: str) -> None:
        """Queue an Event of `kind` `Normal` or `Warning`.

        Not posted if it repeats a recent one, or if the object has had too many.
        """
        now = self._now()
        if not self._is_news((resource.uid, kind, str(reason), message), now) or not self._may(resource.uid, now):
            return
        self._buffer.append((resource.key.namespace, self._event(resource, kind, str(reason), message)))
        self._idle.clear()
        self._arrived.set()

    async def run(self) -> None:
        """Post what is emitted, for ever."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._buffer:
                namespace, event = self._buffer.popleft()
                try:
                    await self._client.create_event(namespace, event)
                except (OperatorError, Unexpected) as error:
                    _log.info("Event %s of %s was not posted: %s", event["reason"], event["regarding"]["name"], error)
            self._idle.set()

    async def flush(self, seconds: float) -> None:
        """Wait until all is posted, but not longer than this."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()

    def _is_news(self, event: tuple[str, str, str, str], now: float) -> bool:
        last = self._recent.get(event)
        if last is not None and now - last < _SAME_EVENT_SECONDS:
            return False
        self._recent[event] = now
        self._recent.move_to_end(event)
        while len(self._recent) > _REMEMBERED:
            self._recent.popitem(last=False)
        return True

    def _may(self, uid: str, now: float) -> bool:
        allowance = self._allowances.setdefault(uid, _Allowance(_BURST, now))
        self._allowances.move_to_end(uid)
        while len(self._allowances) > _REMEMBERED:
            self._allowances.popitem(last=False)
        allowance.left = min(_BURST, allowance.left + (now - allowance.since) / _REFILL_SECONDS)
        allowance.since = now
        if allowance.left < 1:
            return False
        allowance.left -= 1
        return True

    def _event(self, resource: Resource, kind: str, reason: str, message: str) -> dict[str, Any]:
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": f"{resource.key.name[:200]}.{uuid4().hex[:16]}", "namespace": resource.key.namespace},
            "eventTime": moment,
            "type": kind,
            "reason": reason,
            "action": reason,
            "note": message.encode()[:_NOTE_BYTES].decode(errors="ignore"),
            "reportingController": FIELD_MANAGER,
            "reportingInstance": self._instance[:128],
            "regarding": {
                "apiVersion": API_VERSION,
                "kind": resource.key.kind,
                "namespace": resource.key.namespace,
                "name": resource.key.name,
                "uid": resource.uid,
                "resourceVersion": resource.resource_version,
            },
        }
