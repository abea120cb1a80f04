"""govc makes roles, gives and takes permissions, and somebody with few of them sees and may do little."""

from typing import TYPE_CHECKING

import pytest

from bed.twin import ALICE, Login
from support.govc import Govc

if TYPE_CHECKING:
    from bed.lab import Lab
    from bed.twin import Twin


def test_a_role_comes_changes_and_goes(govc: Govc, lab: "Lab") -> None:
    govc("role.create", "made", "VirtualMachine.Interact.PowerOn")
    govc("role.update", "-name", "renamed", "-a", "made", "VirtualMachine.Interact.PowerOff")

    roles = {role.name: set(role.privilege) for role in lab.content.authorizationManager.roleList}
    assert {"VirtualMachine.Interact.PowerOn", "VirtualMachine.Interact.PowerOff"} <= roles["renamed"]
    assert set(govc("role.ls", "renamed").split()) == roles["renamed"]
    assert "not found" in govc.refused("role.ls", "made")

    govc("role.remove", "renamed")

    assert "renamed" not in {role.name for role in lab.content.authorizationManager.roleList}


def test_a_permission_is_given_shown_and_taken(govc: Govc) -> None:
    govc("folder.create", "/DC0/vm/given")
    whom = ("-principal", ALICE.shown)

    govc("permissions.set", *whom, "-role", "ReadOnly", "/DC0/vm/given")

    rows = [line.split() for line in govc("permissions.ls", "-a=false", "/DC0/vm/given").splitlines()]
    assert ["ReadOnly", ALICE.shown, "Yes"] in [[row[0], *row[-2:]] for row in rows]
    assert ALICE.shown in govc("role.usage", "ReadOnly")

    govc("permissions.remove", *whom, "/DC0/vm/given")

    assert ALICE.shown not in govc("permissions.ls", "-a=false", "/DC0/vm/given")


def test_somebody_with_few_permissions_sees_and_does_little(
    govc: Govc, twin: "Twin", tmp_path_factory: pytest.TempPathFactory
) -> None:
    bob = twin.control.user(Login("bob@lab.example", "bob-password", "LAB.EXAMPLE\\bob"), groups=[])
    govc("folder.create", "/DC0/vm/small")
    govc("vm.create", "-on=false", "-net", "DC0_DVPG0", "-folder", "/DC0/vm/small", "his")
    govc("role.create", "starter", "VirtualMachine.Interact.PowerOn")
    govc("permissions.set", "-principal", bob.shown, "-role", "starter", "/DC0/vm/small")
    his = Govc(twin, tmp_path_factory.mktemp("bob"), bob)

    assert his("find", "/", "-type", "m").split() == ["/DC0/vm/small/his"]
    his("vm.power", "-on", "/DC0/vm/small/his")
    assert "Permission to perform this operation was denied" in his.refused("vm.power", "-off", "/DC0/vm/small/his")

    govc("permissions.remove", "-principal", bob.shown, "/DC0/vm/small")

    assert "NoPermission" in his.refused("find", "/", "-type", "m")
