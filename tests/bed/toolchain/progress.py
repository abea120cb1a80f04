"""Tells on stderr what a slow step does and for how long; says nothing about what takes less than two seconds.

On a terminal it is one line that moves; in a log it is a line at the start and one every 15 seconds. Standard output
stays clean: the command line prints paths there.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bed.toolchain.errors import ToolchainError

__all__ = ["run", "step"]

_QUIET_SECONDS = 2.0
_LINE_SECONDS = 15.0
_FRAMES = "|/-\\"
_TAIL_LINES = 40


@contextmanager
def step(what: str, *, tell_end: bool = True) -> Iterator[None]:
    """Show `what` and the seconds passed until the block ends; then how it ended, unless the caller tells that."""
    started = time.monotonic()
    done = threading.Event()
    shown = threading.Event()
    live = sys.stderr.isatty()
    reporter = threading.Thread(target=_report, args=(what, started, done, shown, live), daemon=True)
    reporter.start()
    outcome = "failed"
    try:
        yield
        outcome = "done"
    finally:
        done.set()
        reporter.join()
        if shown.is_set():
            end = f"{what}: {outcome} in {time.monotonic() - started:.0f} s\n" if tell_end else ""
            _tell(("\r\x1b[K" if live else "") + end)


def _report(what: str, started: float, done: threading.Event, shown: threading.Event, live: bool) -> None:
    wait = _QUIET_SECONDS
    ticks = 0
    while not done.wait(wait):
        shown.set()
        elapsed = time.monotonic() - started
        if live:
            frame = _FRAMES[ticks % len(_FRAMES)]
            _tell(f"\r\x1b[K{frame} {what} … {elapsed:.0f} s")
        else:
            _tell(f"{what} … {elapsed:.0f} s\n")
        ticks += 1
        wait = 0.2 if live else _LINE_SECONDS


def _tell(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def run(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a command and return what it printed; a failure raises with the end of its output."""
    argv = [str(part) for part in command]
    result = subprocess.run(
        argv,
        env=dict(env) if env is not None else None,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        tail = "\n".join(result.stdout.splitlines()[-_TAIL_LINES:])
        raise ToolchainError(f"`{' '.join(argv)}` ended with status {result.returncode}:\n{tail}")
    return result.stdout
