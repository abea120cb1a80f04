"""What is known of the watched objects, and who wants to hear of changes. Lives on the event loop alone.

Three things feed it: the long poll, live reads (which are newer than what the poll has sent so far, but for an answer
that was overtaken) and the answer to changes of the view. Nothing here calls the server: what has to be added to or
taken out of the view is collected until somebody takes it.

The one idea: an update that was computed before a live read may arrive after it. Its version was seen before and is
remembered as superseded, so it is dropped; otherwise it would look like drift, and the operator would fight itself.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from nested_hyperv.domain.host_network import HOST_NETWORK, STANDARD_NETWORK, HostNetwork
from nested_hyperv.domain.inventory import MoRef, PortGroup, Record, Switch, Task, TaskState, VirtualMachine
from nested_hyperv.vsphere.projection import build, update, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from nested_hyperv.domain.resource import ObjectKey
    from nested_hyperv.vsphere.updates import Update

__all__ = ["Inventory"]

_WATCHABLE: Final = frozenset(
    {
        "DistributedVirtualPortgroup",
        "DistributedVirtualSwitch",
        "VmwareDistributedVirtualSwitch",
        "ClusterComputeResource",
        "HostSystem",
        HOST_NETWORK,
        STANDARD_NETWORK,
        "VirtualMachine",
    }
)
_SWITCHES: Final = ("VmwareDistributedVirtualSwitch", "DistributedVirtualSwitch")
#: How many versions of one object are remembered as superseded; more are never in flight at once.
_REMEMBERED: Final = 8
#: How many removals from the view are expected to be confirmed; those that the server never noticed are not.
_DISMISSED: Final = 4096
#: How many live reads of objects that nobody watches yet are kept for whoever is about to, and for how many seconds.
_READ_AHEAD: Final = 256
_READ_AHEAD_SECONDS: Final = 2.0
#: How many objects are read at once because nothing was told of them; a server may just be slow.
_DOUBTS: Final = 32
_NOT_EXPECTED: Final = frozenset({"Task", HOST_NETWORK})
#: How many ended tasks are remembered for those who ask late.
_ENDED_TASKS: Final = 4096


class Inventory:
    """Cache of records, index of watchers, and running tasks."""

    def __init__(
        self,
        *,
        notify: Callable[[ObjectKey], None],
        changed: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        #: How many answers of the long poll there have been.
        self.pushes = 0
        self._notify = notify
        self._changed = changed
        self._clock = clock
        self._read_ahead: OrderedDict[MoRef, tuple[float, Record]] = OrderedDict()
        self._records: dict[MoRef, Record] = {}
        self._missing: set[MoRef] = set()
        self._superseded: dict[MoRef, deque[str]] = {}
        self._port_news: dict[MoRef, int] = {}
        self._watchers: dict[MoRef, set[ObjectKey]] = {}
        self._watched: dict[ObjectKey, frozenset[MoRef]] = {}
        self._names: dict[ObjectKey, str] = {}
        self._paths: dict[MoRef, str] = {}
        self._tasks: dict[MoRef, Task] = {}
        self._task_watchers: dict[MoRef, set[ObjectKey]] = {}
        self._ended: OrderedDict[MoRef, Task] = OrderedDict()
        self._add: dict[MoRef, None] = {}
        self._remove: dict[MoRef, None] = {}
        #: In the view since a change of it (its number; 0: on the way there), and ``enter`` has not come yet.
        self._expected: dict[MoRef, int] = {}
        self._doubted: set[MoRef] = set()
        #: How many changes of the view the server has taken.
        self.view_changes = 0
        #: Taken out of the view, and ``leave`` has not come yet: whoever wants one of them again may get no ``enter``.
        self._dismissed: OrderedDict[MoRef, None] = OrderedDict()

    # --- who watches what ---------------------------------------------------------------------------------------------

    def watch(self, key: ObjectKey, refs: Iterable[MoRef], *, name: str = "") -> None:
        """Make ``refs`` what ``key`` watches; of the networks of hosts, only what concerns port groups of a name."""
        if name:
            self._names[key] = name
        else:
            self._names.pop(key, None)
        wanted = frozenset(refs)
        strange = sorted(str(ref) for ref in wanted if ref.type not in _WATCHABLE)
        if strange:
            message = f"watch got {', '.join(strange)}; allowed are references of {', '.join(sorted(_WATCHABLE))}"
            raise ValueError(message)
        before = self._watched.pop(key, frozenset())
        if wanted:
            self._watched[key] = wanted
        for ref in wanted - before:
            self._watch(key, ref)
        for ref in before - wanted:
            self._unwatch(key, ref)

    def _watch(self, key: ObjectKey, ref: MoRef) -> None:
        keys = self._watchers.get(ref)
        if keys is not None:
            keys.add(key)
            return
        self._watchers[ref] = {key}
        self._want(ref)
        self._take_read_ahead(ref)

    def _take_read_ahead(self, ref: MoRef) -> None:
        """Begin with what was read a moment ago: an ``enter`` that says the same is no news to anybody."""
        read_at, record = self._read_ahead.pop(ref, (0.0, None))
        if record is not None and ref not in self._records and self._clock() - read_at < _READ_AHEAD_SECONDS:
            self.refresh(record, wake=False)

    def _unwatch(self, key: ObjectKey, ref: MoRef) -> None:
        keys = self._watchers[ref]
        keys.discard(key)
        if keys:
            return
        del self._watchers[ref]
        self._unwant(ref)

    def forget(self, key: ObjectKey) -> None:
        """Drop everything that ``key`` watches."""
        self.watch(key, ())
        for keys in self._task_watchers.values():
            keys.discard(key)

    # --- the view -----------------------------------------------------------------------------------------------------

    def _want(self, ref: MoRef) -> None:
        if ref in self._remove:
            del self._remove[ref]
            if ref not in self._missing:
                return
        self._add[ref] = None
        self._changed()

    def _unwant(self, ref: MoRef) -> None:
        if ref in self._add:
            del self._add[ref]
            if ref not in self._dismissed:
                self._drop(ref)
            return
        # What is known stays until the server confirms the removal: whoever watches again before that sees no gap, and
        # no new ``enter`` would come for it if the server looks only when it is back.
        self._remove[ref] = None
        self._changed()

    def _drop(self, ref: MoRef) -> None:
        self._records.pop(ref, None)
        self._superseded.pop(ref, None)
        self._port_news.pop(ref, None)
        self._missing.discard(ref)
        self._paths.pop(ref, None)
        self._told(ref)

    def take_changes(self, most: int) -> tuple[list[MoRef], list[MoRef]]:
        """Take at most so many additions and removals; the caller sends them."""
        add = list(self._add)[:most]
        remove = list(self._remove)[:most]
        for ref in add:
            del self._add[ref]
            # What is back before the server has looked is told of only if it is gone. Of a host that has gone with its
            # networks the host itself is told: they take long to come, and are dear to be read for a doubt.
            if ref.type not in _NOT_EXPECTED and ref not in self._dismissed:
                self._expected[ref] = 0
        for ref in remove:
            del self._remove[ref]
            self._told(ref)
            if ref.type == "Task" or ref in self._missing:
                self._drop(ref)
            else:
                self._dismissed[ref] = None
        while len(self._dismissed) > _DISMISSED:
            ref, _ = self._dismissed.popitem(last=False)
            if ref not in self._watchers:
                self._drop(ref)
        return add, remove

    def taken(self, add: Iterable[MoRef]) -> None:
        """The server has put these into the view."""
        self.view_changes += 1
        for ref in add:
            if ref in self._expected:
                self._expected[ref] = self.view_changes

    def untold(self, changes: int) -> None:
        """Everything of the view as it was after so many changes of it has been told.

        What was put into it and then destroyed, before the server had told of it, is told of never: neither ``enter``
        nor ``leave``. So what has not come may be gone, and counts as missing until it is read, once.
        """
        late = [ref for ref, number in self._expected.items() if 0 < number <= changes]
        for ref in late[:_DOUBTS]:
            del self._expected[ref]
            if ref not in self._doubted:
                self._doubted.add(ref)
                self._lose(ref)

    def _told(self, ref: MoRef) -> None:
        self._expected.pop(ref, None)
        self._doubted.discard(ref)

    def _left(self, ref: MoRef) -> None:
        """The server confirms a removal."""
        del self._dismissed[ref]
        self._drop(ref)
        if ref in self._watchers:
            # Wanted again since. If that was noticed already, the object itself is gone, and asking once more tells.
            self._add[ref] = None
            self._changed()

    def resync(self) -> None:
        """A new view is empty: everything has to be added again, and what does not enter is not there."""
        for ref in (*self._remove, *self._dismissed):
            if ref not in self._watchers:
                self._drop(ref)
        self._remove = {}
        self._dismissed.clear()
        self._superseded.clear()
        self._read_ahead.clear()
        self._expected.clear()
        self._doubted.clear()
        self._add = dict.fromkeys([*self._watchers, *self._tasks])
        self._changed()

    def clear(self) -> None:
        """Forget what is known, not who watches: another vCenter answers at the same address."""
        self._records.clear()
        self._missing.clear()
        self._paths.clear()
        self._dismissed.clear()
        self._ended.clear()
        for ref in list(self._tasks):
            self._settle(Task(ref, TaskState.LOST))

    def unresolved(self, refs: Iterable[MoRef]) -> None:
        """The server does not know these."""
        for ref in refs:
            self._told(ref)
            self._lose(ref)

    # --- what is known ------------------------------------------------------------------------------------------------

    def cached(self, ref: MoRef) -> Record | None:
        """Return the newest record."""
        return self._records.get(ref)

    def missing(self, ref: MoRef) -> bool:
        """Whether the server said that a watched object is not there."""
        return ref in self._missing

    def watches_switch(self, ref: MoRef) -> bool:
        """Whether anybody watches a distributed switch, by whichever of its types it is named."""
        return any(MoRef(kind, ref.value) in self._watchers for kind in _SWITCHES)

    def port_news(self, ref: MoRef) -> int:
        """How often single ports of a watched port group were changed."""
        return self._port_news.get(ref, 0)

    def ports_changed(self, keys: Collection[str]) -> None:
        """Single ports of the port groups with these keys were changed. Their own records tell nothing of it."""
        for ref, record in list(self._records.items()):
            if isinstance(record, PortGroup) and record.key in keys:
                self._port_news[ref] = self.port_news(ref) + 1
                self._wake(ref)

    def apply(self, updates: Iterable[Update]) -> None:
        """Take over what the long poll says."""
        self.pushes += 1
        for change in updates:
            self._told(change.ref)
            if change.ref.type == "Task":
                self._apply_task(change)
            elif not (change.ref in self._watchers or change.ref in self._remove or change.ref in self._dismissed):
                continue  # nobody has wanted it for long
            elif change.kind == "leave" and change.ref in self._dismissed:
                self._left(change.ref)
            elif change.kind == "leave":
                self._lose(change.ref)
            else:
                self._apply_record(change)

    def _apply_record(self, change: Update) -> None:
        ref = change.ref
        if change.kind == "enter" and ref not in self._dismissed:
            self._add.pop(ref, None)  # in the view already: put there once more, it would not be told of
        old = self._records.get(ref)
        if change.kind == "modify" and old is None:
            return  # a live read said that it is gone; if not, the view says enter
        new = build(ref, change.fields) if change.kind == "enter" or old is None else update(old, change.fields)
        if isinstance(new, Task):
            return
        if change.groups and isinstance(new, HostNetwork):
            new = new.patched(change.groups)
        if self._late(ref, version_of(new)):
            return
        new = self._completed(old, new)
        self._missing.discard(ref)
        if new != old:
            self._records[ref] = new
            self._supersede(ref, old, new)
            self._wake_for(ref, old, new)

    def _late(self, ref: MoRef, version: str | None) -> bool:
        return version is not None and version in self._superseded.get(ref, ())

    def _supersede(self, ref: MoRef, old: Record | None, new: Record) -> None:
        before, now = version_of(old) if old is not None else None, version_of(new)
        # Without a version nothing is newer: a machine that was away comes back with the one that it had.
        if before and now and before != now:
            self._superseded.setdefault(ref, deque(maxlen=_REMEMBERED)).append(before)

    def _completed(self, old: Record | None, new: Record) -> Record:
        """Keep what the poll does not carry: detail of a VM, path of a switch and, while its version stays, detail."""
        if isinstance(new, VirtualMachine) and new.detail is None and isinstance(old, VirtualMachine):
            return replace(new, detail=old.detail)
        if isinstance(new, Switch) and not new.path:
            parent, _, _ = self._paths.get(new.ref, "").rpartition("/")
            new = replace(new, path=f"{parent}/{new.name}" if parent else "")
            if isinstance(old, Switch) and old.config_version == new.config_version:
                # Else an ``enter`` that says what was read a moment ago would wake everybody on this switch.
                return replace(new, mtu=old.mtu, uplinks=old.uplinks, private_vlans=old.private_vlans)
        return new

    def refresh(self, record: Record, *, wake: bool = True) -> None:
        """A live read: newer than what the poll has sent, unless the poll has told of a newer version meanwhile."""
        ref = record.ref
        if ref not in self._watchers:
            self._read_ahead[ref] = (self._clock(), record)
            self._read_ahead.move_to_end(ref)
            if len(self._read_ahead) > _READ_AHEAD:
                self._read_ahead.popitem(last=False)
            return
        if isinstance(record, Switch) and record.path:
            self._paths[ref] = record.path
        old = self._records.get(ref)
        if old is not None and self._late(ref, version_of(record)):
            return  # that version was replaced while its answer was on the way
        record = self._completed(old, record)
        if ref in self._missing:
            # The view lost sight of it although it exists, as when a permission was taken and given back.
            self._missing.discard(ref)
            self._want(ref)
        if record != old:
            self._records[ref] = record
            self._supersede(ref, old, record)
            if wake:
                self._wake_for(ref, old, record)

    def gone(self, ref: MoRef) -> None:
        """A live read found nothing."""
        self._read_ahead.pop(ref, None)
        if ref in self._watchers:
            self._lose(ref)

    def _lose(self, ref: MoRef) -> None:
        if ref.type == "Task":
            self._settle(Task(ref, TaskState.LOST))
            return
        self._dismissed.pop(ref, None)
        if ref not in self._watchers or ref in self._missing:
            return
        self._records.pop(ref, None)
        self._superseded.pop(ref, None)
        self._missing.add(ref)
        self._wake(ref)

    def _wake_for(self, ref: MoRef, old: Record | None, new: Record) -> None:
        """Wake those whom a change concerns: hundreds may watch the networks of one host, each for one port group."""
        names = old.differing(new) if isinstance(old, HostNetwork) and isinstance(new, HostNetwork) else None
        if names is None:
            self._wake(ref)
            return
        for key in tuple(self._watchers.get(ref, ())):
            if self._names.get(key, "") in names:
                self._notify(key)

    def _wake(self, ref: MoRef) -> None:
        for key in tuple(self._watchers.get(ref, ())):
            self._notify(key)

    # --- tasks --------------------------------------------------------------------------------------------------------

    def task(self, ref: MoRef) -> Task | None:
        """Return what is known of a task."""
        return self._tasks.get(ref) or self._ended.get(ref)

    def started(self, key: ObjectKey, ref: MoRef) -> Task:
        """Wake ``key`` when a task ends that was started just now."""
        # A vCenter that was restored from a backup counts its tasks from an older number on.
        self._ended.pop(ref, None)
        return self.follow(key, ref)

    def follow(self, key: ObjectKey, ref: MoRef) -> Task:
        """Wake ``key`` when a task ends."""
        ended = self._ended.get(ref)
        if ended is not None:
            return ended
        if ref not in self._tasks:
            self._tasks[ref] = Task(ref, TaskState.QUEUED)
            self._want(ref)
        self._task_watchers.setdefault(ref, set()).add(key)
        return self._tasks[ref]

    def _apply_task(self, change: Update) -> None:
        old = self._tasks.get(change.ref)
        if old is None:
            return
        if change.kind == "leave":
            # Finished tasks are purged after a while. One that leaves without having been seen to end is lost.
            self._settle(Task(change.ref, TaskState.LOST))
            return
        new = update(old, change.fields)
        if isinstance(new, Task):
            self.saw_task(new)

    def saw_task(self, task: Task) -> None:
        """Take over what the poll or a live read says of a task that is followed."""
        if task.ref not in self._tasks:
            return
        if task.state.ended:
            self._settle(task)
        else:
            self._tasks[task.ref] = task

    def _settle(self, task: Task) -> None:
        if self._tasks.pop(task.ref, None) is None:
            return
        self._ended[task.ref] = task
        if len(self._ended) > _ENDED_TASKS:
            self._ended.popitem(last=False)
        self._unwant(task.ref)
        for key in self._task_watchers.pop(task.ref, ()):
            self._notify(key)
