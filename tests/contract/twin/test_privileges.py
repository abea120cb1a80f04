"""What the twin requires of a caller: each call its privileges, on every object that it touches."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed import privilege_table
from bed.lab import Lab
from bed.soap import connect, find, message_of, moid, result_of
from bed.twin import Login, Twin
from verify import machines
from verify.rule import rule
from verify.scratch import Switch

EVE = Login("eve@lab.example", "eve-password", "LAB.EXAMPLE\\eve")
Card = vim.vm.device.VirtualEthernetCard
Permission = vim.AuthorizationManager.Permission


@pytest.fixture
def admin(shared_twin: Twin) -> Iterator[Lab]:
    """An administrator's login."""
    with connect(shared_twin) as instance:
        lab = Lab(shared_twin, instance)
        lab.prefix = "priv-"
        try:
            yield lab
        finally:
            lab.clean()


@pytest.fixture
def eve(shared_twin: Twin) -> Iterator[Lab]:
    """The login of somebody who has the role `eve` everywhere; it can read everything and do nothing."""
    shared_twin.control.user(EVE, groups=[])
    shared_twin.control.role("eve", [])
    for permission in shared_twin.control.permissions():
        if permission["principal"] == EVE.shown:
            shared_twin.control.permission(EVE, "", on=permission["object"])
    shared_twin.control.permission(EVE, "eve")
    with connect(shared_twin, EVE) as instance:
        yield Lab(shared_twin, instance)


def denied(call: Callable[[], Any]) -> Any:
    """Return the NoPermission that a call raises at once."""
    with pytest.raises(vim.fault.NoPermission) as caught:
        call()
    assert not isinstance(caught.value, vim.fault.NotAuthenticated)
    assert message_of(caught.value) == "Permission to perform this operation was denied."
    return caught.value


@dataclass(frozen=True)
class Case:
    """A call, and exactly what it requires.

    Args:
        name: For the report.
        privileges: All of them, on some object.
        prepare: Makes what is needed as an administrator; returns what `call` is given.
        call: Makes the call as somebody else.
    """

    name: str
    privileges: tuple[str, ...]
    prepare: Callable[[Lab], Any]
    call: Callable[[Lab, Any], Any]


def own(eve: Lab, entity: Any) -> Any:
    """Return the same object through the other login."""
    return type(entity)(moid(entity), eve.instance._stub)  # noqa: SLF001 - how pyVmomi names an object


def reconfigure(**members: Any) -> Callable[[Lab, Any], Any]:
    """Return a call that reconfigures a machine."""
    return lambda eve, vm: own(eve, vm).ReconfigVM_Task(vim.vm.ConfigSpec(**members))


def reconfigure_group(**members: Any) -> Callable[[Lab, Any], Any]:
    """Return a call that reconfigures a port group with its current version."""
    return lambda eve, group: eve.reconfigure(own(eve, group), **members)


def change_device(
    pick: Callable[[Lab, Any], Any], operation: str, *, file: str | None = None
) -> Callable[[Lab, Any], Any]:
    """Return a call that changes a device of a machine."""

    def call(eve: Lab, vm: Any) -> Any:
        device = pick(eve, own(eve, vm))
        spec = vim.vm.device.VirtualDeviceSpec(operation=operation, fileOperation=file, device=device)
        return own(eve, vm).ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[spec]))

    return call


def a_nic(eve: Lab, _vm: Any) -> Any:
    """A new NIC on the model's port group."""
    return eve.nic_on(find(eve.instance, vim.dvs.DistributedVirtualPortgroup, "DC0_DVPG0"))


def keyed(device: Any, key: int) -> Any:
    """The same device with another key."""
    device.key = key
    return device


def machine_with_nic(admin: Lab, group: Any = None) -> Any:
    """A machine with one NIC on a port group, the model's if none is given."""
    group = group or find(admin.instance, vim.dvs.DistributedVirtualPortgroup, "DC0_DVPG0")
    change = vim.vm.device.VirtualDeviceSpec(operation="add", device=admin.nic_on(group))
    return admin.machine(deviceChange=[change])


def readdressed_nic(eve: Lab, vm: Any) -> Any:
    """The machine's NIC with an address of its owner's choice."""
    nic = eve.nic(vm)
    nic.addressType, nic.macAddress = "manual", "00:50:56:3f:aa:04"
    return nic


