"""What the plain program does with standard port groups: one call for each host, knowing beforehand what to write."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from typing import Any

from pyVmomi import vim, vmodl

from bed.soap import connect, moid
from bed.twin import Twin

__all__ = ["add", "find_hosts", "remove", "update"]

_PC = vmodl.query.PropertyCollector
_Item = tuple[str, str]
"""The network system of a host, and the name of a port group."""


def find_hosts(twin: Twin) -> list[str]:
    """Return the network system of each host."""
    with connect(twin) as instance:
        content = instance.RetrieveContent()
        view = content.viewManager.CreateContainerView(content.rootFolder, [vim.HostSystem], True)
        members = _PC.TraversalSpec(type=type(view), path="view", skip=False)
        spec = _PC.FilterSpec(
            objectSet=[_PC.ObjectSpec(obj=view, skip=True, selectSet=[members])],
            propSet=[_PC.PropertySpec(type=vim.HostSystem, pathSet=["configManager.networkSystem"])],
        )
        return [moid(found.propSet[0].val) for found in content.propertyCollector.RetrieveContents([spec])]


def add(instance: Any, item: _Item) -> _Item:
    """Create a port group on a host."""
    _system(instance, item).AddPortGroup(_spec(item[1]))
    return item


def update(instance: Any, item: _Item) -> _Item:
    """Write its policy again."""
    _system(instance, item).UpdatePortGroup(item[1], _spec(item[1]))
    return item


def remove(instance: Any, item: _Item) -> _Item:
    """Remove it."""
    _system(instance, item).RemovePortGroup(item[1])
    return item


def _system(instance: Any, item: _Item) -> Any:
    return vim.host.NetworkSystem(item[0], instance._stub)  # noqa: SLF001 - how pyVmomi resolves an id


def _spec(name: str) -> Any:
    security = vim.host.NetworkPolicy.SecurityPolicy(allowPromiscuous=True, forgedTransmits=True)
    policy = vim.host.NetworkPolicy(security=security)
    return vim.host.PortGroup.Specification(name=name, vlanId=100, vswitchName="vSwitch0", policy=policy)
