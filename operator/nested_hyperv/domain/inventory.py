"""What the operator knows of vSphere: small frozen records, named after the vSphere API.

``vsphere/`` projects pyVmomi objects to these records at once (a whole VM costs 50 KB as pyVmomi objects), and
nothing above ``vsphere/`` ever sees anything else. All values are *effective* ones: for an inherited policy
vSphere shows the parent's value, and ``inherited`` tells only where it comes from.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from .host_network import Cluster, HostNetwork, StandardNetwork
from .moref import MoRef

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .errors import OperatorError

__all__ = [
    "ALL_VLANS",
    "DEFAULT_PORTS",
    "Change",
    "CloneRequest",
    "Host",
    "HostSet",
    "MacLearningPolicy",
    "MacManagementPolicy",
    "MoRef",
    "Network",
    "NetworkAdapter",
    "NetworkAdapterEdit",
    "Placement",
    "PlacementRequest",
    "Port",
    "PortGroup",
    "PortGroupSettings",
    "PrivateVlan",
    "Record",
    "SecurityPolicy",
    "Switch",
    "Task",
    "TaskState",
    "Trunk",
    "VCenterAbout",
    "VirtualMachine",
    "VirtualMachineDetail",
    "VirtualMachineSettings",
    "Vlan",
]


@dataclass(frozen=True, slots=True)
class VCenterAbout:
    """Which vCenter (or stand-alone ESXi) answered, and as whom we are logged in."""

    instance_uuid: str
    name: str
    version: str
    user: str


class TaskState(StrEnum):
    """``TaskInfo.state``, and ``lost`` for a task that the server no longer knows (a restart forgets tasks)."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    ERROR = "error"
    LOST = "lost"

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of the task."""
        return self in (TaskState.SUCCESS, TaskState.ERROR, TaskState.LOST)


@dataclass(frozen=True, slots=True)
class Task:
    """A vSphere task. ``error`` is already translated to a reason and a cure; ``result`` is the created object."""

    ref: MoRef
    state: TaskState
    progress: int | None = None
    error: OperatorError | None = None
    result: MoRef | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs or was changed, in the words of the resource's spec; ``host`` on standard switches."""

    field: str
    old: str
    new: str
    host: str | None = None

    def __str__(self) -> str:
        where = f" on {self.host}" if self.host else ""
        return f"{self.field}{where}: {self.old} -> {self.new}"


# --- distributed switches -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Switch:
    """A distributed switch. ``mac_learning_supported`` and ``mtu`` are ``None`` where the server does not say.

    ``uplinks`` counts the uplinks of a host; ``private_vlans`` are the secondary ids that can be used.
    """

    ref: MoRef
    name: str
    path: str
    uuid: str
    version: str
    mac_learning_supported: bool | None
    folder: MoRef
    config_version: str = ""
    mtu: int | None = None
    uplinks: int = 0
    private_vlans: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Trunk:
    """Ranges of VLAN ids, both ends included, in order and without overlaps."""

    ranges: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, ranges: Iterable[tuple[int, int]]) -> Trunk:
        """Bring ranges into the one form in which equal sets of ids are equal."""
        joined: list[tuple[int, int]] = []
        for start, end in sorted(ranges):
            if joined and start <= joined[-1][1] + 1:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
            else:
                joined.append((start, end))
        return cls(tuple(joined))

    def __str__(self) -> str:
        return ",".join(str(start) if start == end else f"{start}-{end}" for start, end in self.ranges)


@dataclass(frozen=True, slots=True)
class PrivateVlan:
    """A secondary id of the private VLANs of a distributed switch."""

    id: int

    def __str__(self) -> str:
        return f"private {self.id}"


#: The VLAN of a port group: an id (0: untagged), or what it is instead.
Vlan = int | Trunk | PrivateVlan

#: Every id, which a standard port group has with its VLAN id 4095.
ALL_VLANS: Final = Trunk(((0, 4094),))

#: Ports that a statically bound port group is created with where nobody says otherwise, as vSphere's own client does.
DEFAULT_PORTS: Final = 8


@dataclass(frozen=True, slots=True)
class MacLearningPolicy:
    """``DVSMacLearningPolicy``. ``limit`` counts MAC addresses per port; ``limit_policy`` is ``drop`` or ``allow``."""

    enabled: bool
    allow_unicast_flooding: bool
    limit: int
    limit_policy: str
    inherited: bool = False


@dataclass(frozen=True, slots=True)
class MacManagementPolicy:
    """``DVSMacManagementPolicy`` (API 6.7 and newer), effective values."""

    allow_promiscuous: bool
    mac_changes: bool
    forged_transmits: bool
    learning: MacLearningPolicy
    inherited: bool = False


@dataclass(frozen=True, slots=True)
class SecurityPolicy:
    """``DVSSecurityPolicy``, the deprecated block that older switches have alone. Effective values.

    Each setting of this block is a policy of its own: ``inherited_fields`` are those that come from the switch, in the
    words of status.
    """

    allow_promiscuous: bool
    mac_changes: bool
    forged_transmits: bool
    inherited_fields: tuple[str, ...] = ()

    @property
    def inherited(self) -> bool:
        """Whether any setting comes from the switch."""
        return bool(self.inherited_fields)


