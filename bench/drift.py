"""From a drift of one port group to its repair, as another client of the vCenter sees it, one after the other.

The peer is the repair itself: ReconfigureDVPortgroup_Task by somebody who knows beforehand what to write.
"""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

import time
from collections.abc import Iterable, Sequence
from typing import Any

from pyVmomi import vim

from bed.soap import Updates, connect
from bed.twin import Twin
from bench.figures import Figure, percentile
from bench.peer import setting

__all__ = ["LEARNING", "figures", "raw_seconds", "repair_seconds"]

LEARNING = "config.defaultPortConfig.macManagementPolicy.macLearningPolicy.enabled"
_WAIT_SECONDS = 60
_PortGroup = vim.dvs.DistributedVirtualPortgroup


def repair_seconds(twin: Twin, mo_refs: Iterable[str]) -> list[float]:
    """Switch MAC learning off on each; return how long it took until it was on again."""
    out = []
    with connect(twin) as instance:
        for mo_ref in mo_refs:
            watch = _Watch(instance, mo_ref)
            started = time.monotonic()
            twin.control.drift(mo_ref, set={LEARNING: False})
            out.append(watch.until_repaired() - started)
            watch.close()
    return out


def raw_seconds(twin: Twin, mo_refs: Iterable[str]) -> list[float]:
    """Do the same with a program that waits for nothing but the call, on port groups that nobody repairs."""
    out = []
    with connect(twin) as instance:
        for mo_ref in mo_refs:
            twin.control.drift(mo_ref, set={LEARNING: False})
            group = _PortGroup(mo_ref, instance._stub)  # noqa: SLF001 - how pyVmomi resolves an id
            spec = _PortGroup.ConfigSpec(configVersion=group.config.configVersion, defaultPortConfig=setting(vlan=100))
            watch = _Watch(instance, mo_ref)
            started = time.monotonic()
            group.ReconfigureDVPortgroup_Task(spec)
            out.append(watch.until_repaired() - started)
            watch.close()
    return out


def figures(among: int, repaired: Sequence[float], raw: Sequence[float]) -> list[Figure]:
    """Tell median and 99th percentile beside the bare call's, and what is between them."""
    scenario = f"drift to repair among {among} port groups"
    made = [
        Figure(scenario, f"p{p}", percentile(repaired, p) * 1000, "ms", peer=percentile(raw, p) * 1000)
        for p in (50, 99)
    ]
    beyond = (percentile(repaired, 99) - percentile(raw, 99)) * 1000
    note = f"{len(repaired)} drifts, one after the other"
    return [*made, Figure(scenario, "p99 beyond the call itself", beyond, "ms", bar="< 1000", note=note)]


class _Watch:
    """A property collector on one port group.

    It needs a vCenter whose tasks take their time: a repair within milliseconds may be over before the drift is told.
    """

    def __init__(self, instance: Any, mo_ref: str) -> None:
        group = _PortGroup(mo_ref, instance._stub)  # noqa: SLF001
        self._updates = Updates(instance, group, {_PortGroup: [LEARNING]})
        self._now: bool | None = None
        self._take()

    def until_repaired(self) -> float:
        """Return when MAC learning was seen on after it had been off."""
        was_off = self._now is False
        while not (was_off and self._now):
            self._take()
            was_off = was_off or self._now is False
        return time.monotonic()

    def close(self) -> None:
        self._updates.collector.DestroyPropertyCollector()

    def _take(self) -> None:
        deadline = time.monotonic() + _WAIT_SECONDS
        while not (found := self._updates.all(seconds=_WAIT_SECONDS)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"no change of the port group was seen for {_WAIT_SECONDS} s")
        self._now = bool(found[-1][2][LEARNING])
