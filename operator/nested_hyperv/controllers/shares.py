"""A bounded share of the workers for each vCenter, so that a slow one never holds them all.

Nobody waits: a key that finds no free place is parked. Whoever leaves hands its place to the one that has waited
longest, so the place is kept for a key that is on its way and cannot be lost to a newcomer.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from nested_hyperv.domain.resource import ObjectKey

__all__ = ["Shares"]


class Shares:
    """Who is at work on which vCenter, or has a place there and was woken to take it."""

    def __init__(self, limit: int, wake: Callable[[ObjectKey], None]) -> None:
        self._limit = max(1, limit)
        self._wake = wake
        self._places: dict[Hashable, set[ObjectKey]] = {}
        self._parked: dict[Hashable, OrderedDict[ObjectKey, None]] = {}
        self._share_of: dict[ObjectKey, Hashable] = {}

    def enter(self, vcenter: Hashable, key: ObjectKey) -> bool:
        """Take a place; ``False`` if there is none: the key is woken when there is."""
        if self._share_of.get(key, vcenter) != vcenter:
            self.leave(key)  # a namesake with another connection
        places = self._places.setdefault(vcenter, set())
        self._share_of[key] = vcenter
        if key not in places and len(places) >= self._limit:
            self._parked.setdefault(vcenter, OrderedDict())[key] = None
            return False
        places.add(key)
        self._unpark(vcenter, key)
        return True

    def leave(self, key: ObjectKey) -> None:
        """Give the place back, or stop waiting for one; also for a key that is gone. Wakes whoever is next."""
        vcenter = self._share_of.pop(key, None)
        if vcenter is None:
            return
        self._unpark(vcenter, key)
        places = self._places[vcenter]
        places.discard(key)
        parked = self._parked.get(vcenter)
        if parked and len(places) < self._limit:
            waiting = next(iter(parked))
            self._unpark(vcenter, waiting)
            places.add(waiting)
            self._wake(waiting)
        if not places:
            del self._places[vcenter]

    def _unpark(self, vcenter: Hashable, key: ObjectKey) -> None:
        parked = self._parked.get(vcenter)
        if parked is None:
            return
        parked.pop(key, None)
        if not parked:
            del self._parked[vcenter]
