"""Everything that the demo prints, for a terminal of 80 columns; without a terminal the same as plain text."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.rule import Rule
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Screen"]

_WIDTH = 80
_FRAMES_PER_SECOND = 8


class Screen:
    """One terminal."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._console.width = min(_WIDTH, self._console.width) if self._console.is_terminal else _WIDTH

    def chapter(self, title: str) -> None:
        """Begin a part of the story."""
        self._console.print()
        self._console.print(Rule(f"[bold]{escape(title)}[/]", align="left", style="dim"))

    def say(self, text: str) -> None:
        """Tell something."""
        self._console.print(escape(text))

    def command(self, text: str) -> None:
        """Show a command as somebody would type it."""
        self._console.print(f"[bold cyan]$ {escape(text)}[/]")

    def good(self, text: str, note: str = "") -> None:
        """Tell what went well."""
        self._line("[green]✓[/]", text, note)

    def bad(self, text: str) -> None:
        """Tell what went wrong."""
        self._console.print(f"[bold red]✗[/] {escape(text)}")

    @contextlib.contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show that something takes time, and how much it took."""
        started = time.monotonic()
        with self._console.status(escape(text)):
            yield
        self.good(text, f"{time.monotonic() - started:.1f} s")

    @contextlib.contextmanager
    def live(self, draw: Callable[[], Table]) -> Iterator[Callable[[], None]]:
        """Show a table that changes; yields what draws it anew. Without a terminal only the last state is printed."""
        with Live(console=self._console, auto_refresh=False, transient=False) as live:
            drawn = 0.0

            def again() -> None:
                nonlocal drawn
                if time.monotonic() - drawn >= 1 / _FRAMES_PER_SECOND:
                    live.update(draw(), refresh=self._console.is_terminal)
                    drawn = time.monotonic()

            try:
                yield again
            finally:
                live.update(draw(), refresh=True)

    def table(self, *columns: str, rows: Sequence[Sequence[str]] = (), right: Sequence[str] = ()) -> Table:
        """Make a table."""
        made = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
        for column in columns:
            made.add_column(column, justify="right" if column in right else "left", no_wrap=True)
        for row in rows:
            made.add_row(*row)
        return made

    def _line(self, sign: str, text: str, note: str) -> None:
        room = self._console.width - len(text) - len(note) - 3
        self._console.print(f"{sign} {escape(text)}{' ' * max(1, room)}[dim]{escape(note)}[/]")
