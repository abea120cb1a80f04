"""Privileges and roles: what the AuthorizationManager knows, and what it refuses.

The checks log in as an administrator and give nobody anything; what a missing privilege does to a second user is shown
in `tests/contract/twin`. A role that a check makes is removed by it.
"""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from verify.rule import rule
from verify.scratch import Scratch

ALWAYS = {"System.Anonymous", "System.Read", "System.View"}


def role_of(scratch: Scratch, key: int) -> Any:
    """Return a role by its id."""
    return next(role for role in scratch.content.authorizationManager.roleList if role.roleId == key)


@contextlib.contextmanager
def a_role(scratch: Scratch, *privileges: str) -> Iterator[int]:
    """Make a role of the check's own; it is gone afterwards."""
    manager = scratch.content.authorizationManager
    key = manager.AddAuthorizationRole(scratch.named("role"), list(privileges))
    try:
        yield key
    finally:
        manager.RemoveAuthorizationRole(key, False)


@rule(
    call="AuthorizationManager.privilegeList",
    says="Lists the privileges with their groups, those of the API reference's methods among them.",
    standing="documented",
    source="API reference, AuthorizationManager.privilegeList, AuthorizationPrivilege",
)
def privileges_have_names_and_groups(scratch: Scratch) -> None:
    known = {p.privId: p for p in scratch.content.authorizationManager.privilegeList}

    assert known["DVPortgroup.Modify"].privGroupName == "DVPortgroup"
    assert known["VirtualMachine.Config.Settings"].name == "Settings"
    assert known["VirtualMachine.Config.Settings"].privGroupName == "VirtualMachine.Config"
    assert {"Host.Config.Network", "Sessions.TerminateSession", *ALWAYS} <= set(known)


@rule(
    call="AuthorizationManager.roleList",
    says="The system's roles have fixed negative ids: Admin -1, ReadOnly -2, View -3, Anonymous -4, NoAccess -5.",
    standing="observed",
    source="govmomi simulator/esx/authorization_manager.go, captured from a vCenter",
)
def the_system_has_roles_of_its_own(scratch: Scratch) -> None:
    roles = {r.name: r for r in scratch.content.authorizationManager.roleList if r.system}

    wanted = {"Admin": -1, "ReadOnly": -2, "View": -3, "Anonymous": -4, "NoAccess": -5}
    assert {name: roles[name].roleId for name in wanted} == wanted
    assert set(roles["ReadOnly"].privilege) == ALWAYS
    assert not roles["NoAccess"].privilege


@rule(
    call="AddAuthorizationRole",
    says="A new role has the three System privileges besides those that were asked for.",
    standing="documented",
    source="API reference, AuthorizationManager.AddAuthorizationRole",
)
def a_new_role_can_always_read(scratch: Scratch) -> None:
    with a_role(scratch, "DVPortgroup.Modify") as key:
        made = role_of(scratch, key)

        assert set(made.privilege) == {"DVPortgroup.Modify", *ALWAYS}
        assert not made.system


@rule(
    call="AddAuthorizationRole",
    says="AlreadyExists for a name that is taken, InvalidName for none, InvalidArgument for an unknown privilege.",
    standing="documented",
    source="API reference, AuthorizationManager.AddAuthorizationRole",
)
def a_role_needs_a_name_and_known_privileges(scratch: Scratch) -> None:
    manager = scratch.content.authorizationManager
    with a_role(scratch), pytest.raises(vim.fault.AlreadyExists):
        manager.AddAuthorizationRole(scratch.named("role"), [])
    with pytest.raises(vim.fault.InvalidName):
        manager.AddAuthorizationRole("", [])
    with pytest.raises(vmodl.fault.InvalidArgument):
        manager.AddAuthorizationRole(scratch.named("other"), ["No.Such.Privilege"])


@rule(
    call="UpdateAuthorizationRole",
    says="Replaces name and privileges; a system role is InvalidArgument, an unknown one NotFound.",
    standing="documented",
    source="API reference, AuthorizationManager.UpdateAuthorizationRole",
)
def a_role_can_be_changed_if_it_is_not_the_systems(scratch: Scratch) -> None:
    manager = scratch.content.authorizationManager
    with a_role(scratch, "DVPortgroup.Modify") as key:
        manager.UpdateAuthorizationRole(key, scratch.named("renamed"), ["Network.Assign"])

        changed = role_of(scratch, key)
        assert changed.name == scratch.named("renamed")
        assert set(changed.privilege) == {"Network.Assign", *ALWAYS}
    with pytest.raises(vmodl.fault.InvalidArgument):
        manager.UpdateAuthorizationRole(-2, scratch.named("mine"), [])
    with pytest.raises(vim.fault.NotFound):
        manager.UpdateAuthorizationRole(987654, scratch.named("mine"), [])


