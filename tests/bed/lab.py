"""Words for tests that speak to the vCenter twin with pyVmomi: the objects of its model, on top of a scratch place.

It knows the twin's model (one datacenter, one cluster, one switch), and nothing of the operator.
"""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from typing import Any

from pyVmomi import vim

from bed.soap import find, result_of
from bed.twin import Twin
from verify.scratch import Place, Scratch, Switch, fault_of, mac_management, trunk, vlan_id

__all__ = ["Lab", "fault_of", "mac_management", "trunk", "vlan_id"]


class Lab(Scratch):
    """A login on a twin, and the objects of its model."""

    def __init__(self, twin: Twin, instance: Any) -> None:
        datacenter = instance.content.rootFolder.childEntity[0]
        cluster = find(instance, vim.ClusterComputeResource, "DC0_C0")
        super().__init__(
            instance,
            Place(
                datacenter=datacenter,
                folder=datacenter.vmFolder,
                switch=find(instance, Switch, "DVS0"),
                pool=cluster.resourcePool,
                host=cluster.host[0],
                datastore=cluster.datastore[0],
            ),
        )
        self.twin = twin

    @property
    def hosts(self) -> list[Any]:
        """The hosts of the cluster."""
        return list(self.place.pool.owner.host)

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
