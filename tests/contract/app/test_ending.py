"""What has come to its end when the operator has."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bed.operator_process import install
from nested_hyperv.app.settings import Settings
from nested_hyperv.app.wiring import Operator
from nested_hyperv.kube import edge
from support.kube import ObstinateLogin

if TYPE_CHECKING:
    import pytest

    from bed.apiserver import ControlPlane


async def test_the_watch_has_ended_before_the_operator_has(
    control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files of a kubeconfig are removed with the process: a thread that outlives it fails on them, loudly."""
    install(control_plane)
    kubeconfig = control_plane.service_account_kubeconfig("nested-hyperv-system", "nested-hyperv-operator")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    login, stop = ObstinateLogin(), asyncio.Event()
    monkeypatch.setattr(edge, "connection_info", login)
    running = asyncio.create_task(Operator(Settings(http_port=0)).run(stop))
    await asyncio.to_thread(login.begun.wait, 30)

    stop.set()
    await running

    assert login.ended.is_set()
