"""Answers to "what is this name" that are asked on every pass and change almost never.

An answer is kept for the session that gave it. A pass that only compares takes it at any age, so that it costs no call;
a pass that is about to write asks again what is older than a minute. What was not found is not remembered: it is asked
again until somebody creates it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

__all__ = ["Remembered"]

T = TypeVar("T")

_FRESH_SECONDS: Final = 60.0


class Remembered:
    """Positive answers of one session."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._generation = -1
        self._answers: dict[Hashable, tuple[float, Any]] = {}

    async def get(self, generation: int, question: Hashable, ask: Callable[[], Awaitable[T]], *, fresh: bool) -> T:
        """Return the answer to a question; ``fresh`` asks again unless the answer is less than a minute old."""
        if generation != self._generation:
            self._answers.clear()
            self._generation = generation
        asked_at, known = self._answers.get(question, (0.0, None))
        if known is not None and (not fresh or self._clock() - asked_at < _FRESH_SECONDS):
            return cast("T", known)
        answer = await ask()
        if answer is not None:
            self._answers[question] = (self._clock(), answer)
        return answer
