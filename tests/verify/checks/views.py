"""Views: what is in them, and how they follow."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from typing import Any

from pyVmomi import vim, vmodl

from bed.soap import moid, result_of
from verify.rule import rule
from verify.scratch import Scratch
from verify.watching import list_of, refusal, watch

NAME = {vim.ManagedEntity: ["name"]}


def ids(objects: Any) -> list[str]:
    """Return the ids of some objects, in order."""
    return sorted(moid(item) for item in objects)


def container(scratch: Scratch, root: Any, *kinds: Any, recursive: bool = True) -> Any:
    """Return a ContainerView that `clean` destroys."""
    view = scratch.content.viewManager.CreateContainerView(root, list(kinds), recursive)
    scratch.undo(view.DestroyView)
    return view


def folder(scratch: Scratch, name: str = "folder") -> Any:
    """Create a folder."""
    return scratch.keep(scratch.place.folder.CreateFolder(scratch.named(name)))


def dead(scratch: Scratch) -> Any:
    """Return a machine that is gone."""
    vm = scratch.machine("dead")
    result_of(vm.Destroy_Task())
    return vm


@rule(
    call="ModifyListView",
    says="What is added enters, what is removed leaves, and what cannot be resolved is returned.",
    standing="documented",
    source="API reference, ListView.ModifyListView",
)
def a_list_is_what_its_client_puts_in(scratch: Scratch) -> None:
    one, two, gone = scratch.machine("one"), scratch.machine("two"), dead(scratch)
    view = list_of(scratch, one)
    updates = watch(scratch, view, NAME)
    assert [entry[:2] for entry in updates.all()] == [("enter", moid(one))]

    assert ids(view.ModifyListView(add=[two, gone])) == [moid(gone)]
    assert [entry[:2] for entry in updates.all()] == [("enter", moid(two))]

    view.ModifyListView(remove=[one])
    assert updates.all() == [("leave", moid(one), {})]
    assert ids(view.view) == [moid(two)]


@rule(
    call="ListView",
    says="An object that is destroyed leaves the list.",
    standing="documented",
    source="API reference, ListView: the view reflects any subsequent changes",
)
def a_destroyed_object_leaves_the_list(scratch: Scratch) -> None:
    vm = scratch.machine()
    view = list_of(scratch, vm)

    result_of(vm.Destroy_Task())

    assert list(view.view) == []


@rule(
    call="ResetListView",
    says="The list is replaced, and what cannot be resolved is returned.",
    standing="documented",
    source="API reference, ListView.ResetListView",
)
def a_list_is_replaced(scratch: Scratch) -> None:
    one, two, gone = scratch.machine("one"), scratch.machine("two"), dead(scratch)
    view = list_of(scratch, one)
    updates = watch(scratch, view, NAME)
    updates.wait()

    assert ids(view.ResetListView([two, gone])) == [moid(gone)]

    assert sorted(entry[:2] for entry in updates.all()) == [("enter", moid(two)), ("leave", moid(one))]


@rule(
    call="ResetListViewFromView",
    says="A list takes the objects of another view, when it is made from it or reset to it, and does not follow it.",
    standing="documented",
    source="API reference, ViewManager.CreateListViewFromView and ListView.ResetListViewFromView",
)
def a_list_is_made_from_a_view(scratch: Scratch) -> None:
    one, two = scratch.machine("one"), scratch.machine("two")
    source = list_of(scratch, one, two)

    made = scratch.content.viewManager.CreateListViewFromView(source)
    scratch.undo(made.DestroyView)
    reset = list_of(scratch)
    reset.ResetListViewFromView(source)
    source.ModifyListView(remove=[one])

    assert ids(made.view) == ids(reset.view) == ids([one, two])


@rule(
    call="CreateContainerView",
    says="A recursive view shows what lies below at any depth, one that is not only the children; types filter.",
    standing="documented",
    source="API reference, ViewManager.CreateContainerView",
)
def a_container_shows_what_is_below(scratch: Scratch) -> None:
    outer = folder(scratch)
    inner, vm, deep = outer.CreateFolder("inner"), scratch.machine("one"), scratch.machine("two")
    result_of(outer.MoveIntoFolder_Task([vm]))
    result_of(inner.MoveIntoFolder_Task([deep]))

    assert ids(container(scratch, outer).view) == ids([inner, vm, deep])
    assert ids(container(scratch, outer, recursive=False).view) == ids([inner, vm])
    assert ids(container(scratch, outer, vim.VirtualMachine).view) == ids([vm, deep])
    assert ids(container(scratch, outer, vim.ManagedEntity, recursive=False).view) == ids([inner, vm])


@rule(
    call="CreateContainerView",
    says="Of a resource pool a view that is not recursive shows the machines of its child pools too, not theirs.",
    standing="documented",
    source="API reference, ViewManager.CreateContainerView: ResourcePool",
)
def a_pool_shows_the_machines_of_its_children(scratch: Scratch) -> None:
    def below(parent: Any, name: str) -> Any:
        share = vim.SharesInfo(level="normal", shares=0)
        limits = vim.ResourceAllocationInfo(reservation=0, expandableReservation=True, limit=-1, shares=share)
        spec = vim.ResourceConfigSpec(cpuAllocation=limits, memoryAllocation=limits)
        return scratch.keep(parent.CreateResourcePool(scratch.named(name), spec))

    child = below(scratch.pool, "child")
    grandchild = below(child, "grandchild")
    near = scratch.keep(result_of(scratch.create("near", pool=child)))
    far = scratch.keep(result_of(scratch.create("far", pool=grandchild)))

    flat = container(scratch, scratch.pool, vim.VirtualMachine, recursive=False)
    assert moid(near) in ids(flat.view)
    assert moid(far) not in ids(flat.view)
    assert {moid(near), moid(far)} <= set(ids(container(scratch, scratch.pool, vim.VirtualMachine).view))


@rule(
    call="CreateContainerView",
    says="What is created, moved in, moved out or destroyed enters and leaves.",
    standing="documented",
    source="API reference, ViewManager.CreateContainerView: reflects any subsequent changes",
)
def a_container_follows(scratch: Scratch) -> None:
    there = folder(scratch)
    updates = watch(scratch, container(scratch, there, vim.VirtualMachine), NAME)
    assert updates.wait(0) is None

    vm = scratch.machine()
    result_of(there.MoveIntoFolder_Task([vm]))
    assert [entry[:2] for entry in updates.all()] == [("enter", moid(vm))]
    result_of(scratch.place.folder.MoveIntoFolder_Task([vm]))
    assert updates.all() == [("leave", moid(vm), {})]

    made = scratch.keep(result_of(there.CreateVM_Task(
        vim.vm.ConfigSpec(name=scratch.named("made"), files=vim.vm.FileInfo(
            vmPathName=f"[{scratch.place.datastore.name}]")), scratch.pool)))  # fmt: skip
    assert [entry[:2] for entry in updates.all()] == [("enter", moid(made))]
    result_of(made.Destroy_Task())
    assert updates.all() == [("leave", moid(made), {})]


@rule(
    call="CreateContainerView",
    says="What is no folder, datacenter, compute resource, pool or host is InvalidArgument.",
    standing="inferred",
    source="API reference, ViewManager.CreateContainerView names the types; the fault is inferred",
)
def a_machine_is_no_container(scratch: Scratch) -> None:
    vm = scratch.machine()

    refusal(lambda: scratch.content.viewManager.CreateContainerView(vm, [], True), vmodl.fault.InvalidArgument)


@rule(
    call="DestroyView",
    says="What a destroyed view showed leaves its filters; the view is ManagedObjectNotFound.",
    standing="inferred",
    source="a view exists until it is destroyed (documented); nothing found on filters that start at it",
)
def a_destroyed_view_is_empty(scratch: Scratch) -> None:
    vm = scratch.machine()
    view = scratch.content.viewManager.CreateListView([vm])
    updates = watch(scratch, view, NAME)
    updates.wait()

    view.DestroyView()

    assert updates.all() == [("leave", moid(vm), {})]
    refusal(view.DestroyView, vmodl.fault.ManagedObjectNotFound)


@rule(
    call="ViewManager.viewList",
    says="The list names the session's views.",
    standing="documented",
    source="API reference, ViewManager.viewList",
)
def views_are_listed(scratch: Scratch) -> None:
    view = list_of(scratch)

    assert moid(view) in ids(scratch.content.viewManager.viewList)


@rule(
    call="OpenInventoryViewFolder",
    says="An inventory view begins with the root folder and shows the children of what is opened, until it is closed.",
    standing="documented",
    source="API reference, InventoryView",
)
def an_inventory_view_is_opened(scratch: Scratch) -> None:
    there = folder(scratch)
    view = scratch.content.viewManager.CreateInventoryView()
    scratch.undo(view.DestroyView)
    assert ids(view.view) == [moid(scratch.content.rootFolder)]

    inner, gone = there.CreateFolder("inner"), dead(scratch)
    assert ids(view.OpenInventoryViewFolder([there, gone])) == [moid(gone)]
    assert {moid(there), moid(inner)} <= set(ids(view.view))
    later = there.CreateFolder("later")
    assert moid(later) in ids(view.view)

    view.CloseInventoryViewFolder([there])
    assert moid(there) in ids(view.view)
    assert moid(inner) not in ids(view.view)
