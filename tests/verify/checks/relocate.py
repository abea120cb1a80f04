"""Moving a machine: to another host, pool or folder, with every list that names it in step."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from typing import Any

from pyVmomi import vim, vmodl

from bed.soap import Updates, finish, message_of, moid, result_of
from verify.machines import Edit, machine, on, take
from verify.rule import rule
from verify.scratch import CannotAsk, Scratch, fault_of
from verify.standard import add_group, add_switch, nic_named

Spec = vim.vm.RelocateSpec


def other_host(scratch: Scratch, vm: Any) -> Any:
    """Return a host of the pool's cluster on which the machine is not."""
    for host in scratch.pool.owner.host:
        usable = host.runtime.connectionState == "connected" and not host.runtime.inMaintenanceMode
        if usable and moid(host) != moid(vm.runtime.host):
            return host
    raise CannotAsk("the cluster of the pool has no second host that is connected")


def child_pool(scratch: Scratch) -> Any:
    """Create a resource pool below that of the place."""
    share = vim.ResourceAllocationInfo(
        reservation=0, expandableReservation=True, limit=-1, shares=vim.SharesInfo(level="normal", shares=4000)
    )
    spec = vim.ResourceConfigSpec(cpuAllocation=share, memoryAllocation=share)
    return scratch.keep(scratch.pool.CreateResourcePool(scratch.named("pool"), spec))


def ids(objects: Any) -> list[str]:
    """Return the ids of managed objects."""
    return [moid(each) for each in objects]


@rule(
    call="RelocateVM_Task",
    says="A running machine moves to another host and keeps running; host.vm of both and runtime.host are in step.",
    standing="documented",
    source="API reference, RelocateVM_Task and RelocateSpec.host",
)
def a_running_machine_moves_to_another_host(scratch: Scratch) -> None:
    vm = on(machine(scratch))
    before, target = vm.runtime.host, other_host(scratch, vm)

    result_of(vm.RelocateVM_Task(Spec(host=target)))

    assert vm.runtime.powerState == "poweredOn"
    assert moid(vm.runtime.host) == moid(vm.summary.runtime.host) == moid(target)
    assert moid(vm) in ids(target.vm)
    assert moid(vm) not in ids(before.vm)
    assert moid(vm.resourcePool) == moid(scratch.pool)


@rule(
    call="WaitForUpdatesEx",
    says="A move to another host is pushed: runtime.host of the machine, vm of both hosts.",
    standing="documented",
    source="API reference, VirtualMachine.runtime and HostSystem.vm",
)
def a_move_is_pushed(scratch: Scratch) -> None:
    vm = on(machine(scratch))
    before, target = vm.runtime.host, other_host(scratch, vm)
    view = scratch.content.viewManager.CreateListView([vm, before, target])
    paths = {vim.VirtualMachine: ["runtime.host"], vim.HostSystem: ["vm"]}
    updates = Updates(scratch.instance, view, paths)
    updates.all()

    result_of(vm.RelocateVM_Task(Spec(host=target)))

    seen = {name for _, name, _ in updates.all()}
    while len(seen) < 3:
        more = updates.all()
        assert more, f"only {seen} changed"
        seen |= {name for _, name, _ in more}
    assert seen == {moid(vm), moid(before), moid(target)}
    updates.collector.DestroyPropertyCollector()
    view.DestroyView()


@rule(
    call="MigrateVM_Task",
    says="The machine moves only if it is in the power state that is given: else InvalidPowerState.",
    standing="documented",
    source="API reference, MigrateVM_Task state",
)
def a_migration_may_ask_for_a_power_state(scratch: Scratch) -> None:
    vm = machine(scratch)
    target = other_host(scratch, vm)

    fault_of(finish(vm.MigrateVM_Task(None, target, "defaultPriority", "poweredOn")), vim.fault.InvalidPowerState)
    assert moid(vm.runtime.host) != moid(target)
    result_of(vm.MigrateVM_Task(None, target, "defaultPriority", "poweredOff"))

    assert moid(vm.runtime.host) == moid(target)


@rule(
    call="MigrateVM_Task",
    says="A template is NotSupported.",
    standing="documented",
    source="API reference, MigrateVM_Task",
)
def a_template_does_not_migrate(scratch: Scratch) -> None:
    vm = machine(scratch)
    target = other_host(scratch, vm)
    vm.MarkAsTemplate()

    fault_of(finish(vm.MigrateVM_Task(None, target, "defaultPriority", None)), vmodl.fault.NotSupported)


@rule(
    call="RelocateVM_Task",
    says="A template moves to another host and stays without a pool.",
    standing="documented",
    source="API reference, RelocateVM_Task: since 5.1 also relocates a template to a new host",
)
def a_template_is_relocated(scratch: Scratch) -> None:
    vm = machine(scratch)
    target = other_host(scratch, vm)
    vm.MarkAsTemplate()

    result_of(vm.RelocateVM_Task(Spec(host=target)))

    assert moid(vm.runtime.host) == moid(target)
    assert vm.resourcePool is None
    assert vm.config.template


@rule(
    call="RelocateVM_Task",
    says="A host outside the compute resource of the pool is an InvalidArgument.",
    standing="documented",
    source="API reference, RelocateVM_Task: host and pool are not associated with the same compute resource",
)
def a_host_of_another_pool_is_refused(scratch: Scratch) -> None:
    vm = machine(scratch)
    view = scratch.content.viewManager.CreateContainerView(scratch.datacenter, [vim.HostSystem], True)
    others = [host for host in view.view if moid(host.parent) != moid(scratch.pool.owner)]
    view.DestroyView()
    if not others:
        raise CannotAsk("the datacenter has no host outside the cluster of the pool")

    task = vm.RelocateVM_Task(Spec(host=others[0], pool=scratch.pool))

    fault_of(finish(task), vmodl.fault.InvalidArgument)


