"""The property collector: what a watch is told, and in which form."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from typing import Any

from pyVmomi import vim, vmodl

from bed.soap import Updates, moid, result_of
from verify.rule import rule
from verify.scratch import Scratch
from verify.watching import Collector, changes, during, list_of, option, read, reading, refusal, watch

NOTE = {vim.VirtualMachine: ["config.annotation"]}
KEY = "scratch.mark"
PATH = f'config.extraConfig["{KEY}"]'


def note(vm: Any, text: str) -> None:
    """Write a machine's annotation."""
    result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation=text)))


def mark(vm: Any, value: str) -> None:
    """Write a machine's option, or remove it with an empty value."""
    result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(extraConfig=[option("mark", value)])))


@rule(
    call="WaitForUpdatesEx",
    says="The first set is an enter with every property of the filter, later ones tell only what changed.",
    standing="documented",
    source="API reference, ObjectUpdate.kind and UpdateSet",
)
def the_first_set_is_whole_and_the_next_a_difference(scratch: Scratch) -> None:
    vm = scratch.machine(annotation="old")
    updates = watch(scratch, vm, {vim.VirtualMachine: ["config.annotation", "runtime.powerState"]})

    assert updates.all() == [("enter", moid(vm), {"config.annotation": "old", "runtime.powerState": "poweredOff"})]

    note(vm, "new")
    assert updates.all() == [("modify", moid(vm), {"config.annotation": "new"})]


@rule(
    call="WaitForUpdatesEx",
    says="Null comes back when nothing changed in time, and the version stays good.",
    standing="documented",
    source="API reference, WaitOptions.maxWaitSeconds",
)
def nothing_changed_is_null(scratch: Scratch) -> None:
    vm = scratch.machine()
    updates = watch(scratch, vm, NOTE)
    updates.wait()

    assert updates.wait(0) is None
    note(vm, "new")
    assert updates.all() == [("modify", moid(vm), {"config.annotation": "new"})]


@rule(
    call="WaitForUpdatesEx",
    says="A negative maxWaitSeconds and a maxObjectUpdates of 0 are InvalidArgument.",
    standing="documented",
    source="API reference, WaitOptions: illegal; the fault is inferred",
)
def impossible_options_are_refused(scratch: Scratch) -> None:
    updates = watch(scratch, scratch.machine(), NOTE)

    fault = refusal(lambda: updates.wait(-1), vmodl.fault.InvalidArgument)
    assert fault.invalidProperty == "options.maxWaitSeconds"
    refusal(lambda: updates.wait(0, limit=0), vmodl.fault.InvalidArgument)


@rule(
    call="PropertyChange",
    says="A property that lost its value is an assign without one; below it, it is an indirectRemove.",
    standing="documented",
    source="API reference, PropertyChange.op and .val",
)
def what_is_unset_is_told(scratch: Scratch) -> None:
    by = vim.ext.ManagedByInfo(extensionKey="scratch.check", type="check")
    vm = scratch.machine(managedBy=by)
    updates = watch(scratch, vm, {vim.VirtualMachine: ["config.managedBy", "config.managedBy.type"]})
    updates.wait()

    clear = vim.ext.ManagedByInfo(extensionKey="", type="")
    result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(managedBy=clear)))

    assert sorted(changes(updates.wait())) == [
        ("config.managedBy", "assign", None),
        ("config.managedBy.type", "indirectRemove", None),
    ]


@rule(
    call="CreateFilter",
    says="With partialUpdates an element of a keyed array is added, changed inside and removed by its own path.",
    standing="documented",
    source="API reference, CreateFilter.partialUpdates, PropertyChange.name and .op",
)
def partial_updates_name_the_element(scratch: Scratch) -> None:
    vm = scratch.machine()
    updates = watch(scratch, vm, {vim.VirtualMachine: ["config.extraConfig"]}, partial=True)
    updates.wait()

    mark(vm, "one")
    ((name, op, value),) = [change for change in changes(updates.wait()) if KEY in change[0]]
    assert (name, op, value.key, value.value) == (PATH, "add", KEY, "one")

    mark(vm, "two")
    assert [change for change in changes(updates.wait()) if KEY in change[0]] == [(f"{PATH}.value", "assign", "two")]

    mark(vm, "")
    assert [change for change in changes(updates.wait()) if KEY in change[0]] == [(PATH, "remove", None)]


