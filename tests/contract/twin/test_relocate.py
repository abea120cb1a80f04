"""Moves that need a second datastore, a host of its own kind, or a cluster to change."""

from collections.abc import Iterator
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.lab import Lab, fault_of
from bed.soap import connect, finish, moid, result_of
from bed.twin import Twin
from verify.checks.relocate import Spec, ids, other_host
from verify.machines import LINKED, Edit, clone, disk_of, files, machine, on, take
from verify.rule import rule


@pytest.fixture(scope="module")
def shared() -> Iterator[Lab]:
    """One twin with two datastores for all tests of this module."""
    with Twin(arguments=("-ds", "2")) as twin, connect(twin) as instance:
        yield Lab(twin, instance)


@pytest.fixture
def lab(shared: Lab) -> Iterator[Lab]:
    """The shared twin with the rules it starts with; what a test makes is gone afterwards."""
    before = shared.twin.control.rules()
    yield shared
    shared.clean()
    shared.twin.control.rules(**before)


def second_datastore(lab: Lab) -> Any:
    """Return the datastore that new machines are not on."""
    return next(each for each in lab.datacenter.datastore if each.name != lab.place.datastore.name)


@rule(
    call="RelocateVM_Task",
    says="With a datastore all files move, those of the snapshots too; datastore.vm of both is in step.",
    standing="documented",
    source="API reference, RelocateSpec.datastore and moveAllDiskBackingsAndDisallowSharing",
)
def test_a_machine_moves_to_another_datastore(lab: Lab) -> None:
    target, vm = second_datastore(lab), machine(lab)
    snapshot = take(vm)
    before = lab.place.datastore

    result_of(vm.RelocateVM_Task(Spec(datastore=target)))

    home = f"[{target.name}]"
    assert vm.config.files.vmPathName.startswith(home)
    backing = disk_of(vm.config).backing
    assert backing.fileName.startswith(home)
    assert backing.parent.fileName == disk_of(snapshot.config).backing.fileName
    assert backing.parent.fileName.startswith(home)
    assert moid(backing.datastore) == moid(target)
    assert ids(vm.datastore) == [moid(target)]
    assert moid(vm) in ids(target.vm)
    assert moid(vm) not in ids(before.vm)
    assert all(file.name.startswith(home) for file in vm.layoutEx.file)


@rule(
    call="RelocateVM_Task",
    says="A disk locator moves one disk; the machine's home stays.",
    standing="documented",
    source="API reference, RelocateSpec.disk",
)
def test_one_disk_moves_alone(lab: Lab) -> None:
    target, vm = second_datastore(lab), machine(lab)
    locator = Spec.DiskLocator(diskId=disk_of(vm.config).key, datastore=target)

    result_of(vm.RelocateVM_Task(Spec(disk=[locator])))

    assert disk_of(vm.config).backing.fileName.startswith(f"[{target.name}]")
    assert vm.config.files.vmPathName.startswith(f"[{lab.place.datastore.name}]")
    assert set(ids(vm.datastore)) == {moid(target), moid(lab.place.datastore)}


@rule(
    call="ReconfigVM_Task",
    says="A disk on another datastore puts the machine into that datastore's vm list, until the disk is removed.",
    standing="documented",
    source="API reference, VirtualMachine.datastore and Datastore.vm",
)
def test_a_disk_brings_its_datastore(lab: Lab) -> None:
    target, vm = second_datastore(lab), machine(lab)
    disk = vim.vm.device.VirtualDisk(key=-1, controllerKey=1000, unitNumber=1, capacityInKB=1024)
    disk.backing = vim.vm.device.VirtualDisk.FlatVer2BackingInfo(diskMode="persistent", fileName=f"[{target.name}]")
    add = Edit(operation="add", fileOperation="create", device=disk)
    result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[add])))
    assert set(ids(vm.datastore)) == {moid(target), moid(lab.place.datastore)}
    assert moid(vm) in ids(target.vm)

    second = next(each for each in vm.config.hardware.device if each.key == 2001)
    result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[Edit(operation="remove", device=second)])))

    assert moid(vm) not in ids(target.vm)


