"""Fixtures that start the real parts: one control plane per test run, a namespace and a vCenter twin per test.

Nothing is started for tests that do not ask. The imports of the bed stand inside the fixtures, so that unit tests do
not pay for them.
"""

import os
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from support.kept_logs import WORKER_OUTPUT, keep, kept

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

    from bed.apiserver import ControlPlane
    from bed.twin import Twin


@pytest.fixture(scope="session")
def control_plane(request: pytest.FixtureRequest) -> Iterator["ControlPlane"]:
    """A Kubernetes control plane that the tests of this run share. Its logs are kept when a test fails."""
    from bed.apiserver import ControlPlane

    with ControlPlane() as plane:
        yield plane
        logs = plane.stop(keep_logs=request.session.testsfailed > 0)
        if logs is not None:
            keep(request.config, f"The logs of the control plane are in {logs}")


@pytest.fixture
def namespace(control_plane: "ControlPlane") -> Iterator[str]:
    """A new namespace, deleted after the test."""
    name = f"test-{secrets.token_hex(4)}"
    control_plane.kubectl("create", "namespace", name)
    yield name
    control_plane.kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")


@pytest.fixture
def twin() -> Iterator["Twin"]:
    """A vCenter twin of its own for each test: no test sees the drift of another."""
    from bed.twin import Twin

    with Twin() as twin:
        yield twin


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over what was kept, in a process that runs a part of the tests."""
    output: dict[str, object] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[WORKER_OUTPUT] = kept(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: "WorkerController") -> None:
    """Take over what such a process has kept."""
    keep(node.config, *getattr(node, "workeroutput", {}).get(WORKER_OUTPUT, ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what failed before pytest began, so that the last lines of `make test` tell all of it."""
    from bed.toolchain.checks import FAILED_CHECKS

    for line in kept(terminalreporter.config):
        terminalreporter.write_line(line)
    for name in filter(None, os.environ.get(FAILED_CHECKS, "").split(";")):
        nodeid = f"check::{name}"
        report = pytest.TestReport(nodeid, (nodeid, None, name), {}, "failed", "its output is above", "call")
        terminalreporter.stats.setdefault("failed", []).append(report)
