"""When a status counts as different from what the server has."""

from __future__ import annotations

from typing import Any

import pytest

from nested_hyperv.kube.status import same_status, without_nulls

READY = {"type": "Ready", "status": "True"}
SYNCED = {"type": "Synced", "status": "True"}


@pytest.mark.parametrize(
    ("wanted", "stored", "same"),
    [
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"conditions": [READY, SYNCED]}, {"conditions": [SYNCED, READY]}, True),
        ({"conditions": [READY]}, {"conditions": [READY, SYNCED]}, False),
        ({"conditions": [READY | {"status": "False"}]}, {"conditions": [READY]}, False),
        ({"conditions": []}, {}, True),
        ({"drift": [{"field": "a"}, {"field": "b"}]}, {"drift": [{"field": "b"}, {"field": "a"}]}, False),
    ],
)
def test_only_the_order_of_conditions_does_not_matter(
    wanted: dict[str, Any], stored: dict[str, Any], *, same: bool
) -> None:
    assert same_status(wanted, stored) is same


def test_keys_without_a_value_are_left_out_at_every_depth() -> None:
    assert without_nulls({"a": None, "b": {"c": None, "d": 0}, "e": [{"f": None, "g": ""}], "h": ()}) == {
        "b": {"d": 0},
        "e": [{"g": ""}],
        "h": [],
    }