@dataclass(frozen=True, slots=True)
class PortGroup:
    """A distributed port group. ``vlan`` is ``None`` where vSphere says something that is none of ``Vlan``.

    ``binding`` is its type in vSphere's word, such as ``earlyBinding``.
    """

    ref: MoRef
    name: str
    key: str
    config_version: str
    description: str
    switch: MoRef
    vlan: Vlan | None
    vlan_inherited: bool
    mac_management: MacManagementPolicy | None
    security: SecurityPolicy | None
    nsx: bool
    uplink: bool
    virtual_machines: tuple[MoRef, ...]
    load_balancing: str = ""
    binding: str = ""
    port_count: int = 0
    auto_expand: bool | None = None


@dataclass(frozen=True, slots=True)
class Port:
    """A connected port of a distributed port group. A policy is ``None`` where the port has the group's."""

    key: str
    connectee: MoRef | None
    vlan: Vlan | None = None
    mac_management: MacManagementPolicy | None = None
    security: SecurityPolicy | None = None
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class PortGroupSettings:
    """What to write to a distributed port group; ``None`` leaves a field as it is (on create: the default).

    ``binding`` is a type in vSphere's word; unsaid, a new port group is ``earlyBinding`` with ``DEFAULT_PORTS``, and
    grows.
    """

    name: str | None = None
    description: str | None = None
    vlan: Vlan | None = None
    mac_management: MacManagementPolicy | None = None
    security: SecurityPolicy | None = None
    binding: str | None = None
    port_count: int | None = None
    auto_expand: bool | None = None


# --- virtual machines ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Host:
    """An ESXi host. ``nested_hv_supported`` is ``capability.nestedHVSupported``.

    ``hardware_uuid`` tells the machine itself, whatever its MoRef.
    """

    ref: MoRef
    name: str
    connection_state: str
    maintenance: bool
    nested_hv_supported: bool | None
    hardware_uuid: str = ""

    @property
    def usable(self) -> bool:
        """Whether a VM could be powered on there now."""
        return self.connection_state == "connected" and not self.maintenance


@dataclass(frozen=True, slots=True)
class HostSet:
    """Hosts as a spec names them: those of a cluster, or a list. ``paths`` are what the names stand for."""

    cluster: MoRef | None
    hosts: tuple[MoRef, ...]
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlacementRequest:
    """Where a VM is to live, in names or inventory paths; exactly one of ``cluster`` and ``host``."""

    datacenter: str
    cluster: str | None
    host: str | None
    resource_pool: str | None
    folder: str | None
    datastore: str


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a VM is to live, resolved. ``paths`` are the inventory paths of all that it uses (for ``scope``)."""

    datacenter: MoRef
    folder: MoRef
    pool: MoRef
    compute: MoRef
    host: MoRef | None
    datastore: MoRef
    hosts: tuple[MoRef, ...]
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Network:
    """A network that a NIC can be attached to: a distributed port group (``portgroup_key``) or a standard one."""

    ref: MoRef
    name: str
    path: str
    portgroup_key: str | None
    switch_uuid: str | None


@dataclass(frozen=True, slots=True)
class NetworkAdapter:
    """A virtual NIC of a VM. ``network`` is the port group key, or the name of a standard network."""

    key: int
    label: str
    kind: str
    mac_address: str
    network: str
    switch_uuid: str | None
    connected: bool
    start_connected: bool
    unit_number: int


@dataclass(frozen=True, slots=True)
class VirtualMachineDetail:
    """The dear part of a VM (devices, mark), read again whenever ``config.changeVersion`` moved."""

    change_version: str
    mark: str
    adapters: tuple[NetworkAdapter, ...]


@dataclass(frozen=True, slots=True)
class VirtualMachine:
    """A VM. ``config_available`` is false while it is inaccessible, orphaned or invalid: then nothing else counts."""

    ref: MoRef
    name: str
    config_available: bool
    change_version: str
    instance_uuid: str
    template: bool
    guest_id: str
    hardware_version: str
    firmware: str
    secure_boot: bool
    nested_hv: bool
    cpus: int
    cores_per_socket: int
    memory_mib: int
    cpu_hot_add: bool
    memory_hot_add: bool
    memory_hot_add_limit: int
    memory_hot_add_step: int
    power_state: str
    connection_state: str
    host: MoRef | None
    tools_running: bool
    tools_status: str
    ip_address: str
    host_name: str
    detail: VirtualMachineDetail | None = None

    @property
    def detailed(self) -> bool:
        """Whether ``detail`` belongs to the configuration that the other fields show."""
        return self.detail is not None and self.detail.change_version == self.change_version


@dataclass(frozen=True, slots=True)
class NetworkAdapterEdit:
    """One NIC to add (``key`` is ``None``), to move to another network, or to remove (``network`` is ``None``)."""

    key: int | None
    network: Network | None


@dataclass(frozen=True, slots=True)
class VirtualMachineSettings:
    """What to write to a VM; ``None`` leaves a field as it is. ``mark`` goes to ``extraConfig``."""

    name: str | None = None
    guest_id: str | None = None
    cpus: int | None = None
    cores_per_socket: int | None = None
    memory_mib: int | None = None
    firmware: str | None = None
    secure_boot: bool | None = None
    nested_hv: bool | None = None
    mark: str | None = None
    adapters: tuple[NetworkAdapterEdit, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return self == VirtualMachineSettings()


@dataclass(frozen=True, slots=True)
class CloneRequest:
    """One ``CloneVM_Task`` that carries everything it can: name, place, identity, mark and hardware."""

    template: MoRef
    name: str
    placement: Placement
    instance_uuid: str
    settings: VirtualMachineSettings


#: What the watched inventory holds.
Record = PortGroup | Switch | Host | Cluster | HostNetwork | StandardNetwork | VirtualMachine