@rule(
    call="RelocateVM_Task",
    says="moveChildMostDiskBacking moves the written file and leaves its parents where they are.",
    standing="documented",
    source="API reference, VirtualMachineRelocateSpecDiskMoveOptions.moveChildMostDiskBacking",
)
def test_the_child_most_disk_moves_alone(lab: Lab) -> None:
    target, source = second_datastore(lab), machine(lab, "golden")
    copy = clone(lab, source, snapshot=take(source), move=LINKED)
    shared = disk_of(copy.config).backing.parent.fileName

    result_of(copy.RelocateVM_Task(Spec(datastore=target, diskMoveType="moveChildMostDiskBacking")))
    assert disk_of(copy.config).backing.fileName.startswith(f"[{target.name}]")
    assert disk_of(copy.config).backing.parent.fileName == shared

    result_of(copy.RelocateVM_Task(Spec(datastore=target)))
    assert disk_of(copy.config).backing.parent.fileName.startswith(f"[{target.name}] copy/")
    assert len(files(copy.config)) == 2
    assert disk_of(source.config).backing.parent.fileName == shared, "the source keeps its own"


@rule(
    call="RelocateVM_Task",
    says="The storage of a running machine moves without a host being named, or is InvalidArgument.",
    standing="inferred",
    source="RelocateSpec.host: the current host is used; the method's page: InvalidArgument",
    switch="storageMoveNeedsHost",
)
def test_storage_of_a_running_machine_has_two_readings(lab: Lab) -> None:
    target, vm = second_datastore(lab), on(machine(lab))
    home = lab.place.datastore

    result_of(vm.RelocateVM_Task(Spec(datastore=target)))
    lab.twin.control.rules(storageMoveNeedsHost=True)
    fault_of(finish(vm.RelocateVM_Task(Spec(datastore=home))), vmodl.fault.InvalidArgument)
    result_of(vm.RelocateVM_Task(Spec(datastore=home, host=vm.runtime.host)))

    assert ids(vm.datastore) == [moid(home)]


@rule(
    call="RelocateVM_Task",
    says="A template does not change its datastore: NotSupported.",
    standing="documented",
    source="API reference, RelocateVM_Task",
)
def test_a_template_keeps_its_datastore(lab: Lab) -> None:
    vm = machine(lab)
    vm.MarkAsTemplate()

    fault_of(finish(vm.RelocateVM_Task(Spec(datastore=second_datastore(lab)))), vmodl.fault.NotSupported)


@rule(
    call="RelocateVM_Task",
    says="A host in maintenance mode, or one that is disconnected, is InvalidState.",
    standing="documented",
    source="API reference, RelocateVM_Task and MigrateVM_Task",
)
@pytest.mark.parametrize("trouble", [{"maintenance": True}, {"connection_state": "disconnected"}])
def test_a_host_that_is_out_of_service_takes_nothing(lab: Lab, trouble: dict[str, Any]) -> None:
    vm = machine(lab)
    target = other_host(lab, vm)
    lab.twin.control.host(moid(target), **trouble)

    try:
        fault_of(finish(vm.RelocateVM_Task(Spec(host=target))), vim.fault.InvalidState)
        fault_of(finish(vm.MigrateVM_Task(None, target, "defaultPriority", None)), vim.fault.InvalidState)
    finally:
        lab.twin.control.host(moid(target), maintenance=False, connection_state="connected")
    assert moid(vm) not in ids(target.vm)


@rule(
    call="RelocateVM_Task",
    says="A template whose host is disconnected moves to another host; a machine there is InvalidState.",
    standing="documented",
    source="API reference, RelocateVM_Task: a template, should the current host become inactive",
)
def test_a_template_leaves_a_host_that_is_gone(lab: Lab) -> None:
    vm = machine(lab)
    target, host = other_host(lab, vm), moid(vm.runtime.host)
    lab.twin.control.host(host, connection_state="disconnected")

    try:
        fault_of(finish(vm.RelocateVM_Task(Spec(host=target))), vim.fault.InvalidState)
        lab.twin.control.host(host, connection_state="connected")
        vm.MarkAsTemplate()
        lab.twin.control.host(host, connection_state="disconnected")
        result_of(vm.RelocateVM_Task(Spec(host=target)))
    finally:
        lab.twin.control.host(host, connection_state="connected")

    assert vm.runtime.connectionState == "connected"
    assert moid(vm.runtime.host) == moid(target)


