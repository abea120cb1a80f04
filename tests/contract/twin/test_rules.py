"""Every rule of the table holds on the twin: one twin for all of them, a scratch place for each."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from verify.table import Check, all_checks

if TYPE_CHECKING:
    from bed.lab import Lab

pytestmark = pytest.mark.infrastructure("the rules are in verify.checks")


@pytest.fixture(scope="module")
def shared_lab() -> Iterator["Lab"]:
    """An administrator's login on a twin that all checks share."""
    from bed.lab import Lab
    from bed.soap import connect
    from bed.twin import Twin

    with Twin() as twin, connect(twin) as instance:
        yield Lab(twin, instance)


@pytest.mark.parametrize("check", list(all_checks()), ids=lambda check: check.name)
def test_the_twin_keeps_the_rule(shared_lab: "Lab", check: Check) -> None:
    shared_lab.prefix = "rule-"
    try:
        check.run(shared_lab)
    finally:
        shared_lab.clean()
