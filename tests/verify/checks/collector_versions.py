"""Versions of a collector: what may be asked again, what once, and what never."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from typing import Any

from pyVmomi import vim, vmodl

from bed.soap import Updates, moid, result_of
from verify.rule import rule
from verify.scratch import Scratch
from verify.watching import list_of, refusal, watch

NOTE = {vim.VirtualMachine: ["config.annotation"]}


def told(updates: Any) -> list[tuple[str, str]]:
    """Return what an update set says of which object."""
    return [(str(item.kind), moid(item.obj)) for part in updates.filterSet for item in part.objectSet]


def note(vm: Any, text: str) -> None:
    """Write a machine's annotation."""
    result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation=text)))


def machines(scratch: Scratch, number: int) -> list[Any]:
    """Create some machines."""
    return [scratch.machine(f"machine-{i}") for i in range(number)]


def watch_all(scratch: Scratch, *objects: Any) -> Updates:
    """Watch machines through a list view."""
    return watch(scratch, list_of(scratch, *objects), NOTE)


@rule(
    call="UpdateSet.version",
    says="Complete versions are decimal numbers that grow by one.",
    standing="observed",
    source="govmomi issue 922; the reference calls them opaque and strongly ordered",
)
def versions_count(scratch: Scratch) -> None:
    (vm,) = machines(scratch, 1)
    updates = watch_all(scratch, vm)
    first = updates.wait().version
    note(vm, "new")

    assert int(updates.wait().version) == int(first) + 1


@rule(
    call="WaitForUpdatesEx",
    says="A version may be asked again any number of times, and the same sets come back.",
    standing="documented",
    source="API reference, UpdateSet.truncated: re-using a version",
)
def a_version_may_be_asked_again(scratch: Scratch) -> None:
    (vm,) = machines(scratch, 1)
    updates = watch_all(scratch, vm)
    first = updates.wait().version
    note(vm, "one")
    second = updates.wait()
    note(vm, "two")
    third = updates.wait()

    for _ in range(2):
        again = updates.wait(version=first)
        assert (again.version, told(again)) == (second.version, told(second))
        again = updates.wait(version=again.version)
        assert (again.version, told(again)) == (third.version, told(third))


@rule(
    call="WaitForUpdatesEx",
    says='The version "" is the full state, also of what was told before.',
    standing="documented",
    source="API reference, WaitForUpdatesEx.version",
)
def the_empty_version_is_the_full_state(scratch: Scratch) -> None:
    updates = watch_all(scratch, *machines(scratch, 2))
    first = updates.wait()

    assert told(updates.wait(version="")) == told(first)


@rule(
    call="WaitForUpdatesEx",
    says="A version that this collector did not give is InvalidCollectorVersion.",
    standing="documented",
    source="API reference, WaitForUpdatesEx: InvalidCollectorVersion",
)
def an_unknown_version_is_refused(scratch: Scratch) -> None:
    updates = watch_all(scratch)
    updates.wait(0)

    for version in ("777", "-1", "1_77", "not a version"):
        refusal(lambda: updates.wait(version=version), vmodl.query.InvalidCollectorVersion)  # noqa: B023


@rule(
    call="WaitForUpdatesEx",
    says='Versions from before the full state was asked with "" again are InvalidCollectorVersion.',
    standing="inferred",
    source="nothing found",
)
def a_restart_forgets_older_versions(scratch: Scratch) -> None:
    updates = watch_all(scratch, *machines(scratch, 1))
    first = updates.wait().version
    updates.wait(version="")

    refusal(lambda: updates.wait(version=first), vmodl.query.InvalidCollectorVersion)


@rule(
    call="WaitOptions.maxObjectUpdates",
    says="A set holds so many objects at most, is then truncated, and the rest follows at once.",
    standing="documented",
    source="API reference, UpdateSet.truncated",
)
def a_set_is_truncated_and_continued(scratch: Scratch) -> None:
    vms = machines(scratch, 3)
    updates = watch_all(scratch, *vms)

    parts = [updates.wait(limit=2), updates.wait(limit=2)]

    assert [len(told(part)) for part in parts] == [2, 1]
    assert [bool(part.truncated) for part in parts] == [True, False]
    assert sorted(told(parts[0]) + told(parts[1])) == sorted(("enter", moid(vm)) for vm in vms)


@rule(
    call="UpdateSet.truncated",
    says="A truncated version may be used once only.",
    standing="documented",
    source="API reference, UpdateSet.truncated",
)
def a_truncated_version_is_good_once(scratch: Scratch) -> None:
    updates = watch_all(scratch, *machines(scratch, 3))
    truncated = updates.wait(limit=1).version
    updates.wait(limit=1)

    refusal(lambda: updates.wait(version=truncated), vmodl.query.InvalidCollectorVersion)


@rule(
    call="CheckForUpdates",
    says="A truncated version may not be passed to CheckForUpdates.",
    standing="documented",
    source="API reference, UpdateSet.truncated",
)
def a_truncated_version_is_not_for_checks(scratch: Scratch) -> None:
    updates = watch_all(scratch, *machines(scratch, 2))
    truncated = updates.wait(limit=1).version

    refusal(lambda: updates.collector.CheckForUpdates(truncated), vmodl.query.InvalidCollectorVersion)


@rule(
    call="CheckForUpdates",
    says="CheckForUpdates answers at once, null when nothing changed, and never truncated.",
    standing="documented",
    source="API reference, CheckForUpdates and UpdateSet.truncated",
)
def checks_are_whole(scratch: Scratch) -> None:
    vms = machines(scratch, 3)
    updates = watch_all(scratch, *vms)
    base = updates.wait().version
    for vm in vms:
        note(vm, "new")
    updates.wait(limit=1)

    whole = updates.collector.CheckForUpdates(base)

    assert not whole.truncated
    assert sorted(told(whole)) == sorted(("modify", moid(vm)) for vm in vms)
    assert updates.collector.CheckForUpdates(whole.version) is None


@rule(
    call="WaitForUpdates",
    says="The old WaitForUpdates tells what follows a version, without options.",
    standing="documented",
    source="API reference, WaitForUpdates",
)
def the_old_wait_works(scratch: Scratch) -> None:
    (vm,) = machines(scratch, 1)
    updates = watch_all(scratch, vm)
    first = updates.collector.WaitForUpdates("")
    note(vm, "new")

    assert told(first) == [("enter", moid(vm))]
    assert told(updates.collector.WaitForUpdates(first.version)) == [("modify", moid(vm))]
