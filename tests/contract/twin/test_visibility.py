"""What somebody without System.View or System.Read sees: nothing, which is not the same as nothing being there."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.lab import Lab
from bed.soap import Updates, connect, moid, result_of
from bed.twin import Login, Twin
from verify.rule import rule

EVE = Login("eve@lab.example", "eve-password", "LAB.EXAMPLE\\eve")
PropertyCollector = vmodl.query.PropertyCollector


@pytest.fixture
def admin(shared_twin: Twin) -> Iterator[Lab]:
    """An administrator's login."""
    with connect(shared_twin) as instance:
        lab = Lab(shared_twin, instance)
        lab.prefix = "seen-"
        try:
            yield lab
        finally:
            lab.clean()


@pytest.fixture
def eve(shared_twin: Twin) -> Iterator[Any]:
    """The login of somebody who may read everything."""
    shared_twin.control.user(EVE, groups=[])
    for permission in shared_twin.control.permissions():
        if permission["principal"] == EVE.shown:
            shared_twin.control.permission(EVE, "", on=permission["object"])
    shared_twin.control.rules(ancestorsVisible=True, hiddenReferencesListed=False)
    shared_twin.control.permission(EVE, "ReadOnly")
    with connect(shared_twin, EVE) as instance:
        yield instance


def own(instance: Any, entity: Any) -> Any:
    """Return the same object through the other login."""
    return type(entity)(moid(entity), instance._stub)  # noqa: SLF001 - how pyVmomi names an object


def machines(instance: Any) -> set[str]:
    """Return the machines in a container view of everything."""
    content = instance.content
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)
    try:
        return {moid(vm) for vm in view.view}
    finally:
        view.DestroyView()


def read(instance: Any, entity: Any, *paths: str) -> Any:
    """Read properties of one object; returns its ObjectContent."""
    spec = PropertyCollector.FilterSpec(
        objectSet=[PropertyCollector.ObjectSpec(obj=own(instance, entity))],
        propSet=[PropertyCollector.PropertySpec(type=type(entity), pathSet=list(paths))],
    )
    [found] = instance.content.propertyCollector.RetrieveContents([spec])
    return found


@rule(
    call="RetrievePropertiesEx",
    says="A property that the caller may not read is in missingSet with NoPermission; the call itself succeeds.",
    standing="documented",
    source="API reference, PropertyCollector.RetrievePropertiesEx, ObjectContent.missingSet",
)
def test_what_may_not_be_read_is_missing_from_an_answer(shared_twin: Twin, admin: Lab, eve: Any) -> None:
    vm = admin.machine()
    shared_twin.control.permission(EVE, "NoAccess", on=moid(vm))

    found = read(eve, vm, "name", "config.guestId")

    assert not found.propSet
    wanted = {"name": "System.View", "config.guestId": "System.Read"}
    assert {m.path: m.fault.privilegeId for m in found.missingSet} == wanted
    assert all(isinstance(m.fault, vim.fault.NoPermission) and m.fault.object == own(eve, vm) for m in found.missingSet)


@rule(
    call="RetrievePropertiesEx",
    says="With System.View alone the name and the place of an entity can be read, and its configuration cannot.",
    standing="documented",
    source="API reference: the required privileges of ManagedEntity.name, parent and of VirtualMachine.config",
    switch="ancestorsVisible",
)
def test_whoever_is_given_something_sees_the_way_to_it(shared_twin: Twin, admin: Lab, eve: Any) -> None:
    shared_twin.control.permission(EVE, "")
    shared_twin.control.permission(EVE, "ReadOnly", on=moid(admin.switch))

    found = read(eve, admin.datacenter, "name", "configuration", "overallStatus")

    assert {p.name for p in found.propSet} >= {"name"}
    assert {m.path for m in found.missingSet} == {"overallStatus"}
    assert list(own(eve, admin.datacenter).effectiveRole) == [-3]
    shared_twin.control.rules(ancestorsVisible=False)
    with pytest.raises(vim.fault.NoPermission):
        _ = own(eve, admin.datacenter).name


@rule(
    call="CreateContainerView",
    says="A view holds only what the caller may see.",
    standing="inferred",
    source="API reference, SearchIndex, says it of searches",
)
def test_a_view_holds_what_may_be_seen(shared_twin: Twin, admin: Lab, eve: Any) -> None:
    vm = admin.machine()
    assert machines(eve) == machines(admin.instance)

    shared_twin.control.permission(EVE, "NoAccess", on=moid(vm))

    assert machines(eve) == machines(admin.instance) - {moid(vm)}


