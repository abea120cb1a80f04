"""Words for tests that speak to the vCenter twin with pyVmomi: the objects of its model, and specs in one line.

It knows the twin's model (one datacenter, one cluster, one switch) and vim data objects, and nothing of the operator.
"""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from dataclasses import dataclass
from typing import Any

from pyVmomi import vim, vmodl

from bed.soap import find, result_of
from bed.twin import Twin

__all__ = ["Lab", "fault_of", "mac_management", "trunk", "vlan_id"]

Switch = vim.dvs.VmwareDistributedVirtualSwitch
Card = vim.vm.device.VirtualEthernetCard


def vlan_id(number: int, *, inherited: bool = False) -> Any:
    """Return the VLAN spec of one id; 0 is untagged."""
    return Switch.VlanIdSpec(vlanId=number, inherited=inherited)


def trunk(*ranges: tuple[int, int]) -> Any:
    """Return the VLAN spec of a trunk."""
    return Switch.TrunkVlanSpec(vlanId=[vim.NumericRange(start=a, end=b) for a, b in ranges], inherited=False)


def mac_management(*, inherited: bool = False, learning: Any = None, **flags: bool) -> Any:
    """Return a MAC management policy; `learning` holds the members of the MAC learning policy."""
    policy = Switch.MacManagementPolicy(inherited=inherited, **flags)
    if learning is not None:
        policy.macLearningPolicy = Switch.MacLearningPolicy(**learning)
    return policy


def fault_of(info: Any, kind: Any = vmodl.MethodFault) -> Any:
    """Return the fault of a task that had to fail, with a fault of this kind."""
    assert info.state == vim.TaskInfo.State.error, f"the task ended with {info.state}"
    assert isinstance(info.error, kind), f"the task ended with {info.error}"
    return info.error


@dataclass(frozen=True)
class Lab:
    """A login on a twin, and the objects of its model."""

    twin: Twin
    instance: Any

    @property
    def content(self) -> Any:
        """The service content."""
        return self.instance.content

    @property
    def datacenter(self) -> Any:
        """The datacenter."""
        return self.content.rootFolder.childEntity[0]

    @property
    def switch(self) -> Any:
        """The distributed switch."""
        return find(self.instance, Switch, "DVS0")

    @property
    def pool(self) -> Any:
        """The resource pool of the cluster."""
        return find(self.instance, vim.ClusterComputeResource, "DC0_C0").resourcePool

    def vm(self, name: str = "DC0_C0_RP0_VM0") -> Any:
        """Return a machine by its name; without one, a powered-on machine of the cluster."""
        return find(self.instance, vim.VirtualMachine, name)

    def vm_off(self, name: str = "DC0_C0_RP0_VM0") -> Any:
        """Return a machine that is powered off."""
        vm = self.vm(name)
        if vm.runtime.powerState == vim.VirtualMachine.PowerState.poweredOn:
            result_of(vm.PowerOffVM_Task())
        return vm

    def template(self) -> Any:
        """Return a template made of the model's second machine."""
        vm = self.vm_off("DC0_C0_RP0_VM1")
        if not vm.config.template:
            vm.MarkAsTemplate()
        return vm

    def port_group(self, name: str = "lab", **members: Any) -> Any:
        """Create a port group on the switch."""
        return result_of(self.switch.CreateDVPortgroup_Task(self.group_spec(name, **members)))

    def group_spec(self, name: str | None = None, **members: Any) -> Any:
        """Return the spec of a port group; `vlan`, `mac` and `security` go into its default port setting."""
        setting = {
            field: members.pop(word)
            for word, field in (("vlan", "vlan"), ("mac", "macManagementPolicy"), ("security", "securityPolicy"))
            if word in members
        }
        spec = vim.dvs.DistributedVirtualPortgroup.ConfigSpec(name=name, **members)
        if setting:
            spec.defaultPortConfig = Switch.VmwarePortConfigPolicy(**setting)
        return spec

    def reconfigure(self, group: Any, **members: Any) -> Any:
        """Start a reconfigure of a port group with its current version, unless one is given."""
        members.setdefault("configVersion", group.config.configVersion)
        return group.ReconfigureDVPortgroup_Task(self.group_spec(**members))

    def clone(self, source: Any, name: str = "copy", *, config: Any = None, power_on: bool = False) -> Any:
        """Start a clone into the cluster's pool."""
        spec = vim.vm.CloneSpec(
            location=vim.vm.RelocateSpec(pool=self.pool), powerOn=power_on, template=False, config=config
        )
        return source.CloneVM_Task(folder=self.datacenter.vmFolder, name=name, spec=spec)

    def create(self, name: str = "fresh", *, datastore: str = "LocalDS_0", pool: Any = None, **members: Any) -> Any:
        """Start the creation of a machine in the cluster."""
        files = vim.vm.FileInfo(vmPathName=f"[{datastore}]")
        spec = vim.vm.ConfigSpec(name=name, files=files, **members)
        return self.datacenter.vmFolder.CreateVM_Task(spec, pool or self.pool)

    def nic(self, vm: Any) -> Any:
        """Return a machine's first NIC."""
        return next(device for device in vm.config.hardware.device if isinstance(device, Card))

    def nic_on(self, group: Any, *, key: int = -1, kind: Any = vim.vm.device.VirtualVmxnet3) -> Any:
        """Return a NIC on a distributed port group."""
        port = vim.dvs.PortConnection(switchUuid=group.config.distributedVirtualSwitch.uuid, portgroupKey=group.key)
        return kind(key=key, backing=Card.DistributedVirtualPortBackingInfo(port=port))

    def attach(self, vm: Any, group: Any) -> None:
        """Move a machine's first NIC to a port group."""
        nic = self.nic(vm)
        change = vim.vm.device.VirtualDeviceSpec(
            operation="edit", device=self.nic_on(group, key=nic.key, kind=type(nic))
        )
        result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[change])))
