"""vSphere objects as the operator knows them, as short as a test can say them, and what a write makes of them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nested_hyperv.domain.errors import Concurrent, PowerOffNeeded
from nested_hyperv.domain.host.guest_os import GUEST_IDS as _GUEST_IDS
from nested_hyperv.domain.inventory import (
    Host,
    MacLearningPolicy,
    MacManagementPolicy,
    MoRef,
    Network,
    NetworkAdapter,
    Placement,
    PortGroup,
    SecurityPolicy,
    Switch,
    VirtualMachine,
    VirtualMachineDetail,
)
from nested_hyperv.domain.ownership import parse_mark

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nested_hyperv.domain.inventory import (
        CloneRequest,
        NetworkAdapterEdit,
        PortGroupSettings,
        VirtualMachineSettings,
    )

__all__ = [
    "GUEST_IDS",
    "SWITCH",
    "cloned",
    "host",
    "mac_policy",
    "network",
    "nic",
    "owner_in",
    "placement",
    "port_group",
    "reconfigured",
    "switch",
    "template",
    "virtual_machine",
    "written",
]

GUEST_IDS = frozenset(_GUEST_IDS.values())
SWITCH = MoRef("VmwareDistributedVirtualSwitch", "dvs-1")
LEGACY_FIELDS = ("promiscuous", "forgedTransmits", "macChanges")

_macs = itertools.count(1)


def switch(version: str = "8.0.3", *, learns: bool | None = True, name: str = "dvs-lab") -> Switch:
    return Switch(
        ref=SWITCH,
        name=name,
        path=f"/dc1/network/{name}",
        uuid="uuid-dvs",
        version=version,
        mac_learning_supported=learns,
        folder=MoRef("Folder", "group-n1"),
    )


def mac_policy(**fields: Any) -> MacManagementPolicy:
    """The policy of MAC learning as the operator writes it, with fields changed; `learning_` reaches inside."""
    learning = {name.removeprefix("learning_"): fields.pop(name) for name in tuple(fields) if "learning_" in name}
    policy = MacManagementPolicy(
        allow_promiscuous=False,
        mac_changes=False,
        forged_transmits=True,
        learning=MacLearningPolicy(enabled=True, allow_unicast_flooding=True, limit=4096, limit_policy="drop"),
    )
    return replace(policy, learning=replace(policy.learning, **learning), **fields)


def port_group(name: str, on: MoRef = SWITCH, settings: PortGroupSettings | None = None, **fields: Any) -> PortGroup:
    """A port group with this id, as a stranger makes one or as `settings` create it."""
    made = PortGroup(
        ref=MoRef("DistributedVirtualPortgroup", name),
        name=name,
        key=name,
        config_version="0",
        description="",
        switch=on,
        vlan=0,
        vlan_inherited=False,
        mac_management=mac_policy(
            forged_transmits=False, inherited=True, learning_enabled=False, learning_limit_policy="allow"
        ),
        security=SecurityPolicy(
            allow_promiscuous=False, mac_changes=False, forged_transmits=False, inherited_fields=LEGACY_FIELDS
        ),
        nsx=False,
        uplink=False,
        virtual_machines=(),
        binding="earlyBinding",
        port_count=8,
        auto_expand=True,
    )
    if settings is not None and settings.binding == "ephemeral":
        made = replace(made, port_count=0, auto_expand=None)
    return replace(made if settings is None else written(made, settings, ()), **fields)


def written(group: PortGroup, settings: PortGroupSettings, ignores: Iterable[str]) -> PortGroup:
    """What a write makes of a port group; vSphere mirrors the flags of the new policy in the legacy one."""
    names = ("name", "description", "vlan", "mac_management", "security", "binding", "port_count", "auto_expand")
    given = {name: value for name in names if (value := getattr(settings, name)) is not None and name not in ignores}
    policy = given.get("mac_management")
    if policy is not None:
        given["security"] = SecurityPolicy(
            policy.allow_promiscuous,
            policy.mac_changes,
            policy.forged_transmits,
            LEGACY_FIELDS if policy.inherited else (),
        )
    if given.get("binding") == "ephemeral":
        given["port_count"] = 0
    return replace(group, **given)


def host(name: str = "esx1", **fields: Any) -> Host:
    sample = Host(
        ref=MoRef("HostSystem", name),
        name=name,
        connection_state="connected",
        maintenance=False,
        nested_hv_supported=True,
    )
    return replace(sample, **fields)


def nic(key: int, on: str = "VM Network", **fields: Any) -> NetworkAdapter:
    sample = NetworkAdapter(
        key=key,
        label=f"Network adapter {key - 3999}",
        kind="vmxnet3",
        mac_address=f"00:50:56:00:00:{key - 4000:02x}",
        network=on,
        switch_uuid=None,
        connected=False,
        start_connected=True,
        unit_number=key - 3993,
    )
    return replace(sample, **fields)


def network(key: str, *, standard: bool = False) -> Network:
    """A network that a NIC can be attached to."""
    if standard:
        return Network(MoRef("Network", f"network-{key}"), key, f"/dc1/network/{key}", None, None)
    return Network(MoRef("DistributedVirtualPortgroup", key), key, f"/dc1/network/{key}", key, "uuid-dvs")


def virtual_machine(
    name: str = "hv1", *, mark: str = "", nics: Iterable[NetworkAdapter] = (), **fields: Any
) -> VirtualMachine:
    """A powered-off VM with the hardware that the smallest valid spec asks for."""
    sample = VirtualMachine(
        ref=MoRef("VirtualMachine", f"vm-{name}"),
        name=name,
        config_available=True,
        change_version="1",
        instance_uuid="50000000-0000-0000-0000-000000000001",
        template=False,
        guest_id="windows2022srvNext_64Guest",
        hardware_version="vmx-21",
        firmware="efi",
        secure_boot=True,
        nested_hv=True,
        cpus=4,
        cores_per_socket=1,
        memory_mib=8192,
        cpu_hot_add=False,
        memory_hot_add=False,
        memory_hot_add_limit=0,
        memory_hot_add_step=0,
        power_state="poweredOff",
        connection_state="connected",
        host=MoRef("HostSystem", "esx1"),
        tools_running=False,
        tools_status="toolsNotRunning",
        ip_address="",
        host_name="",
        detail=VirtualMachineDetail("1", mark, tuple(nics)),
    )
    return replace(sample, **fields)


def with_detail(machine: VirtualMachine, **fields: Any) -> VirtualMachine:
    return replace(machine, detail=replace(machine.detail or VirtualMachineDetail("", "", ()), **fields))


def template(**fields: Any) -> VirtualMachine:
    base = virtual_machine(
        "ws2025",
        nics=[nic(4000)],
        template=True,
        guest_id="windows2019srv_64Guest",
        nested_hv=False,
        cpus=2,
        memory_mib=4096,
        instance_uuid="50000000-0000-0000-0000-00000000ffff",
    )
    return replace(base, **fields)


def placement(datacenter: str, hosts: tuple[MoRef, ...]) -> Placement:
    return Placement(
        datacenter=MoRef("Datacenter", "datacenter-1"),
        folder=MoRef("Folder", "group-v1"),
        pool=MoRef("ResourcePool", "resgroup-1"),
        compute=MoRef("ClusterComputeResource", "domain-c1"),
        host=None,
        datastore=MoRef("Datastore", "datastore-1"),
        hosts=hosts,
        paths=(f"/{datacenter}/vm", f"/{datacenter}/host/lab"),
    )


_POWERED_OFF_ONLY = ("guest_id", "cores_per_socket", "firmware", "nested_hv", "cpus", "memory_mib")


def reconfigured(machine: VirtualMachine, settings: VirtualMachineSettings, ignores: Iterable[str]) -> VirtualMachine:
    """What a reconfigure makes of a VM: all of it or nothing. Raises `PowerOffNeeded`."""
    names = ("name", *_POWERED_OFF_ONLY, "secure_boot")
    given = {name: value for name in names if (value := getattr(settings, name)) is not None}
    if machine.power_state != "poweredOff":
        hot = {"cpus"} if machine.cpu_hot_add and given.get("cpus", 0) > machine.cpus else set()
        if machine.memory_hot_add and given.get("memory_mib", 0) > machine.memory_mib:
            hot.add("memory_mib")
        if refused := [name for name in _POWERED_OFF_ONLY if name in given and name not in hot]:
            raise PowerOffNeeded(f"{machine.name} is powered on: {', '.join(refused)} cannot be changed.")
    detail = machine.detail or VirtualMachineDetail("", "", ())
    detail = replace(
        detail,
        mark=detail.mark if settings.mark is None else settings.mark,
        adapters=_edited(detail.adapters, settings.adapters, running=machine.power_state == "poweredOn"),
    )
    return replace(machine, detail=detail, **{k: v for k, v in given.items() if k not in ignores})


def _edited(
    adapters: tuple[NetworkAdapter, ...], edits: Iterable[NetworkAdapterEdit], *, running: bool
) -> tuple[NetworkAdapter, ...]:
    by_key = {adapter.key: adapter for adapter in adapters}
    for edit in edits:
        target = None if edit.network is None else edit.network.portgroup_key or edit.network.name
        if edit.key is None:
            key = max([3999, *by_key]) + 1
            by_key[key] = nic(key, target or "", mac_address=f"00:50:56:01:00:{next(_macs):02x}", connected=running)
        elif edit.key not in by_key:
            raise Concurrent(f"There is no network adapter {edit.key} any more.")
        elif target is None:
            del by_key[edit.key]
        else:
            by_key[edit.key] = replace(by_key[edit.key], network=target, start_connected=True, connected=running)
    return tuple(by_key.values())


def cloned(name: str, source: VirtualMachine, request: CloneRequest, ignores: Iterable[str]) -> VirtualMachine:
    """What a clone of a template becomes."""
    nics = () if source.detail is None else source.detail.adapters
    fresh = replace(
        source,
        ref=MoRef("VirtualMachine", name),
        name=request.name,
        template=False,
        instance_uuid=request.instance_uuid,
        power_state="poweredOff",
        detail=VirtualMachineDetail(
            source.change_version,
            source.detail.mark if source.detail else "",
            tuple(replace(one, mac_address=f"00:50:56:02:00:{next(_macs):02x}") for one in nics),
        ),
    )
    return reconfigured(fresh, request.settings, ignores)


def owner_in(description: str) -> str | None:
    """Return the owner whom the mark in a description names."""
    mark = parse_mark(description)
    return None if mark is None else mark.owner
