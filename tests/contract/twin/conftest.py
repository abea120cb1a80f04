"""Fixtures for the contract of the vCenter twin: what a pyVmomi client sees of the rules that it keeps."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from bed.lab import Lab
    from bed.twin import Twin


@pytest.fixture
def lab(twin: "Twin") -> Iterator["Lab"]:
    """An administrator's login on a fresh twin."""
    from bed.lab import Lab
    from bed.soap import connect

    with connect(twin) as instance:
        yield Lab(twin, instance)
