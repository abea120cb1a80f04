"""The operator is killed, restarted and asked to end: it goes on where it was, and never does a thing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bed.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bed.kube_lab import KubeLab
    from bed.kube_object import KubeObject
    from bed.operator_process import OperatorProcess
    from bed.stranger import Stranger
    from bed.twin import HeldTask


@pytest.fixture(autouse=True)
def running_again(operator: OperatorProcess) -> Iterator[None]:
    """Whatever a test does to it, the operator runs afterwards."""
    yield
    if not operator.running:
        operator.start()


def held(lab: KubeLab, method: str) -> HeldTask:
    """Wait until a task of a method is being held."""
    found = wait_for(
        lambda: next((task for task in lab.twin.control.held_tasks() if task.method == method), None),
        f"a held {method}",
    )
    assert found is not None
    return found


def machines(lab: KubeLab, host: KubeObject) -> int:
    """How many machines have the host's name."""
    return sum(1 for vm in lab.twin.control.state().vms if vm.name == host.vsphere_name)


def killed_while_cloning(lab: KubeLab, operator: OperatorProcess, *, remembered: bool) -> tuple[int, KubeObject]:
    """Kill the operator while its clone is held; return the hold, and the host whose status may tell of the task."""
    hold = lab.twin.control.hold("CloneVM_Task", user=lab.account.name)
    host = lab.host()
    task = held(lab, "CloneVM_Task").task
    host.wait(lambda now: now.status.get("task") == task, "the task in status")
    operator.kill()
    if not remembered:  # it died between the call and the write
        host.patch_status(task=None)
    return hold, host


@pytest.mark.parametrize("remembered", [True, False], ids=["task in status", "status lost"])
def test_killed_during_a_clone_makes_no_second_machine(
    remembered: bool, lab: KubeLab, operator: OperatorProcess
) -> None:
    hold, host = killed_while_cloning(lab, operator, remembered=remembered)
    operator.start()
    sentinel = lab.port_group("sentinel")
    sentinel.wait_ready()  # it is at work again
    host.annotate(reconcile_requested_at="are you sure?")
    wait_for(lambda: lab.calls.noise().get("Login", 0) >= 2, "the second process to log in")
    assert machines(lab, host) == 0

    lab.twin.control.release(hold)
    ready = host.wait_ready(seconds=60)
    assert machines(lab, host) == 1
    assert lab.calls.changes()["CloneVM_Task"] == 1
    vm = lab.twin.control.state().vm(host.vsphere_name)
    assert vm is not None
    assert (vm.id, vm.instance_uuid) == (ready.status["moRef"], ready.status["instanceUuid"])


def test_killed_before_the_clone_that_failed_meanwhile_starts_anew(lab: KubeLab, operator: OperatorProcess) -> None:
    lab.twin.control.fail("CloneVM_Task", fault="FileFault", fields={"file": "x"}, where="task", user=lab.account.name)
    hold = lab.twin.control.hold("CloneVM_Task", user=lab.account.name)
    host = lab.host()
    task = held(lab, "CloneVM_Task").task
    host.wait(lambda now: now.status.get("task") == task, "the task in status")
    operator.kill()
    lab.twin.control.release(hold)
    wait_for(
        lambda: all(each.state != "running" for each in lab.twin.control.state().tasks if each.id == task),
        "the clone to fail",
    )
    operator.start()
    host.annotate(reconcile_requested_at="after the failure")
    host.wait_ready(seconds=60)
    assert machines(lab, host) == 1
    assert lab.calls.changes()["CloneVM_Task"] == 2


def test_killed_during_the_creation_of_a_port_group_makes_no_second_one(
    lab: KubeLab, operator: OperatorProcess
) -> None:
    hold = lab.twin.control.hold("CreateDVPortgroup_Task", user=lab.account.name)
    inner = lab.port_group()
    held(lab, "CreateDVPortgroup_Task")
    operator.kill()
    lab.twin.control.release(hold)
    operator.start()
    ready = inner.wait_ready(seconds=60)
    made = [each for each in lab.twin.control.state().port_groups if each.name == inner.vsphere_name]
    assert [each.id for each in made] == [ready.status["moRef"]]


