"""One table of documents for both judges of a spec: the models of the operator and the rules of a real API server.

A row says what is changed in a document that is otherwise valid, and, when it must be refused, which field the refusal
has to name and what it has to say. Every field has a row at, below and above each of its limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from nested_hyperv.api import meta
from nested_hyperv.api.common import CommonSpec
from nested_hyperv.api.host import NestedHyperVHostSpec
from nested_hyperv.api.portgroup import NestedPortGroupSpec
from support.document_rows import BASE, NHV, NPG, REMOVED, Case, Transition, changed, document
from support.document_rows import Field as _Field

__all__ = [
    "BASE",
    "CASES",
    "MODELS",
    "NHV",
    "NPG",
    "PLURALS",
    "REMOVED",
    "TRANSITIONS",
    "Case",
    "Transition",
    "changed",
    "document",
]

MODELS: Final[Mapping[str, type[CommonSpec]]] = {NPG: NestedPortGroupSpec, NHV: NestedHyperVHostSpec}
PLURALS: Final[Mapping[str, str]] = {NPG: meta.PLURAL_PORT_GROUP, NHV: meta.PLURAL_HOST}

_BOTH: Final = (NPG, NHV)
_LONG: Final = "x" * 1024
_BAD_PATHS: Final = ("", _LONG + "x", 7)
_NETWORK: Final = {"name": "a", "network": "VM Network"}

_STANDARD: Final = {"datacenter": "dc1", "vSwitch": "vSwitch0", "cluster": "lab"}
_ON_STANDARD: Final[Mapping[str, Any]] = {"distributed": REMOVED, "standard": _STANDARD}
#: One more than may be listed.
_RANGES: Final = [{"start": 100 * n, "end": 100 * n + 50} for n in range(33)]


def _trunk(*ranges: tuple[int, int]) -> dict[str, Any]:
    return {"vlan": {"trunk": [{"start": start, "end": end} for start, end in ranges]}}


_FIELDS: Final = (
    _Field(
        _BOTH,
        "name",
        good=("x", "x" * 80, "ä" * 80, "Lab 1 (Host)", "UPPER_and.dots"),
        bad=("", "x" * 81, "a/b", "a\\b", "100%", " outer", "outer ", "tab\there", "line\n"),
    ),
    _Field(_BOTH, "connectionRef", good=(), bad=(REMOVED, "vcenter")),
    _Field(
        _BOTH,
        "connectionRef.name",
        good=("v", "v" * 253, "a.b-c"),
        bad=("", "v" * 254, "Upper", "-edge", "a..b", REMOVED),
    ),
    _Field(_BOTH, "connectionRef.namespace", good=("platform", "n" * 63), bad=("", "n" * 64, "a.b", "Upper")),
    _Field(_BOTH, "managementPolicy", good=("Enforce", "Observe"), bad=("enforce", "", True)),
    _Field(_BOTH, "deletionPolicy", good=("Delete", "Retain"), bad=("Orphan", "")),
    _Field(_BOTH, "onExternalDelete", good=("Recreate", "Report"), bad=("Ignore", "")),
    _Field(_BOTH, "suspend", good=(True, False), bad=("true", 1)),
    # NestedPortGroup
    _Field((NPG,), "distributed.datacenter", good=("d", _LONG, "/folder/dc1"), bad=(*_BAD_PATHS, REMOVED)),
    _Field((NPG,), "distributed.switch", good=("s", _LONG, "/dc1/network/dvs"), bad=(*_BAD_PATHS, REMOVED)),
    _Field((NPG,), "distributed.ports", good=({},), bad=(8,)),
    _Field((NPG,), "distributed.ports.binding", good=("Static", "Ephemeral"), bad=("Dynamic", "static", "")),
    _Field((NPG,), "distributed.ports.count", good=(1, 2, 59_999, 60_000), bad=(-1, 0, 60_001, "8")),
    _Field((NPG,), "distributed.ports.autoExpand", good=(True, False), bad=("true",)),
    _Field((NPG,), "standard", good=(_STANDARD,), bad=("vSwitch0",), beside=_ON_STANDARD),
    _Field((NPG,), "standard.datacenter", good=("d", _LONG), bad=(*_BAD_PATHS, REMOVED), beside=_ON_STANDARD),
    _Field((NPG,), "standard.vSwitch", good=("v", "v" * 32), bad=("", "v" * 33, REMOVED), beside=_ON_STANDARD),
    _Field((NPG,), "standard.cluster", good=("c", _LONG), bad=_BAD_PATHS, beside=_ON_STANDARD),
    _Field(
        (NPG,),
        "standard.hosts",
        good=(["esx1"], [f"esx{n}" for n in range(128)]),
        bad=([], [f"esx{n}" for n in range(129)]),
        beside={**_ON_STANDARD, "standard.cluster": REMOVED},
    ),
    _Field(
        (NPG,),
        "vlan.trunk",
        good=([{"start": 0, "end": 4094}], [{"start": 1, "end": 1}, {"start": 2, "end": 9}], _RANGES[:32]),
        bad=([], _RANGES),
    ),
    _Field((NPG,), "vlan.privateId", good=(1, 4094), bad=(0, 4095)),
    _Field((NPG,), "security.forgedTransmits", good=(True,), bad=("true",)),
    _Field((NPG,), "security.macChanges", good=(True, False), bad=("true",)),
    _Field((NPG,), "minimumMTU", good=(1280, 1600, 9000, 9190), bad=(0, 1279, 9191)),
    _Field((NPG,), "adoptionPolicy", good=("Never", "Adopt"), bad=("Always", "adopt", "")),
    _Field((NPG,), "vlan.id", good=(1, 2, 4093, 4094), bad=(-1, 0, 4095, 4096), says="1 to 4094"),
    _Field((NPG,), "vlan.id", good=(), bad=("120", 1.5)),
    _Field((NPG,), "nesting.mode", good=("Auto", "MACLearning", "Promiscuous", "Disabled"), bad=("maclearning", "")),
    _Field((NPG,), "nesting.macLearning.limit", good=(1, 2, 4095, 4096), bad=(-1, 0, 4097)),
    _Field((NPG,), "nesting.macLearning.limitPolicy", good=("Drop", "Allow"), bad=("drop", "")),
    _Field((NPG,), "nesting.macLearning.allowUnicastFlooding", good=(True, False), bad=("false",)),
    # NestedHyperVHost
    _Field((NHV,), "placement", good=(), bad=(REMOVED,)),
    _Field((NHV,), "placement.datacenter", good=("d", _LONG), bad=(*_BAD_PATHS, REMOVED)),
    _Field((NHV,), "placement.cluster", good=("c", _LONG, "/dc1/host/c"), bad=_BAD_PATHS),
    _Field(
        (NHV,),
        "placement.host",
        good=("esx1", _LONG),
        bad=_BAD_PATHS,
        beside={"placement.cluster": REMOVED},
    ),
    _Field((NHV,), "placement.resourcePool", good=("p", _LONG), bad=_BAD_PATHS),
    _Field((NHV,), "placement.folder", good=("f", _LONG), bad=_BAD_PATHS),
    _Field((NHV,), "placement.datastore", good=("s", _LONG), bad=(*_BAD_PATHS, REMOVED)),
    _Field((NHV,), "source", good=(), bad=(REMOVED,)),
    _Field((NHV,), "source.template", good=(), bad=(REMOVED,)),
    _Field((NHV,), "source.template.path", good=("t", _LONG), bad=(*_BAD_PATHS, REMOVED)),
    _Field(
        (NHV,),
        "guestOS",
        good=(
            "WindowsServer2016",
            "WindowsServer2019",
            "WindowsServer2022",
            "WindowsServer2025",
            "HyperVServer2019",
            "Windows10",
        ),
        bad=("Windows11", "windows10", "", REMOVED),
    ),
    _Field((NHV,), "hardware", good=(), bad=(REMOVED,)),
    _Field((NHV,), "hardware.cpus", good=(2, 3, 767, 768), bad=(-2, 0, 1, 769, "4", REMOVED)),
    _Field((NHV,), "hardware.coresPerSocket", good=(1, 2, 4), bad=(-1, 0, 769)),
    _Field((NHV,), "hardware.coresPerSocket", good=(), bad=(3, 8), says="has to divide cpus"),
    _Field(
        (NHV,),
        "hardware.memoryMiB",
        good=(4096, 4100, 25_165_820, 25_165_824),
        bad=(0, 4092, 4095, 4097, 4098, 25_165_828, "8Gi", REMOVED),
    ),
    _Field((NHV,), "hardware.firmware", good=("EFI", "BIOS"), bad=("efi", "")),
    _Field((NHV,), "hardware.secureBoot", good=(True, False), bad=("true",)),
    _Field((NHV,), "virtualization.nestedHV", good=(True, False), bad=("true",)),
    _Field((NHV,), "powerState", good=("On", "Off"), bad=("on", "Suspended", "", True, False)),
    _Field((NHV,), "disruption.policy", good=("Never", "WhenPoweredOff", "Graceful", "Force"), bad=("Always", "")),
    _Field((NHV,), "disruption.gracefulTimeoutSeconds", good=(30, 31, 3599, 3600), bad=(0, 29, 3601)),
)


def _row(**fields: object) -> dict[str, Any]:
    return {"networks": [_NETWORK, {**fields}]}


_COMBINATIONS: Final = (
    Case("the smallest port group", NPG, {}),
    Case("the smallest host", NHV, {}),
    Case("metadata.name of 80 characters is a name", NPG, {}, name="n" * 80),
    Case("metadata.name of 80 characters is a name", NHV, {}, name="n" * 80),
    Case("metadata.name of 81 characters needs a name", NPG, {}, "spec.name", "set spec.name", name="n" * 81),
    Case("metadata.name of 81 characters needs a name", NHV, {}, "spec.name", "set spec.name", name="n" * 81),
    Case("metadata.name of 253 characters with a name", NPG, {"name": "short"}, name="n" * 253),
    Case("metadata.name of 253 characters with a name", NHV, {"name": "short"}, name="n" * 253),
    Case("an unknown field", NPG, {"teaming": {}}, "spec.teaming"),
    Case("an unknown field", NHV, {"disks": []}, "spec.disks"),
    Case("an unknown field deep inside", NPG, {"vlan": {"id": 5, "native": 1}}, "spec.vlan.native"),
    Case("an unknown field in a list", NHV, _row(name="b", network="n", vlan=5), "spec.networks[1].vlan"),
    Case("the name that Python has for a field", NHV, {"hardware.memory_mib": 8192}, "spec.hardware.memory_mib"),
    Case("a VLAN of no kind", NPG, {"vlan": {}}, "spec.vlan", "exactly one of id, trunk and privateId"),
    Case("a VLAN of two kinds", NPG, {"vlan": {"id": 5, "privateId": 7}}, "spec.vlan", "exactly one"),
    Case(
        "a VLAN of three kinds", NPG, {"vlan": {"id": 5, "privateId": 7, "trunk": _RANGES[:1]}}, "spec.vlan", "exactly"
    ),
    Case("a trunk that runs backwards", NPG, _trunk((9, 8)), "spec.vlan.trunk[0].end", "swap them"),
    Case("a trunk below its limits", NPG, _trunk((-1, 8)), "spec.vlan.trunk[0].start"),
    Case("a trunk above its limits", NPG, _trunk((1, 4095)), "spec.vlan.trunk[0].end"),
    Case("a trunk without an end", NPG, {"vlan": {"trunk": [{"start": 5}]}}, "spec.vlan.trunk[0].end"),
    Case("a trunk without a start", NPG, {"vlan": {"trunk": [{"end": 5}]}}, "spec.vlan.trunk[0].start"),
    Case("a trunk of every id", NPG, _trunk((0, 4094))),
    Case("a range inside another", NPG, _trunk((1, 4094), (7, 8)), "spec.vlan.trunk", "join them"),
    Case("ranges that overlap", NPG, _trunk((1, 8), (8, 9)), "spec.vlan.trunk", "join them"),
    Case("ranges that are the same", NPG, _trunk((1, 8), (1, 8)), "spec.vlan.trunk", "join them"),
    Case("ranges that touch", NPG, _trunk((1, 8), (9, 9))),
    Case("ranges out of order", NPG, _trunk((10, 12), (1, 8))),
    Case("neither kind of switch", NPG, {"distributed": REMOVED}, "spec", "either distributed or standard"),
    Case("both kinds of switch", NPG, {"standard": _STANDARD}, "spec", "either distributed or standard"),
    Case("static ports by default", NPG, {"distributed.ports": {"count": 64, "autoExpand": False}}),
    Case(
        "ephemeral ports with a count",
        NPG,
        {"distributed.ports": {"binding": "Ephemeral", "count": 8}},
        "spec.distributed.ports.count",
        "remove count",
    ),
    Case(
        "ephemeral ports that do not grow",
        NPG,
        {"distributed.ports": {"binding": "Ephemeral", "autoExpand": False}},
        "spec.distributed.ports.autoExpand",
        "remove autoExpand",
    ),
    Case("neither cluster nor hosts", NPG, {**_ON_STANDARD, "standard.cluster": REMOVED}, "spec.standard", "either"),
    Case(
        "a host that is listed twice",
        NPG,
        {**_ON_STANDARD, "standard.cluster": REMOVED, "standard.hosts": ["esx1", "esx1"]},
        "spec.standard.hosts[1]",
    ),
    Case(
        "a host of 1024 characters",
        NPG,
        {**_ON_STANDARD, "standard.cluster": REMOVED, "standard.hosts": ["esx1", _LONG]},
    ),
    Case(
        "a host of 1025 characters",
        NPG,
        {**_ON_STANDARD, "standard.cluster": REMOVED, "standard.hosts": ["esx1", _LONG + "x"]},
        "spec.standard.hosts[1]",
    ),
    Case(
        "a host without a name",
        NPG,
        {**_ON_STANDARD, "standard.cluster": REMOVED, "standard.hosts": [""]},
        "spec.standard.hosts[0]",
    ),
    Case("cluster and hosts", NPG, {**_ON_STANDARD, "standard.hosts": ["esx1"]}, "spec.standard", "either"),
    Case("a standard switch with an id", NPG, {**_ON_STANDARD, "vlan.id": 5}),
    Case("a standard switch with a trunk of all", NPG, {**_ON_STANDARD, **_trunk((0, 4094))}),
    Case(
        "a standard switch with a trunk of some", NPG, {**_ON_STANDARD, **_trunk((0, 4093))}, "spec.vlan", "all VLANs"
    ),
    Case("a standard switch with a private VLAN", NPG, {**_ON_STANDARD, "vlan.privateId": 5}, "spec.vlan", "all VLANs"),
    Case(
        "a standard switch that learns",
        NPG,
        {**_ON_STANDARD, "nesting.mode": "MACLearning"},
        "spec.nesting.mode",
        "Auto",
    ),
    Case(
        "learning details on a standard switch",
        NPG,
        {**_ON_STANDARD, "nesting.macLearning": {"limit": 8}},
        "spec.nesting.macLearning",
        "remove macLearning",
    ),
    Case("inner machines that cannot send", NPG, {"security.forgedTransmits": False}, "spec.security", "cannot send"),
    Case(
        "no forged transmits where nothing is nested",
        NPG,
        {"security.forgedTransmits": False, "nesting.mode": "Disabled"},
    ),
    Case("learning details with Auto", NPG, {"nesting": {"mode": "Auto", "macLearning": {}}}),
    Case("learning details with the default mode", NPG, {"nesting": {"macLearning": {"limit": 8}}}),
    Case("learning details with MACLearning", NPG, {"nesting": {"mode": "MACLearning", "macLearning": {}}}),
    Case(
        "learning details with Promiscuous",
        NPG,
        {"nesting": {"mode": "Promiscuous", "macLearning": {}}},
        "spec.nesting.macLearning",
        "needs mode Auto or MACLearning",
    ),
    Case(
        "learning details with Disabled",
        NPG,
        {"nesting": {"mode": "Disabled", "macLearning": {"limit": 8}}},
        "spec.nesting.macLearning",
        "needs mode Auto or MACLearning",
    ),
    Case("cluster and host", NHV, {"placement.host": "esx1"}, "spec.placement", "exactly one of cluster and host"),
    Case(
        "neither cluster nor host",
        NHV,
        {"placement.cluster": REMOVED},
        "spec.placement",
        "exactly one of cluster and host",
    ),
    Case("cores that divide", NHV, {"hardware.cpus": 12, "hardware.coresPerSocket": 6}),
    Case("secure boot with EFI", NHV, {"hardware.firmware": "EFI", "hardware.secureBoot": True}),
    Case("secure boot with the firmware of the template", NHV, {"hardware.secureBoot": True}),
    Case("no secure boot with BIOS", NHV, {"hardware.firmware": "BIOS", "hardware.secureBoot": False}),
    Case(
        "secure boot with BIOS",
        NHV,
        {"hardware.firmware": "BIOS", "hardware.secureBoot": True},
        "spec.hardware.secureBoot",
        "needs firmware EFI",
    ),
    Case("no networks", NHV, {"networks": []}),
    Case("ten networks", NHV, {"networks": [{"name": f"n{i}", "network": "x"} for i in range(10)]}),
    Case("eleven networks", NHV, {"networks": [{"name": f"n{i}", "network": "x"} for i in range(11)]}, "spec.networks"),
    Case("a network by port group", NHV, _row(name="b", portGroupRef={"name": "lab"})),
    Case("two adapters on one network", NHV, _row(name="b", network="VM Network")),
    Case("a network name twice", NHV, _row(name="a", network="other"), "spec.networks[1]"),
    Case("a network without name", NHV, _row(network="other"), "spec.networks[1].name"),
    Case("a network name of 63 characters", NHV, _row(name="n" * 63, network="x")),
    Case("a network name of 64 characters", NHV, _row(name="n" * 64, network="x"), "spec.networks[1].name"),
    Case("a network name with capitals", NHV, _row(name="Lab", network="x"), "spec.networks[1].name"),
    Case("an empty network name", NHV, _row(name="", network="x"), "spec.networks[1].name"),
    Case("an empty network path", NHV, _row(name="b", network=""), "spec.networks[1].network"),
    Case("a network path of 1024 characters", NHV, _row(name="b", network=_LONG)),
    Case("a network path of 1025 characters", NHV, _row(name="b", network=_LONG + "x"), "spec.networks[1].network"),
    Case("an empty reference", NHV, _row(name="b", portGroupRef={}), "spec.networks[1].portGroupRef.name"),
    Case(
        "a reference with capitals",
        NHV,
        _row(name="b", portGroupRef={"name": "Lab"}),
        "spec.networks[1].portGroupRef.name",
    ),
    Case(
        "a network with reference and path",
        NHV,
        _row(name="b", network="x", portGroupRef={"name": "lab"}),
        "spec.networks[1]",
        "exactly one of portGroupRef and network",
    ),
    Case(
        "a network with neither reference nor path",
        NHV,
        _row(name="b"),
        "spec.networks[1]",
        "exactly one of portGroupRef and network",
    ),
)

CASES: Final = (*_COMBINATIONS, *(case for field in _FIELDS for case in field.cases()))


def _frozen(kind: str, before: Mapping[str, Any], after: Mapping[str, Any], names: str, title: str) -> Transition:
    return Transition(title, kind, before, after, names, "immutable")


TRANSITIONS: Final = (
    *(_frozen(kind, {"name": "a"}, {"name": "b"}, "spec.name", f"{kind}: name changes") for kind in _BOTH),
    *(_frozen(kind, {}, {"name": "b"}, "spec.name", f"{kind}: name is added") for kind in _BOTH),
    *(_frozen(kind, {"name": "a"}, {}, "spec.name", f"{kind}: name is removed") for kind in _BOTH),
    *(
        _frozen(kind, {}, {"connectionRef.name": "other"}, "spec.connectionRef", f"{kind}: another connection")
        for kind in _BOTH
    ),
    *(
        _frozen(kind, {}, {"connectionRef.namespace": "x"}, "spec.connectionRef", f"{kind}: connection of elsewhere")
        for kind in _BOTH
    ),
    _frozen(NPG, {}, {"distributed.switch": "other"}, "spec.distributed.switch", "another switch"),
    _frozen(NPG, {}, {"distributed.datacenter": "other"}, "spec.distributed.datacenter", "another datacenter"),
    _frozen(NPG, {}, _ON_STANDARD, "spec", "to a standard switch"),
    _frozen(NPG, _ON_STANDARD, {}, "spec", "to a distributed switch"),
    _frozen(NPG, _ON_STANDARD, {**_ON_STANDARD, "standard.vSwitch": "v"}, "spec.standard.vSwitch", "another vSwitch"),
    _frozen(
        NPG,
        _ON_STANDARD,
        {**_ON_STANDARD, "standard.datacenter": "x"},
        "spec.standard.datacenter",
        "another datacenter",
    ),
    _frozen(NPG, _ON_STANDARD, {**_ON_STANDARD, "standard.cluster": "x"}, "spec.standard.cluster", "another cluster"),
    _frozen(
        NPG,
        _ON_STANDARD,
        {**_ON_STANDARD, "standard.cluster": REMOVED, "standard.hosts": ["esx1"]},
        "spec.standard.cluster",
        "from cluster to hosts",
    ),
    Transition(
        "the hosts of a list are live",
        NPG,
        {**_ON_STANDARD, "standard.cluster": REMOVED, "standard.hosts": ["esx1"]},
        {**_ON_STANDARD, "standard.cluster": REMOVED, "standard.hosts": ["esx2", "esx3"]},
    ),
    _frozen(NHV, {}, {"placement.datacenter": "other"}, "spec.placement", "another datacenter"),
    _frozen(NHV, {}, {"placement.datastore": "other"}, "spec.placement", "another datastore"),
    _frozen(NHV, {}, {"placement.folder": "lab"}, "spec.placement", "a folder is added"),
    _frozen(NHV, {"placement.resourcePool": "p"}, {}, "spec.placement", "a pool is removed"),
    _frozen(
        NHV, {}, {"placement.cluster": REMOVED, "placement.host": "esx1"}, "spec.placement", "from cluster to host"
    ),
    _frozen(NHV, {}, {"source.template.path": "other"}, "spec.source", "another template"),
    _frozen(
        NHV,
        {"hardware.firmware": "EFI"},
        {"hardware.firmware": "BIOS"},
        "spec.hardware.firmware",
        "firmware changes",
    ),
    _frozen(NHV, {}, {"hardware.firmware": "EFI"}, "spec.hardware.firmware", "firmware is added"),
    _frozen(NHV, {"hardware.firmware": "EFI"}, {}, "spec.hardware.firmware", "firmware is removed"),
    Transition(
        "everything else of a port group is live",
        NPG,
        {"name": "a"},
        {
            "name": "a",
            "managementPolicy": "Observe",
            "deletionPolicy": "Retain",
            "onExternalDelete": "Report",
            "suspend": True,
            "vlan.id": 7,
            "security.macChanges": True,
            "minimumMTU": 1600,
            "adoptionPolicy": "Adopt",
            "nesting": {"mode": "MACLearning", "macLearning": {"limit": 9}},
        },
    ),
    Transition(
        "ports are live",
        NPG,
        {"distributed.ports": {"binding": "Static", "count": 64}},
        {"distributed.ports": {"binding": "Ephemeral"}},
    ),
    Transition("ports are managed from now on", NPG, {}, {"distributed.ports": {}}),
    Transition("ports are managed no more", NPG, {"distributed.ports": {}}, {}),
    Transition("an id becomes a trunk", NPG, {"vlan.id": 7}, {"vlan.trunk": _RANGES[:1]}),
    Transition("the VLAN goes away", NPG, {"vlan.id": 7}, {}),
    Transition(
        "everything else of a host is live",
        NHV,
        {"hardware.firmware": "EFI"},
        {
            "managementPolicy": "Observe",
            "deletionPolicy": "Retain",
            "onExternalDelete": "Recreate",
            "suspend": True,
            "guestOS": "WindowsServer2022",
            "hardware": {"cpus": 8, "coresPerSocket": 4, "memoryMiB": 4096, "firmware": "EFI", "secureBoot": True},
            "virtualization.nestedHV": False,
            "networks": [_NETWORK],
            "powerState": "Off",
            "disruption": {"policy": "Force", "gracefulTimeoutSeconds": 60},
        },
    ),
)
