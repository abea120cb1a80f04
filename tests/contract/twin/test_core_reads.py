"""Property reads: everything that pyVmomi asks for is digestible, and what is unset reads as None."""

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.soap import connect, find, message_of, moid
from bed.twin import Twin

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


def test_every_property_of_every_entity_can_be_read(twin: Twin) -> None:
    with connect(twin) as instance:
        objects = instance.content.propertyCollector.RetrieveContents([_everything(instance)])

    kinds = {type(item.obj) for item in objects}
    assert {vim.VirtualMachine, vim.HostSystem, vim.dvs.DistributedVirtualPortgroup} <= kinds
    assert [(moid(item.obj), missing.path) for item in objects for missing in item.missingSet] == []


def test_whole_runtime_and_summary_of_a_machine_are_digestible(twin: Twin) -> None:
    with connect(twin) as instance:
        vm = find(instance, vim.VirtualMachine, "DC0_H0_VM0")

        assert vm.runtime.faultToleranceState == "notConfigured"
        assert vm.runtime.recordReplayState == "inactive"
        assert vm.summary.runtime.powerState == "poweredOn"


@pytest.mark.parametrize("name", ["snapshot", "resourceConfig", "parentVApp"])
def test_an_unset_property_reads_as_none(twin: Twin, name: str) -> None:
    with connect(twin) as instance:
        assert getattr(find(instance, vim.VirtualMachine, "DC0_H0_VM0"), name) is None


def test_vcenter_hosts_and_switches_are_of_one_release(twin: Twin) -> None:
    with connect(twin) as instance:
        host = find(instance, vim.HostSystem, "DC0_H0")
        switch = find(instance, vim.dvs.VmwareDistributedVirtualSwitch, "DVS0")

        assert instance.content.about.version == "8.0.3"
        assert host.config.product.version == host.summary.config.product.version == "8.0.3"
        assert host.capability.nestedHVSupported is True
        assert switch.summary.productInfo.version == switch.config.productInfo.version == "8.0.3"
        assert switch.capability.featuresSupported.macLearningSupported is True


def test_reads_are_paged(twin: Twin) -> None:
    with connect(twin) as instance:
        collector = instance.content.propertyCollector
        spec = _everything(instance)
        whole = len(collector.RetrieveContents([spec]))

        page = collector.RetrievePropertiesEx([spec], PropertyCollector.RetrieveOptions(maxObjects=5))
        seen = [moid(item.obj) for item in page.objects]
        while page.token:
            page = collector.ContinueRetrievePropertiesEx(page.token)
            seen += [moid(item.obj) for item in page.objects]

    assert len(seen) == len(set(seen)) == whole


def test_a_dead_reference_is_managed_object_not_found(twin: Twin) -> None:
    with connect(twin) as instance:
        dead = vim.dvs.DistributedVirtualPortgroup("dvportgroup-99999", instance._stub)  # noqa: SLF001

        with pytest.raises(vmodl.fault.ManagedObjectNotFound) as caught:
            _ = dead.name

    assert moid(caught.value.obj) == "dvportgroup-99999"
    assert message_of(caught.value) == (
        "The object 'vim.dvs.DistributedVirtualPortgroup:dvportgroup-99999' has already been deleted"
        " or has not been completely created"
    )


@pytest.mark.parametrize("path", ["config.hardware.nestedHVEnabled", "confg", "config.hardware.device.key"])
def test_a_wrong_path_is_invalid_property(twin: Twin, path: str) -> None:
    with connect(twin) as instance:
        vm = find(instance, vim.VirtualMachine, "DC0_H0_VM0")
        spec = PropertyCollector.FilterSpec(
            objectSet=[PropertyCollector.ObjectSpec(obj=vm)],
            propSet=[PropertyCollector.PropertySpec(type=vim.VirtualMachine, pathSet=[path])],
        )

        with pytest.raises(vmodl.query.InvalidProperty) as caught:
            instance.content.propertyCollector.RetrieveContents([spec])

    assert caught.value.name == path


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