@rule(
    call="RelocateVM_Task",
    says="A machine moves to another pool of its cluster and stays on its host; pool.vm of both is in step.",
    standing="documented",
    source="API reference, RelocateSpec.pool; that the host stays is inferred",
)
def a_machine_moves_to_another_pool(scratch: Scratch) -> None:
    pool, vm = child_pool(scratch), machine(scratch)
    host = moid(vm.runtime.host)

    result_of(vm.RelocateVM_Task(Spec(pool=pool)))

    assert moid(vm.resourcePool) == moid(pool)
    assert ids(pool.vm) == [moid(vm)]
    assert moid(vm) not in ids(scratch.pool.vm)
    assert moid(vm.runtime.host) == host


@rule(
    call="RelocateVM_Task",
    says="A machine moves to the folder that is named, unless its name is taken there: DuplicateName.",
    standing="documented",
    source="API reference, RelocateSpec.folder; the fault is inferred",
)
def a_machine_moves_to_another_folder(scratch: Scratch) -> None:
    folder = scratch.keep(scratch.place.folder.CreateFolder(scratch.named("folder")))
    vm = machine(scratch, "one")

    result_of(vm.RelocateVM_Task(Spec(folder=folder)))
    assert moid(vm.parent) == moid(folder)
    assert ids(folder.childEntity) == [moid(vm)]

    double = machine(scratch, "one")
    fault_of(finish(double.RelocateVM_Task(Spec(folder=folder))), vim.fault.DuplicateName)
    assert moid(double.parent) == moid(scratch.place.folder)


@rule(
    call="RelocateVM_Task",
    says="deviceChange gives a NIC another network in the same move; network.vm of both is in step.",
    standing="documented",
    source="API reference, RelocateSpec.deviceChange: the target network backing",
)
def a_move_may_change_the_network(scratch: Scratch) -> None:
    old, new = scratch.port_group("old"), scratch.port_group("new")
    vm = scratch.machine(deviceChange=[Edit(operation="add", device=scratch.nic_on(old))])
    nic = scratch.nic(vm)
    edit = Edit(operation="edit", device=scratch.nic_on(new, key=nic.key, kind=type(nic)))

    result_of(vm.RelocateVM_Task(Spec(host=other_host(scratch, vm), deviceChange=[edit])))

    assert ids(vm.network) == [moid(new)]
    assert ids(new.vm) == [moid(vm)]
    assert not old.vm
    assert scratch.nic(vm).macAddress == nic.macAddress
    assert scratch.nic(vm).backing.port.portKey in new.portKeys


@rule(
    call="RelocateVM_Task",
    says="A host without the network of a connected NIC is CannotAccessNetwork; one that is not connected moves.",
    standing="documented",
    source="API reference, CannotAccessNetwork; the text: vmware/pyvmomi issue 1041",
)
def a_network_has_to_be_there_for_a_connected_nic(scratch: Scratch) -> None:
    name = add_group(scratch, add_switch(scratch))
    vm = on(scratch.machine(deviceChange=[nic_named(name)]))
    assert moid(vm.runtime.host) == moid(scratch.host), "no other host has the network"
    target, network = other_host(scratch, vm), vm.network[0]

    fault = fault_of(finish(vm.RelocateVM_Task(Spec(host=target))), vim.fault.CannotAccessNetwork)
    assert moid(fault.network) == moid(network)
    assert f"uses network '{name}', which is not accessible" in message_of(fault)
    result_of(vm.PowerOffVM_Task())
    result_of(vm.RelocateVM_Task(Spec(host=target)))

    assert moid(vm.runtime.host) == moid(target)
    assert not vm.network


@rule(
    call="RelocateVM_Task",
    says="A disk locator for a device that is no disk of the machine is an InvalidArgument.",
    standing="documented",
    source="API reference, RelocateVM_Task: the device ID cannot be found in the current configuration",
)
def an_unknown_disk_is_refused(scratch: Scratch) -> None:
    vm = machine(scratch)
    locator = Spec.DiskLocator(diskId=4711, datastore=scratch.place.datastore)

    fault_of(finish(vm.RelocateVM_Task(Spec(disk=[locator]))), vmodl.fault.InvalidArgument)


@rule(
    call="RelocateVM_Task",
    says="Snapshots go with the machine and can be reverted to on its new host.",
    standing="documented",
    source="API reference, HostCapability.unrestrictedSnapshotRelocateSupported",
)
def snapshots_go_along(scratch: Scratch) -> None:
    vm = machine(scratch, annotation="before")
    snapshot = take(vm)
    result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="after")))
    target = other_host(scratch, vm)

    result_of(vm.RelocateVM_Task(Spec(host=target)))
    result_of(snapshot.RevertToSnapshot_Task())

    assert vm.config.annotation == "before"
    assert moid(vm.runtime.host) == moid(target)


@rule(
    call="RelocateVM_Task",
    says="A machine's identity survives a move: reference, UUIDs, MAC addresses, name.",
    standing="inferred",
    source="vSphere API reference, RelocateVM_Task speaks of the same machine; no trace of a server found",
)
def the_identity_survives_a_move(scratch: Scratch) -> None:
    group = scratch.port_group()
    vm = on(scratch.machine(deviceChange=[Edit(operation="add", device=scratch.nic_on(group))]))

    def identity() -> tuple[Any, ...]:
        return (vm.config.instanceUuid, vm.config.uuid, scratch.nic(vm).macAddress, vm.name, ids(vm.network))

    before = identity()
    result_of(vm.RelocateVM_Task(Spec(host=other_host(scratch, vm))))

    assert identity() == before
    assert ids(group.vm) == [moid(vm)]
