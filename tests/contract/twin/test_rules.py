"""Every rule of the table holds on the twin: one twin for all of them, a scratch place for each."""

from typing import TYPE_CHECKING

import pytest

from verify.table import Check, all_checks

if TYPE_CHECKING:
    from bed.lab import Lab

pytestmark = pytest.mark.infrastructure("the rules are in verify.checks")


@pytest.mark.parametrize("check", list(all_checks()), ids=lambda check: check.name)
def test_the_twin_keeps_the_rule(shared_lab: "Lab", check: Check) -> None:
    shared_lab.prefix = "rule-"
    try:
        check.run(shared_lab)
    finally:
        shared_lab.clean()
