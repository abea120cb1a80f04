"""What the operator knows of vSphere: small frozen records, named after the vSphere API.

``vsphere/`` projects pyVmomi objects to these records at once (a whole VM costs 50 KB as pyVmomi objects), and
nothing above ``vsphere/`` ever sees anything else. All values are *effective* ones: for an inherited policy
vSphere shows the parent's value, and ``inherited`` tells only where it comes from.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from .moref import MoRef

if TYPE_CHECKING:
    from .errors import OperatorError

__all__ = [
    "Change",
    "CloneRequest",
    "Host",
    "MacLearningPolicy",
    "MacManagementPolicy",
    "MoRef",
    "Network",
    "NetworkAdapter",
    "NetworkAdapterEdit",
    "Placement",
    "PlacementRequest",
    "PortGroup",
    "PortGroupSettings",
    "Record",
    "SecurityPolicy",
    "Switch",
    "Task",
    "TaskState",
    "VCenterAbout",
    "VirtualMachine",
    "VirtualMachineDetail",
    "VirtualMachineSettings",
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
    """One field that differs or was changed, in the words of the resource's spec."""

    field: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.field}: {self.old} -> {self.new}"


# --- distributed switches -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Switch:
    """A distributed switch. ``mac_learning_supported`` is ``None`` where the server does not say."""

    ref: MoRef
    name: str
    path: str
    uuid: str
    version: str
    mac_learning_supported: bool | None
    folder: MoRef


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
    """``DVSSecurityPolicy``, the deprecated block that older switches have alone. Effective values."""

    allow_promiscuous: bool
    mac_changes: bool
    forged_transmits: bool
    inherited: bool = False


@dataclass(frozen=True, slots=True)
class PortGroup:
    """A distributed port group. ``vlan`` is the VLAN id, 0 for none, ``None`` for a trunk or a private VLAN."""

    ref: MoRef
    name: str
    key: str
    config_version: str
    description: str
    switch: MoRef
    vlan: int | None
    vlan_inherited: bool
    mac_management: MacManagementPolicy | None
    security: SecurityPolicy | None
    nsx: bool
    uplink: bool
    virtual_machines: tuple[MoRef, ...]


@dataclass(frozen=True, slots=True)
class PortGroupSettings:
    """What to write to a distributed port group; ``None`` leaves a field as it is (on create: the default)."""

    name: str | None = None
    description: str | None = None
    vlan: int | None = None
    mac_management: MacManagementPolicy | None = None
    security: SecurityPolicy | None = None


# --- virtual machines ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Host:
    """An ESXi host. ``nested_hv_supported`` is ``capability.nestedHVSupported``."""

    ref: MoRef
    name: str
    connection_state: str
    maintenance: bool
    nested_hv_supported: bool | None

    @property
    def usable(self) -> bool:
        """Whether a VM could be powered on there now."""
        return self.connection_state == "connected" and not self.maintenance


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
Record = PortGroup | Switch | Host | VirtualMachine