@rule(
    call="CreateFilter",
    says="Without partialUpdates the whole property that the filter names is sent.",
    standing="documented",
    source="API reference, CreateFilter.partialUpdates",
)
def whole_updates_name_the_property(scratch: Scratch) -> None:
    vm = scratch.machine()
    updates = watch(scratch, vm, {vim.VirtualMachine: ["config.extraConfig"]})
    updates.wait()

    mark(vm, "one")

    ((name, op, value),) = changes(updates.wait())
    assert (name, op) == ("config.extraConfig", "assign")
    assert KEY in {item.key for item in value}


@rule(
    call="CreateFilter",
    says="With partialUpdates a device that comes, changes and goes is told by its key.",
    standing="documented",
    source="API reference, PropertyChange.name: paths into keyed arrays",
)
def partial_updates_name_the_device(scratch: Scratch) -> None:
    vm = scratch.machine()
    updates = watch(scratch, vm, {vim.VirtualMachine: ["config.hardware.device"]}, partial=True)
    updates.wait()
    change: Any = vim.vm.device.VirtualDeviceSpec
    controller = vim.vm.device.ParaVirtualSCSIController(key=-1, busNumber=1, sharedBus="noSharing")

    result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[change(operation="add", device=controller)])))
    ((name, _, device),) = [item for item in changes(updates.wait()) if item[1] == "add"]
    assert name == f"config.hardware.device[{device.key}]"
    assert device.busNumber == 1

    result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[change(operation="remove", device=device)])))
    assert (name, "remove", None) in changes(updates.wait())


@rule(
    call="PropertySpec.pathSet",
    says="A path may go into an element of a keyed array.",
    standing="documented",
    source="API reference, PropertyChange.name: foo.arProp[key].baz; as a pathSet: observed, vm-operator's watcher",
)
def a_path_may_name_an_element(scratch: Scratch) -> None:
    vm = scratch.machine()
    updates = watch(scratch, vm, {vim.VirtualMachine: [f"{PATH}.value"]})
    assert updates.all() == [("enter", moid(vm), {})]

    mark(vm, "one")
    assert updates.all() == [("modify", moid(vm), {f"{PATH}.value": "one"})]
    assert read(scratch, vm, f"{PATH}.value") == {f"{PATH}.value": "one"}


@rule(
    call="CreateFilter",
    says="A property that the type does not have is InvalidProperty with its name.",
    standing="documented",
    source="API reference, CreateFilter: InvalidProperty",
)
def a_wrong_path_is_refused(scratch: Scratch) -> None:
    vm = scratch.machine()
    for path in ("config.hardware.nestedHVEnabled", "confg", "config.hardware.device.key"):
        make = scratch.content.propertyCollector.CreateFilter
        fault = refusal(lambda: make(reading(vm, [path]), partialUpdates=False), vmodl.query.InvalidProperty)  # noqa: B023
        assert fault.name == path


@rule(
    call="CreateFilter",
    says="A selection along a property that its type does not have is InvalidArgument.",
    standing="documented",
    source="API reference, CreateFilter: InvalidArgument",
)
def a_wrong_selection_is_refused(scratch: Scratch) -> None:
    make = scratch.content.propertyCollector.CreateFilter
    hop = Collector.TraversalSpec(type=vim.Folder, path="children", skip=False)
    spec = reading(scratch.place.folder, ["name"], kind=vim.ManagedEntity, select=[hop])

    refusal(lambda: make(spec, partialUpdates=False), vmodl.fault.InvalidArgument)


@rule(
    call="PropertyFilterSpec.reportMissingObjectsInResults",
    says="A start object that is gone is ManagedObjectNotFound, or is told in missingSet if that was asked for.",
    standing="documented",
    source="API reference, PropertyFilterSpec.reportMissingObjectsInResults",
)
def a_missing_start_is_a_fault_or_a_report(scratch: Scratch) -> None:
    gone = scratch.machine()
    result_of(gone.Destroy_Task())
    refusal(lambda: Updates(scratch.instance, gone, NOTE), vmodl.fault.ManagedObjectNotFound)

    updates = watch(scratch, list_of(scratch), NOTE)
    spec = reading(gone, ["config.annotation"])
    spec.reportMissingObjectsInResults = True
    updates.collector.CreateFilter(spec, partialUpdates=False)
    (part,) = updates.wait().filterSet

    assert moid(part.missingSet[0].obj) == moid(gone)
    assert isinstance(part.missingSet[0].fault, vmodl.fault.ManagedObjectNotFound)
    assert scratch.content.propertyCollector.RetrieveContents([spec]) == []


