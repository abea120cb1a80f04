"""The demo as somebody runs it: what it shows, how it ends, and that nothing of it stays behind, however it ends."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bed.toolchain import kubectl
from bed.toolchain.cache import ROOT
from bed.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

_LIMIT_SECONDS = 120.0
_MARK = "DEMO_OF_TEST"


@pytest.fixture(autouse=True)
def no_traceback() -> None:
    """The demo has an operator of its own: that of the other tests is not needed here."""


@dataclass
class Run:
    """One run of the demo, without a terminal."""

    process: subprocess.Popen[bytes]
    folder: Path
    """Where its temporary files are; it must be empty in the end."""
    output: Path
    token: str = field(repr=False)

    @property
    def text(self) -> str:
        """What it has printed up to now."""
        return self.output.read_text()

    def wait_for_line(self, words: str) -> None:
        """Wait until these words have been printed."""

        def printed() -> bool:
            assert self.process.poll() is None, f"it has ended without {words!r}:\n{self.text}"
            return words in self.text

        wait_for(printed, f"the demo to print {words!r}", seconds=_LIMIT_SECONDS, detail=lambda: self.text)

    def end(self) -> int:
        """Wait for its end and return the exit status."""
        return self.process.wait(timeout=_LIMIT_SECONDS)

    def left(self) -> list[str]:
        """The processes and files that are there because of this run."""
        mark = f"{_MARK}={self.token}".encode()
        found = [str(path.relative_to(self.folder)) for path in self.folder.iterdir()]
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:  # it ended meanwhile, or belongs to somebody else
                continue
        return found


@contextmanager
def demo(output: Path, *arguments: str, **environment: str) -> Iterator[Run]:
    """Start the demo, and make sure that it has ended."""
    folder = Path(tempfile.mkdtemp(prefix="demo-"))  # short: etcd's socket is below it
    token = secrets.token_hex(8)
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(ROOT / name) for name in ("operator", "tests")),
        "TMPDIR": str(folder),
        _MARK: token,
        **environment,
    }
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "demo", *arguments], env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
    try:
        yield Run(process, folder, output, token)
    finally:
        process.terminate()
        process.wait(timeout=_LIMIT_SECONDS)
        shutil.rmtree(folder)


REPAIRS = {
    "alice turns MAC learning off on lab-inner": ("1 ReconfigureDVPortgroup_Task", "macLearning: false → true"),
    "alice makes lab-inner promiscuous": ("1 ReconfigureDVPortgroup_Task", "promiscuous: true → false"),
    "alice hides hardware virtualization from hyperv-2": ("1 ReconfigVM_Task", "nestedHV: false → true"),
    "alice deletes port group lab-migration": ("1 CreateDVPortgroup_Task", "name: absent → lab-migration"),
}


def test_it_shows_each_repair_with_its_time_and_leaves_nothing(tmp_path: Path) -> None:
    with demo(tmp_path / "output") as run:
        status = run.end()
        text = run.text
        assert status == 0, text
        assert run.left() == []

    for deed, (call, repair) in REPAIRS.items():
        block = text[text.index(f"! {deed}") :].split("\n\n")[0]
        time = re.search(r"repaired +in (\d+) ms, by (.*)", block)
        assert time, block
        assert 0 < int(time[1]) < 5000
        assert time[2] == call
        assert repair in block
        assert re.search(r"event +(Repaired|Recreated): ", block)
    for command in ("-f crds/", "-k deploy/", "-k deploy/samples"):
        assert re.search(rf"\$ kubectl apply .*{re.escape(command)}\n", text), command
    assert re.search(r"vCenter: \d+ objects, each as before the lab", text)
    assert "\x1b" not in text, "control sequences without a terminal"
    assert [line for line in text.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGINT, "1  An API server"),  # servers are being started
        (signal.SIGTERM, "npg/lab-inner"),  # the operator is at work
    ],
)
def test_a_signal_ends_it_whole(number: signal.Signals, moment: str, tmp_path: Path) -> None:
    with demo(tmp_path / "output") as run:
        run.wait_for_line(moment)
        run.process.send_signal(number)
        status = run.end()
        assert status == 128 + number, run.text
        assert run.left() == []
        assert f"Ended by {number.name}" in run.text
        assert "Traceback" not in run.text


def test_kept_running_it_can_be_used_from_elsewhere_until_ctrl_c(tmp_path: Path) -> None:
    with demo(tmp_path / "output", "--keep") as run:
        run.wait_for_line("Ctrl-C ends everything")
        told = dict(re.findall(r"(\w+)=(\S+)", "\n".join(re.findall(r"export (.*)", run.text))))
        assert told["GOVC_URL"].endswith("/sdk")
        assert Path(told["GOVC_TLS_CA_CERTS"]).is_file()
        answer = subprocess.run(
            [kubectl(), "get", "npg", "--output=name"],
            env={**os.environ, "KUBECONFIG": told["KUBECONFIG"]},
            capture_output=True,
            text=True,
            check=True,
        )
        assert answer.stdout.split() == [
            "nestedportgroup.nestedhv.io/lab-inner",
            "nestedportgroup.nestedhv.io/lab-migration",
        ]

        assert len(run.left()) >= len(("etcd", "apiserver", "controllers", "vcenter", "operator"))
        run.process.send_signal(signal.SIGINT)
        assert run.end() == 0, run.text
        assert run.left() == []


def test_a_failure_says_what_and_where_the_logs_are(tmp_path: Path) -> None:
    with demo(tmp_path / "output", NHV_TWIN="/bin/false") as run:
        assert run.end() == 1
        assert run.left() == []
    assert "The demo failed" in run.text
    assert "The vCenter twin ended with status 1" in run.text
    logs = re.search(r"Logs of the control plane and vCenter: (.*)", run.text)
    assert logs, run.text
    assert (Path(logs[1]) / "kube-apiserver.log").is_file()
    shutil.rmtree(logs[1])
