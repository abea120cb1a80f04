"""Distributed switches: creating, reconfiguring and who is a member."""

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.lab import Lab, fault_of
from bed.soap import finish, moid, result_of

Switch = vim.dvs.VmwareDistributedVirtualSwitch


def create(lab: Lab, name: str = "second", *, version: str | None = None, **members: Any) -> Any:
    """Start the creation of a switch beside the model's own."""
    spec = vim.DistributedVirtualSwitch.CreateSpec(configSpec=Switch.ConfigSpec(name=name, **members))
    if version is not None:
        spec.productInfo = vim.dvs.ProductSpec(version=version)
    return lab.datacenter.networkFolder.CreateDVS_Task(spec)


def test_a_new_switch_has_an_uplink_group_and_can_learn(lab: Lab) -> None:
    hosts = lab.switch.summary.hostMember
    members = [vim.dvs.HostMember.ConfigSpec(operation="add", host=host) for host in hosts]

    switch = result_of(create(lab, host=members, maxMtu=9000))

    assert str(switch).startswith("'vim.dvs.VmwareDistributedVirtualSwitch:")
    [uplinks] = switch.config.uplinkPortgroup
    assert uplinks.config.uplink
    assert (switch.name, switch.config.maxMtu) == ("second", 9000)
    assert switch.capability.featuresSupported.macLearningSupported
    assert {moid(host) for host in switch.summary.hostMember} == {moid(host) for host in hosts}
    group = result_of(switch.CreateDVPortgroup_Task(vim.dvs.DistributedVirtualPortgroup.ConfigSpec(name="on-second")))
    lab.attach(lab.vm(), group)
    assert [moid(vm) for vm in group.vm] == [moid(lab.vm())]


def test_a_switch_of_an_old_version_cannot_learn(lab: Lab) -> None:
    switch = result_of(create(lab, version="6.5.0"))

    assert switch.config.productInfo.version == "6.5.0"
    assert not switch.capability.featuresSupported.macLearningSupported


@pytest.mark.parametrize("name", ["DVS0", "dvs0", ""])
def test_a_switch_needs_a_free_name(lab: Lab, name: str) -> None:
    fault_of(finish(create(lab, name)), vim.fault.InvalidName if name == "" else vim.fault.DuplicateName)


def test_an_unknown_version_is_refused(lab: Lab) -> None:
    assert isinstance(fault_of(finish(create(lab, version="5.0.0"))), vim.fault.DvsFault)


def test_a_reconfigure_needs_the_version_of_the_switch(lab: Lab) -> None:
    stale = finish(lab.switch.ReconfigureDvs_Task(Switch.ConfigSpec(configVersion="nope", maxMtu=9000)))
    version = lab.switch.config.configVersion
    bad = finish(lab.switch.ReconfigureDvs_Task(Switch.ConfigSpec(configVersion=version, maxMtu=100)))
    result_of(lab.switch.ReconfigureDvs_Task(Switch.ConfigSpec(configVersion=version, maxMtu=9000)))

    assert isinstance(fault_of(stale), vim.fault.ConcurrentAccess)
    assert isinstance(fault_of(bad), vmodl.fault.InvalidArgument)
    assert lab.switch.config.maxMtu == 9000
    assert lab.switch.config.configVersion != version


def test_a_host_that_leaves_takes_no_part_in_the_groups(lab: Lab) -> None:
    group = lab.port_group("lab")
    host = next(h for h in lab.switch.summary.hostMember if not h.vm)
    member = vim.dvs.HostMember.ConfigSpec(operation="remove", host=host)

    result_of(
        lab.switch.ReconfigureDvs_Task(Switch.ConfigSpec(configVersion=lab.switch.config.configVersion, host=[member]))
    )

    assert moid(host) not in {moid(other) for other in group.host}
    assert moid(group) not in {moid(network) for network in host.network}
    again = vim.dvs.HostMember.ConfigSpec(operation="remove", host=host)
    spec = Switch.ConfigSpec(configVersion=lab.switch.config.configVersion, host=[again])
    assert isinstance(fault_of(finish(lab.switch.ReconfigureDvs_Task(spec))), vim.fault.NotFound)


def test_a_renamed_switch_has_one_name(lab: Lab) -> None:
    switch = lab.switch

    result_of(switch.Rename_Task("renamed"))

    assert (switch.name, switch.config.name, switch.summary.name) == ("renamed", "renamed", "renamed")


def test_an_empty_switch_goes_with_its_groups(lab: Lab) -> None:
    switch = result_of(create(lab))
    group = result_of(switch.CreateDVPortgroup_Task(vim.dvs.DistributedVirtualPortgroup.ConfigSpec(name="gone")))

    result_of(switch.Destroy_Task())

    for dead in (switch, group):
        with pytest.raises(vmodl.fault.ManagedObjectNotFound):
            _ = dead.name
