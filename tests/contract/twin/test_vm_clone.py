"""Cloning: what a clone inherits, what its spec changes, when it can be seen, and who holds the name."""

from typing import Any

from pyVmomi import vim, vmodl

from bed.lab import Lab, fault_of
from bed.soap import finish, moid, result_of
from bed.waiting import wait_for

UUID = "11111111-2222-3333-4444-555555555555"


def prepared(lab: Lab) -> Any:
    """Return a machine that has a value in everything a clone inherits."""
    vm = lab.vm_off()
    result_of(
        vm.ReconfigVM_Task(
            vim.vm.ConfigSpec(
                firmware="efi",
                nestedHVEnabled=True,
                annotation="golden",
                guestId="windows2019srv_64Guest",
                numCPUs=4,
                memoryMB=8192,
                changeTrackingEnabled=True,
                bootOptions=vim.vm.BootOptions(efiSecureBootEnabled=True, bootDelay=500),
                flags=vim.vm.FlagInfo(vvtdEnabled=True, vbsEnabled=True),
                extraConfig=[vim.option.OptionValue(key="example/owner", value="source")],
            )
        )
    )
    return vm


def find(lab: Lab, uuid: str) -> Any:
    """Find a machine by its instance UUID."""
    return lab.content.searchIndex.FindByUuid(None, uuid, True, True)


def test_a_clone_has_everything_of_its_source_but_its_identity(lab: Lab) -> None:
    source = prepared(lab)

    clone = result_of(lab.clone(source))
    was, has = source.config, clone.config

    assert (has.firmware, has.annotation, has.guestId) == ("efi", "golden", "windows2019srv_64Guest")
    assert has.nestedHVEnabled
    assert has.changeTrackingEnabled
    assert has.flags.vbsEnabled
    assert has.bootOptions.efiSecureBootEnabled
    assert has.bootOptions.bootDelay == 500
    assert (has.hardware.numCPU, has.hardware.memoryMB) == (4, 8192)
    assert {o.key: o.value for o in has.extraConfig}["example/owner"] == "source"
    assert has.uuid != was.uuid
    assert has.instanceUuid != was.instanceUuid
    assert lab.nic(clone).macAddress != lab.nic(source).macAddress
    assert has.files.vmPathName == "[LocalDS_0] copy/copy.vmx"
    files = [d.backing.fileName for d in has.hardware.device if "Hard disk" in d.deviceInfo.label]
    assert files == ["[LocalDS_0] copy/copy.vmdk"]


def test_the_spec_is_applied_in_the_same_call(lab: Lab) -> None:
    group, source = lab.port_group("lab"), prepared(lab)
    nic = lab.nic(source)
    edit = vim.vm.device.VirtualDeviceSpec(operation="edit", device=lab.nic_on(group, key=nic.key, kind=type(nic)))
    config = vim.vm.ConfigSpec(
        instanceUuid=UUID,
        numCPUs=8,
        nestedHVEnabled=False,
        flags=vim.vm.FlagInfo(vbsEnabled=False),
        extraConfig=[vim.option.OptionValue(key="example/owner", value="clone")],
        deviceChange=[edit],
    )

    clone = result_of(lab.clone(source, config=config))

    assert clone.config.instanceUuid == UUID
    assert (clone.config.hardware.numCPU, clone.config.hardware.memoryMB) == (8, 8192)
    assert not clone.config.nestedHVEnabled
    assert not clone.config.flags.vbsEnabled
    assert clone.config.flags.vvtdEnabled, "an unset flag stays as the source has it"
    assert {o.key: o.value for o in clone.config.extraConfig}["example/owner"] == "clone"
    assert [moid(network) for network in clone.network] == [moid(group)]
    assert [moid(vm) for vm in group.vm] == [moid(clone)]
    assert source.config.nestedHVEnabled


def test_a_clone_can_ignore_its_spec_under_the_other_reading(lab: Lab) -> None:
    lab.twin.control.rules(cloneIgnoresConfig=True)

    clone = result_of(lab.clone(prepared(lab), config=vim.vm.ConfigSpec(numCPUs=8, instanceUuid=UUID)))

    assert clone.config.hardware.numCPU == 4
    assert clone.config.instanceUuid != UUID


def test_a_taken_instance_uuid_is_replaced(lab: Lab) -> None:
    source = prepared(lab)
    first = result_of(lab.clone(source, "one", config=vim.vm.ConfigSpec(instanceUuid=UUID)))
    second = result_of(lab.clone(source, "two", config=vim.vm.ConfigSpec(instanceUuid=UUID)))

    assert first.config.instanceUuid == UUID
    assert second.config.instanceUuid != UUID
    assert moid(find(lab, UUID)) == moid(first)


