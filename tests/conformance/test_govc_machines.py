"""govc makes, changes, clones, moves and destroys machines, and sees what pyVmomi sees."""

from typing import TYPE_CHECKING, Any

import pytest
from pyVmomi import vim

from bed.soap import find

if TYPE_CHECKING:
    from bed.lab import Lab
    from support.govc import Govc

Card = vim.vm.device.VirtualEthernetCard
GUEST = "windows2019srvNext_64Guest"


def create(govc: "Govc", name: str, *more: str) -> None:
    govc("vm.create", "-on=false", "-net", "DC0_DVPG0", "-net.adapter", "vmxnet3", "-g", GUEST, *more, name)


def cards(machine: Any) -> list[Any]:
    return [device for device in machine.config.hardware.device if isinstance(device, Card)]


def test_a_machine_is_made_as_asked(govc: "Govc", lab: "Lab") -> None:
    create(govc, "asked", "-c", "4", "-m", "2048", "-firmware", "efi", "-disk", "10GB", "-disk.controller", "pvscsi")

    config = find(lab.instance, vim.VirtualMachine, "asked").config
    assert (config.hardware.numCPU, config.hardware.memoryMB) == (4, 2048)
    assert (config.firmware, config.guestId) == ("efi", GUEST)
    disks = [device for device in config.hardware.device if isinstance(device, vim.vm.device.VirtualDisk)]
    assert [disk.capacityInKB for disk in disks] == [10 * 1024 * 1024]
    assert any(isinstance(device, vim.vm.device.ParaVirtualSCSIController) for device in config.hardware.device)


def test_a_name_that_is_taken_is_refused(govc: "Govc") -> None:
    create(govc, "taken")

    assert "already exists" in govc.refused("vm.create", "-on=false", "-net", "DC0_DVPG0", "taken")


def test_what_govc_tells_is_what_pyvmomi_reads(govc: "Govc", lab: "Lab") -> None:
    create(govc, "told", "-c", "2", "-m", "512")
    machine = find(lab.instance, vim.VirtualMachine, "told")

    told = govc.json("vm.info", "-r", "told")["virtualMachines"][0]

    assert told["self"]["value"] == machine._moId  # noqa: SLF001 - the id of a pyVmomi object
    assert told["config"]["instanceUuid"] == machine.config.instanceUuid
    assert told["config"]["changeVersion"] == machine.config.changeVersion
    assert told["config"]["hardware"]["numCPU"] == 2
    assert told["runtime"]["powerState"] == "poweredOff"
    text = govc("vm.info", "-r", "told")
    assert f"Host:                 {machine.runtime.host.name}" in text
    assert "Network:              DC0_DVPG0" in text
    assert govc("vm.info", "-vm.uuid", machine.config.uuid).splitlines()[0].split() == ["Name:", "told"]


def test_a_machine_is_changed(govc: "Govc", lab: "Lab") -> None:
    create(govc, "changed")

    govc("vm.change", "-vm", "changed", "-c", "4", "-m", "4096", "-nested-hv-enabled=true", "-e", "guestinfo.color=red")
    govc("vm.change", "-vm", "changed", "-annotation", "made by somebody else", "-cpu-hot-add-enabled=true")

    config = find(lab.instance, vim.VirtualMachine, "changed").config
    assert (config.hardware.numCPU, config.hardware.memoryMB) == (4, 4096)
    assert config.nestedHVEnabled
    assert config.cpuHotAddEnabled
    assert config.annotation == "made by somebody else"
    assert {option.key: option.value for option in config.extraConfig}["guestinfo.color"] == "red"
    assert "guestinfo.color:" in govc("vm.info", "-e", "changed")


def test_power_goes_on_and_off_and_refuses_to_do_so_twice(govc: "Govc", lab: "Lab") -> None:
    create(govc, "powered")
    machine = find(lab.instance, vim.VirtualMachine, "powered")

    govc("vm.power", "-on", "powered")
    assert machine.runtime.powerState == "poweredOn"
    assert "current state (Powered on)" in govc.refused("vm.power", "-on", "powered")
    assert "current state (Powered on)" in govc.refused("object.destroy", "/DC0/vm/powered")
    govc("vm.power", "-off", "powered")
    assert machine.runtime.powerState == "poweredOff"
    assert "current state (Powered off)" in govc.refused("vm.power", "-off", "powered")


def test_memory_of_a_running_machine_is_not_taken_away(govc: "Govc", lab: "Lab") -> None:
    create(govc, "running", "-m", "2048")
    govc("vm.power", "-on", "running")

    govc.refused("vm.change", "-vm", "running", "-m", "1024")

    assert find(lab.instance, vim.VirtualMachine, "running").config.hardware.memoryMB == 2048


