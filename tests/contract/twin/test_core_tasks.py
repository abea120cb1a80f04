"""The life of a task, where it takes another user, a hold, a delay or the clock to show it."""

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.soap import connect, find, finish, moid, result_of
from bed.twin import ALICE, Twin
from bed.waiting import wait_for
from verify.rule import rule

CANCEL = "API reference, Task.CancelTask"


def _machine(instance: Any) -> Any:
    return find(instance, vim.VirtualMachine, "DC0_H0_VM0")


def _clone(vm: Any, name: str) -> Any:
    spec = vim.vm.CloneSpec(location=vim.vm.RelocateSpec(), powerOn=False, template=False)
    return vm.CloneVM_Task(folder=vm.parent, name=name, spec=spec)


@rule(
    call="TaskReasonUser.userName",
    says="It is the user who made the call, as DOMAIN\\user, also when others are logged in.",
    standing="documented",
    source="API reference, TaskReasonUser; the form: seen in events of real servers",
)
def test_a_task_names_its_user(twin: Twin) -> None:
    with connect(twin), connect(twin, ALICE) as instance:
        assert finish(_machine(instance).PowerOffVM_Task()).reason.userName == ALICE.shown


@rule(
    call="TaskManager.recentTask",
    says="Ten minutes after its end a task is no longer recent and its object is gone; its history stays.",
    standing="documented",
    source="API reference, TaskManager.recentTask; that the object goes is observed by vm-operator",
)
def test_old_tasks_are_purged_but_not_their_history(twin: Twin) -> None:
    with connect(twin) as instance:
        vm = _machine(instance)
        task = vm.PowerOffVM_Task()
        finish(task)
        twin.control.session_timeout(0)  # else the skewed clock ends the session
        twin.control.clock(skew_seconds=11 * 60)

        wait_for(lambda: not vm.recentTask, "the task to be purged", seconds=30)
        assert moid(task) not in [record.id for record in twin.control.state().tasks]
        with pytest.raises(vmodl.fault.ManagedObjectNotFound):
            _ = task.info
        by = vim.TaskFilterSpec.ByEntity(entity=vm, recursion="self")
        history = instance.content.taskManager.CreateCollectorForTasks(vim.TaskFilterSpec(entity=by))
        assert [info.key for info in history.ReadNextTasks(10)] == [moid(task)]

        twin.control.clock(skew_seconds=31 * 24 * 3600)
        assert list(history.latestPage) == []


@rule(
    call="TaskInfo.state",
    says="A task that is not through is running, and has had no effect yet.",
    standing="inferred",
    source="a task of the twin does its work in one go at its end",
)
def test_a_held_task_stays_running_and_does_nothing_until_released(twin: Twin) -> None:
    with connect(twin) as instance:
        vm = _machine(instance)
        hold = twin.control.hold("PowerOffVM_Task")
        task = vm.PowerOffVM_Task()
        (held,) = wait_for(twin.control.held_tasks, "the task to be held")

        assert (held.hold, held.task, held.entity) == (hold, moid(task), moid(vm))
        assert task.info.state == "running"
        assert vm.runtime.powerState == "poweredOn"

        assert twin.control.release(hold) == [moid(task)]
        assert finish(task).state == "success"
        assert vm.runtime.powerState == "poweredOff"


@rule(
    call="TaskInfo.startTime",
    says="A slow task of one machine holds up nobody else.",
    standing="observed",
    source="terraform-provider-vsphere issue 493: only tasks on the same machine wait",
)
def test_a_slow_task_blocks_nobody_else(twin: Twin) -> None:
    with connect(twin) as instance:
        vm = _machine(instance)
        other = find(instance, vim.VirtualMachine, "DC0_H0_VM1")
        twin.control.latency("PowerOffVM_Task", task_seconds=2.0)
        slow = vm.PowerOffVM_Task()
        quick = finish(other.SuspendVM_Task())

        assert slow.info.state in {"queued", "running"}
        assert quick.state == "success"
        info = finish(slow)

    assert (info.completeTime - info.startTime).total_seconds() >= 2.0


@rule(
    call="CancelTask",
    says="A task that is not cancelable is NotSupported to a cancel, and goes on.",
    standing="documented",
    source=CANCEL,
)
def test_what_is_not_cancelable_goes_on(twin: Twin) -> None:
    with connect(twin) as instance:
        twin.control.hold("PowerOffVM_Task")
        task = _machine(instance).PowerOffVM_Task()
        assert task.info.cancelable is False
        with pytest.raises(vmodl.fault.NotSupported):
            task.CancelTask()
        twin.control.release()
        assert finish(task).state == "success"


@rule(
    call="CancelTask",
    says="A cancelled clone ends in error with RequestCanceled and nothing of it is left; several requests are one.",
    standing="documented",
    source=CANCEL + "; that clones are cancelable is inferred",
)
def test_a_cancelled_clone_leaves_nothing(twin: Twin) -> None:
    with connect(twin) as instance:
        vm = _machine(instance)
        hold = twin.control.hold("CloneVM_Task")
        task = _clone(vm, "copy")
        wait_for(twin.control.held_tasks, "the task to be held")
        assert task.info.cancelable is True

        task.CancelTask()
        info = finish(task)

        assert (info.state, info.cancelled) == ("error", True)
        assert isinstance(info.error, vmodl.fault.RequestCanceled)
        assert twin.control.state().vm("copy") is None
        with pytest.raises(vim.fault.InvalidState):
            task.CancelTask()
        twin.control.release(hold)
        assert finish(_clone(vm, "copy")).state == "success"  # the name is free again


@rule(
    call="CancelTask",
    says="A task that waits for another one can be cancelled at once, and those behind it keep their order.",
    standing="documented",
    source=CANCEL + ": a running or queued task",
)
def test_a_slow_task_is_cancelled_at_once(twin: Twin) -> None:
    with connect(twin) as instance:
        twin.control.latency("CloneVM_Task", task_seconds=60)
        task = _clone(_machine(instance), "copy")
        task.CancelTask()

        assert isinstance(finish(task).error, vmodl.fault.RequestCanceled)


@rule(
    call="CancelTask",
    says="A host that waits for its machines before maintenance mode stays in service when the task is cancelled.",
    standing="documented",
    source="API reference, HostSystem.EnterMaintenanceMode_Task: cancellable, RequestCanceled",
)
def test_maintenance_that_waits_is_cancelled(twin: Twin) -> None:
    with connect(twin) as instance:
        host = find(instance, vim.HostSystem, "DC0_H0")
        task = host.EnterMaintenanceMode_Task(0, False)
        wait_for(lambda: task.info.state == "running", "the task to run")
        assert task.info.cancelable is True

        task.CancelTask()

        assert isinstance(finish(task).error, vmodl.fault.RequestCanceled)
        assert host.runtime.inMaintenanceMode is False
        vm = next(vm for vm in host.vm if vm.runtime.powerState == "poweredOn")
        result_of(vm.PowerOffVM_Task())
        result_of(vm.PowerOnVM_Task())  # the host takes machines again
