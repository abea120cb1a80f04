"""govc looks around, watches tasks, events and sessions, and reads properties through the collector."""

from typing import TYPE_CHECKING

import pytest

from bed.twin import ADMINISTRATOR, ALICE
from support.govc import Govc

if TYPE_CHECKING:
    from bed.lab import Lab
    from bed.twin import Twin


def test_the_product_is_what_pyvmomi_sees(govc: Govc, lab: "Lab") -> None:
    about = lab.content.about

    told = govc.json("about")["about"]

    assert told["apiVersion"] == about.apiVersion
    assert (told["apiType"], told["instanceUuid"]) == ("VirtualCenter", about.instanceUuid)
    assert about.fullName in govc("about")


def test_the_inventory_is_listed_by_path(govc: Govc) -> None:
    assert govc("ls").split() == ["/DC0/vm", "/DC0/host", "/DC0/datastore", "/DC0/network"]
    assert "/DC0/network/DVS0" in govc("ls", "/DC0/network").splitlines()
    assert govc("ls", "-t", "DistributedVirtualPortgroup", "/DC0/network/*PG*").split() == ["/DC0/network/DC0_DVPG0"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("m", "/DC0/vm/DC0_H0_VM0"),
        ("h", "/DC0/host/DC0_C0/DC0_C0_H0"),
        ("c", "/DC0/host/DC0_C0"),
        ("p", "/DC0/host/DC0_C0/Resources"),
        ("s", "/DC0/datastore/LocalDS_0"),
        ("g", "/DC0/network/DC0_DVPG0"),
        ("w", "/DC0/network/DVS0"),
    ],
)
def test_objects_are_found_by_type(govc: Govc, kind: str, expected: str) -> None:
    assert expected in govc("find", "/", "-type", kind).splitlines()


def test_objects_are_found_by_a_property(govc: Govc, lab: "Lab") -> None:
    lab.vm_off("DC0_H0_VM1")

    assert govc("find", "/", "-type", "m", "-runtime.powerState", "poweredOff").split() == ["/DC0/vm/DC0_H0_VM1"]


def test_a_property_is_collected(govc: Govc, lab: "Lab") -> None:
    machine = lab.vm()
    path = "/DC0/vm/DC0_C0_RP0_VM0"

    assert govc("object.collect", "-s", path, "config.instanceUuid").strip() == machine.config.instanceUuid
    assert govc("object.collect", "-s", path, "config.hardware.numCPU").strip() == str(machine.config.hardware.numCPU)
    assert govc("object.collect", "-s", "/DC0/network/DC0_DVPG0", "config.defaultPortConfig.vlan.vlanId").strip() == "0"


def test_a_wrong_property_is_refused(govc: Govc) -> None:
    govc.refused("object.collect", "-s", "/DC0/vm/DC0_C0_RP0_VM0", "config.hardware.noSuchThing")


def test_a_change_is_waited_for(govc: Govc, lab: "Lab") -> None:
    # -wait ends when the property has the value: by a full state at once here, by a push in the operator's own tests.
    lab.vm_off("DC0_C0_RP0_VM1")

    told = govc("object.collect", "-wait", "10s", "/DC0/vm/DC0_C0_RP0_VM1", "-runtime.powerState", "poweredOff")

    assert "poweredOff" in told


def test_a_task_is_listed_with_its_user_and_its_fault(govc: Govc) -> None:
    govc("vm.create", "-on=false", "-net", "DC0_DVPG0", "tasked")
    govc.refused("vm.power", "-off", "tasked")

    tasks = govc.json("tasks")["tasks"]

    last = next(task for task in reversed(tasks) if task["descriptionId"] == "VirtualMachine.powerOff")
    assert (last["state"], last["entityName"]) == ("error", "tasked")
    assert last["error"]["fault"]["existingState"] == "poweredOff"
    assert last["reason"]["userName"] == ADMINISTRATOR.shown


def test_sessions_are_listed_and_ended(govc: Govc, twin: "Twin", tmp_path_factory: pytest.TempPathFactory) -> None:
    other = Govc(twin, tmp_path_factory.mktemp("other"), ALICE)
    other("about")
    other("ls")

    sessions = govc.json("session.ls")["sessionList"]
    theirs = [session["key"] for session in sessions if session["userName"] == ALICE.shown]
    assert len(theirs) == 1
    govc("session.rm", theirs[0])

    assert ALICE.shown not in {session["userName"] for session in govc.json("session.ls")["sessionList"]}
    other("ls")  # logs in anew, as govc does when its session is gone


def test_folders_and_pools_come_and_go(govc: Govc, lab: "Lab") -> None:
    govc("folder.create", "/DC0/vm/shelf")
    govc("pool.create", "DC0_C0/Resources/basin")

    assert "shelf" in {child.name for child in lab.datacenter.vmFolder.childEntity}
    assert "basin" in {pool.name for pool in lab.pool.resourcePool}

    govc("pool.destroy", "DC0_C0/Resources/basin")
    govc("object.destroy", "/DC0/vm/shelf")

    assert "shelf" not in {child.name for child in lab.datacenter.vmFolder.childEntity}
    assert not [pool for pool in lab.pool.resourcePool if pool.name == "basin"]


def test_a_host_goes_to_maintenance_and_back(govc: Govc, lab: "Lab") -> None:
    host = next(host for host in lab.pool.owner.host if host.name == "DC0_C0_H2")

    govc("host.maintenance.enter", "DC0_C0_H2")
    assert host.runtime.inMaintenanceMode
    govc("host.maintenance.exit", "DC0_C0_H2")
    assert not host.runtime.inMaintenanceMode


def test_events_tell_what_happened(govc: Govc) -> None:
    govc("vm.create", "-on=false", "-net", "DC0_DVPG0", "noted")
    govc("vm.destroy", "noted")

    told = govc("events", "-n", "50", "/DC0")

    assert "Created virtual machine noted on" in told
    assert "Removed noted on" in told


def test_events_are_chosen_by_their_kind(govc: Govc) -> None:
    govc("vm.create", "-on=false", "-net", "DC0_DVPG0", "kinds")
    govc("vm.power", "-on", "kinds")

    told = govc("events", "-l", "-n", "50", "-type", "VmCreatedEvent", "/DC0").splitlines()

    assert told
    assert [line for line in told if "VmCreatedEvent" not in line] == []


def test_an_event_tells_what_was_changed_from_what_to_what(govc: Govc) -> None:
    govc("vm.create", "-on=false", "-net", "DC0_DVPG0", "grown")
    govc("vm.change", "-vm", "grown", "-c", "4")
    govc("dvs.portgroup.add", "-dvs", "DVS0", "moved")
    govc("dvs.portgroup.change", "-vlan", "9", "moved")

    assert "config.hardware.numCPU: 1 -> 4" in govc("events", "-type", "VmReconfiguredEvent", "/DC0/vm/grown")
    told = govc("events", "-type", "DVPortgroupReconfiguredEvent", "/DC0/network/moved")
    assert "config.defaultPortConfig.vlan.vlanId: 0 -> 9" in told


def test_the_change_of_a_host_is_a_task_with_its_user(govc: Govc) -> None:
    govc("host.portgroup.add", "-host", "DC0_C0_H0", "-vswitch", "vSwitch0", "traced")

    tasks = govc.json("tasks", "/DC0/host/DC0_C0/DC0_C0_H0")["tasks"]

    traces = [task for task in tasks if task["descriptionId"] == "host.NetworkSystem.addPortGroup"]
    assert [task["reason"]["userName"] for task in traces] == [ADMINISTRATOR.shown]
