"""The workbench: the operator between an API server and a vCenter in memory."""

import pytest

from support.fake_hosts import FakeHosts
from support.workbench import Workbench


@pytest.fixture
def bench() -> Workbench:
    """A workbench with the connection Secret of namespace `lab`."""
    bench = Workbench()
    bench.connect()
    return bench


@pytest.fixture
def hosts(bench: Workbench) -> FakeHosts:
    """A cluster of two hosts."""
    bench.connect()
    bench.vcenter.standard.join("esx-a")
    bench.vcenter.standard.join("esx-b")
    return bench.vcenter.standard
