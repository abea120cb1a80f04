"""What the twin requires of a caller: each call exactly its privileges, by field and by device."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from pyVmomi import vim

from bed.lab import Lab
from bed.soap import find, result_of
from bed.twin import Twin
from support.permitted import denied, own
from verify import machines
from verify.rule import rule
from verify.scratch import Switch


@dataclass(frozen=True)
class Case:
    """A call, and exactly what it requires.

    Args:
        name: For the report.
        privileges: All of them, on some object.
        prepare: Makes what is needed as an administrator; returns what `call` is given.
        call: Makes the call as somebody else.
    """

    name: str
    privileges: tuple[str, ...]
    prepare: Callable[[Lab], Any]
    call: Callable[[Lab, Any], Any]


def reconfigure(**members: Any) -> Callable[[Lab, Any], Any]:
    """Return a call that reconfigures a machine."""
    return lambda eve, vm: own(eve, vm).ReconfigVM_Task(vim.vm.ConfigSpec(**members))


def reconfigure_group(**members: Any) -> Callable[[Lab, Any], Any]:
    """Return a call that reconfigures a port group with its current version."""
    return lambda eve, group: eve.reconfigure(own(eve, group), **members)


def change_device(
    pick: Callable[[Lab, Any], Any], operation: str, *, file: str | None = None
) -> Callable[[Lab, Any], Any]:
    """Return a call that changes a device of a machine."""

    def call(eve: Lab, vm: Any) -> Any:
        device = pick(eve, own(eve, vm))
        spec = vim.vm.device.VirtualDeviceSpec(operation=operation, fileOperation=file, device=device)
        return own(eve, vm).ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[spec]))

    return call


def a_nic(eve: Lab, _vm: Any) -> Any:
    """A new NIC on the model's port group."""
    return eve.nic_on(find(eve.instance, vim.dvs.DistributedVirtualPortgroup, "DC0_DVPG0"))


def keyed(device: Any, key: int) -> Any:
    """The same device with another key."""
    device.key = key
    return device


def machine_with_nic(admin: Lab, group: Any = None) -> Any:
    """A machine with one NIC on a port group, the model's if none is given."""
    group = group or find(admin.instance, vim.dvs.DistributedVirtualPortgroup, "DC0_DVPG0")
    change = vim.vm.device.VirtualDeviceSpec(operation="add", device=admin.nic_on(group))
    return admin.machine(deviceChange=[change])


def readdressed_nic(eve: Lab, vm: Any) -> Any:
    """The machine's NIC with an address of its owner's choice."""
    nic = eve.nic(vm)
    nic.addressType, nic.macAddress = "manual", "00:50:56:3f:aa:04"
    return nic


def unplugged(nic: Any) -> Any:
    """The same NIC, which is not to be connected when its machine starts."""
    nic.connectable.startConnected = False
    return nic


def a_disk(_eve: Lab, vm: Any) -> Any:
    """A second disk beside the first."""
    first = machines.disk_of(vm.config)
    backing = type(first).FlatVer2BackingInfo(diskMode="persistent", fileName=f"[{vm.datastore[0].name}]")
    return type(first)(key=-2, controllerKey=first.controllerKey, unitNumber=1, capacityInKB=1024, backing=backing)


def a_grown_disk(_eve: Lab, vm: Any) -> Any:
    """The machine's disk with twice its capacity."""
    disk = machines.disk_of(vm.config)
    disk.capacityInKB, disk.capacityInBytes = disk.capacityInKB * 2, disk.capacityInBytes * 2
    return disk


def a_disk_without_snapshots(_eve: Lab, vm: Any) -> Any:
    """The machine's disk, left out of snapshots."""
    disk = machines.disk_of(vm.config)
    disk.backing.diskMode = "independent_persistent"
    return disk


