"""Every metric of the operator, in one place and in one registry.

The others call methods named for what happened and know no metric. Names follow controller-runtime and client-go
where they have one, so that dashboards for Go operators work; no label names an object, so the number of series does
not grow with them.
"""

from __future__ import annotations

import re
from collections import Counter as Tally
from typing import TYPE_CHECKING, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Metrics", "QueueMetrics"]

_PREFIX: Final = "nested_hyperv"
_RECONCILE_SECONDS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_QUEUE_SECONDS: Final = (0.0001, 0.001, 0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300)
_CALL_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_ROW_KEY: Final = re.compile(r"\[[^]]*\]")


class QueueMetrics:
    """What happens to one queue (a `workqueue.QueueObserver`)."""

    def __init__(self, registry: CollectorRegistry, name: str) -> None:
        labels = ["name"]

        def histogram(metric: str, text: str) -> Histogram:
            return Histogram(metric, text, labels, buckets=_QUEUE_SECONDS, registry=registry).labels(name)

        def counter(metric: str, text: str) -> Counter:
            return Counter(metric, text, labels, registry=registry).labels(name)

        def gauge(metric: str, text: str) -> Gauge:
            return Gauge(metric, text, labels, registry=registry).labels(name)

        self._adds = counter("workqueue_adds", "Keys added.")
        self._retries = counter("workqueue_retries", "Keys put back after a failure.")
        self._waited = histogram("workqueue_queue_duration_seconds", "How long keys waited for a worker.")
        self._worked = histogram("workqueue_work_duration_seconds", "How long one pass over a key took.")
        self._depth = gauge("workqueue_depth", "Keys that wait for a worker.")
        self._unfinished = gauge("workqueue_unfinished_work_seconds", "Seconds spent so far in passes that still run.")
        self._longest = gauge(
            "workqueue_longest_running_processor_seconds", "Seconds since the oldest running pass began."
        )

    def watch(self, depth: Callable[[], int], running: Callable[[], Iterator[float]]) -> None:
        """Read these at every scrape: how many keys wait, and for how long each running pass has run."""
        self._depth.set_function(depth)
        self._unfinished.set_function(lambda: sum(running()))
        self._longest.set_function(lambda: max(running(), default=0.0))

    def added(self) -> None:
        """A key was added that did not wait yet."""
        self._adds.inc()

    def taken(self, waited: float) -> None:
        """A worker took a key."""
        self._waited.observe(waited)

    def finished(self, worked: float) -> None:
        """A worker gave a key back."""
        self._worked.observe(worked)

    def retried(self) -> None:
        """A key was put back after a failure."""
        self._retries.inc()


class Metrics:
    """All metrics, and the page that shows them."""

    def __init__(self, *, version: str, registry: CollectorRegistry | None = None) -> None:
        # A second series for each counter, which nobody reads.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry or CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.queue = QueueMetrics(self.registry, "reconcile")
        self._reconciles = self._counter("reconcile", "Passes, by how they ended.", "controller", "result")
        self._errors = self._counter("reconcile_errors", "Passes that failed and are tried again.", "controller")
        self._reconcile_seconds = Histogram(
            f"{_PREFIX}_reconcile_time_seconds",
            "How long one pass took.",
            ["controller"],
            buckets=_RECONCILE_SECONDS,
            registry=self.registry,
        )
        self._active = self._gauge("active_workers", "Passes that run now.", "controller")
        self._workers = self._gauge("max_concurrent_reconciles", "Workers.")
        self._repaired = self._counter("drift_repaired", "Fields put back to what the spec says.", "kind", "field")
        self._released = self._counter(
            "released", "Resources that were let go, by what became of their vSphere object.", "kind", "reason"
        )
        self._calls = self._counter("vcenter_requests", "Calls to a vCenter.", "vcenter", "method", "code")
        self._call_seconds = Histogram(
            f"{_PREFIX}_vcenter_request_seconds",
            "How long calls to a vCenter took.",
            ["vcenter", "method"],
            buckets=_CALL_SECONDS,
            registry=self.registry,
        )
        self._links: dict[str, set[int]] = {}
        self._session_up = self._gauge("vcenter_session_up", "1 while the vCenter answers.", "vcenter")
        self._lag = self._gauge("event_loop_lag_seconds", "How late the event loop was at its last check.")
        self._requests = Counter(
            "rest_client_requests", "Requests to the API server.", ["code", "method"], registry=self.registry
        )
        self._gauge("build_info", "Always 1; the label tells the version.", "version").labels(version).set(1)

    def page(self) -> bytes:
        """Render the exposition format."""
        return generate_latest(self.registry)

    def workers(self, count: int) -> None:
        """So many workers were started."""
        self._workers.set(count)

    def reconcile_started(self, controller: str) -> None:
        """A pass over an object of this kind began."""
        self._active.labels(controller).inc()

    def reconcile_ended(self, controller: str, result: str, seconds: float, *, failed: bool) -> None:
        """It ended: `success`, `requeue_after`, `requeue` or `error`."""
        self._active.labels(controller).dec()
        self._reconciles.labels(controller, result).inc()
        self._reconcile_seconds.labels(controller).observe(seconds)
        if failed:
            self._errors.labels(controller).inc()

    def repaired(self, kind: str, field: str) -> None:
        """A field was put back to what the spec says."""
        # The key of a row is a name that a user chose: `networks[mgmt].network` counts as `networks[].network`.
        self._repaired.labels(kind, _ROW_KEY.sub("[]", field)).inc()

    def released(self, kind: str, reason: str) -> None:
        """A resource that was being deleted has been let go."""
        self._released.labels(kind, str(reason)).inc()

    def called(self, server: str, method: str, code: str, seconds: float) -> None:
        """A call to a vCenter ended."""
        self._calls.labels(server, method, code).inc()
        self._call_seconds.labels(server, method).observe(seconds)

    def connected(self, server: str, link: int, *, up: bool) -> None:
        """A connection to a vCenter is up or down; the vCenter answers while one of them is up."""
        links = self._links.setdefault(server, set())
        if up:
            links.add(link)
        else:
            links.discard(link)
        self._session_up.labels(server).set(int(bool(links)))

    def requested(self, method: str, code: str, _seconds: float) -> None:
        """A request to the API server ended."""
        self._requests.labels(code, method).inc()

    def lagged(self, seconds: float) -> None:
        """The event loop ran a timer this late."""
        self._lag.set(seconds)

    def watch_resources(self, states: Callable[[], Iterable[tuple[str, str]]]) -> None:
        """Read at every scrape the kind and the Ready status (True, False, Unknown) of each object."""
        self.registry.register(_Resources(states))

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"{_PREFIX}_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"{_PREFIX}_{name}", text, labels, registry=self.registry)


class _Resources(Collector):
    def __init__(self, states: Callable[[], Iterable[tuple[str, str]]]) -> None:
        self._states = states

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Count the objects as they are now."""
        (family,) = self.describe()
        for (kind, ready), count in sorted(Tally(self._states()).items()):
            family.add_metric([kind, ready], count)
        return [family]

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Name the metric without counting."""
        text = "Objects by their Ready condition."
        return [GaugeMetricFamily(f"{_PREFIX}_resources", text, labels=["kind", "ready"])]
