"""Distributed switches: creating, reconfiguring, renaming and deleting them."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from typing import Any

from pyVmomi import vim, vmodl

from bed.soap import finish, moid, result_of
from verify.rule import rule
from verify.scratch import Scratch, Switch, fault_of
from verify.switching import create_switch, new_switch, private_vlan, pvlan_change, reconfigure_switch, refused, setting

API = "vSphere API reference, "


@rule(
    call="CreateDVS_Task",
    says="A new switch is a VmwareDistributedVirtualSwitch with an uplink group that trunks every VLAN and has no port "
    "before a host joins.",
    standing="documented",
    source=API + "Folder.CreateDVS_Task; DVSConfigInfo.uplinkPortgroup: uplink ports are made when hosts are added",
)
def a_new_switch_has_an_uplink_group(scratch: Scratch) -> None:
    switch = new_switch(scratch, maxMtu=9000, description="text")

    [uplinks] = switch.config.uplinkPortgroup
    vlans = uplinks.config.defaultPortConfig.vlan.vlanId
    assert moid(switch) in {moid(child) for child in scratch.switch.parent.childEntity}
    assert str(type(switch)) == str(type(scratch.switch)) == str(Switch)
    assert uplinks.config.uplink
    assert [(r.start, r.end) for r in vlans] == [(0, 4094)]
    assert not uplinks.portKeys
    assert (switch.config.maxMtu, switch.config.description, switch.summary.description) == (9000, "text", "text")
    assert switch.name == switch.config.name == switch.summary.name == scratch.named("switch")
    assert switch.uuid == switch.config.uuid == switch.summary.uuid


@rule(
    call="CreateDVS_Task",
    says="A taken name, whatever its case, is DuplicateName; an empty or too long one InvalidName.",
    standing="documented",
    source=API + "Folder.CreateDVS_Task, faults; that case makes no difference is inferred",
)
def a_switch_needs_a_free_name(scratch: Scratch) -> None:
    new_switch(scratch)

    fault_of(finish(create_switch(scratch, "SWITCH")), vim.fault.DuplicateName)
    for name in ("", "x" * 81):
        spec = vim.DistributedVirtualSwitch.CreateSpec(configSpec=Switch.ConfigSpec(name=name))
        fault_of(finish(scratch.switch.parent.CreateDVS_Task(spec)), vim.fault.InvalidName)


@rule(
    call="CreateDVS_Task",
    says="productInfo.version decides what the switch can do; a version that is not offered is a DvsFault.",
    standing="documented",
    source=API + "DVSCreateSpec.productInfo, DVSCapability.featuresSupported; the fault is inferred",
)
def the_version_decides_what_a_switch_can_do(scratch: Scratch) -> None:
    old = scratch.keep(result_of(create_switch(scratch, "old", version="6.5.0")))
    new = scratch.keep(result_of(create_switch(scratch, "new", version="7.0.3")))

    assert old.config.productInfo.version == old.summary.productInfo.version == "6.5.0"
    assert not old.capability.featuresSupported.macLearningSupported
    assert new.capability.featuresSupported.macLearningSupported
    assert new.capability.featuresSupported.nsxSupported
    fault_of(finish(create_switch(scratch, "none", version="5.0.0")), vim.fault.DvsFault)


@rule(
    call="ReconfigureDvs_Task",
    says="A configVersion other than the current one fails the task with ConcurrentAccess and changes nothing; a "
    "change "
    "makes a new one.",
    standing="documented",
    source=API + "DVSConfigSpec.configVersion",
    switch="concurrentAccessInTask",
)
def a_stale_version_of_a_switch_is_refused(scratch: Scratch) -> None:
    switch = new_switch(scratch)
    stale = switch.config.configVersion

    result_of(reconfigure_switch(switch, description="one"))
    task = reconfigure_switch(switch, configVersion=stale, description="two")

    fault_of(finish(task), vim.fault.ConcurrentAccess)
    assert switch.config.configVersion != stale
    assert (switch.config.description, switch.summary.description) == ("one", "one")


@rule(
    call="ReconfigureDvs_Task",
    says="What a spec leaves out stays; contact and description show in the summary too.",
    standing="documented",
    source=API + "DVSConfigSpec, optional members; DVSSummary.contact and .description",
)
def what_a_switch_spec_leaves_out_stays(scratch: Scratch) -> None:
    switch = new_switch(scratch, maxMtu=9000, description="text")
    contact = vim.DistributedVirtualSwitch.ContactInfo(name="who", contact="where")

    result_of(reconfigure_switch(switch, contact=contact))

    assert (switch.config.contact.name, switch.summary.contact.contact) == ("who", "where")
    assert (switch.config.maxMtu, switch.config.description) == (9000, "text")


@rule(
    call="ReconfigureDvs_Task",
    says="maxMtu lies within the switch's mtuCapability, both ends included; outside is an InvalidArgument.",
    standing="documented",
    source=API + "VMwareDvsMtuCapability.minMtuSupported and .maxMtuSupported; the fault is inferred",
)
def the_mtu_lies_within_the_capability(scratch: Scratch) -> None:
    switch = new_switch(scratch)
    bounds = switch.capability.featuresSupported.mtuCapability

    for good in (bounds.minMtuSupported, bounds.maxMtuSupported, 1500):
        result_of(reconfigure_switch(switch, maxMtu=good))
        assert switch.config.maxMtu == good
    for bad in (bounds.minMtuSupported - 1, bounds.maxMtuSupported + 1):
        fault_of(finish(reconfigure_switch(switch, maxMtu=bad)), vmodl.fault.InvalidArgument)
    assert switch.config.maxMtu == 1500


@rule(
    call="ReconfigureDvs_Task",
    says="The uplink policy names the uplinks: a failover order follows a rename, two equal names are refused.",
    standing="documented",
    source=API + "DVSNameArrayUplinkPortPolicy.uplinkPortName; that the order follows is inferred",
)
def the_uplink_policy_names_the_uplinks(scratch: Scratch) -> None:
    policy: Any = vim.DistributedVirtualSwitch.NameArrayUplinkPortPolicy
    switch = new_switch(scratch, uplinkPortPolicy=policy(uplinkPortName=["one", "two"]))
    order = switch.config.defaultPortConfig.uplinkTeamingPolicy.uplinkPortOrder
    assert list(order.activeUplinkPort) == ["one", "two"]

    result_of(reconfigure_switch(switch, uplinkPortPolicy=policy(uplinkPortName=["first", "two"])))

    assert list(switch.config.uplinkPortPolicy.uplinkPortName) == ["first", "two"]
    order = switch.config.defaultPortConfig.uplinkTeamingPolicy.uplinkPortOrder
    assert list(order.activeUplinkPort) == ["first", "two"]
    twins = policy(uplinkPortName=["same", "same"])
    fault_of(finish(reconfigure_switch(switch, uplinkPortPolicy=twins)), vmodl.fault.InvalidArgument)


@rule(
    call="ReconfigureDvs_Task",
    says="A private VLAN map: a primary entry is promiscuous and comes before its secondary ones and goes after them; "
    "0 and 4095 are reserved; there is no edit.",
    standing="documented",
    source=API + "VMwareDVSConfigSpec.pvlanConfigSpec; VMwareDVSPvlanMapEntry; the fault InvalidArgument "
    "spec.pvlanConfigSpec: community.vmware issue 1505",
)
def a_private_vlan_map_keeps_its_order(scratch: Scratch) -> None:
    switch = new_switch(scratch)
    primary, isolated = (100, 100, "promiscuous"), (100, 101, "isolated")

    def change(*entries: tuple[str, tuple[int, int, str]]) -> Any:
        return reconfigure_switch(switch, pvlanConfigSpec=[pvlan_change(op, *entry) for op, entry in entries])

    bad: list[tuple[tuple[str, tuple[int, int, str]], ...]] = [
        (("add", isolated),),
        (("add", (100, 100, "isolated")),),
        (("add", (100, 101, "promiscuous")),),
        (("add", (0, 0, "promiscuous")),),
        (("add", (4095, 4095, "promiscuous")),),
        (("remove", primary),),
    ]
    for entries in bad:
        fault = fault_of(finish(change(*entries)), vmodl.fault.InvalidArgument)
        assert fault.invalidProperty == "spec.pvlanConfigSpec", entries
    assert not switch.config.pvlanConfig

    result_of(change(("add", primary), ("add", isolated)))
    assert [(e.primaryVlanId, e.secondaryVlanId, e.pvlanType) for e in switch.config.pvlanConfig] == [primary, isolated]
    for entries in ((("remove", primary),), (("edit", isolated),), (("add", isolated),)):
        fault_of(finish(change(*entries)), vmodl.fault.InvalidArgument)
    result_of(change(("remove", isolated), ("remove", primary)))
    assert not switch.config.pvlanConfig


@rule(
    call="ReconfigureDvs_Task",
    says="A private VLAN that a port group uses cannot leave the map: ResourceInUse.",
    standing="inferred",
    source=API
    + "VmwareDistributedVirtualSwitchPvlanSpec.pvlanId refers to the map; ReconfigureDvs_Task declares the fault",
)
def a_private_vlan_in_use_stays(scratch: Scratch) -> None:
    switch = new_switch(scratch)
    pairs = [("add", 100, 100, "promiscuous"), ("add", 100, 101, "community")]
    result_of(reconfigure_switch(switch, pvlanConfigSpec=[pvlan_change(*pair) for pair in pairs]))
    spec = scratch.group_spec(scratch.named("private"), vlan=private_vlan(101))
    group = result_of(switch.CreateDVPortgroup_Task(spec))
    removal = [pvlan_change("remove", 100, 101, "community")]

    fault_of(finish(reconfigure_switch(switch, pvlanConfigSpec=removal)), vim.fault.ResourceInUse)
    result_of(group.Destroy_Task())

    result_of(reconfigure_switch(switch, pvlanConfigSpec=removal))


@rule(
    call="QueryUsedVlanIdInDvs",
    says="The VLAN ids in use are those of the groups, private VLANs excluded.",
    standing="documented",
    source=API + "DistributedVirtualSwitch.QueryUsedVlanIdInDvs; that 0 is none is inferred",
)
def the_used_vlans_are_those_of_the_groups(scratch: Scratch) -> None:
    switch = new_switch(scratch)
    assert list(switch.QueryUsedVlanIdInDvs()) == []
    own = setting(vlan=Switch.VlanIdSpec(vlanId=120, inherited=False))
    spec = vim.dvs.DistributedVirtualPortgroup.ConfigSpec(name=scratch.named("tagged"), defaultPortConfig=own)
    result_of(switch.CreateDVPortgroup_Task(spec))

    assert list(switch.QueryUsedVlanIdInDvs()) == [120]


@rule(
    call="Rename_Task",
    says="A renamed switch has one name: name, config.name and summary.name. A taken or too long name is refused.",
    standing="documented",
    source=API + "ManagedEntity.Rename_Task; DVSConfigInfo.name, DVSSummary.name",
)
def a_renamed_switch_has_one_name(scratch: Scratch) -> None:
    switch, before = new_switch(scratch), scratch.named("renamed")
    version = switch.config.configVersion

    result_of(switch.Rename_Task(before))

    assert switch.name == switch.config.name == switch.summary.name == before
    assert switch.config.configVersion != version
    new_switch(scratch, "other")
    fault_of(finish(switch.Rename_Task(scratch.named("OTHER"))), vim.fault.DuplicateName)
    for name in ("", "x" * 81):
        fault_of(finish(switch.Rename_Task(name)), vim.fault.InvalidName)
    assert switch.name == before


@rule(
    call="Destroy_Task",
    says="A switch that nobody uses goes with all its groups.",
    standing="documented",
    source=API + "ManagedEntity.Destroy_Task: the object's contents go with it",
)
def an_unused_switch_goes_with_its_groups(scratch: Scratch) -> None:
    switch = new_switch(scratch)
    group = result_of(switch.CreateDVPortgroup_Task(scratch.group_spec(scratch.named("gone"))))
    uuid = switch.uuid

    result_of(switch.Destroy_Task())

    for dead in (switch, group):
        refused(vmodl.fault.ManagedObjectNotFound, lambda entity=dead: entity.name)
    refused(vim.fault.NotFound, scratch.content.dvSwitchManager.QueryDvsByUuid, uuid)


@rule(
    call="DVSSummary.numPorts",
    says="A switch counts the ports of its groups, in its summary and in its config.",
    standing="documented",
    source=API + "DVSSummary.numPorts, DVSConfigInfo.numPorts",
)
def a_switch_counts_its_ports(scratch: Scratch) -> None:
    switch = new_switch(scratch)
    before = switch.summary.numPorts

    group = result_of(switch.CreateDVPortgroup_Task(scratch.group_spec(scratch.named("counted"), numPorts=5)))
    assert switch.summary.numPorts == switch.config.numPorts == before + 5
    assert len(switch.FetchDVPortKeys(None)) == before + 5

    result_of(group.Destroy_Task())
    assert switch.summary.numPorts == before


@rule(
    call="EnableNetworkResourceManagement",
    says="Network I/O control is switched on and off, and the switch tells it.",
    standing="documented",
    source=API + "EnableNetworkResourceManagement; DVSConfigInfo.networkResourceManagementEnabled",
)
def network_io_control_can_be_switched(scratch: Scratch) -> None:
    switch = new_switch(scratch)

    for enabled in (True, False):
        switch.EnableNetworkResourceManagement(enabled)
        assert switch.config.networkResourceManagementEnabled is enabled


@rule(
    call="UpdateDVSHealthCheckConfig_Task",
    says="Health checks are switched by kind; the kinds that a call does not name stay as they are.",
    standing="documented",
    source=API + "UpdateDVSHealthCheckConfig_Task, DVSConfigInfo.healthCheckConfig; that the others stay is inferred",
)
def health_checks_are_switched_by_kind(scratch: Scratch) -> None:
    switch = new_switch(scratch)
    teaming = Switch.TeamingHealthCheckConfig(enable=True, interval=1)

    result_of(switch.UpdateDVSHealthCheckConfig_Task([teaming]))

    state = {type(check): check.enable for check in switch.config.healthCheckConfig}
    assert state[Switch.TeamingHealthCheckConfig] is True
    assert not state[Switch.VlanMtuHealthCheckConfig]


@rule(
    call="ReconfigureDvs_Task",
    says="The legacy security policy of a switch and its MAC management follow each other, and its groups inherit "
    "both.",
    standing="inferred",
    source="community.vmware issue 1873 saw it on port groups",
)
def both_security_policies_of_a_switch_reach_its_groups(scratch: Scratch) -> None:
    switch = new_switch(scratch)
    group = result_of(switch.CreateDVPortgroup_Task(scratch.group_spec(scratch.named("heir"))))
    yes = vim.BoolPolicy(inherited=False, value=True)

    legacy = Switch.SecurityPolicy(inherited=False, allowPromiscuous=yes)
    result_of(reconfigure_switch(switch, defaultPortConfig=setting(securityPolicy=legacy)))

    assert switch.config.defaultPortConfig.macManagementPolicy.allowPromiscuous
    heir = group.config.defaultPortConfig
    assert heir.macManagementPolicy.allowPromiscuous
    assert heir.macManagementPolicy.inherited
    assert heir.securityPolicy.allowPromiscuous.value
    assert not heir.macManagementPolicy.forgedTransmits


@rule(
    call="CreateDVS_Task",
    says="A new switch teams by originating port over all its uplinks, notifies the physical switch, blocks and shapes "
    "nothing; a client finds each of these policies set.",
    standing="observed",
    source="govmomi issue 1035, the teaming of a real server's port group; uplinks, failure criteria and shaping "
    "inferred",
)
def a_new_switch_teams_by_originating_port(scratch: Scratch) -> None:
    default = new_switch(scratch).config.defaultPortConfig
    teaming = default.uplinkTeamingPolicy

    assert not default.inShapingPolicy.enabled.value
    assert not default.outShapingPolicy.enabled.value
    assert teaming.policy.value == "loadbalance_srcid"
    assert teaming.notifySwitches.value
    assert not teaming.failureCriteria.checkBeacon.value
    assert teaming.uplinkPortOrder.activeUplinkPort
    assert not default.blocked.value
    assert default.vlan.vlanId == 0
