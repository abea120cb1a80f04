"""Answers to "what is this name" that are asked on every pass and change almost never.

An answer is kept for the session that gave it. A pass that only compares takes it at any age, so that it costs no call;
a pass that is about to write asks again what is older than a minute. Many that ask at once share one call. What was not
found is not remembered: it is asked again until somebody creates it.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable

__all__ = ["Remembered"]

T = TypeVar("T")

_FRESH_SECONDS: Final = 60.0


class Remembered:
    """Positive answers of one session."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._generation = -1
        self._answers: dict[Hashable, tuple[float, asyncio.Task[Any]]] = {}

    async def get(
        self, generation: int, question: Hashable, ask: Callable[[], Coroutine[Any, Any, T]], *, fresh: bool
    ) -> T:
        """Return the answer to a question; ``fresh`` asks again unless the answer is less than a minute old."""
        if generation != self._generation:
            self._answers.clear()
            self._generation = generation
        known = self._answers.get(question)
        if known is None or (fresh and self._clock() - known[0] >= _FRESH_SECONDS):
            known = (self._clock(), asyncio.create_task(ask()))
            self._answers[question] = known
        try:
            # Shielded: one of those who wait may be cancelled, the others still want to know.
            answer = await asyncio.shield(known[1])
        except BaseException:
            self._forget(question, known)
            raise
        if answer is None:
            self._forget(question, known)
        return cast("T", answer)

    def _forget(self, question: Hashable, answer: tuple[float, asyncio.Task[Any]]) -> None:
        if self._answers.get(question) is answer:
            del self._answers[question]