@rule(
    call="FindByUuid",
    says="Searches look only at machines and hosts that the caller may read; what he may not is not found.",
    standing="documented",
    source="API reference, SearchIndex",
)
def test_a_search_does_not_find_what_may_not_be_read(shared_twin: Twin, admin: Lab, eve: Any) -> None:
    vm = admin.machine()
    uuid = vm.config.instanceUuid
    path = f"DC0/vm/{vm.name}"
    search = eve.content.searchIndex
    assert search.FindByUuid(None, uuid, True, True) == own(eve, vm)
    assert search.FindByInventoryPath(path) == own(eve, vm)

    shared_twin.control.permission(EVE, "NoAccess", on=moid(vm))

    assert search.FindByUuid(None, uuid, True, True) is None
    assert not search.FindAllByUuid(None, uuid, True, True)
    assert search.FindByInventoryPath(path) is None
    assert admin.content.searchIndex.FindByUuid(None, uuid, True, True) == vm


@rule(
    call="Folder.childEntity",
    says="A list of references does not name what the caller may not see.",
    standing="inferred",
    source="nothing found",
    switch="hiddenReferencesListed",
)
def test_lists_leave_out_what_may_not_be_seen(shared_twin: Twin, admin: Lab, eve: Any) -> None:
    vm = admin.machine()
    shared_twin.control.permission(EVE, "NoAccess", on=moid(vm))
    folder = own(eve, admin.place.folder)

    assert moid(vm) not in {moid(child) for child in folder.childEntity}
    shared_twin.control.rules(hiddenReferencesListed=True)
    assert moid(vm) in {moid(child) for child in folder.childEntity}


@rule(
    call="WaitForUpdatesEx",
    says="An object that the caller may not see any more leaves, and enters again when he may.",
    standing="inferred",
    source="API reference, ObjectUpdateKind.leave names destruction as one example",
)
@pytest.mark.parametrize("kind", ["container view", "list view", "object"])
def test_an_object_leaves_with_the_permission_and_comes_back(
    shared_twin: Twin, admin: Lab, eve: Any, kind: str
) -> None:
    vm = admin.machine()
    manager = eve.content.viewManager
    start: Any = {
        "container view": lambda: manager.CreateContainerView(eve.content.rootFolder, [vim.VirtualMachine], True),
        "list view": lambda: manager.CreateListView([own(eve, vm)]),
        "object": lambda: own(eve, vm),
    }[kind]()
    updates = Updates(eve, start, {vim.VirtualMachine: ["name"]})
    assert ("enter", moid(vm), {"name": vm.name}) in updates.all(0)

    shared_twin.control.permission(EVE, "NoAccess", on=moid(vm))
    assert [(how, who) for how, who, _ in updates.all(0)] == [("leave", moid(vm))]

    shared_twin.control.permission(EVE, "", on=moid(vm))
    assert updates.all(0) == [("enter", moid(vm), {"name": vm.name})]


@rule(
    call="WaitForUpdatesEx",
    says="Losing sight of an object ends a wait under way with its leave.",
    standing="inferred",
    source="as for any object that leaves a view",
)
def test_a_lost_permission_wakes_who_waits(shared_twin: Twin, admin: Lab, eve: Any) -> None:
    vm = admin.machine()
    updates = Updates(eve, own(eve, vm), {vim.VirtualMachine: ["name"]})
    updates.all(0)
    told: list[Any] = []
    waiter = threading.Thread(target=lambda: told.append(updates.wait(20)))
    waiter.start()

    shared_twin.control.permission(EVE, "NoAccess", on=moid(vm))

    waiter.join(10)
    assert not waiter.is_alive()
    [change] = told[0].filterSet[0].objectSet
    assert (change.kind, moid(change.obj)) == ("leave", moid(vm))


@rule(
    call="WaitForUpdatesEx",
    says="A property that may not be read is in the update's missingSet, and comes when it may.",
    standing="documented",
    source="API reference, ObjectUpdate.missingSet: SecurityError",
)
def test_an_unreadable_property_is_in_the_missing_set(shared_twin: Twin, admin: Lab, eve: Any) -> None:
    shared_twin.control.permission(EVE, "")
    shared_twin.control.permission(EVE, "ReadOnly", on=moid(admin.switch))
    updates = Updates(eve, own(eve, admin.datacenter), {vim.Datacenter: ["name", "overallStatus"]})

    [change] = updates.wait(0).filterSet[0].objectSet
    assert [c.name for c in change.changeSet] == ["name"]
    assert [(m.path, m.fault.privilegeId) for m in change.missingSet] == [("overallStatus", "System.Read")]

    shared_twin.control.permission(EVE, "ReadOnly", on=moid(admin.datacenter))
    [change] = updates.wait(0).filterSet[0].objectSet
    assert [c.name for c in change.changeSet] == ["overallStatus"]


