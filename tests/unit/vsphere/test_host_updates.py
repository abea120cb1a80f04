"""Updates of a host's networks: what is taken as it comes, and what has to be read to know what it means."""

from typing import Any

import pytest
from pyVmomi import vim

from nested_hyperv.domain.host_network import HOST_NETWORK
from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.vsphere.updates import HostChange

GROUPS, SWITCHES = "config.network.portgroup", "config.network.vswitch"
INNER = "key-vim.host.PortGroup-inner"
ELEMENT = f'{GROUPS}["{INNER}"]'


def group(name: str = "inner", vlan: int = 5) -> vim.host.PortGroup:
    return vim.host.PortGroup(
        key=f"key-vim.host.PortGroup-{name}",
        vswitch="key-vim.host.VirtualSwitch-vSwitch0",
        computedPolicy=vim.host.NetworkPolicy(),
        spec=vim.host.PortGroup.Specification(
            name=name, vlanId=vlan, vswitchName="vSwitch0", policy=vim.host.NetworkPolicy()
        ),
    )


def told(*changes: tuple[str, str, Any]) -> HostChange:
    change = HostChange("modify", MoRef(HOST_NETWORK, "host-1"))
    for name, op, value in changes:
        change.take(name, op, value)
    return change


@pytest.mark.parametrize("op", ["add", "assign"])
def test_an_element_comes_with_its_value(op: str) -> None:
    change = told((ELEMENT, op, group()))

    found = change.update().groups[INNER]
    assert found is not None
    assert (found.name, found.vlan) == ("inner", 5)
    assert change.again == set()


def test_a_removed_element_is_gone() -> None:
    assert told((ELEMENT, "remove", None)).update().groups == {INNER: None}


@pytest.mark.parametrize(
    "path", [f"{ELEMENT}.spec.vlanId", f"{ELEMENT}.computedPolicy.security.allowPromiscuous", f"{ELEMENT}.spec"]
)
def test_of_a_change_inside_an_element_the_element_is_read(path: str) -> None:
    change = told((path, "assign", 7))
    assert change.again == {ELEMENT}

    change.read({ELEMENT: group(vlan=7)})

    found = change.update().groups[INNER]
    assert found is not None
    assert found.vlan == 7


def test_what_is_not_there_any_more_when_it_is_read_is_gone() -> None:
    change = told((f"{ELEMENT}.spec.vlanId", "assign", 7))

    change.read({})

    assert change.update().groups == {INNER: None}


def test_an_element_that_comes_after_a_change_inside_it_needs_no_read() -> None:
    assert told((f"{ELEMENT}.spec.vlanId", "assign", 7), (ELEMENT, "remove", None)).again == set()


@pytest.mark.parametrize("member", ["portgroup", "numPorts", "numPortsAvailable", 'portgroup["key-1"]'])
def test_counts_of_a_switch_are_nobodys_business(member: str) -> None:
    change = told((f'{SWITCHES}["key-vim.host.VirtualSwitch-vSwitch0"].{member}', "assign", 9))

    assert change.again == set()
    assert change.update().fields == {}


@pytest.mark.parametrize("inside", [".mtu", '.pnic["key-2"]', ""])
def test_of_anything_else_of_a_switch_all_switches_are_read(inside: str) -> None:
    assert told((f'{SWITCHES}["key-vim.host.VirtualSwitch-vSwitch0"]{inside}', "assign", 9000)).again == {SWITCHES}


@pytest.mark.parametrize("path", ["config.network.portgroup.spec", 'config.network.proxySwitch["key"]', "config"])
def test_a_path_that_is_not_understood_has_everything_read(path: str) -> None:
    assert told((path, "assign", 1)).again == {GROUPS, SWITCHES}


@pytest.mark.parametrize("above", ["config", "config.network"])
def test_networks_that_cannot_be_known_any_more_are_unknown(above: str) -> None:
    change = told((f"{ELEMENT}.spec.vlanId", "assign", 7), (above, "assign", None))

    assert change.again == set()
    assert change.update().fields == {"switches": None, "port_groups": None}


def test_the_whole_array_replaces_what_was_told_of_its_elements() -> None:
    change = told(
        (ELEMENT, "add", group()), (f"{ELEMENT}.spec.vlanId", "assign", 7), (GROUPS, "assign", [group("other")])
    )

    update = change.update()
    assert (update.groups, change.again) == ({}, set())
    assert [found.name for found in update.fields["port_groups"]] == ["other"]
