"""Creating virtual machines: defaults, companions of VBS, devices, and faults instead of crashes."""

from pyVmomi import vim

from bed.lab import Lab, fault_of
from bed.soap import finish, moid, result_of
from verify.rule import rule

Add = vim.vm.device.VirtualDeviceSpec.Operation.add
Create = vim.vm.device.VirtualDeviceSpec.FileOperation.create


@rule(
    call="CreateVM_Task",
    says="The name is taken from the moment of the call: a second create of it fails while the first still runs.",
    standing="inferred",
    source="as observed for clones; nothing found for creation",
)
def test_a_name_is_taken_from_the_moment_of_the_call(lab: Lab) -> None:
    lab.twin.control.hold("CreateVM_Task")
    first = lab.create("host")
    second = finish(lab.create("Host"))
    lab.twin.control.release()

    assert isinstance(fault_of(second), vim.fault.DuplicateName)
    assert result_of(first).name == "host"


@rule(
    call="CreateVM_Task",
    says="While the task runs the machine is in no list and is not found by its UUID.",
    standing="inferred",
    source="as observed for clones: it is registered at the end of the task",
)
def test_nobody_sees_half_a_machine(lab: Lab) -> None:
    lab.twin.control.hold("CreateVM_Task")
    uuid = "11111111-2222-3333-4444-555555555555"
    task = lab.create("host", instanceUuid=uuid)

    assert lab.content.searchIndex.FindByUuid(None, uuid, True, True) is None
    assert lab.twin.control.state().vm("host") is None
    lab.twin.control.release()

    vm = result_of(task)
    assert moid(lab.content.searchIndex.FindByUuid(None, uuid, True, True)) == moid(vm)
