"""Hosts of which vCenter tells late, or not at all: no claim is lost, and nobody asks in vain for ever."""

from collections.abc import Iterable
from typing import Any

import pytest

from nested_hyperv.domain.host_network import host_network
from nested_hyperv.domain.inventory import HostSet, MoRef
from nested_hyperv.domain.resource import ObjectKey
from support.fake_hosts import FakeHosts
from support.standard import ON_CLUSTER, create, on_hosts, ref, rows
from support.workbench import PORT_GROUP, Workbench

OTHER = ObjectKey(PORT_GROUP.kind, "lab", "other")


@pytest.fixture
def remembered(hosts: FakeHosts, monkeypatch: pytest.MonkeyPatch) -> FakeHosts:
    """Hosts whose cluster is asked for once and remembered, as ``vsphere.remembered`` does."""
    answers: dict[Any, HostSet] = {}
    ask = hosts.find_hosts

    async def find(datacenter: str, cluster: str | None, names: Iterable[str], *, fresh: bool) -> HostSet:
        question = (datacenter, cluster, tuple(names))
        if fresh or question not in answers:
            answers[question] = await ask(datacenter, cluster, question[2], fresh=fresh)
        return answers[question]

    monkeypatch.setattr(hosts, "find_hosts", find)
    return hosts


async def test_a_claim_is_not_dropped_on_what_is_remembered_of_the_cluster(
    bench: Workbench, remembered: FakeHosts
) -> None:
    await create(bench)
    remembered.join("esx-c")
    await bench.ready(PORT_GROUP)
    # Somebody else goes on watching the first two hosts, and nobody the cluster.
    bench.declare(OTHER, **on_hosts("esx-a", "esx-b"), name="other")
    await bench.ready(OTHER)
    bench.api.edit(PORT_GROUP, suspend=True)
    await bench.run()

    bench.api.edit(PORT_GROUP, suspend=False)
    await bench.ready(PORT_GROUP)

    assert rows(bench)["esx-c"]["claim"] == "Claimed"
    bench.api.delete(PORT_GROUP)
    await bench.run()
    assert remembered.group(ref("esx-c")) is None


async def test_a_host_whose_networks_were_hidden_for_a_while_is_asked_again(bench: Workbench, hosts: FakeHosts) -> None:
    await create(bench)
    network = host_network(ref("esx-b"))
    held = bench.vcenter.host_networks[network]
    bench.vcenter.remove(network)
    await bench.run()
    assert rows(bench)["esx-b"]["message"] == "vCenter does not know the host's networks yet."

    bench.vcenter.unseen.add(network)
    bench.vcenter.after_read = bench.vcenter.unseen.discard
    bench.vcenter.host_networks[network] = held
    hosts.drift(ref("esx-b"), allow_promiscuous=False)
    bench.api.edit(PORT_GROUP, vlan={"id": 7})
    await bench.ready(PORT_GROUP)

    group = hosts.group(ref("esx-b"))
    assert group is not None
    assert (group.vlan, group.own.allow_promiscuous) == (7, True)


async def test_a_network_that_vcenter_does_not_show_is_asked_for_ever_more_rarely(
    bench: Workbench, hosts: FakeHosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = hosts.find_network

    async def nowhere(_datacenter: str, _name: str, *, fresh: bool) -> None:  # noqa: ARG001 - the signature of the port
        await bench.vcenter.called("find_standard_network")

    monkeypatch.setattr(hosts, "find_network", nowhere)
    bench.declare(PORT_GROUP, **ON_CLUSTER)
    await bench.run()
    bench.forget_log()

    for _ in range(600):
        await bench.after(1)

    assert bench.condition(PORT_GROUP) == ("False", "Progressing")
    assert bench.vcenter.calls.count("find_standard_network") < 15
    monkeypatch.setattr(hosts, "find_network", shown)
    await bench.after(300)
    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")


async def test_a_network_that_comes_a_moment_after_the_port_group_is_found_in_a_second(
    bench: Workbench, hosts: FakeHosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, late = hosts.find_network, True

    async def find(datacenter: str, name: str, *, fresh: bool) -> MoRef | None:
        return None if late else await shown(datacenter, name, fresh=fresh)

    monkeypatch.setattr(hosts, "find_network", find)
    bench.declare(PORT_GROUP, **ON_CLUSTER)
    await bench.run()
    assert bench.condition(PORT_GROUP) == ("False", "Progressing")

    late = False
    await bench.after(1)

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")


async def test_a_host_off_the_list_that_is_away_is_waited_for_without_trying(
    bench: Workbench, hosts: FakeHosts
) -> None:
    await create(bench, on_hosts("esx-a", "esx-b"))
    bench.vcenter.change(ref("esx-b"), connection_state="disconnected")
    await bench.run()
    bench.api.edit(PORT_GROUP, standard=on_hosts("esx-a")["standard"])
    await bench.run()
    bench.forget_log()

    await bench.after(7200)

    assert bench.vcenter.mutations == []
    assert bench.api.writes == []
    assert bench.condition(PORT_GROUP) == ("False", "HostUnavailable")
    bench.vcenter.change(ref("esx-b"), connection_state="connected")
    await bench.ready(PORT_GROUP)
    assert hosts.group(ref("esx-b")) is None
    assert list(rows(bench)) == ["esx-a"]
