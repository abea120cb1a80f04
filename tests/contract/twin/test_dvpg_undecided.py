"""Port groups and ports under the other reading of what nobody has settled: each switch of the twin, turned round."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from pyVmomi import vim

from bed.soap import finish, result_of
from verify.rule import rule
from verify.scratch import fault_of, mac_management
from verify.switching import edit_port, machine_on, open_group, ports_of, reconfigure_switch

if TYPE_CHECKING:
    from bed.lab import Lab


@pytest.fixture(scope="module")
def shared_lab() -> Iterator["Lab"]:
    """An administrator's login on a twin of this module."""
    from bed.lab import Lab
    from bed.soap import connect
    from bed.twin import Twin

    with Twin() as twin, connect(twin) as instance:
        yield Lab(twin, instance)


@pytest.fixture
def lab(shared_lab: "Lab") -> Iterator["Lab"]:
    """The module's login; what a test made and turned round is put back."""
    before = shared_lab.twin.control.rules()
    yield shared_lab
    shared_lab.clean()
    shared_lab.twin.control.rules(**before)


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="Under the other reading a leaf that is left out of macManagementPolicy goes back to the product's default.",
    standing="inferred",
    source="no source found; the reference only asks for the policy's members when inherited is false",
    switch="macManagementLeaves",
)
def test_a_leaf_left_out_is_reset_under_the_other_reading(lab: "Lab") -> None:
    lab.twin.control.rules(macManagementLeaves="reset")
    learning = {"enabled": True, "allowUnicastFlooding": True, "limit": 100, "limitPolicy": "drop"}
    group = lab.port_group(mac=mac_management(forgedTransmits=True, learning=learning))

    result_of(lab.reconfigure(group, mac=mac_management(learning={"enabled": False})))
    policy = group.config.defaultPortConfig.macManagementPolicy

    assert (policy.macLearningPolicy.limit, policy.macLearningPolicy.limitPolicy) == (4096, "allow")
    assert not policy.forgedTransmits


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="Under the other reading a stale version is refused by the call itself, for groups and for switches.",
    standing="inferred",
    source="vSphere API reference: ConcurrentAccess is declared on the method",
    switch="concurrentAccessInTask",
)
def test_a_stale_version_is_refused_by_the_call_under_the_other_reading(lab: "Lab") -> None:
    group, switch = lab.port_group(), lab.switch
    before = len(group.recentTask), len(switch.recentTask)
    lab.twin.control.rules(concurrentAccessInTask=False)

    with pytest.raises(vim.fault.ConcurrentAccess):
        lab.reconfigure(group, configVersion="nope", description="new")
    with pytest.raises(vim.fault.ConcurrentAccess):
        reconfigure_switch(switch, configVersion="nope", description="new")

    assert (len(group.recentTask), len(switch.recentTask)) == before
    assert not group.config.description


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="Under the other reading a reconfigure that changes nothing keeps the configVersion, of groups and of "
    "switches.",
    standing="inferred",
    source="nothing found",
    switch="noOpBumpsConfigVersion",
)
def test_a_reconfigure_without_a_change_keeps_the_version_under_the_other_reading(lab: "Lab") -> None:
    lab.twin.control.rules(noOpBumpsConfigVersion=False)
    group, switch = lab.port_group(description="one"), lab.switch
    before = group.config.configVersion, switch.config.configVersion

    result_of(lab.reconfigure(group, description="one"))
    result_of(reconfigure_switch(switch, maxMtu=switch.config.maxMtu))
    assert (group.config.configVersion, switch.config.configVersion) == before

    result_of(lab.reconfigure(group, description="two"))
    assert group.config.configVersion != before[0]


@rule(
    call="ReconfigureDVPort_Task",
    says="Under the other reading a port's spec without a configVersion fails with ConcurrentAccess.",
    standing="inferred",
    source="by analogy with DVPortgroupConfigSpec.configVersion and DVSConfigSpec.configVersion, which are required",
    switch="portNeedsConfigVersion",
)
def test_a_port_needs_its_version_under_the_other_reading(lab: "Lab") -> None:
    lab.twin.control.rules(portNeedsConfigVersion=True)
    group = open_group(lab)
    port, _ = ports_of(lab, group)

    fault_of(finish(edit_port(lab, port, configVersion=None, description="one")), vim.fault.ConcurrentAccess)
    result_of(edit_port(lab, port, description="one"))


@rule(
    call="Destroy_Task",
    says="An ephemeral group that a powered-off machine names is ResourceInUse; under the other reading it goes.",
    standing="inferred",
    source="nothing found: an ephemeral port does not exist while its machine is off",
    switch="ephemeralOffBlocksDestroy",
)
@pytest.mark.parametrize("blocks", [True, False])
def test_a_machine_that_is_off_may_or_may_not_keep_its_ephemeral_group(lab: "Lab", blocks: bool) -> None:
    lab.twin.control.rules(ephemeralOffBlocksDestroy=blocks)
    group = lab.port_group(type="ephemeral")
    vm: Any = machine_on(lab, group)

    info = finish(group.Destroy_Task())

    if blocks:
        fault_of(info, vim.fault.ResourceInUse)
        assert [str(user) for user in group.vm] == [str(vm)]
    else:
        assert info.error is None
        assert not vm.network


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="Under the other reading vendorSpecificConfig of a spec is merged by key.",
    standing="inferred",
    source="no source found",
    switch="vendorConfigMerges",
)
def test_vendor_data_is_merged_under_the_other_reading(lab: "Lab") -> None:
    lab.twin.control.rules(vendorConfigMerges=True)
    blobs = [vim.dvs.KeyedOpaqueBlob(key=key, opaqueData=key) for key in ("one", "two")]
    group = lab.port_group(vendorSpecificConfig=blobs)

    more = [vim.dvs.KeyedOpaqueBlob(key="two", opaqueData="22"), vim.dvs.KeyedOpaqueBlob(key="three", opaqueData="3")]
    result_of(lab.reconfigure(group, vendorSpecificConfig=more))

    merged = {blob.key: blob.opaqueData for blob in group.config.vendorSpecificConfig}
    assert merged == {"one": "one", "two": "22", "three": "3"}
