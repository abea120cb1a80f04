"""A real Kubernetes control plane for tests and the demo: etcd, kube-apiserver, kube-controller-manager.

TLS, RBAC, ServiceAccount tokens and Pod Security admission are on, as in a cluster; of the controllers only those
run that give objects their life cycle. There is no kubelet: a Pod is admitted and stays Pending. Several control planes
run side by side: etcd listens on Unix sockets, and the port of the API server is reserved by a socket of this process,
which the server shares (SO_REUSEPORT), so that nobody else can take it, not even while the server is restarted.
"""

import http.client
import json
import os
import socket
import ssl
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from bed import toolchain
from bed.audit import AuditLog
from bed.kubeconfig import client_certificate, write_kubeconfig
from bed.pki import Authority, write_signing_key
from bed.sandbox import Process, Sandbox
from bed.waiting import wait_for

__all__ = ["ControlPlane", "KubectlError"]

_CONTROLLERS = (
    "namespace-controller",
    "garbage-collector-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "root-ca-certificate-publisher-controller",
    "clusterrole-aggregation-controller",
)
_READY_SECONDS = 120.0
_KUBECTL_SECONDS = 120.0
_ISSUER = "https://kubernetes.default.svc"


class KubectlError(RuntimeError):
    """A kubectl command failed; the message is what it printed on stderr."""


