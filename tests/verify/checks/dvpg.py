"""Distributed port groups: creating and renaming them, what their VLANs may be, and their versions."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from typing import Any

from pyVmomi import vim, vmodl

from bed.soap import finish, result_of
from verify.rule import rule
from verify.scratch import Scratch, Switch, fault_of, mac_management, trunk, vlan_id
from verify.switching import new_switch, private_vlan, pvlan_change, reconfigure_switch

API = "vSphere API reference, "


@rule(
    call="CreateDVPortgroup_Task",
    says="A new group has what its switch has, marked as inherited; it is static and expands by itself.",
    standing="documented",
    source=API + "InheritablePolicy; DVPortgroupConfigSpec.type and .autoExpand",
)
def a_new_group_starts_with_what_its_switch_has(scratch: Scratch) -> None:
    group = scratch.port_group()
    setting, parent = group.config.defaultPortConfig, scratch.switch.config.defaultPortConfig

    assert setting.vlan.inherited
    assert setting.vlan.vlanId == parent.vlan.vlanId
    assert setting.macManagementPolicy.inherited
    assert setting.macManagementPolicy.forgedTransmits == parent.macManagementPolicy.forgedTransmits
    assert setting.securityPolicy.inherited
    assert setting.uplinkTeamingPolicy.policy.value == parent.uplinkTeamingPolicy.policy.value
    assert group.config.type == "earlyBinding"
    assert group.config.autoExpand
    assert group.config.configVersion
    assert group.config.backingType == "standard"


@rule(
    call="CreateDVPortgroup_Task",
    says="Without anybody's word a port does not learn: learning and flooding off, limit 4096, policy allow.",
    standing="observed",
    source="ansible/ansible pull request 55404, a port group read back",
)
def nobody_learns_unasked(scratch: Scratch) -> None:
    switch = new_switch(scratch)
    learning = switch.config.defaultPortConfig.macManagementPolicy.macLearningPolicy

    assert not learning.enabled
    assert not learning.allowUnicastFlooding
    assert (learning.limit, learning.limitPolicy) == (4096, "allow")


@rule(
    call="AddDVPortgroup_Task",
    says="CreateDVPortgroup_Task makes one group, which is its task's result; AddDVPortgroup_Task makes several and "
    "has "
    "no result. The switch lists all of them.",
    standing="documented",
    source=API + "DistributedVirtualSwitch.CreateDVPortgroup_Task and AddDVPortgroup_Task, return values",
)
def create_returns_the_group_and_add_returns_nothing(scratch: Scratch) -> None:
    switch = new_switch(scratch)
    names = [scratch.named(name) for name in ("one", "two", "three")]
    one, *others = [scratch.group_spec(name, numPorts=4) for name in names]

    created = result_of(switch.CreateDVPortgroup_Task(one))
    added = result_of(switch.AddDVPortgroup_Task(others))

    assert created.name == created.config.name == names[0]
    assert created.key == created.config.key
    assert added is None
    assert {group.name for group in switch.portgroup} >= set(names)
    assert set(switch.summary.portgroupName) >= set(names)


@rule(
    call="AddDVPortgroup_Task",
    says="When one of several specs is bad, no group is made.",
    standing="inferred",
    source="no source found; a task with an error that made half of what it was asked for would say nowhere which half",
)
def nothing_is_made_when_one_spec_is_bad(scratch: Scratch) -> None:
    switch = new_switch(scratch)
    specs = [scratch.group_spec(scratch.named("good")), scratch.group_spec(scratch.named("bad"), vlan=vlan_id(5000))]

    fault_of(finish(switch.AddDVPortgroup_Task(specs)))

    assert scratch.named("good") not in {group.name for group in switch.portgroup}


@rule(
    call="CreateDVPortgroup_Task",
    says="One call sets VLAN, MAC learning and description; a limit policy in capitals is taken and read back in lower "
    "case.",
    standing="observed",
    source="lamw/vghetto-scripts, powershell/MacLearn.ps1, which sends DROP; enumeration DVSMacLimitPolicyType",
)
def one_call_sets_everything(scratch: Scratch) -> None:
    learning = {"enabled": True, "allowUnicastFlooding": True, "limit": 4096, "limitPolicy": "DROP"}
    mac = mac_management(allowPromiscuous=False, forgedTransmits=True, macChanges=False, learning=learning)
    group = scratch.port_group(vlan=vlan_id(120), mac=mac, description="mark")
    setting = group.config.defaultPortConfig

    assert setting.vlan.vlanId == 120
    assert not setting.macManagementPolicy.inherited
    assert setting.macManagementPolicy.macLearningPolicy.limitPolicy == "drop"
    assert setting.securityPolicy.forgedTransmits.value
    assert group.config.description == "mark"


@rule(
    call="CreateDVPortgroup_Task",
    says="Every member host of the switch lists the new group, the group lists them, and so does the datacenter.",
    standing="documented",
    source=API + "Network.host, HostSystem.network, Datacenter.network",
)
def every_host_of_the_switch_lists_the_group(scratch: Scratch) -> None:
    group = scratch.port_group()

    assert {str(host) for host in group.host} == {str(host) for host in scratch.switch.summary.hostMember}
    assert all(str(group) in {str(network) for network in host.network} for host in group.host)
    assert str(group) in {str(network) for network in scratch.datacenter.network}


@rule(
    call="CreateDVPortgroup_Task",
    says="A taken name is DuplicateName with the holder, whatever its case and whether a group or a switch has it.",
    standing="documented",
    source=API + "DuplicateName.name and .object; that case does not make a difference is inferred",
)
def a_taken_name_is_refused(scratch: Scratch) -> None:
    group = scratch.port_group()
    taken = {group.name: group, group.name.upper(): group, scratch.switch.name: scratch.switch}

    for name, holder in taken.items():
        task = scratch.switch.CreateDVPortgroup_Task(scratch.group_spec(name))
        fault = fault_of(finish(task), vim.fault.DuplicateName)

        assert fault.name == name
        assert str(fault.object) == str(holder)
        assert fault.msg == f"The name '{name}' already exists."


@rule(
    call="CreateDVPortgroup_Task",
    says="A name is 1 to 80 characters, counted after escaping; else InvalidName.",
    standing="observed",
    source="VMware KB 2051649 (80 characters); that escapes count in full: fourteenfold73, tested on 6.7",
)
def a_name_has_80_characters_at_most(scratch: Scratch) -> None:
    for name in ("", "x" * 81, "/" * 27):
        fault_of(finish(scratch.switch.CreateDVPortgroup_Task(scratch.group_spec(name))), vim.fault.InvalidName)

    longest = "x" * (80 - len(scratch.prefix))
    assert len(scratch.port_group(longest).name) == 80


@rule(
    call="ManagedEntity.name",
    says="Slash, backslash and percent sign read back as %2f, %5c and %25; an escape that is sent stays as it is.",
    standing="documented",
    source=API + "ManagedEntity.name",
)
def slashes_in_a_name_read_back_escaped(scratch: Scratch) -> None:
    assert scratch.port_group("a/b\\c%d").name == f"{scratch.prefix}a%2fb%5cc%25d"
    assert scratch.port_group("e%2ff").name == f"{scratch.prefix}e%2ff"


@rule(
    call="CreateDVPortgroup_Task",
    says="VLAN ids are 0 to 4094; trunk ranges lie inside, may overlap and do not run backwards; else InvalidArgument "
    "names the member.",
    standing="documented",
    source=API + "VmwareDistributedVirtualSwitchVlanIdSpec.vlanId and TrunkVlanSpec.vlanId; the fault is inferred",
)
def vlan_ids_end_at_4094(scratch: Scratch) -> None:
    good = [vlan_id(0), vlan_id(4094), trunk((0, 4094)), trunk((1, 10), (5, 30))]
    bad = [vlan_id(4095), vlan_id(-1), trunk((10, 1)), trunk((1, 4095)), trunk((1, 5), (-1, 2))]

    for i, vlan in enumerate(good):
        scratch.port_group(f"lab-{i}", vlan=vlan)
    for vlan in bad:
        task = scratch.switch.CreateDVPortgroup_Task(scratch.group_spec(scratch.named("bad"), vlan=vlan))
        fault = fault_of(finish(task), vmodl.fault.InvalidArgument)
        assert fault.invalidProperty == "spec.defaultPortConfig.vlan.vlanId"
    base = Switch.VlanSpec(inherited=False)
    task = scratch.switch.CreateDVPortgroup_Task(scratch.group_spec(scratch.named("bad"), vlan=base))
    fault_of(finish(task), vmodl.fault.InvalidArgument)


@rule(
    call="CreateDVPortgroup_Task",
    says="A private VLAN is named by a secondary id of the switch's map; another id is refused.",
    standing="documented",
    source=API + "VmwareDistributedVirtualSwitchPvlanSpec.pvlanId; the fault is inferred",
)
def a_private_vlan_has_to_be_in_the_map(scratch: Scratch) -> None:
    switch = new_switch(scratch)
    pairs = [pvlan_change("add", 100, 100, "promiscuous"), pvlan_change("add", 100, 101, "isolated")]
    result_of(reconfigure_switch(switch, pvlanConfigSpec=pairs))

    def create(name: str, number: int) -> Any:
        return finish(switch.CreateDVPortgroup_Task(scratch.group_spec(scratch.named(name), vlan=private_vlan(number))))

    for number in (100, 101):
        assert create(f"pvlan-{number}", number).result.config.defaultPortConfig.vlan.pvlanId == number
    fault = fault_of(create("pvlan-102", 102), vmodl.fault.InvalidArgument)
    assert fault.invalidProperty == "spec.defaultPortConfig.vlan.pvlanId"


@rule(
    call="CreateDVPortgroup_Task",
    says="Values that come with inherited=true are dropped without a word; what is shown is the switch's.",
    standing="observed",
    source="InheritablePolicy.inherited in the API reference; evoila/meho issue 3356: a VLAN id vanished on 8.0.3",
)
def inherited_values_are_dropped(scratch: Scratch) -> None:
    group = scratch.port_group(vlan=vlan_id(120, inherited=True))

    assert group.config.defaultPortConfig.vlan.inherited
    assert group.config.defaultPortConfig.vlan.vlanId == scratch.switch.config.defaultPortConfig.vlan.vlanId


@rule(
    call="Rename_Task",
    says="A rename, by its own call or in a spec, changes name, config.name, summary.name and the switch's list, and "
    "makes a new configVersion.",
    standing="inferred",
    source=API + "DVPortgroupConfigInfo.name and ManagedEntity.name are one name; the version by analogy with a spec",
)
def a_rename_changes_every_name(scratch: Scratch) -> None:
    group = scratch.port_group()
    second, third = scratch.named("second"), scratch.named("third")
    result_of(scratch.reconfigure(group, name=second))
    assert (group.name, group.config.name) == (second, second)
    before = group.config.configVersion

    result_of(group.Rename_Task(third))

    assert (group.name, group.config.name, group.summary.name) == (third, third, third)
    assert third in scratch.switch.summary.portgroupName
    assert second not in scratch.switch.summary.portgroupName
    assert group.config.configVersion != before


@rule(
    call="Rename_Task",
    says="A rename to a taken name, whatever its case, is DuplicateName with the holder; one that is too long or empty "
    "is InvalidName. The old name stays.",
    standing="documented",
    source=API + "ManagedEntity.Rename_Task, faults; that case makes no difference is inferred",
)
def a_rename_needs_a_free_name(scratch: Scratch) -> None:
    group, other = scratch.port_group(), scratch.port_group("other")
    taken = other.name.upper()

    for task in (group.Rename_Task(taken), scratch.reconfigure(group, name=taken)):
        assert str(fault_of(finish(task), vim.fault.DuplicateName).object) == str(other)
    for name in ("", "x" * 81):
        fault_of(finish(group.Rename_Task(name)), vim.fault.InvalidName)

    assert group.name == group.config.name == scratch.named("lab")
    result_of(group.Rename_Task(group.name.upper()))
    assert group.name == scratch.named("lab").upper(), "a group's own name in another case is free"


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="A configVersion other than the current one fails the task with ConcurrentAccess and changes nothing.",
    standing="documented",
    source=API + "DVPortgroupConfigSpec.configVersion; in the task: seen in pyvmomi issue 538",
    switch="concurrentAccessInTask",
)
def a_stale_version_is_refused(scratch: Scratch) -> None:
    group = scratch.port_group()
    stale = group.config.configVersion
    result_of(scratch.reconfigure(group, description="one"))
    current = group.config.configVersion

    for version in (stale, f"{current} "):
        fault = fault_of(
            finish(scratch.reconfigure(group, configVersion=version, description="two")), vim.fault.ConcurrentAccess
        )
        assert fault.msg == "Cannot complete operation due to concurrent modification by another operation."

    assert (group.config.description, group.config.configVersion) == ("one", current)


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="A reconfigure that changes nothing makes a new configVersion all the same.",
    standing="inferred",
    source="nothing found",
    switch="noOpBumpsConfigVersion",
)
def a_reconfigure_without_a_change_makes_a_new_version(scratch: Scratch) -> None:
    group = scratch.port_group(description="one")
    before = group.config.configVersion

    result_of(scratch.reconfigure(group, description="one"))

    assert group.config.configVersion != before
