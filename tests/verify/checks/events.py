"""Events: who changed what, told in words and by filter."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

import datetime
from typing import Any

from pyVmomi import vim, vmodl

from bed.soap import finish, moid, result_of
from verify.machines import disk_of, machine
from verify.rule import rule
from verify.scratch import Scratch
from verify.watching import changes, option, refusal, watch

Filter = vim.event.EventFilterSpec


def about(entity: Any, recursion: str = "self", **members: Any) -> Any:
    """Return the filter for an entity's events."""
    return Filter(entity=Filter.ByEntity(entity=entity, recursion=recursion), **members)


def query(scratch: Scratch, spec: Any) -> list[Any]:
    """Return the events, the oldest first."""
    return sorted(scratch.content.eventManager.QueryEvents(spec), key=lambda event: event.key)


def kinds(events: list[Any]) -> list[str]:
    """Return the types of some events."""
    return [type(event).__name__.rpartition(".")[2] for event in events]


def collector(scratch: Scratch, spec: Any) -> Any:
    """Return an event collector that `clean` destroys."""
    made = scratch.content.eventManager.CreateCollectorForEvents(spec)
    scratch.undo(made.DestroyCollector)
    return made


def note(vm: Any, text: str) -> Any:
    """Write a machine's annotation; return the task's info."""
    return finish(vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation=text)))


def myself(scratch: Scratch) -> str:
    """Return the name of the session's user."""
    return str(scratch.content.sessionManager.currentSession.userName)


@rule(
    call="VmReconfiguredEvent",
    says="A reconfigure leaves an event with user, time, machine, the spec that was sent and the values that changed.",
    standing="documented",
    source="API reference, VmReconfiguredEvent; text of configChanges: observed, puppetlabs/vmpooler pull request 629",
)
def a_reconfigure_tells_who_changed_what(scratch: Scratch) -> None:
    vm = scratch.machine(annotation="old")
    result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="new", extraConfig=[option("mark", "1")])))

    (event,) = query(scratch, about(vm, eventTypeId=["VmReconfiguredEvent"]))

    assert event.userName == myself(scratch)
    assert moid(event.vm.vm) == moid(vm)
    assert event.configSpec.annotation == "new"
    assert 'config.annotation: "old" -> "new"; ' in event.configChanges.modified
    assert 'config.extraConfig("scratch.mark"): (key = "scratch.mark", value = "1"); ' in event.configChanges.added
    assert event.createdTime <= scratch.instance.CurrentTime()


@rule(
    call="VmReconfiguredEvent.configChanges",
    says="What changes along with a value is told too: shares follow the size of the machine, a disk's words its size.",
    standing="observed",
    source='a change text of a resize in the source of a public client: "config.cpuAllocation.shares.shares: 2000 -> '
    '32000" beside "device(2000).deviceInfo.summary"; API reference, SharesLevel',
)
def a_change_tells_its_side_effects(scratch: Scratch) -> None:
    vm = machine(scratch, numCPUs=2, memoryMB=64)
    disk = disk_of(vm.config)
    disk.capacityInKB, disk.capacityInBytes = 2048, 2048 * 1024
    grown = vim.vm.device.VirtualDeviceSpec(operation="edit", device=disk)

    result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(numCPUs=4, memoryMB=128, deviceChange=[grown])))

    (event,) = query(scratch, about(vm, eventTypeId=["VmReconfiguredEvent"]))
    for text in (
        "config.hardware.numCPU: 2 -> 4; ",
        "config.cpuAllocation.shares.shares: 2000 -> 4000; ",
        "config.memoryAllocation.shares.shares: 640 -> 1280; ",
        "config.hardware.device(2000).capacityInKB: 1024 -> 2048; ",
        'config.hardware.device(2000).deviceInfo.summary: "1,024 KB" -> "2,048 KB"; ',
    ):
        assert text in event.configChanges.modified


@rule(
    call="Event.fullFormattedMessage",
    says="The message of a reconfigure names machine, host, datacenter and each change.",
    standing="observed",
    source="puppetlabs/vmpooler pull request 629; message fixtures of VMware's event broker",
)
def a_message_says_it_all(scratch: Scratch) -> None:
    vm = scratch.machine(annotation="old")
    note(vm, "new")

    (event,) = query(scratch, about(vm, eventTypeId=["VmReconfiguredEvent"]))

    assert event.fullFormattedMessage == (
        f"Reconfigured {vm.name} on {vm.runtime.host.name} in {scratch.datacenter.name}.  \n \nModified:  \n \n"
        'config.annotation: "old" -> "new"; \n\n Added:  \n \n Deleted:  \n \n'
    )


