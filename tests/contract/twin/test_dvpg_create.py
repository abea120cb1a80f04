"""Creating distributed port groups: defaults, inheritance, names and what is refused."""

import pytest
from pyVmomi import vim, vmodl

from bed.lab import Lab, fault_of, mac_management, trunk, vlan_id
from bed.soap import find, finish, result_of


def test_a_new_group_starts_with_what_its_switch_has(lab: Lab) -> None:
    group = lab.port_group("lab")
    setting = group.config.defaultPortConfig

    assert setting.vlan.inherited
    assert setting.vlan.vlanId == 0
    assert setting.macManagementPolicy.inherited
    assert setting.securityPolicy.inherited
    learning = setting.macManagementPolicy.macLearningPolicy
    assert (learning.enabled, learning.allowUnicastFlooding, learning.limit, learning.limitPolicy) == (
        False, False, 4096, "allow",
    )  # fmt: skip
    assert group.config.type == "earlyBinding"
    assert group.config.autoExpand
    assert group.config.configVersion
    assert group.config.backingType == "standard"


def test_create_returns_the_group_and_add_returns_nothing(lab: Lab) -> None:
    created = result_of(lab.switch.CreateDVPortgroup_Task(lab.group_spec("one", numPorts=4)))
    added = result_of(lab.switch.AddDVPortgroup_Task([lab.group_spec("two"), lab.group_spec("three")]))

    assert created.name == created.config.name == "one"
    assert added is None
    assert {group.name for group in lab.switch.portgroup} >= {"one", "two", "three"}
    assert set(lab.switch.summary.portgroupName) >= {"one", "two", "three"}


def test_port_keys_are_unique_on_the_switch(lab: Lab) -> None:
    one, two = lab.port_group("one", numPorts=4), lab.port_group("two", numPorts=4)

    assert len(one.portKeys) == len(two.portKeys) == 4
    assert not set(one.portKeys) & set(two.portKeys)


def test_one_call_sets_learning_vlan_and_description(lab: Lab) -> None:
    learning = {"enabled": True, "allowUnicastFlooding": True, "limit": 4096, "limitPolicy": "DROP"}
    mac = mac_management(allowPromiscuous=False, forgedTransmits=True, macChanges=False, learning=learning)
    group = lab.port_group("lab", vlan=vlan_id(120), mac=mac, description="mark")
    setting = group.config.defaultPortConfig

    assert setting.vlan.vlanId == 120
    assert not setting.macManagementPolicy.inherited
    assert setting.macManagementPolicy.macLearningPolicy.limitPolicy == "drop"
    assert setting.securityPolicy.forgedTransmits.value
    assert group.config.description == "mark"


def test_every_host_of_the_switch_lists_the_new_group(lab: Lab) -> None:
    group = lab.port_group("lab")

    assert {str(host) for host in group.host} == {str(host) for host in lab.switch.summary.hostMember}
    assert all(str(group) in {str(n) for n in host.network} for host in group.host)
    assert str(group) in {str(network) for network in lab.datacenter.network}


@pytest.mark.parametrize("name", ["lab", "LAB", "DVS0", "VM Network"])
def test_a_taken_name_is_refused_whatever_its_case_and_kind(lab: Lab, name: str) -> None:
    lab.port_group("lab")

    fault = fault_of(finish(lab.switch.CreateDVPortgroup_Task(lab.group_spec(name))), vim.fault.DuplicateName)

    assert fault.name == name
    assert fault.object.name.lower() == name.lower()
    assert fault.msg == f"The name '{name}' already exists."


@pytest.mark.parametrize("name", ["", "x" * 81, "/" * 27])
def test_a_name_is_limited_to_80_characters_after_escaping(lab: Lab, name: str) -> None:
    fault_of(finish(lab.switch.CreateDVPortgroup_Task(lab.group_spec(name))), vim.fault.InvalidName)


def test_slashes_in_a_name_read_back_escaped(lab: Lab) -> None:
    group = lab.port_group("a/b\\c%d")

    assert group.name == "a%2fb%5cc%25d"


@pytest.mark.parametrize(
    ("vlan", "accepted"),
    [
        (vlan_id(0), True),
        (vlan_id(4094), True),
        (vlan_id(4095), False),
        (vlan_id(-1), False),
        (trunk((0, 4094)), True),
        (trunk((1, 10), (20, 30)), True),
        (trunk((10, 1)), False),
        (trunk((1, 4095)), False),
    ],
)
def test_vlan_ids_end_at_4094(lab: Lab, vlan: vim.dvs.VmwareDistributedVirtualSwitch.VlanSpec, accepted: bool) -> None:
    info = finish(lab.switch.CreateDVPortgroup_Task(lab.group_spec("lab", vlan=vlan)))

    if accepted:
        assert info.error is None
    else:
        assert isinstance(info.error, vmodl.fault.InvalidArgument)
        assert info.error.invalidProperty == "spec.defaultPortConfig.vlan.vlanId"


def test_nothing_is_created_when_one_of_several_specs_is_bad(lab: Lab) -> None:
    specs = [lab.group_spec("good"), lab.group_spec("bad", vlan=vlan_id(5000))]

    assert finish(lab.switch.AddDVPortgroup_Task(specs)).error is not None
    with pytest.raises(LookupError):
        find(lab.instance, vim.dvs.DistributedVirtualPortgroup, "good")


def test_inherited_values_in_a_spec_are_dropped_without_a_word(lab: Lab) -> None:
    group = lab.port_group("lab", vlan=vlan_id(120, inherited=True))

    assert group.config.defaultPortConfig.vlan.inherited
    assert group.config.defaultPortConfig.vlan.vlanId == 0
