"""Requests to an API server whose credentials are replaced while it is being asked."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from nested_hyperv.domain.errors import Transient
from nested_hyperv.kube.client import KubeClient


class Server:
    """Accepts one token. The first page of a list waits until it is let go, and its second one comes too late."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig
        self.accepted = ""
        self.refused = 0
        self.waiting = asyncio.Event()
        self.let_go = asyncio.Event()

    def credentials(self, token: str) -> None:
        """Put a token where the operator reads it."""
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "clusters": [{"name": "test", "cluster": {"server": self.url}}],
            "users": [{"name": "test", "user": {"token": token}}],
        }
        self._kubeconfig.write_text(json.dumps(config))

    async def start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_get("/api/v1/namespaces/kube-system", self._namespace)
        app.router.add_get("/api/v1/namespaces/lab/secrets", self._secrets)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return runner

    async def _namespace(self, request: web.Request) -> web.Response:
        if request.headers["Authorization"] != f"Bearer {self.accepted}":
            self.refused += 1
            return web.json_response({"message": "Unauthorized"}, status=401)
        return web.json_response({"metadata": {"uid": "1-2-3"}})

    async def _secrets(self, request: web.Request) -> web.Response:
        if request.query.get("continue"):
            return web.json_response({"message": "The provided continue parameter is too old"}, status=410)
        self.waiting.set()
        await self.let_go.wait()
        return web.json_response({"metadata": {"resourceVersion": "7", "continue": "more"}, "items": []})


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    kubeconfig = tmp_path / "config"
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    server = Server(kubeconfig)
    runner = await server.start()
    server.credentials("old")
    server.accepted = "old"
    yield server
    await runner.cleanup()


@pytest.fixture
async def client() -> AsyncIterator[KubeClient]:
    client = KubeClient()
    yield client
    await client.close()


async def test_new_credentials_are_read_when_the_old_ones_are_refused(server: Server, client: KubeClient) -> None:
    assert await client.kube_system_uid() == "1-2-3"
    server.accepted = "new"
    server.credentials("new")
    uids = await asyncio.gather(*(client.kube_system_uid() for _ in range(20)))
    assert set(uids) == {"1-2-3"}


async def test_a_request_that_still_runs_is_not_cut_off_by_the_change(server: Server, client: KubeClient) -> None:
    running = asyncio.create_task(client.list("Secret", "lab"))
    await server.waiting.wait()
    server.accepted = "new"
    server.credentials("new")
    assert await client.kube_system_uid() == "1-2-3"
    server.let_go.set()
    with pytest.raises(Transient, match="too old"):  # its second page, over the new credentials
        await running


async def test_credentials_that_stay_refused_are_told_and_not_tried_for_ever(
    server: Server, client: KubeClient
) -> None:
    server.accepted = "new"
    with pytest.raises(Transient, match="credentials of the operator are not accepted"):
        await client.kube_system_uid()
    assert server.refused == 2
