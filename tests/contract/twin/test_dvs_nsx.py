"""Port groups that NSX made: vCenter shows them, machines use them, and clients leave them alone."""

from typing import Any

from pyVmomi import vim, vmodl

from bed.lab import Lab
from bed.soap import find, finish, result_of
from verify.rule import rule
from verify.scratch import fault_of, vlan_id
from verify.switching import machine_on

API = "vSphere API reference, "


def nsx_group(lab: Lab) -> Any:
    """Return a port group that NSX made."""
    lab.twin.control.nsx_port_group("DVS0", "segment", segment_id="69632")
    return find(lab.instance, vim.dvs.DistributedVirtualPortgroup, "segment")


@rule(
    call="DVPortgroupConfigInfo.backingType",
    says="A group that NSX made says so, with its logical switch and segment; machines connect to it as to any other.",
    standing="documented",
    source=API + "DVPortgroupConfigInfo.backingType, .logicalSwitchUuid, .segmentId",
)
def test_a_group_of_nsx_says_so(lab: Lab) -> None:
    group = nsx_group(lab)
    vm = machine_on(lab, group)
    result_of(vm.PowerOnVM_Task())

    assert group.config.backingType == "nsx"
    assert group.config.segmentId == "69632"
    assert group.config.logicalSwitchUuid
    ports = lab.switch.FetchDVPorts(vim.dvs.PortCriteria(nsxPort=True))
    assert [str(port.connectee.connectedEntity) for port in ports] == [str(vm)]


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="A client can neither reconfigure, rename nor delete a group that NSX made, nor change its ports: "
    "NotSupported.",
    standing="inferred",
    source="no source found for the fault; NSX's documentation has its segments managed in NSX",
)
def test_a_group_of_nsx_is_left_to_nsx(lab: Lab) -> None:
    group = nsx_group(lab)
    vm = machine_on(lab, group)
    result_of(vm.PowerOnVM_Task())
    [key] = group.portKeys
    port = vim.dvs.DistributedVirtualPort.ConfigSpec(operation="edit", key=key, description="mine")

    for task in (
        lab.reconfigure(group, vlan=vlan_id(7)),
        group.Rename_Task("mine"),
        group.Destroy_Task(),
        lab.switch.ReconfigureDVPort_Task([port]),
    ):
        fault_of(finish(task), vmodl.fault.NotSupported)
    assert (group.name, group.config.defaultPortConfig.vlan.inherited) == ("segment", True)


@rule(
    call="CreateDVPortgroup_Task",
    says="A client cannot make a group with backingType nsx: NotSupported.",
    standing="inferred",
    source="no source found; NSX makes these groups",
)
def test_a_client_cannot_make_a_group_of_nsx(lab: Lab) -> None:
    spec = lab.group_spec("mine", backingType="nsx")

    fault_of(finish(lab.switch.CreateDVPortgroup_Task(spec)), vmodl.fault.NotSupported)
