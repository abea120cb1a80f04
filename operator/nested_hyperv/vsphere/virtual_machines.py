"""Virtual machines: the calls, and reads that include devices and mark. Blocking."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pyVmomi import vim, vmodl

from nested_hyperv.domain.errors import Concurrent
from nested_hyperv.domain.inventory import Host, MoRef, VirtualMachine
from nested_hyperv.domain.ownership import MARK_KEY
from nested_hyperv.vsphere.collector import read, read_many
from nested_hyperv.vsphere.lookup import KINDS, Hit, datacenter, find
from nested_hyperv.vsphere.projection import DETAIL_PATHS, detail_of, paths_of, record_of
from nested_hyperv.vsphere.refs import escaped, moref
from nested_hyperv.vsphere.specs import clone_spec, machine_changes
from nested_hyperv.vsphere.tasks import running

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nested_hyperv.domain.inventory import CloneRequest, NetworkAdapterEdit, Placement, VirtualMachineSettings
    from nested_hyperv.vsphere.session import Session

__all__ = [
    "cards_for",
    "clone",
    "find_by_instance_uuid",
    "find_named",
    "locate",
    "offered_guest_ids",
    "power_off",
    "power_on",
    "read_hosts",
    "read_machine",
    "reconfigure",
    "running_clones",
    "shutdown_guest",
]

_TYPE: Final = "VirtualMachine"

#: The guest ids of everything that can run Hyper-V here. Naming them keeps the answer small: the full list of a
#: hardware version has hundreds of descriptors. If none of them is offered, vCenter sends the full list all the same.
_GUEST_IDS: Final = (
    "windows9Server64Guest",
    "windows2019srv_64Guest",
    "windows2019srvNext_64Guest",
    "windows2022srvNext_64Guest",
    "windows9_64Guest",
    "windows11_64Guest",
)


# --- reads ------------------------------------------------------------------------------------------------------------


def read_machine(session: Session, ref: MoRef) -> VirtualMachine | None:
    """Read a VM live with devices and mark; ``None`` if it is gone."""
    try:
        properties = read(session, ref, [*paths_of(_TYPE, session.version), *DETAIL_PATHS]).properties
    except vmodl.fault.ManagedObjectNotFound:
        return None
    record = record_of(VirtualMachine, ref, properties)
    return replace(record, detail=detail_of(record.change_version, properties, MARK_KEY))


def locate(session: Session, datacenter_name: str, text: str) -> Hit:
    """Find a VM or template by name or path."""
    return find(session, datacenter(session, datacenter_name), KINDS["machine"], text)


def find_by_instance_uuid(session: Session, instance_uuid: str) -> VirtualMachine | None:
    """Find a VM by instance UUID; the index does not know machines whose configuration is inaccessible."""
    # vmSearch and instanceUuid: a VM, and by the UUID that vCenter keeps unique.
    found = session.content.searchIndex.FindAllByUuid(None, instance_uuid, True, True)
    for machine in found or ():
        record = read_machine(session, moref(machine))
        if record is not None:
            return record
    return None


def find_named(session: Session, placement: Placement, name: str) -> MoRef | None:
    """Return what holds a name in a folder, whatever it is."""
    child = session.content.searchIndex.FindChild(session.object(placement.folder), escaped(name))
    return moref(child) if child is not None else None


def read_hosts(session: Session, refs: Iterable[MoRef]) -> list[Host]:
    """Read hosts live; those that are gone are left out."""
    # Of a host that is away vCenter cannot say everything; that it is away is what counts then.
    away = (vmodl.fault.HostCommunication,)
    found = read_many(session, refs, paths_of("HostSystem", session.version), unset_if=away)
    return [record_of(Host, item.ref, item.properties) for item in found]


def offered_guest_ids(session: Session, compute: MoRef, hardware_version: str) -> frozenset[str]:
    """Return the guest ids on offer; empty if the hosts do not know the hardware version at all."""
    browser = read(session, compute, ["environmentBrowser"]).properties.get("environmentBrowser")
    if browser is None:
        return frozenset()
    spec = vim.EnvironmentBrowser.ConfigOptionQuerySpec(key=hardware_version, guestId=list(_GUEST_IDS))
    option = session.object(moref(browser)).QueryConfigOptionEx(spec)
    if option is None:
        return frozenset()
    return frozenset(descriptor.id for descriptor in option.guestOSDescriptor or ())


def running_clones(session: Session, template: MoRef | None) -> list[MoRef]:
    """Return clone tasks of a template (``None``: of any) that our user started and that have not ended."""
    return running(session, template, lambda kind: kind.startswith("VirtualMachine.clone"))


def cards_for(session: Session, ref: MoRef, edits: Iterable[NetworkAdapterEdit]) -> dict[int, Any]:
    """Read the NICs that are to be edited: an edit sends the whole device back."""
    keys = {edit.key for edit in edits if edit.key is not None}
    if not keys:
        return {}
    devices = read(session, ref, ["config.hardware.device"]).properties.get("config.hardware.device") or ()
    cards = {device.key: device for device in devices if device.key in keys}
    if len(cards) < len(keys):
        gone = ", ".join(str(key) for key in sorted(keys - set(cards)))
        message = f"{ref} has no network adapter with key {gone} any more."
        raise Concurrent(message)
    return cards


# --- calls that change something --------------------------------------------------------------------------------------


def clone(session: Session, request: CloneRequest, cards: Mapping[int, Any]) -> MoRef:
    """Start a clone; the name is reserved from now on."""
    folder = session.object(request.placement.folder)
    spec = clone_spec(request, cards)
    return moref(session.object(request.template).CloneVM_Task(folder, escaped(request.name), spec))


def reconfigure(
    session: Session, current: VirtualMachine, settings: VirtualMachineSettings, cards: Mapping[int, Any]
) -> MoRef:
    """Start a change that fails if the VM is not as it was read."""
    spec = machine_changes(settings, cards, change_version=current.change_version)
    return moref(session.object(current.ref).ReconfigVM_Task(spec))


def power_on(session: Session, ref: MoRef) -> MoRef:
    """Start to power on; where there is DRS, it chooses the host."""
    return moref(session.object(ref).PowerOnVM_Task())


def power_off(session: Session, ref: MoRef) -> MoRef:
    """Start to power off, without asking the guest."""
    return moref(session.object(ref).PowerOffVM_Task())


def shutdown_guest(session: Session, ref: MoRef) -> bool:
    """Ask the guest to shut down; ``False`` if nobody in there listens."""
    try:
        session.object(ref).ShutdownGuest()
    except vim.fault.ToolsUnavailable:
        return False
    except vim.fault.InvalidPowerState as fault:
        if str(fault.existingState) != "poweredOff":
            raise
    return True
