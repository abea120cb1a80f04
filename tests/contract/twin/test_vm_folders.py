"""Folders of virtual machines: renaming, moving and deleting with what is inside."""

import pytest
from pyVmomi import vim, vmodl

from bed.lab import Lab, fault_of
from bed.soap import finish, moid, result_of


def test_a_folder_is_renamed_unless_the_name_is_taken(lab: Lab) -> None:
    one = lab.datacenter.vmFolder.CreateFolder("one")
    lab.datacenter.vmFolder.CreateFolder("two")

    fault_of(finish(one.Rename_Task("TWO")), vim.fault.DuplicateName)
    result_of(one.Rename_Task("a/b"))

    assert one.name == "a%2fb"


def test_a_moved_machine_has_a_new_parent_and_its_name_there(lab: Lab) -> None:
    folder, vm = lab.datacenter.vmFolder.CreateFolder("labs"), lab.vm()
    view = lab.content.viewManager.CreateContainerView(folder, [vim.VirtualMachine], True)

    result_of(folder.MoveIntoFolder_Task([vm]))

    assert moid(vm.parent) == moid(folder)
    assert [moid(child) for child in folder.childEntity] == [moid(vm)]
    assert [moid(shown) for shown in view.view] == [moid(vm)]
    assert moid(vm) not in {moid(child) for child in lab.datacenter.vmFolder.childEntity}
    assert result_of(lab.create(vm.name)).name == vm.name, "names are unique in one folder only"


def test_a_move_onto_a_taken_name_moves_nothing(lab: Lab) -> None:
    folder, vm, other = lab.datacenter.vmFolder.CreateFolder("labs"), lab.vm(), lab.vm("DC0_C0_RP0_VM1")
    result_of(folder.MoveIntoFolder_Task([vm]))
    double = result_of(lab.create(vm.name))

    fault_of(finish(folder.MoveIntoFolder_Task([other, double])), vim.fault.DuplicateName)

    assert moid(other.parent) == moid(lab.datacenter.vmFolder)


def test_a_folder_does_not_go_into_itself(lab: Lab) -> None:
    outer = lab.datacenter.vmFolder.CreateFolder("outer")
    inner = outer.CreateFolder("inner")

    fault_of(finish(inner.MoveIntoFolder_Task([outer])), vim.fault.InvalidFolder)


def test_deleting_a_folder_deletes_what_is_inside_and_frees_its_ports(lab: Lab) -> None:
    outer = lab.datacenter.vmFolder.CreateFolder("outer")
    inner = outer.CreateFolder("inner")
    group, vm = lab.port_group("lab"), lab.vm_off()
    lab.attach(vm, group)
    result_of(inner.MoveIntoFolder_Task([vm]))

    result_of(outer.Destroy_Task())

    for dead in (outer, inner, vm):
        with pytest.raises(vmodl.fault.ManagedObjectNotFound):
            _ = dead.name
    assert not group.vm


def test_a_running_machine_keeps_its_folder(lab: Lab) -> None:
    folder, vm = lab.datacenter.vmFolder.CreateFolder("labs"), lab.vm()
    result_of(folder.MoveIntoFolder_Task([vm]))

    fault_of(finish(folder.Destroy_Task()), vim.fault.InvalidPowerState)

    assert moid(vm.parent) == moid(folder)


def test_the_folders_of_a_datacenter_stay(lab: Lab) -> None:
    fault_of(finish(lab.datacenter.vmFolder.Destroy_Task()), vmodl.fault.NotSupported)
