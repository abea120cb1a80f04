"""What the demo looks like: 80 columns, colours and a moving table on a terminal, plain lines everywhere else.

It knows nothing of what is shown.
"""

import contextlib
import io
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from bed.toolchain import progress

__all__ = ["Display", "Row"]

_WIDTH = 80
_INDENT = 2
_FACT_COLUMN = 24
_REFRESH_PER_SECOND = 8

Row = tuple[str, bool, str]
"""A line of the moving table: whose, whether it is done, and how it stands."""


class Display:
    """The screen. What it is told appears at once."""

    def __init__(self) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # where the locale is not UTF-8, a ? and no failure
        self._terminal = sys.stdout.isatty()
        width = min(shutil.get_terminal_size((_WIDTH, 24)).columns, _WIDTH) if self._terminal else _WIDTH
        self._console = Console(width=width, highlight=False, emoji=False)
        self._moves = self._terminal and not self._console.is_dumb_terminal
        self._started = time.monotonic()

    def title(self, text: str) -> None:
        """The headline of one act."""
        self._console.print()
        self._console.print(f"[bold]{escape(text)}[/]")
        self._console.print("─" * len(text), style="dim")

    def say(self, text: str) -> None:
        """A sentence, wrapped."""
        for line in textwrap.wrap(text, self._console.width - 2 * _INDENT):
            self._console.print(" " * _INDENT + escape(line))

    def raw(self, text: str) -> None:
        """Lines that are copied, or that a program printed: never wrapped."""
        for line in text.splitlines():
            self._console.print(" " * _INDENT + escape(line), soft_wrap=True)

    def command(self, shown: str) -> None:
        """A command line that is run now."""
        for index, line in enumerate(shown.splitlines()):
            self._console.print(f"  [bold cyan]{'$ ' if index == 0 else '  '}{escape(line)}[/]", soft_wrap=True)

    def output(self, lines: Sequence[str]) -> None:
        """What a command printed."""
        for line in lines:
            self._console.print(f"    {escape(line)}", style="dim", soft_wrap=True)

    def done(self, what: str, seconds: float | None = None) -> None:
        """Something is as it should be."""
        took = "" if seconds is None else f"{seconds:.1f} s"
        width = self._console.width - 2 * _INDENT - len("999.9 s") - 1
        first, *rest = textwrap.wrap(what, width)
        end = f"{'':<{width - len(first)}} [dim]{took:>7}[/]" if took else ""
        self._console.print(f"  [green]✓[/] {escape(first)}{end}")
        for line in rest:
            self._console.print(" " * 2 * _INDENT + escape(line))

    def deed(self, text: str) -> None:
        """What somebody does; facts follow."""
        self._console.print()
        self._console.print(f"  [bold yellow]![/] [bold]{escape(text)}[/]")

    def fact(self, name: str, value: str, *, style: str = "none") -> None:
        """One of the facts about a deed."""
        for index, line in enumerate(textwrap.wrap(value, self._console.width - _FACT_COLUMN)):
            label = name if index == 0 else ""
            self._console.print(f"    [dim]{label:<{_FACT_COLUMN - 4}}[/][{style}]{escape(line)}[/]")

    def blank(self) -> None:
        """An empty line."""
        self._console.print()

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[Callable[[str], None]]:
        """Tell what takes more than a moment, and in the end how long it took; yields what words the end."""
        started = time.monotonic()
        told = [what]
        with progress.step(what, tell_end=False):
            yield told.append
        self.done(told[-1], time.monotonic() - started)

    @contextlib.contextmanager
    def table(self, title: str) -> Iterator[Callable[[Sequence[Row]], None]]:
        """A table that moves on a terminal; elsewhere a line for every change. Yields what updates it."""
        started = time.monotonic()
        if self._moves:
            with Live(console=self._console, refresh_per_second=_REFRESH_PER_SECOND, transient=False) as live:
                yield lambda rows: live.update(self._render(title, rows, time.monotonic() - started), refresh=True)
            return
        shown: dict[str, Row] = {}

        def update(rows: Sequence[Row]) -> None:
            for row in rows:
                name, is_done, text = row
                if shown.get(name) != row:
                    shown[name] = row
                    mark = "✓" if is_done else "…"
                    line = f"{time.monotonic() - started:5.1f} s  {mark} {name:<20} {text}"
                    self._console.print(escape(_cut(line, self._console.width)))

        yield update

    def failure(self, what: str) -> None:
        """What did not hold."""
        self._console.print()
        self._console.print("[bold red]✗ The demo failed[/]")
        self.plain(what)

    def plain(self, text: str) -> None:
        """Lines as they are."""
        for line in text.splitlines():
            self._console.print(escape(line), soft_wrap=True)

    def success(self, text: str) -> None:
        """The last line."""
        self._console.print()
        self._console.print(f"[bold green]✓ {escape(text)}[/]")

    @property
    def seconds(self) -> float:
        """How long it has been going on."""
        return time.monotonic() - self._started

    def _render(self, title: str, rows: Sequence[Row], seconds: float) -> Padding:
        table = Table(box=None, padding=(0, 1, 0, 0), expand=True, show_header=True, header_style="dim")
        table.add_column("", width=1)
        table.add_column(title, no_wrap=True)
        table.add_column(f"{seconds:.1f} s", ratio=1, no_wrap=True, overflow="ellipsis")
        for name, is_done, text in rows:
            mark = "[green]✓[/]" if is_done else "[yellow]…[/]"
            table.add_row(mark, escape(name), escape(text))
        return Padding(table, (0, 0, 0, _INDENT))


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
