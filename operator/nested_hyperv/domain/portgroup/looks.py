"""When the ports of a port group are looked at: as seldom as is honest, and never in a pass without news.

What ports do is not pushed, so a look is due when what *is* pushed may have changed it, and when the last look is old.
Where machines were attached or detached, that is at once. A change of the configuration waits for a moment of quiet:
mostly it is about to be repaired, and the repair shall not wait for a look. So does the news that somebody has changed
single ports: a script changes one after the other.
Pure: times are seconds of a monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from nested_hyperv.domain.moref import MoRef

    from .overrides import PortUse

__all__ = ["Look", "News", "State", "after", "due_in"]

#: Quiet that is waited for, and for how long at most.
_QUIET_SECONDS: Final = 0.5
_PATIENCE_SECONDS: Final = 5.0
#: What a clock may be early.
_TICK: Final = 0.01
#: When a look is old: as long as a resync takes, and like it spread, so that not all come at once.
_OLD_SECONDS: Final = 1980.0
_SPREAD: Final = 0.2

#: What is pushed and decides what ports do: the version of the configuration, who is attached, and how often changes of
#: single ports were told.
State = tuple[str, tuple["MoRef", ...], int]


@dataclass(frozen=True, slots=True)
class News:
    """A state that has not been looked at, in force since ``at``; ``since`` is when the first such came."""

    state: State
    at: float
    since: float


@dataclass(frozen=True, slots=True)
class Look:
    """What a look showed, of which state. ``at`` is when it began to count: for one of an earlier process, later."""

    use: PortUse
    state: State
    at: float
    news: News | None = None


def after(look: Look, state: State, now: float) -> Look:
    """Note the state that is in force now."""
    if look.news is None:
        return look if look.state == state else replace(look, news=News(state, now, now))
    if look.news.state == state:
        return look
    return replace(look, news=replace(look.news, state=state, at=now))


def due_in(look: Look, now: float, *, share: float) -> float:
    """In how many seconds to look again. ``share``, from 0 to 1, is each port group's own place in the spread."""
    if look.news is None:
        due = look.at + _OLD_SECONDS * (1 - _SPREAD * share)
    elif look.news.state[1] != look.state[1]:
        return 0.0
    else:
        due = min(look.news.at + _QUIET_SECONDS, look.news.since + _PATIENCE_SECONDS)
    return due - now if due - now > _TICK else 0.0
