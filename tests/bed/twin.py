"""The vCenter twin as a test sees it: a process of its own, and all that a test says to it.

`Twin` starts the program and ends it; nothing is left behind, because the program ends when its standard input closes.
`Twin.control` is the typed client of the control API (`twin_control.py`). This module is the one that others import:
it passes the client, the logins and the records on.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from bed.twin_control import TwinControl
from bed.twin_records import (
    ADMINISTRATOR,
    ALICE,
    OPERATOR,
    Call,
    HeldTask,
    Login,
    Machine,
    PortGroup,
    Seeded,
    StalledCall,
    State,
    TaskRecord,
)
from bed.twin_wire import TwinError

__all__ = [
    "ADMINISTRATOR", "ALICE", "OPERATOR", "Call", "HeldTask", "Login", "Machine", "PortGroup", "Seeded", "StalledCall",
    "State", "TaskRecord", "Twin", "TwinControl", "TwinError", "program",
]  # fmt: skip

_START_SECONDS = 120
_TAIL_LINES = 25


@dataclass
class Twin:
    """A running vCenter twin. Use it as a context manager, or call `start` and `stop`.

    Args:
        arguments: More flags of the program, such as `("-vm", "0", "-host", "4")`.
        listen: Address of the API; give the same port again to restart "the same" vCenter.
        logins: Who may log in.
        instance_uuid: The vCenter's identity; give the same again to play the same vCenter. Unset is a random one.
    """

    arguments: Sequence[str] = ()
    listen: str = "127.0.0.1:0"
    logins: Sequence[Login] = (ADMINISTRATOR, OPERATOR, ALICE)
    instance_uuid: str = ""
    url: str = field(default="", init=False)
    ca: Path = field(default=Path(), init=False)
    thumbprint: str = field(default="", init=False)
    pid: int = field(default=0, init=False)
    control: TwinControl = field(default_factory=lambda: TwinControl(""), init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)
    _folder: tempfile.TemporaryDirectory[str] | None = field(default=None, init=False, repr=False)

    @property
    def host(self) -> str:
        """The host name of the API."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port of the API."""
        return urlsplit(self.url).port or 443

    @property
    def log(self) -> str:
        """What the program wrote to its log."""
        if self._folder is None:
            return ""
        return (Path(self._folder.name) / "log").read_text(errors="replace")

    def start(self) -> Self:
        """Start the program and wait until it answers."""
        self._folder = tempfile.TemporaryDirectory(prefix="vcenter-twin-")
        folder = Path(self._folder.name)
        command = [str(program()), "-l", self.listen, "-dir", str(folder), "-json", "-exit-with-stdin"]
        for login in self.logins:
            command += ["-user", f"{login.name}:{login.password}"]
        if self.instance_uuid:
            command += ["-instance-uuid", self.instance_uuid]
        with (folder / "log").open("wb") as log:
            # The open standard input is the twin's life line: it ends when this process does, however it does.
            self._process = subprocess.Popen(
                [*command, *self.arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # out of reach of a Ctrl-C, so that others can still log out of it
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            status = self._process.wait(timeout=_START_SECONDS)
            tail = "\n".join(self.log.splitlines()[-_TAIL_LINES:])
            self.stop()
            raise TwinError(f"The vCenter twin ended with status {status} before it was ready:\n{tail}")
        ready = json.loads(line)
        self.url, self.thumbprint, self.pid = ready["url"], ready["thumbprint"], ready["pid"]
        self.ca, self.control = Path(ready["ca"]), TwinControl(ready["control"])
        return self

    def kill(self) -> None:
        """End the program as a power failure would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End the program and remove its files. Harmless when it runs no more."""
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def program() -> Path:
    """Return the twin's program: the one `NHV_TWIN` names, or a fresh build."""
    given = os.environ.get("NHV_TWIN")
    if given:
        return Path(given)
    from bed.toolchain import build_twin

    return build_twin()