def test_deleted_while_a_creation_runs_that_a_dead_process_has_started_leaves_nothing_behind(
    lab: KubeLab, operator: OperatorProcess
) -> None:
    hold = lab.twin.control.hold("CreateDVPortgroup_Task", user=lab.account.name)
    inner = lab.port_group()
    held(lab, "CreateDVPortgroup_Task")
    operator.kill()
    inner.delete()
    operator.start()
    inner.wait(lambda now: "running creation" in now.condition("Ready").message, "the deletion to wait")

    lab.twin.control.release(hold)
    inner.wait_gone(seconds=60)

    assert [each for each in lab.twin.control.state().port_groups if each.name == inner.vsphere_name] == []
    assert lab.calls.changes() == {"CreateDVPortgroup_Task": 1, "Destroy_Task": 1}


def test_deleted_while_a_host_is_at_a_call_of_a_dead_process_leaves_nothing_behind(
    lab: KubeLab, operator: OperatorProcess, stranger: Stranger
) -> None:
    lab.twin.control.fail("AddPortGroup", where="stall", user=lab.account.name)
    host = f"{lab.datacenter}_C0_H0"
    inner = lab.standard_port_group(hosts=[host])
    wait_for(lab.twin.control.stalled_calls, "the call that the host is at")
    operator.kill()
    inner.delete()
    operator.start()

    inner.wait_gone(seconds=60)

    assert stranger.standard_group(host, inner.vsphere_name) is None
    assert lab.calls.changes() == {"AddPortGroup": 1, "RemovePortGroup": 1}


def test_deleted_while_a_clone_runs_that_a_dead_process_has_started_leaves_nothing_behind(
    lab: KubeLab, operator: OperatorProcess
) -> None:
    hold, host = killed_while_cloning(lab, operator, remembered=False)
    host.delete()
    operator.start()
    host.wait(lambda now: "running clone" in now.condition("Ready").message, "the deletion to wait")

    lab.twin.control.release(hold)
    host.wait_gone(seconds=60)

    assert machines(lab, host) == 0
    assert lab.calls.changes() == {"CloneVM_Task": 1, "Destroy_Task": 1}


def test_killed_between_shutdown_and_power_on_starts_the_guest_again(lab: KubeLab, operator: OperatorProcess) -> None:
    host = lab.host(disruption={"policy": "Graceful"}, powerState="On")
    host.wait(lambda now: now.ready and now.status["toolsStatus"] == "guestToolsRunning", "Ready with VMware Tools")
    host.patch(powerState=None)
    host.wait_ready()
    hold = lab.twin.control.hold("ReconfigVM_Task", user=lab.account.name)
    host.patch(hardware={"cpus": 8, "memoryMiB": 8192})
    held(lab, "ReconfigVM_Task")
    operator.kill()
    lab.twin.control.release(hold)
    operator.start()
    again = host.wait(lambda now: now.ready and now.status["powerState"] == "On", "running again", seconds=60)
    assert again.status["observed"]["cpus"] == 8


def test_what_drifted_while_nobody_watched_is_repaired_at_the_start(
    lab: KubeLab, operator: OperatorProcess, stranger: Stranger
) -> None:
    inner, host = lab.port_group(vlan={"id": 120}), lab.host()
    inner.wait_ready()
    host.wait_ready()
    operator.kill()
    stranger.set_vlan(inner.mo_ref, 7)
    stranger.reconfigure_vm(host.mo_ref, nestedHVEnabled=False)
    lab.calls.mark()
    operator.start()
    for each, field in ((inner, "vlan"), (host, "virtualization.nestedHV")):
        repaired = each.wait(lambda now: now.ready and now.status.get("lastRepair"), "repaired")
        assert [row["field"] for row in repaired.status["lastRepair"]["changes"]] == [field]
    assert lab.calls.changes() == {"ReconfigureDVPortgroup_Task": 1, "ReconfigVM_Task": 1}


def test_deleted_while_nobody_watched_is_torn_down_at_the_start(lab: KubeLab, operator: OperatorProcess) -> None:
    inner = lab.port_group()
    inner.wait_ready()
    operator.kill()
    inner.delete()
    operator.start()
    inner.wait_gone()
    assert lab.twin.control.state().port_group(inner.vsphere_name) is None


def test_asked_to_end_it_logs_out_and_ends_well(lab: KubeLab, operator: OperatorProcess) -> None:
    lab.port_group().wait_ready()
    assert lab.account.shown in lab.twin.control.state().sessions
    assert operator.stop() == 0
    assert lab.account.shown not in lab.twin.control.state().sessions
    operator.start()  # before the fixture deletes the lab


def test_no_password_is_ever_written_to_the_log(lab: KubeLab, operator: OperatorProcess) -> None:
    lab.port_group().wait_ready()
    assert lab.account.password not in operator.log.read_text()