@rule(
    call="RemoveAuthorizationRole",
    says="A system role is InvalidArgument, an unknown one NotFound.",
    standing="documented",
    source="API reference, AuthorizationManager.RemoveAuthorizationRole",
)
def the_systems_roles_stay(scratch: Scratch) -> None:
    manager = scratch.content.authorizationManager
    with pytest.raises(vmodl.fault.InvalidArgument):
        manager.RemoveAuthorizationRole(-1, False)
    with pytest.raises(vim.fault.NotFound):
        manager.RemoveAuthorizationRole(987654, False)


@rule(
    call="SetEntityPermissions",
    says="NotFound for an unknown role, InvalidArgument for the roles View and Anonymous, which cannot be granted.",
    standing="documented",
    source="API reference, AuthorizationManager.SetEntityPermissions",
)
def some_roles_cannot_be_granted(scratch: Scratch) -> None:
    manager = scratch.content.authorizationManager
    user = scratch.content.sessionManager.currentSession.userName
    group = scratch.port_group()

    def permission(role: int) -> Any:
        return vim.AuthorizationManager.Permission(principal=user, group=False, roleId=role, propagate=True)

    with pytest.raises(vim.fault.NotFound):
        manager.SetEntityPermissions(group, [permission(987654)])
    for role in (-3, -4):
        with pytest.raises(vmodl.fault.InvalidArgument):
            manager.SetEntityPermissions(group, [permission(role)])
    assert not manager.RetrieveEntityPermissions(group, False)


@rule(
    call="SetEntityPermissions",
    says="UserNotFound for a principal that the directory does not know.",
    standing="documented",
    source="API reference, AuthorizationManager.SetEntityPermissions",
)
def a_permission_needs_somebody(scratch: Scratch) -> None:
    nobody = vim.AuthorizationManager.Permission(
        principal="NOWHERE.EXAMPLE\\nobody", group=False, roleId=-2, propagate=True
    )
    with pytest.raises(vim.fault.UserNotFound):
        scratch.content.authorizationManager.SetEntityPermissions(scratch.port_group(), [nobody])


@rule(
    call="SetEntityPermissions",
    says="A part of a complex entity, such as a datacenter's VM folder or a root pool, is InvalidArgument.",
    standing="documented",
    source="API reference, AuthorizationManager.SetEntityPermissions",
)
def parts_of_a_complex_entity_have_no_permissions(scratch: Scratch) -> None:
    manager = scratch.content.authorizationManager
    for part in (scratch.datacenter.vmFolder, scratch.host.parent.resourcePool):
        with pytest.raises(vmodl.fault.InvalidArgument):
            manager.SetEntityPermissions(part, [])


@rule(
    call="RemoveEntityPermission",
    says="NotFound where there is no such permission.",
    standing="documented",
    source="API reference, AuthorizationManager.RemoveEntityPermission",
)
def only_a_permission_that_is_there_can_be_removed(scratch: Scratch) -> None:
    user = scratch.content.sessionManager.currentSession.userName
    with pytest.raises(vim.fault.NotFound):
        scratch.content.authorizationManager.RemoveEntityPermission(scratch.port_group(), user, False)


@rule(
    call="HasPrivilegeOnEntities",
    says="Answers every privilege for every entity, for the session that is named.",
    standing="documented",
    source="API reference, AuthorizationManager.HasPrivilegeOnEntities",
)
def an_administrator_has_every_privilege(scratch: Scratch) -> None:
    key = scratch.content.sessionManager.currentSession.key
    asked = ["DVPortgroup.Modify", "Network.Assign"]
    group = scratch.port_group()

    answers = scratch.content.authorizationManager.HasPrivilegeOnEntities([group, scratch.switch], key, asked)

    assert [answer.entity for answer in answers] == [group, scratch.switch]
    for answer in answers:
        assert {p.privId: p.isGranted for p in answer.privAvailability} == dict.fromkeys(asked, True)


@rule(
    call="ManagedEntity.effectiveRole",
    says="The roles that the caller has on the entity; for an administrator Admin (-1).",
    standing="documented",
    source="API reference, ManagedEntity.effectiveRole",
)
def an_administrator_is_one_everywhere(scratch: Scratch) -> None:
    assert -1 in list(scratch.port_group().effectiveRole)
