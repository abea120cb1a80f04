"""Tasks: what TaskInfo tells, where tasks are found, and how one is cancelled."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from typing import Any

from pyVmomi import vim, vmodl

from bed.soap import finish, message_of, moid, result_of
from verify.rule import rule
from verify.scratch import Scratch
from verify.watching import changes, refusal, watch

Filter = vim.TaskFilterSpec


def about(entity: Any, recursion: str = "self", **members: Any) -> Any:
    """Return the filter for an entity's tasks."""
    return Filter(entity=Filter.ByEntity(entity=entity, recursion=recursion), **members)


def collector(scratch: Scratch, spec: Any) -> Any:
    """Return a task collector that `clean` destroys."""
    made = scratch.content.taskManager.CreateCollectorForTasks(spec)
    scratch.undo(made.DestroyCollector)
    return made


def methods(tasks: Any) -> list[str]:
    """Return what some tasks were for."""
    return [task.descriptionId for task in tasks]


@rule(
    call="TaskInfo",
    says="A task tells who started it, on what, when it was queued, started and completed, and what it is called.",
    standing="documented",
    source="API reference, TaskInfo and TaskReasonUser",
)
def a_task_tells_its_life(scratch: Scratch) -> None:
    vm = scratch.machine()
    info = finish(vm.PowerOnVM_Task())

    assert info.state == "success"
    assert info.progress == 100
    assert (info.entityName, moid(info.entity)) == (vm.name, moid(vm))
    assert info.reason.userName == scratch.content.sessionManager.currentSession.userName
    assert info.descriptionId == "VirtualMachine.powerOn"
    assert info.eventChainId > 0
    assert info.queueTime <= info.startTime <= info.completeTime
    assert (info.cancelled, info.parentTaskKey) == (False, None)


@rule(
    call="TaskInfo.error",
    says="A failed task carries the fault, in words.",
    standing="documented",
    source="API reference, TaskInfo.error; the text: fog-vsphere issue 287",
)
def a_failed_task_carries_the_fault(scratch: Scratch) -> None:
    info = finish(scratch.machine().PowerOffVM_Task())

    assert info.state == "error"
    assert isinstance(info.error, vim.fault.InvalidPowerState)
    assert message_of(info.error) == "The attempted operation cannot be performed in the current state (Powered off)."
    assert info.error.existingState == "poweredOff"


@rule(
    call="ManagedEntity.recentTask",
    says="A task is in recentTask of its entity and of the TaskManager.",
    standing="documented",
    source="API reference, ManagedEntity.recentTask and TaskManager.recentTask",
)
def a_task_is_recent(scratch: Scratch) -> None:
    vm = scratch.machine()
    task = vm.PowerOnVM_Task()
    finish(task)

    assert moid(task) in [moid(recent) for recent in vm.recentTask]
    assert moid(task) in [moid(recent) for recent in scratch.content.taskManager.recentTask]


@rule(
    call="CancelTask",
    says="A task that has ended is InvalidState to a cancel.",
    standing="documented",
    source="API reference, Task.CancelTask",
)
def what_is_over_cannot_be_cancelled(scratch: Scratch) -> None:
    task = scratch.machine().PowerOnVM_Task()
    finish(task)

    refusal(task.CancelTask, vim.fault.InvalidState)


@rule(
    call="CreateCollectorForTasks",
    says="A collector finds tasks by entity, chain, state and user, the oldest first.",
    standing="documented",
    source="API reference, TaskFilterSpec and TaskHistoryCollector",
)
def tasks_are_found(scratch: Scratch) -> None:
    vm = scratch.machine()
    on = finish(vm.PowerOnVM_Task())
    finish(vm.PowerOnVM_Task())
    me = scratch.content.sessionManager.currentSession.userName

    whole = collector(scratch, about(vm)).ReadNextTasks(10)
    assert methods(whole) == ["VirtualMachine.powerOn"] * 2
    assert [task.state for task in whole] == ["success", "error"]
    assert len(collector(scratch, about(vm, state=["error"])).ReadNextTasks(10)) == 1
    (one,) = collector(scratch, Filter(eventChainId=[on.eventChainId])).ReadNextTasks(10)
    assert one.key == on.key
    by = Filter.ByUsername(systemUser=False, userList=[me])
    assert len(collector(scratch, about(vm, userName=by)).ReadNextTasks(10)) == 2
    by = Filter.ByUsername(systemUser=False, userList=["nobody"])
    assert list(collector(scratch, about(vm, userName=by)).ReadNextTasks(10)) == []
    folder = about(scratch.place.folder, "all", eventChainId=[on.eventChainId])
    assert len(collector(scratch, folder).ReadNextTasks(10)) == 1


@rule(
    call="TaskHistoryCollector.latestPage",
    says="The latest page is pushed when a task comes and when its state changes.",
    standing="observed",
    source="API reference, TaskHistoryCollector.latestPage; states: a note in govmomi's simulator/task_manager.go",
)
def the_latest_page_is_pushed(scratch: Scratch) -> None:
    vm = scratch.machine()
    made = collector(scratch, about(vm))
    updates = watch(scratch, made, {vim.TaskHistoryCollector: ["latestPage"]})
    assert changes(updates.wait()) == [("latestPage", "assign", [])]

    finish(vm.PowerOnVM_Task())
    while True:
        ((_, _, page),) = changes(updates.wait())
        if page[0].state == "success":
            break

    assert methods(page) == ["VirtualMachine.powerOn"]


@rule(
    call="ReadPreviousTasks",
    says="A reset collector reads back from just before the latest page, a rewound one forward from the oldest task.",
    standing="documented",
    source="API reference, HistoryCollector.ResetCollector and RewindCollector",
)
def a_collector_scrolls(scratch: Scratch) -> None:
    vm = scratch.machine()
    for call in (vm.PowerOnVM_Task, vm.ResetVM_Task, vm.PowerOffVM_Task):
        result_of(call())
    made = collector(scratch, about(vm))
    made.SetCollectorPageSize(1)

    made.ResetCollector()
    assert methods(made.ReadPreviousTasks(10)) == ["VirtualMachine.reset", "VirtualMachine.powerOn"]
    made.RewindCollector()
    assert methods(made.ReadNextTasks(1)) == ["VirtualMachine.powerOn"]
    refusal(lambda: made.ReadNextTasks(0), vmodl.fault.InvalidArgument)


@rule(
    call="CreateCollectorForTasks",
    says="A filter on an object that is gone is InvalidArgument.",
    standing="inferred",
    source="API reference, CreateCollectorForTasks: null or unknown filter; as documented for events",
)
def a_dead_entity_is_no_filter(scratch: Scratch) -> None:
    vm = scratch.machine()
    result_of(vm.Destroy_Task())

    make = scratch.content.taskManager.CreateCollectorForTasks
    refusal(lambda: make(about(vm)), vmodl.fault.InvalidArgument)


@rule(
    call="MarkAsTemplate",
    says="A call that answers at once leaves a task as well, with its user.",
    standing="inferred",
    source="its name is in TaskManager.description of a real server",
)
def a_call_without_a_task_leaves_one(scratch: Scratch) -> None:
    vm = scratch.machine()
    vm.MarkAsTemplate()

    (left,) = collector(scratch, about(vm)).ReadNextTasks(10)

    assert (left.descriptionId, left.state) == ("VirtualMachine.markAsTemplate", "success")
    assert left.reason.userName == scratch.content.sessionManager.currentSession.userName
