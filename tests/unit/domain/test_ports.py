"""The ports of a port group: what the spec asks for, what is written, and that no port in use is taken away."""

from dataclasses import replace
from typing import Any

import pytest

from nested_hyperv.domain.inventory import Change, PortGroup, PortGroupSettings
from nested_hyperv.domain.portgroup.ports import may_shrink, observed_ports, ports_changes, ports_goal, ports_note
from support import vsphere_records as samples
from support.subjects import port_group_spec

STATIC = {"binding": "Static", "count": 8, "autoExpand": False}
EPHEMERAL = {"binding": "Ephemeral"}


def group(**fields: Any) -> PortGroup:
    return replace(samples.port_group("dvportgroup-1"), **{"auto_expand": False, **fields})


def compare(ports: dict[str, Any] | None, used: int | None = 0, **fields: Any) -> tuple[list[str], PortGroupSettings]:
    spec = port_group_spec() if ports is None else port_group_spec(distributed__ports=ports)
    changes, settings = ports_changes(ports_goal(spec), group(**fields), used, PortGroupSettings())
    assert bool(changes) == (settings != PortGroupSettings())
    return [str(change) for change in changes], settings


def test_ports_that_the_spec_does_not_mention_are_nobodys_drift() -> None:
    assert compare(None, binding="ephemeral", port_count=0)[0] == []
    assert compare({}, port_count=77)[0] == []


@pytest.mark.parametrize(
    ("ports", "there", "used", "changes"),
    [
        ({"count": 8}, 8, 3, []),
        ({"count": 16}, 8, 8, ["ports.count: 8 -> 16"]),
        ({"count": 8}, 16, 3, ["ports.count: 16 -> 8"]),
        ({"count": 8}, 16, 8, ["ports.count: 16 -> 8"]),
        # Somebody uses them: as few as can be.
        ({"count": 8}, 16, 12, ["ports.count: 16 -> 12"]),
        ({"count": 8}, 12, 12, []),
        # What was seen of their use may be older than their number.
        ({"count": 8}, 10, 12, []),
    ],
)
def test_a_fixed_number_is_exact_but_never_below_the_ports_in_use(
    ports: dict[str, Any], there: int, used: int, changes: list[str]
) -> None:
    assert compare(ports, used, port_count=there)[0] == changes


@pytest.mark.parametrize(
    ("ports", "there", "changes"),
    [
        ({"count": 8, "autoExpand": True}, 4, ["ports.count: 4 -> 8"]),
        ({"count": 8, "autoExpand": True}, 64, []),
        ({"count": 8}, 64, []),  # it grows although the spec does not say so
    ],
)
def test_more_ports_than_asked_for_are_no_drift_where_vsphere_adds_them(
    ports: dict[str, Any], there: int, changes: list[str]
) -> None:
    assert compare(ports, port_count=there, auto_expand=True)[0] == changes


def test_a_group_that_shall_no_longer_grow_gets_its_number_in_the_same_call() -> None:
    changes, settings = compare(STATIC, 3, port_count=24, auto_expand=True)

    assert changes == ["ports.autoExpand: true -> false", "ports.count: 24 -> 8"]
    assert settings == PortGroupSettings(port_count=8, auto_expand=False)


def test_an_ephemeral_group_that_becomes_static_gets_what_a_new_one_would_have() -> None:
    changes, settings = compare({"binding": "Static"}, 3, binding="ephemeral", port_count=0, auto_expand=None)

    assert changes == ["ports.binding: Ephemeral -> Static", "ports.autoExpand: unset -> true", "ports.count: 0 -> 8"]
    assert settings == PortGroupSettings(binding="earlyBinding", port_count=8, auto_expand=True)


def test_an_ephemeral_group_that_becomes_static_has_a_port_for_everybody() -> None:
    _, settings = compare(STATIC, 11, binding="ephemeral", port_count=0, auto_expand=None)

    assert settings.port_count == 11


def test_a_static_group_that_becomes_ephemeral_is_told_nothing_of_numbers() -> None:
    assert compare(EPHEMERAL, 3) == (["ports.binding: Static -> Ephemeral"], PortGroupSettings(binding="ephemeral"))
    assert compare(EPHEMERAL, 3, binding="ephemeral", port_count=0, auto_expand=None)[0] == []


def test_dynamic_binding_is_named_as_people_know_it() -> None:
    assert compare({"binding": "Static"}, binding="lateBinding")[0] == ["ports.binding: Dynamic -> Static"]


@pytest.mark.parametrize(
    ("ports", "fields", "shrinks"),
    [
        (None, {"port_count": 64}, False),
        ({"count": 8}, {"port_count": 64}, True),
        ({"count": 8}, {"port_count": 64, "auto_expand": True}, False),
        (STATIC, {"port_count": 64, "auto_expand": True}, True),
        ({"count": 64}, {"port_count": 8}, False),
    ],
)
def test_only_what_takes_ports_away_needs_to_know_their_use(
    ports: dict[str, Any] | None, fields: dict[str, Any], shrinks: bool
) -> None:
    spec = port_group_spec() if ports is None else port_group_spec(distributed__ports=ports)

    assert may_shrink(spec, group(**fields)) is shrinks


def test_a_number_below_the_ports_in_use_is_said_and_no_failure() -> None:
    goal = ports_goal(port_group_spec(distributed__ports=STATIC))

    note = ports_note(goal, group(port_count=12), 12)

    assert "distributed.ports.count is 8, but 12 ports are in use" in note
    assert ports_note(goal, group(port_count=8), 8) == ""
    assert ports_note(goal, group(port_count=12, auto_expand=True), 12) == ""
    assert ports_note(None, group(port_count=12), 12) == ""


@pytest.mark.parametrize(("used", "free"), [(0, 8), (3, 5), (8, 0), (9, 0), (None, None)])
def test_status_tells_how_many_ports_are_left(used: int | None, free: int | None) -> None:
    seen = observed_ports(group(), used, 1)

    assert (seen.binding, seen.count, seen.auto_expand, seen.used, seen.free) == ("Static", 8, False, used, free)


def test_ephemeral_ports_are_not_limited() -> None:
    seen = observed_ports(group(binding="ephemeral", port_count=0, auto_expand=None), 3, 3)

    assert seen.to_wire() == {"binding": "Ephemeral", "count": 0, "used": 3, "machines": 3}


def test_a_change_of_ports_is_worded_like_the_spec() -> None:
    goal = ports_goal(port_group_spec(distributed__ports={"count": 9}))
    changes, _ = ports_changes(goal, group(), 0, PortGroupSettings())

    assert changes == (Change("ports.count", "8", "9"),)