@rule(
    call="RelocateVM_Task",
    says="A running machine with nested HV does not move to a host without it; one that is off does.",
    standing="inferred",
    source="API reference, FeatureRequirementsNotMet; MigrationFault: for a machine that is off it is a warning",
)
def test_nested_hv_has_to_be_there_for_a_running_machine(lab: Lab) -> None:
    vm = on(machine(lab, nestedHVEnabled=True))
    target = other_host(lab, vm)
    lab.twin.control.host(moid(target), nested_hv=False)

    try:
        fault = fault_of(finish(vm.RelocateVM_Task(Spec(host=target))), vim.fault.FeatureRequirementsNotMet)
        assert moid(fault.host) == moid(target)
        result_of(vm.PowerOffVM_Task())
        result_of(vm.RelocateVM_Task(Spec(host=target)))
        fault_of(finish(vm.PowerOnVM_Task()), vim.fault.VmConfigFault)
    finally:
        lab.twin.control.host(moid(target), nested_hv=True)


@rule(
    call="MigrateVM_Task",
    says="Without DRS a host has to be named; without any host in service it is NoActiveHostInCluster.",
    standing="documented",
    source="API reference, MigrateVM_Task",
)
def test_a_migration_without_a_host_needs_drs(lab: Lab) -> None:
    vm = on(machine(lab))
    cluster = lab.pool.owner

    def drs(enabled: bool) -> None:
        change = vim.cluster.ConfigSpecEx(drsConfig=vim.cluster.DrsConfigInfo(enabled=enabled))
        result_of(cluster.ReconfigureComputeResource_Task(change, modify=True))

    result_of(vm.MigrateVM_Task(None, None, "defaultPriority", None))
    drs(False)
    try:
        fault_of(finish(vm.MigrateVM_Task(None, None, "defaultPriority", None)), vmodl.fault.InvalidArgument)
        task = vm.RelocateVM_Task(Spec(pool=lab.pool))
        fault_of(finish(task), vmodl.fault.InvalidArgument)
    finally:
        drs(True)
    for host in cluster.host:
        lab.twin.control.host(moid(host), maintenance=True)
    try:
        task = vm.MigrateVM_Task(None, None, "defaultPriority", None)
        assert moid(fault_of(finish(task), vim.fault.NoActiveHostInCluster).computeResource) == moid(cluster)
    finally:
        for host in cluster.host:
            lab.twin.control.host(moid(host), maintenance=False)


@rule(
    call="RelocateVM_Task",
    says="A move to another host is a VmMigratedEvent with the old host, one of the files a VmRelocatedEvent.",
    standing="documented",
    source="API reference, VmMigratedEvent.sourceHost, VmRelocatedEvent.sourceDatastore",
)
def test_moves_are_told(lab: Lab) -> None:
    vm = machine(lab)
    before, target = vm.runtime.host, second_datastore(lab)
    result_of(vm.RelocateVM_Task(Spec(host=other_host(lab, vm), datastore=target)))

    only = vim.event.EventFilterSpec(entity=vim.event.EventFilterSpec.ByEntity(entity=vm, recursion="self"))
    told = {type(event): event for event in lab.content.eventManager.QueryEvents(only)}

    migrated, relocated = told[vim.event.VmMigratedEvent], told[vim.event.VmRelocatedEvent]
    assert moid(migrated.sourceHost.host) == moid(before)
    assert moid(migrated.host.host) == moid(vm.runtime.host)
    assert relocated.sourceDatastore.name == lab.place.datastore.name
    assert migrated.userName == "VSPHERE.LOCAL\\administrator"


@pytest.mark.infrastructure("what is not modelled")
def test_another_vcenter_is_refused_loudly(lab: Lab) -> None:
    vm = machine(lab)
    locator = vim.ServiceLocator(
        instanceUuid="00000000-0000-0000-0000-000000000000",
        url="https://elsewhere.example",
        credential=vim.ServiceLocator.NamePassword(username="u", password="p"),
    )

    with pytest.raises(vmodl.fault.NotImplemented, match="another vCenter"):
        vm.RelocateVM_Task(Spec(service=locator))
