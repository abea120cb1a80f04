"""The adapter and a twin of its own for each test, and a way to wait for what the adapter says."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from bed.twin import OPERATOR, Login, Twin
from bed.waiting import NotInTimeError
from nested_hyperv.api.connection import Connection
from nested_hyperv.domain.errors import Connecting
from nested_hyperv.domain.inventory import MoRef, Switch, Task
from nested_hyperv.domain.resource import ObjectKey
from nested_hyperv.vsphere import Tuning, VCenters
from nested_hyperv.vsphere.vcenter import VCenter

T = TypeVar("T")

#: Short enough for tests, in the proportions of the real ones.
QUICK = Tuning(
    connect_timeout=1.0,
    read_timeout=2.0,
    poll_wait=2.0,
    poll_grace=1.0,
    down_grace=0.4,
    retry_first=0.05,
    retry_longest=0.2,
    refused_first=0.2,
    refused_longest=0.4,
    busy_pause=0.2,
    watch_batch=0.01,
    logout_timeout=1.0,
)
KEY = ObjectKey("NestedPortGroup", "lab", "a")


def connection(
    twin: Twin, *, login: Login = OPERATOR, port: int | None = None, tls: Mapping[str, str] | None = None
) -> Connection:
    """The connection that a Secret for this twin describes."""
    data = {"server": f"{twin.host}:{port or twin.port}", "username": login.name, "password": login.password}
    return Connection.from_secret({**data, **({"ca.crt": twin.ca.read_text()} if tls is None else tls)})


@dataclass
class Adapter:
    """The registry under test, and the keys that it woke."""

    tuning: Tuning = QUICK
    woken: list[ObjectKey] = field(default_factory=list)
    _event: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.vcenters = VCenters(self._wake, tuning=self.tuning)

    def _wake(self, key: ObjectKey) -> None:
        self.woken.append(key)
        self._event.set()

    async def until(self, condition: Callable[[], T | None], what: str, *, seconds: float = 10.0) -> T:
        """Return the first true value, asked after each wake-up and 20 times a second."""
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            if time.monotonic() > deadline:
                message = f"waited {seconds} s for {what}"
                raise NotInTimeError(message)
            self._event.clear()
            try:
                async with asyncio.timeout(0.05):
                    await self._event.wait()
            except TimeoutError:
                continue
        return value

    async def open(self, wanted: Connection, key: ObjectKey = KEY) -> VCenter:
        """Open as a controller does: ask again whenever woken, until it is no longer connecting."""

        def opened() -> VCenter | None:
            try:
                return self.vcenters.open(key, wanted)
            except Connecting:
                return None

        return await self.until(opened, "the first login")

    async def end_of(self, vcenter: VCenter, task: MoRef) -> Task:
        """Wait for the end of a task, and check that its key was woken by it."""

        def ended() -> Task | None:
            known = vcenter.task(task)
            return known if known is not None and known.state.ended else None

        return await self.until(ended, f"the end of {task}")


@pytest.fixture
async def adapter() -> AsyncIterator[Adapter]:
    adapter = Adapter()
    yield adapter
    await adapter.vcenters.close()


@pytest.fixture
async def vcenter(adapter: Adapter, twin: Twin) -> VCenter:
    return await adapter.open(connection(twin))


@pytest.fixture
async def switch(vcenter: VCenter) -> Switch:
    return await vcenter.find_switch("DC0", "DVS0", fresh=True)