@rule(
    call="EventFilterSpec.disableFullMessage",
    says="With disableFullMessage there is no message; unset there is one.",
    standing="observed",
    source="govc events prints messages without setting it; the reference says that unset leaves them out",
)
def messages_can_be_spared(scratch: Scratch) -> None:
    vm = scratch.machine()

    assert all(event.fullFormattedMessage for event in query(scratch, about(vm)))
    assert not any(event.fullFormattedMessage for event in query(scratch, about(vm, disableFullMessage=True)))


@rule(
    call="Event.chainId",
    says="The events of a task carry its eventChainId, which is the key of its TaskEvent, where the task is queued.",
    standing="observed",
    source="API reference, TaskInfo.eventChainId and TaskEvent; the number: pyvmomi issue 424",
)
def a_chain_ties_a_task_to_its_events(scratch: Scratch) -> None:
    vm = scratch.machine()
    info = note(vm, "new")

    task, change = query(scratch, Filter(eventChainId=info.eventChainId))

    assert kinds([task, change]) == ["TaskEvent", "VmReconfiguredEvent"]
    assert task.key == task.chainId == change.chainId == info.eventChainId
    assert (task.info.state, task.info.key) == ("queued", info.key)
    assert task.fullFormattedMessage == "Task: Reconfigure virtual machine"


@rule(
    call="VmRenamedEvent",
    says="A rename tells the old and the new name.",
    standing="documented",
    source="API reference, VmRenamedEvent",
)
def a_rename_tells_both_names(scratch: Scratch) -> None:
    vm = scratch.machine("old")
    result_of(vm.Rename_Task(scratch.named("new")))

    (event,) = query(scratch, about(vm, eventTypeId=["VmRenamedEvent"]))

    assert (event.oldName, event.newName) == (scratch.named("old"), scratch.named("new"))


@rule(
    call="VmPoweredOnEvent",
    says="Power on and off leave their events.",
    standing="documented",
    source="API reference, VmPoweredOnEvent and VmPoweredOffEvent",
)
def power_is_told(scratch: Scratch) -> None:
    vm = scratch.machine()
    result_of(vm.PowerOnVM_Task())
    result_of(vm.PowerOffVM_Task())

    told = kinds(query(scratch, about(vm)))

    assert [kind for kind in told if kind.startswith("VmPowered")] == ["VmPoweredOnEvent", "VmPoweredOffEvent"]


@rule(
    call="VmClonedEvent",
    says="A clone is told as begun of its source and as done of the copy; one of a template as deployed.",
    standing="documented",
    source="API reference, VmBeingClonedEvent, VmClonedEvent and VmDeployedEvent",
)
def a_copy_is_told(scratch: Scratch) -> None:
    source = scratch.machine("source")
    copy = scratch.keep(result_of(scratch.clone(source, "copy")))
    source.MarkAsTemplate()
    deployed = scratch.keep(result_of(scratch.clone(source, "deployed")))

    assert "VmBeingClonedEvent" in kinds(query(scratch, about(source)))
    (done,) = query(scratch, about(copy, eventTypeId=["VmClonedEvent"]))
    assert moid(done.sourceVm.vm) == moid(source)
    (done,) = query(scratch, about(deployed, eventTypeId=["VmDeployedEvent"]))
    assert moid(done.srcTemplate.vm) == moid(source)
    assert done.fullFormattedMessage == f"Template {source.name} deployed on host {deployed.runtime.host.name}"


@rule(
    call="DVPortgroupReconfiguredEvent",
    says="A port group's creation, change, rename and destruction leave events with group, switch and user.",
    standing="documented",
    source="API reference, DVPortgroupCreatedEvent and its kin",
)
def a_port_groups_life_is_told(scratch: Scratch) -> None:
    group = scratch.port_group("old")
    result_of(scratch.reconfigure(group, description="some"))
    result_of(group.Rename_Task(scratch.named("new")))
    key = group.key
    result_of(group.Destroy_Task())

    told: list[Any] = [
        event
        for event in query(scratch, about(scratch.switch))
        if isinstance(event, vim.event.DVPortgroupEvent) and event.net and moid(event.net.network) == key
    ]

    assert kinds(told) == [
        "DVPortgroupCreatedEvent", "DVPortgroupReconfiguredEvent",
        "DVPortgroupRenamedEvent", "DVPortgroupDestroyedEvent",
    ]  # fmt: skip
    assert {event.userName for event in told} == {myself(scratch)}
    assert moid(told[1].dvs.dvs) == moid(scratch.switch)
    assert 'config.description: "" -> "some"; ' in told[1].configChanges.modified
    assert (told[2].oldName, told[2].newName) == (scratch.named("old"), scratch.named("new"))


