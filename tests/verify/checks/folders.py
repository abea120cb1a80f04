"""Folders and names: renaming, moving and deleting with what is inside."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.soap import finish, moid, result_of
from verify.rule import rule
from verify.scratch import Scratch, fault_of, gone

FOLDER = "API reference, Folder"


def folder(scratch: Scratch, name: str) -> Any:
    """Make a folder of machines."""
    return scratch.keep(scratch.place.folder.CreateFolder(scratch.named(name)))


@rule(
    call="CreateFolder",
    says="A slash, a backslash and a percent sign are escaped in the name; a percent that starts an escape stays.",
    standing="documented",
    source=f"{FOLDER}.CreateFolder, name; ManagedEntity.name",
)
def special_characters_are_escaped(scratch: Scratch) -> None:
    for written, read in (("a/b", "a%2fb"), ("a\\c", "a%5cc"), ("a%d", "a%25d"), ("a%2fe", "a%2fe")):
        assert folder(scratch, written).name == scratch.named(read)


@rule(
    call="CreateFolder",
    says="A name that an entity of the same folder has is refused with DuplicateName, whatever its case.",
    standing="documented",
    source=f"{FOLDER}.CreateFolder; that case makes no difference is in VMware's naming guidance",
)
def a_taken_name_is_refused(scratch: Scratch) -> None:
    folder(scratch, "one")

    with pytest.raises(vim.fault.DuplicateName):
        folder(scratch, "ONE")


@rule(
    call="CreateFolder",
    says="An empty name, or one of more than 80 characters, is InvalidName.",
    standing="observed",
    source="80 characters: KB 2051649; the fault: API reference",
)
def a_bad_name_is_refused(scratch: Scratch) -> None:
    assert scratch.prefix, "else the longer name is not too long"
    for name in ("", scratch.named("x" * 80)):
        with pytest.raises(vim.fault.InvalidName):
            scratch.keep(scratch.place.folder.CreateFolder(name))


@rule(
    call="Rename_Task",
    says="A folder gets the new name, escaped; a name that is taken in its folder is DuplicateName.",
    standing="documented",
    source="API reference, ManagedEntity.Rename_Task",
)
def a_folder_is_renamed_unless_the_name_is_taken(scratch: Scratch) -> None:
    one, two = folder(scratch, "one"), folder(scratch, "two")

    fault_of(finish(one.Rename_Task(two.name.upper())), vim.fault.DuplicateName)
    result_of(one.Rename_Task(scratch.named("a/b")))

    assert one.name == scratch.named("a%2fb")


@rule(
    call="MoveIntoFolder_Task",
    says="A machine has its new parent, both folders list it rightly, and names are unique in one folder only.",
    standing="documented",
    source=f"{FOLDER}.MoveIntoFolder_Task",
)
def a_moved_machine_has_a_new_parent(scratch: Scratch) -> None:
    target, vm = folder(scratch, "labs"), scratch.machine()
    view = scratch.content.viewManager.CreateContainerView(target, [vim.VirtualMachine], True)

    result_of(target.MoveIntoFolder_Task([vm]))

    assert moid(vm.parent) == moid(target)
    assert [moid(child) for child in target.childEntity] == [moid(vm)]
    assert [moid(shown) for shown in view.view] == [moid(vm)]
    assert moid(vm) not in {moid(child) for child in scratch.place.folder.childEntity}
    assert scratch.machine().name == vm.name
    view.DestroyView()


@rule(
    call="MoveIntoFolder_Task",
    says="Entities are moved one after another; a failure leaves those before it moved and the rest where they are.",
    standing="documented",
    source=f"{FOLDER}.MoveIntoFolder_Task: transactional only with respect to each individual entity",
)
def a_move_stops_at_the_first_failure(scratch: Scratch) -> None:
    target, vm = folder(scratch, "labs"), scratch.machine("double")
    result_of(target.MoveIntoFolder_Task([vm]))
    first, double, last = scratch.machine("first"), scratch.machine("double"), scratch.machine("last")

    fault_of(finish(target.MoveIntoFolder_Task([first, double, last])), vim.fault.DuplicateName)

    assert moid(first.parent) == moid(target)
    assert moid(double.parent) == moid(last.parent) == moid(scratch.place.folder)


@rule(
    call="MoveIntoFolder_Task",
    says="A folder that is to go into itself or into one below it is InvalidFolder.",
    standing="documented",
    source=f"{FOLDER}.MoveIntoFolder_Task",
)
def a_folder_does_not_go_into_itself(scratch: Scratch) -> None:
    outer = folder(scratch, "outer")
    inner = outer.CreateFolder("inner")

    fault_of(finish(inner.MoveIntoFolder_Task([outer])), vim.fault.InvalidFolder)


@rule(
    call="MoveIntoFolder_Task",
    says="A machine does not go into a folder of networks: NotSupported.",
    standing="documented",
    source=f"{FOLDER}.MoveIntoFolder_Task: childType has no VirtualMachine",
)
def a_folder_takes_its_own_kind(scratch: Scratch) -> None:
    vm = scratch.machine()

    fault_of(finish(scratch.datacenter.networkFolder.MoveIntoFolder_Task([vm])), vmodl.fault.NotSupported)

    assert moid(vm.parent) == moid(scratch.place.folder)


@rule(
    call="Destroy_Task",
    says="A folder of machines takes its machines and folders with it, and their ports are free again.",
    standing="documented",
    source=f"{FOLDER}: Destroy_Task on a virtual machine folder",
)
def deleting_a_folder_deletes_what_is_inside(scratch: Scratch) -> None:
    outer = folder(scratch, "outer")
    inner = outer.CreateFolder("inner")
    group = scratch.port_group()
    vm = scratch.machine(deviceChange=[vim.vm.device.VirtualDeviceSpec(operation="add", device=scratch.nic_on(group))])
    result_of(inner.MoveIntoFolder_Task([vm]))

    result_of(outer.Destroy_Task())

    assert all(gone(dead) for dead in (outer, inner, vm))
    assert not group.vm


@rule(
    call="Destroy_Task",
    says="A machine that is powered on keeps its folder: InvalidPowerState.",
    standing="documented",
    source=f"{FOLDER}: Destroy_Task is called on each machine; VirtualMachine.Destroy_Task",
)
def a_running_machine_keeps_its_folder(scratch: Scratch) -> None:
    target, vm = folder(scratch, "labs"), scratch.machine()
    result_of(target.MoveIntoFolder_Task([vm]))
    result_of(vm.PowerOnVM_Task())

    fault_of(finish(target.Destroy_Task()), vim.fault.InvalidPowerState)

    assert moid(vm.parent) == moid(target)
