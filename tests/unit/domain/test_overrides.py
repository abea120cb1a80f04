"""Ports with settings of their own: which ones differ from their group, and what is said of it."""

from dataclasses import replace
from typing import Any

import pytest

from nested_hyperv.api.portgroup import NestedPortGroupStatus
from nested_hyperv.domain.inventory import MoRef, Port, PortGroup, SecurityPolicy, Trunk
from nested_hyperv.domain.portgroup.goal import goal_of
from nested_hyperv.domain.portgroup.overrides import (
    PortUse,
    judge_ports,
    overrides_text,
    overriding,
    pool_warning,
    recalled,
)
from support import vsphere_records as samples
from support.subjects import OURS, port_group_spec

VM_A, VM_B = MoRef("VirtualMachine", "vm-1"), MoRef("VirtualMachine", "vm-2")


def group(**fields: Any) -> PortGroup:
    made = samples.port_group("inner", settings=goal_of(port_group_spec(), OURS, samples.switch(), None).creation())
    return replace(made, **{"virtual_machines": (VM_A, VM_B), **fields})


def port(key: str = "12", connectee: MoRef | None = VM_A, **own: Any) -> Port:
    return Port(key, connectee, **own)


def use(*ports: Port, **fields: Any) -> PortUse:
    of = group(**fields)
    return judge_ports(of, ports, overriding(of, ports), {VM_A: "vm-a", VM_B: "vm-b"})


def test_a_port_with_nothing_of_its_own_is_like_its_group() -> None:
    assert use(port(), port("13", VM_B)) == PortUse(used=2, machines=2)


@pytest.mark.parametrize(
    ("own", "field", "values"),
    [
        ({"mac_management": samples.mac_policy(learning_enabled=False)}, "macLearning", ("on", "off")),
        ({"mac_management": samples.mac_policy(allow_promiscuous=True)}, "promiscuous", ("off", "on")),
        ({"mac_management": samples.mac_policy(forged_transmits=False)}, "forgedTransmits", ("on", "off")),
        ({"mac_management": samples.mac_policy(mac_changes=True)}, "macChanges", ("off", "on")),
        ({"mac_management": samples.mac_policy(learning_limit=16)}, "macLearning.limit", ("4096", "16")),
        (
            {"mac_management": samples.mac_policy(learning_limit_policy="allow")},
            "macLearning.limitPolicy",
            ("drop", "allow"),
        ),
        (
            {"security": SecurityPolicy(allow_promiscuous=False, mac_changes=False, forged_transmits=False)},
            "forgedTransmits",
            ("on", "off"),
        ),
        ({"vlan": 7}, "vlan", ("none", "7")),
        ({"vlan": Trunk(((0, 4094),))}, "vlan", ("none", "0-4094")),
        ({"blocked": True}, "blocked", ("off", "on")),
    ],
)
def test_each_setting_that_differs_is_named_with_both_values(
    own: dict[str, Any], field: str, values: tuple[str, str]
) -> None:
    seen = use(port(**own), port("13", VM_B))

    assert seen.overriding == 1
    (row,) = seen.overrides
    assert (row.port, row.machine, row.mo_ref, row.field) == ("12", "vm-a", "vm-1", field)
    assert (row.group, row.actual) == values


def test_own_settings_that_say_the_same_are_no_override() -> None:
    same = group()

    assert use(port(mac_management=same.mac_management, security=same.security, vlan=same.vlan)).overriding == 0


def test_what_both_blocks_say_is_said_once() -> None:
    policy = samples.mac_policy(forged_transmits=False)
    legacy = SecurityPolicy(allow_promiscuous=False, mac_changes=False, forged_transmits=False)

    seen = use(port(mac_management=policy, security=legacy))

    assert [row.field for row in seen.overrides] == ["forgedTransmits"]


def test_the_message_names_port_machine_setting_and_cure() -> None:
    text = overrides_text("inner", use(port(mac_management=samples.mac_policy(learning_enabled=False), vlan=7)))

    assert text.startswith("port 12 of vm-a overrides the group: vlan 7, macLearning off. Reset the port")
    assert overrides_text("inner", use(port())) == ""


def test_many_are_counted_in_the_order_of_their_keys() -> None:
    ports = [port(str(number), VM_B, blocked=True) for number in (100, 9, 20, 7, 8)]

    text = overrides_text("inner", use(*ports))

    assert [text.index(f"port {key} ") for key in (7, 8, 9)] == sorted(text.index(f"port {key} ") for key in (7, 8, 9))
    assert "; and 2 more. " in text


def test_rows_in_status_are_bounded_and_the_count_is_not() -> None:
    seen = use(*(port(str(number), blocked=True) for number in range(100)))

    assert (len(seen.overrides), seen.overriding) == (32, 100)


def test_a_port_of_somebody_without_a_name_is_told_by_the_id() -> None:
    (row,) = use(port(connectee=MoRef("HostSystem", "host-1"), blocked=True)).overrides

    assert row.machine == "host-1"


def test_what_was_seen_can_be_read_from_status() -> None:
    seen = use(port(vlan=7), port("13", VM_B))
    status = NestedPortGroupStatus.model_validate(
        {
            "observedGeneration": 1,
            "ports": {"used": seen.used, "machines": seen.machines},
            "overrides": seen.overrides,
            "overriding": seen.overriding,
        }
    )

    assert recalled(status.to_wire()) == seen
    assert recalled({}) is None
    assert recalled({"ports": {"binding": "Static"}}) is None


@pytest.mark.parametrize(
    ("learning", "adapters", "warned"),
    [
        ({"limit": 255}, {"hv1": 1}, True),
        ({"limit": 256}, {"hv1": 1}, False),
        ({"limit": 128}, {"hv1": 2}, False),
        ({"limit": 127}, {"hv1": 2, "hv2": 3}, True),
        ({"limit": 16, "limitPolicy": "Allow"}, {"hv1": 1}, False),
        ({"limit": 16}, {}, False),
    ],
)
def test_a_port_that_learns_less_than_a_host_may_use_is_warned_of(
    learning: dict[str, Any], adapters: dict[str, int], warned: bool
) -> None:
    goal = goal_of(port_group_spec(nesting__macLearning=learning), OURS, samples.switch(), None)

    text = pool_warning(goal, adapters)

    assert bool(text) is warned
    if warned:
        assert f"A port learns {learning['limit']} addresses" in text
        assert "(hv1)" in text


def test_promiscuous_ports_have_no_limit() -> None:
    goal = goal_of(port_group_spec(nesting__mode="Promiscuous"), OURS, samples.switch(), None)

    assert pool_warning(goal, {"hv1": 1}) == ""