def a_disk_with_shares(_eve: Lab, vm: Any) -> Any:
    """The machine's disk with more than its share."""
    disk = machines.disk_of(vm.config)
    disk.storageIOAllocation = vim.StorageResourceManager.IOAllocationInfo(
        limit=-1, shares=vim.SharesInfo(level="high", shares=2000)
    )
    return disk


def clone(eve: Lab, vm: Any) -> Any:
    """Clone a machine into the pool it is in."""
    source = own(eve, vm)
    spec = vim.vm.CloneSpec(location=vim.vm.RelocateSpec(pool=eve.pool), powerOn=False, template=False)
    return source.CloneVM_Task(folder=eve.place.folder, name="priv-clone", spec=spec)


CASES = [
    Case("create a port group", ("DVPortgroup.Create",), lambda _: None,
         lambda eve, _: eve.switch.CreateDVPortgroup_Task(eve.group_spec("priv-made"))),
    Case("reconfigure a port group", ("DVPortgroup.Modify",), Lab.port_group, reconfigure_group(description="x")),
    Case("the policy of a port group", ("DVPortgroup.Modify", "DVPortgroup.PolicyOp"), Lab.port_group,
         reconfigure_group(policy=Switch.VMwarePortgroupPolicy())),
    Case("rename a port group", ("DVPortgroup.Modify",), Lab.port_group,
         lambda eve, group: own(eve, group).Rename_Task("priv-renamed")),
    Case("destroy a port group", ("DVPortgroup.Delete",), Lab.port_group,
         lambda eve, group: own(eve, group).Destroy_Task()),
    Case("create a machine", ("VirtualMachine.Inventory.Create", "Resource.AssignVMToPool", "Datastore.AllocateSpace"),
         lambda _: None, lambda eve, _: eve.create("priv-new")),
    Case("clone a machine",
         ("VirtualMachine.Provisioning.Clone", "VirtualMachine.Inventory.CreateFromExisting",
          "Resource.AssignVMToPool", "Datastore.AllocateSpace", "Network.Assign"), machine_with_nic, clone),
    Case("settings", ("VirtualMachine.Config.Settings",), Lab.machine, reconfigure(nestedHVEnabled=True)),
    Case("firmware", ("VirtualMachine.Config.Settings",), Lab.machine, reconfigure(firmware="efi")),
    Case("CPUs", ("VirtualMachine.Config.CPUCount",), Lab.machine, reconfigure(numCPUs=2)),
    Case("memory", ("VirtualMachine.Config.Memory",), Lab.machine, reconfigure(memoryMB=64)),
    Case("a name", ("VirtualMachine.Config.Rename",), Lab.machine, reconfigure(name="priv-named")),
    Case("a note", ("VirtualMachine.Config.Annotation",), Lab.machine, reconfigure(annotation="x")),
    Case("a mark", ("VirtualMachine.Config.AdvancedConfig",), Lab.machine,
         reconfigure(extraConfig=[vim.option.OptionValue(key="a", value="b")])),
    Case("no note", ("VirtualMachine.Config.Annotation",), Lab.machine, reconfigure(annotation="")),
    Case("another identity", ("VirtualMachine.Config.Settings",), Lab.machine, reconfigure(instanceUuid="")),
    Case("a reservation", ("VirtualMachine.Config.Resource",), Lab.machine,
         reconfigure(memoryReservationLockedToMax=True)),
    Case("hot add", ("VirtualMachine.Config.CPUCount", "VirtualMachine.Config.Memory"), Lab.machine,
         reconfigure(cpuHotAddEnabled=True, memoryHotAddEnabled=True)),
    Case("change tracking", ("VirtualMachine.Config.ChangeTracking",), Lab.machine,
         reconfigure(changeTrackingEnabled=True)),
    Case("a manager", ("VirtualMachine.Config.ManagedBy",), Lab.machine,
         reconfigure(managedBy=vim.ext.ManagedByInfo(extensionKey="a", type="b"))),
    Case("two fields", ("VirtualMachine.Config.Memory", "VirtualMachine.Config.CPUCount"), Lab.machine,
         reconfigure(memoryMB=64, numCPUs=2)),
    Case("add a NIC", ("VirtualMachine.Config.AddRemoveDevice", "Network.Assign"), Lab.machine,
         change_device(a_nic, "add")),
    Case("remove a NIC", ("VirtualMachine.Config.AddRemoveDevice",), machine_with_nic,
         change_device(lambda eve, vm: eve.nic(vm), "remove")),
    Case("an address", ("VirtualMachine.Config.EditDevice",), machine_with_nic,
         change_device(readdressed_nic, "edit")),
    Case("an address of a NIC that starts unplugged",
         ("VirtualMachine.Config.EditDevice", "VirtualMachine.Interact.DeviceConnection"), machine_with_nic,
         change_device(lambda eve, vm: unplugged(readdressed_nic(eve, vm)), "edit")),
    Case("plug a NIC", ("VirtualMachine.Interact.DeviceConnection",), machine_with_nic,
         change_device(lambda eve, vm: unplugged(eve.nic(vm)), "edit")),
    Case("move a NIC", ("VirtualMachine.Config.EditDevice", "Network.Assign"),
         lambda admin: machine_with_nic(admin, admin.port_group()),
         change_device(lambda eve, vm: keyed(a_nic(eve, vm), eve.nic(vm).key), "edit")),
    Case("add a disk", ("VirtualMachine.Config.AddNewDisk", "Datastore.AllocateSpace"), machines.machine,
         change_device(a_disk, "add", file="create")),
    Case("grow a disk", ("VirtualMachine.Config.DiskExtend", "Datastore.AllocateSpace"), machines.machine,
         change_device(a_grown_disk, "edit")),
    Case("the mode of a disk", ("VirtualMachine.Config.EditDevice",), machines.machine,
         change_device(a_disk_without_snapshots, "edit")),
    Case("the shares of a disk", ("VirtualMachine.Config.Resource",), machines.machine,
         change_device(a_disk_with_shares, "edit")),
    Case("remove a disk", ("VirtualMachine.Config.RemoveDisk",), machines.machine,
         change_device(lambda _, vm: machines.disk_of(vm.config), "remove")),
    Case("power on", ("VirtualMachine.Interact.PowerOn",), Lab.machine, lambda eve, vm: own(eve, vm).PowerOnVM_Task()),
    Case("rename a machine", ("VirtualMachine.Config.Rename",), Lab.machine,
         lambda eve, vm: own(eve, vm).Rename_Task("priv-other")),
    Case("destroy a machine", ("VirtualMachine.Inventory.Delete",), Lab.machine,
         lambda eve, vm: own(eve, vm).Destroy_Task()),
    Case("snapshot", ("VirtualMachine.State.CreateSnapshot",), Lab.machine,
         lambda eve, vm: own(eve, vm).CreateSnapshot_Task("s", "", memory=False, quiesce=False)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@rule(
    call="NoPermission",
    says="A call requires its privileges, all of them and no others; one that is missing is named with its object.",
    standing="documented",
    source="API reference: the required privileges of each method and of each field of VirtualMachineConfigSpec",
)
def test_a_call_requires_exactly_its_privileges(shared_twin: Twin, admin: Lab, eve: Lab, case: Case) -> None:
    given = case.prepare(admin)
    tasks = len(shared_twin.control.state().tasks)

    for missing in case.privileges:
        shared_twin.control.role("eve", [p for p in case.privileges if p != missing])
        fault = denied(lambda: case.call(eve, given))
        assert fault.privilegeId == missing
        assert missing in {p for entry in fault.missingPrivileges for p in entry.privilegeIds}
    assert len(shared_twin.control.state().tasks) == tasks, "a refused call starts no task"

    shared_twin.control.role("eve", case.privileges)
    made = result_of(case.call(eve, given))
    if isinstance(made, vim.ManagedEntity) and made != given:
        result_of(own(admin, made).Destroy_Task())
