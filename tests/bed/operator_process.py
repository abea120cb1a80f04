"""The operator as it runs in a cluster: a process of its own, `python -m nested_hyperv`, with the rights of `deploy/`.

It authenticates as its ServiceAccount with a token from a TokenRequest, never as admin, so a missing rule of the
shipped RBAC shows. It can be asked to end, killed as the OOM killer does, and started again; its log is kept in order.
"""

import http.client
import json
import os
import signal
import socket
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from prometheus_client.parser import text_string_to_metric_families

from bed.apiserver import ControlPlane
from bed.sandbox import BedError, Process, Sandbox
from bed.toolchain.cache import ROOT
from bed.waiting import wait_for

__all__ = ["OPERATOR_NAMESPACE", "OPERATOR_USER", "LogRecord", "OperatorProcess", "install"]

OPERATOR_NAMESPACE = "nested-hyperv-system"
_ACCOUNT = "nested-hyperv-operator"
OPERATOR_USER = f"system:serviceaccount:{OPERATOR_NAMESPACE}:{_ACCOUNT}"
_READY_SECONDS = 60.0
_STOP_SECONDS = 30.0


def install(plane: ControlPlane) -> None:
    """Apply what an administrator applies: the CRDs and the manifests of the operator. No pod runs in the test bed."""
    crds = f"--filename={ROOT / 'crds'}"
    plane.kubectl("apply", "--server-side", crds)
    plane.kubectl("wait", "--for=condition=Established", "--timeout=60s", crds)
    plane.kubectl("apply", "--server-side", f"--kustomize={ROOT / 'deploy'}")


@dataclass(frozen=True)
class LogRecord:
    """One line of the operator's log; what is not JSON is a `message` of level `RAW`."""

    level: str
    message: str
    fields: Mapping[str, Any]

    @property
    def traceback(self) -> str:
        """The traceback that came with it, or nothing."""
        return str(self.fields.get("error", ""))


class OperatorProcess:
    """One installation of the operator, of which at most one process runs. A context manager that starts it."""

    def __init__(self, plane: ControlPlane, *, settings: Mapping[str, str] | None = None) -> None:
        self._plane = plane
        self._settings = dict(settings or {})
        self._sandbox = Sandbox("operator")
        self._process: Process | None = None
        self._port = 0
        self.log = self._sandbox.folder / "logs" / "operator.log"

    @property
    def address(self) -> str:
        """Where health and metrics are served."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.popen.poll() is None

    @property
    def pid(self) -> int:
        """The id of the running process."""
        return self._running_process().popen.pid

    def start(self, *, wait: bool = True) -> None:
        """Start the process and, if asked to, wait until it has read its first lists."""
        if self.running:
            raise BedError("the operator runs already; two of one installation would do the same work twice")
        self._port = _free_port()
        kubeconfig = self._plane.service_account_kubeconfig(OPERATOR_NAMESPACE, _ACCOUNT)
        # Nothing of the test's own environment may reach it: neither another KUBECONFIG nor settings of a developer.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("NHV_", "KUBE"))}
        environment = {
            "KUBECONFIG": str(kubeconfig),
            "PYTHONPATH": str(ROOT / "operator"),
            "NHV_LOG_FORMAT": "json",
            "NHV_HTTP_HOST": "127.0.0.1",
            "NHV_HTTP_PORT": str(self._port),
            **self._settings,
        }
        command = [sys.executable, "-m", "nested_hyperv"]
        self._process = self._sandbox.start("operator", command, env={**inherited, **environment})
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait for /readyz."""
        wait_for(self._is_ready, "the operator to be ready", seconds=_READY_SECONDS, detail=self.tail)

    def stop(self) -> int:
        """Ask it to end as the kubelet does, and return its exit status."""
        process = self._running_process()
        process.popen.send_signal(signal.SIGTERM)
        return process.popen.wait(timeout=_STOP_SECONDS)

    def kill(self) -> None:
        """Kill it on the spot: nothing is finished, nothing is logged out."""
        process = self._running_process()
        process.popen.kill()
        process.popen.wait()

    def wait_until_ended(self, *, seconds: float = 30.0) -> int:
        """Wait until it has ended by itself; return its exit status."""
        assert self._process is not None
        return self._process.popen.wait(timeout=seconds)

    def close(self, *, keep_logs: bool = False) -> Path | None:
        """End it and remove everything; return where the log is if it is kept (NHV_KEEP_LOGS: always)."""
        try:
            if self.running:
                self.stop()
        finally:
            kept = self._sandbox.close(keep_logs=keep_logs or bool(os.environ.get("NHV_KEEP_LOGS")))
        return kept

    def mark(self) -> int:
        """Return the present end of the log, to be given to `records` as `since`."""
        return self.log.stat().st_size if self.log.exists() else 0

    def records(self, *, since: int = 0) -> list[LogRecord]:
        """Return the complete lines of the log after a mark."""
        return list(self._records(since))

    def metric(self, name: str, /, **labels: str) -> float:
        """Return the value of one series of /metrics; 0 while there is none."""
        with urllib.request.urlopen(f"{self.address}/metrics", timeout=10) as page:
            families = text_string_to_metric_families(page.read().decode())
        samples = (sample for family in families for sample in family.samples)
        wanted = labels.items()
        return sum(each.value for each in samples if each.name == name and wanted <= each.labels.items())

    def tail(self) -> str:
        """Return the end of the log, for messages."""
        return self._process.log_tail() if self._process is not None else "the operator was never started"

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException as error:
            error.add_note(f"The log of the operator is in {self.close(keep_logs=True)}")
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        kept = self.close(keep_logs=error is not None)
        if error is not None:
            error.add_note(f"The log of the operator is in {kept}")

    def _records(self, since: int) -> Iterator[LogRecord]:
        if not self.log.exists():
            return
        with self.log.open("rb") as file:
            file.seek(since)
            lines = file.read().splitlines(keepends=True)
        for line in lines:
            if not line.endswith(b"\n"):
                return  # half written
            text = line.decode(errors="replace").rstrip()
            if text.startswith("{"):
                content = json.loads(text)
                yield LogRecord(content.get("level", ""), content.get("msg", ""), content)
            elif text:
                yield LogRecord("RAW", text, {})

    def _running_process(self) -> Process:
        if self._process is None or not self.running:
            raise BedError(f"the operator does not run. The end of its log:\n{self.tail()}")
        return self._process

    def _is_ready(self) -> bool:
        assert self._process is not None
        self._process.check()
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):  # not listening yet
            return False
        finally:
            connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
