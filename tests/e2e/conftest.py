"""The whole operator on real parts: one control plane, one vCenter twin and one operator process for all modules.

Labs keep out of each other's way by namespace, vCenter account and names in vSphere; what changes hosts or switches
has a datacenter of its own (`WORLD`), and so has the lab that must stay quiet (`QUIET`).
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bed.estate import flags, stock
from bed.kube_lab import KubeLab
from bed.operator_process import OperatorProcess, install
from bed.stranger import Stranger
from bed.twin import Twin
from support.kept_logs import keep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bed.apiserver import ControlPlane

_HERE = Path(__file__).parent
COMMON, QUIET, WORLD = "DC0", "DC1", "DC2"


@pytest.fixture(scope="session")
def cluster(control_plane: ControlPlane) -> ControlPlane:
    """The control plane with the operator's kinds and rights."""
    install(control_plane)
    return control_plane


@pytest.fixture(scope="session")
def vcenter() -> Iterator[Twin]:
    """The vCenter of all labs."""
    with Twin(arguments=flags(3)) as twin:
        stock(twin, COMMON, QUIET, WORLD)
        yield twin


@pytest.fixture(scope="session")
def operator(request: pytest.FixtureRequest, cluster: ControlPlane) -> Iterator[OperatorProcess]:
    """The operator, running. A test that stops it starts it again."""
    with OperatorProcess(cluster) as process:
        yield process
        log = process.close(keep_logs=request.session.testsfailed > 0)
        if log is not None:
            keep(request.config, f"The log of the operator is in {log}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the quiet minute pass while others work, and put what restarts the operator at the end."""
    late = {"test_a_minute": 1, "test_a_restart": 2, "test_stories": 2, "test_crash": 3, "test_rbac": 4}

    def turn(item: pytest.Item) -> int:
        if not item.path.is_relative_to(_HERE):
            return 0
        if item.name.startswith("test_a_lab_is_made"):
            return -1
        return next((turn for name, turn in late.items() if name in item.nodeid), 0)

    # Sorting is stable; tests of other folders keep their places before these.
    items.sort(key=lambda item: (item.path.is_relative_to(_HERE), turn(item)))


@pytest.fixture(autouse=True)
def no_traceback(operator: OperatorProcess) -> Iterator[None]:
    """Whatever a test does to the operator, an exception that nobody expected is a bug."""
    since = operator.mark()
    yield
    found = [record for record in operator.records(since=since) if "Traceback" in record.traceback + record.message]
    assert not found, "\n\n".join(f"{record.message}\n{record.traceback}" for record in found)


@pytest.fixture(scope="session")
def stranger(vcenter: Twin) -> Iterator[Stranger]:
    """Another administrator, logged in."""
    with Stranger(vcenter) as somebody:
        yield somebody


@pytest.fixture(scope="session")
def new_lab(cluster: ControlPlane, vcenter: Twin) -> Callable[..., KubeLab]:
    """Make labs that the caller closes."""

    def make(twin: Twin | None = None, *, datacenter: str = COMMON, **secret: str) -> KubeLab:
        return KubeLab(cluster, twin or vcenter, datacenter=datacenter).open(**secret)

    return make


@pytest.fixture
def lab(operator: OperatorProcess, new_lab: Callable[..., KubeLab]) -> Iterator[KubeLab]:
    """An empty lab of the test's own."""
    assert operator.running
    made = new_lab()
    yield made
    made.close()


@pytest.fixture
def world_lab(operator: OperatorProcess, new_lab: Callable[..., KubeLab]) -> Iterator[KubeLab]:
    """An empty lab in the datacenter whose hosts and switch may be changed."""
    assert operator.running
    made = new_lab(datacenter=WORLD)
    yield made
    made.close()


@pytest.fixture
def old_switch(world_lab: KubeLab, stranger: Stranger) -> Iterator[str]:
    """The switch of the lab's datacenter, at a version before MAC learning."""
    switch = stranger.find_switch(world_lab.datacenter)
    world_lab.twin.control.switch(switch, version="6.5.0")
    yield switch
    world_lab.twin.control.switch(switch, version="8.0.3")


@pytest.fixture
def token() -> str:
    """A name that nobody else has."""
    return f"x-{secrets.token_hex(3)}"
