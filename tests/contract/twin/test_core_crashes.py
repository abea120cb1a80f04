"""What takes the stock simulator's process or an object down only fails the call here.

The calls are those that an audit of the stock simulator found to end the process with a nil dereference in a task, or
to leave the object locked for every later caller after a panic in a synchronous call.
"""

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.soap import connect, find, finish
from bed.twin import Twin

pytestmark = pytest.mark.infrastructure("what no request does to the twin")


class _Inventory:
    def __init__(self, instance: Any) -> None:
        self.instance = instance
        self.datacenter = find(instance, vim.Datacenter, "DC0")
        self.cluster = find(instance, vim.ClusterComputeResource, "DC0_C0")

    def spec(self, **changes: Any) -> Any:
        spec = vim.vm.ConfigSpec(
            name="new", guestId="otherGuest", files=vim.vm.FileInfo(vmPathName="[LocalDS_0]"), numCPUs=1, memoryMB=64
        )
        for name, value in changes.items():
            setattr(spec, name, value)
        return spec

    def nic(self, network: str) -> Any:
        backing = vim.vm.device.VirtualEthernetCard.NetworkBackingInfo(deviceName=network)
        device = vim.vm.device.VirtualVmxnet3(key=-1, backing=backing)
        return vim.vm.device.VirtualDeviceSpec(operation="add", device=device)

    def gone(self, kind: Any, name: str) -> Any:
        return kind(name, self.instance._stub)  # noqa: SLF001 - the only way to name what does not exist


def _unknown_network(i: _Inventory) -> dict[str, Any]:
    return {"config": i.spec(deviceChange=[i.nic("no such network")]), "pool": i.cluster.resourcePool}


def _unknown_datastore(i: _Inventory) -> dict[str, Any]:
    files = vim.vm.FileInfo(vmPathName="[no such datastore]")
    return {"config": i.spec(files=files), "pool": i.cluster.resourcePool}


def _unknown_pool(i: _Inventory) -> dict[str, Any]:
    return {"config": i.spec(), "pool": i.gone(vim.ResourcePool, "resgroup-9999")}


def _unknown_host(i: _Inventory) -> dict[str, Any]:
    host = i.gone(vim.HostSystem, "host-9999")
    return {"config": i.spec(), "pool": i.cluster.resourcePool, "host": host}


@pytest.mark.parametrize("wrong", [_unknown_network, _unknown_datastore, _unknown_pool, _unknown_host])
def test_a_create_that_names_what_is_not_there_only_fails(twin: Twin, wrong: Any) -> None:
    with connect(twin) as instance:
        inventory = _Inventory(instance)
        folder = inventory.datacenter.vmFolder
        before = len(folder.childEntity)
        try:
            fault = finish(folder.CreateVM_Task(**wrong(inventory))).error
        except vmodl.MethodFault as error:
            fault = error

        assert isinstance(fault, vmodl.MethodFault)
        assert not isinstance(fault, vmodl.fault.SystemError), str(fault)
        assert len(folder.childEntity) == before
        good = finish(folder.CreateVM_Task(config=inventory.spec(), pool=inventory.cluster.resourcePool))
        assert good.state == "success"


def test_calls_that_wedge_the_stock_simulator_are_refused_and_wedge_nothing(twin: Twin) -> None:
    with connect(twin) as instance:
        processes = instance.content.guestOperationsManager.processManager
        for _ in range(2):  # a wedged manager would not answer again
            with pytest.raises(vmodl.fault.NotImplemented):
                processes.StartProgramInGuest(
                    find(instance, vim.VirtualMachine, "DC0_H0_VM0"),
                    vim.vm.guest.NamePasswordAuthentication(username="u", password="p", interactiveSession=False),
                    vim.vm.guest.ProcessManager.ProgramSpec(programPath="/bin/true", arguments=""),
                )


def test_a_method_without_a_model_is_refused_loudly(twin: Twin) -> None:
    with connect(twin) as instance:
        vm = find(instance, vim.VirtualMachine, "DC0_H0_VM0")

        with pytest.raises(vmodl.fault.NotImplemented, match="does not model DetachDisk_Task on VirtualMachine"):
            vm.DetachDisk_Task(diskId=vim.vslm.ID(id="disk"))
        with pytest.raises(vmodl.fault.NotImplemented, match="AcquireTicket"):
            vm.AcquireTicket("webmks")

    assert "refused, not modelled: DetachDisk_Task" in twin.log
