"""The twin as a process: whoever started it may die at any moment, and nothing is left."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bed.toolchain.cache import ROOT
from bed.waiting import wait_for

pytestmark = pytest.mark.infrastructure("the process")

LAUNCHER = """
import time
from bed.twin import Twin
with Twin() as twin:
    print(twin.pid, twin.ca.parent, flush=True)
    time.sleep(600)
"""


def test_a_launcher_that_is_killed_leaves_neither_process_nor_folder() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    launcher = subprocess.Popen([sys.executable, "-c", LAUNCHER], stdout=subprocess.PIPE, text=True, env=environment)
    assert launcher.stdout is not None
    pid, _, folder = launcher.stdout.readline().strip().partition(" ")
    assert Path(folder).is_dir()

    launcher.send_signal(signal.SIGKILL)
    launcher.wait()

    wait_for(lambda: not Path(folder).exists(), "the folder to go")
    wait_for(lambda: not Path(f"/proc/{pid}").exists(), "the process to end")
    launcher.stdout.close()
