"""The operator between an API server and a vCenter in memory: every part above the two clients is the real one.

A test says what people and vSphere do, lets the operator work until it is quiet, and looks at what is there, what was
written and what was called. Time moves only when the test says so. Being quiet is part of every test: work that never
ends fails it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from nested_hyperv.controllers.connections import Connections
from nested_hyperv.controllers.engine import Engine
from nested_hyperv.controllers.host.controller import HostKind
from nested_hyperv.controllers.memory import Memories
from nested_hyperv.controllers.portgroup.controller import PortGroupKind
from nested_hyperv.controllers.progress import Progress
from nested_hyperv.controllers.reconciler import Reconciler
from nested_hyperv.controllers.report import Report
from nested_hyperv.controllers.shares import Shares
from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.domain.ownership import identify, parse_mark
from nested_hyperv.domain.resource import ObjectKey
from nested_hyperv.kube.arrivals import Arrivals
from nested_hyperv.kube.client import KubeClient
from nested_hyperv.kube.echo import OwnWrites
from nested_hyperv.kube.store import Store
from nested_hyperv.kube.writer import KubeWriter
from nested_hyperv.workqueue import Done, RequeueAfter, Retry, WorkQueue
from support.api_server import MemoryApiServer
from support.clock import FakeClock
from support.documents import BASE, NHV, NPG, changed
from support.fake_vcenter import FakeVCenter
from support.fake_vcenters import FakeVCenters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nested_hyperv.api.conditions import Reason
    from nested_hyperv.controllers.context import Kind
    from nested_hyperv.domain.inventory import PortGroup, VirtualMachine
    from nested_hyperv.domain.ownership import Identity, Mark
    from nested_hyperv.domain.resource import Resource
    from nested_hyperv.workqueue import Outcome

__all__ = ["HOST", "PORT_GROUP", "SECRET", "Workbench"]

PORT_GROUP = ObjectKey(NPG, "lab", "inner")
HOST = ObjectKey(NHV, "lab", "hv1")
SECRET = ObjectKey("Secret", "lab", "vcenter")

_CLUSTER = "cluster-1"
_START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
_PASSES = 300


@dataclass
class EventLog:
    """Kubernetes Events, as (type, reason, message)."""

    entries: list[tuple[str, str, str]] = field(default_factory=list)

    def emit(self, resource: Resource, kind: str, reason: Reason, message: str) -> None:
        assert resource.uid
        self.entries.append((kind, reason.value, message))

    @property
    def reasons(self) -> list[str]:
        return [reason for _, reason, _ in self.entries]


@dataclass
class Count:
    """The metrics of repairs and releases."""

    repairs: list[tuple[str, str]] = field(default_factory=list)
    releases: list[tuple[str, str]] = field(default_factory=list)

    def repaired(self, kind: str, field: str) -> None:
        self.repairs.append((kind, field))

    def released(self, kind: str, reason: Reason) -> None:
        self.releases.append((kind, reason.value))


class Workbench:
    """One cluster, one vCenter (`vcenter`), another one that a Secret can name (`other`), and the operator."""

    def __init__(self, *, workers_per_vcenter: int = 4) -> None:
        self.clock = FakeClock()
        self.api = MemoryApiServer()
        self.vcenter, self.other = FakeVCenter(), FakeVCenter(uuid="vcenter-2")
        self.events, self.meter = EventLog(), Count()
        self._share = workers_per_vcenter
        self.outcomes: dict[ObjectKey, Outcome] = {}
        self.start()

    def start(self) -> None:
        """Start the operator; also a second time, as a new process that remembers nothing."""
        self.queue: WorkQueue[ObjectKey] = WorkQueue(clock=self.clock)
        self.store = Store()
        own_writes = OwnWrites()
        self.api.arrivals = Arrivals(self.store, own_writes, self.queue.add)
        kube = KubeWriter(cast("KubeClient", self.api), self.store, own_writes)
        for vcenter in (self.vcenter, self.other):
            vcenter.log_out()
        self.vcenters = FakeVCenters(self.queue.add, first=self.vcenter, second=self.other)
        self.memories = Memories()
        connections = Connections(self.store, kube)
        report, progress = Report(kube, self.events, self.now), Progress(self.events, self.meter, self.now)

        def reconciler(kind: Kind[Any, Any, Any]) -> Reconciler[Any, Any, Any]:
            return Reconciler(
                kind,
                cluster_id=_CLUSTER,
                connections=connections,
                vcenters=self.vcenters,
                memories=self.memories,
                progress=progress,
                report=report,
                elapsed=self.clock.now,
            )

        kinds: tuple[Kind[Any, Any, Any], ...] = (PortGroupKind(self.store), HostKind(self.store))
        self.engine = Engine(
            reconcilers={kind.name: reconciler(kind) for kind in kinds},
            store=self.store,
            kube=kube,
            events=self.events,
            connections=connections,
            vcenters=self.vcenters,
            memories=self.memories,
            meter=self.meter,
            report=report,
            shares=Shares(self._share, self.queue.add),
            enqueue=self.queue.add,
        )
        for key in list(self.api.objects):
            self.api.relist(key)

    def now(self) -> datetime:
        return _START + timedelta(seconds=self.clock.now())

    # --- what people do -----------------------------------------------------------------------------------------------

    def connect(self, key: ObjectKey = SECRET, **data: str) -> None:
        """Create the connection Secret; `allow_namespaces` becomes its annotation."""
        annotations = (
            {"nestedhv.io/allowed-namespaces": data.pop("allow_namespaces")} if "allow_namespaces" in data else {}
        )
        self.api.create_secret(key, {"server": "first", "username": "u", "password": "p"} | data, annotations)

    def declare(self, key: ObjectKey, annotations: Mapping[str, str] | None = None, **spec: Any) -> None:
        """Create a resource; dots in names of fields are double underscores (`hardware__cpus`)."""
        change = {name.replace("__", "."): value for name, value in spec.items()}
        self.api.create(key, changed(BASE[key.kind], change), annotations)

    # --- letting the operator work ------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until nothing is left that does not wait for the clock."""
        for _ in range(_PASSES):
            await self.work()
            if not self.vcenter.advance() and not self.other.advance() and not len(self.queue):
                return
        raise AssertionError(f"never quiet: {self.vcenter.calls[-20:]}, {self.api.writes[-20:]}")

    async def work(self, until: Callable[[], bool] = lambda: False) -> None:
        """Work off the queue while vSphere stands still."""
        for _ in range(_PASSES):
            if not len(self.queue) or until():
                return
            await self.turn(await self.queue.get())
        raise AssertionError(f"the queue never empties: {self.vcenter.calls[-20:]}, {self.api.writes[-20:]}")

    async def turn(self, key: ObjectKey) -> None:
        """Do what a worker does with a key that it has taken."""
        try:
            outcome = await self.engine.reconcile(key)
        finally:
            self.queue.done(key)
        self.outcomes[key] = outcome
        match outcome:
            case Done():
                self.queue.forget(key)
            case RequeueAfter(seconds=seconds):
                self.queue.forget(key)
                self.queue.add_after(key, seconds)
            case Retry():
                self.queue.retry(key)

    async def after(self, seconds: float) -> None:
        """Let time pass, then work."""
        self.clock.advance(seconds)
        await self.run()

    async def ready(self, *keys: ObjectKey) -> None:
        """Work until these are Ready."""
        await self.run()
        for key in keys:
            assert self.condition(key) == ("True", "Succeeded"), self.api.status(key)

    async def create(self, key: ObjectKey, **spec: Any) -> MoRef:
        """Declare an object, have it Ready, count from here on; returns what it owns."""
        self.declare(key, **spec)
        await self.ready(key)
        self.forget_log()
        kind = "VirtualMachine" if key.kind == NHV else "DistributedVirtualPortgroup"
        return MoRef(kind, self.api.status(key)["moRef"])

    # --- looking ------------------------------------------------------------------------------------------------------

    def condition(self, key: ObjectKey, kind: str = "Ready") -> tuple[str, str] | None:
        rows = self.api.status(key).get("conditions", ())
        return next(((row["status"], row["reason"]) for row in rows if row["type"] == kind), None)

    def message(self, key: ObjectKey, kind: str = "Ready") -> str:
        rows = self.api.status(key)["conditions"]
        return next(str(row["message"]) for row in rows if row["type"] == kind)

    @property
    def port_group(self) -> PortGroup:
        """The one port group that there is."""
        (group,) = self.vcenter.port_groups.values()
        return group

    @property
    def machine(self) -> VirtualMachine:
        """The one VM that there is beside the template."""
        (machine,) = (machine for machine in self.vcenter.machines.values() if not machine.template)
        return machine

    @property
    def mark(self) -> Mark:
        """The mark of that VM."""
        mark = parse_mark(self.machine.detail.mark if self.machine.detail else "")
        assert mark is not None
        return mark

    def writes(self, key: ObjectKey) -> list[str]:
        return [verb for verb, written in self.api.writes if written == key]

    def forget_log(self) -> None:
        """Count calls, writes and events from here on."""
        self.api.writes.clear()
        self.vcenter.calls.clear()
        self.events.entries.clear()
        self.meter.repairs.clear()

    def identity(self, key: ObjectKey) -> Identity:
        return identify(_CLUSTER, key, self.api.objects[key]["metadata"]["uid"])