def test_a_running_clone_cannot_be_found_but_holds_its_name(lab: Lab) -> None:
    source = prepared(lab)
    lab.twin.control.hold("CloneVM_Task")
    task = lab.clone(source, "copy", config=vim.vm.ConfigSpec(instanceUuid=UUID))

    assert find(lab, UUID) is None
    second = finish(lab.clone(source, "COPY"))
    assert isinstance(fault_of(second), vim.fault.DuplicateName)
    lab.twin.control.release()

    assert moid(find(lab, UUID)) == moid(result_of(task))


def test_a_name_is_free_again_when_its_clone_failed(lab: Lab) -> None:
    source = prepared(lab)
    lab.twin.control.fail("CloneVM_Task", where="task", fault="InvalidState")

    assert finish(lab.clone(source, "copy")).error is not None
    assert result_of(lab.clone(source, "copy")).name == "copy"


def test_a_template_needs_a_pool(lab: Lab) -> None:
    spec = vim.vm.CloneSpec(location=vim.vm.RelocateSpec(), powerOn=False, template=False)

    task = lab.template().CloneVM_Task(folder=lab.datacenter.vmFolder, name="copy", spec=spec)

    fault = fault_of(finish(task), vmodl.fault.InvalidArgument)
    assert fault.invalidProperty == "spec.location.pool"


def test_a_clone_of_a_template_is_a_machine(lab: Lab) -> None:
    clone = result_of(lab.clone(lab.template(), power_on=True))

    assert not clone.config.template
    assert clone.runtime.powerState == "poweredOn"
    assert moid(clone.resourcePool) == moid(lab.pool)


def test_the_location_may_name_another_folder(lab: Lab) -> None:
    folder = lab.datacenter.vmFolder.CreateFolder("labs")
    location = vim.vm.RelocateSpec(pool=lab.pool, folder=folder)
    spec = vim.vm.CloneSpec(location=location, powerOn=False, template=False)

    clone = result_of(lab.vm().CloneVM_Task(folder=lab.datacenter.vmFolder, name="copy", spec=spec))

    assert moid(clone.parent) == moid(folder)


def test_a_bad_spec_makes_no_machine(lab: Lab) -> None:
    source = prepared(lab)

    fault_of(
        finish(lab.clone(source, config=vim.vm.ConfigSpec(guestId="nope", instanceUuid=UUID))),
        vmodl.fault.InvalidArgument,
    )

    assert find(lab, UUID) is None
    assert result_of(lab.clone(source)).name == "copy"


def test_the_guest_of_the_source_is_in_the_clone(lab: Lab) -> None:
    source = prepared(lab)
    lab.twin.control.guest(moid(source), tools=True, ip_address="10.0.0.7", host_name="golden")

    clone = result_of(lab.clone(source))
    result_of(clone.PowerOnVM_Task())

    wait_for(lambda: clone.guest.ipAddress == "10.0.0.7", "the copied guest to come up", seconds=10)
    assert clone.guest.hostName == "golden"


def test_the_task_names_its_source_its_user_and_what_it_does(lab: Lab) -> None:
    source = prepared(lab)

    info = finish(lab.clone(source))

    assert moid(info.entity) == moid(source)
    assert info.entityName == source.name
    assert info.descriptionId == "VirtualMachine.clone"
    assert info.reason.userName == "VSPHERE.LOCAL\\administrator"
    assert info.progress == 100


def test_a_linked_clone_is_refused_loudly(lab: Lab) -> None:
    location = vim.vm.RelocateSpec(pool=lab.pool, diskMoveType="createNewChildDiskBacking")
    spec = vim.vm.CloneSpec(location=location, powerOn=False, template=False)

    task = lab.vm_off().CloneVM_Task(folder=lab.datacenter.vmFolder, name="copy", spec=spec)

    assert isinstance(fault_of(finish(task)), vmodl.fault.NotImplemented)


def test_a_clone_into_a_cluster_without_drs_has_to_name_a_host(lab: Lab) -> None:
    source = prepared(lab)
    change = vim.cluster.ConfigSpecEx(drsConfig=vim.cluster.DrsConfigInfo(enabled=False))
    cluster = source.resourcePool.owner
    result_of(cluster.ReconfigureComputeResource_Task(change, modify=True))
    place = vim.vm.RelocateSpec(pool=source.resourcePool)

    info = finish(source.CloneVM_Task(source.parent, "copy", vim.vm.CloneSpec(location=place)))
    assert fault_of(info, vmodl.fault.InvalidArgument).invalidProperty == "spec.location.host"

    place.host = cluster.host[-1]
    clone = result_of(source.CloneVM_Task(source.parent, "copy", vim.vm.CloneSpec(location=place)))
    assert clone.runtime.host == cluster.host[-1]