def test_a_clone_is_another_machine_with_the_same_configuration(govc: "Govc", lab: "Lab") -> None:
    create(govc, "original", "-c", "2", "-m", "512", "-firmware", "efi")
    original = find(lab.instance, vim.VirtualMachine, "original").config

    govc("vm.clone", "-vm", "original", "-on=false", "-c", "4", "-annotation", "a copy", "copy")

    copy = find(lab.instance, vim.VirtualMachine, "copy").config
    assert (copy.hardware.numCPU, copy.hardware.memoryMB, copy.firmware) == (4, 512, "efi")
    assert (copy.guestId, copy.annotation) == (original.guestId, "a copy")
    assert copy.instanceUuid != original.instanceUuid
    assert copy.uuid != original.uuid


def test_a_template_is_cloned_and_not_started(govc: "Govc", lab: "Lab") -> None:
    create(govc, "template")
    govc("vm.markastemplate", "template")
    assert find(lab.instance, vim.VirtualMachine, "template").config.template

    govc.refused("vm.power", "-on", "template")
    govc("vm.clone", "-vm", "template", "-on=true", "from-template")

    assert find(lab.instance, vim.VirtualMachine, "from-template").runtime.powerState == "poweredOn"


def test_network_cards_come_move_and_go(govc: "Govc", lab: "Lab") -> None:
    create(govc, "wired")
    machine = find(lab.instance, vim.VirtualMachine, "wired")
    govc("dvs.portgroup.add", "-dvs", "DVS0", "-vlan", "3", "second")

    govc("vm.network.add", "-vm", "wired", "-net", "second", "-net.adapter", "vmxnet3")
    assert {network.name for network in machine.network} == {"DC0_DVPG0", "second"}
    listed = [
        line.split()[0]
        for line in govc("device.ls", "-vm", "wired").splitlines()
        if "Ethernet" in line or "Vmxnet3" in line
    ]
    assert listed == ["ethernet-0", "ethernet-1"]

    govc("vm.network.change", "-vm", "wired", "-net", "VM Network", "ethernet-0")
    assert {network.name for network in machine.network} == {"VM Network", "second"}

    govc("device.remove", "-vm", "wired", "ethernet-1")
    assert [network.name for network in machine.network] == ["VM Network"]
    assert len(cards(machine)) == 1


def test_a_card_can_be_given_an_address(govc: "Govc", lab: "Lab") -> None:
    create(govc, "addressed")

    govc(
        "vm.network.change", "-vm", "addressed", "-net", "DC0_DVPG0", "-net.address", "00:50:56:00:00:42", "ethernet-0"
    )

    card = cards(find(lab.instance, vim.VirtualMachine, "addressed"))[0]
    assert (card.macAddress.lower(), card.addressType.lower()) == ("00:50:56:00:00:42", "manual")


def test_a_disk_grows_and_does_not_shrink(govc: "Govc", lab: "Lab") -> None:
    create(govc, "grown", "-disk", "10GB")
    machine = find(lab.instance, vim.VirtualMachine, "grown")

    govc("vm.disk.change", "-vm", "grown", "-size", "20G")
    govc.refused("vm.disk.change", "-vm", "grown", "-size", "5G")

    disks = [device for device in machine.config.hardware.device if isinstance(device, vim.vm.device.VirtualDisk)]
    assert [disk.capacityInKB for disk in disks] == [20 * 1024 * 1024]


def test_what_is_destroyed_is_gone_everywhere(govc: "Govc", lab: "Lab") -> None:
    create(govc, "gone")

    govc("vm.destroy", "gone")

    assert "/DC0/vm/gone" not in govc("find", "/", "-type", "m").splitlines()
    with pytest.raises(LookupError):
        find(lab.instance, vim.VirtualMachine, "gone")


def test_a_machine_is_renamed_and_moved_to_a_folder(govc: "Govc", lab: "Lab") -> None:
    create(govc, "before")
    machine = find(lab.instance, vim.VirtualMachine, "before")
    govc("folder.create", "/DC0/vm/drawer")

    govc("object.rename", "/DC0/vm/before", "after")
    govc("object.mv", "/DC0/vm/after", "/DC0/vm/drawer")

    assert (machine.name, machine.config.name, machine.parent.name) == ("after", "after", "drawer")
    assert "/DC0/vm/drawer/after" in govc("find", "/", "-type", "m").splitlines()


def test_hardware_is_upgraded(govc: "Govc", lab: "Lab") -> None:
    create(govc, "old", "-version", "vmx-14", "-disk", "1GB")
    machine = find(lab.instance, vim.VirtualMachine, "old")
    assert machine.config.version == "vmx-14"

    govc("vm.upgrade", "-vm", "old", "-version", "19")

    assert machine.config.version == "vmx-19"


def test_the_guest_systems_that_a_cluster_knows_are_listed(govc: "Govc") -> None:
    listed = govc("vm.option.info", "-cluster", "DC0_C0")

    assert {"windows9Server64Guest", GUEST} <= {line.split()[0] for line in listed.splitlines() if line.strip()}
