"""govc, VMware's own command line client, as somebody who knows nothing of the twin would use it."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from bed.toolchain import build_govc
from bed.twin import ADMINISTRATOR, Login, Twin

__all__ = ["Govc", "GovcError"]


class GovcError(AssertionError):
    """govc ended with an error; the text is what it printed."""


class Govc:
    """A login on a twin from the command line. `home` is where govc keeps its sessions."""

    def __init__(self, twin: Twin, home: Path, user: Login = ADMINISTRATOR) -> None:
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GOVC_")},
            "GOVC_URL": twin.url,
            "GOVC_USERNAME": user.name,
            "GOVC_PASSWORD": user.password,
            "GOVC_TLS_CA_CERTS": str(twin.ca),
            "GOVC_DATACENTER": "DC0",
            "GOVC_DATASTORE": "LocalDS_0",
            "GOVC_RESOURCE_POOL": "DC0_C0/Resources",
            "GOVMOMI_HOME": str(home),
        }

    def __call__(self, *arguments: str) -> str:
        """Run a command and return what it printed; GovcError when it failed."""
        ended = self._run(arguments)
        if ended.returncode != 0:
            raise GovcError(f"govc {' '.join(arguments)}\n{ended.stdout}{ended.stderr}")
        return ended.stdout

    def json(self, command: str, *arguments: str) -> Any:
        """Run a command with -json and return its document."""
        return json.loads(self(command, "-json", *arguments))

    def refused(self, *arguments: str) -> str:
        """Run a command that has to fail; return what it complains of."""
        ended = self._run(arguments)
        assert ended.returncode != 0, f"govc {' '.join(arguments)} succeeded:\n{ended.stdout}"
        return ended.stdout + ended.stderr

    def _run(self, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [build_govc(), *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )
