"""The Kubernetes adapter on a real API server, with the rights of the shipped manifests and no others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from support.kube import Admin, Operator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bed.apiserver import ControlPlane

ROOT: Final = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def installed(control_plane: ControlPlane) -> ControlPlane:
    """A control plane with the kinds and the rights of the operator."""
    control_plane.kubectl("apply", "--server-side", f"--filename={ROOT / 'crds'}")
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=60s", f"--filename={ROOT / 'crds'}")
    control_plane.kubectl("apply", f"--kustomize={ROOT / 'deploy'}")
    return control_plane


@pytest.fixture
def admin(installed: ControlPlane, namespace: str, monkeypatch: pytest.MonkeyPatch) -> Admin:
    """A fresh namespace; the test's process has the credentials of the operator's ServiceAccount."""
    kubeconfig = installed.service_account_kubeconfig("nested-hyperv-system", "nested-hyperv-operator")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    return Admin(installed, namespace)


@pytest.fixture
async def operator(admin: Admin) -> AsyncIterator[Operator]:
    """A running edge over that namespace."""
    async with Operator([admin.namespace]).running() as running:
        yield running