@rule(
    call="ManagedObjectNotFound",
    says="Losing sight of an object is not its deletion: a call on it is NoPermission.",
    standing="inferred",
    source="API reference, ManagedObjectNotFound: deleted or not completely created",
)
def test_losing_sight_is_not_deletion(shared_twin: Twin, admin: Lab, eve: Any) -> None:
    vm = admin.machine()
    seen = own(eve, vm)
    shared_twin.control.permission(EVE, "NoAccess", on=moid(vm))
    with pytest.raises(vim.fault.NoPermission):
        seen.PowerOnVM_Task()

    admin.clean()

    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        seen.PowerOnVM_Task()
    assert not [p for p in shared_twin.control.permissions() if p["object"] == moid(vm)]


@rule(
    call="Task",
    says="Whoever started a task may follow it, also when the entity is out of his sight by then.",
    standing="inferred",
    source="nothing found",
)
def test_somebody_follows_the_task_he_started(shared_twin: Twin, admin: Lab, eve: Any) -> None:
    vm = admin.machine()
    shared_twin.control.role("starter", ["VirtualMachine.Interact.PowerOn"])
    shared_twin.control.permission(EVE, "starter", on=moid(vm))
    hold = shared_twin.control.hold("PowerOnVM_Task")
    task = own(eve, vm).PowerOnVM_Task()
    shared_twin.control.permission(EVE, "NoAccess", on=moid(vm))
    shared_twin.control.release(hold)

    updates = Updates(eve, task, {vim.Task: ["info.state"]})

    assert [(how, who) for how, who, _ in updates.all(0)] == [("enter", moid(task))]


@rule(
    call="CreateContainerView",
    says="A new machine enters the view of whoever has a permission that reaches it.",
    standing="inferred",
    source="vSphere Security, Hierarchical Inheritance of Permissions",
)
def test_a_new_machine_enters_the_view_of_somebody_restricted(shared_twin: Twin, admin: Lab, eve: Any) -> None:
    shared_twin.control.permission(EVE, "")
    shared_twin.control.permission(EVE, "ReadOnly", on=moid(admin.datacenter))
    view = eve.content.viewManager.CreateContainerView(eve.content.rootFolder, [vim.VirtualMachine], True)
    updates = Updates(eve, view, {vim.VirtualMachine: ["name"]})
    updates.all(0)

    vm = admin.machine("later")

    assert ("enter", moid(vm), {"name": vm.name}) in updates.all(5)


@rule(
    call="MoveIntoFolder_Task",
    says="A machine has the permissions of where it is: moved out of sight it leaves, moved back it enters.",
    standing="inferred",
    source="vSphere Security, Hierarchical Inheritance of Permissions",
)
def test_a_moved_machine_has_the_permissions_of_its_new_place(shared_twin: Twin, admin: Lab, eve: Any) -> None:
    vm = admin.machine()
    hidden = admin.keep(admin.place.folder.CreateFolder("seen-hidden"))
    shared_twin.control.permission(EVE, "")
    shared_twin.control.permission(EVE, "ReadOnly", on=moid(admin.datacenter))
    shared_twin.control.permission(EVE, "NoAccess", on=moid(admin.pool))
    shared_twin.control.permission(EVE, "NoAccess", on=moid(hidden))
    updates = Updates(eve, own(eve, vm), {vim.VirtualMachine: ["name"]})
    assert updates.all(0) == [("enter", moid(vm), {"name": vm.name})]

    result_of(hidden.MoveIntoFolder_Task([vm]))
    assert [(how, who) for how, who, _ in updates.all(5)] == [("leave", moid(vm))]

    result_of(admin.place.folder.MoveIntoFolder_Task([vm]))
    assert updates.all(5) == [("enter", moid(vm), {"name": vm.name})]


@rule(
    call="AuthorizationManager",
    says="Roles and permissions are of the backup after a restore, as the inventory is.",
    standing="inferred",
    source="they are in the same database",
)
def test_a_backup_brings_the_permissions_back(shared_twin: Twin, admin: Lab, eve: Any) -> None:
    switch = moid(admin.switch)
    assert eve.CurrentTime()
    shared_twin.control.checkpoint("before")
    shared_twin.control.permission(EVE, "NoAccess", on=switch)

    shared_twin.control.restore("before")

    assert {p["object"] for p in shared_twin.control.permissions() if p["principal"] == EVE.shown} == {"group-d1"}
