"""govc makes, changes and removes standard switches and their port groups, per host."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bed.lab import Lab
    from support.govc import Govc

HOST = ("-host", "DC0_C0_H0")


def groups(lab: "Lab", host: str) -> dict[str, Any]:
    """Return the standard port groups of a host by name, as pyVmomi sees them."""
    entity = next(item for item in lab.pool.owner.host if item.name == host)
    return {group.spec.name: group for group in entity.config.network.portgroup}


def test_a_switch_comes_and_goes(govc: "Govc") -> None:
    govc("host.vswitch.add", *HOST, "-mtu", "9000", "made")

    told = govc.json("host.vswitch.info", *HOST)["vswitch"]
    assert {switch["name"]: switch["mtu"] for switch in told}["made"] == 9000
    assert "already exists" in govc.refused("host.vswitch.add", *HOST, "made")

    govc("host.vswitch.remove", *HOST, "made")

    assert "made" not in {switch["name"] for switch in govc.json("host.vswitch.info", *HOST)["vswitch"]}
    assert "could not be found" in govc.refused("host.vswitch.remove", *HOST, "made")


def test_a_port_group_belongs_to_one_host(govc: "Govc", lab: "Lab") -> None:
    govc("host.portgroup.add", *HOST, "-vswitch", "vSwitch0", "-vlan", "5", "here")

    assert groups(lab, "DC0_C0_H0")["here"].spec.vlanId == 5
    assert "here" not in groups(lab, "DC0_C0_H1")
    assert "/DC0/network/here" in govc("ls", "/DC0/network").splitlines()
    assert "already exists" in govc.refused("host.portgroup.add", *HOST, "-vswitch", "vSwitch0", "here")

    # The same name on another host is one network; it goes with the last of its port groups.
    govc("host.portgroup.add", "-host", "DC0_C0_H1", "-vswitch", "vSwitch0", "here")
    assert govc("ls", "/DC0/network").splitlines().count("/DC0/network/here") == 1
    govc("host.portgroup.remove", *HOST, "here")
    assert "/DC0/network/here" in govc("ls", "/DC0/network").splitlines()
    govc("host.portgroup.remove", "-host", "DC0_C0_H1", "here")
    assert "/DC0/network/here" not in govc("ls", "/DC0/network").splitlines()


def test_a_port_group_is_changed_and_shows_what_it_inherits(govc: "Govc", lab: "Lab") -> None:
    govc("host.portgroup.add", *HOST, "-vswitch", "vSwitch0", "changed")

    govc("host.portgroup.change", *HOST, "-allow-promiscuous=true", "-vlan-id", "7", "changed")

    group = groups(lab, "DC0_C0_H0")["changed"]
    assert (group.spec.vlanId, group.spec.policy.security.allowPromiscuous) == (7, True)
    assert group.computedPolicy.security.allowPromiscuous
    told = govc("host.portgroup.info", *HOST).partition("changed\n")[2]
    assert told.splitlines()[:2] == ["Virtual switch:          vSwitch0", "VLAN ID:                 7"]
    assert "Allow promiscuous mode:  Yes" in told
    govc("host.portgroup.remove", *HOST, "changed")


def test_a_vlan_beyond_the_range_is_refused(govc: "Govc", lab: "Lab") -> None:
    assert "not correct" in govc.refused("host.portgroup.add", *HOST, "-vswitch", "vSwitch0", "-vlan", "4096", "beyond")

    assert "beyond" not in groups(lab, "DC0_C0_H0")


def test_a_port_group_with_a_machine_on_it_stays(govc: "Govc", lab: "Lab") -> None:
    govc("host.portgroup.add", *HOST, "-vswitch", "vSwitch0", "used")
    govc("vm.create", "-on=false", "-net", "used", *HOST, "user-of-it")

    govc.refused("host.portgroup.remove", *HOST, "used")
    assert "used" in groups(lab, "DC0_C0_H0")
    govc("vm.destroy", "user-of-it")
    govc("host.portgroup.remove", *HOST, "used")

    assert "used" not in groups(lab, "DC0_C0_H0")
