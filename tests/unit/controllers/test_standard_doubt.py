"""What a host has is not known for sure: answers that are lost or late, and a vCenter that tells late."""

from nested_hyperv.domain.errors import NameTaken, OutcomeUnknown
from support.fake_hosts import FakeHosts
from support.standard import ON_CLUSTER, STRANGERS, create, ref, rows
from support.workbench import PORT_GROUP, Workbench


async def test_an_answer_that_was_lost_is_looked_for(bench: Workbench, hosts: FakeHosts) -> None:  # noqa: ARG001
    bench.vcenter.fail_calls["add_host_port_group esx-b"] = [OutcomeUnknown("The connection broke.")]
    bench.declare(PORT_GROUP, **ON_CLUSTER)
    await bench.run()
    await bench.after(10)

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")


async def test_a_refusal_after_a_lost_answer_may_be_of_our_own(bench: Workbench, hosts: FakeHosts) -> None:
    """The first call was still under way when the second was refused, and vCenter tells of it last."""
    bench.vcenter.fail_calls["add_host_port_group esx-b"] = [
        OutcomeUnknown("The connection broke."),
        NameTaken("The name inner is taken."),
    ]
    bench.declare(PORT_GROUP, **ON_CLUSTER)
    await bench.run()
    await bench.after(2)
    assert bench.vcenter.fail_calls["add_host_port_group esx-b"] == []
    made = hosts.group(ref("esx-a"))
    assert made is not None
    hosts.put(ref("esx-b"), made)
    await bench.run()
    await bench.after(5)

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert rows(bench)["esx-b"]["claim"] == "Claimed"


async def test_a_doubt_ends_when_the_port_group_is_seen_to_be_somebody_elses(
    bench: Workbench, hosts: FakeHosts
) -> None:
    bench.vcenter.fail_calls["add_host_port_group esx-b"] = [OutcomeUnknown("The connection broke.")]
    bench.declare(PORT_GROUP, **ON_CLUSTER)
    await bench.run()
    hosts.put(ref("esx-b"), STRANGERS)
    await bench.after(2)
    assert bench.condition(PORT_GROUP) == ("False", "Conflict")

    bench.vcenter.fail_calls["add_host_port_group esx-b"] = [NameTaken("The name inner is taken.")]
    hosts.drop(ref("esx-b"))
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("False", "NameTaken")


async def test_a_creation_of_which_vcenter_tells_late_is_looked_for_and_not_called_ignored(
    bench: Workbench,
    hosts: FakeHosts,  # noqa: ARG001
) -> None:
    bench.declare(PORT_GROUP, **ON_CLUSTER)
    while not bench.vcenter.mutations:
        bench.vcenter.push()
        await bench.work(until=lambda: bool(bench.vcenter.mutations))

    bench.clock.advance(3)
    await bench.work()

    assert "read_host_network" in bench.vcenter.calls
    assert bench.events.reasons == ["Created", "Succeeded"]
    assert bench.vcenter.mutations == ["add_host_port_group"] * 2


async def test_a_push_that_is_older_than_what_was_seen_takes_nothing_away_from_us(
    bench: Workbench, hosts: FakeHosts
) -> None:
    await create(bench)
    made = hosts.group(ref("esx-b"))
    assert made is not None
    hosts.drop(ref("esx-b"))
    bench.vcenter.push()
    hosts.put(ref("esx-b"), made)
    await bench.work()
    await bench.run()
    await bench.after(301)

    assert rows(bench)["esx-b"]["claim"] == "Claimed"
    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
