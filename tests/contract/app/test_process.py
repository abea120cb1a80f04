"""The program as a process: how it starts, answers probes, and ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from bed.operator_process import install
from bed.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bed.apiserver import ControlPlane

ROOT: Final = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def kubeconfig(control_plane: ControlPlane) -> Path:
    install(control_plane)
    return control_plane.service_account_kubeconfig("nested-hyperv-system", "nested-hyperv-operator")


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start the program with flags and variables; it is killed if the test leaves it running."""
    started: list[subprocess.Popen[str]] = []

    def run(*flags: str, **variables: str) -> subprocess.Popen[str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("NHV_", "KUBE"))}
        process = subprocess.Popen(
            [sys.executable, "-m", "nested_hyperv.app.main", *flags],
            env={**inherited, "PYTHONPATH": str(ROOT / "operator"), **variables},
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answer(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_it_becomes_ready_and_ends_in_order_when_asked(
    kubeconfig: Path, start: Callable[..., subprocess.Popen[str]], end: signal.Signals
) -> None:
    port = free_port()
    process = start(f"--http-port={port}", "--http-host=127.0.0.1", KUBECONFIG=str(kubeconfig))

    wait_for(lambda: answer(port, "/readyz")[0] == 200, "the operator to be ready", seconds=60)
    assert answer(port, "/healthz") == (200, "ok")
    assert "nested_hyperv_max_concurrent_reconciles 32.0" in answer(port, "/metrics")[1]

    process.send_signal(end)
    _, log = process.communicate(timeout=30)
    assert process.returncode == 0, log
    assert f"{end.name} received" in log
    assert "Traceback" not in log


def test_without_rights_it_ends_with_a_message_that_names_them(
    control_plane: ControlPlane, namespace: str, start: Callable[..., subprocess.Popen[str]]
) -> None:
    stranger = control_plane.service_account_kubeconfig(namespace, "default")

    process = start("--http-port=0", "--cluster-id=test", KUBECONFIG=str(stranger))

    _, log = process.communicate(timeout=60)
    assert process.returncode == 1
    assert 'cannot list resource "secrets"' in log
    assert "Traceback" not in log


def test_without_the_right_to_read_the_cluster_id_it_asks_for_one(
    control_plane: ControlPlane, namespace: str, start: Callable[..., subprocess.Popen[str]]
) -> None:
    stranger = control_plane.service_account_kubeconfig(namespace, "default")

    process = start("--http-port=0", f"--namespaces={namespace}", KUBECONFIG=str(stranger))

    _, log = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Set NHV_CLUSTER_ID to a text that no other cluster uses" in log


def test_without_credentials_it_says_what_it_tried(tmp_path: Path, start: Callable[..., subprocess.Popen[str]]) -> None:
    process = start("--http-port=0", KUBECONFIG=str(tmp_path / "absent"))

    _, log = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"KUBECONFIG={tmp_path / 'absent'} cannot be used" in log
    assert "Traceback" not in log


def test_a_port_that_is_taken_is_named(kubeconfig: Path, start: Callable[..., subprocess.Popen[str]]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = start(f"--http-port={port}", "--http-host=127.0.0.1", KUBECONFIG=str(kubeconfig))
        _, log = process.communicate(timeout=60)

    assert process.returncode == 1
    assert f"cannot be served on 127.0.0.1, port {port}" in log
    assert "Set NHV_HTTP_PORT to a free port" in log
    assert "Traceback" not in log


def test_a_cluster_without_the_kinds_is_told_to_get_them(start: Callable[..., subprocess.Popen[str]]) -> None:
    from bed.apiserver import ControlPlane

    with ControlPlane() as bare:
        process = start("--http-port=0", KUBECONFIG=str(bare.admin_kubeconfig))
        _, log = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "apply the CustomResourceDefinitions of nestedhv.io (crds/) first" in log
