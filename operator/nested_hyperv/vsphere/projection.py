"""From property values of pyVmomi to the records of the domain: one table per kind of object.

A *leaf* is a property path that is read, the record fields that it fills, and how. The same table drives live reads
and the long poll, so that both see the same. Values are converted in the thread that received them: no pyVmomi object
outlives the answer that brought it (a whole VM would cost 50 KB; its record costs a few hundred bytes).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pyVmomi import vim

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.host_network import HOST_NETWORK, STANDARD_NETWORK, Cluster, HostNetwork, StandardNetwork
from nested_hyperv.domain.inventory import (
    Host,
    MoRef,
    NetworkAdapter,
    PortGroup,
    Record,
    Switch,
    Task,
    TaskState,
    VirtualMachine,
    VirtualMachineDetail,
)
from nested_hyperv.vsphere.faults import Call, translate_fault
from nested_hyperv.vsphere.host_projection import HOST_NETWORK_LEAVES
from nested_hyperv.vsphere.leaves import Leaf, one
from nested_hyperv.vsphere.policies import mac_management_policy, security_policy, vlan_setting
from nested_hyperv.vsphere.refs import displayed, moref, morefs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nested_hyperv.vsphere.session import Version

__all__ = [
    "DETAIL_PATHS",
    "SWITCH_DETAIL_PATH",
    "WATCHED_TYPES",
    "Fields",
    "adapters_of",
    "build",
    "detail_of",
    "fields_of",
    "mac_learning_supported",
    "paths_of",
    "record_of",
    "switch_detail",
    "update",
    "version_of",
]

R = TypeVar("R", PortGroup, Switch, Host, HostNetwork, StandardNetwork, Cluster, VirtualMachine, Task)

#: Record fields by name, converted.
Fields = dict[str, Any]


def _text(value: Any) -> str:
    return str(value)


# --- port groups and switches ---------------------------------------------------------------------------------------


def _port_config(config: Any) -> tuple[Any, ...]:
    vlan = getattr(config, "vlan", None)
    teaming = getattr(config, "uplinkTeamingPolicy", None)
    return (
        vlan_setting(vlan),
        bool(vlan is not None and vlan.inherited),
        mac_management_policy(getattr(config, "macManagementPolicy", None)),
        security_policy(getattr(config, "securityPolicy", None)),
        str(teaming.policy.value or "") if teaming is not None and teaming.policy is not None else "",
    )


_PORT_GROUP: Final = (
    one("name", "name", displayed, ""),
    one("key", "key", _text, ""),
    one("config.configVersion", "config_version", _text, ""),
    one("config.description", "description", _text, ""),
    one("config.distributedVirtualSwitch", "switch", moref, MoRef("", "")),
    Leaf(
        "config.defaultPortConfig",
        ("vlan", "vlan_inherited", "mac_management", "security", "load_balancing"),
        _port_config,
        (None, False, None, None, ""),
    ),
    one("config.type", "binding", _text, ""),
    one("config.numPorts", "port_count", int, 0),
    one("config.autoExpand", "auto_expand", bool, None),
    one("config.uplink", "uplink", bool, False),
    one("config.backingType", "nsx", lambda value: value == "nsx", False, since=(7, 0)),
    one("vm", "virtual_machines", morefs, ()),
)


def mac_learning_supported(features: Any) -> bool | None:
    """Return what ``featuresSupported`` says; the field is optional, and unset is not the same as no."""
    value = getattr(features, "macLearningSupported", None)
    return None if value is None else bool(value)


#: What a switch needs on top, read when ``config_version`` has moved. Whole: the members are those of a subtype of
#: what the property is declared as, and no path leads there.
SWITCH_DETAIL_PATH: Final = "config"


def switch_detail(switch: Switch, config: Any) -> Switch:
    """Complete a switch with what only its whole configuration says."""
    return replace(
        switch,
        mtu=getattr(config, "maxMtu", None),
        uplinks=len(getattr(config.uplinkPortPolicy, "uplinkPortName", None) or ()),
        private_vlans=frozenset(entry.secondaryVlanId for entry in getattr(config, "pvlanConfig", None) or ()),
    )


_SWITCH: Final = (
    one("name", "name", displayed, ""),
    one("uuid", "uuid", _text, ""),
    one("summary.productInfo.version", "version", _text, ""),
    one("capability.featuresSupported", "mac_learning_supported", mac_learning_supported, None),
    one("parent", "folder", moref, MoRef("", "")),
    one("config.configVersion", "config_version", _text, ""),
)

# --- hosts and virtual machines -------------------------------------------------------------------------------------

_HOST: Final = (
    one("name", "name", displayed, ""),
    one("runtime.connectionState", "connection_state", _text, ""),
    one("runtime.inMaintenanceMode", "maintenance", bool, False),
    one("capability.nestedHVSupported", "nested_hv_supported", bool, None),
    one("summary.hardware.uuid", "hardware_uuid", _text, ""),
)

_CLUSTER: Final = (
    one("name", "name", displayed, ""),
    one("host", "hosts", morefs, ()),
)


_WITHOUT_CONFIGURATION: Final = frozenset({"inaccessible", "orphaned", "invalid"})


def _tools(value: Any) -> tuple[Any, ...]:
    return value == "guestToolsRunning", str(value)


_VIRTUAL_MACHINE: Final = (
    one("name", "name", displayed, ""),
    one("config.changeVersion", "change_version", _text, ""),
    one("config.instanceUuid", "instance_uuid", _text, ""),
    one("config.template", "template", bool, False),
    one("config.guestId", "guest_id", _text, ""),
    one("config.version", "hardware_version", _text, ""),
    one("config.firmware", "firmware", _text, ""),
    one("config.bootOptions.efiSecureBootEnabled", "secure_boot", bool, False),
    one("config.nestedHVEnabled", "nested_hv", bool, False),
    one("config.hardware.numCPU", "cpus", int, 0),
    one("config.hardware.numCoresPerSocket", "cores_per_socket", int, 0),
    one("config.hardware.memoryMB", "memory_mib", int, 0),
    one("config.cpuHotAddEnabled", "cpu_hot_add", bool, False),
    one("config.memoryHotAddEnabled", "memory_hot_add", bool, False),
    one("config.hotPlugMemoryLimit", "memory_hot_add_limit", int, 0),
    one("config.hotPlugMemoryIncrementSize", "memory_hot_add_step", int, 0),
    one("runtime.powerState", "power_state", _text, ""),
    one("runtime.connectionState", "connection_state", _text, ""),
    one("runtime.host", "host", moref, None),
    Leaf("guest.toolsRunningStatus", ("tools_running", "tools_status"), _tools, (False, "")),
    one("guest.ipAddress", "ip_address", _text, ""),
    one("guest.hostName", "host_name", _text, ""),
)

#: What ``VirtualMachine.detail`` needs on top: read one by one, never watched.
DETAIL_PATHS: Final = ("config.hardware.device", "config.extraConfig")


def detail_of(change_version: str, properties: Mapping[str, Any], mark_key: str) -> VirtualMachineDetail:
    """Project the devices and the mark of a VM."""
    marks = [option.value for option in properties.get("config.extraConfig") or () if option.key == mark_key]
    return VirtualMachineDetail(
        change_version=change_version,
        mark=str(marks[0]) if marks else "",
        adapters=adapters_of(properties.get("config.hardware.device") or ()),
    )


def adapters_of(devices: Iterable[Any]) -> tuple[NetworkAdapter, ...]:
    """Project the NICs among the devices of a VM, in the order of controller and unit."""
    cards = [device for device in devices if isinstance(device, vim.vm.device.VirtualEthernetCard)]
    cards.sort(key=lambda card: (card.controllerKey or 0, card.unitNumber or 0, card.key))
    return tuple(_adapter(card) for card in cards)


def _adapter(card: Any) -> NetworkAdapter:
    network, switch_uuid = "", None
    backing = card.backing
    if isinstance(backing, vim.vm.device.VirtualEthernetCard.DistributedVirtualPortBackingInfo):
        network, switch_uuid = backing.port.portgroupKey or "", backing.port.switchUuid
    elif isinstance(backing, vim.vm.device.VirtualDevice.DeviceBackingInfo):
        network = backing.deviceName or ""
    elif isinstance(backing, vim.vm.device.VirtualEthernetCard.OpaqueNetworkBackingInfo):
        network = backing.opaqueNetworkId or ""
    info, state = card.deviceInfo, card.connectable
    return NetworkAdapter(
        key=card.key,
        label=(info.label if info is not None else None) or f"device {card.key}",
        kind=type(card).__name__.rpartition(".")[2].removeprefix("Virtual").lower(),
        mac_address=(card.macAddress or "").lower(),
        network=network,
        switch_uuid=switch_uuid,
        connected=bool(state is not None and state.connected),
        start_connected=bool(state is not None and state.startConnected),
        unit_number=card.unitNumber or 0,
    )


# --- tasks ------------------------------------------------------------------------------------------------------------


def _error(fault: Any) -> Any:
    return fault


def _result(value: Any) -> MoRef | None:
    return moref(value) if hasattr(value, "_moId") else None


_TASK: Final = (
    one("info.state", "state", lambda value: TaskState(str(value)), TaskState.QUEUED),
    one("info.progress", "progress", int, None),
    one("info.error", "error", _error, None),
    one("info.result", "result", _result, None),
)

_LEAVES: Final[Mapping[str, tuple[Leaf, ...]]] = {
    "DistributedVirtualPortgroup": _PORT_GROUP,
    "VmwareDistributedVirtualSwitch": _SWITCH,
    "DistributedVirtualSwitch": _SWITCH,
    "HostSystem": _HOST,
    HOST_NETWORK: HOST_NETWORK_LEAVES,
    STANDARD_NETWORK: (one("vm", "virtual_machines", morefs, ()),),
    "ClusterComputeResource": _CLUSTER,
    "VirtualMachine": _VIRTUAL_MACHINE,
    "Task": _TASK,
}
_RECORDS: Final[Mapping[str, type[Any]]] = {
    "DistributedVirtualPortgroup": PortGroup,
    "VmwareDistributedVirtualSwitch": Switch,
    "DistributedVirtualSwitch": Switch,
    "HostSystem": Host,
    HOST_NETWORK: HostNetwork,
    STANDARD_NETWORK: StandardNetwork,
    "ClusterComputeResource": Cluster,
    "VirtualMachine": VirtualMachine,
    "Task": Task,
}

#: Wire names of the types that can be watched. A property set for a base type covers its subtypes.
WATCHED_TYPES: Final = (
    "DistributedVirtualPortgroup",
    "DistributedVirtualSwitch",
    "HostSystem",
    "ClusterComputeResource",
    "VirtualMachine",
    "Task",
)


def paths_of(kind: str, version: Version) -> list[str]:
    """Return the property paths of a type that a server of this version knows (others are an ``InvalidProperty``)."""
    return [leaf.path for leaf in _LEAVES[kind] if leaf.since <= version]


def fields_of(kind: str, changes: Mapping[str, Any], server: str = "") -> Fields:
    """Convert property values by path; ``None`` says that a property, or all below it, is unset."""
    fields: Fields = {}
    for leaf in _LEAVES[kind]:
        value = changes.get(leaf.path)
        if value is not None:
            fields.update(zip(leaf.fields, leaf.convert(value), strict=True))
        elif leaf.path in changes or _below(leaf.path, changes):
            fields.update(zip(leaf.fields, leaf.empty, strict=True))
    if kind == "Task":
        _settle_error(fields, Call("the vCenter task", server))
    return fields


def _below(path: str, changes: Mapping[str, Any]) -> bool:
    """Whether something above a path was unset, as ``config`` of a machine that became inaccessible."""
    return any(value is None and path.startswith(f"{above}.") for above, value in changes.items())


def _settle_error(fields: Fields, call: Call) -> None:
    fault = fields.get("error")
    if fault is None:
        if fields.get("state") is TaskState.ERROR:
            fields["error"] = Blocked(Reason.TASK_FAILED, "The vCenter task failed and does not say why.")
    elif isinstance(fault, vim.fault.InvalidPowerState) and fault.requestedState == fault.existingState:
        # Somebody else was faster: what the task wanted is the case.
        fields.update(state=TaskState.SUCCESS, error=None)
    else:
        fields["error"] = translate_fault(fault, call)


def record_of(kind: type[R], ref: MoRef, properties: Mapping[str, Any], server: str = "") -> R:
    """Make a record of what a read has answered."""
    record = build(ref, fields_of(ref.type, properties, server))
    if not isinstance(record, kind):
        message = f"{ref} is no {kind.__name__}"
        raise TypeError(message)
    return record


def build(ref: MoRef, fields: Fields) -> Record | Task:
    """Make a record; what ``fields`` lacks is unset on the server."""
    blank = {name: empty for leaf in _LEAVES[ref.type] for name, empty in zip(leaf.fields, leaf.empty, strict=True)}
    if ref.type.endswith("DistributedVirtualSwitch"):
        blank["path"] = ""
    if ref.type == "VirtualMachine":
        blank["config_available"] = False
    record: Record | Task = _RECORDS[ref.type](ref=ref, **(blank | fields))
    return _completed(record)


def update(record: Record | Task, fields: Fields) -> Record | Task:
    """Return the record with the fields that changed."""
    return _completed(replace(record, **fields))


def _completed(record: Record | Task) -> Record | Task:
    """Derive whether a machine's configuration counts: vSphere has none, or a stale one, while its files are away."""
    if not isinstance(record, VirtualMachine):
        return record
    available = bool(record.change_version) and record.connection_state not in _WITHOUT_CONFIGURATION
    return record if record.config_available == available else replace(record, config_available=available)


def version_of(record: Record | Task) -> str | None:
    """Return what tells an older state of an object from a newer one, where vSphere has such a thing."""
    if isinstance(record, PortGroup):
        return record.config_version
    if isinstance(record, VirtualMachine):
        return record.change_version
    return None
