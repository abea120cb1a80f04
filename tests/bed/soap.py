"""A plain pyVmomi client of the vCenter twin, for tests: logs in with a verified certificate, finds, waits.

It is deliberately independent of the operator's own adapter: the contract tests check the twin, and e2e tests act as
"another administrator" through it.
"""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

import contextlib
import ssl
from collections.abc import Iterator
from typing import Any

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim, vmodl

from bed.twin import ADMINISTRATOR, Login, Twin
from bed.waiting import wait_for

__all__ = ["Updates", "connect", "find", "finish", "message_of", "moid", "result_of"]

PropertyCollector = vmodl.query.PropertyCollector


@contextlib.contextmanager
def connect(twin: Twin, user: Login = ADMINISTRATOR) -> Iterator[Any]:
    """Log in; yields the ServiceInstance and logs out at the end."""
    context = ssl.create_default_context(cafile=str(twin.ca))
    instance = SmartConnect(host=twin.host, port=twin.port, user=user.name, pwd=user.password, sslContext=context)
    try:
        yield instance
    finally:
        with contextlib.suppress(vmodl.fault.SecurityError, OSError):  # the test ended the session or the twin
            Disconnect(instance)


def find(instance: Any, kind: Any, name: str) -> Any:
    """Return the one object of this type and name; LookupError when there is none."""
    content = instance.RetrieveContent()
    view = content.viewManager.CreateContainerView(content.rootFolder, [kind], True)
    try:
        spec = PropertyCollector.FilterSpec(
            objectSet=[
                PropertyCollector.ObjectSpec(
                    obj=view,
                    skip=True,
                    selectSet=[PropertyCollector.TraversalSpec(path="view", skip=False, type=type(view))],
                )
            ],
            propSet=[PropertyCollector.PropertySpec(type=kind, pathSet=["name"])],
        )
        found = content.propertyCollector.RetrieveContents([spec])
    finally:
        view.DestroyView()
    for item in found:
        if item.propSet[0].val == name:
            return item.obj
    raise LookupError(f"no {kind.__name__} is named {name!r}")


def moid(reference: Any) -> str:
    """Return the id of a managed object: "vm-12"."""
    return str(reference).strip("'").partition(":")[2]


def message_of(fault: Any) -> str:
    """Return a fault's text, which pyVmomi's type information does not know of."""
    return str(fault.msg)


def finish(task: Any, *, seconds: float = 30.0) -> Any:
    """Wait until a task has ended, well or not; return its TaskInfo."""

    def ended() -> Any:
        info = task.info
        return info if info.state in {vim.TaskInfo.State.success, vim.TaskInfo.State.error} else None

    return wait_for(ended, f"{moid(task)} to end", seconds=seconds, interval=0.01)


def result_of(task: Any, *, seconds: float = 30.0) -> Any:
    """Wait for a task and return its result; raises the task's fault."""
    info = finish(task, seconds=seconds)
    if info.error is not None:
        raise info.error
    return info.result


class Updates:
    """A property collector with one filter, and the version it has come to."""

    def __init__(
        self,
        instance: Any,
        start: Any,
        paths: dict[Any, list[str]],
        *,
        own_collector: bool = True,
        partial: bool = False,
    ) -> None:
        root = instance.content.propertyCollector
        self.collector = root.CreatePropertyCollector() if own_collector else root
        is_view = isinstance(start, vim.view.ManagedObjectView)
        select = [PropertyCollector.TraversalSpec(path="view", skip=False, type=type(start))] if is_view else []
        self.spec = PropertyCollector.FilterSpec(
            objectSet=[PropertyCollector.ObjectSpec(obj=start, skip=is_view, selectSet=select)],
            propSet=[PropertyCollector.PropertySpec(type=kind, pathSet=names) for kind, names in paths.items()],
        )
        self.filter = self.collector.CreateFilter(self.spec, partialUpdates=partial)
        self.version = ""

    def wait(self, seconds: int = 10, *, version: str | None = None, limit: int | None = None) -> Any:
        """Return the next UpdateSet, or None when nothing changed in time."""
        options = PropertyCollector.WaitOptions(maxWaitSeconds=seconds, maxObjectUpdates=limit)
        updates = self.collector.WaitForUpdatesEx(self.version if version is None else version, options)
        if updates is not None:
            self.version = updates.version
        return updates

    def all(self, seconds: int = 10) -> list[tuple[str, str, dict[str, Any]]]:
        """Return the next set and what follows a truncated one, as (kind, id, changes)."""
        out: list[tuple[str, str, dict[str, Any]]] = []
        while True:
            updates = self.wait(seconds)
            if updates is None:
                return out
            for part in updates.filterSet:
                for item in part.objectSet:
                    changes = {change.name: change.val for change in item.changeSet}
                    out.append((str(item.kind), moid(item.obj), changes))
            if not updates.truncated:
                return out
