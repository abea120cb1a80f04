"""What the twin's control API speaks of: logins, and the records of what it tells.

Plain frozen data, without any I/O; `twin_control.py` reads them from the wire.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bed.twin_hosts import Host, StandardNetwork

__all__ = [
    "ADMINISTRATOR", "ALICE", "OPERATOR", "Call", "HeldTask", "Login", "Machine", "PortGroup", "Seeded", "StalledCall",
    "State", "TaskRecord",
]  # fmt: skip


@dataclass(frozen=True)
class Login:
    """Somebody who may log in, as typed and as vCenter prints it in events and tasks."""

    name: str
    password: str
    shown: str


ADMINISTRATOR = Login("administrator@vsphere.local", "admin-password", "VSPHERE.LOCAL\\administrator")
OPERATOR = Login("operator@vsphere.local", "operator-password", "VSPHERE.LOCAL\\operator")
ALICE = Login("alice@lab.example", "alice-password", "LAB.EXAMPLE\\alice")
"""Another administrator: whoever changes things behind the operator's back."""


@dataclass(frozen=True)
class Machine:
    """A virtual machine or template in the twin."""

    id: str
    name: str
    instance_uuid: str
    template: bool
    power_state: str
    nested_hv: bool
    firmware: str
    guest_id: str
    cpus: int
    memory_mb: int
    host: str
    networks: tuple[str, ...]
    extra_config: Mapping[str, Any]


@dataclass(frozen=True)
class PortGroup:
    """A distributed port group in the twin."""

    id: str
    name: str
    switch: str
    config_version: str
    description: str
    uplink: bool
    vms: tuple[str, ...]


@dataclass(frozen=True)
class TaskRecord:
    """A task that is running or ended lately."""

    id: str
    method: str
    entity: str
    state: str
    user: str
    error: str


@dataclass(frozen=True)
class State:
    """Everything a test looks at to see that nothing was left behind."""

    vms: tuple[Machine, ...]
    port_groups: tuple[PortGroup, ...]
    tasks: tuple[TaskRecord, ...]
    hosts: tuple[Host, ...]
    networks: tuple[StandardNetwork, ...]
    sessions: tuple[str, ...]
    views: int
    filters: int
    objects: Mapping[str, tuple[str, ...]]
    """The ids of all objects by type."""

    def vm(self, name: str) -> Machine | None:
        """Return the machine of this name, if there is one."""
        return next((vm for vm in self.vms if vm.name == name), None)

    def port_group(self, name: str) -> PortGroup | None:
        """Return the port group of this name, if there is one."""
        return next((group for group in self.port_groups if group.name == name), None)

    def host(self, name: str) -> Host | None:
        """Return the host of this name, if there is one."""
        return next((host for host in self.hosts if host.name == name), None)

    def network(self, name: str) -> StandardNetwork | None:
        """Return the standard network of this name, if there is one."""
        return next((network for network in self.networks if network.name == name), None)


@dataclass(frozen=True)
class Call:
    """One SOAP call that the twin received, or one drift made through the control API."""

    time: str
    method: str
    object: str
    user: str
    operation_id: str


@dataclass(frozen=True)
class HeldTask:
    """A task that stays running until it is released."""

    hold: int
    task: str
    method: str
    entity: str


@dataclass(frozen=True)
class StalledCall:
    """A call that hangs before it is executed."""

    rule: int
    method: str
    object: str
    user: str


@dataclass(frozen=True)
class Seeded:
    """The ids that a seed created; of standard port groups the names."""

    vms: tuple[str, ...]
    port_groups: tuple[str, ...]
    templates: tuple[str, ...]
    hosts: tuple[str, ...]
    standard_port_groups: tuple[str, ...]
    seconds: float
