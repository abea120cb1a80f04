"""One vCenter as the controllers see it (``controllers.ports.VCenter``): coroutines over records.

Each method names the call as in the API reference, says whether it changes something, and keeps cache and tasks up to
date; the work is done by the blocking modules beside this one, in the threads of the link.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from nested_hyperv.domain.blame import author_of, rewritten
from nested_hyperv.domain.errors import Gone, OutcomeUnknown
from nested_hyperv.domain.inventory import Switch
from nested_hyperv.domain.ownership import parse_mark
from nested_hyperv.vsphere import lookup, networks, placement, portgroups, ports, tasks, virtual_machines
from nested_hyperv.vsphere.history import HostTasks, history_of
from nested_hyperv.vsphere.host_networks import HostNetworks
from nested_hyperv.vsphere.owners import OwnerIndex
from nested_hyperv.vsphere.remembered import Remembered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from nested_hyperv.domain.blame import Author, HistoryEntry
    from nested_hyperv.domain.inventory import (
        Change,
        CloneRequest,
        Host,
        MoRef,
        Network,
        NetworkAdapterEdit,
        Placement,
        PlacementRequest,
        Port,
        PortGroup,
        PortGroupSettings,
        Record,
        Task,
        VCenterAbout,
        VirtualMachine,
        VirtualMachineSettings,
    )
    from nested_hyperv.domain.resource import ObjectKey
    from nested_hyperv.vsphere.link import Link
    from nested_hyperv.vsphere.session import Session
    from nested_hyperv.vsphere.tuning import Tuning

__all__ = ["VCenter"]

#: A port comes with all its settings: hundreds of them at once would keep everybody else waiting.
_PORT_READS: Final = 2
#: What a cluster offers changes with upgrades of its hosts only.
_GUEST_IDS_KEPT: Final = 3600.0


class VCenter:
    """One session with one vCenter."""

    def __init__(self, link: Link, tuning: Tuning) -> None:
        self._link = link
        self._tuning = tuning
        self._inventory = link.inventory
        self._owners = OwnerIndex(link.inventory.task)
        self._remembered = Remembered()
        self._port_reads = asyncio.Semaphore(_PORT_READS)
        self._standard = HostNetworks(link, self._remembered)
        self._host_tasks = HostTasks()
        self._guest_ids: dict[tuple[str, MoRef, str], tuple[float, frozenset[str]]] = {}

    @property
    def about(self) -> VCenterAbout:
        """Which vCenter this is, and as whom we are logged in."""
        return self._link.about

    @property
    def connected_for(self) -> float:
        """How many seconds the session has lasted without a break (vCenter does not say when it was started)."""
        return self._link.connected_for

    # --- the watched inventory ------------------------------------------------------------------------------------

    def watch(self, key: ObjectKey, refs: Iterable[MoRef], *, name: str = "") -> None:
        """Wake ``key`` whenever one of ``refs`` changes, appears or goes; replaces what it watched before."""
        self._inventory.watch(key, refs, name=name)

    @property
    def standard(self) -> HostNetworks:
        """The standard switches of its hosts."""
        return self._standard

    def cached(self, ref: MoRef) -> Record | None:
        """Return what the last push or live read said of a watched object."""
        return self._inventory.cached(ref)

    def missing(self, ref: MoRef) -> bool:
        """Whether the server said that a watched object does not exist."""
        return self._inventory.missing(ref)

    def port_news(self, ref: MoRef) -> int:
        """How often single ports of a watched port group were changed, as far as this session has heard."""
        return self._inventory.port_news(ref)

    def task(self, ref: MoRef) -> Task | None:
        """Return what is known of a task that was started or watched here."""
        return self._inventory.task(ref)

    async def watch_task(self, key: ObjectKey, ref: MoRef) -> Task:
        """Wake ``key`` when a task ends that an earlier process started."""
        self._inventory.follow(key, ref)
        task = await self._link.call("RetrievePropertiesEx", lambda session: tasks.read_task(session, ref), target=ref)
        self._inventory.saw_task(task)
        return self._inventory.task(ref) or task

    # --- distributed port groups ----------------------------------------------------------------------------------

    async def find_switch(self, datacenter: str, switch: str, *, fresh: bool) -> Switch:
        """Find a distributed switch by name or inventory path."""

        async def ask() -> Switch:
            found = await self._link.call(
                "RetrievePropertiesEx",
                lambda session: portgroups.find_switch(session, datacenter, switch),
                target=f"switch {switch}",
            )
            self._inventory.refresh(found)
            return found

        question = ("switch", datacenter, switch)
        found = await self._remembered.get(self._link.generation, question, ask, fresh=fresh)
        if self._inventory.missing(found.ref):
            # Destroyed since: perhaps there is another one of that name, and else the answer is that there is none.
            self._remembered.forget(question)
            found = await self._remembered.get(self._link.generation, question, ask, fresh=True)
        pushed = self._inventory.cached(found.ref)
        if not isinstance(pushed, Switch):
            return found
        if pushed.config_version != found.config_version:
            # Its MTU or its private VLANs may be others since; no push tells these.
            anew = (*question, pushed.config_version)
            found = await self._remembered.get(self._link.generation, anew, ask, fresh=False)
        # What is pushed is newer than what is remembered, but the poll does not carry all of it.
        path = pushed.path or f"{found.path.rpartition('/')[0]}/{pushed.name}"
        return replace(pushed, path=path, mtu=found.mtu, uplinks=found.uplinks, private_vlans=found.private_vlans)

    async def read_port_group(self, ref: MoRef) -> PortGroup | None:
        """Read a port group live; ``None`` if it is gone."""
        record = await self._link.call(
            "RetrievePropertiesEx", lambda session: portgroups.read_port_group(session, ref), target=ref
        )
        self._took(ref, record)
        return record

    def distrust_owners(self, switch: Switch) -> None:
        """Have the next look for an owner on a switch read all marks anew."""
        self._owners.invalidate(switch.ref)

    async def find_port_group_by_owner(self, switch: Switch, owner: str) -> list[PortGroup]:
        """Find port groups of a switch whose mark names this owner, whatever their names."""

        async def read() -> portgroups.Owners:
            return await self._link.call(
                "RetrievePropertiesEx",
                lambda session: portgroups.owners_of(session, switch.ref, self._tuning.chunk),
                target=switch.ref,
            )

        candidates = await self._owners.candidates(self._link.generation, switch.ref, owner, read)
        hits = [await self.read_port_group(ref) for ref in candidates]
        return [hit for hit in hits if hit is not None and _names(hit, owner)]

    async def exists_anywhere(self, owner: str) -> bool:
        """Whether a port group of any switch carries a mark of this owner."""
        found = await self._link.call(
            "RetrievePropertiesEx",
            lambda session: portgroups.marked_anywhere(session, owner, self._tuning.chunk),
            target="all port groups",
        )
        return bool(found)

    async def find_port_group_by_name(self, switch: Switch, name: str) -> PortGroup | None:
        """Find what holds a name among the networks beside a switch, if it is a distributed port group."""
        record = await self._link.call(
            "FindChild", lambda session: portgroups.find_named(session, switch, name), target=f"network {name}"
        )
        if record is not None:
            self._inventory.refresh(record)
        return record

    async def create_port_group(self, key: ObjectKey, switch: Switch, settings: PortGroupSettings) -> MoRef:
        """Start ``CreateDVPortgroup_Task`` with everything in one call; returns the task."""
        with self._owners_in_doubt(switch.ref):
            task = await self._start(
                key,
                "CreateDVPortgroup_Task",
                switch.ref,
                lambda session: portgroups.create(session, switch.ref, settings),
            )
        mark = parse_mark(settings.description or "")
        if mark is not None:
            self._owners.marking(task, switch.ref, mark.owner)
        return task

    async def running_creations(self) -> list[MoRef]:
        """Return the tasks of our user that create port groups on any switch and have not ended."""
        return await self._link.call("RetrievePropertiesEx", portgroups.running_creations, target="recent tasks")

    @contextlib.contextmanager
    def _owners_in_doubt(self, switch: MoRef) -> Iterator[None]:
        try:
            yield
        except OutcomeUnknown:
            self._owners.invalidate(switch)
            raise

    async def reconfigure_port_group(self, key: ObjectKey, current: PortGroup, settings: PortGroupSettings) -> MoRef:
        """Start ``ReconfigureDVPortgroup_Task`` fenced by ``current.config_version``; returns the task."""
        with self._owners_in_doubt(current.switch):
            task = await self._start(
                key,
                "ReconfigureDVPortgroup_Task",
                current.ref,
                lambda session: portgroups.reconfigure(session, current, settings),
            )
        mark = parse_mark(settings.description or "")
        if mark is not None:
            self._owners.marking(task, current.switch, mark.owner, current.ref)
        return task

    async def connected_ports(self, port_group: PortGroup) -> tuple[Port, ...]:
        """Read the ports of a port group that somebody is connected to, few port groups at a time."""
        async with self._port_reads:
            return await self._link.call(
                "FetchDVPorts", lambda session: ports.connected_ports(session, port_group), target=port_group.ref
            )

    async def names_of(self, refs: Iterable[MoRef]) -> dict[MoRef, str]:
        """Read the names of managed objects; those that are gone are left out."""
        wanted = tuple(refs)
        return await self._link.call("RetrievePropertiesEx", lambda session: lookup.named(session, wanted))

    # --- virtual machines: reads ------------------------------------------------------------------------------------

    async def resolve_placement(self, request: PlacementRequest) -> Placement:
        """Resolve names and paths, a minute ago at most; raises ``Blocked`` that lists the candidates."""
        return await self._remembered.get(
            self._link.generation,
            ("placement", request),
            lambda: self._link.call(
                "RetrievePropertiesEx", lambda session: placement.resolve(session, request), target="placement"
            ),
            fresh=True,
        )

    async def find_virtual_machine(self, datacenter: str, path: str) -> tuple[VirtualMachine, str]:
        """Find a VM or template by name or path; returns it detailed, and its inventory path."""

        async def locate() -> lookup.Hit:
            return await self._link.call(
                "FindByInventoryPath",
                lambda session: virtual_machines.locate(session, datacenter, path),
                target=f"virtual machine {path}",
            )

        hit = await self._remembered.get(self._link.generation, ("machine", datacenter, path), locate, fresh=True)
        record = await self.read_virtual_machine(hit.ref)
        if record is None or record.name != hit.name:
            # Another one has the name since, as when a build replaces a template.
            hit = await locate()
            record = await self.read_virtual_machine(hit.ref)
        if record is None:
            raise Gone(f"{path} was deleted while it was being read.")
        return record, hit.path

    async def find_by_instance_uuid(self, instance_uuid: str) -> VirtualMachine | None:
        """Find a VM by instance UUID (blind to inaccessible VMs)."""
        record = await self._link.call(
            "FindAllByUuid",
            lambda session: virtual_machines.find_by_instance_uuid(session, instance_uuid),
            target=f"instance UUID {instance_uuid}",
        )
        if record is not None:
            self._inventory.refresh(record)
        return record

    async def find_virtual_machine_by_name(self, placement: Placement, name: str) -> MoRef | None:
        """Return what holds a name in the folder of a placement."""
        return await self._link.call(
            "FindChild",
            lambda session: virtual_machines.find_named(session, placement, name),
            target=f"virtual machine {name}",
        )

    async def read_virtual_machine(self, ref: MoRef) -> VirtualMachine | None:
        """Read a VM live and detailed; ``None`` if it is gone."""
        record = await self._link.call(
            "RetrievePropertiesEx", lambda session: virtual_machines.read_machine(session, ref), target=ref
        )
        self._took(ref, record)
        return record

    async def read_hosts(self, refs: Iterable[MoRef]) -> list[Host]:
        """Read hosts live."""
        wanted = tuple(refs)
        while True:
            before = [self._inventory.cached(ref) for ref in wanted]
            hosts = await self._link.call(
                "RetrievePropertiesEx", lambda session: virtual_machines.read_hosts(session, wanted), target="hosts"
            )
            if all(old is self._inventory.cached(ref) for old, ref in zip(before, wanted, strict=True)):
                break
            # One of them was told of meanwhile, and a host has no version that says which of the two is newer.
        for host in hosts:
            self._inventory.refresh(host)
        return hosts

    async def find_network(self, datacenter: str, path: str, *, fresh: bool) -> Network:
        """Find a network by name or inventory path."""
        return await self._remembered.get(
            self._link.generation,
            ("network", datacenter, path),
            lambda: self._link.call(
                "FindByInventoryPath",
                lambda session: networks.find_network(session, datacenter, path),
                target=f"network {path}",
            ),
            fresh=fresh,
        )

    async def network_of(self, port_group: MoRef, *, fresh: bool) -> Network | None:
        """Return the network of a port group; ``None`` if it is gone."""
        return await self._remembered.get(
            self._link.generation,
            ("network of", port_group),
            lambda: self._link.call(
                "RetrievePropertiesEx",
                lambda session: networks.network_of(session, port_group),
                target=port_group,
            ),
            fresh=fresh,
        )

    async def offered_guest_ids(self, compute: MoRef, hardware_version: str) -> frozenset[str]:
        """Return the guest OS ids that a compute resource offers for a hardware version; kept for an hour."""
        question = (self.about.instance_uuid, compute, hardware_version)
        read_at, known = self._guest_ids.get(question, (0.0, None))
        if known is not None and time.monotonic() - read_at < _GUEST_IDS_KEPT:
            return known
        offered = await self._link.call(
            "QueryConfigOptionEx",
            lambda session: virtual_machines.offered_guest_ids(session, compute, hardware_version),
            target=compute,
        )
        self._guest_ids[question] = (time.monotonic(), offered)
        return offered

    async def running_clones(self, template: MoRef | None) -> list[MoRef]:
        """Return the clone tasks of a template (``None``: of any) that our user started and that have not ended."""
        return await self._link.call(
            "RetrievePropertiesEx",
            lambda session: virtual_machines.running_clones(session, template),
            target=template or "recent tasks",
        )

    # --- virtual machines: changes ----------------------------------------------------------------------------------

    async def clone(self, key: ObjectKey, request: CloneRequest) -> MoRef:
        """Start ``CloneVM_Task`` (powered off); returns the task. The name is reserved from this moment."""
        cards = await self._cards(request.template, request.settings.adapters)
        place = request.placement
        if place.host is None:
            host = await self._link.call(
                "RetrievePropertiesEx",
                lambda session: placement.host_for(session, place, request.instance_uuid),
                target=place.compute,
            )
            place = replace(place, host=host)
        placed = replace(request, placement=place)
        return await self._start(
            key,
            "CloneVM_Task",
            request.template,
            lambda session: virtual_machines.clone(session, placed, cards),
        )

    async def reconfigure(self, key: ObjectKey, current: VirtualMachine, settings: VirtualMachineSettings) -> MoRef:
        """Start ``ReconfigVM_Task`` fenced by ``current.change_version``; returns the task."""
        cards = await self._cards(current.ref, settings.adapters)
        return await self._start(
            key,
            "ReconfigVM_Task",
            current.ref,
            lambda session: virtual_machines.reconfigure(session, current, settings, cards),
        )

    async def _cards(self, ref: MoRef, edits: tuple[NetworkAdapterEdit, ...]) -> dict[int, object]:
        if all(edit.key is None for edit in edits):
            return {}
        return await self._link.call(
            "RetrievePropertiesEx", lambda session: virtual_machines.cards_for(session, ref, edits), target=ref
        )

    async def power_on(self, key: ObjectKey, ref: MoRef) -> MoRef:
        """Start ``PowerOnVM_Task``; returns the task."""
        return await self._start(key, "PowerOnVM_Task", ref, lambda session: virtual_machines.power_on(session, ref))

    async def power_off(self, key: ObjectKey, ref: MoRef) -> MoRef:
        """Start ``PowerOffVM_Task`` (hard); returns the task."""
        return await self._start(key, "PowerOffVM_Task", ref, lambda session: virtual_machines.power_off(session, ref))

    async def shutdown_guest(self, ref: MoRef) -> bool:
        """Ask the guest to shut down; ``False`` if VMware Tools do not run there."""
        return await self._link.call(
            "ShutdownGuest",
            lambda session: virtual_machines.shutdown_guest(session, ref),
            target=ref,
            mutating=True,
        )

    async def destroy(self, key: ObjectKey, ref: MoRef) -> MoRef:
        """Start ``Destroy_Task`` of a port group or a powered-off VM; returns the task."""
        return await self._start(key, "Destroy_Task", ref, lambda session: tasks.destroy(session, ref))

    async def author(self, ref: MoRef, changes: Sequence[Change]) -> Author | None:
        """Return who changed an object (of a host: its networks), as far as vCenter's events and tasks tell."""
        return author_of(await self._history(ref), changes, self.about.user)

    async def rewritten(self, ref: MoRef) -> bool:
        """Return whether somebody changed an object (of a host: its networks) after we had."""
        return rewritten(await self._history(ref), self.about.user)

    async def _history(self, ref: MoRef) -> tuple[HistoryEntry, ...]:
        if ref.type == "HostSystem":
            return await self._link.call(
                "RetrievePropertiesEx", lambda session: self._host_tasks.history(session, ref), target=ref
            )
        return await self._link.call("QueryEvents", lambda session: history_of(session, ref), target=ref)

    # --- common -----------------------------------------------------------------------------------------------------

    async def _start(self, key: ObjectKey, method: str, target: MoRef, function: Callable[[Session], MoRef]) -> MoRef:
        """Start a task and have ``key`` woken when it ends."""
        task = await self._link.call(method, function, target=target, mutating=True)
        self._inventory.started(key, task)
        return task

    def _took(self, ref: MoRef, record: PortGroup | VirtualMachine | None) -> None:
        if record is None:
            self._inventory.gone(ref)
        else:
            self._inventory.refresh(record)


def _names(port_group: PortGroup, owner: str) -> bool:
    mark = parse_mark(port_group.description)
    return mark is not None and mark.owner == owner
