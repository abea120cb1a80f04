"""What pyVmomi delivers becomes the records of the domain, also where half of it is unset."""

from typing import Any

import pytest
from pyVmomi import vim

from nested_hyperv.domain.errors import Concurrent
from nested_hyperv.domain.inventory import MoRef, PortGroup, PrivateVlan, Task, TaskState, Trunk, VirtualMachine
from nested_hyperv.vsphere.projection import (
    WATCHED_TYPES,
    adapters_of,
    build,
    detail_of,
    fields_of,
    mac_learning_supported,
    paths_of,
    update,
)
from nested_hyperv.vsphere.refs import displayed, escaped, managed, moref

DVS = vim.dvs.VmwareDistributedVirtualSwitch
VM = MoRef("VirtualMachine", "vm-1")
PG = MoRef("DistributedVirtualPortgroup", "dvportgroup-1")
TASK = MoRef("Task", "task-1")


def machine(**changes: Any) -> VirtualMachine:
    record = build(VM, fields_of("VirtualMachine", {path.replace("__", "."): to for path, to in changes.items()}))
    assert isinstance(record, VirtualMachine)
    return record


@pytest.mark.parametrize("kind", WATCHED_TYPES)
def test_every_watched_path_exists_in_the_api(kind: str) -> None:
    # A path that the server does not know fails the whole filter with InvalidProperty.
    for path in paths_of(kind, (99,)):
        at: Any = type(managed(MoRef(kind, "x"), None))
        for step in path.split("."):
            found = next((info for info in at._GetPropertyList() if info.name == step), None)  # noqa: SLF001
            assert found is not None, path
            at = found.type


def test_paths_of_newer_releases_are_not_asked_of_older_servers() -> None:
    assert "config.backingType" in paths_of("DistributedVirtualPortgroup", (7, 0))
    assert "config.backingType" not in paths_of("DistributedVirtualPortgroup", (6, 7, 3))


def test_a_machine_without_configuration_is_told_from_one_with_defaults() -> None:
    inaccessible = machine(name="hv1", runtime__connectionState="inaccessible")
    assert not inaccessible.config_available
    assert machine(config__changeVersion="v1").config_available


def test_a_machine_that_becomes_inaccessible_loses_its_whole_configuration() -> None:
    before = machine(name="hv1", config__changeVersion="v1", config__nestedHVEnabled=True, config__hardware__numCPU=4)
    after = update(before, fields_of("VirtualMachine", {"config": None, "runtime.connectionState": "inaccessible"}))
    assert isinstance(after, VirtualMachine)
    assert (after.config_available, after.nested_hv, after.cpus, after.name) == (False, False, 0, "hv1")


def test_a_change_of_one_path_leaves_the_other_fields_alone() -> None:
    before = machine(
        name="hv1", config__changeVersion="v1", runtime__powerState="poweredOff", config__hardware__numCPU=4
    )
    after = update(before, fields_of("VirtualMachine", {"runtime.powerState": "poweredOn"}))
    assert isinstance(after, VirtualMachine)
    assert (after.power_state, after.cpus, after.change_version) == ("poweredOn", 4, "v1")


def test_escaped_names_are_shown_as_people_write_them() -> None:
    assert machine(name="a%2fb%5Cc%25d").name == "a/b\\c%d"
    assert displayed(escaped("50%/x\\y")) == "50%/x\\y"


def port_config(**policies: Any) -> PortGroup:
    config = DVS.VmwarePortConfigPolicy(**policies)
    record = build(PG, fields_of("DistributedVirtualPortgroup", {"config.defaultPortConfig": config}))
    assert isinstance(record, PortGroup)
    return record


def test_the_mac_policy_of_a_port_group_is_read_with_its_enum_in_lower_case() -> None:
    learning = DVS.MacLearningPolicy(
        inherited=False, enabled=True, allowUnicastFlooding=True, limit=4096, limitPolicy="DROP"
    )
    policy = DVS.MacManagementPolicy(
        inherited=True, allowPromiscuous=False, macChanges=False, forgedTransmits=True, macLearningPolicy=learning
    )
    record = port_config(macManagementPolicy=policy)
    assert record.mac_management is not None
    assert record.mac_management.inherited
    assert record.mac_management.forged_transmits
    assert record.mac_management.learning.limit_policy == "drop"
    assert record.security is None


