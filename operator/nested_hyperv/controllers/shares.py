"""A bounded share of the workers for each vCenter, so that a slow one never holds them all.

Nobody waits: a key that finds no free place is parked and comes back when one of the same vCenter leaves.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from nested_hyperv.domain.resource import ObjectKey

__all__ = ["Shares"]


class Shares:
    """Who is at work on which vCenter."""

    def __init__(self, limit: int, wake: Callable[[ObjectKey], None]) -> None:
        self._limit = max(1, limit)
        self._wake = wake
        self._working: dict[Hashable, set[ObjectKey]] = {}
        self._parked: dict[Hashable, OrderedDict[ObjectKey, None]] = {}

    def enter(self, vcenter: Hashable, key: ObjectKey) -> bool:
        """Take a place; ``False`` if there is none: the key is woken when there is."""
        working = self._working.setdefault(vcenter, set())
        if len(working) >= self._limit:
            self._parked.setdefault(vcenter, OrderedDict())[key] = None
            return False
        working.add(key)
        return True

    def leave(self, vcenter: Hashable, key: ObjectKey) -> None:
        """Give the place back and wake whoever has waited longest."""
        working = self._working.get(vcenter, set())
        working.discard(key)
        parked = self._parked.get(vcenter)
        if parked:
            waiting, _ = parked.popitem(last=False)
            self._wake(waiting)
        if not parked:
            self._parked.pop(vcenter, None)
        if not working:
            self._working.pop(vcenter, None)
