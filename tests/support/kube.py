"""The operator's Kubernetes adapter in a test process, and a person with kubectl beside it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from nested_hyperv.domain.resource import ObjectKey, Resource
from nested_hyperv.kube.arrivals import Arrivals
from nested_hyperv.kube.client import KubeClient
from nested_hyperv.kube.echo import OwnWrites
from nested_hyperv.kube.edge import Edge
from nested_hyperv.kube.listing import Lister
from nested_hyperv.kube.store import Store
from nested_hyperv.kube.writer import KubeWriter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    import kopf

    from bed.apiserver import ControlPlane
    from nested_hyperv.domain.resource import ConnectionSecret
    from nested_hyperv.kube.projection import Watched
    from nested_hyperv.workqueue import Priority


__all__ = ["Admin", "ObstinateLogin", "Operator", "eventually"]


async def eventually(condition: Callable[[], Any], what: str, seconds: float = 20) -> Any:  # noqa: ANN401
    """Let the loop run until the condition holds."""
    try:
        async with asyncio.timeout(seconds):
            while not (value := condition()):  # noqa: ASYNC110 - what is waited for tells nobody
                await asyncio.sleep(0.01)
            return value
    except TimeoutError:
        pytest.fail(f"waited {seconds} s for {what}")


class SeenArrivals(Arrivals):
    """Remembers what the watch delivered, so that a test can wait for an event that must change nothing."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.versions: set[tuple[ObjectKey, str]] = set()

    def seen(self, item: Watched) -> None:
        super().seen(item)
        self.versions.add((item.key, item.resource_version))


class ObstinateLogin:
    """A login of Kopf that never succeeds, and ends only when it is cancelled a second time."""

    def __init__(self) -> None:
        self.begun, self.ended = threading.Event(), threading.Event()

    async def __call__(self, _: object) -> kopf.ConnectionInfo:
        """Wait, twice."""
        self.begun.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()
        raise AssertionError


@dataclass
class Operator:
    """The adapter of one operator process, and what it would put into its queue."""

    namespaces: Sequence[str] = ()
    store: Store = field(default_factory=Store)
    enqueued: list[tuple[ObjectKey, Priority]] = field(default_factory=list)

    def __post_init__(self) -> None:
        own_writes = OwnWrites()
        self.client = KubeClient()
        self.arrivals = SeenArrivals(
            self.store, own_writes, lambda key, priority: self.enqueued.append((key, priority))
        )
        self.lister = Lister(self.client, self.store, self.arrivals, self.namespaces)
        self.edge = Edge(self.arrivals, self.namespaces)
        self.writer = KubeWriter(self.client, self.store, own_writes)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Operator]:
        """List and watch while the block runs."""
        await self.lister.fill()
        watch = asyncio.create_task(self.edge.run())
        try:
            yield self
        finally:
            self.edge.stop()
            await asyncio.wait_for(watch, 20)
            await self.client.close()

    def queued(self, key: ObjectKey) -> list[Priority]:
        """What was enqueued for a key since the last call."""
        found = [priority for name, priority in self.enqueued if name == key]
        self.enqueued[:] = [entry for entry in self.enqueued if entry[0] != key]
        return found

    async def listed(self, key: ObjectKey) -> Resource:
        """Take the next announcement of an object, and return what the store has of it then."""
        await eventually(lambda: self.queued(key), f"{key} to be announced")
        resource = self.store.get(key)
        assert resource is not None, f"{key} was announced and is not in the store"
        return resource

    async def listed_secret(self, key: ObjectKey) -> ConnectionSecret:
        """Take the next announcement of a Secret, and return what the store has of it then."""
        await eventually(lambda: self.queued(key), f"{key} to be announced")
        secret = self.store.secret(key.namespace, key.name)
        assert secret is not None, f"{key} was announced and is not in the store"
        return secret

    async def delivered(self, item: Resource | ConnectionSecret) -> None:
        """Wait until the watch has delivered this very version."""
        version = (item.key, item.resource_version)
        await eventually(lambda: version in self.arrivals.versions, f"the watch to deliver {version}")


@dataclass
class Admin:
    """A person with kubectl, in a namespace of the test's own."""

    control_plane: ControlPlane
    namespace: str

    async def kubectl(self, *arguments: str, document: Any = None) -> str:  # noqa: ANN401
        text = None if document is None else yaml.safe_dump(document)
        return await asyncio.to_thread(
            self.control_plane.kubectl, f"--namespace={self.namespace}", *arguments, input=text
        )

    async def port_group(self, name: str, **spec: Any) -> ObjectKey:
        document = {
            "apiVersion": "nestedhv.io/v1alpha1",
            "kind": "NestedPortGroup",
            "metadata": {"name": name},
            "spec": {
                "connectionRef": {"name": "vcenter"},
                "distributed": {"datacenter": "DC0", "switch": "DVS0"},
                **spec,
            },
        }
        await self.kubectl("apply", "--server-side", "--filename=-", document=document)
        return ObjectKey("NestedPortGroup", self.namespace, name)

    async def secret(self, name: str = "vcenter", kind: str = "nestedhv.io/vcenter", **data: str) -> ObjectKey:
        document = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name},
            "type": kind,
            "stringData": {"server": "vcenter.example.com", "username": "user", "password": "pass"} | data,
        }
        await self.kubectl("apply", "--filename=-", document=document)
        return ObjectKey("Secret", self.namespace, name)

    async def get(self, kind: str, name: str) -> Any:  # noqa: ANN401
        return json.loads(await self.kubectl("get", kind, name, "--output=json"))
