"""The end of a port group on standard switches: what is ours goes from every host, and nothing else."""

from nested_hyperv.domain.host_network import HostNetwork, host_network
from support import vsphere_records as samples
from support.fake_hosts import FakeHosts
from support.standard import ON_CLUSTER, STRANGERS, create, on_hosts, ref, until_called
from support.workbench import PORT_GROUP, Workbench


async def test_deletion_removes_it_from_every_host(bench: Workbench, hosts: FakeHosts) -> None:
    await create(bench)

    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert bench.vcenter.mutations == ["remove_host_port_group"] * 2
    assert hosts.group(ref("esx-a")) is None
    assert PORT_GROUP not in bench.api.objects


async def test_deletion_touches_nothing_that_is_not_claimed(bench: Workbench, hosts: FakeHosts) -> None:
    hosts.put(ref("esx-b"), STRANGERS)
    bench.declare(PORT_GROUP, **ON_CLUSTER)
    await bench.run()

    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert hosts.group(ref("esx-b")) == STRANGERS
    assert hosts.group(ref("esx-a")) is None
    assert PORT_GROUP not in bench.api.objects


async def test_deletion_waits_for_a_host_that_is_away_and_not_for_one_that_is_gone(
    bench: Workbench, hosts: FakeHosts
) -> None:
    await create(bench)
    bench.vcenter.change(ref("esx-b"), connection_state="notResponding")
    await bench.run()

    bench.api.delete(PORT_GROUP)
    await bench.run()
    assert "esx-b" in bench.message(PORT_GROUP)
    assert hosts.group(ref("esx-a")) is None

    hosts.leave(ref("esx-b"))
    await bench.run()
    assert PORT_GROUP not in bench.api.objects


async def test_deletion_waits_for_a_host_whose_networks_vcenter_does_not_know(
    bench: Workbench, hosts: FakeHosts
) -> None:
    await create(bench)
    network = host_network(ref("esx-b"))
    before = bench.vcenter.host_networks[network]
    bench.vcenter.add(HostNetwork(network, None, None))
    bench.api.delete(PORT_GROUP)
    await bench.run()
    assert "esx-b: vCenter does not know the host's networks." in bench.message(PORT_GROUP)

    bench.vcenter.add(before)
    await bench.run()

    assert hosts.group(ref("esx-b")) is None
    assert PORT_GROUP not in bench.api.objects


async def test_a_cluster_that_is_gone_does_not_block_deletion(bench: Workbench, hosts: FakeHosts) -> None:
    await create(bench)
    for name in ("esx-a", "esx-b"):
        hosts.leave(ref(name))
    bench.vcenter.clusters.clear()
    await bench.run()

    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert PORT_GROUP not in bench.api.objects


async def test_deletion_goes_on_when_the_last_user_has_left(bench: Workbench, hosts: FakeHosts) -> None:
    await create(bench)
    vm = bench.vcenter.add(samples.virtual_machine("sql", nics=[samples.nic(4000, "inner")], host=ref("esx-a")))
    bench.api.delete(PORT_GROUP)
    await bench.run()
    assert "sql" in bench.message(PORT_GROUP)
    assert hosts.group(ref("esx-b")) is not None

    bench.vcenter.remove(vm)
    await bench.run()

    assert PORT_GROUP not in bench.api.objects


async def test_what_was_created_a_moment_ago_goes_although_vcenter_does_not_tell_of_it_yet(
    bench: Workbench, hosts: FakeHosts
) -> None:
    bench.declare(PORT_GROUP, **ON_CLUSTER)
    await until_called(bench)
    made = hosts.group(ref("esx-b"))
    assert made is not None
    hosts.drop(ref("esx-b"))

    bench.api.delete(PORT_GROUP)
    await bench.run()
    hosts.put(ref("esx-b"), made)
    await bench.run()

    assert hosts.group(ref("esx-b")) is None
    assert PORT_GROUP not in bench.api.objects


