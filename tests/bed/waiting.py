"""The only way the bed and its tests wait: for a condition, with a deadline, and with words for what did not happen."""

import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["NotInTimeError", "wait_for"]

T = TypeVar("T")


class NotInTimeError(AssertionError):
    """A condition did not come true before its deadline."""


def wait_for(
    condition: Callable[[], T],
    what: str,
    *,
    seconds: float = 30.0,
    interval: float = 0.05,
    detail: Callable[[], str] | None = None,
) -> T:
    """Return the first true value of `condition`.

    Args:
        condition: Asked again and again; what it raises is raised.
        what: The end of the sentence "waited … s for".
        seconds: The deadline.
        interval: The pause between two questions.
        detail: Tells, after the deadline, what there was instead.

    Raises:
        NotInTimeError: the deadline passed.
    """
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            more = f"\n{detail()}" if detail is not None else f" (last: {value!r})"
            raise NotInTimeError(f"waited {seconds:g} s for {what}{more}")
        time.sleep(interval)
