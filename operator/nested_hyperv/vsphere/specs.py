"""From the domain's settings to the specs of pyVmomi. Pure: nothing here calls the server.

vSphere leaves unset members as they are, at any depth, so a spec holds only what changes. Two traps shape this
module: pyVmomi sends a required boolean that was never assigned as ``false``, so policies are always written whole;
and a template rejects even an empty sub-object, so none is made in advance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyVmomi import vim

from nested_hyperv.domain.inventory import DEFAULT_PORTS, PrivateVlan, Trunk
from nested_hyperv.domain.ownership import MARK_KEY
from nested_hyperv.vsphere.refs import escaped, managed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nested_hyperv.domain.inventory import (
        CloneRequest,
        MacManagementPolicy,
        MoRef,
        Network,
        NetworkAdapterEdit,
        PortGroupSettings,
        SecurityPolicy,
        VirtualMachineSettings,
        Vlan,
    )

__all__ = ["clone_spec", "machine_changes", "port_group_changes", "port_group_creation"]

_DVS: Final = vim.dvs.VmwareDistributedVirtualSwitch
_PORT_GROUP: Final = vim.dvs.DistributedVirtualPortgroup
_CARD: Final = vim.vm.device.VirtualEthernetCard
_DEVICE: Final[Any] = vim.vm.device.VirtualDeviceSpec


# --- port groups ----------------------------------------------------------------------------------------------------


def port_group_creation(settings: PortGroupSettings) -> Any:
    """Make the spec of a new port group with everything in the one call: statically bound and growing if unsaid."""
    spec = _port_group(settings)
    if settings.binding is None:
        spec.type = _PORT_GROUP.PortgroupType.earlyBinding
    if spec.type != _PORT_GROUP.PortgroupType.ephemeral:
        spec.numPorts = settings.port_count or DEFAULT_PORTS
        spec.autoExpand = settings.auto_expand is not False
    return spec


def port_group_changes(settings: PortGroupSettings, config_version: str) -> Any:
    """Make the spec of a change that fails if the port group is not at ``config_version`` any more."""
    spec = _port_group(settings)
    spec.configVersion = config_version
    return spec


def _port_group(settings: PortGroupSettings) -> Any:
    spec = _PORT_GROUP.ConfigSpec()
    if settings.name is not None:
        spec.name = escaped(settings.name)
    if settings.description is not None:
        spec.description = settings.description
    if settings.binding is not None:
        spec.type = settings.binding
    if settings.port_count is not None:
        spec.numPorts = settings.port_count
    if settings.auto_expand is not None:
        spec.autoExpand = settings.auto_expand
    if settings.vlan is not None or settings.mac_management is not None or settings.security is not None:
        # Starts from nothing: a copy of the switch's own settings would bring its LACP settings along, a conflict.
        ports = _DVS.VmwarePortConfigPolicy()
        if settings.vlan is not None:
            ports.vlan = _vlan(settings.vlan)
        if settings.mac_management is not None:
            ports.macManagementPolicy = _mac_management(settings.mac_management)
        if settings.security is not None:
            ports.securityPolicy = _security(settings.security)
        spec.defaultPortConfig = ports
    return spec


def _vlan(vlan: Vlan) -> Any:
    if isinstance(vlan, Trunk):
        ranges = [vim.NumericRange(start=start, end=end) for start, end in vlan.ranges]
        return _DVS.TrunkVlanSpec(inherited=False, vlanId=ranges)
    if isinstance(vlan, PrivateVlan):
        return _DVS.PvlanSpec(inherited=False, pvlanId=vlan.id)
    return _DVS.VlanIdSpec(inherited=False, vlanId=vlan)


def _mac_management(policy: MacManagementPolicy) -> Any:
    # Whether vSphere merges inside this block is nowhere said, so each leaf is always sent. With inherited=True it
    # would ignore all of them.
    return _DVS.MacManagementPolicy(
        inherited=False,
        allowPromiscuous=policy.allow_promiscuous,
        macChanges=policy.mac_changes,
        forgedTransmits=policy.forged_transmits,
        macLearningPolicy=_DVS.MacLearningPolicy(
            inherited=False,
            enabled=policy.learning.enabled,
            allowUnicastFlooding=policy.learning.allow_unicast_flooding,
            limit=policy.learning.limit,
            limitPolicy=policy.learning.limit_policy,
        ),
    )


def _security(policy: SecurityPolicy) -> Any:
    return _DVS.SecurityPolicy(
        inherited=False,
        allowPromiscuous=vim.BoolPolicy(inherited=False, value=policy.allow_promiscuous),
        macChanges=vim.BoolPolicy(inherited=False, value=policy.mac_changes),
        forgedTransmits=vim.BoolPolicy(inherited=False, value=policy.forged_transmits),
    )


# --- virtual machines -----------------------------------------------------------------------------------------------


def machine_changes(settings: VirtualMachineSettings, cards: Mapping[int, Any], *, change_version: str = "") -> Any:
    """Make a ``VirtualMachineConfigSpec``. ``cards`` are the live NICs by key, for edits of existing ones."""
    spec = vim.vm.ConfigSpec()
    if change_version:
        spec.changeVersion = change_version
    plain = {
        "name": escaped(settings.name) if settings.name is not None else None,
        "guestId": settings.guest_id,
        "numCPUs": settings.cpus,
        "numCoresPerSocket": settings.cores_per_socket,
        "memoryMB": settings.memory_mib,
        "firmware": settings.firmware,
        "nestedHVEnabled": settings.nested_hv,
    }
    for name, value in plain.items():
        if value is not None:
            setattr(spec, name, value)
    if settings.secure_boot is not None:
        spec.bootOptions = vim.vm.BootOptions(efiSecureBootEnabled=settings.secure_boot)
    if settings.mark is not None:
        # An empty value removes the key.
        spec.extraConfig = [vim.option.OptionValue(key=MARK_KEY, value=settings.mark)]
    if settings.adapters:
        spec.deviceChange = list(_adapter_changes(settings.adapters, cards))
    return spec


def _adapter_changes(edits: Iterable[NetworkAdapterEdit], cards: Mapping[int, Any]) -> Iterable[Any]:
    # Keys of devices that do not exist yet are negative and only have to differ within the spec.
    for new_key, edit in enumerate(edits, start=1):
        if edit.key is None:
            if edit.network is not None:
                yield _DEVICE(operation=_DEVICE.Operation.add, device=_new_card(-new_key, edit.network))
            continue
        card = cards[edit.key]
        if edit.network is None:
            yield _DEVICE(operation=_DEVICE.Operation.remove, device=card)
            continue
        card.backing = _backing(edit.network)
        card.connectable = card.connectable or _plugged_in()
        card.connectable.startConnected = card.connectable.connected = True
        yield _DEVICE(operation=_DEVICE.Operation.edit, device=card)


def _new_card(key: int, network: Network) -> Any:
    return vim.vm.device.VirtualVmxnet3(
        key=key,
        addressType="generated",
        backing=_backing(network),
        connectable=_plugged_in(),
    )


def _plugged_in() -> Any:
    return vim.vm.device.VirtualDevice.ConnectInfo(startConnected=True, allowGuestControl=True, connected=True)


def _backing(network: Network) -> Any:
    if network.portgroup_key is None:
        return _CARD.NetworkBackingInfo(deviceName=network.name)
    return _CARD.DistributedVirtualPortBackingInfo(
        port=vim.dvs.PortConnection(portgroupKey=network.portgroup_key, switchUuid=network.switch_uuid)
    )


def clone_spec(request: CloneRequest, cards: Mapping[int, Any]) -> Any:
    """Make the spec of a clone that carries place, identity, mark and hardware. It is left powered off."""
    placement = request.placement
    config = machine_changes(request.settings, cards)
    config.instanceUuid = request.instance_uuid
    location = vim.vm.RelocateSpec(
        pool=_object(placement.pool), datastore=_object(placement.datastore), folder=_object(placement.folder)
    )
    if placement.host is not None:
        location.host = _object(placement.host)
    return vim.vm.CloneSpec(location=location, config=config, powerOn=False, template=False)


def _object(ref: MoRef) -> Any:
    return managed(ref, None)
