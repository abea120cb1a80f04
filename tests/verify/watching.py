"""Words for checks of the property collector: a watch that ends with the check, and reads by path."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

import threading
from collections.abc import Callable
from typing import Any

from pyVmomi import vim, vmodl

from bed.soap import Updates
from verify.scratch import Scratch

__all__ = ["Collector", "changes", "during", "list_of", "option", "read", "reading", "refusal", "watch"]

Collector = vmodl.query.PropertyCollector


def watch(scratch: Scratch, start: Any, paths: dict[Any, list[str]], *, partial: bool = False) -> Updates:
    """Watch an object, or what a view shows, in a collector of its own that `clean` destroys."""
    updates = Updates(scratch.instance, start, paths, partial=partial)
    scratch.undo(updates.collector.DestroyPropertyCollector)
    return updates


def list_of(scratch: Scratch, *objects: Any) -> Any:
    """Return a ListView of these objects that `clean` destroys."""
    view = scratch.content.viewManager.CreateListView(list(objects))
    scratch.undo(view.DestroyView)
    return view


def changes(updates: Any) -> list[tuple[str, str, Any]]:
    """Return the property changes of an update set as (name, operation, value)."""
    return [
        (change.name, str(change.op), change.val)
        for part in updates.filterSet
        for item in part.objectSet
        for change in item.changeSet
    ]


def reading(start: Any, paths: list[str], *, kind: Any = None, select: Any = (), skip: bool = False) -> Any:
    """Return the spec of a read."""
    return Collector.FilterSpec(
        objectSet=[Collector.ObjectSpec(obj=start, skip=skip, selectSet=list(select))],
        propSet=[Collector.PropertySpec(type=kind or type(start), pathSet=paths)],
    )


def read(scratch: Scratch, start: Any, *paths: str) -> dict[str, Any]:
    """Return properties of an object by path; what is unset is absent."""
    (item,) = scratch.content.propertyCollector.RetrieveContents([reading(start, list(paths))])
    return {entry.name: entry.val for entry in item.propSet}


def during(wait: Callable[[], Any], act: Callable[[], Any]) -> Any:
    """Act while a wait is under way; return what the wait returned or raised."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(wait())
        except vmodl.MethodFault as fault:
            outcome.append(fault)

    waiter = threading.Thread(target=run)
    waiter.start()
    waiter.join(0.05)  # not for the outcome: only so that the wait is usually there first
    act()
    waiter.join(30)
    assert outcome, "the wait did not end"
    return outcome[0]


def option(key: str, value: str) -> Any:
    """Return an option of a machine's extraConfig."""
    return vim.option.OptionValue(key=f"scratch.{key}", value=value)


def refusal(call: Callable[[], Any], kind: Any) -> Any:
    """Return the fault of a call, not a task, that has to be refused with a fault of this kind."""
    try:
        call()
    except kind as fault:
        return fault
    raise AssertionError(f"no {kind.__name__} came")
