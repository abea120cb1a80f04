"""When to stop fighting: somebody who takes back the same repair again and again wins for a while.

Five repairs of one field within ten minutes make an object *contested*. Then it is left alone for a minute, and for
twice as long after each further repair, up to an hour; ten quiet minutes, or a change of the spec, end it.
Pure: times are seconds of a monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Contention"]

_LIMIT: Final = 5
_WINDOW: Final = 600.0
_FIRST_PAUSE: Final = 60.0
_LONGEST_PAUSE: Final = 3600.0
_DOUBLINGS: Final = 6  # 60 s doubled six times is more than the longest pause; a fight of weeks must not overflow


@dataclass(slots=True)
class Contention:
    """The repairs of one object, by field."""

    _repairs: dict[str, list[float]] = field(default_factory=dict)
    _fields: tuple[str, ...] = ()
    _pauses: int = 0
    _last: float = 0.0

    def repaired(self, fields: Iterable[str], now: float) -> None:
        """Note that these fields were written because somebody had changed them."""
        if self._repairs and now - self._last > self._quiet():
            self.reset()
        self._last = now
        for name in fields:
            kept = [time for time in self._repairs.get(name, []) if now - time <= _WINDOW]
            self._repairs[name] = [*kept, now][-_LIMIT:]
        disputed = self._disputed(now)
        if disputed:
            self._fields = disputed
            self._pauses += 1

    def paused_for(self, now: float) -> float:
        """How many seconds repairs have to wait; 0 if they need not."""
        if self._pauses == 0:
            return 0.0
        return max(0.0, self._last + self.pause() - now)

    def pause(self) -> float:
        """How many seconds lie between the last repair and the next; 0 if nobody fights."""
        if self._pauses == 0:
            return 0.0
        return min(_FIRST_PAUSE * float(2 ** min(self._pauses - 1, _DOUBLINGS)), _LONGEST_PAUSE)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that are fought over."""
        return self._fields

    def reset(self) -> None:
        """Forget everything: the spec changed, or it has been quiet."""
        self._repairs.clear()
        self._fields = ()
        self._pauses = 0

    def _quiet(self) -> float:
        return _WINDOW + self.pause()

    def _disputed(self, now: float) -> tuple[str, ...]:
        if self._pauses:
            # Once contested, each further repair before it has been quiet lengthens the pause.
            return tuple(sorted(name for name, times in self._repairs.items() if times and times[-1] == self._last))
        return tuple(
            sorted(name for name, times in self._repairs.items() if len(times) >= _LIMIT and now - times[0] <= _WINDOW)
        )
