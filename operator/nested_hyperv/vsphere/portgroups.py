"""Distributed switches and their port groups: the calls, and which port group carries whose mark. Blocking.

The index of owners is built by one bulk read of a switch and kept for the session; it only says where to look, and
every hit is read live before it counts. It may lack a port group that another process made a moment ago: then the
create meets ``DuplicateName`` and what holds the name is looked at, and a deletion has the index built again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pyVmomi import vim, vmodl

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.inventory import MoRef, PortGroup, Switch
from nested_hyperv.domain.ownership import parse_mark
from nested_hyperv.vsphere.collector import read, read_many
from nested_hyperv.vsphere.lookup import KINDS, children, datacenter, find
from nested_hyperv.vsphere.projection import SWITCH_DETAIL_PATH, paths_of, record_of, switch_detail
from nested_hyperv.vsphere.refs import escaped, moref
from nested_hyperv.vsphere.specs import port_group_changes, port_group_creation
from nested_hyperv.vsphere.tasks import running

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nested_hyperv.domain.inventory import PortGroupSettings
    from nested_hyperv.vsphere.session import Session

__all__ = [
    "Owners",
    "create",
    "find_named",
    "find_switch",
    "marked_anywhere",
    "owners_of",
    "read_port_group",
    "reconfigure",
    "running_creations",
]

_TYPE: Final = "DistributedVirtualPortgroup"
#: A network that NSX has on a switch of its own; where it uses a distributed switch, it makes port groups there.
_OPAQUE: Final = "OpaqueNetwork"
_HIDDEN: Final = (vmodl.fault.SecurityError,)
#: Owner to port groups of one switch.
Owners = dict[str, set[MoRef]]


def find_switch(session: Session, datacenter_name: str, text: str) -> Switch:
    """Find a distributed switch and read what planning needs of it."""
    hit = find(session, datacenter(session, datacenter_name), KINDS["switch"], text)
    properties = read(session, hit.ref, [*paths_of(hit.ref.type, session.version), SWITCH_DETAIL_PATH]).properties
    switch = replace(record_of(Switch, hit.ref, properties), path=hit.path)
    return switch_detail(switch, properties[SWITCH_DETAIL_PATH])


def read_port_group(session: Session, ref: MoRef) -> PortGroup | None:
    """Read a port group live; ``None`` if it is gone."""
    try:
        found = read(session, ref, paths_of(_TYPE, session.version))
    except vmodl.fault.ManagedObjectNotFound:
        return None
    return record_of(PortGroup, ref, found.properties)


def owners_of(session: Session, switch: MoRef, chunk: int) -> Owners:
    """Read all marks on a switch."""
    return _marks(session, children(session, switch, "portgroup"), chunk)


def _marks(session: Session, refs: Sequence[MoRef], chunk: int) -> Owners:
    owners: Owners = {}
    for at in range(0, len(refs), chunk):
        # What the account may not read is not ours. Any other failure to read one could hide what is.
        described = read_many(session, refs[at : at + chunk], ["config.description"], unset_if=_HIDDEN)
        for found in described:
            mark = parse_mark(found.properties.get("config.description") or "")
            if mark is not None:
                owners.setdefault(mark.owner, set()).add(found.ref)
    return owners


def marked_anywhere(session: Session, owner: str, chunk: int) -> list[MoRef]:
    """Find what carries a mark of this owner on any switch: dear, for when its own switch cannot be found."""
    root = session.content.rootFolder
    view = session.content.viewManager.CreateContainerView(root, [vim.dvs.DistributedVirtualPortgroup], True)
    try:
        refs = children(session, moref(view), "view")
    finally:
        view.DestroyView()
    return sorted(_marks(session, refs, chunk).get(owner, ()))


def find_named(session: Session, switch: Switch, name: str) -> PortGroup | None:
    """Find the distributed port group that holds a name in the folder of a switch. Raises ``Blocked(NSXManaged)``."""
    child = session.content.searchIndex.FindChild(session.object(switch.folder), escaped(name))
    if child is None:
        return None
    holder = moref(child)
    if holder.type == _OPAQUE:
        raise Blocked(
            Reason.NSX_MANAGED,
            f"{name} ({holder.value}) beside {switch.name} is a network of NSX. For inner machines, put a MAC "
            "discovery profile with MAC learning on its segment in NSX Manager; for a port group of its own, choose "
            "another spec.name.",
        )
    return read_port_group(session, holder) if holder.type == _TYPE else None


def create(session: Session, switch: MoRef, settings: PortGroupSettings) -> MoRef:
    """Start the creation of one port group."""
    return moref(session.object(switch).CreateDVPortgroup_Task(port_group_creation(settings)))


def running_creations(session: Session) -> list[MoRef]:
    """Return tasks that create port groups on any switch, that our user started and that have not ended.

    Their ``descriptionId`` ends in ``addPortgroup`` (CreateDVPortgroup_Task) or ``addPortgroups``
    (AddDVPortgroup_Task). TaskManager.description of a vCenter, as govmomi records it (simulator/vpx), has both for
    ``DistributedVirtualSwitch`` and for ``dvs.VmwareDistributedVirtualSwitch``; which one a task names it does not say.
    """
    return running(session, None, lambda kind: "DistributedVirtualSwitch.addPortgroup" in kind)


def reconfigure(session: Session, current: PortGroup, settings: PortGroupSettings) -> MoRef:
    """Start a change that fails if the port group is not as it was read."""
    spec = port_group_changes(settings, current.config_version)
    return moref(session.object(current.ref).ReconfigureDVPortgroup_Task(spec))
