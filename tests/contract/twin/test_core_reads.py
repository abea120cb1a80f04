"""Property reads: everything that pyVmomi asks for is digestible, and what is unset reads as None."""

from typing import Any

from pyVmomi import vim, vmodl

from bed.soap import connect, find, moid
from bed.twin import Twin
from verify.rule import rule

PropertyCollector = vmodl.query.PropertyCollector


def _everything(instance: Any) -> Any:
    content = instance.content
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.ManagedEntity], True)
    return PropertyCollector.FilterSpec(
        objectSet=[
            PropertyCollector.ObjectSpec(
                obj=view,
                skip=True,
                selectSet=[PropertyCollector.TraversalSpec(path="view", skip=False, type=type(view))],
            )
        ],
        propSet=[PropertyCollector.PropertySpec(type=vim.ManagedEntity, all=True)],
    )


@rule(
    call="RetrieveProperties",
    says="Every property of every entity of the inventory can be read.",
    standing="documented",
    source="API reference, PropertySpec.all",
)
def test_every_property_of_every_entity_can_be_read(twin: Twin) -> None:
    with connect(twin) as instance:
        objects = instance.content.propertyCollector.RetrieveContents([_everything(instance)])

    kinds = {type(item.obj) for item in objects}
    assert {vim.VirtualMachine, vim.HostSystem, vim.dvs.DistributedVirtualPortgroup} <= kinds
    assert [(moid(item.obj), missing.path) for item in objects for missing in item.missingSet] == []


@rule(
    call="VirtualMachine.runtime",
    says="Required enumerations are never empty: a machine without fault tolerance says notConfigured.",
    standing="documented",
    source="API reference, VirtualMachineRuntimeInfo.faultToleranceState; govmomi issue 4084",
)
def test_whole_runtime_and_summary_of_a_machine_are_digestible(twin: Twin) -> None:
    with connect(twin) as instance:
        vm = find(instance, vim.VirtualMachine, "DC0_H0_VM0")

        assert vm.runtime.faultToleranceState == "notConfigured"
        assert vm.runtime.recordReplayState == "inactive"
        assert vm.summary.runtime.powerState == "poweredOn"


@rule(
    call="ServiceInstance.content.about",
    says="vCenter, hosts and switches of the model are of release 8.0.3.",
    standing="inferred",
    source="a choice of the twin",
)
def test_vcenter_hosts_and_switches_are_of_one_release(twin: Twin) -> None:
    with connect(twin) as instance:
        host = find(instance, vim.HostSystem, "DC0_H0")
        switch = find(instance, vim.dvs.VmwareDistributedVirtualSwitch, "DVS0")

        assert instance.content.about.version == "8.0.3"
        assert host.config.product.version == host.summary.config.product.version == "8.0.3"
        assert host.capability.nestedHVSupported is True
        assert switch.summary.productInfo.version == switch.config.productInfo.version == "8.0.3"
        assert switch.capability.featuresSupported.macLearningSupported is True


@rule(
    call="PropertySpec.pathSet",
    says="A path reaches into what a subtype adds, and into an element by its key.",
    standing="documented",
    source="API reference, PropertySpec.pathSet and PropertyChange.name",
)
def test_a_path_reaches_into_the_dynamic_type_and_into_keyed_elements(twin: Twin) -> None:
    with connect(twin) as instance:
        group = find(instance, vim.dvs.DistributedVirtualPortgroup, "DC0_DVPG0")
        vm = find(instance, vim.VirtualMachine, "DC0_H0_VM0")
        paths = {
            group: "config.defaultPortConfig.macManagementPolicy.macLearningPolicy.enabled",
            vm: "config.hardware.device[4000].macAddress",
        }
        values = []
        for target, path in paths.items():
            spec = PropertyCollector.FilterSpec(
                objectSet=[PropertyCollector.ObjectSpec(obj=target)],
                propSet=[PropertyCollector.PropertySpec(type=type(target), pathSet=[path])],
            )
            (item,) = instance.content.propertyCollector.RetrieveContents([spec])
            values.append({prop.name: prop.val for prop in item.propSet})

    assert values[0] == {paths[group]: False}
    assert str(values[1][paths[vm]]).startswith("00:50:56:")
