"""What the demo runs on: control plane, vCenter twin, operator, and everybody who is logged in to vCenter.

Whatever was started is ended by `close`, in the reverse order and however far the start came. The logs survive where
somebody will want to read them.
"""

import contextlib
import json
import os
import subprocess
from pathlib import Path

from kubernetes import client, config

from bed import estate, toolchain
from bed.apiserver import ControlPlane
from bed.operator_process import OperatorProcess
from bed.stranger import Stranger
from bed.toolchain import progress
from bed.twin import Login, Twin
from demo.display import Display

__all__ = ["NAMESPACE", "Stage"]

NAMESPACE = "nested-lab"
"""The namespace of `deploy/samples`."""

_CLONE_SECONDS = 2.0
_BOOT_SECONDS = 1.0


class Stage:
    """The bed of one demo. Its parts are started one by one, and ended together."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._ends = contextlib.ExitStack()
        self._keep_logs = False
        self._logs: list[str] = []
        self.plane: ControlPlane
        self.twin: Twin
        self.operator: OperatorProcess
        self.api: client.ApiClient

    def build(self) -> None:
        """Build what is not there yet; that shows its own progress."""
        toolchain.build_controlplane()
        toolchain.kubectl()
        if not os.environ.get("NHV_TWIN"):
            toolchain.build_twin()

    def start_control_plane(self) -> str:
        """Start etcd, API server and controllers; returns the version that the server tells."""
        self.plane = ControlPlane()
        self._ends.callback(self._end_control_plane)
        self.plane.start()
        kubeconfig = str(self.plane.admin_kubeconfig)
        self.api = config.new_client_from_config(kubeconfig, persist_config=False)  # type: ignore[no-untyped-call]
        self._ends.callback(self.api.close)
        version: str = json.loads(self.plane.kubectl("version", "--output=json"))["serverVersion"]["gitVersion"]
        return version

    def start_vcenter(self) -> str:
        """Start the twin with the estate that the samples name; returns what it says of itself."""
        self.twin = Twin(arguments=estate.flags(1))
        self._ends.callback(self._end_vcenter)
        self.twin.start()
        estate.stock(self.twin, "DC0")
        # Disks are copied and Windows boots: minutes in a real vCenter, and here long enough to be seen.
        self.twin.control.latency("CloneVM_Task", task_seconds=_CLONE_SECONDS)
        self.twin.control.guest(
            estate.TEMPLATE,
            ip_address="10.0.0.7",
            host_name="hyperv-1",
            boot_seconds=_BOOT_SECONDS,
            shutdown_seconds=_BOOT_SECONDS / 2,
        )
        with Stranger(self.twin) as visitor:
            name: str = visitor.instance.content.about.fullName
        return name

    def start_operator(self) -> None:
        """Start the operator as its ServiceAccount."""
        self.operator = OperatorProcess(self.plane)
        self._ends.callback(self._end_operator)
        self.operator.start()

    def log_in(self, user: Login) -> Stranger:
        """Log somebody in to vCenter, for as long as the stage stands."""
        return self._ends.enter_context(Stranger(self.twin, user))

    def kubectl(self, *arguments: str, shown: str = "") -> list[str]:
        """Show a kubectl command, run it, and return the lines it printed."""
        self._display.command(shown or " ".join(["kubectl", *arguments]))
        with progress.step(f"kubectl {arguments[0]}", tell_end=False):
            return self.plane.kubectl(*arguments).splitlines()

    def close(self, *, keep_logs: bool = False) -> list[str]:
        """End everything; returns a line for each folder of logs that was kept."""
        self._keep_logs = keep_logs
        self._ends.close()
        return self._logs

    def _end_control_plane(self) -> None:
        self._tell_logs("control plane and vCenter", self.plane.stop(keep_logs=self._keep_logs))

    def _end_vcenter(self) -> None:
        if self._keep_logs:
            (self.plane.folder / "logs" / "vcenter.log").write_text(self.twin.log)
        self.twin.stop()

    def _end_operator(self) -> None:
        if self.operator.running:
            try:
                self.operator.stop()
            except subprocess.TimeoutExpired:
                self.operator.kill()
                self._logs.append("The operator did not end when it was asked to, and was killed.")
        self._tell_logs("operator", self.operator.close(keep_logs=self._keep_logs))

    def _tell_logs(self, whose: str, folder: Path | None) -> None:
        if folder is not None:
            self._logs.append(f"Logs of the {whose}: {folder}")
