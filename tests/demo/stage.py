"""The parts of the demo: a Kubernetes control plane, a vCenter twin, the operator, and two people with accounts.

Everything that is started here ends with the block, also on Ctrl-C and on errors, and leaves nothing on the machine.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubernetes import client, config

from bed.apiserver import ControlPlane
from bed.estate import flags, stock
from bed.kube_object import HOSTS, PORT_GROUPS, KubeObject
from bed.operator_process import OperatorProcess, install
from bed.stranger import Stranger
from bed.toolchain.cache import ROOT
from bed.twin import ALICE, OPERATOR, Twin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from demo.screen import Screen

__all__ = ["NAMESPACE", "SAMPLES", "Stage", "set_up"]

NAMESPACE = "nested-lab"
SAMPLES = ROOT / "deploy" / "samples"
_DATACENTER = "DC0"


@dataclass(frozen=True)
class Stage:
    """What runs, and the objects of the sample lab."""

    plane: ControlPlane
    twin: Twin
    operator: OperatorProcess
    alice: Stranger
    port_groups: tuple[KubeObject, ...]
    hosts: tuple[KubeObject, ...]

    @property
    def lab(self) -> tuple[KubeObject, ...]:
        """All objects of the sample lab."""
        return self.port_groups + self.hosts

    def object(self, name: str) -> KubeObject:
        """One of them."""
        return next(each for each in self.lab if each.name == name)

    def secret(self) -> str:
        """The connection Secret, as `deploy/samples/connection.yaml` describes it."""
        data = {
            "server": f"{self.twin.host}:{self.twin.port}",
            "username": OPERATOR.name,
            "password": OPERATOR.password,
            "ca.crt": self.twin.ca.read_text(),
        }
        metadata = {"name": "vcenter", "namespace": NAMESPACE}
        kind = {"apiVersion": "v1", "kind": "Secret", "type": "nestedhv.io/vcenter"}
        return json.dumps({**kind, "metadata": metadata, "stringData": data})


@contextlib.contextmanager
def set_up(screen: Screen) -> Iterator[Stage]:
    """Start everything, telling what."""
    with contextlib.ExitStack() as stack:
        with screen.step("kube-apiserver, etcd and controllers: a Kubernetes control plane"):
            plane = stack.enter_context(ControlPlane())
        with screen.step("a vCenter twin that speaks the SOAP API of vSphere 8"):
            twin = stack.enter_context(Twin(arguments=flags(1)))
            stock(twin, _DATACENTER)
        screen.command("kubectl apply --server-side -f crds/ && kubectl apply -k deploy/")
        with screen.step("custom resources, ServiceAccount and RBAC"):
            install(plane)
        with screen.step("the operator, with the rights of its ServiceAccount and no others"):
            operator = stack.enter_context(OperatorProcess(plane))
        alice = stack.enter_context(Stranger(twin, ALICE))
        api = _client(plane.admin_kubeconfig)
        stack.callback(api.close)
        groups = tuple(KubeObject(api, NAMESPACE, PORT_GROUPS, name, name) for name in ("lab-inner", "lab-migration"))
        hosts = tuple(KubeObject(api, NAMESPACE, HOSTS, name, name) for name in ("hyperv-1", "hyperv-2"))
        yield Stage(plane, twin, operator, alice, groups, hosts)


def _client(kubeconfig: Path) -> client.ApiClient:
    return config.new_client_from_config(config_file=str(kubeconfig), persist_config=False)
