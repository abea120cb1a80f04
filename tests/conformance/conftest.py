"""Fixtures of the conformance suite: a twin per module, clients that others wrote, and pyVmomi to compare with."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from bed.lab import Lab
    from bed.twin import Twin
    from support.ansible import Ansible
    from support.govc import Govc


@pytest.fixture(scope="module")
def twin() -> Iterator["Twin"]:
    """A twin that the tests of a module share; each test uses objects of its own."""
    from bed.twin import Twin

    with Twin() as twin:
        yield twin


@pytest.fixture(scope="module")
def lab(twin: "Twin") -> Iterator["Lab"]:
    """What pyVmomi sees."""
    from bed.lab import Lab
    from bed.soap import connect

    with connect(twin) as instance:
        yield Lab(twin, instance)


@pytest.fixture(scope="module")
def govc(twin: "Twin", tmp_path_factory: pytest.TempPathFactory) -> "Govc":
    """govc, logged in as the administrator."""
    from support.govc import Govc

    return Govc(twin, tmp_path_factory.mktemp("govmomi"))


@pytest.fixture(scope="module")
def ansible(twin: "Twin", tmp_path_factory: pytest.TempPathFactory) -> "Ansible":
    """Ansible, logged in as the administrator."""
    from support.ansible import Ansible

    return Ansible(twin, tmp_path_factory.mktemp("ansible"))