def test_a_security_flag_that_is_inherited_makes_the_block_inherited() -> None:
    security = DVS.SecurityPolicy(
        inherited=False,
        allowPromiscuous=vim.BoolPolicy(inherited=False, value=True),
        macChanges=vim.BoolPolicy(inherited=True, value=False),
        forgedTransmits=vim.BoolPolicy(inherited=False, value=True),
    )
    record = port_config(securityPolicy=security)
    assert record.security is not None
    assert (record.security.allow_promiscuous, record.security.inherited) == (True, True)
    assert record.security.inherited_fields == ("macChanges",)


@pytest.mark.parametrize(
    ("vlan", "expected"),
    [
        (DVS.VlanIdSpec(inherited=False, vlanId=120), 120),
        (DVS.VlanIdSpec(inherited=False, vlanId=0), 0),
        (
            DVS.TrunkVlanSpec(
                inherited=False, vlanId=[vim.NumericRange(start=9, end=9), vim.NumericRange(start=1, end=8)]
            ),
            Trunk(((1, 9),)),
        ),
        (DVS.PvlanSpec(inherited=False, pvlanId=5), PrivateVlan(5)),
    ],
)
def test_each_kind_of_vlan_is_told_from_the_others(vlan: object, expected: object) -> None:
    assert port_config(vlan=vlan).vlan == expected


@pytest.mark.parametrize(("value", "expected"), [(True, True), (False, False), (None, None)])
def test_a_switch_that_does_not_say_whether_it_learns_is_told_from_one_that_says_no(
    value: bool | None, expected: bool | None
) -> None:
    assert mac_learning_supported(DVS.FeatureCapability(macLearningSupported=value)) is expected


def test_adapters_come_in_the_order_of_their_slots_with_what_they_are_attached_to() -> None:
    port = vim.dvs.PortConnection(switchUuid="uuid-1", portgroupKey="dvportgroup-1", portKey="7")
    late = vim.vm.device.VirtualVmxnet3(
        key=4000,
        controllerKey=100,
        unitNumber=9,
        macAddress="00:50:56:AB:CD:EF",
        backing=vim.vm.device.VirtualEthernetCard.DistributedVirtualPortBackingInfo(port=port),
        connectable=vim.vm.device.VirtualDevice.ConnectInfo(connected=True, startConnected=True),
    )
    early = vim.vm.device.VirtualE1000(
        key=4001,
        controllerKey=100,
        unitNumber=7,
        backing=vim.vm.device.VirtualEthernetCard.NetworkBackingInfo(deviceName="VM Network"),
    )
    first, second = adapters_of([late, vim.vm.device.VirtualDisk(key=2000), early])
    assert (first.key, first.kind, first.network, first.switch_uuid, first.connected) == (
        4001, "e1000", "VM Network", None, False,
    )  # fmt: skip
    assert (second.key, second.kind, second.network, second.switch_uuid, second.mac_address, second.connected) == (
        4000, "vmxnet3", "dvportgroup-1", "uuid-1", "00:50:56:ab:cd:ef", True,
    )  # fmt: skip


def test_the_mark_is_found_among_the_other_options() -> None:
    options = [vim.option.OptionValue(key="other", value="x"), vim.option.OptionValue(key="mark", value="ours")]
    assert detail_of("v1", {"config.extraConfig": options}, "mark").mark == "ours"
    assert detail_of("v1", {}, "mark").mark == ""


def task(**info: Any) -> Task:
    record = build(TASK, fields_of("Task", {f"info.{name}": value for name, value in info.items()}, "vc.lab"))
    assert isinstance(record, Task)
    return record


def test_a_task_brings_its_result_or_its_translated_error() -> None:
    created = task(state="success", result=vim.VirtualMachine("vm-9"))
    assert (created.state, created.result) == (TaskState.SUCCESS, MoRef("VirtualMachine", "vm-9"))
    failed = task(state="error", error=vim.fault.ConcurrentAccess())
    assert isinstance(failed.error, Concurrent)
    assert task(state="error").error is not None
    assert task(state="running", progress=40).progress == 40


def test_a_power_task_that_finds_its_work_done_has_succeeded() -> None:
    same = vim.fault.InvalidPowerState(requestedState="poweredOn", existingState="poweredOn")
    assert task(state="error", error=same).state is TaskState.SUCCESS
    other = vim.fault.InvalidPowerState(requestedState="poweredOff", existingState="poweredOn")
    assert task(state="error", error=other).state is TaskState.ERROR


def test_references_survive_the_way_to_pyvmomi_and_back() -> None:
    for ref in (VM, PG, TASK, MoRef("VmwareDistributedVirtualSwitch", "dvs-8")):
        assert moref(managed(ref, None)) == ref
