"""Machines that vCenter loses sight of: what stays readable, who finds them, and how they come back."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from pyVmomi import vim, vmodl

from bed.soap import Updates, finish, moid, result_of
from bed.waiting import wait_for
from verify.rule import rule
from verify.scratch import fault_of, gone

if TYPE_CHECKING:
    from bed.lab import Lab

STATES = "API reference, VirtualMachineConnectionState"
LOST = pytest.mark.parametrize("state", ["orphaned", "inaccessible", "invalid"])


@pytest.fixture(scope="module")
def shared() -> Iterator["Lab"]:
    """One twin for the module."""
    from bed.lab import Lab
    from bed.soap import connect
    from bed.twin import Twin

    with Twin() as twin, connect(twin) as instance:
        yield Lab(twin, instance)


@pytest.fixture
def lab(shared: "Lab") -> Iterator["Lab"]:
    """The shared twin as it was at the start."""
    yield shared
    shared.twin.control.datastore(shared.place.datastore.name, accessible=True)
    shared.twin.control.rules(findByUuidSkipsInaccessible=True)
    for vm in shared.made:
        if isinstance(vm, vim.VirtualMachine) and not gone(vm):
            shared.twin.control.vm(moid(vm), connection_state="connected")
    shared.clean()


def find(lab: "Lab", uuid: str) -> list[str]:
    """Return the ids of the machines that have this instance UUID."""
    return [moid(vm) for vm in lab.content.searchIndex.FindAllByUuid(None, uuid, True, True)]


@LOST
@rule(
    call="VirtualMachine.config",
    says="An orphaned, inaccessible or invalid machine has no config, reads as powered off, keeps its name and path.",
    standing="observed",
    source=f"{STATES}; ansible issue 57642; terraform-provider-vsphere issue 382 prints one",
)
def test_a_lost_machine_has_no_configuration(lab: "Lab", state: Any) -> None:
    vm = lab.machine(numCPUs=4)
    result_of(vm.PowerOnVM_Task())
    path, host = vm.config.files.vmPathName, vm.runtime.host
    updates = Updates(lab.instance, vm, {vim.VirtualMachine: ["config", "runtime.connectionState"]})
    updates.all(0)

    lab.twin.control.vm(moid(vm), connection_state=state)

    [(_, _, changed)] = updates.all()
    assert changed == {"config": None, "runtime.connectionState": state}
    assert vm.config is None
    assert (vm.name, vm.summary.config.name, vm.summary.config.vmPathName) == ("machine", "machine", path)
    assert (vm.runtime.powerState, vm.summary.config.numCpu) == ("poweredOff", None)
    assert moid(vm.runtime.host) == moid(host)


@rule(
    call="VirtualMachine.config",
    says="A machine that comes back has the configuration and the power state that it had.",
    standing="inferred",
    source="vCenter reads the configuration again; what ran on the host went on running",
)
def test_a_machine_comes_back_as_it_was(lab: "Lab") -> None:
    vm: Any = lab.machine(numCPUs=4)
    lab.twin.control.guest(moid(vm), ip_address="10.0.0.7")
    result_of(vm.PowerOnVM_Task())

    def address() -> Any:
        return vm.guest.ipAddress

    wait_for(lambda: address() == "10.0.0.7", "the guest to come up")
    lab.twin.control.vm(moid(vm), connection_state="inaccessible")
    assert address() is None

    lab.twin.control.vm(moid(vm), connection_state="connected")

    assert (vm.config.hardware.numCPU, vm.runtime.powerState) == (4, "poweredOn")
    assert address() == "10.0.0.7"


@LOST
@rule(
    call="ReconfigVM_Task, PowerOnVM_Task, Rename_Task, Destroy_Task",
    says="Operations on a machine that is not connected are InvalidState.",
    standing="documented",
    source="API reference, VirtualMachine.ReconfigVM_Task: the configuration is not available",
)
def test_a_lost_machine_takes_no_operation(lab: "Lab", state: Any) -> None:
    vm = lab.machine()
    lab.twin.control.vm(moid(vm), connection_state=state)

    for task in (
        vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="new")),
        vm.PowerOnVM_Task(),
        vm.Rename_Task("other"),
        vm.Destroy_Task(),
    ):
        assert isinstance(fault_of(finish(task)), vim.fault.InvalidState)
    with pytest.raises(vim.fault.InvalidState):
        vm.MarkAsTemplate()


@rule(
    call="UnregisterVM",
    says="A machine that is out of reach can be taken out of the inventory.",
    standing="inferred",
    source="API reference, VirtualMachine.UnregisterVM: it touches no files",
)
def test_a_lost_machine_can_be_unregistered(lab: "Lab") -> None:
    group = lab.port_group("group")
    vm = lab.machine(deviceChange=[vim.vm.device.VirtualDeviceSpec(operation="add", device=lab.nic_on(group))])
    lab.twin.control.vm(moid(vm), connection_state="orphaned")

    vm.UnregisterVM()

    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        _ = vm.name
    assert not group.vm
    result_of(group.Destroy_Task())


@pytest.mark.parametrize(("reading", "found"), [(True, 0), (False, 1)])
@rule(
    call="FindAllByUuid",
    says="A machine that is inaccessible is not found by its UUID.",
    standing="observed",
    source="kubernetes/cloud-provider-vsphere pull 650",
    switch="findByUuidSkipsInaccessible",
)
def test_a_lost_machine_is_not_found_by_uuid(lab: "Lab", reading: bool, found: int) -> None:
    lab.twin.control.rules(findByUuidSkipsInaccessible=reading)
    vm = lab.machine()
    uuid = vm.config.instanceUuid
    lab.twin.control.vm(moid(vm), connection_state="inaccessible")

    assert len(find(lab, uuid)) == found


@rule(
    call="Datastore.summary.accessible",
    says="A datastore that is gone is not accessible, nor are its mounts or the machines whose files are on it.",
    standing="documented",
    source=f"API reference, DatastoreSummary.accessible, HostMountInfo.inaccessibleReason; {STATES}",
)
def test_machines_follow_their_datastore(lab: "Lab") -> None:
    vm, store = lab.machine(), lab.place.datastore
    uuid = vm.config.instanceUuid

    lab.twin.control.datastore(store.name, accessible=False)

    assert not store.summary.accessible
    assert {mount.mountInfo.accessible for mount in store.host} == {False}
    assert vm.runtime.connectionState == "inaccessible"
    assert find(lab, uuid) == []
    lab.twin.control.datastore(store.name, accessible=True)
    assert vm.runtime.connectionState == "connected"
    assert find(lab, uuid) == [moid(vm)]


@rule(
    call="CreateVM_Task",
    says="A machine cannot be made on a datastore that is not accessible: InvalidDatastore.",
    standing="documented",
    source="API reference, Folder.CreateVM_Task; InaccessibleDatastore is its subtype",
)
def test_a_lost_datastore_takes_no_machine(lab: "Lab") -> None:
    lab.twin.control.datastore(lab.place.datastore.name, accessible=False)

    fault = fault_of(finish(lab.create("late")), vim.fault.InvalidDatastore)

    assert isinstance(fault, vim.fault.InaccessibleDatastore)


@rule(
    call="VirtualMachine.runtime.host",
    says="DRS moves a running machine without a task: host, both hosts' lists and an event tell, all else stays.",
    standing="documented",
    source="API reference, DrsVmMigratedEvent",
)
def test_drs_moves_a_machine(lab: "Lab") -> None:
    group = lab.port_group("group")
    vm = lab.machine(deviceChange=[vim.vm.device.VirtualDeviceSpec(operation="add", device=lab.nic_on(group))])
    result_of(vm.PowerOnVM_Task())
    old = vm.runtime.host
    new = next(host for host in old.parent.host if moid(host) != moid(old))
    before, port = vm.config.changeVersion, lab.nic(vm).backing.port.portKey
    updates = Updates(lab.instance, vm, {vim.VirtualMachine: ["runtime.host", "summary.runtime.host"]})
    updates.all(0)

    lab.twin.control.migrate(moid(vm), host=moid(new))

    [(_, _, changed)] = updates.all()
    assert {path: moid(host) for path, host in changed.items()} == dict.fromkeys(changed, moid(new))
    assert set(changed) == {"runtime.host", "summary.runtime.host"}
    assert moid(vm) in {moid(other) for other in new.vm}
    assert moid(vm) not in {moid(other) for other in old.vm}
    assert (vm.runtime.powerState, vm.config.changeVersion) == ("poweredOn", before)
    assert lab.nic(vm).backing.port.portKey == port
    about = vim.event.EventFilterSpec.ByEntity(entity=vm, recursion="self")
    [event] = lab.content.eventManager.QueryEvents(
        vim.event.EventFilterSpec(entity=about, eventTypeId=["DrsVmMigratedEvent"])
    )
    assert moid(event.sourceHost.host) == moid(old)


@rule(
    call="Rename_Task",
    says="A datastore's new name is in the paths of all files on it; a taken name is DuplicateName.",
    standing="inferred",
    source="API reference, Datastore: every path begins with the datastore's name",
)
def test_a_renamed_datastore_is_in_every_path(lab: "Lab") -> None:
    vm, store = lab.machine(), lab.place.datastore
    name, path = store.name, vm.config.files.vmPathName

    result_of(store.Rename_Task("shelf"))

    try:
        assert (store.name, store.summary.name, store.info.name) == ("shelf", "shelf", "shelf")
        assert vm.config.files.vmPathName == vm.summary.config.vmPathName == path.replace(f"[{name}]", "[shelf]")
    finally:
        result_of(store.Rename_Task(name))


@rule(
    call="Destroy_Task, DestroyDatastore",
    says="A datastore that hosts have mounted is ResourceInUse.",
    standing="documented",
    source="API reference, Datastore.DestroyDatastore",
)
def test_a_mounted_datastore_stays(lab: "Lab") -> None:
    fault_of(finish(lab.place.datastore.Destroy_Task()), vim.fault.ResourceInUse)
    with pytest.raises(vim.fault.ResourceInUse):
        lab.place.datastore.DestroyDatastore()


@rule(
    call="control API",
    says="A drift of one name reaches all places where vCenter shows it.",
    standing="documented",
    source="API reference, VirtualMachineConfigInfo.name, VirtualMachineConfigSummary.name",
)
@pytest.mark.parametrize("path", ["name", "config.name"])
def test_a_drift_keeps_the_names_of_a_machine_together(lab: "Lab", path: str) -> None:
    vm, group = lab.machine(), lab.port_group("group")

    lab.twin.control.drift(moid(vm), set={path: "drifted", "config.hardware.numCPU": 2})
    lab.twin.control.drift(moid(group), set={path: "moved"})

    assert (vm.name, vm.config.name, vm.summary.config.name) == ("drifted", "drifted", "drifted")
    assert vm.summary.config.numCpu == 2
    assert (group.name, group.config.name) == ("moved", "moved")


@rule(
    call="AnswerVM",
    says="A question blocks the power-on until it is answered; a wrong id or choice, or a second answer, is refused.",
    standing="documented",
    source="API reference, VirtualMachine.AnswerVM, VirtualMachineRuntimeInfo.question",
)
def test_a_question_blocks_a_machine(lab: "Lab") -> None:
    vm: Any = lab.machine()
    lab.twin.control.question(moid(vm), "Did you move or copy it?", ["moved", "copied"], default=1)

    task = vm.PowerOnVM_Task()

    asked = wait_for(lambda: vm.runtime.question, "the question")
    assert (task.info.state, vm.runtime.powerState) == ("running", "poweredOff")
    assert [info.label for info in asked.choice.choiceInfo] == ["moved", "copied"]
    assert asked.choice.defaultIndex == 1
    for wrong in (("nope", "0"), (asked.id, "2")):
        with pytest.raises(vmodl.fault.InvalidArgument):
            vm.AnswerVM(*wrong)
    vm.AnswerVM(asked.id, asked.choice.choiceInfo[0].key)
    result_of(task)
    assert vm.runtime.powerState == "poweredOn"
    assert vm.runtime.question is None
    with pytest.raises(vmodl.fault.InvalidArgument):
        vm.AnswerVM(asked.id, "0")


@rule(
    call="StandbyGuest",
    says="It needs a running machine with running Tools, and the machine is suspended when the guest is ready.",
    standing="documented",
    source="API reference, VirtualMachine.StandbyGuest; VirtualMachineDefaultPowerOpInfo.standbyAction",
)
def test_a_guest_stands_by(lab: "Lab") -> None:
    vm: Any = lab.machine()
    with pytest.raises(vim.fault.InvalidPowerState):
        vm.StandbyGuest()
    result_of(vm.PowerOnVM_Task())
    with pytest.raises(vim.fault.ToolsUnavailable):
        vm.StandbyGuest()
    lab.twin.control.guest(moid(vm), shutdown_seconds=0.1)

    vm.StandbyGuest()

    wait_for(lambda: vm.runtime.powerState == "suspended", "the guest to stand by")
