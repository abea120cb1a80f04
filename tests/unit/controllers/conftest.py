"""The workbench: the operator between an API server and a vCenter in memory."""

import pytest

from support.workbench import Workbench


@pytest.fixture
def bench() -> Workbench:
    """A workbench with the connection Secret of namespace `lab`."""
    bench = Workbench()
    bench.connect()
    return bench
