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


@pytest.fixture(scope="module")
def shared_twin() -> Iterator["Twin"]:
    """One twin for the tests of a module that make their own objects, or none."""
    from bed.twin import Twin

    with Twin() as twin:
        yield twin


@pytest.fixture(scope="module")
def shared_lab(shared_twin: "Twin") -> Iterator["Lab"]:
    """An administrator's login on the module's twin; each test has names of its own and cleans up."""
    from bed.lab import Lab
    from bed.soap import connect

    with connect(shared_twin) as instance:
        yield Lab(shared_twin, instance)


@pytest.fixture
def tidy_lab(shared_lab: "Lab") -> Iterator["Lab"]:
    """The module's twin: afterwards its rules are the usual ones, its hosts connected, and what was made is gone."""
    control = shared_lab.twin.control
    usual = control.rules()
    yield shared_lab
    control.rules(**usual)
    for host in shared_lab.host.parent.host:
        control.host(host.name, connection_state="connected")
    shared_lab.clean()


@pytest.fixture
def admin(shared_twin: "Twin") -> Iterator["Lab"]:
    """An administrator's login on the module's twin, who cleans up."""
    from bed.lab import Lab
    from bed.soap import connect

    with connect(shared_twin) as instance:
        lab = Lab(shared_twin, instance)
        lab.prefix = "priv-"
        try:
            yield lab
        finally:
            lab.clean()


@pytest.fixture
def eve(shared_twin: "Twin") -> Iterator["Lab"]:
    """The login of somebody who has the role `eve` everywhere; it can read everything and do nothing."""
    from bed.lab import Lab
    from bed.soap import connect
    from support.permitted import EVE

    shared_twin.control.user(EVE, groups=[])
    shared_twin.control.role("eve", [])
    for permission in shared_twin.control.permissions():
        if permission["principal"] == EVE.shown:
            shared_twin.control.permission(EVE, "", on=permission["object"])
    shared_twin.control.permission(EVE, "eve")
    with connect(shared_twin, EVE) as instance:
        yield Lab(shared_twin, instance)
