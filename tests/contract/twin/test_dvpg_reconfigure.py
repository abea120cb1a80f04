"""Reconfiguring distributed port groups: versions, merging, mirroring, the feature gate, names and ports."""

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.lab import Lab, fault_of, mac_management, vlan_id
from bed.soap import finish, result_of

LEARNING = {"enabled": True, "allowUnicastFlooding": True, "limit": 100, "limitPolicy": "drop"}


def learning_group(lab: Lab) -> Any:
    """Return a port group that learns, tagged 120."""
    mac = mac_management(allowPromiscuous=False, forgedTransmits=True, macChanges=False, learning=LEARNING)
    return lab.port_group("lab", vlan=vlan_id(120), mac=mac, description="mark", numPorts=4)


@pytest.mark.parametrize("version", [None, "", "17", "0 "])
def test_a_missing_or_stale_version_fails_the_task_and_changes_nothing(lab: Lab, version: str | None) -> None:
    group = lab.port_group("lab")
    before = group.config.configVersion

    fault = fault_of(
        finish(lab.reconfigure(group, configVersion=version, description="new")), vim.fault.ConcurrentAccess
    )

    assert fault.msg == "Cannot complete operation due to concurrent modification by another operation."
    assert group.config.configVersion == before
    assert not group.config.description


def test_every_successful_reconfigure_makes_a_new_version(lab: Lab) -> None:
    group = lab.port_group("lab")
    versions = [group.config.configVersion]
    for text in ("one", "one", "two"):
        result_of(lab.reconfigure(group, description=text))
        versions.append(group.config.configVersion)

    assert len(set(versions)) == 4


def test_the_switch_counts_its_own_versions(lab: Lab) -> None:
    group, before = lab.port_group("lab"), lab.switch.config.configVersion

    result_of(lab.reconfigure(group, description="new"))

    assert lab.switch.config.configVersion == before


def test_what_a_spec_leaves_out_stays(lab: Lab) -> None:
    group = learning_group(lab)
    teaming = group.config.defaultPortConfig.uplinkTeamingPolicy.policy.value

    result_of(lab.reconfigure(group, vlan=vlan_id(7)))
    config = group.config

    assert config.defaultPortConfig.vlan.vlanId == 7
    assert config.defaultPortConfig.macManagementPolicy.macLearningPolicy.enabled
    assert config.defaultPortConfig.uplinkTeamingPolicy.policy.value == teaming
    assert (config.name, config.description, config.numPorts, config.type) == ("lab", "mark", 4, "earlyBinding")


def test_a_leaf_left_out_of_the_learning_policy_keeps_its_value_by_default(lab: Lab) -> None:
    group = learning_group(lab)

    result_of(lab.reconfigure(group, mac=mac_management(learning={"enabled": False})))
    policy = group.config.defaultPortConfig.macManagementPolicy

    assert not policy.macLearningPolicy.enabled
    assert (policy.macLearningPolicy.limit, policy.macLearningPolicy.limitPolicy) == (100, "drop")
    assert policy.forgedTransmits


def test_a_leaf_left_out_of_the_learning_policy_is_reset_under_the_other_reading(lab: Lab) -> None:
    lab.twin.control.rules(macManagementLeaves="reset")
    group = learning_group(lab)

    result_of(lab.reconfigure(group, mac=mac_management(learning={"enabled": False})))
    policy = group.config.defaultPortConfig.macManagementPolicy

    assert (policy.macLearningPolicy.limit, policy.macLearningPolicy.limitPolicy) == (4096, "allow")
    assert not policy.forgedTransmits


def test_inheriting_again_shows_what_the_switch_has(lab: Lab) -> None:
    group = learning_group(lab)

    result_of(lab.reconfigure(group, mac=mac_management(inherited=True, allowPromiscuous=True, learning=LEARNING)))
    policy = group.config.defaultPortConfig.macManagementPolicy

    assert policy.inherited
    assert not policy.macLearningPolicy.enabled
    assert not policy.allowPromiscuous
    assert group.config.defaultPortConfig.securityPolicy.inherited


def test_a_change_of_the_switch_shows_in_the_groups_that_inherit(lab: Lab) -> None:
    heir, own = lab.port_group("heir"), learning_group(lab)
    switch = lab.switch
    spec = vim.dvs.VmwareDistributedVirtualSwitch.ConfigSpec(
        configVersion=switch.config.configVersion,
        maxMtu=9000,
        defaultPortConfig=vim.dvs.VmwareDistributedVirtualSwitch.VmwarePortConfigPolicy(
            vlan=vlan_id(33), macManagementPolicy=mac_management(forgedTransmits=True)
        ),
    )
    before = heir.config.configVersion

    result_of(switch.ReconfigureDvs_Task(spec))

    assert switch.config.maxMtu == 9000
    assert heir.config.defaultPortConfig.vlan.vlanId == 33
    assert heir.config.defaultPortConfig.macManagementPolicy.forgedTransmits
    assert heir.config.configVersion != before
    assert own.config.defaultPortConfig.vlan.vlanId == 120


def test_the_legacy_security_policy_follows_mac_management(lab: Lab) -> None:
    group = lab.port_group("lab")

    result_of(lab.reconfigure(group, mac=mac_management(allowPromiscuous=True, forgedTransmits=True, macChanges=False)))
    security = group.config.defaultPortConfig.securityPolicy

    assert not security.inherited
    assert (security.allowPromiscuous.value, security.forgedTransmits.value, security.macChanges.value) == (
        True, True, False,
    )  # fmt: skip


