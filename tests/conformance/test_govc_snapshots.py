"""govc takes, shows, goes back to and removes snapshots."""

from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from bed.soap import find

if TYPE_CHECKING:
    from bed.lab import Lab
    from support.govc import Govc


def test_a_tree_of_snapshots_grows_and_goes(govc: "Govc", lab: "Lab") -> None:
    govc("vm.create", "-on=false", "-net", "DC0_DVPG0", "-m", "512", "tree")
    at = ("-vm", "tree")

    govc("snapshot.create", *at, "-d", "the first", "one")
    govc("snapshot.create", *at, "two")
    govc("vm.change", *at, "-m", "1024")
    assert govc("snapshot.tree", *at).split() == ["one", "two", "."]
    assert govc("snapshot.tree", *at, "-C").strip() == "two"

    govc("snapshot.revert", *at, "one")
    govc("snapshot.create", *at, "sibling")

    machine = find(lab.instance, vim.VirtualMachine, "tree")
    assert machine.config.hardware.memoryMB == 512
    [root] = machine.snapshot.rootSnapshotList
    assert (root.name, root.description) == ("one", "the first")
    assert {child.name for child in root.childSnapshotList} == {"two", "sibling"}
    assert govc("snapshot.tree", *at, "-f").split() == ["one", "one/two", "one/sibling", "."]

    govc("snapshot.remove", *at, "one/two")
    assert [child.name for child in machine.snapshot.rootSnapshotList[0].childSnapshotList] == ["sibling"]
    govc("snapshot.remove", *at, "*")
    assert machine.snapshot is None


def test_what_is_not_there_is_refused(govc: "Govc") -> None:
    govc("vm.create", "-on=false", "-net", "DC0_DVPG0", "bare")

    assert "no snapshots" in govc.refused("snapshot.revert", "-vm", "bare", "nothing")
    assert govc("snapshot.tree", "-vm", "bare").strip() == ""


def test_a_linked_clone_hangs_on_its_snapshot(govc: "Govc", lab: "Lab") -> None:
    govc("vm.create", "-on=false", "-net", "DC0_DVPG0", "-disk", "1GB", "origin")
    govc("snapshot.create", "-vm", "origin", "base")

    govc("vm.clone", "-vm", "origin", "-on=false", "-snapshot", "base", "-link", "linked")

    devices = find(lab.instance, vim.VirtualMachine, "linked").config.hardware.device
    [disk] = [device for device in devices if isinstance(device, vim.vm.device.VirtualDisk)]
    backing: Any = disk.backing
    assert backing.parent.fileName == "[LocalDS_0] origin/origin.vmdk"
