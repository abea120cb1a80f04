"""Cloning, where a rule needs a switch, a held task, an injected fault, a guest or a cluster to change."""

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.lab import Lab, fault_of
from bed.soap import finish, moid, result_of
from bed.waiting import wait_for
from verify.checks.clones import golden
from verify.machines import clone, cloning, find, machine, take
from verify.rule import rule

UUID = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def lab(tidy_lab: Lab) -> Lab:
    """The module's twin."""
    return tidy_lab


@rule(
    call="CloneVM_Task",
    says="Under the other reading spec.config is ignored.",
    standing="observed",
    source="one report: projectbeskar/virtrigaud issue 17",
    switch="cloneIgnoresConfig",
)
def test_a_clone_can_ignore_its_spec_under_the_other_reading(lab: Lab) -> None:
    lab.twin.control.rules(cloneIgnoresConfig=True)

    copy = clone(lab, golden(lab), config=vim.vm.ConfigSpec(numCPUs=8, instanceUuid=UUID))

    assert copy.config.hardware.numCPU == 4
    assert copy.config.instanceUuid != UUID


@rule(
    call="CloneVM_Task",
    says="Under the other reading managedBy is not copied.",
    standing="inferred",
    source="nothing found",
    switch="cloneCopiesManagedBy",
)
def test_managed_by_can_stay_behind(lab: Lab) -> None:
    lab.twin.control.rules(cloneCopiesManagedBy=False)

    assert clone(lab, golden(lab)).config.managedBy is None


@rule(
    call="CloneVM_Task",
    says="While it runs a clone cannot be found by its UUID, but holds its name.",
    standing="inferred",
    source="no trace of a server found: an unfinished task has registered nothing, and a name is held once",
)
def test_a_running_clone_cannot_be_found_but_holds_its_name(lab: Lab) -> None:
    source = machine(lab)
    lab.twin.control.hold("CloneVM_Task")
    task = cloning(lab, source, config=vim.vm.ConfigSpec(instanceUuid=UUID))

    assert find(lab, UUID) is None
    fault_of(finish(cloning(lab, source, "COPY")), vim.fault.DuplicateName)
    lab.twin.control.release()

    assert moid(find(lab, UUID)) == moid(lab.keep(result_of(task)))


@rule(
    call="CloneVM_Task",
    says="A clone that failed gives its name back.",
    standing="inferred",
    source="a failed task leaves nothing behind",
)
def test_a_name_is_free_again_when_its_clone_failed(lab: Lab) -> None:
    source = machine(lab)
    lab.twin.control.fail("CloneVM_Task", where="task", fault="InvalidState")

    assert finish(cloning(lab, source)).error is not None
    assert clone(lab, source).name == "copy"


@rule(
    call="CloneVM_Task",
    says="A snapshot that is removed while the clone waits is ManagedObjectNotFound, in the task.",
    standing="inferred",
    source="API reference, ManagedObjectNotFound",
)
def test_a_snapshot_can_go_before_its_clone_begins(lab: Lab) -> None:
    source = machine(lab)
    snapshot = take(source)
    lab.twin.control.hold("CloneVM_Task")
    task = cloning(lab, source, snapshot=snapshot)
    result_of(snapshot.RemoveSnapshot_Task(removeChildren=False))
    lab.twin.control.release()

    fault_of(finish(task), vmodl.fault.ManagedObjectNotFound)


@rule(
    call="CloneVM_Task",
    says="The guest of the source is on the disk of the clone.",
    standing="inferred",
    source="a clone copies the disks",
)
def test_the_guest_of_the_source_is_in_the_clone(lab: Lab) -> None:
    source = machine(lab)
    lab.twin.control.guest(moid(source), tools=True, ip_address="10.0.0.7", host_name="golden")

    copy = clone(lab, source)
    result_of(copy.PowerOnVM_Task())

    wait_for(lambda: copy.guest.ipAddress == "10.0.0.7", "the copied guest to come up", seconds=10)
    assert copy.guest.hostName == "golden"


@rule(
    call="CloneVM_Task",
    says="The task's entity is the source, and it names the user.",
    standing="documented",
    source="API reference, TaskInfo.entity and .reason",
)
def test_the_task_names_its_source_its_user_and_what_it_does(lab: Lab) -> None:
    source = machine(lab)

    info = finish(cloning(lab, source))
    lab.keep(info.result)

    assert moid(info.entity) == moid(source)
    assert info.entityName == source.name
    assert info.descriptionId == "VirtualMachine.clone"
    assert info.reason.userName == "VSPHERE.LOCAL\\administrator"
    assert info.progress == 100


@pytest.mark.infrastructure("what is not modelled")
def test_guest_customization_is_refused_loudly(lab: Lab) -> None:
    spec = vim.vm.customization.Specification(
        identity=vim.vm.customization.LinuxPrep(hostName=vim.vm.customization.FixedName(name="lab"), domain="lab"),
        globalIPSettings=vim.vm.customization.GlobalIPSettings(),
    )

    fault_of(finish(cloning(lab, machine(lab), customization=spec)), vmodl.fault.NotImplemented)


@pytest.mark.infrastructure("what is not modelled")
def test_the_memory_of_a_snapshot_is_refused_loudly(lab: Lab) -> None:
    source = machine(lab)
    result_of(source.PowerOnVM_Task())
    snapshot = take(source, memory=True)

    fault_of(finish(cloning(lab, source, snapshot=snapshot, memory=True)), vmodl.fault.NotImplemented)


@rule(
    call="CloneVM_Task",
    says="In a cluster without DRS a pool alone is not enough: InvalidArgument for location.host.",
    standing="documented",
    source="API reference, RelocateSpec.host",
)
def test_a_clone_into_a_cluster_without_drs_has_to_name_a_host(lab: Lab) -> None:
    source = machine(lab)
    cluster: Any = source.resourcePool.owner

    def drs(enabled: bool) -> None:
        change = vim.cluster.ConfigSpecEx(drsConfig=vim.cluster.DrsConfigInfo(enabled=enabled))
        result_of(cluster.ReconfigureComputeResource_Task(change, modify=True))

    drs(False)
    try:
        info = finish(cloning(lab, source))
        assert fault_of(info, vmodl.fault.InvalidArgument).invalidProperty == "spec.location.host"
        place = vim.vm.RelocateSpec(pool=source.resourcePool, host=cluster.host[-1])
        task = source.CloneVM_Task(source.parent, "copy", vim.vm.CloneSpec(location=place))
        assert moid(lab.keep(result_of(task)).runtime.host) == moid(cluster.host[-1])
    finally:
        drs(True)
