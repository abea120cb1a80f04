"""Resource pools: what moves into them and what becomes of their content."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.soap import finish, moid, result_of
from verify.rule import rule
from verify.scratch import Scratch, fault_of, gone

POOL = "API reference, ResourcePool"


def pool(scratch: Scratch, name: str, parent: Any = None) -> Any:
    """Make a resource pool."""
    share = vim.ResourceAllocationInfo(
        reservation=0, expandableReservation=True, limit=-1, shares=vim.SharesInfo(level="normal", shares=0)
    )
    spec = vim.ResourceConfigSpec(cpuAllocation=share, memoryAllocation=share)
    return scratch.keep((parent or scratch.pool).CreateResourcePool(scratch.named(name), spec))


@rule(
    call="MoveIntoResourcePool",
    says="A machine moves into another pool of its cluster; both pools list it rightly.",
    standing="documented",
    source=f"{POOL}.MoveIntoResourcePool",
)
def a_machine_moves_into_a_pool(scratch: Scratch) -> None:
    vm, target = scratch.machine(), pool(scratch, "labs")

    target.MoveIntoResourcePool([vm])

    assert moid(vm.resourcePool) == moid(target)
    assert moid(vm) in {moid(other) for other in target.vm}
    assert moid(vm) not in {moid(other) for other in scratch.pool.vm}


@rule(
    call="MoveIntoResourcePool",
    says="A view of a pool shows a machine while it is in the pool.",
    standing="documented",
    source="API reference, ViewManager.CreateContainerView: the machines of a resource pool",
)
def a_view_of_a_pool_follows_a_move(scratch: Scratch) -> None:
    vm, target = scratch.machine(), pool(scratch, "labs")
    view = scratch.content.viewManager.CreateContainerView(target, [vim.VirtualMachine], True)
    assert not view.view

    target.MoveIntoResourcePool([vm])
    assert [moid(shown) for shown in view.view] == [moid(vm)]
    scratch.pool.MoveIntoResourcePool([vm])

    assert not view.view
    view.DestroyView()


@rule(
    call="MoveIntoResourcePool",
    says="A pool does not go into one below it: InvalidArgument.",
    standing="documented",
    source=f"{POOL}.MoveIntoResourcePool: an ancestor of this pool is in the list",
)
def a_pool_does_not_go_into_itself(scratch: Scratch) -> None:
    outer = pool(scratch, "outer")
    inner = pool(scratch, "inner", outer)

    with pytest.raises(vmodl.fault.InvalidArgument):
        inner.MoveIntoResourcePool([outer])


@rule(
    call="Rename_Task",
    says="A pool's name is unique among its siblings: DuplicateName.",
    standing="documented",
    source="API reference, ManagedEntity.Rename_Task; ResourcePool.CreateResourcePool",
)
def a_pool_is_renamed_unless_the_name_is_taken(scratch: Scratch) -> None:
    one, two = pool(scratch, "one"), pool(scratch, "two")

    fault_of(finish(one.Rename_Task(two.name)), vim.fault.DuplicateName)
    result_of(one.Rename_Task(scratch.named("three")))

    assert one.name == one.summary.name == scratch.named("three")


@rule(
    call="Destroy_Task",
    says="The machines of a deleted pool go to its parent, and so do its pools.",
    standing="documented",
    source=f"{POOL}: all the virtual machines are reassigned to its parent pool; for child pools inferred",
)
def the_content_of_a_deleted_pool_goes_to_its_parent(scratch: Scratch) -> None:
    vm, target = scratch.machine(), pool(scratch, "labs")
    inner = pool(scratch, "inner", target)
    target.MoveIntoResourcePool([vm])

    result_of(target.Destroy_Task())

    assert gone(target)
    assert moid(vm.resourcePool) == moid(inner.parent) == moid(scratch.pool)
    assert moid(vm) in {moid(other) for other in scratch.pool.vm}
