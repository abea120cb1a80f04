"""Reconfiguring distributed port groups: versions, merging, inheritance and the number of ports."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from typing import Any

from pyVmomi import vim, vmodl

from bed.soap import Updates, finish, result_of
from verify.rule import rule
from verify.scratch import Scratch, fault_of, mac_management, vlan_id
from verify.switching import create_switch, machine_on, new_switch, reconfigure_switch, setting

API = "vSphere API reference, "
LEARNING = {"enabled": True, "allowUnicastFlooding": True, "limit": 100, "limitPolicy": "drop"}
Security = vim.dvs.VmwareDistributedVirtualSwitch.SecurityPolicy
Teaming = vim.dvs.VmwareDistributedVirtualSwitch.UplinkPortTeamingPolicy


def learning_group(scratch: Scratch, name: str = "learns") -> Any:
    """Return a port group that learns, tagged 120."""
    mac = mac_management(allowPromiscuous=False, forgedTransmits=True, macChanges=False, learning=LEARNING)
    return scratch.port_group(name, vlan=vlan_id(120), mac=mac, description="mark", numPorts=4)


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="Without a configVersion the task fails with ConcurrentAccess.",
    standing="inferred",
    source=API + "DVPortgroupConfigSpec.configVersion is required in a reconfigure; the fault is inferred",
)
def a_missing_version_is_refused(scratch: Scratch) -> None:
    group = scratch.port_group()

    for version in (None, ""):
        task = scratch.reconfigure(group, configVersion=version, description="new")
        fault_of(finish(task), vim.fault.ConcurrentAccess)

    assert not group.config.description


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="Every change makes a new configVersion of the group; the switch's own stays.",
    standing="observed",
    source="terraform-provider-vsphere, docs/resources/distributed_port_group.md; separate counters: pyvmomi issue 538",
)
def group_and_switch_count_apart(scratch: Scratch) -> None:
    group, switch = scratch.port_group(), scratch.switch.config.configVersion
    versions = [group.config.configVersion]
    for text in ("one", "two", "three"):
        result_of(scratch.reconfigure(group, description=text))
        versions.append(group.config.configVersion)

    assert len(set(versions)) == len(versions)
    assert scratch.switch.config.configVersion == switch


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="What a spec leaves out stays: top-level members, and each policy of defaultPortConfig for itself.",
    standing="observed",
    source="lamw/vghetto-scripts MacLearn.ps1 sends nothing but macManagementPolicy; govc dvs.portgroup.change sends "
    "only "
    "what was asked for",
)
def what_a_spec_leaves_out_stays(scratch: Scratch) -> None:
    group = learning_group(scratch)
    teaming = group.config.defaultPortConfig.uplinkTeamingPolicy.policy.value

    result_of(scratch.reconfigure(group, vlan=vlan_id(7)))
    config = group.config

    assert config.defaultPortConfig.vlan.vlanId == 7
    assert config.defaultPortConfig.macManagementPolicy.macLearningPolicy.enabled
    assert config.defaultPortConfig.uplinkTeamingPolicy.policy.value == teaming
    assert (config.description, config.numPorts, config.type) == ("mark", 4, "earlyBinding")


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="A leaf that is left out of macManagementPolicy or macLearningPolicy keeps its value.",
    standing="inferred",
    source="lamw/vghetto-scripts MacLearn.ps1 turns learning off with enabled=false alone and nobody reports a lost "
    "limit",
    switch="macManagementLeaves",
)
def a_leaf_left_out_keeps_its_value(scratch: Scratch) -> None:
    group = learning_group(scratch)

    result_of(scratch.reconfigure(group, mac=mac_management(learning={"enabled": False})))
    policy = group.config.defaultPortConfig.macManagementPolicy

    assert not policy.macLearningPolicy.enabled
    assert (policy.macLearningPolicy.limit, policy.macLearningPolicy.limitPolicy) == (100, "drop")
    assert policy.forgedTransmits


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="inherited=true goes back to what the switch has, MAC learning included; values beside it are ignored.",
    standing="documented",
    source=API + "InheritablePolicy.inherited; learning too: community.vmware vmware_dvs_portgroup, documentation",
)
def inheriting_again_shows_what_the_switch_has(scratch: Scratch) -> None:
    group = learning_group(scratch)
    parent = scratch.switch.config.defaultPortConfig.macManagementPolicy

    asked = mac_management(inherited=True, allowPromiscuous=not parent.allowPromiscuous, learning=LEARNING)
    result_of(scratch.reconfigure(group, mac=asked))
    policy = group.config.defaultPortConfig.macManagementPolicy

    assert policy.inherited
    assert policy.macLearningPolicy.enabled == parent.macLearningPolicy.enabled
    assert policy.allowPromiscuous == parent.allowPromiscuous
    assert group.config.defaultPortConfig.securityPolicy.inherited


@rule(
    call="ReconfigureDvs_Task",
    says="A change of the switch's default shows in every group that inherits it, with a new configVersion of that "
    "group; groups with their own value are left alone.",
    standing="documented",
    source=API + "InheritablePolicy: a config info shows effective values; the group's new version is inferred",
)
def a_change_of_the_switch_shows_in_its_heirs(scratch: Scratch) -> None:
    switch = new_switch(scratch)
    heir, own = (
        result_of(switch.CreateDVPortgroup_Task(scratch.group_spec(scratch.named(name), **members)))
        for name, members in (("heir", {}), ("own", {"vlan": vlan_id(120), "mac": mac_management(macChanges=True)}))
    )
    before, untouched = heir.config.configVersion, own.config.configVersion

    changed = setting(vlan=vlan_id(33), macManagementPolicy=mac_management(forgedTransmits=True))
    result_of(reconfigure_switch(switch, defaultPortConfig=changed))

    assert heir.config.defaultPortConfig.vlan.vlanId == 33
    assert heir.config.defaultPortConfig.vlan.inherited
    assert heir.config.defaultPortConfig.macManagementPolicy.forgedTransmits
    assert heir.config.defaultPortConfig.securityPolicy.forgedTransmits.value
    assert heir.config.configVersion != before
    assert own.config.defaultPortConfig.vlan.vlanId == 120
    assert own.config.configVersion == untouched


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="securityPolicy follows macManagementPolicy: the same flags, the same `inherited`.",
    standing="observed",
    source="community.vmware issue 1873",
)
def the_legacy_policy_follows_mac_management(scratch: Scratch) -> None:
    group = scratch.port_group()
    flags = {"allowPromiscuous": True, "forgedTransmits": True, "macChanges": False}

    result_of(scratch.reconfigure(group, mac=mac_management(**flags)))
    security = group.config.defaultPortConfig.securityPolicy

    assert not security.inherited
    assert {flag: getattr(security, flag).value for flag in flags} == flags


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="macManagementPolicy follows securityPolicy; what securityPolicy does not speak of, learning included, stays.",
    standing="observed",
    source="community.vmware issue 1873; that learning stays is inferred",
)
def mac_management_follows_the_legacy_policy(scratch: Scratch) -> None:
    group = learning_group(scratch)
    yes = vim.BoolPolicy(inherited=False, value=True)

    result_of(scratch.reconfigure(group, security=Security(inherited=False, allowPromiscuous=yes)))
    policy = group.config.defaultPortConfig.macManagementPolicy

    assert policy.allowPromiscuous
    assert policy.forgedTransmits
    assert policy.macLearningPolicy.enabled


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="When a spec carries both policies and they differ, macManagementPolicy wins.",
    standing="inferred",
    source="no source found; the reference deprecates securityPolicy in favour of macManagementPolicy",
)
def mac_management_wins_over_the_legacy_policy(scratch: Scratch) -> None:
    group = scratch.port_group()
    yes = vim.BoolPolicy(inherited=False, value=True)
    legacy = Security(inherited=False, allowPromiscuous=yes)

    result_of(scratch.reconfigure(group, security=legacy, mac=mac_management(allowPromiscuous=False)))

    assert not group.config.defaultPortConfig.macManagementPolicy.allowPromiscuous
    assert not group.config.defaultPortConfig.securityPolicy.allowPromiscuous.value


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="A MAC limit outside 0..4096 or an unknown limit policy is an InvalidArgument that names the member.",
    standing="inferred",
    source="vSphere 8 networking guide: 4096 addresses per port; enumeration DVSMacLimitPolicyType; the fault is "
    "inferred",
)
def a_bad_learning_policy_names_the_member(scratch: Scratch) -> None:
    group = scratch.port_group()

    for member, value in (("limit", 4097), ("limit", -1), ("limitPolicy", "forward")):
        task = scratch.reconfigure(group, mac=mac_management(learning=LEARNING | {member: value}))
        fault = fault_of(finish(task), vmodl.fault.InvalidArgument)
        assert fault.invalidProperty.endswith(f"macLearningPolicy.{member}")


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="On a switch below 6.6.0 asking for MAC learning is NotSupported; enabled=false and the other flags are "
    "taken.",
    standing="documented",
    source=API + "ReconfigureDVPortgroup_Task, NotSupported; DVSFeatureCapability.macLearningSupported; VDS 6.6.0: "
    "vSphere networking guide",
)
def an_old_switch_cannot_learn(scratch: Scratch) -> None:
    switch = scratch.keep(result_of(create_switch(scratch, version="6.5.0")))
    group = result_of(switch.CreateDVPortgroup_Task(scratch.group_spec(scratch.named("old"))))

    refused = finish(scratch.reconfigure(group, mac=mac_management(learning=LEARNING)))
    accepted = finish(
        scratch.reconfigure(group, mac=mac_management(allowPromiscuous=True, learning={"enabled": False}))
    )

    fault_of(refused, vmodl.fault.NotSupported)
    assert accepted.error is None
    assert not switch.capability.featuresSupported.macLearningSupported


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="A teaming policy is one that the switch offers, its order names uplinks of the switch; else InvalidArgument.",
    standing="documented",
    source=API
    + "VmwareUplinkPortTeamingPolicy.policy and DVSFeatureCapability.nicTeamingPolicy; the fault is inferred",
)
def teaming_speaks_of_what_the_switch_has(scratch: Scratch) -> None:
    group = scratch.port_group()
    uplinks = list(scratch.switch.config.uplinkPortPolicy.uplinkPortName)

    def change(policy: str, active: list[str]) -> Any:
        order = vim.dvs.VmwareDistributedVirtualSwitch.UplinkPortOrderPolicy(inherited=False, activeUplinkPort=active)
        value = vim.StringPolicy(inherited=False, value=policy)
        teaming = Teaming(inherited=False, policy=value, uplinkPortOrder=order)
        config = group.config
        return group.ReconfigureDVPortgroup_Task(
            vim.dvs.DistributedVirtualPortgroup.ConfigSpec(
                configVersion=config.configVersion, defaultPortConfig=setting(uplinkTeamingPolicy=teaming)
            )
        )

    result_of(change("loadbalance_ip", uplinks))
    teaming = group.config.defaultPortConfig.uplinkTeamingPolicy
    assert (teaming.policy.value, teaming.inherited) == ("loadbalance_ip", False)
    assert list(teaming.uplinkPortOrder.activeUplinkPort) == uplinks
    assert teaming.notifySwitches.value, "what the spec left out stays"
    for policy, active in (("loadbalance_magic", uplinks), ("loadbalance_ip", ["no-such-uplink"])):
        fault_of(finish(change(policy, active)), vmodl.fault.InvalidArgument)


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="numPorts up makes ports, down deletes free ones; below those in use it fails and says how many are.",
    standing="documented",
    source=API + "DVPortgroupConfigSpec.numPorts; the text: apache/cloudstack issue 2631; DvsFault is inferred",
)
def ports_grow_and_shrink_but_not_below_those_in_use(scratch: Scratch) -> None:
    group = scratch.port_group(numPorts=2)
    for name in ("one", "two"):
        machine_on(scratch, group, name)

    for number in (5, 2):
        result_of(scratch.reconfigure(group, numPorts=number))
        assert (group.config.numPorts, len(group.portKeys)) == (number, number)
    fault = fault_of(finish(scratch.reconfigure(group, numPorts=1)), vim.fault.DvsFault)

    assert fault.msg.startswith("Cannot set number of ports to 1 because at least 2 out of 2 ports are still in use")
    assert len(group.portKeys) == 2


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="policy is replaced as a whole as far as its flags are required, since a client sends false for each it does "
    "not set; optional flags stay.",
    standing="observed",
    source="pyVmomi and govmomi on the wire; VMwareDVSPortgroupPolicy, required members",
)
def override_flags_are_replaced(scratch: Scratch) -> None:
    group = scratch.port_group()
    policy: Any = vim.dvs.VmwareDistributedVirtualSwitch.VMwarePortgroupPolicy
    result_of(scratch.reconfigure(group, policy=policy(macManagementOverrideAllowed=True, blockOverrideAllowed=True)))

    result_of(scratch.reconfigure(group, policy=policy(vlanOverrideAllowed=True)))

    assert group.config.policy.vlanOverrideAllowed
    assert group.config.policy.macManagementOverrideAllowed, "an optional flag that is left out stays"
    assert not group.config.policy.blockOverrideAllowed, "a required flag that is not set travels as false"


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="An empty description in a spec clears it; one that is left out stays.",
    standing="inferred",
    source="XML Schema: an element that is there has a value, only an absent one is unset",
)
def a_description_that_is_sent_empty_is_cleared(scratch: Scratch) -> None:
    group = scratch.port_group(description="mark")

    result_of(scratch.reconfigure(group, vlan=vlan_id(7)))
    assert group.config.description == "mark"
    result_of(scratch.reconfigure(group, description=""))
    assert not group.config.description


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="A reconfigure leaves a DVPortgroupReconfiguredEvent with user, group and the changes, old and new.",
    standing="documented",
    source=API + "DVPortgroupReconfiguredEvent.configChanges; the form of the text is inferred",
)
def a_reconfigure_leaves_an_event(scratch: Scratch) -> None:
    group = scratch.port_group()
    result_of(scratch.reconfigure(group, description="new"))

    chosen = vim.event.EventFilterSpec.ByEntity(entity=group, recursion="self")
    query = vim.event.EventFilterSpec(eventTypeId=["DVPortgroupReconfiguredEvent"], entity=chosen)
    events = [e for e in scratch.content.eventManager.QueryEvents(query) if str(e.net.network) == str(group)]

    assert len(events) == 1
    assert events[0].userName == scratch.content.sessionManager.currentSession.userName
    assert 'config.description: "" -> "new"; ' in events[0].configChanges.modified


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="numPorts 0 deletes every free port of a static group, and an ephemeral group ignores numPorts.",
    standing="documented",
    source=API + "DVPortgroupConfigSpec.numPorts",
)
def a_group_can_have_no_ports(scratch: Scratch) -> None:
    static, ephemeral = scratch.port_group(numPorts=3), scratch.port_group("ephemeral", type="ephemeral")

    result_of(scratch.reconfigure(static, numPorts=0))
    result_of(scratch.reconfigure(ephemeral, numPorts=5))

    assert (static.config.numPorts, len(static.portKeys)) == (0, 0)
    assert not ephemeral.portKeys


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="vendorSpecificConfig of a spec replaces the list that was there.",
    standing="inferred",
    source="no source found; lists of data objects in a spec replace the old list",
    switch="vendorConfigMerges",
)
def vendor_data_is_replaced(scratch: Scratch) -> None:
    def blob(key: str, data: str) -> vim.dvs.KeyedOpaqueBlob:
        return vim.dvs.KeyedOpaqueBlob(key=key, opaqueData=data)

    group = scratch.port_group(vendorSpecificConfig=[blob("one", "1"), blob("two", "2")])

    result_of(scratch.reconfigure(group, vendorSpecificConfig=[blob("two", "22")]))

    assert [(b.key, b.opaqueData) for b in group.config.vendorSpecificConfig] == [("two", "22")]


@rule(
    call="WaitForUpdatesEx",
    says="What a reconfigure of a group or of its switch changes is pushed, inherited values included.",
    standing="documented",
    source=API + "PropertyCollector.WaitForUpdatesEx; InheritablePolicy: a config info shows effective values",
)
def changes_are_pushed(scratch: Scratch) -> None:
    switch = new_switch(scratch)
    group = result_of(switch.CreateDVPortgroup_Task(scratch.group_spec(scratch.named("watched"), numPorts=1)))
    groups = Updates(scratch.instance, group, {type(group): ["config", "name", "portKeys"]})
    switches = Updates(scratch.instance, switch, {type(switch): ["config.maxMtu", "summary.portgroupName"]})
    groups.all()
    switches.all()

    result_of(reconfigure_switch(switch, maxMtu=9000, defaultPortConfig=setting(vlan=vlan_id(33))))
    [(_, _, pushed)] = groups.all()
    assert pushed["config"].defaultPortConfig.vlan.vlanId == 33
    assert switches.all()[0][2]["config.maxMtu"] == 9000

    result_of(scratch.reconfigure(group, name=scratch.named("renamed"), numPorts=2))
    [(_, _, pushed)] = groups.all()
    assert (pushed["name"], pushed["config"].name) == (scratch.named("renamed"), scratch.named("renamed"))
    assert len(pushed["portKeys"]) == 2
    assert scratch.named("renamed") in switches.all()[0][2]["summary.portgroupName"]
    for watch in (groups, switches):
        watch.collector.DestroyPropertyCollector()


@rule(
    call="CreateDVPortgroup_Task",
    says="Of a new group's ports only `blocked` may be overridden, and a port is reset when it is left.",
    standing="observed",
    source="govmomi issue 1035, the configuration of a port group of a real server",
)
def only_blocking_may_be_overridden_at_first(scratch: Scratch) -> None:
    policy = scratch.port_group().config.policy

    assert policy.blockOverrideAllowed
    assert policy.portConfigResetAtDisconnect
    others = ("shaping", "vendorConfig", "networkResourcePool", "trafficFilter", "vlan", "uplinkTeaming", "ipfix")
    assert not any(getattr(policy, f"{name}OverrideAllowed") for name in others)
    assert not policy.securityPolicyOverrideAllowed
    assert not policy.macManagementOverrideAllowed
    assert not policy.livePortMovingAllowed


@rule(
    call="ReconfigureDVPortgroup_Task",
    says='A group is in no network resource pool: the key is unset, and "-1" in a spec leaves it or makes it so.',
    standing="documented",
    source=API + "DVPortgroupConfigInfo.vmVnicNetworkResourcePoolKey; unset on a real server: govmomi issue 1035",
)
def no_resource_pool_is_an_unset_key(scratch: Scratch) -> None:
    group = scratch.port_group(vmVnicNetworkResourcePoolKey="-1")
    assert not group.config.vmVnicNetworkResourcePoolKey

    result_of(scratch.reconfigure(group, vmVnicNetworkResourcePoolKey="-1"))

    assert not group.config.vmVnicNetworkResourcePoolKey
