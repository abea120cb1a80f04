"""What the controllers need of the outside world, as structural types.

``kube/`` and ``vsphere/`` satisfy these Protocols without importing them, and do not know each other. Every
coroutine may raise the errors of ``domain.errors``; none of them waits for a vSphere task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from nested_hyperv.api.conditions import Reason
    from nested_hyperv.api.connection import Connection
    from nested_hyperv.domain.blame import Author
    from nested_hyperv.domain.host_network import Attached, HostNetwork, StandardPortGroup, StandardSettings
    from nested_hyperv.domain.inventory import (
        Change,
        CloneRequest,
        Host,
        HostSet,
        MoRef,
        Network,
        Placement,
        PlacementRequest,
        Port,
        PortGroup,
        PortGroupSettings,
        Record,
        Switch,
        Task,
        VCenterAbout,
        VirtualMachine,
        VirtualMachineSettings,
    )
    from nested_hyperv.domain.resource import ConnectionSecret, ObjectKey, Resource

__all__ = ["Events", "Kube", "Meter", "StandardSwitches", "Store", "VCenter", "VCenters"]


class Store(Protocol):
    """The newest snapshot of every object that the operator watches. Reading it costs nothing."""

    def get(self, key: ObjectKey) -> Resource | None:
        """Return the object, or ``None`` if the API server has it no more."""

    def of_kind(self, kind: str, namespace: str | None = None) -> Iterable[Resource]:
        """Return all objects of a kind, in one namespace or in all that are watched."""

    def secret(self, namespace: str, name: str) -> ConnectionSecret | None:
        """Return a connection Secret."""

    def referring_to(self, secret: ConnectionSecret) -> Iterable[Resource]:
        """Return every object whose ``connectionRef`` names this Secret."""

    def sharing(self, tokens: Iterable[Hashable]) -> Iterable[Resource]:
        """Return every object that has one of these tokens (``domain.portgroup.rivals.tokens_of``)."""


class Kube(Protocol):
    """The few writes that the operator makes to Kubernetes; each carries the ``resourceVersion`` that it has seen."""

    async def write_status(self, resource: Resource, status: Mapping[str, Any]) -> Resource:
        """Make the status subresource equal to ``status``; no request if it is. Raises ``Conflict``."""

    async def add_finalizer(self, resource: Resource, finalizer: str) -> Resource:
        """Add a finalizer unless it is there. Raises ``Conflict``."""

    async def remove_finalizer(self, resource: Resource, finalizer: str) -> None:
        """Remove a finalizer if it is there. Raises ``Conflict``."""

    async def protect(self, secret: ConnectionSecret, finalizer: str) -> ConnectionSecret:
        """Add a finalizer to a Secret. Raises ``Blocked(ConnectionTerminating)`` if it is being deleted."""

    async def unprotect(self, secret: ConnectionSecret, finalizer: str) -> None:
        """Remove a finalizer from a Secret. Raises ``Conflict``."""


class Events(Protocol):
    """Kubernetes Events, for transitions only. Best effort: never waits and never fails."""

    def emit(self, resource: Resource, kind: str, reason: Reason, message: str) -> None:
        """Queue an Event of ``kind`` ``Normal`` or ``Warning``."""


class Meter(Protocol):
    """Who counts what was repaired and let go (metrics). Must not raise."""

    def repaired(self, kind: str, field: str) -> None:
        """A field was put back to what the spec says."""

    def released(self, kind: str, reason: Reason) -> None:
        """A resource that was being deleted has been let go."""


class VCenters(Protocol):
    """The connections that are in use; equal connections share one session."""

    def open(self, key: ObjectKey, connection: Connection) -> VCenter:
        """Return the session of this connection and count ``key`` among its users.

        Never waits: raises ``Connecting`` while the first login is under way (``key`` is woken when it has ended),
        ``Unreachable`` while the vCenter does not answer (``key`` is woken when it does again), and ``Blocked``
        when the certificate or the credentials are refused.
        """

    def release(self, key: ObjectKey) -> None:
        """Forget what ``key`` uses and watches; a session without users is logged out."""


class VCenter(Protocol):
    """One session with one vCenter. Reads named ``cached`` cost nothing; all others are calls."""

    @property
    def about(self) -> VCenterAbout:
        """Which vCenter this is."""

    @property
    def connected_for(self) -> float:
        """How many seconds the session has lasted without a break (vCenter does not say when it was started)."""

    # --- the watched inventory ------------------------------------------------------------------------------------

    def watch(self, key: ObjectKey, refs: Iterable[MoRef], *, name: str = "") -> None:
        """Wake ``key`` whenever one of ``refs`` changes, appears or goes. Replaces what ``key`` watched before.

        Of the networks of a host only what concerns port groups called ``name`` counts as a change.
        """

    def cached(self, ref: MoRef) -> Record | None:
        """Return what the last push or the last live read said of a watched object; ``None`` if nothing yet."""

    def missing(self, ref: MoRef) -> bool:
        """Whether the server said that a watched object does not exist (to be confirmed by a live read)."""

    def port_news(self, ref: MoRef) -> int:
        """How often single ports of a watched port group were changed; wakes who watches it when that grows."""

    def task(self, ref: MoRef) -> Task | None:
        """Return what is known of a task that was started or watched here."""

    async def watch_task(self, key: ObjectKey, ref: MoRef) -> Task:
        """Wake ``key`` when a task ends that an earlier process started; ``lost`` if the server forgot it."""

    # --- distributed port groups ----------------------------------------------------------------------------------

    async def find_switch(self, datacenter: str, switch: str, *, fresh: bool) -> Switch:
        """Find a distributed switch by name or inventory path. Raises ``Blocked(NotFound | Ambiguous)``.

        Unless ``fresh``, an answer that this session has given before is good enough and costs no call.
        """

    async def read_port_group(self, ref: MoRef) -> PortGroup | None:
        """Read a port group live; ``None`` if the server answers ``ManagedObjectNotFound``. Refreshes the cache."""

    async def find_port_group_by_owner(self, switch: Switch, owner: str) -> list[PortGroup]:
        """Find port groups of a switch whose description carries a mark with this owner, whatever their names.

        May overlook what was made by a call whose answer was lost, or by an earlier process.
        """

    def distrust_owners(self, switch: Switch) -> None:
        """Have the next look for an owner on a switch overlook nothing. Dear: it reads all its descriptions."""

    async def exists_anywhere(self, owner: str) -> bool:
        """Whether a port group of any switch carries a mark of this owner. Dear: reads all descriptions."""

    async def find_port_group_by_name(self, switch: Switch, name: str) -> PortGroup | None:
        """Find what holds a name among the networks beside a switch, if it is a distributed port group."""

    async def create_port_group(self, key: ObjectKey, switch: Switch, settings: PortGroupSettings) -> MoRef:
        """Start ``CreateDVPortgroup_Task`` with everything in one call; returns the task, which wakes ``key``."""

    async def running_creations(self) -> list[MoRef]:
        """Return the tasks that create port groups on any switch, that our user started and that have not ended."""

    async def reconfigure_port_group(self, key: ObjectKey, current: PortGroup, settings: PortGroupSettings) -> MoRef:
        """Start ``ReconfigureDVPortgroup_Task`` fenced by ``current.config_version``; returns the task."""

    async def connected_ports(self, port_group: PortGroup) -> tuple[Port, ...]:
        """Read the ports of a port group that somebody is connected to: one call, and dear where they are many."""

    async def names_of(self, refs: Iterable[MoRef]) -> dict[MoRef, str]:
        """Read the names of managed objects; those that are gone are left out."""

    @property
    def standard(self) -> StandardSwitches:
        """The standard switches of its hosts."""

    # --- virtual machines -----------------------------------------------------------------------------------------

    async def resolve_placement(self, request: PlacementRequest) -> Placement:
        """Resolve names and paths. Raises ``Blocked(NotFound | Ambiguous)`` that lists the candidates."""

    async def find_virtual_machine(self, datacenter: str, path: str) -> tuple[VirtualMachine, str]:
        """Find a VM or template by name or inventory path; returns it (detailed) and its inventory path."""

    async def find_by_instance_uuid(self, instance_uuid: str) -> VirtualMachine | None:
        """Find a VM by instance UUID (blind to inaccessible VMs)."""

    async def find_virtual_machine_by_name(self, placement: Placement, name: str) -> MoRef | None:
        """Return what holds a name in the folder of a placement."""

    async def read_virtual_machine(self, ref: MoRef) -> VirtualMachine | None:
        """Read a VM live and detailed; ``None`` if the server answers ``ManagedObjectNotFound``."""

    async def read_hosts(self, refs: Iterable[MoRef]) -> list[Host]:
        """Read hosts live."""

    async def find_network(self, datacenter: str, path: str, *, fresh: bool) -> Network:
        """Find a network by name or inventory path. Raises ``Blocked(NotFound | Ambiguous)``."""

    async def network_of(self, port_group: MoRef, *, fresh: bool) -> Network | None:
        """Return the network of a port group on either kind of switch; ``None`` if it is gone."""

    async def offered_guest_ids(self, compute: MoRef, hardware_version: str) -> frozenset[str]:
        """Return the guest OS ids that this compute resource offers for a hardware version."""

    async def running_clones(self, template: MoRef | None) -> list[MoRef]:
        """Return the clone tasks of a template (``None``: of any) that our user started and that have not ended."""

    async def clone(self, key: ObjectKey, request: CloneRequest) -> MoRef:
        """Start ``CloneVM_Task`` (powered off); returns the task. The name is reserved from this moment."""

    async def reconfigure(self, key: ObjectKey, current: VirtualMachine, settings: VirtualMachineSettings) -> MoRef:
        """Start ``ReconfigVM_Task`` fenced by ``current.change_version``; returns the task."""

    async def power_on(self, key: ObjectKey, ref: MoRef) -> MoRef:
        """Start ``PowerOnVM_Task``; returns the task."""

    async def power_off(self, key: ObjectKey, ref: MoRef) -> MoRef:
        """Start ``PowerOffVM_Task`` (hard); returns the task."""

    async def shutdown_guest(self, ref: MoRef) -> bool:
        """Ask the guest to shut down; ``False`` if VMware Tools do not run there (``ToolsUnavailable``)."""

    async def destroy(self, key: ObjectKey, ref: MoRef) -> MoRef:
        """Start ``Destroy_Task`` of a port group or a powered-off VM; returns the task."""

    async def author(self, ref: MoRef, changes: Sequence[Change]) -> Author | None:
        """Return who made changes to an object (of a host: its networks), as far as vCenter's history tells."""

    async def rewritten(self, ref: MoRef) -> bool:
        """Whether somebody changed an object (of a host: its networks) after we had, as far as history tells."""