def unplugged(nic: Any) -> Any:
    """The same NIC, which is not to be connected when its machine starts."""
    nic.connectable.startConnected = False
    return nic


def a_disk(_eve: Lab, vm: Any) -> Any:
    """A second disk beside the first."""
    first = machines.disk_of(vm.config)
    backing = type(first).FlatVer2BackingInfo(diskMode="persistent", fileName=f"[{vm.datastore[0].name}]")
    return type(first)(key=-2, controllerKey=first.controllerKey, unitNumber=1, capacityInKB=1024, backing=backing)


def a_grown_disk(_eve: Lab, vm: Any) -> Any:
    """The machine's disk with twice its capacity."""
    disk = machines.disk_of(vm.config)
    disk.capacityInKB, disk.capacityInBytes = disk.capacityInKB * 2, disk.capacityInBytes * 2
    return disk


def a_disk_without_snapshots(_eve: Lab, vm: Any) -> Any:
    """The machine's disk, left out of snapshots."""
    disk = machines.disk_of(vm.config)
    disk.backing.diskMode = "independent_persistent"
    return disk


def a_disk_with_shares(_eve: Lab, vm: Any) -> Any:
    """The machine's disk with more than its share."""
    disk = machines.disk_of(vm.config)
    disk.storageIOAllocation = vim.StorageResourceManager.IOAllocationInfo(
        limit=-1, shares=vim.SharesInfo(level="high", shares=2000)
    )
    return disk


def clone(eve: Lab, vm: Any) -> Any:
    """Clone a machine into the pool it is in."""
    source = own(eve, vm)
    spec = vim.vm.CloneSpec(location=vim.vm.RelocateSpec(pool=eve.pool), powerOn=False, template=False)
    return source.CloneVM_Task(folder=eve.place.folder, name="priv-clone", spec=spec)


