"""Answers to "what is this name" that are asked on every pass and change almost never.

An answer is kept for the session that gave it. A pass that only compares takes it at any age, so that it costs no call;
a pass that is about to write asks again what is older than a minute. Many that ask at once share one call. What was not
found is not remembered: it is asked again until somebody creates it. What nobody asks for any more is forgotten after
a while, because a session lasts for weeks and labs come and go.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable

__all__ = ["Remembered"]

T = TypeVar("T")

_FRESH_SECONDS: Final = 60.0
#: Much longer than anybody who needs an answer goes without asking: every object is looked at twice an hour.
_KEPT_SECONDS: Final = 7200.0


@dataclass(slots=True)
class _Answer:
    """Asked at one moment, used last at another."""

    asked: float
    used: float
    task: asyncio.Task[Any]


class Remembered:
    """Positive answers of one session."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._generation = -1
        self._answers: dict[Hashable, _Answer] = {}
        self._tidied = clock()

    async def get(
        self, generation: int, question: Hashable, ask: Callable[[], Coroutine[Any, Any, T]], *, fresh: bool
    ) -> T:
        """Return the answer to a question; ``fresh`` asks again unless the answer is less than a minute old."""
        if generation != self._generation:
            self._answers.clear()
            self._generation = generation
        now = self._clock()
        self._tidy(now)
        known = self._answers.get(question)
        if known is None or (fresh and now - known.asked >= _FRESH_SECONDS):
            known = _Answer(now, now, asyncio.create_task(ask()))
            self._answers[question] = known
        known.used = now
        try:
            # Shielded: one of those who wait may be cancelled, the others still want to know.
            answer = await asyncio.shield(known.task)
        except BaseException:
            self._forget(question, known)
            raise
        if answer is None:
            self._forget(question, known)
        return cast("T", answer)

    def forget(self, question: Hashable) -> None:
        """Have a question asked again: what it was answered with is known to be gone."""
        self._answers.pop(question, None)

    def __len__(self) -> int:
        """How many answers are remembered."""
        return len(self._answers)

    def _tidy(self, now: float) -> None:
        if now - self._tidied < _KEPT_SECONDS:
            return
        self._tidied = now
        self._answers = {key: answer for key, answer in self._answers.items() if now - answer.used < _KEPT_SECONDS}

    def _forget(self, question: Hashable, answer: _Answer) -> None:
        if self._answers.get(question) is answer:
            del self._answers[question]