async def test_what_was_created_on_a_host_that_is_taken_off_the_list_goes_although_vcenter_tells_late(
    bench: Workbench, hosts: FakeHosts
) -> None:
    bench.declare(PORT_GROUP, **on_hosts("esx-a", "esx-b"))
    await until_called(bench)
    made = hosts.group(ref("esx-b"))
    assert made is not None
    hosts.drop(ref("esx-b"))

    bench.api.edit(PORT_GROUP, standard=on_hosts("esx-a")["standard"])
    await bench.run()
    hosts.put(ref("esx-b"), made)
    await bench.run()

    assert hosts.group(ref("esx-b")) is None
    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")


async def test_a_removal_that_vcenter_does_not_tell_of_yet_is_waited_for_and_not_called_again(
    bench: Workbench,
    hosts: FakeHosts,  # noqa: ARG001
) -> None:
    await create(bench)
    bench.api.delete(PORT_GROUP)
    await _until_called_and_not_told(bench)

    bench.queue.add(PORT_GROUP)
    await bench.work()
    assert PORT_GROUP in bench.api.objects
    assert bench.vcenter.mutations == ["remove_host_port_group"] * 2
    assert bench.events.reasons == []

    await bench.run()
    assert PORT_GROUP not in bench.api.objects
    assert bench.vcenter.mutations == ["remove_host_port_group"] * 2


async def test_that_we_removed_it_is_known_without_reading_all_that_a_host_has(
    bench: Workbench,
    hosts: FakeHosts,  # noqa: ARG001
) -> None:
    await create(bench)
    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert PORT_GROUP not in bench.api.objects
    assert bench.vcenter.calls.count("read_host_network") == 2, "one for each host, before the call"


async def test_what_somebody_else_removed_is_looked_for_before_it_is_forgotten(
    bench: Workbench, hosts: FakeHosts
) -> None:
    await create(bench)
    for host in ("esx-a", "esx-b"):
        hosts.drop(ref(host))
    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert PORT_GROUP not in bench.api.objects
    assert bench.vcenter.calls.count("read_host_network") >= 2
    assert bench.vcenter.mutations == []


async def test_what_came_after_our_removal_is_somebody_elses(bench: Workbench, hosts: FakeHosts) -> None:
    await create(bench)
    bench.api.delete(PORT_GROUP)
    await _until_called_and_not_told(bench)
    hosts.put(ref("esx-b"), STRANGERS)

    await bench.run()
    await bench.after(3)

    assert PORT_GROUP not in bench.api.objects
    assert hosts.group(ref("esx-b")) == STRANGERS
    assert bench.vcenter.mutations == ["remove_host_port_group"] * 2


async def test_what_is_adopted_after_our_removal_goes_if_that_is_asked_for(bench: Workbench, hosts: FakeHosts) -> None:
    bench.connect(allowAdoption="true")
    await create(bench, on_hosts("esx-a", "esx-b"))
    bench.api.edit(PORT_GROUP, standard=on_hosts("esx-a")["standard"])
    await bench.run()
    made = hosts.group(ref("esx-a"))
    assert made is not None
    hosts.put(ref("esx-b"), made)
    bench.vcenter.push()
    both = on_hosts("esx-a", "esx-b")["standard"]
    bench.api.edit(PORT_GROUP, standard=both, adoptionPolicy="Adopt", deletionPolicy="Delete")
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")

    bench.api.delete(PORT_GROUP)
    await bench.after(3)

    assert PORT_GROUP not in bench.api.objects
    assert hosts.group(ref("esx-b")) is None


async def _until_called_and_not_told(bench: Workbench) -> None:
    while not bench.vcenter.mutations:
        bench.vcenter.push()
        await bench.work(until=lambda: bool(bench.vcenter.mutations))


async def test_machines_on_what_stays_do_not_hold_up_the_others(bench: Workbench, hosts: FakeHosts) -> None:
    bench.connect(allowAdoption="true")
    hosts.put(ref("esx-a"), STRANGERS)
    await create(bench, adoptionPolicy="Adopt")
    bench.vcenter.add(samples.virtual_machine("sql", nics=[samples.nic(4000, "inner")], host=ref("esx-a")))

    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert hosts.group(ref("esx-a")) is not None, "adopted, so it stays, and so may its machine"
    assert hosts.group(ref("esx-b")) is None
    assert PORT_GROUP not in bench.api.objects