class ControlPlane:
    """One control plane, as a context manager. Everything it starts and writes is gone when the block ends."""

    def __init__(self) -> None:
        self._sandbox = Sandbox("kube")
        try:
            self._prepare()
        except BaseException:
            self._sandbox.close()
            raise

    def _prepare(self) -> None:
        self._binaries = toolchain.build_controlplane()
        self._kubectl = toolchain.kubectl()
        self._port = _reserve_port()
        folder = self._sandbox.folder
        self._authority = Authority(folder, "nested-hyperv-test-bed")
        self._signing_key = write_signing_key(folder / "service-account.key")
        self.audit = AuditLog(folder)
        self.server = f"https://127.0.0.1:{self._port.getsockname()[1]}"
        self.ca = self._authority.certificate
        self.admin_kubeconfig = self._certificate_kubeconfig("admin", groups=["system:masters"])
        self._serving = self._authority.server("apiserver", ["127.0.0.1", "localhost", "kubernetes.default.svc"])
        self._etcd: Process | None = None
        self._apiserver: Process | None = None
        self._controllers: Process | None = None

    @property
    def folder(self) -> Path:
        """A folder that is removed with the control plane."""
        return self._sandbox.folder

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException as error:
            kept = self._close(keep_logs=True)
            error.add_note(f"The logs of the control plane are in {kept}")
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        kept = self.stop(keep_logs=error is not None)
        if error is not None and kept is not None:
            error.add_note(f"The logs of the control plane are in {kept}")

    def start(self) -> None:
        """Start the servers and wait until the controllers work."""
        self._etcd = self._sandbox.start("etcd", self._etcd_command())
        self.start_apiserver()
        self._controllers = self._sandbox.start("kube-controller-manager", self._controllers_command())
        wait_for(self._controllers_work, "the controllers to make the default ServiceAccount", seconds=_READY_SECONDS)

    def stop(self, *, keep_logs: bool = False) -> Path | None:
        """Kill the servers and remove the folder; return where the logs are if kept (NHV_KEEP_LOGS: always)."""
        return self._close(keep_logs=keep_logs or bool(os.environ.get("NHV_KEEP_LOGS")))

    def start_apiserver(self) -> None:
        """Start the API server and wait until it is ready."""
        self._apiserver = self._sandbox.start("kube-apiserver", self._apiserver_command())
        wait_for(self._apiserver_is_ready, "the API server to be ready", seconds=_READY_SECONDS)

    def stop_apiserver(self) -> None:
        """Make an outage: kill the API server as a crash does, and keep its port."""
        assert self._apiserver is not None
        self._apiserver.stop(grace_seconds=0)

    def restart_apiserver(self) -> None:
        """Kill the API server and start it again at the same address."""
        self.stop_apiserver()
        self.start_apiserver()

    def kubectl(self, *arguments: str, input: str | None = None, kubeconfig: Path | None = None) -> str:  # noqa: A002
        """Run kubectl, as admin unless told otherwise, and return what it printed."""
        result = subprocess.run(
            [self._kubectl, f"--cache-dir={self.folder / 'kubectl-cache'}", *arguments],
            # Without the user's own kuberc: its aliases and defaults would change what a test means.
            env={**os.environ, "KUBECONFIG": str(kubeconfig or self.admin_kubeconfig), "KUBERC": "off"},
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            timeout=_KUBECTL_SECONDS,
            check=False,
        )
        if result.returncode != 0:
            raise KubectlError(f"kubectl {' '.join(arguments)}: {result.stderr.strip()}")
        return result.stdout

    def service_account_kubeconfig(self, namespace: str, name: str) -> Path:
        """Return a kubeconfig with a token of an existing ServiceAccount, asked for by TokenRequest."""
        token = self.kubectl("create", "token", name, f"--namespace={namespace}", "--duration=24h").strip()
        file = self.folder / f"{namespace}-{name}.kubeconfig"
        return write_kubeconfig(file, server=self.server, ca=self.ca, user={"token": token}, namespace=namespace)

    def _close(self, *, keep_logs: bool) -> Path | None:
        kept = self._sandbox.close(keep_logs=keep_logs)
        self._port.close()
        return kept

    def _certificate_kubeconfig(self, user: str, groups: list[str]) -> Path:
        file = self.folder / f"{user.replace(':', '-')}.kubeconfig"
        credentials = client_certificate(self._authority.client(user, groups))
        return write_kubeconfig(file, server=self.server, ca=self.ca, user=credentials)

    def _etcd_command(self) -> list[str | Path]:
        client = f"unix://{self.folder}/etcd.sock"
        unused = "unix://localhost:2380"  # a socket of that name in the folder: a single member has no peer
        return [
            self._binaries / "etcd",
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={unused}",
            f"--listen-peer-urls={unused}",
            f"--initial-advertise-peer-urls={unused}",
            f"--initial-cluster=default={unused}",
            "--unsafe-no-fsync",  # nothing here must survive a power cut
            "--log-level=warn",
        ]

    def _apiserver_command(self) -> list[str | Path]:
        return [
            self._binaries / "kube-apiserver",
            f"--etcd-servers=unix://{self.folder}/etcd.sock",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self._port.getsockname()[1]}",
            "--permit-port-sharing",
            f"--tls-cert-file={self._serving.certificate}",
            f"--tls-private-key-file={self._serving.key}",
            f"--client-ca-file={self.ca}",
            "--authorization-mode=RBAC",
            f"--service-account-issuer={_ISSUER}",
            f"--service-account-key-file={self._signing_key}",
            f"--service-account-signing-key-file={self._signing_key}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--endpoint-reconciler-type=none",
            *self.audit.flags,
        ]

    def _controllers_command(self) -> list[str | Path]:
        return [
            self._binaries / "kube-controller-manager",
            f"--kubeconfig={self._certificate_kubeconfig('system:kube-controller-manager', groups=[])}",
            f"--controllers={','.join(_CONTROLLERS)}",
            "--use-service-account-credentials",  # as in a cluster: each controller has only its own rights
            f"--service-account-private-key-file={self._signing_key}",
            f"--root-ca-file={self.ca}",
            "--leader-elect=false",
            "--secure-port=0",
        ]

    def _apiserver_is_ready(self) -> bool:
        for process in (self._etcd, self._apiserver):
            assert process is not None
            process.check()
        trust = ssl.create_default_context(cafile=str(self.ca))
        connection = http.client.HTTPSConnection("127.0.0.1", self._port.getsockname()[1], context=trust, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):  # not listening yet
            return False
        finally:
            connection.close()

    def _controllers_work(self) -> bool:
        assert self._controllers is not None
        self._controllers.check()
        accounts = json.loads(self.kubectl("get", "serviceaccounts", "--namespace=default", "--output=json"))
        return any(account["metadata"]["name"] == "default" for account in accounts["items"])


def _reserve_port() -> socket.socket:
    # Bound, never listening: connections go to the server alone. A port asked for with 0 is never one that is shared.
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    holder.bind(("127.0.0.1", 0))
    return holder
