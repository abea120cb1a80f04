"""Whether inner machines have a network on a port group that is not as declared."""

from dataclasses import replace
from typing import Any

import pytest

from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.portgroup import NestedPortGroupSpec
from nested_hyperv.domain.inventory import SecurityPolicy, Switch
from nested_hyperv.domain.portgroup.goal import goal_of
from nested_hyperv.domain.portgroup.network import network_of
from nested_hyperv.domain.verdict import Network
from support import vsphere_records as samples
from support.subjects import OURS, port_group_spec

NEW, OLD = samples.switch(), samples.switch("6.5.0", learns=False)
LEGACY = SecurityPolicy(allow_promiscuous=True, mac_changes=False, forged_transmits=True)


def network(spec: NestedPortGroupSpec, switch: Switch, **drift: Any) -> Network:
    goal = goal_of(spec, OURS, switch, None)
    actual = samples.port_group("dvportgroup-1", settings=goal.creation())
    return network_of(goal, switch, replace(actual, **drift), None, {})


@pytest.mark.parametrize(
    ("drift", "says"),
    [
        ({"mac_management": samples.mac_policy(forged_transmits=False)}, "forged transmits are off"),
        ({"mac_management": samples.mac_policy(learning_enabled=False)}, "neither MAC learning nor promiscuous mode"),
        ({"vlan": 7}, "the VLAN is 7 instead of 120"),
    ],
    ids=["forged transmits", "learning", "VLAN"],
)
def test_what_keeps_frames_from_passing_is_said(drift: dict[str, Any], says: str) -> None:
    found = network(port_group_spec(vlan__id=120), NEW, **drift)

    assert (found.ready, found.reason) == (False, Reason.PROGRESSING)
    assert says in found.message


@pytest.mark.parametrize(
    "drift",
    [
        {"name": "renamed"},
        {"mac_management": samples.mac_policy(mac_changes=True)},
        {"mac_management": samples.mac_policy(inherited=True)},
        {"mac_management": samples.mac_policy(allow_promiscuous=True, learning_enabled=False)},
        {"mac_management": samples.mac_policy(learning_limit=16)},
        {"security": replace(LEGACY, forged_transmits=False)},
    ],
    ids=["name", "MAC changes", "inherited", "promiscuous instead", "limit", "legacy"],
)
def test_other_differences_let_frames_pass(drift: dict[str, Any]) -> None:
    assert network(port_group_spec(), NEW, **drift).ready


@pytest.mark.parametrize(
    "security",
    [replace(LEGACY, allow_promiscuous=False), replace(LEGACY, forged_transmits=False)],
    ids=["promiscuous", "forged transmits"],
)
def test_on_an_old_switch_the_legacy_policy_decides(security: SecurityPolicy) -> None:
    assert network(port_group_spec(), OLD).ready
    assert not network(port_group_spec(), OLD, security=security).ready


@pytest.mark.parametrize(
    ("reason", "told"),
    [(Reason.PROGRESSING, Reason.CONTESTED), (Reason.PORT_OVERRIDE, Reason.PORT_OVERRIDE)],
)
def test_what_nobody_is_about_to_change_says_why(reason: Reason, told: Reason) -> None:
    assert Network(ready=False, reason=reason, message="").for_want_of(Reason.CONTESTED).reason is told