@rule(
    call="EventFilterSpecByEntity.recursion",
    says="Self is the entity's own events, children those of what lies in it; a folder is always what lies in it.",
    standing="documented",
    source="API reference, EventFilterSpecRecursionOption and EventFilterSpecByEntity",
)
def recursion_says_whose(scratch: Scratch) -> None:
    folder = scratch.keep(scratch.place.folder.CreateFolder(scratch.named("folder")))
    vm = scratch.machine()
    result_of(folder.MoveIntoFolder_Task([vm]))
    note(vm, "new")

    wanted: dict[str, Any] = {"eventTypeId": ["VmReconfiguredEvent"]}
    assert len(query(scratch, about(vm, **wanted))) == 1
    assert query(scratch, about(vm, "children", **wanted)) == []
    assert len(query(scratch, about(folder, "self", **wanted))) == 1
    assert len(query(scratch, about(folder, "all", **wanted))) == 1
    assert moid(vm) in {moid(event.vm.vm) for event in query(scratch, about(scratch.datacenter, "children", **wanted))}


@rule(
    call="EventFilterSpec",
    says="Events are chosen by time, user, category and type; eventTypeId is the exact type.",
    standing="documented",
    source="API reference, EventFilterSpec",
)
def filters_choose(scratch: Scratch) -> None:
    vm = scratch.machine()
    note(vm, "new")
    me = myself(scratch)
    now = scratch.instance.CurrentTime()
    hour = datetime.timedelta(hours=1)

    assert query(scratch, about(vm, userName=Filter.ByUsername(systemUser=False, userList=[me])))
    assert query(scratch, about(vm, userName=Filter.ByUsername(systemUser=False, userList=["nobody"]))) == []
    assert query(scratch, about(vm, time=Filter.ByTime(beginTime=now - hour, endTime=now + hour)))
    assert query(scratch, about(vm, time=Filter.ByTime(beginTime=now + hour))) == []
    assert query(scratch, about(vm, category=["info"]))
    assert query(scratch, about(vm, category=["error"])) == []
    assert query(scratch, about(vm, eventTypeId=["VmEvent"])) == []
    assert query(scratch, about(vm, type=[vim.event.VmReconfiguredEvent]))


@rule(
    call="EventFilterSpec.maxCount",
    says="No more than maxCount events come back; out of 1..1000 it is InvalidArgument.",
    standing="inferred",
    source="API reference, EventFilterSpec.maxCount; the bound: the stock simulator's",
)
def a_query_is_bounded(scratch: Scratch) -> None:
    vm = scratch.machine()
    last = note(vm, "new")

    (event,) = query(scratch, about(vm, maxCount=1))

    assert event.chainId == last.eventChainId
    for number in (-1, 1001):
        refusal(lambda: query(scratch, about(vm, maxCount=number)), vmodl.fault.InvalidArgument)  # noqa: B023


@rule(
    call="CreateCollectorForEvents",
    says="A filter on an object that is gone is InvalidArgument.",
    standing="documented",
    source="API reference, CreateCollectorForEvents: an invalid reference to a managed object",
)
def a_dead_entity_is_no_filter(scratch: Scratch) -> None:
    vm = scratch.machine()
    result_of(vm.Destroy_Task())

    make = scratch.content.eventManager.CreateCollectorForEvents
    refusal(lambda: make(about(vm)), vmodl.fault.InvalidArgument)


@rule(
    call="EventHistoryCollector.latestPage",
    says="The latest page changes, and is pushed, with each event that matches, and keeps its size.",
    standing="documented",
    source="API reference, EventHistoryCollector.latestPage and SetCollectorPageSize",
)
def the_latest_page_is_pushed(scratch: Scratch) -> None:
    vm = scratch.machine()
    made = collector(scratch, about(vm, eventTypeId=["VmReconfiguredEvent"]))
    made.SetCollectorPageSize(2)
    updates = watch(scratch, made, {vim.event.EventHistoryCollector: ["latestPage"]})
    assert changes(updates.wait()) == [("latestPage", "assign", [])]

    seen = []
    for text in ("one", "two", "three"):
        note(vm, text)
        ((_, _, page),) = changes(updates.wait())
        seen.append([event.configSpec.annotation for event in page])

    assert [sorted(page) for page in seen] == [["one"], ["one", "two"], ["three", "two"]]
    scratch.machine("other")
    assert updates.wait(0) is None


