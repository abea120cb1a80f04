"""`--keep`: the lab stays, and a second terminal is told how to reach both sides of it."""

import os
import shutil
import signal

from bed import toolchain
from bed.twin import ALICE
from demo.display import Display
from demo.stage import NAMESPACE, Stage

__all__ = ["stay"]


def stay(stage: Stage, display: Display) -> None:
    """Say what can be done, and wait for Ctrl-C; returns when it comes."""
    display.title("It is yours")
    display.say("Everything goes on running until Ctrl-C. In a second terminal:")
    display.note("\n".join(_exports(stage)))
    display.note("\n".join(_things_to_try(stage)))
    display.note("Waiting for Ctrl-C …")
    try:
        signal.pause()
        stage.operator.running
    except KeyboardInterrupt:
        return
