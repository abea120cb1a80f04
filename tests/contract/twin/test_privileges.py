"""Roles and permissions, and what becomes of a call without them; test_privileges_calls.py goes call by call."""

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed import privilege_table
from bed.lab import Lab
from bed.soap import connect, moid, result_of
from bed.twin import Login, Twin
from support.permitted import EVE, denied, own
from verify.rule import rule

Permission = vim.AuthorizationManager.Permission


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
