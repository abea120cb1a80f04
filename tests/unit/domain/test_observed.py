"""The table that status shows of a policy: each setting's value, and whether it is the port group's own."""

from dataclasses import replace
from typing import Any

import pytest

from nested_hyperv.domain.host_network import StandardPolicy, StandardPortGroup
from nested_hyperv.domain.inventory import SecurityPolicy
from nested_hyperv.domain.portgroup import standard_goal
from nested_hyperv.domain.portgroup.goal import observed
from support import vsphere_records as samples

LEGACY = SecurityPolicy(allow_promiscuous=True, mac_changes=False, forged_transmits=True)
OWN = samples.port_group("dvportgroup-1", mac_management=samples.mac_policy(), security=LEGACY)
LEARNED = ("limit", "limitPolicy", "allowUnicastFlooding")


@pytest.mark.parametrize(
    ("drift", "inherited"),
    [
        ({}, ()),
        (
            {"mac_management": samples.mac_policy(inherited=True)},
            ("macLearning", "promiscuous", "forgedTransmits", "macChanges", *LEARNED),
        ),
        ({"mac_management": samples.mac_policy(learning_inherited=True)}, ("macLearning", *LEARNED)),
        ({"security": replace(LEGACY, inherited_fields=("forgedTransmits",))}, ("legacyForgedTransmits",)),
        (
            {"mac_management": None, "security": replace(LEGACY, inherited_fields=("macChanges",))},
            ("macChanges", "legacyMacChanges"),
        ),
        ({"vlan_inherited": True}, ("vlan",)),
    ],
    ids=["nothing", "the policy", "learning", "one legacy setting", "without MAC management", "the VLAN"],
)
def test_each_setting_that_comes_from_the_switch_is_named(drift: dict[str, Any], inherited: tuple[str, ...]) -> None:
    table = observed(replace(OWN, **drift), capable=True)

    assert table.inherited_fields == inherited
    assert set(inherited) <= set(table.to_wire()), "by the name that it has in the table"


def test_where_the_switch_cannot_learn_the_columns_without_prefix_are_those_of_the_legacy_policy() -> None:
    off = samples.mac_policy(allow_promiscuous=False, forged_transmits=False, mac_changes=True, inherited=True)
    group = replace(OWN, mac_management=off, security=replace(LEGACY, inherited_fields=("macChanges",)))

    table = observed(group, capable=False)

    assert (table.promiscuous, table.forged_transmits, table.mac_changes) == (True, True, False)
    assert table.inherited is True, "one setting is"
    assert table.inherited_fields == ("macLearning", "macChanges", *LEARNED, "legacyMacChanges")


@pytest.mark.parametrize(
    ("own", "inherited"),
    [
        (StandardPolicy(allow_promiscuous=True, forged_transmits=True, mac_changes=True), ()),
        (StandardPolicy(allow_promiscuous=True, forged_transmits=True), ("macChanges",)),
        (StandardPolicy(), ("promiscuous", "forgedTransmits", "macChanges")),
    ],
    ids=["all its own", "as it is created", "nothing"],
)
def test_on_a_standard_switch_each_setting_is_the_group_s_or_the_switch_s(
    own: StandardPolicy, inherited: tuple[str, ...]
) -> None:
    effective = StandardPolicy(allow_promiscuous=True, forged_transmits=True, mac_changes=True)
    group = StandardPortGroup("key", "inner", "vSwitch0", 0, own, effective, load_balancing="", more=False)

    table = standard_goal.observed(group)

    assert table.inherited_fields == inherited
    assert table.inherited is bool(inherited)
    assert (table.promiscuous, table.forged_transmits, table.mac_changes) == (True, True, True)
