"""Command line of the demo, and what Ctrl-C does to it.

The exit status tells the outcome: 0 when everything that was shown held, 1 when something did not, 128 and the number
of the signal when it was ended before its end. Whatever happens, everything that was started is ended first.
"""

import argparse
import os
import signal
import sys
from types import FrameType

from bed.apiserver import KubectlError
from bed.sandbox import BedError
from bed.toolchain import ToolchainError
from bed.toolchain.cache import ROOT
from bed.twin import TwinError
from demo.display import Display
from demo.scenario import play
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
    os.chdir(ROOT)  # the commands that are shown name files of the checkout
    display = Display()
    stage = Stage(display)
    try:
        play(stage, display, keep=keep)
    except _Interrupted as interrupted:
        _end(stage)
        display.note(f"Ended by {signal.Signals(interrupted.number).name}. Everything is stopped and removed.")
        return _SIGNALLED + interrupted.number
    except ToolchainError as error:  # nothing runs yet, and the message tells all
        _end(stage)
        display.failure(str(error), [])
        return 1
    except (AssertionError, BedError, KubectlError, TwinError) as error:  # their messages tell what was expected
        display.failure(str(error), _end(stage, keep_logs=True))
        return 1
    except BaseException:
        display.failure("The demo itself broke; its traceback is below.", _end(stage, keep_logs=True))
        raise
    _end(stage)
    if not keep:
        display.success("Created, broken, repaired, deleted. Nothing is left running.")
    return 0


def _end(stage: Stage, *, keep_logs: bool = False) -> list[str]:
    for number in _SIGNALS:  # ending takes a moment; whoever cannot wait has SIGKILL, and the guards clear up
        signal.signal(number, signal.SIG_IGN)
    return stage.close(keep_logs=keep_logs)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise _Interrupted(number)


if __name__ == "__main__":
    sys.exit(main())
