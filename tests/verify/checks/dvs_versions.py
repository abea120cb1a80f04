"""Versions of distributed switches: the way up, and what the switch manager says of them."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from typing import Any

from pyVmomi import vim, vmodl

from bed.soap import finish, moid, result_of
from verify.rule import rule
from verify.scratch import Scratch, fault_of
from verify.switching import create_switch, refused

API = "vSphere API reference, "


def product(version: str) -> Any:
    """Return the product spec of a switch version."""
    return vim.dvs.ProductSpec(version=version)


@rule(
    call="PerformDvsProductSpecOperation_Task",
    says="upgrade brings a switch to a newer version, with what that can do and a new configVersion.",
    standing="documented",
    source=API + "DistributedVirtualSwitch.PerformDvsProductSpecOperation_Task; DVSConfigInfo.productInfo",
)
def a_switch_can_be_upgraded(scratch: Scratch) -> None:
    switch = scratch.keep(result_of(create_switch(scratch, version="6.5.0")))
    before = switch.config.configVersion

    result_of(switch.PerformDvsProductSpecOperation_Task("upgrade", product("7.0.0")))

    assert switch.config.productInfo.version == switch.summary.productInfo.version == "7.0.0"
    assert switch.capability.featuresSupported.macLearningSupported
    assert switch.config.configVersion != before


@rule(
    call="PerformDvsProductSpecOperation_Task",
    says="There is no way back: an older version, the same one, or one that is not offered is a DvsFault.",
    standing="documented",
    source="Broadcom KB 434420: an upgrade cannot be reverted; the fault is inferred from the method's declared faults",
)
def an_upgrade_is_one_way(scratch: Scratch) -> None:
    switch = scratch.keep(result_of(create_switch(scratch, version="7.0.0")))

    for version in ("6.6.0", "7.0.0", "7.5.0"):
        fault_of(finish(switch.PerformDvsProductSpecOperation_Task("upgrade", product(version))), vim.fault.DvsFault)
    assert switch.config.productInfo.version == "7.0.0"


@rule(
    call="PerformDvsProductSpecOperation_Task",
    says="A VMware switch knows no other operation than upgrade, and upgrade needs a version: InvalidArgument.",
    standing="documented",
    source=API + "PerformDvsProductSpecOperation_Task, operation: only upgrade is valid; the fault is inferred",
)
def upgrade_is_the_only_operation(scratch: Scratch) -> None:
    switch = scratch.keep(result_of(create_switch(scratch, version="6.5.0")))

    for operation, target in (("preInstall", product("7.0.0")), ("notifyAvailableUpgrade", None), ("upgrade", None)):
        task = switch.PerformDvsProductSpecOperation_Task(operation, target)
        fault_of(finish(task), vmodl.fault.InvalidArgument)


@rule(
    call="QueryDvsFeatureCapability",
    says="MAC learning is a feature of versions 6.6.0 and later; every version that is offered can be asked about, and "
    "without one the answer is about the default.",
    standing="documented",
    source="vSphere networking guide: MAC learning needs VDS 6.6.0; API reference, QueryDvsFeatureCapability",
)
def the_manager_tells_which_versions_learn(scratch: Scratch) -> None:
    manager = scratch.content.dvSwitchManager
    versions = {spec.version for spec in manager.QueryAvailableDvsSpec()}

    assert {"6.6.0", "7.0.0", "7.0.3"} <= versions
    for version in versions:
        learns = tuple(map(int, version.split("."))) >= (6, 6, 0)
        assert bool(manager.QueryDvsFeatureCapability(product(version)).macLearningSupported) is learns, version
    assert manager.QueryDvsFeatureCapability().macLearningSupported


@rule(
    call="QueryAvailableDvsSpec",
    says="recommended=true answers with a part of the versions, false with the others.",
    standing="documented",
    source=API + "DistributedVirtualSwitchManager.QueryAvailableDvsSpec, recommended",
)
def versions_are_recommended_or_not(scratch: Scratch) -> None:
    manager = scratch.content.dvSwitchManager
    every, some, rest = (
        {spec.version for spec in manager.QueryAvailableDvsSpec(*which)} for which in ((), (True,), (False,))
    )

    assert some
    assert some | rest == every
    assert not some & rest


@rule(
    call="QueryDvsCompatibleHostSpec",
    says="A newer switch version takes fewer host versions; a switch says the same in its capability.",
    standing="documented",
    source=API + "DVSCapability.compatibleHostComponentProductInfo; KB 434420: hosts older than the switch are refused",
)
def a_newer_switch_takes_fewer_hosts(scratch: Scratch) -> None:
    manager = scratch.content.dvSwitchManager
    old = scratch.keep(result_of(create_switch(scratch, version="6.6.0")))

    def hosts(specs: Any) -> set[tuple[str, str]]:
        return {(spec.productLineId, spec.version) for spec in specs}

    older = hosts(manager.QueryDvsCompatibleHostSpec(product("6.6.0")))
    newer = hosts(manager.QueryDvsCompatibleHostSpec(product("7.0.3")))

    assert newer < older
    assert hosts(old.capability.compatibleHostComponentProductInfo) == older


@rule(
    call="QueryCompatibleHostForExistingDvs",
    says="The member hosts of a switch are compatible with it, and QueryDvsCheckCompatibility finds no error with "
    "them.",
    standing="inferred",
    source=API + "QueryCompatibleHostForExistingDvs; QueryDvsCheckCompatibility, HostDvsMembershipFilter",
)
def members_are_compatible(scratch: Scratch) -> None:
    manager, switch = scratch.content.dvSwitchManager, scratch.switch
    members = {moid(host) for host in switch.summary.hostMember}

    fit = {moid(host) for host in manager.QueryCompatibleHostForExistingDvs(scratch.datacenter, True, switch)}
    filters = vim.dvs.DistributedVirtualSwitchManager
    checked = manager.QueryDvsCheckCompatibility(
        filters.HostContainer(container=scratch.datacenter, recursive=True),
        filters.DvsProductSpec(distributedVirtualSwitch=switch),
        [filters.HostDvsMembershipFilter(distributedVirtualSwitch=switch, inclusive=True)],
    )

    assert members <= fit
    assert {moid(result.host) for result in checked} == members
    assert not [result for result in checked if result.error]


@rule(
    call="DVSManagerLookupDvPortGroup",
    says="A group is found by switch and key, a switch by its UUID; what is unknown is NotFound.",
    standing="documented",
    source=API + "DVSManagerLookupDvPortGroup, LookupDvPortGroup, QueryDvsByUuid, faults",
)
def groups_and_switches_are_found_by_key(scratch: Scratch) -> None:
    manager, switch, group = scratch.content.dvSwitchManager, scratch.switch, scratch.port_group()

    assert str(manager.DVSManagerLookupDvPortGroup(switch.uuid, group.key)) == str(group)
    assert str(switch.LookupDvPortGroup(group.key)) == str(group)
    assert str(manager.QueryDvsByUuid(switch.uuid)) == str(switch)
    refused(vim.fault.NotFound, manager.DVSManagerLookupDvPortGroup, switch.uuid, "dvportgroup-none")
    refused(vim.fault.NotFound, switch.LookupDvPortGroup, "dvportgroup-none")
    refused(vim.fault.NotFound, manager.QueryDvsByUuid, "50 00 00 00 00 00 00 00-00 00 00 00 00 00 00 00")
