"""Each pass of a worker, seen from outside: its id for logs and vCenter, its duration and result for the metrics."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from nested_hyperv.telemetry.context import bind, reconciling
from nested_hyperv.workqueue import Done, Outcome, RequeueAfter, Retry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nested_hyperv.domain.resource import ObjectKey
    from nested_hyperv.kube.store import Store
    from nested_hyperv.telemetry.metrics import Metrics

__all__ = ["PassCounter", "with_context"]


def with_context(
    reconcile: Callable[[ObjectKey], Awaitable[Outcome]], store: Store
) -> Callable[[ObjectKey], Awaitable[Outcome]]:
    """Give each pass an id of its own and put the object on its log lines."""

    async def one_pass(key: ObjectKey) -> Outcome:
        resource = store.get(key)
        known = {} if resource is None else {"uid": resource.uid, "generation": resource.generation}
        with reconciling(key.kind, key.namespace, key.name, _pass_id()), bind(**known):
            return await reconcile(key)

    return one_pass


def _pass_id() -> str:
    """Tell passes apart in logs. Not from the system's randomness: nobody must be kept from guessing it."""
    return f"{random.getrandbits(32):08x}"


class PassCounter:
    """A `workqueue.WorkerObserver` that feeds the metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._since: dict[ObjectKey, float] = {}

    def started(self, key: ObjectKey) -> None:
        """A pass begins."""
        self._since[key] = time.monotonic()
        self._metrics.reconcile_started(key.kind)

    def ended(self, key: ObjectKey, outcome: Outcome | BaseException) -> None:
        """It ended."""
        seconds = time.monotonic() - self._since.pop(key)
        match outcome:
            case Done():
                result = "success"
            case RequeueAfter(failed=True):
                result = "requeue"
            case RequeueAfter():
                result = "requeue_after"
            case Retry():
                result = "requeue"
            case _:
                result = "error"
        self._metrics.reconcile_ended(key.kind, result, seconds, failed=result in {"requeue", "error"})
