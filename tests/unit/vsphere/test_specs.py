"""Specs hold what changes and nothing else, as it goes over the wire."""

import pytest
from pyVmomi import SoapAdapter, vim

from nested_hyperv.domain.inventory import (
    CloneRequest,
    MacLearningPolicy,
    MacManagementPolicy,
    MoRef,
    Network,
    NetworkAdapterEdit,
    Placement,
    PortGroupSettings,
    SecurityPolicy,
    VirtualMachineSettings,
)
from nested_hyperv.vsphere.specs import clone_spec, machine_changes, port_group_changes, port_group_creation

LEARNING = MacManagementPolicy(
    allow_promiscuous=False,
    mac_changes=False,
    forged_transmits=True,
    learning=MacLearningPolicy(enabled=True, allow_unicast_flooding=True, limit=4096, limit_policy="drop"),
)
LAB = Network(
    MoRef("DistributedVirtualPortgroup", "dvportgroup-1"), "lab", "/dc/network/lab", "dvportgroup-1", "uuid-1"
)
PLAIN = Network(MoRef("Network", "network-1"), "VM Network", "/dc/network/VM Network", None, None)


def wire(spec: object) -> str:
    """What pyVmomi sends."""
    return bytes(SoapAdapter.Serialize(spec, version="vim.version.v8_0_3_0")).decode()


def members(spec: object) -> set[str]:
    """The members of a data object that are set."""
    return {name for name, value in vars(spec).items() if value not in (None, [])}


def test_a_new_port_group_carries_everything_in_one_spec() -> None:
    spec = port_group_creation(PortGroupSettings(name="lab", description="mark", vlan=120, mac_management=LEARNING))
    assert (spec.name, spec.description, spec.type, spec.numPorts, spec.autoExpand) == (
        "lab", "mark", "earlyBinding", 8, True,
    )  # fmt: skip
    assert (spec.defaultPortConfig.vlan.vlanId, spec.defaultPortConfig.vlan.inherited) == (120, False)
    assert spec.configVersion is None


def test_the_mac_policy_is_always_complete_and_never_inherited() -> None:
    policy = port_group_changes(PortGroupSettings(mac_management=LEARNING), "7").defaultPortConfig.macManagementPolicy
    for block in (policy, policy.macLearningPolicy):
        assert {name for name, value in vars(block).items() if value is None} <= {"dynamicType"}
        assert block.inherited is False


def test_a_change_of_a_port_group_holds_only_what_changes() -> None:
    spec = port_group_changes(PortGroupSettings(vlan=0), "7")
    assert members(spec) - {"dynamicProperty"} == {"configVersion", "defaultPortConfig"}
    text = wire(spec)
    assert "<vlanId>0</vlanId>" in text
    assert "macManagementPolicy" not in text
    assert "securityPolicy" not in text


def test_a_change_of_the_description_leaves_the_port_configuration_out() -> None:
    assert "defaultPortConfig" not in wire(port_group_changes(PortGroupSettings(description="x"), "7"))


def test_the_old_security_block_says_for_each_flag_that_it_is_not_inherited() -> None:
    spec = port_group_changes(PortGroupSettings(security=SecurityPolicy(True, False, True)), "7")
    security = spec.defaultPortConfig.securityPolicy
    for flag, value in (
        (security.allowPromiscuous, True),
        (security.macChanges, False),
        (security.forgedTransmits, True),
    ):
        assert (flag.value, flag.inherited) == (value, False)


def test_a_name_with_a_slash_is_written_as_the_inventory_keeps_it() -> None:
    assert port_group_creation(PortGroupSettings(name="a/b%c")).name == "a%2fb%25c"


def test_an_empty_change_of_a_machine_sends_no_sub_object() -> None:
    # A template rejects even an empty <tools/> or <bootOptions/>.
    assert members(machine_changes(VirtualMachineSettings(), {})) - {"dynamicProperty"} == set()


def test_a_change_of_a_machine_holds_only_what_changes_and_its_fence() -> None:
    spec = machine_changes(VirtualMachineSettings(nested_hv=True, cpus=4), {}, change_version="v1")
    assert members(spec) - {"dynamicProperty"} == {"changeVersion", "nestedHVEnabled", "numCPUs"}


def test_secure_boot_is_set_without_touching_other_boot_options() -> None:
    text = wire(machine_changes(VirtualMachineSettings(secure_boot=False), {}))
    assert "<bootOptions><efiSecureBootEnabled>false</efiSecureBootEnabled></bootOptions>" in text


def test_a_new_adapter_is_a_vmxnet3_on_the_port_group_by_key() -> None:
    settings = VirtualMachineSettings(adapters=(NetworkAdapterEdit(None, LAB), NetworkAdapterEdit(None, PLAIN)))
    first, second = machine_changes(settings, {}).deviceChange
    assert isinstance(first.device, vim.vm.device.VirtualVmxnet3)
    text = wire(first)
    assert "<portgroupKey>dvportgroup-1</portgroupKey>" in text
    assert "<switchUuid>uuid-1</switchUuid>" in text
    assert "<deviceName>VM Network</deviceName>" in wire(second)
    assert first.device.key != second.device.key


def test_a_moved_adapter_keeps_its_type_and_address() -> None:
    card = vim.vm.device.VirtualE1000e(key=4000, macAddress="00:50:56:00:00:01", addressType="assigned")
    settings = VirtualMachineSettings(adapters=(NetworkAdapterEdit(4000, LAB),))
    change = machine_changes(settings, {4000: card}).deviceChange[0]
    assert change.operation == "edit"
    assert (type(change.device), change.device.macAddress) == (vim.vm.device.VirtualE1000e, "00:50:56:00:00:01")
    assert change.device.backing.port.portgroupKey == "dvportgroup-1"
    assert (change.device.connectable.connected, change.device.connectable.startConnected) == (True, True)


def test_a_removed_adapter_is_named_by_its_device() -> None:
    card = vim.vm.device.VirtualVmxnet3(key=4001)
    change = machine_changes(VirtualMachineSettings(adapters=(NetworkAdapterEdit(4001, None),)), {4001: card})
    assert (change.deviceChange[0].operation, change.deviceChange[0].device.key) == ("remove", 4001)


@pytest.mark.parametrize("host", [None, MoRef("HostSystem", "host-1")])
def test_a_clone_carries_place_identity_and_mark_and_stays_off(host: MoRef | None) -> None:
    placement = Placement(
        datacenter=MoRef("Datacenter", "datacenter-1"),
        folder=MoRef("Folder", "group-v1"),
        pool=MoRef("ResourcePool", "resgroup-1"),
        compute=MoRef("ClusterComputeResource", "domain-c1"),
        host=host,
        datastore=MoRef("Datastore", "datastore-1"),
        hosts=(),
        paths=(),
    )
    template = MoRef("VirtualMachine", "vm-1")
    settings = VirtualMachineSettings(mark="the mark", nested_hv=True)
    spec = clone_spec(CloneRequest(template, "hv1", placement, "uuid-9", settings), {})
    assert (spec.powerOn, spec.template, spec.config.instanceUuid, spec.config.nestedHVEnabled) == (
        False, False, "uuid-9", True,
    )  # fmt: skip
    assert [(option.key, option.value) for option in spec.config.extraConfig] == [("nestedhv.io/owner", "the mark")]
    assert (spec.location.host is None) == (host is None)
    assert spec.config.changeVersion is None
