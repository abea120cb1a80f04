"""A vCenter in memory behind the controllers' Protocols: tasks, versions, marks, a cache that lags, and a call log.

It keeps the behaviour that controllers depend on and nothing else: a task changes the world when it ends and not when
it is started; a write is fenced by the version it was planned for; names are unique in a folder, whatever their case,
and reserved from the start of a clone; a VM that is being cloned is not found by its UUID; the cache shows what the
last push or live read said. The twin under tests/bed/vcenter proves the adapter, this the controllers, and quickly.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain import errors
from nested_hyperv.domain.host_network import HOST_NETWORK, STANDARD_NETWORK, Cluster, HostNetwork
from nested_hyperv.domain.inventory import (
    Host,
    MoRef,
    Network,
    NetworkAdapter,
    Placement,
    PortGroup,
    Switch,
    Task,
    TaskState,
    VCenterAbout,
    VirtualMachine,
    VirtualMachineDetail,
)
from support import vsphere_records as samples
from support.fake_calls import MUTATING, Running
from support.fake_history import FakeHistory
from support.fake_hosts import FakeHosts
from support.fake_ports import FakePorts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nested_hyperv.domain.inventory import (
        CloneRequest,
        PlacementRequest,
        Port,
        PortGroupSettings,
        Record,
        VirtualMachineSettings,
    )
    from nested_hyperv.domain.resource import ObjectKey

__all__ = ["FakeVCenter"]


@dataclass
class FakeVCenter(FakeHistory):
    """One vCenter. `calls` logs every call by its name; reads of the cache are none."""

    uuid: str = "vcenter-1"
    connected_for: float = 86_400.0
    calls: list[str] = field(default_factory=list)
    #: Errors that the next calls (or tasks) of a method end with.
    fail_calls: dict[str, list[Exception]] = field(default_factory=dict)
    fail_tasks: dict[str, list[errors.OperatorError]] = field(default_factory=dict)
    #: Methods whose next call is executed while its answer is lost.
    lose_answers: set[str] = field(default_factory=set)
    #: Settings that are accepted and ignored.
    ignores: set[str] = field(default_factory=set)
    #: What the view has lost sight of: no push tells that it is there.
    unseen: set[MoRef] = field(default_factory=set)
    #: Whether tasks stay running, and guests obey.
    holding: bool = False
    guests_obey: bool = True
    guest_ids: frozenset[str] = samples.GUEST_IDS
    #: Port groups that the index of owners lacks until it is built anew.
    not_indexed: set[MoRef] = field(default_factory=set)
    #: Called after each live read, with the reference: here a test lets somebody else be faster.
    after_read: Callable[[MoRef], None] = lambda _ref: None

    def __post_init__(self) -> None:
        self.switches: dict[MoRef, Switch] = {}
        self.port_groups: dict[MoRef, PortGroup] = {}
        self.machines: dict[MoRef, VirtualMachine] = {}
        self.hosts: dict[MoRef, Host] = {}
        self.clusters: dict[MoRef, Cluster] = {}
        self.host_networks: dict[MoRef, HostNetwork] = {}
        self.standard = FakeHosts(self)
        self.ports = FakePorts(self)
        self.networks = {"VM Network": Network(MoRef("Network", "network-1"), "VM Network", "/dc1/n", None, None)}
        self.notify: Callable[[ObjectKey], None] = lambda _key: None
        self.users: set[ObjectKey] = set()
        self._numbers = itertools.count(100)
        self._running: dict[MoRef, Running] = {}
        self._ended: dict[MoRef, Task] = {}
        self._seen_tasks: dict[MoRef, Task] = {}
        self._task_watchers: dict[MoRef, set[ObjectKey]] = {}
        self._reserved: set[str] = set()
        self._watched: dict[ObjectKey, frozenset[MoRef]] = {}
        self._cache: dict[MoRef, Record] = {}
        self._missing: set[MoRef] = set()
        self._shutting_down: set[MoRef] = set()
        self.add(samples.switch())
        self.add(samples.host())
        self.add(samples.template())

    # --- what others do ---------------------------------------------------------------------------------------------

    def add(self, record: Record) -> MoRef:
        """Put an object into the inventory."""
        self._table(record.ref)[record.ref] = record
        return record.ref

    def change(self, ref: MoRef, **fields: Any) -> None:
        """Change an object as another administrator does; its version moves."""
        self._set(replace(self._table(ref)[ref], **fields))

    def change_nics(self, ref: MoRef, *adapters: NetworkAdapter) -> None:
        self._set(samples.with_detail(self.machines[ref], adapters=adapters))

    def change_mark(self, ref: MoRef, mark: str) -> None:
        self._set(samples.with_detail(self.machines[ref], mark=mark))

    def switch_power(self, ref: MoRef, *, on: bool, tools: bool | None = None) -> None:
        """Power a VM on or off; VMware Tools run in it unless the test says otherwise."""
        machine = self.machines[ref]
        nics = () if machine.detail is None else machine.detail.adapters
        machine = samples.with_detail(
            machine, adapters=tuple(replace(n, connected=on and n.start_connected) for n in nics)
        )
        state = "poweredOn" if on else "poweredOff"
        self.machines[ref] = replace(machine, power_state=state, tools_running=on if tools is None else tools)

    def remove(self, ref: MoRef) -> None:
        del self._table(ref)[ref]

    def attached(self, ref: MoRef) -> PortGroup:
        """A port group with the VMs that are attached to it now."""
        group: PortGroup = self._attached(self.port_groups[ref])
        return group

    def restart(self) -> None:
        """Forget all tasks: those that run never end for anybody."""
        for ref in self._running:
            self._ended[ref] = Task(ref, TaskState.LOST)
        self._running.clear()
        self._reserved.clear()

    def log_out(self) -> None:
        """Forget what a client was told: the next one starts with an empty cache."""
        self._watched.clear()
        self._cache.clear()
        self._missing.clear()
        self._seen_tasks.clear()
        self._task_watchers.clear()
        self.users.clear()

    def tell_of_ports(self, ref: MoRef) -> None:
        """Push that single ports of a port group were changed."""
        self.ports.news[ref] = self.port_news(ref) + 1
        for key, refs in self._watched.items():
            if ref in refs:
                self.notify(key)

    def advance(self) -> bool:
        """Let running tasks end, guests shut down, and tell whoever watches. Returns whether anything happened."""
        moved = False
        if not self.holding:
            for ref, running in list(self._running.items()):
                self._end(ref, running)
                moved = True
        for ref in list(self._shutting_down):
            self._shutting_down.discard(ref)
            if self.guests_obey and ref in self.machines:
                self.switch_power(ref, on=False)
                moved = True
        return self.push() or moved

    def push(self) -> bool:
        """Deliver what has changed for those who watch it."""
        told: set[ObjectKey] = set()
        for ref in frozenset().union(*self._watched.values()) - self.unseen:
            record = self._table(ref).get(ref)
            if record is None and ref not in self._missing:
                self._cache.pop(ref, None)
                self._missing.add(ref)
            elif record is not None and self._cache.get(ref) != self._pushed(record):
                self._missing.discard(ref)
                self._cache[ref] = self._pushed(record)
            else:
                continue
            told |= {key for key, refs in self._watched.items() if ref in refs}
        for ref, task in self._ended.items():
            if self._seen_tasks.get(ref) != task:
                self._seen_tasks[ref] = task
                told |= self._task_watchers.pop(ref, set())
        for key in told:
            self.notify(key)
        return bool(told)

    # --- controllers.ports.VCenter: inventory -------------------------------------------------------------------------

    @property
    def about(self) -> VCenterAbout:
        return VCenterAbout(self.uuid, "vcenter.example.com", "8.0.3", "VSPHERE.LOCAL\\operator")

    def watch(self, key: ObjectKey, refs: Iterable[MoRef], *, name: str = "") -> None:  # noqa: ARG002 - wakes more
        self._watched[key] = frozenset(refs)
        watched = frozenset().union(*self._watched.values())
        for ref in set(self._cache) - watched:
            del self._cache[ref]
        self._missing &= watched

    def forget(self, key: ObjectKey) -> None:
        self.watch(key, ())
        for keys in self._task_watchers.values():
            keys.discard(key)

    def cached(self, ref: MoRef) -> Record | None:
        return self._cache.get(ref)

    def missing(self, ref: MoRef) -> bool:
        return ref in self._missing

    def port_news(self, ref: MoRef) -> int:
        return self.ports.news.get(ref, 0)

    def task(self, ref: MoRef) -> Task | None:
        return self._seen_tasks.get(ref)

    async def watch_task(self, key: ObjectKey, ref: MoRef) -> Task:
        await self.called("watch_task")
        if ref in self._running:
            self._follow(key, ref)
        else:
            self._seen_tasks[ref] = self._ended.get(ref, Task(ref, TaskState.LOST))
        return self._seen_tasks[ref]

    # --- port groups --------------------------------------------------------------------------------------------------

    async def find_switch(self, datacenter: str, switch: str, *, fresh: bool) -> Switch:
        await self.called("find_switch", remembered=not fresh)
        for record in self.switches.values():
            if switch in (record.name, record.path):
                return record
        raise errors.Blocked(Reason.NOT_FOUND, f"There is no distributed switch {switch} in {datacenter}.")

    async def read_port_group(self, ref: MoRef) -> PortGroup | None:
        await self.called("read_port_group")
        found: PortGroup | None = self._read(self.port_groups, ref)
        return found

    def distrust_owners(self, switch: Switch) -> None:
        self.not_indexed -= {group.ref for group in self._on(switch)}

    async def find_port_group_by_owner(self, switch: Switch, owner: str) -> list[PortGroup]:
        await self.called("find_port_group_by_owner")
        known = [group for group in self._on(switch) if group.ref not in self.not_indexed]
        return [self._attached(group) for group in known if samples.owner_in(group.description) == owner]

    async def exists_anywhere(self, owner: str) -> bool:
        await self.called("exists_anywhere")
        return any(samples.owner_in(group.description) == owner for group in self.port_groups.values())

    async def find_port_group_by_name(self, switch: Switch, name: str) -> PortGroup | None:
        await self.called("find_port_group_by_name")
        return next((self._attached(group) for group in self._on(switch) if group.name == name), None)

    async def running_creations(self) -> list[MoRef]:
        await self.called("running_creations")
        return [ref for ref, running in self._running.items() if running.method == "create_port_group"]

    async def create_port_group(self, key: ObjectKey, switch: Switch, settings: PortGroupSettings) -> MoRef:
        def create() -> MoRef:
            self._claim_name(settings.name or "", [switch.name, *(group.name for group in self._on(switch))])
            return self.add(samples.port_group(f"dvportgroup-{next(self._numbers)}", switch.ref, settings))

        return await self._start(key, "create_port_group", create)

    async def reconfigure_port_group(self, key: ObjectKey, current: PortGroup, settings: PortGroupSettings) -> MoRef:
        def write() -> None:
            group = self._fenced(self.port_groups, current.ref, "config_version", current.config_version)
            self.ports.check(group, settings)
            self._set(samples.written(group, settings, self.ignores))

        return await self._start(key, "reconfigure_port_group", write)

    async def connected_ports(self, port_group: PortGroup) -> tuple[Port, ...]:
        await self.called("connected_ports")
        return self.ports.connected(port_group)

    async def names_of(self, refs: Iterable[MoRef]) -> dict[MoRef, str]:
        await self.called("names_of")
        return {ref: self.machines[ref].name for ref in refs if ref in self.machines}

    # --- virtual machines ---------------------------------------------------------------------------------------------

    async def resolve_placement(self, request: PlacementRequest) -> Placement:
        await self.called("resolve_placement", remembered=True)
        return samples.placement(request.datacenter, tuple(self.hosts))

    async def find_virtual_machine(self, datacenter: str, path: str) -> tuple[VirtualMachine, str]:
        await self.called("find_virtual_machine")
        for machine in self.machines.values():
            if machine.name == path:
                return machine, f"/{datacenter}/vm/{path}"
        raise errors.Blocked(Reason.NOT_FOUND, f"There is no VM or template {path} in {datacenter}.")

    async def find_by_instance_uuid(self, instance_uuid: str) -> VirtualMachine | None:
        await self.called("find_by_instance_uuid")
        found = (m for m in self.machines.values() if m.config_available and m.instance_uuid == instance_uuid)
        return next(found, None)

    async def find_virtual_machine_by_name(self, placement: Placement, name: str) -> MoRef | None:  # noqa: ARG002 - one folder
        await self.called("find_virtual_machine_by_name")
        return next((m.ref for m in self.machines.values() if m.name == name), None)

    async def read_virtual_machine(self, ref: MoRef) -> VirtualMachine | None:
        await self.called("read_virtual_machine")
        found: VirtualMachine | None = self._read(self.machines, ref)
        return found

    async def read_hosts(self, refs: Iterable[MoRef]) -> list[Host]:
        await self.called("read_hosts")
        return [self.hosts[ref] for ref in refs if ref in self.hosts]

    async def find_network(self, datacenter: str, path: str, *, fresh: bool) -> Network:
        await self.called("find_network", remembered=not fresh)
        if path not in self.networks:
            raise errors.Blocked(Reason.NOT_FOUND, f"There is no network {path} in {datacenter}.")
        return self.networks[path]

    async def network_of(self, port_group: MoRef, *, fresh: bool) -> Network | None:
        await self.called("network_of", remembered=not fresh)
        if port_group.type == "Network":
            name = port_group.value.removeprefix("network-")
            return Network(port_group, name, f"/dc1/{name}", None, None)
        group = self.port_groups.get(port_group)
        return None if group is None else Network(group.ref, group.name, f"/dc1/{group.name}", group.key, "uuid-dvs")

    async def offered_guest_ids(self, compute: MoRef, hardware_version: str) -> frozenset[str]:
        await self.called("offered_guest_ids", remembered=True)
        return self.guest_ids if hardware_version.startswith("vmx-") and compute.value else frozenset()

    async def running_clones(self, template: MoRef | None) -> list[MoRef]:
        await self.called("running_clones")
        clones = {ref: running.on for ref, running in self._running.items() if running.method == "clone"}
        return [ref for ref, source in clones.items() if template in (None, source)]

    async def clone(self, key: ObjectKey, request: CloneRequest) -> MoRef:
        self._claim_name(request.name, (machine.name for machine in self.machines.values()))

        def register() -> MoRef:
            self._reserved.discard(request.name)
            made = samples.cloned(f"vm-{next(self._numbers)}", self.machines[request.template], request, self.ignores)
            return self.add(made)

        self._reserved.add(request.name)
        return await self._start(key, "clone", register, name=request.name, on=request.template)

    async def reconfigure(self, key: ObjectKey, current: VirtualMachine, settings: VirtualMachineSettings) -> MoRef:
        def write() -> None:
            machine = self._fenced(self.machines, current.ref, "change_version", current.change_version)
            self._set(samples.reconfigured(machine, settings, self.ignores))

        return await self._start(key, "reconfigure", write)

    async def power_on(self, key: ObjectKey, ref: MoRef) -> MoRef:
        return await self._start(key, "power_on", lambda: self.switch_power(ref, on=True))

    async def power_off(self, key: ObjectKey, ref: MoRef) -> MoRef:
        return await self._start(key, "power_off", lambda: self.switch_power(ref, on=False))

    async def shutdown_guest(self, ref: MoRef) -> bool:
        await self.called("shutdown_guest")
        if not self.machines[ref].tools_running:
            return False
        self._shutting_down.add(ref)
        return True

    async def destroy(self, key: ObjectKey, ref: MoRef) -> MoRef:
        def destroy() -> None:
            if ref not in self._table(ref):
                raise errors.Gone(f"{ref.value} is gone.")
            if ref in self.machines and self.machines[ref].power_state != "poweredOff":
                raise errors.PowerOffNeeded(f"{ref.value} is powered on.")
            if ref in self.port_groups and self._attached(self.port_groups[ref]).virtual_machines:
                raise errors.InUse(f"The resource {ref.value} is in use.")
            self.remove(ref)

        return await self._start(key, "destroy", destroy)

    # --- common -------------------------------------------------------------------------------------------------------

    @property
    def mutations(self) -> list[str]:
        """The calls that change something, in order."""
        return [name for name in self.calls if name in MUTATING]

    async def called(self, name: str, *, remembered: bool = False) -> None:
        """Log a call, and fail if that was planned."""
        await asyncio.sleep(0)
        if not remembered:  # the adapter answers these from memory
            self.calls.append(name)
        if planned := self.fail_calls.get(name):
            raise planned.pop(0)

    async def _start(self, key: ObjectKey, method: str, effect: Callable[[], MoRef | None], **about: Any) -> MoRef:
        try:
            await self.called(method)
        except BaseException:
            self._reserved.discard(about.get("name", ""))
            raise
        task = MoRef("Task", f"task-{next(self._numbers)}")
        self._running[task] = Running(method, effect, **about)
        if method in self.lose_answers:
            self.lose_answers.discard(method)
            raise errors.OutcomeUnknown(f"The connection broke during {method}.")
        self._follow(key, task)
        return task

    def _follow(self, key: ObjectKey, task: MoRef) -> None:
        self._seen_tasks[task] = Task(task, TaskState.RUNNING)
        self._task_watchers.setdefault(task, set()).add(key)

    def _end(self, ref: MoRef, running: Running) -> None:
        del self._running[ref]
        try:
            if planned := self.fail_tasks.get(running.method):
                raise planned.pop(0)
            self._ended[ref] = Task(ref, TaskState.SUCCESS, result=running.effect())
        except errors.OperatorError as error:
            self._reserved.discard(running.name)
            self._ended[ref] = Task(ref, TaskState.ERROR, error=error)

    def _claim_name(self, name: str, taken: Iterable[str]) -> None:
        if name.casefold() in {one.casefold() for one in (*taken, *self._reserved)}:
            raise errors.NameTaken(f"The name {name} is taken.")

    def _fenced(self, table: dict[MoRef, Any], ref: MoRef, attribute: str, version: str) -> Any:  # noqa: ANN401
        if ref not in table:
            raise errors.Gone(f"{ref.value} is gone.")
        if getattr(table[ref], attribute) != version:
            raise errors.Concurrent(f"{ref.value} has been changed since it was read.")
        return table[ref]

    def _table(self, ref: MoRef) -> dict[MoRef, Any]:
        tables: dict[str, dict[MoRef, Any]] = {
            "DistributedVirtualPortgroup": self.port_groups,
            "VmwareDistributedVirtualSwitch": self.switches,
            "VirtualMachine": self.machines,
            "HostSystem": self.hosts,
            "ClusterComputeResource": self.clusters,
            HOST_NETWORK: self.host_networks,
            STANDARD_NETWORK: self.standard.networks(),
        }
        return tables[ref.type]

    def _set(self, record: Any) -> None:  # noqa: ANN401 - any record with a version
        version = str(next(self._numbers))
        if isinstance(record, PortGroup):
            record = replace(record, config_version=version)
        elif isinstance(record, VirtualMachine):
            detail = replace(record.detail or VirtualMachineDetail("", "", ()), change_version=version)
            record = replace(record, change_version=version, detail=detail)
        self._table(record.ref)[record.ref] = record

    def read_live(self, ref: MoRef) -> Any:  # noqa: ANN401 - any record
        """Return what is there now, and have the cache know it too."""
        return self._read(self._table(ref), ref)

    def _read(self, table: dict[MoRef, Any], ref: MoRef) -> Any:  # noqa: ANN401
        record = self._attached(table.get(ref))
        if any(ref in refs for refs in self._watched.values()):
            if record is None:
                self._cache.pop(ref, None)
                self._missing.add(ref)
            else:
                self._missing.discard(ref)
                self._cache[ref] = record
        self.after_read(ref)
        return record

    def _pushed(self, record: Any) -> Any:  # noqa: ANN401
        """What the poll carries: no devices, unless a live read of this very version has brought them."""
        if not isinstance(record, VirtualMachine):
            return self._attached(record)
        cached = self._cache.get(record.ref)
        return replace(record, detail=cached.detail if isinstance(cached, VirtualMachine) else None)

    def _attached(self, record: Any) -> Any:  # noqa: ANN401
        if not isinstance(record, PortGroup):
            return record
        machines = (m for m in self.machines.values() if m.detail is not None)
        users = [m.ref for m in machines if m.detail and any(a.network == record.key for a in m.detail.adapters)]
        return replace(record, virtual_machines=tuple(users))

    def _on(self, switch: Switch) -> list[PortGroup]:
        return [group for group in self.port_groups.values() if group.switch == switch.ref]