@rule(
    call="WaitForUpdatesEx",
    says="An object that is destroyed leaves.",
    standing="documented",
    source="API reference, ObjectUpdateKind.leave",
)
def a_destroyed_object_leaves(scratch: Scratch) -> None:
    vm = scratch.machine()
    updates = watch(scratch, vm, NOTE)
    updates.wait()

    result_of(vm.Destroy_Task())

    assert updates.all() == [("leave", moid(vm), {})]


@rule(
    call="CreateFilter",
    says="A filter that is made during a wait is told of by that wait.",
    standing="inferred",
    source="a wait calculates the updates of each existing filter; nothing found on one made meanwhile",
)
def a_filter_made_during_a_wait_is_told(scratch: Scratch) -> None:
    vm = scratch.machine(annotation="here")
    updates = watch(scratch, list_of(scratch), NOTE)
    updates.wait(0)

    spec = reading(vm, ["config.annotation"])
    told = during(lambda: updates.all(20), lambda: updates.collector.CreateFilter(spec, partialUpdates=False))

    assert told == [("enter", moid(vm), {"config.annotation": "here"})]


@rule(
    call="DestroyPropertyFilter",
    says="A destroyed filter reports nothing more, and a second time it is ManagedObjectNotFound.",
    standing="documented",
    source="API reference, PropertyFilter.DestroyPropertyFilter",
)
def a_destroyed_filter_is_silent(scratch: Scratch) -> None:
    vm = scratch.machine()
    updates = watch(scratch, vm, NOTE)
    updates.wait()

    updates.filter.DestroyPropertyFilter()
    note(vm, "new")

    assert updates.wait(0) is None
    refusal(updates.filter.DestroyPropertyFilter, vmodl.fault.ManagedObjectNotFound)


@rule(
    call="CancelWaitForUpdates",
    says="A wait that is cancelled ends with RequestCanceled.",
    standing="documented",
    source="API reference, CancelWaitForUpdates",
)
def a_cancelled_wait_ends(scratch: Scratch) -> None:
    updates = watch(scratch, scratch.machine(), NOTE)
    updates.wait()

    outcome = during(lambda: updates.wait(20), updates.collector.CancelWaitForUpdates)

    assert isinstance(outcome, vmodl.fault.RequestCanceled)


@rule(
    call="DestroyPropertyCollector",
    says="A wait whose collector is destroyed ends with RequestCanceled.",
    standing="documented",
    source="API reference, WaitForUpdatesEx: RequestCanceled",
)
def a_wait_ends_with_its_collector(scratch: Scratch) -> None:
    updates = Updates(scratch.instance, scratch.machine(), NOTE)
    updates.wait()

    outcome = during(lambda: updates.wait(20), updates.collector.DestroyPropertyCollector)

    assert isinstance(outcome, vmodl.fault.RequestCanceled)


@rule(
    call="DestroyPropertyCollector",
    says="The collector that the service provides may not be destroyed: NotSupported.",
    standing="inferred",
    source="API reference, DestroyPropertyCollector: may not be destroyed; the fault is not named",
)
def the_default_collector_stays(scratch: Scratch) -> None:
    refusal(scratch.content.propertyCollector.DestroyPropertyCollector, vmodl.fault.NotSupported)


@rule(
    call="WaitForUpdatesEx",
    says="Two waits on one collector are served one after the other, both with the same set.",
    standing="documented",
    source="API reference, CreatePropertyCollector: handled serially; that none is cancelled is inferred",
)
def two_waits_are_both_served(scratch: Scratch) -> None:
    vm = scratch.machine()
    updates = watch(scratch, vm, NOTE)
    version = updates.wait().version

    def other() -> None:
        assert during(lambda: updates.wait(20, version=version), lambda: note(vm, "new")) is not None

    first = during(lambda: updates.wait(20, version=version), other)

    assert changes(first) == [("config.annotation", "assign", "new")]
