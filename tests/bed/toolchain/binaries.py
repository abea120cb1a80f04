"""The programs of the test bed: the control plane, kubectl, the vCenter twin and govc, each built once per content.

The key of a build is go.mod, go.sum, every source file, the Go version and the flags: an edited twin is built again,
an unchanged one is found. `KUBEBUILDER_ASSETS` replaces the control plane with a folder of ready binaries, as the
Kubernetes tooling knows it.
"""

import json
import os
import re
import shutil
import subprocess
from functools import cache as once
from pathlib import Path

from bed.toolchain import cache, golang, progress
from bed.toolchain.errors import ToolchainError

__all__ = ["build_controlplane", "build_govc", "build_twin", "kubectl"]

_CONTROLPLANE = cache.ROOT / "tests" / "bed" / "controlplane"
_TWIN = cache.ROOT / "tests" / "bed" / "vcenter"
_GOVC = cache.ROOT / "tests" / "bed" / "govc"
_SERVERS = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
}
_KUBECTL_PACKAGE = "k8s.io/kubernetes/cmd/kubectl"
_KUBECTL_OLDEST = (1, 31)
"""The first with `kubectl wait --for=create`."""


@once
def build_controlplane() -> Path:
    """Return the folder that holds kube-apiserver, kube-controller-manager and etcd."""
    folder = _assets()
    if folder is None:
        return cache.entry("controlplane", _controlplane_key(), _make_controlplane)
    # setup-envtest ships no kube-controller-manager; without it no namespace ends and nothing is garbage collected.
    missing = [name for name in _SERVERS if not os.access(folder / name, os.X_OK)]
    if missing:
        cure = "Put what is missing there, or unset KUBEBUILDER_ASSETS to have all of them built."
        raise ToolchainError(f"KUBEBUILDER_ASSETS={folder} has no executable {', '.join(missing)}. {cure}")
    return folder


@once
def kubectl() -> Path:
    """Return a kubectl: from KUBEBUILDER_ASSETS or the PATH if it is not too old, else a built one."""
    assets = _assets()
    for found in (assets / "kubectl" if assets else None, shutil.which("kubectl")):
        if found is not None and _is_new_enough(Path(found)):
            return Path(found)
    return cache.entry("kubectl", _controlplane_key(), _make_kubectl) / "kubectl"


@once
def build_twin() -> Path:
    """Return the vCenter twin's program."""
    return _build("twin", _TWIN, "vcenter-twin")


@once
def build_govc() -> Path:
    """Return govc, VMware's command line client."""
    return _build("govc", _GOVC, "govc")


def _build(what: str, module: Path, program: str) -> Path:
    sources = [file for pattern in ("**/*.go", "*.txt", "go.mod", "go.sum") for file in module.glob(pattern)]
    embedded = [file for file in module.glob("**/testdata/**/*") if file.is_file()]

    def make(folder: Path) -> None:
        with progress.step(f"Building {program}"):
            golang.build(module, ".", folder / program)

    return cache.entry(what, cache.digest([*sources, *embedded], golang.build_facts()), make) / program


def _assets() -> Path | None:
    given = os.environ.get("KUBEBUILDER_ASSETS")
    return Path(given).expanduser() if given else None


def _make_controlplane(folder: Path) -> None:
    for name, package in _SERVERS.items():
        with progress.step(f"Building {name} {_kubernetes_version()} (minutes the first time, once per machine)"):
            golang.build(_CONTROLPLANE, package, folder / name, ldflags=_ldflags())


def _make_kubectl(folder: Path) -> None:
    with progress.step(f"Building kubectl {_kubernetes_version()}"):
        golang.build(_CONTROLPLANE, _KUBECTL_PACKAGE, folder / "kubectl", ldflags=_ldflags())


def _controlplane_key() -> str:
    return cache.digest([_CONTROLPLANE / "go.mod", _CONTROLPLANE / "go.sum"], golang.build_facts(ldflags=_ldflags()))


def _kubernetes_version() -> str:
    text = (_CONTROLPLANE / "go.mod").read_text()
    match = re.search(r"^\tk8s\.io/kubernetes (v\d+\.\d+\.\d+)\b", text, re.MULTILINE)
    if match is None:
        raise ToolchainError("tests/bed/controlplane/go.mod does not require k8s.io/kubernetes at a released version")
    return match[1]


def _ldflags() -> str:
    # Without these the server calls itself v0.0.0-master+$Format, which kubectl, Helm and Argo CD cannot parse.
    version = _kubernetes_version()
    major, minor, _ = version.removeprefix("v").split(".")
    facts = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    stamps = [f"-X k8s.io/component-base/version.{name}={value}" for name, value in facts.items()]
    return " ".join(stamps)


def _is_new_enough(candidate: Path) -> bool:
    if not os.access(candidate, os.X_OK):
        return False
    command = [str(candidate), "version", "--client", "--output=json"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    if asked.returncode != 0:
        return False
    match = re.match(r"v(\d+)\.(\d+)\.", json.loads(asked.stdout)["clientVersion"]["gitVersion"])
    return match is not None and (int(match[1]), int(match[2])) >= _KUBECTL_OLDEST