class StandardSwitches(Protocol):
    """The standard switches of the hosts of one vCenter, or of the one host of a stand-alone ESXi."""

    async def find_hosts(self, datacenter: str, cluster: str | None, hosts: Iterable[str], *, fresh: bool) -> HostSet:
        """Find the hosts of a cluster, or those that are listed. Raises ``Blocked(NotFound | Ambiguous)``."""

    async def find_network(self, datacenter: str, name: str, *, fresh: bool) -> MoRef | None:
        """Return what vCenter has for all standard port groups of a name in a datacenter, if there are any."""

    async def read(self, network: MoRef, name: str) -> HostNetwork | None:
        """Read the port group of a name on a host live; ``None`` if the host is gone. Refreshes the cache."""

    async def reverse_path_check(self, host: MoRef, *, fresh: bool) -> bool | None:
        """Whether ``Net.ReversePathFwdCheckPromisc`` is set on a host; ``None`` if unknown. ``fresh`` as elsewhere."""

    async def users_of(self, network: MoRef, hosts: Iterable[MoRef]) -> dict[MoRef, Attached]:
        """Return the VMs of these hosts that are attached to a standard network."""

    async def add(self, host: MoRef, settings: StandardSettings) -> None:
        """``AddPortGroup``. Raises ``NameTaken``."""

    async def update(self, host: MoRef, current: StandardPortGroup, settings: StandardSettings) -> None:
        """``UpdatePortGroup`` with everything that is managed; what is not stays as it is."""

    async def remove(self, host: MoRef, name: str) -> None:
        """``RemovePortGroup``. Raises ``InUse``."""