@rule(
    call="ReadNextEvents",
    says="A fresh or rewound collector reads from the oldest event on; at the end nothing comes.",
    standing="documented",
    source="API reference, HistoryCollector.RewindCollector and ReadNextEvents",
)
def a_collector_reads_forward(scratch: Scratch) -> None:
    vm = scratch.machine()
    made = collector(scratch, about(vm))
    whole = [event.key for event in query(scratch, about(vm))]

    first = [event.key for event in made.ReadNextEvents(1)]
    rest = [event.key for event in made.ReadNextEvents(1000)]
    assert first + rest == whole
    assert list(made.ReadNextEvents(10)) == []
    made.RewindCollector()
    assert [event.key for event in made.ReadNextEvents(1000)] == whole
    refusal(lambda: made.ReadNextEvents(0), vmodl.fault.InvalidArgument)


@rule(
    call="ReadPreviousEvents",
    says="A collector that was reset reads back from just before the latest page; a fresh one has nothing before it.",
    standing="documented",
    source="API reference, HistoryCollector.ResetCollector and ReadPreviousEvents",
)
def a_collector_reads_back(scratch: Scratch) -> None:
    vm = scratch.machine()
    for text in ("one", "two", "three"):
        note(vm, text)
    made = collector(scratch, about(vm, eventTypeId=["VmReconfiguredEvent"], maxCount=1))
    assert list(made.ReadPreviousEvents(10)) == []

    made.ResetCollector()

    assert [event.configSpec.annotation for event in made.ReadPreviousEvents(10)] == ["two", "one"]


@rule(
    call="EventManager.maxCollector",
    says="A session may have so many collectors; one more is InvalidState, until one is destroyed.",
    standing="documented",
    source="API reference, EventManager.maxCollector and CreateCollectorForEvents; 32: lucd.info 2009/12/18",
)
def collectors_are_bounded(scratch: Scratch) -> None:
    manager = scratch.content.eventManager
    made = []
    try:
        for _ in range(manager.maxCollector):
            made.append(manager.CreateCollectorForEvents(Filter()))  # noqa: PERF401 - what was made has to be known
        refusal(lambda: manager.CreateCollectorForEvents(Filter()), vim.fault.InvalidState)
        made.pop().DestroyCollector()
        made.append(manager.CreateCollectorForEvents(Filter()))
    finally:
        for entry in made:
            entry.DestroyCollector()


@rule(
    call="LogUserEvent",
    says="A text is logged against a machine in the user's name, and against a folder it is InvalidArgument.",
    standing="documented",
    source="API reference, EventManager.LogUserEvent",
)
def a_user_logs(scratch: Scratch) -> None:
    vm = scratch.machine()
    scratch.content.eventManager.LogUserEvent(vm, "a note")

    (event,) = query(scratch, about(vm, eventTypeId=["GeneralUserEvent"]))

    assert (event.message, event.userName) == ("a note", myself(scratch))
    folder = scratch.place.folder
    log = scratch.content.eventManager.LogUserEvent
    refusal(lambda: log(folder, "a note"), vmodl.fault.InvalidArgument)
    refusal(lambda: log(vm, ""), vmodl.fault.InvalidArgument)


@rule(
    call="PostEvent",
    says="Key, chain and time of a posted event are the server's; a severity that is none is InvalidArgument.",
    standing="documented",
    source="API reference, EventManager.PostEvent",
)
def a_posted_event_is_numbered(scratch: Scratch) -> None:
    vm = scratch.machine()
    argument = vim.event.VmEventArgument(vm=vm, name=vm.name)
    then = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)
    event = vim.event.EventEx(
        key=1, chainId=1, createdTime=then, userName="", vm=argument, eventTypeId="scratch.check", severity="warning"
    )
    scratch.content.eventManager.PostEvent(event)

    (told,) = query(scratch, about(vm, eventTypeId=["scratch.check"], category=["warning"]))
    assert told.key == told.chainId > 1
    assert told.createdTime > then

    event.severity = "loud"
    refusal(lambda: scratch.content.eventManager.PostEvent(event), vmodl.fault.InvalidArgument)


@rule(
    call="EventManager.latestEvent",
    says="It is the last event that happened.",
    standing="documented",
    source="API reference, EventManager.latestEvent",
)
def the_latest_event_is_known(scratch: Scratch) -> None:
    before = scratch.content.eventManager.latestEvent.key
    scratch.machine()

    assert scratch.content.eventManager.latestEvent.key > before


@rule(
    call="EventManager.description",
    says="It has category and format of each kind of event.",
    standing="documented",
    source="API reference, EventDescription.eventInfo",
)
def events_are_described(scratch: Scratch) -> None:
    infos = {info.key: info for info in scratch.content.eventManager.description.eventInfo}

    assert infos[vim.event.VmPoweredOnEvent].category == "info"
    assert "{vm.name}" in infos[vim.event.VmPoweredOnEvent].fullFormat
    assert vim.event.DVPortgroupReconfiguredEvent in infos
