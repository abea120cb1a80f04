"""Words for checks of standard switches: a switch and port groups of one's own on the host of the scratch place."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from typing import Any

from pyVmomi import vim

from bed.soap import result_of
from verify.scratch import Scratch

__all__ = [
    "Bond", "add_group", "add_switch", "group", "group_spec", "machine_on", "network", "nic_named", "security",
    "vswitch",
]  # fmt: skip

Bond = vim.host.VirtualSwitch.BondBridge


def security(**flags: bool) -> Any:
    """Return a policy that sets these members of the security policy and leaves the rest unset."""
    return vim.host.NetworkPolicy(security=vim.host.NetworkPolicy.SecurityPolicy(**flags))


def add_switch(scratch: Scratch, name: str = "vs", **members: Any) -> str:
    """Add a standard switch to the host; return its name."""
    name = scratch.named(name)
    spec = vim.host.VirtualSwitch.Specification(**{"numPorts": 128, **members})
    scratch.network_system.AddVirtualSwitch(vswitchName=name, spec=spec)
    scratch.undo(lambda: scratch.network_system.RemoveVirtualSwitch(vswitchName=name))
    return name


def group_spec(switch: str, name: str, *, vlan: int = 0, policy: Any = None) -> Any:
    """Return the spec of a port group; unset, its policy sets nothing."""
    return vim.host.PortGroup.Specification(
        name=name, vlanId=vlan, vswitchName=switch, policy=policy or vim.host.NetworkPolicy()
    )


def add_group(
    scratch: Scratch, switch: str, name: str = "std", *, vlan: int = 0, policy: Any = None, host: Any = None
) -> str:
    """Add a port group to a switch of a host; return its name."""
    name = scratch.named(name)
    system = (host or scratch.host).configManager.networkSystem
    system.AddPortGroup(portgrp=group_spec(switch, name, vlan=vlan, policy=policy))
    scratch.undo(lambda: system.RemovePortGroup(pgName=name))
    return name


def group(host: Any, name: str) -> Any:
    """Return a port group as the host shows it, None if there is none."""
    return next((g for g in host.config.network.portgroup if g.spec.name == name), None)


def vswitch(host: Any, name: str) -> Any:
    """Return a standard switch as the host shows it, None if there is none."""
    return next((s for s in host.config.network.vswitch if s.name == name), None)


def network(scratch: Scratch, name: str) -> Any:
    """Return the standard network of a name, None if there is none."""
    found = [n for n in scratch.datacenter.network if type(n) is vim.Network and n.name == name]
    assert len(found) <= 1, f"{len(found)} networks are named {name}"
    return found[0] if found else None


def nic_named(name: str) -> Any:
    """Return the spec of a new NIC on a standard network, by its name."""
    backing = vim.vm.device.VirtualEthernetCard.NetworkBackingInfo(deviceName=name)
    return vim.vm.device.VirtualDeviceSpec(
        operation="add", device=vim.vm.device.VirtualVmxnet3(key=-1, backing=backing)
    )


def machine_on(scratch: Scratch, name: str, *, vm: str = "machine", host: Any = None) -> Any:
    """Create a machine, powered off, with a NIC on a standard network of the host."""
    files = vim.vm.FileInfo(vmPathName=f"[{scratch.place.datastore.name}]")
    spec = vim.vm.ConfigSpec(name=scratch.named(vm), files=files, deviceChange=[nic_named(name)])
    task = scratch.place.folder.CreateVM_Task(spec, scratch.pool, host or scratch.host)
    return scratch.keep(result_of(task))