def test_mac_management_follows_the_legacy_security_policy(lab: Lab) -> None:
    group = learning_group(lab)
    yes = vim.BoolPolicy(inherited=False, value=True)
    legacy = vim.dvs.VmwareDistributedVirtualSwitch.SecurityPolicy(inherited=False, allowPromiscuous=yes)

    result_of(lab.reconfigure(group, security=legacy))
    policy = group.config.defaultPortConfig.macManagementPolicy

    assert policy.allowPromiscuous
    assert policy.forgedTransmits
    assert policy.macLearningPolicy.enabled


def test_mac_management_wins_when_a_spec_carries_both(lab: Lab) -> None:
    group = lab.port_group("lab")
    yes = vim.BoolPolicy(inherited=False, value=True)
    legacy = vim.dvs.VmwareDistributedVirtualSwitch.SecurityPolicy(inherited=False, allowPromiscuous=yes)

    result_of(lab.reconfigure(group, security=legacy, mac=mac_management(allowPromiscuous=False)))

    assert not group.config.defaultPortConfig.macManagementPolicy.allowPromiscuous
    assert not group.config.defaultPortConfig.securityPolicy.allowPromiscuous.value


@pytest.mark.parametrize(("member", "value"), [("limit", 4097), ("limit", -1), ("limitPolicy", "forward")])
def test_a_bad_learning_policy_names_the_member(lab: Lab, member: str, value: object) -> None:
    group = lab.port_group("lab")

    fault = fault_of(
        finish(lab.reconfigure(group, mac=mac_management(learning=LEARNING | {member: value}))),
        vmodl.fault.InvalidArgument,
    )

    assert fault.invalidProperty.endswith(f"macLearningPolicy.{member}")


def test_an_old_switch_cannot_learn(lab: Lab) -> None:
    lab.twin.control.switch("DVS0", version="6.5.0")
    group = lab.port_group("lab")

    refused = finish(lab.reconfigure(group, mac=mac_management(learning=LEARNING)))
    accepted = finish(lab.reconfigure(group, mac=mac_management(allowPromiscuous=True, learning={"enabled": False})))

    assert isinstance(fault_of(refused), vmodl.fault.NotSupported)
    assert accepted.error is None
    assert not lab.switch.capability.featuresSupported.macLearningSupported


def test_a_rename_in_a_spec_and_by_its_own_call_change_both_names(lab: Lab) -> None:
    group = lab.port_group("lab")
    result_of(lab.reconfigure(group, name="second"))
    assert (group.name, group.config.name) == ("second", "second")
    before = group.config.configVersion

    result_of(group.Rename_Task("third"))

    assert (group.name, group.config.name, group.summary.name) == ("third", "third", "third")
    assert "third" in lab.switch.summary.portgroupName
    assert group.config.configVersion != before


@pytest.mark.parametrize("way", ["spec", "call"])
def test_a_rename_to_a_taken_name_is_refused(lab: Lab, way: str) -> None:
    group, other = lab.port_group("lab"), lab.port_group("other")

    task = group.Rename_Task("OTHER") if way == "call" else lab.reconfigure(group, name="OTHER")
    fault = fault_of(finish(task), vim.fault.DuplicateName)

    assert str(fault.object) == str(other)
    assert group.name == "lab"


def test_ports_grow_and_shrink_but_not_below_those_in_use(lab: Lab) -> None:
    group = lab.port_group("lab", numPorts=2)
    lab.attach(lab.vm(), group)
    lab.attach(lab.vm("DC0_C0_RP0_VM1"), group)

    result_of(lab.reconfigure(group, numPorts=5))
    assert (group.config.numPorts, len(group.portKeys)) == (5, 5)
    result_of(lab.reconfigure(group, numPorts=2))
    assert (group.config.numPorts, len(group.portKeys)) == (2, 2)
    fault = fault_of(finish(lab.reconfigure(group, numPorts=1)), vim.fault.DvsFault)

    assert fault.msg.startswith("Cannot set number of ports to 1 because at least 2")


def test_override_flags_are_replaced_by_those_of_the_spec(lab: Lab) -> None:
    group = lab.port_group("lab")
    policy = vim.dvs.VmwareDistributedVirtualSwitch.VMwarePortgroupPolicy(macManagementOverrideAllowed=True)

    result_of(lab.reconfigure(group, policy=policy))

    assert group.config.policy.macManagementOverrideAllowed
    assert not group.config.policy.blockOverrideAllowed, "an unset required boolean travels as false"


def test_a_reconfigure_leaves_an_event_that_tells_who_changed_what(lab: Lab) -> None:
    group = lab.port_group("lab")
    result_of(lab.reconfigure(group, description="new"))

    query = vim.event.EventFilterSpec(eventTypeId=["DVPortgroupReconfiguredEvent"])
    [event] = lab.content.eventManager.QueryEvents(query)

    assert event.userName == "VSPHERE.LOCAL\\administrator"
    assert str(event.net.network) == str(group)
    assert 'config.description: "" -> "new"; ' in event.configChanges.modified
    assert "config.configVersion" in event.configChanges.modified


def test_a_description_that_is_sent_empty_is_cleared(lab: Lab) -> None:
    group = lab.port_group("lab", description="mark")

    result_of(lab.reconfigure(group, vlan=vlan_id(7)))
    assert group.config.description == "mark"
    result_of(lab.reconfigure(group, description=""))
    assert not group.config.description
