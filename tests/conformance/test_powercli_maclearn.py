"""The calls of William Lam's published PowerCLI functions Set-MacLearn and Get-MacLearn, one by one.

PowerCLI itself needs PowerShell; what reaches the server is this. The spec is partial: the name of nothing, the version
that was read, and only the policy. Unset booleans of .NET are false, so `inherited` is; the limit policy comes in upper
case.
"""

from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from bed.soap import finish, result_of
from bed.twin import Twin
from verify.scratch import Switch

if TYPE_CHECKING:
    from bed.lab import Lab

MINIMUM_SWITCH = "6.6.0"


def set_mac_learn(
    group: Any,
    *,
    enable: bool,
    promiscuous: bool = False,
    forged: bool = True,
    changes: bool = False,
    limit: int = 4096,
    limit_policy: str = "DROP",
    unicast_flooding: bool = True,
    version: str | None = None,
) -> Any:
    """Set-MacLearn: returns the task that it would wait for."""
    learning = Switch.MacLearningPolicy()
    policy = Switch.MacManagementPolicy(macLearningPolicy=learning)
    if enable:
        policy.allowPromiscuous, policy.forgedTransmits, policy.macChanges = promiscuous, forged, changes
        learning.enabled = True
        learning.allowUnicastFlooding = unicast_flooding
        learning.limitPolicy = limit_policy
        learning.limit = limit
    else:
        policy.allowPromiscuous = policy.forgedTransmits = policy.macChanges = False
        learning.enabled = False
    spec = vim.dvs.DistributedVirtualPortgroup.ConfigSpec(
        configVersion=version or group.config.configVersion,
        defaultPortConfig=Switch.VmwarePortConfigPolicy(macManagementPolicy=policy),
    )
    return group.ReconfigureDVPortgroup_Task(spec)


def get_mac_learn(group: Any) -> dict[str, Any]:
    """Get-MacLearn: what it prints."""
    setting = group.config.defaultPortConfig
    mac, legacy = setting.macManagementPolicy, setting.securityPolicy
    return {
        "MacLearning": mac.macLearningPolicy.enabled,
        "NewAllowPromiscuous": mac.allowPromiscuous,
        "NewForgedTransmits": mac.forgedTransmits,
        "NewMacChanges": mac.macChanges,
        "Limit": mac.macLearningPolicy.limit,
        "LimitPolicy": mac.macLearningPolicy.limitPolicy,
        "LegacyAllowPromiscuous": legacy.allowPromiscuous.value,
        "LegacyForgedTransmits": legacy.forgedTransmits.value,
        "LegacyMacChanges": legacy.macChanges.value,
    }


def test_learning_is_turned_on_as_published(lab: "Lab") -> None:
    group = lab.port_group("Nested-01-DVPG")

    result_of(set_mac_learn(group, enable=True, promiscuous=False, forged=True, changes=False))

    seen = get_mac_learn(group)
    # The limit policy is an enumeration of words in a string: whichever case is kept, it says the same.
    assert seen.pop("LimitPolicy").lower() == "drop"
    assert seen == {
        "MacLearning": True,
        "NewAllowPromiscuous": False,
        "NewForgedTransmits": True,
        "NewMacChanges": False,
        "Limit": 4096,
        "LegacyAllowPromiscuous": False,
        "LegacyForgedTransmits": True,
        "LegacyMacChanges": False,
    }


def test_learning_is_turned_off_as_published(lab: "Lab") -> None:
    group = lab.port_group("Nested-02-DVPG")
    result_of(set_mac_learn(group, enable=True))

    result_of(set_mac_learn(group, enable=False))

    seen = get_mac_learn(group)
    assert not seen["MacLearning"]
    new = (seen["NewAllowPromiscuous"], seen["NewForgedTransmits"], seen["NewMacChanges"])
    legacy = (seen["LegacyAllowPromiscuous"], seen["LegacyForgedTransmits"], seen["LegacyMacChanges"])
    assert new == legacy == (False, False, False)


def test_what_the_partial_spec_does_not_name_stays(lab: "Lab") -> None:
    group = lab.port_group("Nested-03-DVPG", description="a lab", numPorts=16)
    before = group.config

    result_of(set_mac_learn(group, enable=True, limit=128, limit_policy="ALLOW"))

    after = group.config
    assert (after.name, after.description, after.numPorts, after.type) == (
        before.name,
        before.description,
        before.numPorts,
        before.type,
    )
    assert after.defaultPortConfig.vlan.vlanId == before.defaultPortConfig.vlan.vlanId
    teaming = after.defaultPortConfig.uplinkTeamingPolicy.policy.value
    assert teaming == before.defaultPortConfig.uplinkTeamingPolicy.policy.value
    assert get_mac_learn(group)["Limit"] == 128
    assert get_mac_learn(group)["LimitPolicy"].lower() == "allow"


def test_running_it_twice_needs_the_version_to_be_read_again(lab: "Lab") -> None:
    group = lab.port_group("Nested-04-DVPG")
    stale = group.config.configVersion
    result_of(set_mac_learn(group, enable=True))

    refused = finish(set_mac_learn(group, enable=False, version=stale))
    result_of(set_mac_learn(group, enable=True))

    assert isinstance(refused.error, vim.fault.ConcurrentAccess)
    assert get_mac_learn(group)["MacLearning"]


def test_a_limit_beyond_what_the_function_allows_is_refused(lab: "Lab") -> None:
    group = lab.port_group("Nested-05-DVPG")

    refused = finish(set_mac_learn(group, enable=True, limit=4097))

    assert refused.error is not None
    assert not get_mac_learn(group)["MacLearning"]


def test_the_switch_is_asked_for_its_version_first(lab: "Lab", twin: Twin) -> None:
    group = lab.port_group("Nested-06-DVPG")
    version = group.config.distributedVirtualSwitch.config.productInfo.version

    assert version >= MINIMUM_SWITCH
    assert group.config.distributedVirtualSwitch.capability.featuresSupported.macLearningSupported
    twin.control.switch("DVS0", version="6.5.0")
    try:
        assert group.config.distributedVirtualSwitch.config.productInfo.version < MINIMUM_SWITCH
        refused = finish(set_mac_learn(group, enable=True))
        assert refused.error is not None
    finally:
        twin.control.switch("DVS0", version=version)


def test_its_task_is_found_among_the_recent_ones(lab: "Lab") -> None:
    # Get-Task -Id looks for the id among the tasks of the server.
    group = lab.port_group("Nested-07-DVPG")

    task = set_mac_learn(group, enable=True)

    info = finish(task)
    assert info.key == str(task).strip("'").partition(":")[2]
    assert info.key in {recent.info.key for recent in lab.content.taskManager.recentTask}
    assert info.entityName == "Nested-07-DVPG"
