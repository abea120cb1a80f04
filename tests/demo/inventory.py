"""Everything that a vCenter holds, read through its API, to be compared with what it held before.

Object by object, with the whole configuration; only what nobody configures (statistics, tasks, times) is left out.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from pyVmomi import vim, vmodl

from bed.stranger import Stranger
from demo.difference import differing_lines

__all__ = ["Inventory", "differences", "read_inventory", "summary"]

PropertyCollector = vmodl.query.PropertyCollector

Inventory = Mapping[str, Mapping[str, str]]
"""Properties by object, both as text."""

_PATHS: Mapping[Any, list[str]] = {
    vim.ManagedEntity: ["name", "parent"],
    vim.VirtualMachine: ["config", "network", "datastore", "runtime.powerState", "runtime.host"],
    vim.dvs.DistributedVirtualPortgroup: ["config", "vm"],
    vim.dvs.VmwareDistributedVirtualSwitch: ["config", "portgroup"],
    vim.HostSystem: ["vm", "network"],
    vim.Datastore: ["vm"],
    vim.Network: ["vm"],
}
_WORDS = {
    "VirtualMachine": ("virtual machine", "virtual machines"),
    "DistributedVirtualPortgroup": ("port group", "port groups"),
    "VmwareDistributedVirtualSwitch": ("switch", "switches"),
    "HostSystem": ("ESXi host", "ESXi hosts"),
}


def read_inventory(session: Stranger) -> Inventory:
    """Read all of it."""
    content = session.instance.content
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.ManagedEntity], True)
    try:
        everything = PropertyCollector.TraversalSpec(path="view", skip=False, type=type(view))
        spec = PropertyCollector.FilterSpec(
            objectSet=[PropertyCollector.ObjectSpec(obj=view, skip=True, selectSet=[everything])],
            propSet=[PropertyCollector.PropertySpec(type=kind, pathSet=paths) for kind, paths in _PATHS.items()],
        )
        found = content.propertyCollector.RetrieveContents([spec])
    finally:
        view.DestroyView()
    return {str(item.obj).strip("'"): {prop.name: str(prop.val) for prop in item.propSet} for item in found}


def differences(before: Inventory, after: Inventory) -> list[str]:
    """Tell each object that came, went or is not as it was."""
    told = [f"{ref} ({after[ref].get('name')}) was not there before" for ref in sorted(after.keys() - before.keys())]
    told += [f"{ref} ({before[ref].get('name')}) is gone" for ref in sorted(before.keys() - after.keys())]
    for ref in sorted(before.keys() & after.keys()):
        lines = list(differing_lines(before[ref], after[ref]))
        if lines:
            told += [f"{ref} ({before[ref].get('name')}) is not as it was:", *lines]
    return told


def summary(inventory: Inventory) -> str:
    """Count what there is: "2 virtual machines, 3 port groups, …"."""
    kinds = Counter(ref.partition(":")[0].rpartition(".")[2] for ref in inventory)
    return ", ".join(f"{kinds[kind]} {words[kinds[kind] != 1]}" for kind, words in _WORDS.items())
