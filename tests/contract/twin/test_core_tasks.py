"""The life of a task, as TaskInfo tells it."""

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.soap import connect, find, finish, message_of, moid
from bed.twin import ALICE, Twin
from bed.waiting import wait_for


def _machine(instance: Any) -> Any:
    return find(instance, vim.VirtualMachine, "DC0_H0_VM0")


def test_a_task_tells_who_started_it_on_what_and_how_it_ended(twin: Twin) -> None:
    with connect(twin, ALICE) as instance:
        info = finish(_machine(instance).PowerOffVM_Task())

    assert info.state == "success"
    assert info.progress == 100
    assert info.entityName == "DC0_H0_VM0"
    assert info.reason.userName == ALICE.shown
    assert info.eventChainId > 0
    assert info.queueTime <= info.startTime <= info.completeTime


def test_a_failed_task_carries_the_fault_in_vcenters_words(twin: Twin) -> None:
    with connect(twin) as instance:
        vm = _machine(instance)
        finish(vm.PowerOffVM_Task())
        info = finish(vm.PowerOffVM_Task())

    assert info.state == "error"
    assert isinstance(info.error, vim.fault.InvalidPowerState)
    assert message_of(info.error) == "The attempted operation cannot be performed in the current state (Powered off)."
    assert info.error.existingState == "poweredOff"


def test_a_task_is_in_recent_task_of_its_entity_and_of_the_manager(twin: Twin) -> None:
    with connect(twin) as instance:
        vm = _machine(instance)
        task = vm.PowerOffVM_Task()
        finish(task)

        assert moid(task) in [moid(recent) for recent in vm.recentTask]
        assert moid(task) in [moid(recent) for recent in instance.content.taskManager.recentTask]


def test_old_tasks_are_purged(twin: Twin) -> None:
    with connect(twin) as instance:
        vm = _machine(instance)
        task = vm.PowerOffVM_Task()
        finish(task)
        twin.control.session_timeout(0)  # else the skewed clock ends the session
        twin.control.clock(skew_seconds=11 * 60)

        wait_for(lambda: not vm.recentTask, "the task to be purged", seconds=30)
        assert moid(task) not in [record.id for record in twin.control.state().tasks]


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


def test_a_task_of_the_twin_cannot_be_cancelled(twin: Twin) -> None:
    with connect(twin) as instance:
        twin.control.hold("PowerOffVM_Task")
        task = _machine(instance).PowerOffVM_Task()
        with pytest.raises(vmodl.fault.NotSupported):
            task.CancelTask()
        twin.control.release()
        assert finish(task).state == "success"
