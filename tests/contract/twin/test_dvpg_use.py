"""Who uses a distributed port group: back references, ports, and what keeps it from being deleted."""

import pytest
from pyVmomi import vim, vmodl

from bed.lab import Lab, fault_of
from bed.soap import finish, result_of


def users(group: vim.dvs.DistributedVirtualPortgroup) -> set[str]:
    """Return the ids of the machines that a group lists."""
    return {str(vm) for vm in group.vm}


def test_attaching_shows_on_both_sides(lab: Lab) -> None:
    group, vm = lab.port_group("lab"), lab.vm()
    before = vm.network[0]

    lab.attach(vm, group)

    assert users(group) == {str(vm)}
    assert [str(network) for network in vm.network] == [str(group)]
    assert str(vm) not in {str(other) for other in before.vm}


def test_a_static_port_is_held_while_the_machine_is_off(lab: Lab) -> None:
    group, vm = lab.port_group("lab", numPorts=1), lab.vm_off()
    lab.attach(vm, group)
    port = lab.nic(vm).backing.port

    criteria = vim.dvs.PortCriteria(portgroupKey=[group.key], inside=True, connected=True)
    [held] = lab.switch.FetchDVPorts(criteria)

    assert port.portKey == held.key
    assert held.connectee.type == "vmVnic"
    assert str(held.connectee.connectedEntity) == str(vm)
    assert held.config.setting.macManagementPolicy is not None


def test_an_expanding_group_never_runs_out_of_ports(lab: Lab) -> None:
    group = lab.port_group("lab", numPorts=1)
    for name in ("DC0_C0_RP0_VM0", "DC0_C0_RP0_VM1"):
        lab.attach(lab.vm(name), group)

    assert len(group.portKeys) == 2


def test_a_fixed_group_runs_out_of_ports(lab: Lab) -> None:
    group = lab.port_group("lab", numPorts=1, autoExpand=False)
    lab.attach(lab.vm(), group)

    with pytest.raises(vim.fault.ResourceNotAvailable):
        lab.attach(lab.vm("DC0_C0_RP0_VM1"), group)
    assert len(users(group)) == 1


def test_an_ephemeral_port_exists_only_while_the_machine_is_on(lab: Lab) -> None:
    group, vm = lab.port_group("lab", type="ephemeral"), lab.vm_off()
    lab.attach(vm, group)
    assert not group.portKeys

    result_of(vm.PowerOnVM_Task())
    assert len(group.portKeys) == 1
    result_of(vm.PowerOffVM_Task())

    assert not group.portKeys
    assert users(group) == {str(vm)}


@pytest.mark.parametrize("kind", ["on", "off", "template"])
def test_a_group_in_use_cannot_be_deleted(lab: Lab, kind: str) -> None:
    group, vm = lab.port_group("lab"), lab.vm()
    lab.attach(vm, group)
    if kind != "on":
        result_of(vm.PowerOffVM_Task())
    if kind == "template":
        vm.MarkAsTemplate()

    fault = fault_of(finish(group.Destroy_Task()), vim.fault.ResourceInUse)

    assert fault.name == "lab"
    assert fault.msg == "The resource 'lab' is in use."
    assert users(group) == {str(vm)}


def test_a_group_that_nobody_uses_goes_and_takes_every_reference_along(lab: Lab) -> None:
    group, vm, other = lab.port_group("lab"), lab.vm(), lab.port_group("other")
    lab.attach(vm, group)
    lab.attach(vm, other)

    result_of(group.Destroy_Task())

    assert str(group) not in {str(g) for g in lab.switch.portgroup}
    assert str(group) not in {str(n) for n in lab.datacenter.network}
    assert all(str(group) not in {str(n) for n in host.network} for host in lab.switch.summary.hostMember)
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        _ = group.name


def test_deleting_a_machine_frees_its_port(lab: Lab) -> None:
    group, vm = lab.port_group("lab"), lab.vm_off()
    lab.attach(vm, group)

    result_of(vm.Destroy_Task())

    assert users(group) == set()
    result_of(group.Destroy_Task())


def test_the_uplink_group_belongs_to_the_switch(lab: Lab) -> None:
    [uplinks] = lab.switch.config.uplinkPortgroup

    assert uplinks.config.uplink
    assert isinstance(fault_of(finish(uplinks.Destroy_Task())), vim.fault.ResourceInUse)


def test_a_switch_in_use_cannot_be_deleted(lab: Lab) -> None:
    assert isinstance(fault_of(finish(lab.switch.Destroy_Task())), vim.fault.ResourceInUse)


def test_a_host_with_machines_on_the_switch_cannot_leave_it(lab: Lab) -> None:
    host = lab.vm().runtime.host
    member = vim.dvs.HostMember.ConfigSpec(operation="remove", host=host)
    spec = vim.dvs.VmwareDistributedVirtualSwitch.ConfigSpec(
        configVersion=lab.switch.config.configVersion, host=[member]
    )

    assert isinstance(fault_of(finish(lab.switch.ReconfigureDvs_Task(spec))), vim.fault.ResourceInUse)


def test_the_switch_manager_tells_which_versions_learn(lab: Lab) -> None:
    manager = lab.content.dvSwitchManager
    versions = {spec.version for spec in manager.QueryAvailableDvsSpec()}

    assert {"6.5.0", "6.6.0", "8.0.3"} <= versions
    for version, learns in (("6.5.0", False), ("6.6.0", True), ("8.0.3", True)):
        product = vim.dvs.ProductSpec(version=version)
        assert manager.QueryDvsFeatureCapability(product).macLearningSupported is learns
    assert str(manager.QueryDvsByUuid(lab.switch.uuid)) == str(lab.switch)
