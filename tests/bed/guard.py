"""A process that outlives the test run and clears up after it, however it ended: by itself, by Ctrl-C, by SIGKILL.

It waits until its standard input closes, which the kernel does when the test run is gone. Then it kills every process
that carries the sandbox's mark in its environment, grandchildren included, and removes the sandbox's folder. A mark is
asked for, not a list of process ids: no id can be missed between a start and its registration, or be reused.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

__all__ = ["MARK", "Guard", "marked_processes"]

MARK = "BED_SANDBOX"
"""The environment variable that holds the sandbox's folder in every process that was started in it."""

_DEADLINE_SECONDS = 10.0


class Guard:
    """The guard of one sandbox folder, seen from the test run."""

    def __init__(self, folder: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if name != MARK}
        environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[1])
        # Its own session: the Ctrl-C and the hang-up of the terminal do not reach it.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bed.guard", str(folder)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def release(self) -> None:
        """Let the guard clear up, and wait until it has."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=3 * _DEADLINE_SECONDS)


def marked_processes(folder: Path) -> list[int]:
    """Return the ids of the live processes that were started in the sandbox `folder`."""
    mark = f"{MARK}={folder}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:  # it ended meanwhile, or belongs to somebody else
            continue
        if mark in environment.split(b"\0"):  # a zombie has no environment any more
            found.append(int(entry.name))
    return found


def _clear(folder: Path) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while (alive := marked_processes(folder)) and time.monotonic() < deadline:
        for process in alive:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)
    shutil.rmtree(folder)


if __name__ == "__main__":
    sys.stdin.buffer.read()
    _clear(Path(sys.argv[1]))
