"""`python -m demo [--keep]`: plays the demo. Exit status 0: everything went as told; 1: it did not; 130: Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import time

from bed.apiserver import KubectlError
from bed.sandbox import BedError
from bed.toolchain import ToolchainError
from bed.twin import TwinError
from bed.waiting import NotInTimeError
from demo.acts import Inventory, break_it, declare, tear_down
from demo.invite import invite
from demo.screen import Screen
from demo.stage import set_up

_INTERRUPTED = 130


def play(screen: Screen, *, keep: bool) -> None:
    """Play all acts."""
    started = time.monotonic()
    screen.chapter("1. A Kubernetes, a vCenter and the operator")
    with set_up(screen) as stage:
        before = Inventory.of(stage.twin.control.state())
        screen.chapter("2. A lab: two port groups, two Hyper-V hosts")
        declare(stage, screen)
        screen.chapter("3. Another administrator of the vCenter …")
        break_it(stage, screen)
        if keep:
            invite(stage, screen)
            return
        screen.chapter("4. The lab is deleted")
        tear_down(stage, screen, before)
    screen.say("")
    screen.good("everything is stopped, nothing is left on this machine", f"{time.monotonic() - started:.0f} s in all")
    screen.say("  make demo KEEP=1 leaves it running and tells what to try.")


def main() -> int:
    """Play the demo and tell how it went."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    keep: bool = parser.parse_args().keep
    # `make` and `timeout` end with SIGTERM: clean up then, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    screen = Screen()
    try:
        play(screen, keep=keep)
    except KeyboardInterrupt:
        screen.say("\nInterrupted; everything is stopped and removed.")
        return _INTERRUPTED
    except (BedError, KubectlError, NotInTimeError, ToolchainError, TwinError) as error:
        screen.bad(str(error))
        for note in getattr(error, "__notes__", ()):
            screen.say(note)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
