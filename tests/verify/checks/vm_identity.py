"""What identifies a machine, and what becomes of it when two claim the same; what its memory reserves."""

import uuid

from pyVmomi import vim, vmodl

from bed.soap import finish, moid, result_of
from verify.rule import rule
from verify.scratch import Scratch, fault_of

Spec = vim.vm.ConfigSpec
MEMBER = "API reference, VirtualMachineConfigSpec"


@rule(
    call="CreateVM_Task, ReconfigVM_Task",
    says="An instance UUID that another machine has is changed; the history names the other machine and both UUIDs.",
    standing="documented",
    source=f"{MEMBER}.instanceUuid; VmInstanceUuidConflictEvent, VmInstanceUuidChangedEvent",
)
def a_taken_instance_uuid_is_changed(scratch: Scratch) -> None:
    taken = str(uuid.uuid4())
    first = scratch.machine("first", instanceUuid=taken)
    second = scratch.machine("second", instanceUuid=taken)
    third = scratch.machine("third")

    result_of(third.ReconfigVM_Task(Spec(instanceUuid=taken)))

    assert len({vm.config.instanceUuid for vm in (first, second, third)}) == 3
    for vm in (second, third):
        about = vim.event.EventFilterSpec.ByEntity(entity=vm, recursion="self")
        wanted = ["VmInstanceUuidConflictEvent", "VmInstanceUuidChangedEvent"]
        events = scratch.content.eventManager.QueryEvents(vim.event.EventFilterSpec(entity=about, eventTypeId=wanted))
        conflict = next(event for event in events if isinstance(event, vim.event.VmInstanceUuidConflictEvent))
        changed = next(event for event in events if isinstance(event, vim.event.VmInstanceUuidChangedEvent))
        assert moid(conflict.conflictedVm.vm) == moid(first)
        assert (changed.oldInstanceUuid, changed.newInstanceUuid) == (taken, vm.config.instanceUuid)


@rule(
    call="CreateVM_Task, ReconfigVM_Task",
    says="The letters of a UUID have no case: one that differs in nothing else is taken; it reads back in small ones.",
    standing="inferred",
    source=f"{MEMBER}.instanceUuid: a 128-bit number, represented as a hexadecimal string",
)
def a_uuid_has_no_case(scratch: Scratch) -> None:
    taken = str(uuid.uuid4())
    first = scratch.machine("first", instanceUuid=taken.upper())
    second = scratch.machine("second", instanceUuid=taken)

    assert first.config.instanceUuid == taken
    assert second.config.instanceUuid != taken


@rule(
    call="CreateVM_Task, ReconfigVM_Task",
    says="What is no UUID is an InvalidArgument that names the member.",
    standing="inferred",
    source=f"{MEMBER}.uuid and .instanceUuid: 128 bits in hexadecimal; the fault is not named there",
)
def a_uuid_has_a_form(scratch: Scratch) -> None:
    for member in ("uuid", "instanceUuid"):
        task = scratch.create("refused", **{member: "no such thing"})
        fault = fault_of(finish(task), vmodl.fault.InvalidArgument)

        assert fault.invalidProperty == f"configSpec.{member}"


@rule(
    call="ReconfigVM_Task",
    says="An empty instance UUID asks for a new one.",
    standing="documented",
    source=f"{MEMBER}.instanceUuid",
)
def an_empty_instance_uuid_asks_for_a_new_one(scratch: Scratch) -> None:
    vm = scratch.machine()
    before = vm.config.instanceUuid

    result_of(vm.ReconfigVM_Task(Spec(instanceUuid="")))

    assert vm.config.instanceUuid not in {before, ""}


@rule(
    call="CreateVM_Task, ReconfigVM_Task",
    says="With memoryReservationLockedToMax the reservation is the memory, and follows it.",
    standing="documented",
    source=f"{MEMBER}.memoryReservationLockedToMax",
)
def a_locked_reservation_follows_the_memory(scratch: Scratch) -> None:
    vm = scratch.machine(memoryMB=64, memoryReservationLockedToMax=True)
    assert vm.config.memoryAllocation.reservation == 64

    result_of(vm.ReconfigVM_Task(Spec(memoryMB=128)))

    assert vm.config.memoryAllocation.reservation == 128


@rule(
    call="ReconfigVM_Task",
    says="While the reservation is locked to the memory, a spec with another one is refused; unlocked, it is taken.",
    standing="observed",
    source="vm-operator, compute_overwrite.go (code of the vendor); that the fault is InvalidArgument is inferred",
)
def a_locked_reservation_takes_no_other(scratch: Scratch) -> None:
    vm = scratch.machine(memoryMB=64, memoryReservationLockedToMax=True)
    half = vim.ResourceAllocationInfo(reservation=32)

    fault_of(finish(vm.ReconfigVM_Task(Spec(memoryAllocation=half))), vmodl.fault.InvalidArgument)
    assert vm.config.memoryAllocation.reservation == 64
    result_of(vm.ReconfigVM_Task(Spec(memoryAllocation=half, memoryReservationLockedToMax=False)))

    assert vm.config.memoryAllocation.reservation == 32


@rule(
    call="CreateVM_Task, ReconfigVM_Task",
    says="A reservation above the memory is InvalidArgument.",
    standing="inferred",
    source="API reference, ResourceAllocationInfo.reservation: amount that is guaranteed to be available",
)
def a_reservation_is_at_most_the_memory(scratch: Scratch) -> None:
    vm = scratch.machine(memoryMB=64)
    allocation = vim.ResourceAllocationInfo(reservation=65)

    assert isinstance(
        fault_of(finish(vm.ReconfigVM_Task(Spec(memoryAllocation=allocation)))), vmodl.fault.InvalidArgument
    )


@rule(
    call="CreateVM_Task, ReconfigVM_Task",
    says="Shares of a level follow the size of the machine: normal is 1000 a CPU and 10 a MB; custom ones stay.",
    standing="documented",
    source="API reference, SharesLevel",
)
def shares_follow_the_size(scratch: Scratch) -> None:
    vm = scratch.machine(numCPUs=2, memoryMB=64)
    assert (vm.config.cpuAllocation.shares.shares, vm.config.memoryAllocation.shares.shares) == (2000, 640)

    high = vim.ResourceAllocationInfo(shares=vim.SharesInfo(level="high", shares=0))
    custom = vim.ResourceAllocationInfo(shares=vim.SharesInfo(level="custom", shares=7))
    result_of(vm.ReconfigVM_Task(Spec(cpuAllocation=high, memoryAllocation=custom)))
    result_of(vm.ReconfigVM_Task(Spec(numCPUs=4, memoryMB=128)))

    assert (vm.config.cpuAllocation.shares.shares, vm.config.memoryAllocation.shares.shares) == (8000, 7)
