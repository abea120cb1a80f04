"""The operator put together: every part is made here once, and started and stopped in an order that is explained here.

Start: the lists first (no object is looked at before its Secret is known), then workers, then the watch. End: no more
work is taken, running passes end, vCenter sessions are logged out, events are posted. Nothing has to be saved.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from nested_hyperv import __version__
from nested_hyperv.app.passes import PassCounter, with_context
from nested_hyperv.controllers.connections import Connections
from nested_hyperv.controllers.engine import Engine
from nested_hyperv.controllers.host.controller import HostKind
from nested_hyperv.controllers.memory import Memories
from nested_hyperv.controllers.portgroup.controller import PortGroupKind
from nested_hyperv.controllers.progress import Progress
from nested_hyperv.controllers.reconciler import Reconciler
from nested_hyperv.controllers.report import Report
from nested_hyperv.controllers.shares import Shares
from nested_hyperv.domain.errors import OperatorError
from nested_hyperv.domain.resource import ObjectKey
from nested_hyperv.kube.arrivals import Arrivals
from nested_hyperv.kube.client import KubeClient, Missing
from nested_hyperv.kube.echo import OwnWrites
from nested_hyperv.kube.edge import Edge
from nested_hyperv.kube.events import EventRecorder
from nested_hyperv.kube.listing import Lister
from nested_hyperv.kube.paths import CUSTOM_KINDS
from nested_hyperv.kube.store import Store
from nested_hyperv.kube.writer import KubeWriter
from nested_hyperv.telemetry.health import HealthServer, measure_lag
from nested_hyperv.telemetry.metrics import Metrics
from nested_hyperv.vsphere.vcenters import VCenters
from nested_hyperv.workqueue import Workers, WorkQueue

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from nested_hyperv.app.settings import Settings
    from nested_hyperv.controllers.context import Kind
    from nested_hyperv.vsphere.tuning import Tuning

__all__ = ["CannotStart", "Operator"]

_log = logging.getLogger(__name__)

# Within the 60 seconds that the shipped pod has to end.
_PASS_GRACE: Final = 20.0
_EVENT_GRACE: Final = 3.0
_WATCH_GRACE: Final = 5.0


class CannotStart(Exception):
    """A setting or a right is missing; the message tells which."""


class Operator:
    """One operator process."""

    def __init__(self, settings: Settings, *, tuning: Tuning | None = None) -> None:
        self._settings = settings
        self.metrics = Metrics(version=__version__)
        self.queue: WorkQueue[ObjectKey] = WorkQueue(observer=self.metrics.queue)
        self.store = Store()
        own_writes = OwnWrites()
        self._client = KubeClient(observer=self.metrics.requested)
        self._kube = KubeWriter(self._client, self.store, own_writes)
        arrivals = Arrivals(self.store, own_writes, self.queue.add)
        self._lister = Lister(self._client, self.store, arrivals, settings.namespaces)
        self._edge = Edge(arrivals, settings.namespaces)
        self._events = EventRecorder(self._client)
        self._vcenters = VCenters(self.queue.add, tuning=tuning, observer=self.metrics)
        self._background: list[asyncio.Task[None]] = []
        self._watch: asyncio.Task[None] | None = None
        self._workers: Workers[ObjectKey] | None = None
        self._ready = False
        self._health = HealthServer(self.metrics, problems=self.problems, ready=lambda: self._ready)
        self.metrics.queue.watch(self.queue.__len__, self.queue.running_seconds)
        self.metrics.watch_resources(self._states)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set. Raises what ended the operator if nobody asked for it."""
        try:
            await self._start()
            stopping = asyncio.create_task(stop.wait(), name="stop")
            try:
                await asyncio.wait([stopping, *self._background], return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopping.cancel()
            for task in self._background:
                if task.done():
                    task.result()
        finally:
            await self._end()

    def problems(self) -> list[str]:
        """What has ended that must run."""
        found = [f"{task.get_name()} has ended" for task in self._background if task.done()]
        if self._workers is not None and self._workers.alive < self._settings.workers:
            found.append(f"{self._settings.workers - self._workers.alive} workers have ended")
        return found

    async def _start(self) -> None:
        if self._settings.http_port:
            await self._serve_health(self._settings.http_port, self._settings.http_host)
        engine = self._engine(await self._cluster_id())
        await self._lister.fill()
        self._ready = True
        workers = Workers(
            self.queue,
            with_context(engine.reconcile, self.store),
            count=self._settings.workers,
            observer=PassCounter(self.metrics),
        )
        self._workers = workers
        self.metrics.workers(self._settings.workers)
        workers.start()
        self._watch = self._spawn("the watch", self._edge.run())
        self._spawn("the sweep", self._lister.run())
        self._spawn("the event recorder", self._events.run())
        self._spawn("the lag meter", measure_lag(self.metrics))
        where = ", ".join(self._settings.namespaces) or "all namespaces"
        _log.info("nested-hyperv-operator %s serves %s with %d workers", __version__, where, self._settings.workers)

    async def _serve_health(self, port: int, host: str | None) -> None:
        try:
            await self._health.start(port, host)
        except OSError as error:
            where = f"{host or 'all addresses'}, port {port}"
            raise CannotStart(
                f"health and metrics cannot be served on {where}: {error.strerror or error}."
                " Set NHV_HTTP_PORT to a free port, or to 0 to serve none, and NHV_HTTP_HOST to an address of this host"
            ) from error

    async def _end(self) -> None:
        _log.info("ending: running passes are completed and vCenter sessions logged out")
        self._ready = False
        self._edge.stop()
        if self._workers is not None:
            await self._workers.stop(grace=_PASS_GRACE)
        self.queue.shut_down()
        await self._vcenters.close()
        await self._events.flush(_EVENT_GRACE)
        if self._watch is not None:
            # It was asked to stop. Its thread reads the files of a kubeconfig, which go when the process ends.
            await asyncio.wait([self._watch], timeout=_WATCH_GRACE)
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._client.close()
        await self._health.stop()

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._background.append(task)
        return task

    async def _cluster_id(self) -> str:
        if self._settings.cluster_id:
            return self._settings.cluster_id
        try:
            return await self._client.kube_system_uid()
        except (OperatorError, Missing) as error:
            raise CannotStart(
                f"the default cluster id, the UID of the namespace kube-system, cannot be read: {error}."
                " Set NHV_CLUSTER_ID to a text that no other cluster uses and that never changes"
            ) from error

    def _engine(self, cluster_id: str) -> Engine:
        memories, connections = Memories(), Connections(self.store, self._kube)
        report = Report(self._kube, self._events, _now)
        progress = Progress(self._events, self.metrics, _now)

        def reconciler(kind: Kind[Any, Any, Any]) -> Reconciler[Any, Any, Any]:
            return Reconciler(
                kind,
                cluster_id=cluster_id,
                connections=connections,
                vcenters=self._vcenters,
                memories=memories,
                report=report,
                progress=progress,
                elapsed=time.monotonic,
            )

        kinds: tuple[Kind[Any, Any, Any], ...] = (PortGroupKind(self.store), HostKind(self.store))
        return Engine(
            reconcilers={kind.name: reconciler(kind) for kind in kinds},
            store=self.store,
            kube=self._kube,
            events=self._events,
            connections=connections,
            vcenters=self._vcenters,
            memories=memories,
            report=report,
            shares=Shares(self._settings.workers * 3 // 4, self.queue.add),
            meter=self.metrics,
            enqueue=self.queue.add,
        )

    def _states(self) -> Iterator[tuple[str, str]]:
        for kind in CUSTOM_KINDS:
            for resource in self.store.of_kind(kind):
                conditions = resource.status.get("conditions", ())
                ready = [condition["status"] for condition in conditions if condition["type"] == "Ready"]
                yield kind, ready[0] if ready else "Unknown"


def _now() -> datetime:
    return datetime.now(UTC)
