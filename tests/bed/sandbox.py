"""A temporary folder and the processes that run in it: started with a log each, gone afterwards without a trace.

The folder and the processes belong to a guard (`bed.guard`), so nothing is left even when the test run is killed. Logs
are moved to the cache folder when somebody asks for them, and only the latest are kept there.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bed.guard import MARK, Guard
from bed.toolchain.cache import cache_dir

__all__ = ["BedError", "Process", "Sandbox"]

_LOGS_KEPT = 10
_TAIL_LINES = 25


class BedError(RuntimeError):
    """A part of the test bed does not run as it should. The message shows the end of its log."""


@dataclass(frozen=True)
class Process:
    """One running program of a sandbox."""

    name: str
    log: Path
    popen: subprocess.Popen[bytes]

    def check(self) -> None:
        """Raise when the program has ended."""
        status = self.popen.poll()
        if status is not None:
            raise BedError(f"{self.name} ended with status {status}. The end of its log:\n{self.log_tail()}")

    def log_tail(self) -> str:
        """Return the last lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])

    def stop(self, *, grace_seconds: float = 10.0) -> None:
        """Ask the program to end, and kill it and its children when it has not after the grace period."""
        if self.popen.poll() is None and grace_seconds > 0:
            self.popen.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):  # it is killed below, with its children
                self.popen.wait(timeout=grace_seconds)
        with contextlib.suppress(ProcessLookupError):  # the whole group has ended
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()


class Sandbox:
    """A guarded temporary folder. Close it, or leave it to the guard."""

    def __init__(self, name: str) -> None:
        self.name = name
        # Short: the path of a Unix socket in it may have 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix=f"nhv-{name}-")).resolve()
        self._guard = Guard(self.folder)
        self._processes: list[Process] = []
        self._logs = self.folder / "logs"
        self._logs.mkdir()

    def start(self, name: str, command: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> Process:
        """Start a program in the folder; its output goes to a log file, appended to when it is started again."""
        log = self._logs / f"{name}.log"
        with log.open("ab") as output:
            popen = subprocess.Popen(
                [str(part) for part in command],
                cwd=self.folder,
                env={**(os.environ if env is None else env), MARK: str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        process = Process(name=name, log=log, popen=popen)
        self._processes.append(process)
        return process

    def close(self, *, keep_logs: bool = False) -> Path | None:
        """Kill everything and remove the folder; return where the logs are if they are kept."""
        kept = None
        for process in reversed(self._processes):
            process.stop(grace_seconds=0)
        if keep_logs:
            kept = self._keep_logs()
        self._guard.release()
        return kept

    def _keep_logs(self) -> Path:
        home = cache_dir() / "logs"
        home.mkdir(parents=True, exist_ok=True)
        kept = home / self.folder.name
        shutil.move(self._logs, kept)
        by_age = sorted(home.iterdir(), key=lambda folder: folder.stat().st_mtime)
        for old in by_age[:-_LOGS_KEPT]:
            shutil.rmtree(old, ignore_errors=True)
        return kept
