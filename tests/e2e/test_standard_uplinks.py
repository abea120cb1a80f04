"""Several uplinks below a standard switch: what is worth a warning, and is left alone."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pyVmomi import VmomiSupport, vim

from bed.stranger import Stranger
from bed.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bed.kube_lab import KubeLab
    from bed.kube_object import Snapshot

A, B = "DC2_C0_H0", "DC2_C0_H1"
IP_HASH, BY_PORT = "loadbalance_ip", "loadbalance_srcid"


@pytest.fixture
def two_uplinks(stranger: Stranger) -> Iterator[None]:
    """The standard switch of each host has two uplinks, and one host has the option that this asks for."""
    bonds = {host: _switch(stranger, host).spec for host in (A, B)}
    for host in (A, B):
        _update_switch(stranger, host, _over_both())
    _check_reverse_path(stranger, A, on=1)
    yield
    _check_reverse_path(stranger, A, on=0)
    for host, spec in bonds.items():
        _update_switch(stranger, host, spec)


def _switch(stranger: Stranger, host: str) -> Any:
    network = stranger.esx(host).configManager.networkSystem
    return next(each for each in network.networkInfo.vswitch if each.name == "vSwitch0")


def _over_both() -> Any:
    both = vim.host.VirtualSwitch.BondBridge(nicDevice=["vmnic0", "vmnic1"])
    return vim.host.VirtualSwitch.Specification(numPorts=128, bridge=both)


def _update_switch(stranger: Stranger, host: str, spec: Any) -> None:
    stranger.esx(host).configManager.networkSystem.UpdateVirtualSwitch("vSwitch0", spec)


def _check_reverse_path(stranger: Stranger, host: str, *, on: int) -> None:
    option = vim.option.OptionValue(key="Net.ReversePathFwdCheckPromisc", value=VmomiSupport.vmodlTypes["long"](on))
    stranger.esx(host).configManager.advancedOption.UpdateOptions([option])


def _balance(stranger: Stranger, host: str, name: str, policy: str) -> None:
    """Give the port group of a host a teaming policy of its own, as somebody does who reads it first."""
    group = stranger.standard_group(host, name)
    assert group is not None
    group.spec.policy.nicTeaming = vim.host.NetworkPolicy.NicTeamingPolicy(policy=policy)
    stranger.esx(host).configManager.networkSystem.UpdatePortGroup(name, group.spec)


def _messages(now: Snapshot) -> dict[str, str]:
    return {row["host"]: row.get("message", "") for row in now.status["hosts"]}


def _teaming(stranger: Stranger, host: str, name: str) -> tuple[str | None, str]:
    """The teaming policy that a host's port group has of its own, and the one in force."""
    group = stranger.standard_group(host, name)
    assert group is not None
    own = group.spec.policy.nicTeaming
    return own.policy if own is not None else None, group.computedPolicy.nicTeaming.policy


@pytest.mark.usefixtures("two_uplinks")
def test_promiscuous_mode_over_two_uplinks_is_warned_of_where_the_host_does_not_check(world_lab: KubeLab) -> None:
    group = world_lab.standard_port_group()

    warned = group.wait(lambda now: now.ready and now.condition("NetworkReady").message, "the warning")

    messages = _messages(warned)
    assert "Net.ReversePathFwdCheckPromisc is 0" in messages[B]
    assert "Set the advanced option to 1" in messages[B]
    assert messages[A] == ""
    assert B in warned.condition("NetworkReady").message
    assert warned.condition("NetworkReady").status == "True"
    assert world_lab.calls.changes() == {"AddPortGroup": 2}, "the option is not ours to set"


@pytest.mark.usefixtures("two_uplinks")
def test_ip_hash_of_a_port_group_is_warned_about_and_comes_through_a_repair(
    world_lab: KubeLab, stranger: Stranger
) -> None:
    group = world_lab.standard_port_group()
    group.wait_ready()
    world_lab.calls.mark()

    _balance(stranger, A, group.vsphere_name, IP_HASH)

    warned = group.wait(lambda now: "IP hash" in _messages(now)[A], "the warning")
    assert "vSwitch0 balances over 2 uplinks by IP hash" in _messages(warned)[A]
    assert "only if the physical switch bundles these ports" in _messages(warned)[A]
    assert "IP hash" not in _messages(warned)[B]
    network = warned.condition("NetworkReady")
    assert (network.status, A in network.message) == ("True", True)
    assert warned.ready
    assert world_lab.calls.changes() == {}

    stranger.update_standard(A, group.vsphere_name, allowPromiscuous=False)
    repaired = group.wait(lambda now: now.ready and now.status.get("lastRepair"), "promiscuous mode to be put back")
    assert [row["field"] for row in repaired.status["lastRepair"]["changes"]] == ["promiscuous"]
    assert _teaming(stranger, A, group.vsphere_name) == (IP_HASH, IP_HASH), "UpdatePortGroup writes it whole"
    assert "IP hash" in _messages(repaired)[A]
    assert world_lab.calls.changes() == {"UpdatePortGroup": 1}

    _balance(stranger, A, group.vsphere_name, BY_PORT)
    group.wait(lambda now: "IP hash" not in now.condition("NetworkReady").message, "the warning to go with its cause")
    assert world_lab.calls.changes() == {"UpdatePortGroup": 1}


@pytest.mark.usefixtures("two_uplinks")
def test_ip_hash_of_the_switch_is_warned_about_on_the_host_that_has_it(world_lab: KubeLab, stranger: Stranger) -> None:
    group = world_lab.standard_port_group()
    group.wait_ready()
    world_lab.calls.mark()
    spec = _over_both()
    spec.policy = vim.host.NetworkPolicy(nicTeaming=vim.host.NetworkPolicy.NicTeamingPolicy(policy=IP_HASH))

    _update_switch(stranger, B, spec)

    warned = group.wait(lambda now: "IP hash" in _messages(now)[B], "the warning")
    assert "IP hash" not in _messages(warned)[A]
    assert warned.ready
    assert _teaming(stranger, B, group.vsphere_name) == (None, IP_HASH), "the port group goes on inheriting it"
    assert world_lab.calls.changes() == {}


def test_ip_hash_over_one_uplink_is_nothing_to_warn_about(world_lab: KubeLab, stranger: Stranger) -> None:
    group = world_lab.standard_port_group()
    group.wait_ready()

    _balance(stranger, A, group.vsphere_name, IP_HASH)

    wait_for(lambda: _teaming(stranger, A, group.vsphere_name)[1] == IP_HASH, "the policy in force")
    group.annotate(reconcile_requested_at="with IP hash")
    seen = group.wait(lambda now: now.status.get("lastHandledReconcileAt") == "with IP hash", "another pass")
    assert seen.ready
    assert seen.condition("NetworkReady").message == ""