CASES = [
    Case("create a port group", ("DVPortgroup.Create",), lambda _: None,
         lambda eve, _: eve.switch.CreateDVPortgroup_Task(eve.group_spec("priv-made"))),
    Case("reconfigure a port group", ("DVPortgroup.Modify",), Lab.port_group, reconfigure_group(description="x")),
    Case("the policy of a port group", ("DVPortgroup.Modify", "DVPortgroup.PolicyOp"), Lab.port_group,
         reconfigure_group(policy=Switch.VMwarePortgroupPolicy())),
    Case("rename a port group", ("DVPortgroup.Modify",), Lab.port_group,
         lambda eve, group: own(eve, group).Rename_Task("priv-renamed")),
    Case("destroy a port group", ("DVPortgroup.Delete",), Lab.port_group,
         lambda eve, group: own(eve, group).Destroy_Task()),
    Case("create a machine", ("VirtualMachine.Inventory.Create", "Resource.AssignVMToPool", "Datastore.AllocateSpace"),
         lambda _: None, lambda eve, _: eve.create("priv-new")),
    Case("clone a machine",
         ("VirtualMachine.Provisioning.Clone", "VirtualMachine.Inventory.CreateFromExisting",
          "Resource.AssignVMToPool", "Datastore.AllocateSpace", "Network.Assign"), machine_with_nic, clone),
    Case("settings", ("VirtualMachine.Config.Settings",), Lab.machine, reconfigure(nestedHVEnabled=True)),
    Case("firmware", ("VirtualMachine.Config.Settings",), Lab.machine, reconfigure(firmware="efi")),
    Case("CPUs", ("VirtualMachine.Config.CPUCount",), Lab.machine, reconfigure(numCPUs=2)),
    Case("memory", ("VirtualMachine.Config.Memory",), Lab.machine, reconfigure(memoryMB=64)),
    Case("a name", ("VirtualMachine.Config.Rename",), Lab.machine, reconfigure(name="priv-named")),
    Case("a note", ("VirtualMachine.Config.Annotation",), Lab.machine, reconfigure(annotation="x")),
    Case("a mark", ("VirtualMachine.Config.AdvancedConfig",), Lab.machine,
         reconfigure(extraConfig=[vim.option.OptionValue(key="a", value="b")])),
    Case("no note", ("VirtualMachine.Config.Annotation",), Lab.machine, reconfigure(annotation="")),
    Case("another identity", ("VirtualMachine.Config.Settings",), Lab.machine, reconfigure(instanceUuid="")),
    Case("a reservation", ("VirtualMachine.Config.Resource",), Lab.machine,
         reconfigure(memoryReservationLockedToMax=True)),
    Case("hot add", ("VirtualMachine.Config.CPUCount", "VirtualMachine.Config.Memory"), Lab.machine,
         reconfigure(cpuHotAddEnabled=True, memoryHotAddEnabled=True)),
    Case("change tracking", ("VirtualMachine.Config.ChangeTracking",), Lab.machine,
         reconfigure(changeTrackingEnabled=True)),
    Case("a manager", ("VirtualMachine.Config.ManagedBy",), Lab.machine,
         reconfigure(managedBy=vim.ext.ManagedByInfo(extensionKey="a", type="b"))),
    Case("two fields", ("VirtualMachine.Config.Memory", "VirtualMachine.Config.CPUCount"), Lab.machine,
         reconfigure(memoryMB=64, numCPUs=2)),
    Case("add a NIC", ("VirtualMachine.Config.AddRemoveDevice", "Network.Assign"), Lab.machine,
         change_device(a_nic, "add")),
    Case("remove a NIC", ("VirtualMachine.Config.AddRemoveDevice",), machine_with_nic,
         change_device(lambda eve, vm: eve.nic(vm), "remove")),
    Case("an address", ("VirtualMachine.Config.EditDevice",), machine_with_nic,
         change_device(readdressed_nic, "edit")),
    Case("an address of a NIC that starts unplugged",
         ("VirtualMachine.Config.EditDevice", "VirtualMachine.Interact.DeviceConnection"), machine_with_nic,
         change_device(lambda eve, vm: unplugged(readdressed_nic(eve, vm)), "edit")),
    Case("plug a NIC", ("VirtualMachine.Interact.DeviceConnection",), machine_with_nic,
         change_device(lambda eve, vm: unplugged(eve.nic(vm)), "edit")),
    Case("move a NIC", ("VirtualMachine.Config.EditDevice", "Network.Assign"),
         lambda admin: machine_with_nic(admin, admin.port_group()),
         change_device(lambda eve, vm: keyed(a_nic(eve, vm), eve.nic(vm).key), "edit")),
    Case("add a disk", ("VirtualMachine.Config.AddNewDisk", "Datastore.AllocateSpace"), machines.machine,
         change_device(a_disk, "add", file="create")),
    Case("grow a disk", ("VirtualMachine.Config.DiskExtend", "Datastore.AllocateSpace"), machines.machine,
         change_device(a_grown_disk, "edit")),
    Case("the mode of a disk", ("VirtualMachine.Config.EditDevice",), machines.machine,
         change_device(a_disk_without_snapshots, "edit")),
    Case("the shares of a disk", ("VirtualMachine.Config.Resource",), machines.machine,
         change_device(a_disk_with_shares, "edit")),
    Case("remove a disk", ("VirtualMachine.Config.RemoveDisk",), machines.machine,
         change_device(lambda _, vm: machines.disk_of(vm.config), "remove")),
    Case("power on", ("VirtualMachine.Interact.PowerOn",), Lab.machine, lambda eve, vm: own(eve, vm).PowerOnVM_Task()),
    Case("rename a machine", ("VirtualMachine.Config.Rename",), Lab.machine,
         lambda eve, vm: own(eve, vm).Rename_Task("priv-other")),
    Case("destroy a machine", ("VirtualMachine.Inventory.Delete",), Lab.machine,
         lambda eve, vm: own(eve, vm).Destroy_Task()),
    Case("snapshot", ("VirtualMachine.State.CreateSnapshot",), Lab.machine,
         lambda eve, vm: own(eve, vm).CreateSnapshot_Task("s", "", memory=False, quiesce=False)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@rule(
    call="NoPermission",
    says="A call requires its privileges, all of them and no others; one that is missing is named with its object.",
    standing="documented",
    source="API reference: the required privileges of each method and of each field of VirtualMachineConfigSpec",
)
def test_a_call_requires_exactly_its_privileges(shared_twin: Twin, admin: Lab, eve: Lab, case: Case) -> None:
    given = case.prepare(admin)
    tasks = len(shared_twin.control.state().tasks)

    for missing in case.privileges:
        shared_twin.control.role("eve", [p for p in case.privileges if p != missing])
        fault = denied(lambda: case.call(eve, given))
        assert fault.privilegeId == missing
        assert missing in {p for entry in fault.missingPrivileges for p in entry.privilegeIds}
    assert len(shared_twin.control.state().tasks) == tasks, "a refused call starts no task"

    shared_twin.control.role("eve", case.privileges)
    made = result_of(case.call(eve, given))
    if isinstance(made, vim.ManagedEntity) and made != given:
        result_of(own(admin, made).Destroy_Task())


@rule(
    call="Destroy_Task",
    says="Requires its privilege on the object and on its parent.",
    standing="documented",
    source="API reference, ManagedEntity.Destroy_Task",
)
def test_deleting_requires_the_privilege_on_the_parent_as_well(shared_twin: Twin, admin: Lab, eve: Lab) -> None:
    group = admin.port_group()
    shared_twin.control.role("deleter", ["DVPortgroup.Delete"])
    shared_twin.control.permission(EVE, "deleter", on=moid(group))

    fault = denied(own(eve, group).Destroy_Task)

    assert fault.object == own(eve, group.parent)
    assert fault.privilegeId == "DVPortgroup.Delete"


@rule(
    call="AddPortGroup",
    says="NoPermission names the host, not its network system.",
    standing="observed",
    source="pyvmomi issue 704",
)
def test_a_host_is_named_and_not_its_network_system(eve: Lab) -> None:
    system = eve.network_system

    fault = denied(system.RefreshNetworkSystem)

    assert (fault.object, fault.privilegeId) == (eve.host, "Host.Config.Network")


@rule(
    call="Login",
    says="Somebody with the right password and without any role gets NoPermission.",
    standing="documented",
    source="API reference, SessionManager.Login",
)
def test_nobody_logs_in_without_a_role(shared_twin: Twin) -> None:
    shared_twin.control.user(Login("mallory@lab.example", "m", ""), groups=[])

    with pytest.raises(vim.fault.NoPermission), connect(shared_twin, Login("mallory@lab.example", "m", "")):
        pass


@rule(
    call="SetEntityPermissions",
    says="A permission takes effect on sessions that are live, at once, and so does its removal.",
    standing="inferred",
    source="AuthorizationManager has no notion of a session's own copy",
)
def test_a_permission_counts_from_the_next_call_on(admin: Lab, eve: Lab) -> None:
    vm = admin.machine()
    manager = admin.content.authorizationManager
    denied(lambda: own(eve, vm).Rename_Task("priv-mine"))

    manager.SetEntityPermissions(vm, [Permission(principal=EVE.shown, group=False, roleId=-1, propagate=False)])
    result_of(own(eve, vm).Rename_Task("priv-mine"))
    assert [p.principal for p in vm.permission] == [EVE.shown]
    assert list(own(eve, vm).effectiveRole) == [-1]

    manager.RemoveEntityPermission(vm, EVE.shown, False)
    denied(lambda: own(eve, vm).Rename_Task("priv-yours"))


@rule(
    call="UpdateAuthorizationRole",
    says="A change of a role changes what everybody may do who has it, at once.",
    standing="inferred",
    source="a permission refers to a role by its id",
)
def test_a_changed_role_counts_from_the_next_call_on(shared_twin: Twin, admin: Lab, eve: Lab) -> None:
    vm = admin.machine()
    key = shared_twin.control.role("eve", [])
    denied(own(eve, vm).PowerOnVM_Task)

    admin.content.authorizationManager.UpdateAuthorizationRole(key, "eve", ["VirtualMachine.Interact.PowerOn"])

    result_of(own(eve, vm).PowerOnVM_Task())


@rule(
    call="RemoveAuthorizationRole",
    says="RemoveFailed while a permission uses the role and failIfUsed is set.",
    standing="documented",
    source="API reference, AuthorizationManager.RemoveAuthorizationRole",
)
def test_a_role_in_use_stays_if_asked_to(shared_twin: Twin, admin: Lab, eve: Lab) -> None:
    key = shared_twin.control.role("eve", [])
    assert eve.instance.CurrentTime()

    with pytest.raises(vim.fault.RemoveFailed):
        admin.content.authorizationManager.RemoveAuthorizationRole(key, True)

    used = admin.content.authorizationManager.RetrieveRolePermissions(key)
    assert [(p.principal, p.roleId) for p in used] == [(EVE.shown, key)]


@rule(
    call="SetEntityPermissions",
    says="Nobody gives a role with privileges that he has not got himself.",
    standing="documented",
    source="API reference, AuthorizationManager.SetEntityPermissions",
)
def test_nobody_gives_what_he_has_not_got(shared_twin: Twin, admin: Lab, eve: Lab) -> None:
    vm = admin.machine()
    shared_twin.control.role("eve", ["Authorization.ModifyPermissions"])
    manager = eve.content.authorizationManager

    def permission(role: int) -> Any:
        return Permission(principal=EVE.shown, group=False, roleId=role, propagate=False)

    denied(lambda: manager.SetEntityPermissions(own(eve, vm), [permission(-1)]))
    manager.SetEntityPermissions(own(eve, vm), [permission(-2)])
    assert [p.roleId for p in vm.permission] == [-2]


@rule(
    call="SetEntityPermissions",
    says="AuthMinimumAdminPermission for what would leave the root without an administrator.",
    standing="documented",
    source="API reference, AuthorizationManager.SetEntityPermissions",
)
def test_the_root_keeps_an_administrator(admin: Lab) -> None:
    manager, root = admin.content.authorizationManager, admin.content.rootFolder
    manager.RemoveEntityPermission(root, "VSPHERE.LOCAL\\Administrator", False)

    with pytest.raises(vim.fault.AuthMinimumAdminPermission):
        manager.RemoveEntityPermission(root, "VSPHERE.LOCAL\\Administrators", True)

    back = Permission(principal="VSPHERE.LOCAL\\Administrator", group=False, roleId=-1, propagate=True)
    manager.SetEntityPermissions(root, [back])


@rule(
    call="RetrieveEntityPermissions",
    says="The entity's own permissions; with inherited also those that its parents propagate to it.",
    standing="documented",
    source="API reference, AuthorizationManager.RetrieveEntityPermissions",
)
def test_inherited_permissions_are_told_with_their_owner(admin: Lab, eve: Lab) -> None:
    vm = admin.machine()
    manager = admin.content.authorizationManager
    assert eve.instance.CurrentTime()

    assert not manager.RetrieveEntityPermissions(vm, False)
    inherited = manager.RetrieveEntityPermissions(vm, True)

    assert (EVE.shown, admin.content.rootFolder) in {(p.principal, p.entity) for p in inherited}


@rule(
    call="HasPrivilegeOnEntities",
    says="Requires System.Read on each entity, and answers for the session that is named.",
    standing="documented",
    source="API reference, AuthorizationManager.HasPrivilegeOnEntities",
)
def test_a_session_can_ask_what_it_may_do(shared_twin: Twin, admin: Lab, eve: Lab) -> None:
    vm = admin.machine()
    shared_twin.control.role("eve", ["VirtualMachine.Interact.PowerOn"])
    key = eve.content.sessionManager.currentSession.key
    asked = ["VirtualMachine.Interact.PowerOn", "VirtualMachine.Interact.PowerOff", "No.Such.Privilege"]
    manager = eve.content.authorizationManager

    assert list(manager.HasPrivilegeOnEntity(own(eve, vm), key, asked)) == [True, False, False]
    [answer] = manager.HasUserPrivilegeOnEntities([own(eve, vm)], EVE.shown, asked)
    assert [p.isGranted for p in answer.privAvailability] == [True, False, False]
    [fetched] = manager.FetchUserPrivilegeOnEntities([own(eve, vm)], EVE.shown)
    assert "VirtualMachine.Interact.PowerOn" in fetched.privileges

    shared_twin.control.permission(EVE, "NoAccess", on=moid(vm))
    fault = denied(lambda: manager.HasPrivilegeOnEntity(own(eve, vm), key, asked))
    assert fault.privilegeId == "System.Read"


@rule(
    call="SessionManager.sessionList",
    says="Requires Sessions.TerminateSession, as ending others' sessions does; currentSession requires nothing.",
    standing="documented",
    source="API reference, SessionManager.sessionList, TerminateSession",
)
def test_the_sessions_of_others_are_nobodys_business(admin: Lab, eve: Lab) -> None:
    manager = eve.content.sessionManager
    other = admin.content.sessionManager.currentSession.key

    assert manager.currentSession.userName == EVE.shown
    assert denied(lambda: manager.sessionList).privilegeId == "Sessions.TerminateSession"
    assert denied(lambda: manager.TerminateSession([other])).privilegeId == "Sessions.TerminateSession"
    assert denied(lambda: manager.SessionIsActive(other, "x")).privilegeId == "Sessions.ValidateSession"


@rule(
    call="PermissionAddedEvent",
    says="Giving, changing and taking a role away is told with the entity, the principal and both roles.",
    standing="documented",
    source="API reference, PermissionAddedEvent, PermissionUpdatedEvent, PermissionRemovedEvent",
)
def test_changes_of_permissions_are_events(admin: Lab, eve: Lab) -> None:
    vm = admin.machine()
    manager = admin.content.authorizationManager
    assert eve.instance.CurrentTime()
    for role in (-2, -1):
        manager.SetEntityPermissions(vm, [Permission(principal=EVE.shown, group=False, roleId=role, propagate=True)])
    manager.RemoveEntityPermission(vm, EVE.shown, False)

    events = [e for e in admin.content.eventManager.QueryEvents(vim.event.EventFilterSpec())
              if isinstance(e, vim.event.PermissionEvent) and e.entity.entity == vm]  # fmt: skip

    added, updated, removed = sorted(events, key=lambda e: e.key)
    assert isinstance(updated, vim.event.PermissionUpdatedEvent)
    assert updated.prevRole is not None
    assert isinstance(added, vim.event.PermissionAddedEvent)
    assert isinstance(removed, vim.event.PermissionRemovedEvent)
    assert (added.principal, added.role.name, added.propagate) == (EVE.shown, "ReadOnly", True)
    assert (updated.prevRole.name, updated.role.name) == ("ReadOnly", "Admin")
    assert added.userName == admin.content.sessionManager.currentSession.userName


@pytest.mark.infrastructure("the table of privileges")
def test_the_table_of_privileges_is_what_pyvmomi_names() -> None:
    assert privilege_table.TARGET.read_text(encoding="utf-8") == privilege_table.table(), (
        "run: python -m bed.privilege_table"
    )


@rule(
    call="AuthorizationManager.privilegeList",
    says="Every privilege that a method of the API names is in the list.",
    standing="documented",
    source="the privileges of the API as pyVmomi declares them",
)
def test_every_privilege_that_pyvmomi_names_is_in_the_list(admin: Lab) -> None:
    known = {p.privId for p in admin.content.authorizationManager.privilegeList}
    named = {
        word.rpartition("=")[2]
        for line in privilege_table.table().splitlines()
        if line.startswith("  ")
        for word in line.split()[2:]
    } - {"-"}

    assert len(named) > 150
    assert named <= known


@pytest.mark.infrastructure("a request to the control API")
@pytest.mark.parametrize(
    ("route", "body", "says"),
    [
        ("roles", {"name": "x", "privileges": ["No.Such"]}, "privileges: .*No.Such"),
        ("roles", {"name": "Admin", "privileges": []}, "name: Admin is a role of the system"),
        ("permissions", {"principal": "x", "role": "nothing"}, "role: .*nothing"),
        ("permissions", {"principal": "x", "role": "Admin", "object": "nowhere"}, "nowhere"),
        ("sessions/limits", {"max": -1}, "max: -1"),
    ],
)
def test_a_wrong_request_is_refused_by_name(shared_twin: Twin, route: str, body: dict[str, Any], says: str) -> None:
    with pytest.raises(Exception, match=says):
        shared_twin.control._post(route, body)  # noqa: SLF001 - what the typed client does not let through


@rule(
    call="RetrievePropertiesEx",
    says="Reading an object that somebody may not see is NoPermission with System.View; one that is not there is "
    "ManagedObjectNotFound.",
    standing="inferred",
    source="API reference, NoPermission and ManagedObjectNotFound; which comes: nothing found",
)
def test_unreadable_properties_are_read_as_missing_by_a_plain_read(shared_twin: Twin, admin: Lab, eve: Lab) -> None:
    vm = admin.machine()
    shared_twin.control.permission(EVE, "NoAccess", on=moid(vm))

    fault = denied(lambda: own(eve, vm).name)

    assert (fault.object, fault.privilegeId) == (own(eve, vm), "System.View")
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        _ = vim.VirtualMachine("vm-987654", eve.instance._stub).name  # noqa: SLF001 - a machine that is not there
