"""Tells the watch event of our own write from somebody else's change.

Every write carries the `resourceVersion` it is based on, so its event differs from what the store has by exactly our
change. Mostly the answer arrives first, the store has the version already, and the event is old news. When the event
overtakes the answer, it is held back until the answer tells which version is ours.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nested_hyperv.domain.resource import ObjectKey

__all__ = ["OwnWrites"]


@dataclass(slots=True)
class _Writing:
    writes: int = 0
    ours: set[str] = field(default_factory=set)
    held: list[tuple[str, Callable[[], None]]] = field(default_factory=list)


class OwnWrites:
    """Which objects are being written right now, and what arrived about them meanwhile."""

    def __init__(self) -> None:
        self._writing: dict[ObjectKey, _Writing] = {}

    @contextlib.contextmanager
    def writing(self, key: ObjectKey) -> Iterator[Callable[[str], None]]:
        """Surround one write; call the yielded function with the `resourceVersion` of the answer."""
        writing = self._writing.setdefault(key, _Writing())
        writing.writes += 1
        try:
            yield writing.ours.add
        finally:
            writing.writes -= 1
            if not writing.writes:
                del self._writing[key]
                for version, announce in writing.held:
                    if version not in writing.ours:
                        announce()

    def unless_ours(self, key: ObjectKey, resource_version: str, announce: Callable[[], None]) -> None:
        """Call `announce`, now or when the running write has ended, unless that write made this version."""
        writing = self._writing.get(key)
        if writing is None:
            announce()
        else:
            writing.held.append((resource_version, announce))
