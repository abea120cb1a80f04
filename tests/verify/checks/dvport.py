"""Ports of a distributed switch: who holds them, and what one may have of its own."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from typing import Any

from pyVmomi import vim, vmodl

from bed.soap import finish, result_of
from verify.rule import rule
from verify.scratch import Scratch, fault_of, mac_management, trunk, vlan_id
from verify.switching import edit_port, inherits, machine_on, open_group, ports_of, refused, setting

API = "vSphere API reference, "


@rule(
    call="DistributedVirtualPort.key",
    says="Port keys are unique on the switch, not only in a group.",
    standing="documented",
    source=API + "DistributedVirtualSwitchPortCriteria.portKey, which names a port of the switch by its key alone",
)
def port_keys_are_unique_on_the_switch(scratch: Scratch) -> None:
    one, two = scratch.port_group("one", numPorts=4), scratch.port_group("two", numPorts=4)

    assert len(one.portKeys) == len(two.portKeys) == 4
    assert not set(one.portKeys) & set(two.portKeys)


@rule(
    call="ReconfigVM_Task",
    says="A NIC on a static group holds a port from the reconfigure on, also while the machine is off; NIC and port "
    "show the same connectionCookie.",
    standing="documented",
    source=API + "DistributedVirtualPortgroupPortgroupType.earlyBinding; DistributedVirtualPort.connectionCookie",
)
def a_static_port_is_held_while_the_machine_is_off(scratch: Scratch) -> None:
    group = scratch.port_group(numPorts=2)
    vm = machine_on(scratch, group)
    port = scratch.nic(vm).backing.port

    [held] = ports_of(scratch, group, connected=True)

    assert port.portKey == held.key
    assert port.connectionCookie == held.connectionCookie
    assert held.connectee.type == "vmVnic"
    assert str(held.connectee.connectedEntity) == str(vm)
    assert held.connectee.nicKey == str(scratch.nic(vm).key)


@rule(
    call="ReconfigVM_Task",
    says="A static group with autoExpand makes a port when none is free, and shows it in numPorts.",
    standing="documented",
    source=API + "DVPortgroupConfigSpec.autoExpand",
)
def an_expanding_group_never_runs_out(scratch: Scratch) -> None:
    group = scratch.port_group(numPorts=1, autoExpand=True)
    for name in ("one", "two"):
        machine_on(scratch, group, name)

    assert len(group.portKeys) == group.config.numPorts == 2


@rule(
    call="CreateVM_Task",
    says="A static group without autoExpand and without a free port refuses a NIC with ResourceNotAvailable, and "
    "nothing is created.",
    standing="inferred",
    source=API + "DVPortgroupConfigSpec.autoExpand says that there is a limit; ResourceNotAvailable is declared for "
    "ReconfigureDvs_Task with the words 'no port available in the portgroup'",
)
def a_fixed_group_runs_out(scratch: Scratch) -> None:
    group = scratch.port_group(numPorts=1, autoExpand=False)
    machine_on(scratch, group, "one")
    change = vim.vm.device.VirtualDeviceSpec(operation="add", device=scratch.nic_on(group))

    fault_of(finish(scratch.create("two", deviceChange=[change])), vim.fault.ResourceNotAvailable)

    assert len(group.vm) == 1


@rule(
    call="PowerOnVM_Task",
    says="A port of an ephemeral group exists only while its machine is on; the group lists the machine all the time.",
    standing="documented",
    source=API + "DistributedVirtualPortgroupPortgroupType.ephemeral",
)
def an_ephemeral_port_lives_with_the_power(scratch: Scratch) -> None:
    group = scratch.port_group(type="ephemeral", numPorts=8)
    vm = machine_on(scratch, group)
    assert not group.portKeys

    result_of(vm.PowerOnVM_Task())
    assert [port.connectee.connectedEntity.name for port in ports_of(scratch, group)] == [vm.name]
    result_of(vm.PowerOffVM_Task())

    assert not group.portKeys
    assert [str(user) for user in group.vm] == [str(vm)]


@rule(
    call="FetchDVPorts",
    says="portgroupKey counts only together with inside: true selects the ports in those groups, false the others, "
    "unset every port of the switch.",
    standing="documented",
    source=API + "DistributedVirtualSwitchPortCriteria.portgroupKey and .inside",
)
def inside_decides_what_a_group_key_means(scratch: Scratch) -> None:
    group = scratch.port_group(numPorts=3)
    mine = set(group.portKeys)

    def keys(**criteria: object) -> set[str]:
        found = scratch.switch.FetchDVPortKeys(vim.dvs.PortCriteria(portgroupKey=[group.key], **criteria))
        return set(found)

    every = set(scratch.switch.FetchDVPortKeys(None))

    assert keys(inside=True) == mine
    assert keys(inside=False) == every - mine
    assert keys() == every


@rule(
    call="FetchDVPorts",
    says="connected, active, portKey and host each narrow the selection; an active port is one whose link is up.",
    standing="documented",
    source=API + "DistributedVirtualSwitchPortCriteria; that active means link up is inferred",
)
def criteria_are_combined(scratch: Scratch) -> None:
    group = scratch.port_group(numPorts=3)
    off, on = machine_on(scratch, group, "off"), machine_on(scratch, group, "on")
    result_of(on.PowerOnVM_Task())
    key = {vm.name: scratch.nic(vm).backing.port.portKey for vm in (off, on)}

    def keys(**criteria: object) -> set[str]:
        return {port.key for port in ports_of(scratch, group, **criteria)}

    assert keys(connected=True) == {key[off.name], key[on.name]}
    assert keys(connected=False) == set(group.portKeys) - set(key.values())
    assert keys(active=True) == {key[on.name]}
    assert keys(portKey=[key[off.name]], connected=True) == {key[off.name]}
    assert key[on.name] in keys(host=[on.runtime.host])
    assert keys(connected=True, active=False) == {key[off.name]}


@rule(
    call="FetchDVPorts",
    says="Uplink ports are those of the uplink groups: uplinkPort=true selects them, false the rest.",
    standing="documented",
    source=API + "DistributedVirtualSwitchPortCriteria.uplinkPort",
)
def uplink_ports_can_be_told_apart(scratch: Scratch) -> None:
    uplinks = {group.key for group in scratch.switch.config.uplinkPortgroup}
    group = scratch.port_group(numPorts=1)

    up = scratch.switch.FetchDVPorts(vim.dvs.PortCriteria(uplinkPort=True))
    down = scratch.switch.FetchDVPortKeys(vim.dvs.PortCriteria(uplinkPort=False))

    assert {port.portgroupKey for port in up} <= uplinks
    assert not {port.key for port in up} & set(down)
    assert set(group.portKeys) <= set(down)


@rule(
    call="FetchDVPorts",
    says="state.runtimeInfo is there only while the port runs; it tells link, VLANs, trunking and the MAC address.",
    standing="documented",
    source=API + "DVPortState.runtimeInfo, DVPortStatus",
)
def only_a_running_port_has_a_state(scratch: Scratch) -> None:
    group = scratch.port_group(numPorts=1, vlan=trunk((10, 20)))
    vm = machine_on(scratch, group)
    [port] = ports_of(scratch, group)
    assert port.state is None or port.state.runtimeInfo is None

    result_of(vm.PowerOnVM_Task())
    [port] = ports_of(scratch, group)
    status = port.state.runtimeInfo

    assert status.linkUp
    assert status.trunkingMode
    assert [(r.start, r.end) for r in status.vlanIds] == [(10, 20)]
    assert status.macAddress == scratch.nic(vm).macAddress


@rule(
    call="FetchDVPorts",
    says="A port that nobody changed shows the group's effective values, every policy marked as inherited.",
    standing="documented",
    source=API + "InheritablePolicy.inherited",
)
def an_untouched_port_inherits_everything(scratch: Scratch) -> None:
    group = scratch.port_group(numPorts=1, vlan=vlan_id(120))
    [port] = ports_of(scratch, group)

    assert not group.config.defaultPortConfig.vlan.inherited
    assert port.config.setting.vlan.vlanId == 120
    assert port.config.setting.vlan.inherited
    assert port.config.setting.macManagementPolicy.inherited


@rule(
    call="ReconfigureDVPort_Task",
    says="A port overrides what its group's policy allows; what it leaves out stays inherited.",
    standing="documented",
    source=API + "VMwareDVSPortgroupPolicy.vlanOverrideAllowed and its siblings; InheritablePolicy",
)
def a_port_overrides_what_its_group_allows(scratch: Scratch) -> None:
    group = open_group(scratch, vlan=vlan_id(120))
    first, second = ports_of(scratch, group)

    result_of(edit_port(scratch, first, setting=setting(vlan=vlan_id(7)), name="mine"))
    changed, other = ports_of(scratch, group)

    assert (changed.config.setting.vlan.vlanId, changed.config.setting.vlan.inherited) == (7, False)
    assert changed.config.name == "mine"
    assert changed.config.setting.macManagementPolicy.inherited
    assert (other.config.setting.vlan.vlanId, other.config.configVersion) == (120, second.config.configVersion)
    assert group.config.defaultPortConfig.vlan.vlanId == 120


@rule(
    call="ReconfigureDVPort_Task",
    says="What the group's policy does not let a port override is refused with a DvsFault, and no port changes.",
    standing="inferred",
    source=API
    + "VMwareDVSPortgroupPolicy.macManagementOverrideAllowed says allow; DvsFault is what the method declares",
)
def a_port_cannot_override_what_its_group_forbids(scratch: Scratch) -> None:
    group = scratch.port_group(numPorts=2)
    first, second = ports_of(scratch, group)
    policies = setting(macManagementPolicy=mac_management(forgedTransmits=True))
    changes = [
        vim.dvs.DistributedVirtualPort.ConfigSpec(
            operation="edit", key=port.key, configVersion=port.config.configVersion, **members
        )
        for port, members in ((first, {"name": "one"}), (second, {"setting": policies}))
    ]

    fault_of(finish(scratch.switch.ReconfigureDVPort_Task(changes)), vim.fault.DvsFault)

    assert [port.config.name or "" for port in ports_of(scratch, group)] == ["", ""]


@rule(
    call="ReconfigureDVPort_Task",
    says="MAC management of one port goes with macManagementOverrideAllowed, and the legacy security policy follows.",
    standing="documented",
    source=API + "VMwareDVSPortgroupPolicy.macManagementOverrideAllowed; the mirror: community.vmware issue 1873",
)
def mac_management_of_a_port_is_its_own_when_allowed(scratch: Scratch) -> None:
    group = open_group(scratch)
    first, _ = ports_of(scratch, group)

    result_of(edit_port(scratch, first, setting=setting(macManagementPolicy=mac_management(forgedTransmits=True))))
    changed, other = ports_of(scratch, group)

    assert changed.config.setting.macManagementPolicy.forgedTransmits
    assert changed.config.setting.securityPolicy.forgedTransmits.value
    assert not changed.config.setting.macManagementPolicy.inherited
    assert not other.config.setting.macManagementPolicy.forgedTransmits


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="A change of the group shows in every port that inherits it and overwrites no override.",
    standing="documented",
    source=API + "InheritablePolicy; DVPortgroupPolicy: a port's setting overrides defaultPortConfig",
)
def a_group_does_not_overwrite_an_override(scratch: Scratch) -> None:
    group = open_group(scratch, vlan=vlan_id(120))
    first, _ = ports_of(scratch, group)
    result_of(edit_port(scratch, first, setting=setting(vlan=vlan_id(7))))

    result_of(scratch.reconfigure(group, vlan=vlan_id(130), mac=mac_management(forgedTransmits=True)))
    changed, other = ports_of(scratch, group)

    assert changed.config.setting.vlan.vlanId == 7
    assert changed.config.setting.macManagementPolicy.forgedTransmits
    assert other.config.setting.vlan.vlanId == 130


@rule(
    call="ReconfigureDVPort_Task",
    says="inherited=true takes an override back.",
    standing="documented",
    source=API + "InheritablePolicy.inherited",
)
def an_override_can_be_taken_back(scratch: Scratch) -> None:
    group = open_group(scratch, vlan=vlan_id(120))
    first, _ = ports_of(scratch, group)
    result_of(edit_port(scratch, first, setting=setting(vlan=vlan_id(7))))
    first, _ = ports_of(scratch, group)

    result_of(edit_port(scratch, first, setting=setting(vlan=inherits())))
    first, _ = ports_of(scratch, group)

    assert (first.config.setting.vlan.vlanId, first.config.setting.vlan.inherited) == (120, True)


@rule(
    call="ReconfigureDVPort_Task",
    says="A port counts its own configVersion; a stale one, or the switch's, fails the task with ConcurrentAccess.",
    standing="observed",
    source="pyvmomi issue 538",
)
def a_port_has_a_version_of_its_own(scratch: Scratch) -> None:
    group = open_group(scratch)
    before, _ = ports_of(scratch, group)
    versions = (group.config.configVersion, scratch.switch.config.configVersion)
    result_of(edit_port(scratch, before, description="one"))
    after, _ = ports_of(scratch, group)

    stale = finish(edit_port(scratch, before, description="two"))

    assert after.config.configVersion != before.config.configVersion
    fault_of(stale, vim.fault.ConcurrentAccess)
    assert ports_of(scratch, group)[0].config.description == "one"
    assert (group.config.configVersion, scratch.switch.config.configVersion) == versions


@rule(
    call="ReconfigureDVPort_Task",
    says="Without a configVersion there is no fence: the port is changed.",
    standing="inferred",
    source=API
    + "DVPortConfigSpec.configVersion is optional and not called required, as those of groups and switches are",
    switch="portNeedsConfigVersion",
)
def a_port_can_be_changed_without_a_version(scratch: Scratch) -> None:
    group = open_group(scratch)
    port, _ = ports_of(scratch, group)

    result_of(edit_port(scratch, port, configVersion=None, description="one"))

    assert ports_of(scratch, group)[0].config.description == "one"


@rule(
    call="ReconfigureDVPort_Task",
    says="An unknown port is NotFound; one port twice in a call is an InvalidArgument.",
    standing="documented",
    source=API + "DistributedVirtualSwitch.ReconfigureDVPort_Task, faults",
)
def ports_have_to_exist_and_be_named_once(scratch: Scratch) -> None:
    group = open_group(scratch)
    spec: Any = vim.dvs.DistributedVirtualPort.ConfigSpec
    twice = [spec(operation="edit", key=group.portKeys[0], description=text) for text in ("one", "two")]

    unknown = scratch.switch.ReconfigureDVPort_Task([spec(operation="edit", key="no-such-port")])
    fault_of(finish(unknown), vim.fault.NotFound)
    fault_of(finish(scratch.switch.ReconfigureDVPort_Task(twice)), vmodl.fault.InvalidArgument)


@rule(
    call="ReconfigureDVPort_Task",
    says="A free port can be removed, one with a connectee is ResourceInUse.",
    standing="documented",
    source=API + "DVPortConfigSpec.operation; ReconfigureDVPort_Task declares ResourceInUse",
)
def only_a_free_port_can_be_removed(scratch: Scratch) -> None:
    group = scratch.port_group(numPorts=2)
    machine_on(scratch, group)
    [held], [free] = ports_of(scratch, group, connected=True), ports_of(scratch, group, connected=False)

    fault_of(finish(edit_port(scratch, held, operation="remove")), vim.fault.ResourceInUse)
    result_of(edit_port(scratch, free, operation="remove"))

    assert list(group.portKeys) == [held.key]


@rule(
    call="ReconfigVM_Task",
    says="portConfigResetAtDisconnect drops a port's own setting when its machine leaves; without it the setting "
    "stays.",
    standing="documented",
    source=API + "DVPortgroupPolicy.portConfigResetAtDisconnect",
)
def a_port_is_reset_when_its_machine_leaves(scratch: Scratch) -> None:
    flags: Any = vim.dvs.VmwareDistributedVirtualSwitch.VMwarePortgroupPolicy
    for resets, left in ((True, 120), (False, 7)):
        policy = flags(vlanOverrideAllowed=True, portConfigResetAtDisconnect=resets)
        group = scratch.port_group(f"resets-{resets}", numPorts=1, vlan=vlan_id(120), policy=policy)
        vm = machine_on(scratch, group, f"machine-{resets}")
        [port] = ports_of(scratch, group)
        result_of(edit_port(scratch, port, setting=setting(vlan=vlan_id(7))))

        result_of(vm.Destroy_Task())
        [port] = ports_of(scratch, group)

        assert port.connectee is None
        assert port.config.setting.vlan.vlanId == left, f"portConfigResetAtDisconnect={resets}"


@rule(
    call="RefreshDVPortState",
    says="Refreshing a port that the switch does not have is NotFound.",
    standing="documented",
    source=API + "DistributedVirtualSwitch.RefreshDVPortState, faults",
)
def only_known_ports_can_be_refreshed(scratch: Scratch) -> None:
    group = scratch.port_group(numPorts=1)
    scratch.switch.RefreshDVPortState(list(group.portKeys))

    refused(vim.fault.NotFound, scratch.switch.RefreshDVPortState, [*group.portKeys, "no-such-port"])


@rule(
    call="DVPortgroupConfigSpec.portNameFormat",
    says="A group's format names its ports: meta tags are replaced, other words in angle brackets stay.",
    standing="documented",
    source=API + "DVPortgroupConfigInfo.portNameFormat",
)
def a_group_names_its_ports(scratch: Scratch) -> None:
    group = scratch.port_group(numPorts=2, portNameFormat="<portgroupName>-<portIndex>-<other>")

    names = {port.config.name for port in ports_of(scratch, group)}

    assert len(names) == 2
    assert all(name.startswith(f"{group.name}-") and name.endswith("-<other>") for name in names)


@rule(
    call="CreateVM_Task",
    says="A NIC can name a port: a free one is taken, with or without its group, a taken one is ResourceInUse, an "
    "unknown "
    "one NotFound.",
    standing="documented",
    source=API + "DistributedVirtualSwitchPortConnection.portKey and .portgroupKey; the faults are inferred",
)
def a_nic_can_name_its_port(scratch: Scratch) -> None:
    group = scratch.port_group(numPorts=3)
    wanted = group.portKeys[-1]

    def create(name: str, **connection: Any) -> Any:
        nic = scratch.nic_on(group)
        nic.backing.port = vim.dvs.PortConnection(switchUuid=scratch.switch.uuid, **connection)
        change = vim.vm.device.VirtualDeviceSpec(operation="add", device=nic)
        return finish(scratch.create(name, deviceChange=[change]))

    first = scratch.keep(create("one", portKey=wanted).result)
    port = scratch.nic(first).backing.port
    assert (port.portKey, port.portgroupKey) == (wanted, group.key)
    fault_of(create("two", portKey=wanted, portgroupKey=group.key), vim.fault.ResourceInUse)
    fault_of(create("two", portKey="no-such-port", portgroupKey=group.key), vim.fault.NotFound)
    second = scratch.keep(create("two", portKey=group.portKeys[0], portgroupKey=group.key).result)
    assert scratch.nic(second).backing.port.portKey == group.portKeys[0]


@rule(
    call="DVPortgroupConfigSpec.scope",
    says="A scope selects who may connect: an entity outside of it is refused with DvsScopeViolated, and FetchDVPorts "
    "finds the ports whose scope covers an entity.",
    standing="documented",
    source=API + "DVPortgroupConfigInfo.scope, DvsScopeViolated, DistributedVirtualSwitchPortCriteria.scope",
)
def a_scope_keeps_others_out(scratch: Scratch) -> None:
    inside = scratch.port_group("inside", numPorts=1, scope=[scratch.datacenter])
    outside = scratch.port_group("outside", numPorts=1, scope=[scratch.datacenter.datastoreFolder])
    vm = machine_on(scratch, inside)

    assert ports_of(scratch, inside, scope=vm)
    assert not ports_of(scratch, outside, scope=vm)
    change = vim.vm.device.VirtualDeviceSpec(operation="add", device=scratch.nic_on(outside))
    fault_of(finish(scratch.create("other", deviceChange=[change])), vim.fault.DvsScopeViolated)


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="An ephemeral group that becomes static has as many ports as NICs, and a machine that is off gets one.",
    standing="inferred",
    source="API reference, DistributedVirtualPortgroupPortgroupType.earlyBinding: a static port is held while off",
)
def a_group_becomes_static(scratch: Scratch) -> None:
    group = scratch.port_group(type="ephemeral")
    vm = machine_on(scratch, group)
    assert ports_of(scratch, group) == []

    result_of(scratch.reconfigure(group, type="earlyBinding"))

    (port,) = ports_of(scratch, group)
    assert group.config.numPorts == 1
    assert port.connectee.connectedEntity == vm
    assert scratch.nic(vm).backing.port.portKey == port.key
