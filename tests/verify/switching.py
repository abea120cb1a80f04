"""Words of the checks that speak of distributed switches, their hosts and their ports."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from collections.abc import Callable
from typing import Any

from pyVmomi import vim

from bed.soap import result_of
from verify.scratch import Scratch, Switch

__all__ = [
    "create_switch", "edit_port", "inherits", "machine_on", "new_switch", "open_group", "ports_of", "private_vlan",
    "pvlan_change", "reconfigure_switch", "refused", "setting",
]  # fmt: skip

Policy = Switch.VMwarePortgroupPolicy


def setting(**policies: Any) -> Any:
    """Return a port setting that says something about these policies and nothing about the rest."""
    return Switch.VmwarePortConfigPolicy(**policies)


def inherits(flag: bool = True) -> Any:
    """Return a VLAN spec that asks for the parent's."""
    return Switch.VlanIdSpec(inherited=flag, vlanId=0)


def private_vlan(number: int) -> Any:
    """Return the VLAN spec of a private VLAN, by its secondary id."""
    return Switch.PvlanSpec(pvlanId=number, inherited=False)


def pvlan_change(operation: str, primary: int, secondary: int, kind: str) -> Any:
    """Return one change of a switch's private VLAN map."""
    entry = Switch.PvlanMapEntry(primaryVlanId=primary, secondaryVlanId=secondary, pvlanType=kind)
    return Switch.PvlanConfigSpec(operation=operation, pvlanEntry=entry)


def create_switch(scratch: Scratch, name: str = "switch", *, version: str = "", **members: Any) -> Any:
    """Start the creation of a switch without hosts beside the scratch switch."""
    spec = vim.DistributedVirtualSwitch.CreateSpec(configSpec=Switch.ConfigSpec(name=scratch.named(name), **members))
    if version:
        spec.productInfo = vim.dvs.ProductSpec(version=version)
    return scratch.switch.parent.CreateDVS_Task(spec)


def new_switch(scratch: Scratch, name: str = "switch", **members: Any) -> Any:
    """Return a fresh switch without hosts."""
    return scratch.keep(result_of(create_switch(scratch, name, **members)))


def reconfigure_switch(switch: Any, **members: Any) -> Any:
    """Start a reconfigure of a switch with its current version, unless one is given."""
    members.setdefault("configVersion", switch.config.configVersion)
    return switch.ReconfigureDvs_Task(Switch.ConfigSpec(**members))


def open_group(scratch: Scratch, **members: Any) -> Any:
    """Return a port group whose ports may override everything that matters here."""
    flags = {"blockOverrideAllowed": True, "vlanOverrideAllowed": True, "portConfigResetAtDisconnect": False}
    flags |= {"macManagementOverrideAllowed": True, "securityPolicyOverrideAllowed": True}
    members.setdefault("policy", Policy(**flags))
    members.setdefault("numPorts", 2)
    return scratch.port_group(**members)


def ports_of(scratch: Scratch, group: Any, **criteria: Any) -> list[Any]:
    """Return the ports of a group that meet the criteria."""
    wanted = vim.dvs.PortCriteria(portgroupKey=[group.key], inside=True, **criteria)
    return list(scratch.switch.FetchDVPorts(wanted))


def edit_port(scratch: Scratch, port: Any, *, operation: str = "edit", **members: Any) -> Any:
    """Start a reconfigure of one port with its current version, unless one is given."""
    members.setdefault("configVersion", port.config.configVersion)
    spec = vim.dvs.DistributedVirtualPort.ConfigSpec(operation=operation, key=port.key, **members)
    return scratch.switch.ReconfigureDVPort_Task([spec])


def machine_on(scratch: Scratch, group: Any, name: str = "machine") -> Any:
    """Create a machine, powered off, with a NIC on a port group."""
    change = vim.vm.device.VirtualDeviceSpec(operation="add", device=scratch.nic_on(group))
    return scratch.machine(name, deviceChange=[change])


def refused(kind: Any, call: Callable[..., Any], *arguments: Any) -> None:
    """Assert that a call which is no task ends with a fault of this kind."""
    try:
        call(*arguments)
    except kind:
        return
    raise AssertionError(f"{call} was not refused with {kind.__name__}")
