"""Answers are given once to many, kept while somebody wants them, and asked again before they count."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from nested_hyperv.vsphere.remembered import Remembered


class Bench:
    """A memory on a clock that is moved by hand, and a server that counts what it is asked."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked: list[str] = []
        self.remembered = Remembered(clock=lambda: self.now)

    def _ask(self, question: str, answer: str | None) -> Callable[[], Coroutine[Any, Any, str | None]]:
        async def ask() -> str | None:
            self.asked.append(question)
            await asyncio.sleep(0)
            return answer

        return ask

    async def get(
        self, question: str, *, answer: str | None = "x", session: int = 1, fresh: bool = False
    ) -> str | None:
        return await self.remembered.get(session, question, self._ask(question, answer), fresh=fresh)


async def test_many_that_ask_at_once_share_one_call() -> None:
    bench = Bench()
    assert await asyncio.gather(*(bench.get("switch") for _ in range(5))) == ["x"] * 5
    assert bench.asked == ["switch"]


async def test_a_fresh_answer_is_less_than_a_minute_old() -> None:
    bench = Bench()
    await bench.get("switch")
    bench.now = 59
    await bench.get("switch", fresh=True)
    assert bench.asked == ["switch"]
    bench.now = 60
    await bench.get("switch")
    assert bench.asked == ["switch"]
    await bench.get("switch", fresh=True)
    assert bench.asked == ["switch"] * 2


async def test_neither_what_was_not_found_nor_what_an_older_session_said_is_kept() -> None:
    bench = Bench()
    assert await bench.get("switch", answer=None) is None
    assert await bench.get("switch") == "x"
    await bench.get("switch", session=2)
    assert bench.asked == ["switch"] * 3


async def test_what_nobody_asks_for_is_forgotten_and_what_is_in_use_is_not() -> None:
    bench = Bench()
    await bench.get("in use")
    for number in range(100):
        await bench.get(f"gone {number}")
    for hour in range(1, 6):
        bench.now = hour * 3600.0
        await bench.get("in use")
    assert len(bench.remembered) == 1
    assert bench.asked.count("in use") == 1
