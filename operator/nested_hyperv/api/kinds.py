"""Both kinds as the API server and kubectl see them: names, columns, selectable fields and their models."""

from dataclasses import dataclass
from typing import Final

from nested_hyperv.api import meta
from nested_hyperv.api.common import CommonSpec, CommonStatus
from nested_hyperv.api.host import NestedHyperVHostSpec, NestedHyperVHostStatus
from nested_hyperv.api.portgroup import NestedPortGroupSpec, NestedPortGroupStatus


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `kubectl get`; `wide` ones need `-o wide`. A path must lead to a scalar."""

    name: str
    path: str
    description: str
    type: str = "string"
    wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One custom resource."""

    kind: str
    plural: str
    short: str
    description: str
    spec: type[CommonSpec]
    status: type[CommonStatus]
    columns: tuple[Column, ...]
    selectable: tuple[str, ...]


_READY: Final = Column("Ready", '.status.conditions[?(@.type=="Ready")].status', "vSphere equals the spec.")
_DRIFT: Final = Column("Drift", ".status.drifted", "Managed fields that differ from the spec.", type="integer")
_AGE: Final = Column("Age", ".metadata.creationTimestamp", "Time since creation.", type="date")
_REASON: Final = Column(
    "Reason", '.status.conditions[?(@.type=="Ready")].reason', "Why Ready is what it is.", wide=True
)
_VCENTER_NAME: Final = Column("VCenter-Name", ".status.name", "Name of the object in vSphere.", wide=True)
_MOREF: Final = Column("MoRef", ".status.moRef", "Managed object id in vCenter.", wide=True)

PORT_GROUP: Final = Kind(
    kind=meta.KIND_PORT_GROUP,
    plural=meta.PLURAL_PORT_GROUP,
    short=meta.SHORT_PORT_GROUP,
    description=(
        "NestedPortGroup is one port group on a distributed switch of vSphere, or the same-named one on the standard"
        " switch of every host of a set, whose policy lets frames of the virtual machines inside a nested Hyper-V host"
        " pass."
    ),
    spec=NestedPortGroupSpec,
    status=NestedPortGroupStatus,
    columns=(
        _READY,
        Column("Mode", ".status.mode", "Nesting mode in force."),
        Column("VLAN", ".status.vlan", "VLAN in vSphere."),
        Column("Switch", ".status.switch", "Switch that carries the port group."),
        Column("Hosts", ".status.hostsReady", "Hosts that have the port group as declared, on standard switches."),
        _DRIFT,
        _AGE,
        _REASON,
        _VCENTER_NAME,
        _MOREF,
    ),
    selectable=(".spec.connectionRef.name", ".spec.nesting.mode"),
)

HOST: Final = Kind(
    kind=meta.KIND_HOST,
    plural=meta.PLURAL_HOST,
    short=meta.SHORT_HOST,
    description="NestedHyperVHost is one virtual machine on vSphere that is prepared to run Hyper-V.",
    spec=NestedHyperVHostSpec,
    status=NestedHyperVHostStatus,
    columns=(
        _READY,
        Column("Power", ".status.powerState", "Power state of the machine."),
        Column("Nested-HV", ".status.nestedHV", "Hardware virtualization is exposed to the guest.", type="boolean"),
        Column("IP", ".status.ipAddress", "Primary address of the guest."),
        Column("Network", ".status.network", "Adapters that are attached as declared."),
        _DRIFT,
        _AGE,
        _REASON,
        Column("Host-Name", ".status.hostName", "Host name of the guest.", wide=True),
        Column("CPUs", ".status.observed.cpus", "Virtual CPUs.", type="integer", wide=True),
        Column("Memory", ".status.observed.memoryMiB", "Memory in MiB.", type="integer", wide=True),
        _VCENTER_NAME,
        _MOREF,
    ),
    selectable=(".spec.connectionRef.name", ".spec.guestOS"),
)

KINDS: Final = (HOST, PORT_GROUP)
