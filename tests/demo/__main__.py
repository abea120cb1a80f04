"""Command line of the demo, and what signals do to it.

The exit status tells the outcome: 0 when everything that was shown held, 1 when something did not, 128 and the number
of the signal when it was ended before its end. Whatever happens, everything that was started is ended first.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from demo.stage import Stage

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SIGNALLED = 128


class _Interrupted(KeyboardInterrupt):
    """A signal asks for the end."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def main() -> int:
    """Run the demo and return its exit status."""
    parser = argparse.ArgumentParser(prog="make demo", description="Run a lab, break it, watch it being repaired.")
    parser.add_argument("--keep", action="store_true", help="leave it running until Ctrl-C, to try things out")
    keep: bool = parser.parse_args().keep
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    try:
        return _run(keep=keep)
    except _Interrupted as interrupted:
        print(f"\nEnded by {signal.Signals(interrupted.number).name}. Everything is stopped and removed.")
        return _SIGNALLED + interrupted.number


def _run(*, keep: bool) -> int:
    # Imported here, because they take a second, in which a Ctrl-C shall not end in a traceback.
    from bed.apiserver import KubectlError
    from bed.sandbox import BedError
    from bed.toolchain import ToolchainError
    from bed.toolchain.cache import ROOT
    from bed.twin import TwinError
    from demo.display import Display
    from demo.scenario import play
    from demo.stage import Stage

    os.chdir(ROOT)  # the commands that are shown name files of the checkout
    display = Display()
    stage = Stage(display)
    try:
        play(stage, display, keep=keep)
    except (AssertionError, BedError, KubectlError, ToolchainError, TwinError) as error:
        display.failure(str(error))  # these say what was expected, and what there was instead
        display.plain("\n".join(_end(stage, keep_logs=True)))
        return 1
    except Exception:
        display.failure("The demo itself broke, as the traceback below tells.")
        display.plain("\n".join(_end(stage, keep_logs=True)))
        raise
    except BaseException:
        _end(stage)
        raise
    _end(stage)
    what = "What was shown held. Everything" if keep else f"All of it held, in {display.seconds:.0f} s. Everything"
    display.success(f"{what} is stopped and removed.")
    return 0


def _end(stage: Stage, *, keep_logs: bool = False) -> list[str]:
    for number in _SIGNALS:  # ending takes a moment; whoever cannot wait has SIGKILL, and the guards clear up
        signal.signal(number, signal.SIG_IGN)
    return stage.close(keep_logs=keep_logs)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise _Interrupted(number)


if __name__ == "__main__":
    sys.exit(main())
