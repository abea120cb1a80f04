"""Words for checks of machines: with a disk, their snapshots and files, clones of them."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from typing import Any

from pyVmomi import vim

from bed.soap import result_of
from verify.scratch import Scratch

__all__ = [
    "LINKED", "Edit", "clone", "cloning", "disk_of", "files", "find", "machine", "mark", "on", "take", "tree",
]  # fmt: skip

LINKED = "createNewChildDiskBacking"
"""The disk move type of a linked clone."""

Disk = vim.vm.device.VirtualDisk
Edit = vim.vm.device.VirtualDeviceSpec


def machine(scratch: Scratch, name: str = "machine", *, mode: str = "persistent", **members: Any) -> Any:
    """Create a machine with one disk of 1 MB."""
    controller = vim.vm.device.ParaVirtualSCSIController(key=-1, busNumber=0, sharedBus="noSharing")
    disk = Disk(key=-2, controllerKey=-1, unitNumber=0, capacityInKB=1024)
    disk.backing = Disk.FlatVer2BackingInfo(diskMode=mode, fileName="")
    changes = [
        Edit(operation="add", device=controller),
        Edit(operation="add", fileOperation="create", device=disk),
    ]
    return scratch.machine(name, deviceChange=changes, **members)


def take(vm: Any, name: str = "one", *, memory: bool = False, quiesce: bool = False) -> Any:
    """Take a snapshot."""
    return result_of(vm.CreateSnapshot_Task(name, f"taken as {name}", memory, quiesce))


def tree(vm: Any) -> Any:
    """Return the snapshots by name, as nested lists of (name, children)."""

    def shown(nodes: Any) -> list[tuple[str, Any]]:
        return [(node.name, shown(node.childSnapshotList)) for node in nodes]

    return shown(vm.snapshot.rootSnapshotList) if vm.snapshot is not None else []


def disk_of(config: Any) -> Any:
    """Return the first disk of a configuration."""
    return next(device for device in config.hardware.device if isinstance(device, Disk))


def files(config: Any) -> list[str]:
    """Return the files of the first disk, the written one first, without their directory."""
    names, backing = [], disk_of(config).backing
    while backing is not None:
        names.append(backing.fileName.rpartition("/")[2])
        backing = backing.parent
    return names


def mark(key: str, value: str) -> Any:
    """Return an option of a machine's extraConfig."""
    return vim.option.OptionValue(key=f"scratch/{key}", value=value)


def on(vm: Any) -> Any:
    """Power a machine on."""
    result_of(vm.PowerOnVM_Task())
    return vm


def cloning(scratch: Scratch, source: Any, name: str = "copy", **members: Any) -> Any:
    """Start a clone; `move` is the disk move type, `folder` and `pool` go into its location."""
    location = vim.vm.RelocateSpec(
        pool=members.pop("pool", scratch.pool),
        folder=members.pop("folder", None),
        diskMoveType=members.pop("move", None),
    )
    members = {"powerOn": False, "template": False} | members
    spec = vim.vm.CloneSpec(location=location, **members)
    return source.CloneVM_Task(folder=scratch.place.folder, name=scratch.named(name), spec=spec)


def clone(scratch: Scratch, source: Any, name: str = "copy", **members: Any) -> Any:
    """Clone a machine."""
    return scratch.keep(result_of(cloning(scratch, source, name, **members)))


def find(scratch: Scratch, instance_uuid: str) -> Any:
    """Find a machine by its instance UUID."""
    return scratch.content.searchIndex.FindByUuid(None, instance_uuid, True, True)
