"""The Kubernetes adapter on a real API server, with the rights of the shipped manifests and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bed.operator_process import install
from support.kube import Admin, Operator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bed.apiserver import ControlPlane


@pytest.fixture(scope="session")
def installed(control_plane: ControlPlane) -> ControlPlane:
    """A control plane with the kinds and the rights of the operator."""
    install(control_plane)
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
