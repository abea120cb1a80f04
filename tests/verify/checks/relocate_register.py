"""Unregistering a machine and registering it again: what is in its files, and what was vCenter's."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.soap import finish, moid, result_of
from verify.machines import clone, find, machine, mark, on, take, tree
from verify.rule import rule
from verify.scratch import Scratch, fault_of


def registering(scratch: Scratch, path: str, *, name: str | None = None, template: bool = False) -> Any:
    """Start the registration of a machine or template."""
    place = {"host": scratch.host} if template else {"pool": scratch.pool}
    return scratch.place.folder.RegisterVM_Task(path=path, name=name, asTemplate=template, **place)


def register(scratch: Scratch, path: str, **members: Any) -> Any:
    """Register a machine or template."""
    return scratch.keep(result_of(registering(scratch, path, **members)))


@rule(
    call="UnregisterVM",
    says="An unregistered machine is gone from the inventory and is not found by its UUID.",
    standing="documented",
    source="API reference, UnregisterVM: removes this virtual machine from the inventory without removing its files",
)
def an_unregistered_machine_is_gone(scratch: Scratch) -> None:
    vm = machine(scratch)
    path, mine = vm.config.files.vmPathName, vm.config.instanceUuid

    vm.UnregisterVM()

    assert find(scratch, mine) is None
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        _ = vm.name
    register(scratch, path)


@rule(
    call="UnregisterVM",
    says="A running machine is InvalidPowerState, at once: the call is no task.",
    standing="documented",
    source="API reference, UnregisterVM",
)
def a_running_machine_stays_registered(scratch: Scratch) -> None:
    vm = on(machine(scratch))

    with pytest.raises(vim.fault.InvalidPowerState):
        vm.UnregisterVM()


@rule(
    call="RegisterVM_Task",
    says="A machine that is registered again has a new reference, and its UUIDs, settings, MACs and disks of before.",
    standing="inferred",
    source="vSphere API reference, VirtualMachineConfigInfo.instanceUuid (kept by vCenter); no trace of a server found",
)
def a_registered_machine_is_what_it_was(scratch: Scratch) -> None:
    vm = machine(scratch, numCPUs=2, annotation="kept", extraConfig=[mark("owner", "me")])
    was, old = vm.config, moid(vm)
    vm.UnregisterVM()

    again = register(scratch, was.files.vmPathName)
    has = again.config

    assert moid(again) != old
    assert (has.instanceUuid, has.uuid, has.name) == (was.instanceUuid, was.uuid, was.name)
    assert (has.hardware.numCPU, has.annotation) == (2, "kept")
    assert {option.key: option.value for option in has.extraConfig}["scratch/owner"] == "me"
    assert moid(find(scratch, was.instanceUuid)) == moid(again)
    assert moid(again.resourcePool) == moid(scratch.pool)
    assert moid(again) in [moid(each) for each in again.runtime.host.vm]


@rule(
    call="RegisterVM_Task",
    says="Snapshots come back with the machine, as objects with references of their own.",
    standing="inferred",
    source="they are in the machine's files; references are vCenter's",
)
def snapshots_are_registered_too(scratch: Scratch) -> None:
    vm = machine(scratch, annotation="before")
    take(vm, "one")
    take(vm, "two")
    result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="after")))
    path = vm.config.files.vmPathName
    vm.UnregisterVM()

    again = register(scratch, path)

    assert tree(again) == [("one", [("two", [])])]
    root = again.snapshot.rootSnapshotList[0]
    assert moid(again.snapshot.currentSnapshot) == moid(root.childSnapshotList[0].snapshot)
    result_of(root.snapshot.RevertToSnapshot_Task())
    assert again.config.annotation == "before"


@rule(
    call="RegisterVM_Task",
    says="A file of a registered machine is AlreadyExists; one that does not exist is NotFound.",
    standing="documented",
    source="API reference, RegisterVM_Task",
)
def a_file_is_registered_once(scratch: Scratch) -> None:
    vm = machine(scratch)

    fault_of(finish(registering(scratch, vm.config.files.vmPathName, name="twice")), vim.fault.AlreadyExists)
    missing = f"[{scratch.place.datastore.name}] nothing-here/nothing-here.vmx"
    fault_of(finish(registering(scratch, missing, name="nothing")), vim.fault.NotFound)


@rule(
    call="RegisterVM_Task",
    says="A machine gets the name that is given, else its own; a taken one is DuplicateName.",
    standing="documented",
    source="API reference, RegisterVM_Task name",
)
def a_registration_may_rename(scratch: Scratch) -> None:
    vm = machine(scratch, "one")
    path = vm.config.files.vmPathName
    vm.UnregisterVM()
    machine(scratch, "one")

    fault_of(finish(registering(scratch, path)), vim.fault.DuplicateName)
    again = register(scratch, path, name=scratch.named("two"))

    assert again.name == again.config.name == scratch.named("two")


@rule(
    call="RegisterVM_Task",
    says="An instance UUID that another machine got meanwhile is replaced.",
    standing="documented",
    source="API reference, VirtualMachineConfigSpec.instanceUuid; VmInstanceUuidConflictEvent",
)
def a_taken_uuid_is_replaced_at_registration(scratch: Scratch) -> None:
    source, vm = machine(scratch, "source"), machine(scratch, "one")
    path, mine = vm.config.files.vmPathName, vm.config.instanceUuid
    vm.UnregisterVM()
    thief = clone(scratch, source, "thief", config=vim.vm.ConfigSpec(instanceUuid=mine))

    again = register(scratch, path)

    assert again.config.instanceUuid != mine
    assert moid(find(scratch, mine)) == moid(thief)


@rule(
    call="RegisterVM_Task",
    says="asTemplate registers a template, on a host and in no pool; anything else needs a pool.",
    standing="documented",
    source="API reference, RegisterVM_Task asTemplate and pool; the fault InvalidArgument is inferred",
)
def a_template_is_registered_without_a_pool(scratch: Scratch) -> None:
    vm = machine(scratch)
    path = vm.config.files.vmPathName
    vm.UnregisterVM()
    with pytest.raises(vmodl.fault.InvalidArgument):
        scratch.place.folder.RegisterVM_Task(path=path, asTemplate=False)

    template = register(scratch, path, template=True)

    assert template.config.template
    assert template.resourcePool is None
    assert moid(template.runtime.host) == moid(scratch.host)
