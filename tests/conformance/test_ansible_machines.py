"""Ansible's modules for machines: create, clone, power, wire, snapshot and delete, and a second run changes nothing."""

from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from bed.soap import find

if TYPE_CHECKING:
    from bed.lab import Lab
    from support.ansible import Ansible

WHERE: dict[str, Any] = {"datacenter": "DC0", "cluster": "DC0_C0", "folder": "/DC0/vm"}
MACHINE: dict[str, Any] = WHERE | {
    "guest_id": "windows2019srvNext_64Guest",
    "disk": [{"size_gb": 10, "type": "thin", "datastore": "LocalDS_0"}],
    "hardware": {
        "num_cpus": 2,
        "memory_mb": 1024,
        "scsi": "paravirtual",
        "nested_virt": True,
        "boot_firmware": "efi",
        "secure_boot": True,
    },
    "networks": [{"name": "DC0_DVPG0", "device_type": "vmxnet3"}],
    "state": "present",
}


def test_a_machine_comes_is_changed_and_goes(ansible: "Ansible", lab: "Lab") -> None:
    machine = MACHINE | {"name": "made"}

    made, again, told = ansible.play(
        ("vmware_guest", machine),
        ("vmware_guest", machine),
        ("vmware_guest_info", {"datacenter": "DC0", "name": "made"}),
    )

    assert (made.changed, again.changed) == (True, False)
    seen = find(lab.instance, vim.VirtualMachine, "made")
    assert (seen.config.firmware, seen.config.bootOptions.efiSecureBootEnabled) == ("efi", True)
    assert (seen.config.hardware.numCPU, seen.config.nestedHVEnabled) == (2, True)
    assert told["instance"]["instance_uuid"] == seen.config.instanceUuid
    assert told["instance"]["hw_power_status"] == "poweredOff"
    assert told["instance"]["hw_eth0"]["portgroup_key"] == seen.network[0].key

    bigger = machine | {"hardware": machine["hardware"] | {"memory_mb": 2048}}
    gone = {"name": "made", "state": "absent", "force": True} | WHERE
    outcomes = ansible.play(*(("vmware_guest", step) for step in (bigger, bigger, gone, gone)))

    assert [outcome.changed for outcome in outcomes] == [True, False, True, False]


def test_a_clone_is_made_once_and_runs(ansible: "Ansible", lab: "Lab") -> None:
    copy = WHERE | {"name": "copy", "template": "original", "state": "poweredon"}
    power = {"name": "copy", "state": "powered-off"}

    outcomes = ansible.play(
        ("vmware_guest", MACHINE | {"name": "original"}),
        ("vmware_guest", copy),
        ("vmware_guest", copy),
        ("vmware_guest_powerstate", power),
        ("vmware_guest_powerstate", power),
    )

    assert [outcome.changed for outcome in outcomes] == [True, True, False, True, False]
    made, source = (find(lab.instance, vim.VirtualMachine, name) for name in ("copy", "original"))
    assert made.config.instanceUuid != source.config.instanceUuid
    assert (made.config.firmware, made.config.hardware.memoryMB) == ("efi", 1024)


def test_a_card_is_added_once_and_removed_once(ansible: "Ansible", lab: "Lab") -> None:
    card = {"name": "wired", "datacenter": "DC0", "network_name": "VM Network", "device_type": "vmxnet3"}

    made, added = ansible.play(
        ("vmware_guest", MACHINE | {"name": "wired"}), ("vmware_guest_network", card | {"state": "present"})
    )

    assert (made.changed, added.changed) == (True, True)
    machine = find(lab.instance, vim.VirtualMachine, "wired")
    assert {network.name for network in machine.network} == {"DC0_DVPG0", "VM Network"}
    address = next(item["mac_address"] for item in added["network_info"] if item["network_name"] == "VM Network")

    there = {"name": "wired", "datacenter": "DC0", "mac_address": address, "network_name": "VM Network"}
    same, removed, again = ansible.play(
        ("vmware_guest_network", there | {"device_type": "vmxnet3", "state": "present"}),
        ("vmware_guest_network", there | {"state": "absent"}),
        ("vmware_guest_network", there | {"state": "absent"}),
    )

    assert (same.changed, removed.changed, again.changed) == (False, True, False)
    assert [network.name for network in machine.network] == ["DC0_DVPG0"]


def test_a_snapshot_gives_back_what_was(ansible: "Ansible", lab: "Lab") -> None:
    at = {"name": "kept", "datacenter": "DC0", "folder": "/DC0/vm", "snapshot_name": "before"}
    kept = MACHINE | {"name": "kept"}
    bigger = kept | {"hardware": kept["hardware"] | {"memory_mb": 4096}}

    outcomes = ansible.play(
        ("vmware_guest", kept),
        ("vmware_guest_snapshot", at | {"state": "present", "description": "a lab"}),
        ("vmware_guest", bigger),
        ("vmware_guest_snapshot", at | {"state": "revert"}),
        ("vmware_guest_snapshot_info", {"name": "kept", "datacenter": "DC0", "folder": "/DC0/vm"}),
        ("vmware_guest_snapshot", at | {"state": "absent"}),
        ("vmware_guest_snapshot", at | {"state": "absent"}),
    )

    assert [outcome.changed for outcome in outcomes] == [True, True, True, True, False, True, False]
    told = outcomes[4]["guest_snapshots"]
    assert [snapshot["name"] for snapshot in told["snapshots"]] == ["before"]
    assert told["current_snapshot"]["description"] == "a lab"
    machine = find(lab.instance, vim.VirtualMachine, "kept")
    assert machine.config.hardware.memoryMB == 1024
    assert machine.snapshot is None


def test_what_cannot_be_done_is_told_as_vcenter_words_it(ansible: "Ansible") -> None:
    missing = MACHINE | {"name": "nowhere", "networks": [{"name": "no such network"}]}
    unknown = MACHINE | {"name": "unknown", "guest_id": "noSuchGuest"}

    outcomes = ansible.play(("vmware_guest", missing), ("vmware_guest", unknown))

    assert [outcome.failed for outcome in outcomes] == [True, True]
    assert "no such network" in outcomes[0].message
    assert "A specified parameter was not correct: configSpec.guestId" in outcomes[1].message
