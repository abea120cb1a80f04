"""A creation of which nobody knows the outcome, or that vCenter tells of late, is ours for as long as it may come."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from nested_hyperv.domain.errors import OutcomeUnknown
from nested_hyperv.domain.host_network import StandardSettings, host_network
from nested_hyperv.domain.inventory import MoRef
from support.fake_hosts import FakeHosts
from support.standard import create, on_hosts, ref, rows
from support.workbench import PORT_GROUP, Workbench

Calls = list[Callable[[], Awaitable[None]]]
BOTH = on_hosts("esx-a", "esx-b")
ONE = on_hosts("esx-a")


class Killed(BaseException):
    """The process has ended."""


@pytest.fixture
def late(bench: Workbench, hosts: FakeHosts, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Creations break off unanswered; the host executes what the list has, whenever a test calls it."""
    calls: Calls = []
    real = hosts.add

    async def add(host: MoRef, settings: StandardSettings) -> None:
        await bench.vcenter.called("add_host_port_group")
        calls.append(lambda: real(host, settings))
        raise OutcomeUnknown("The connection broke.")

    monkeypatch.setattr(hosts, "add", add)
    return calls


@pytest.fixture
def unseen(bench: Workbench, hosts: FakeHosts, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on vCenter tells of what is created on a host when a test lets it."""
    real = hosts.add

    async def add(host: MoRef, settings: StandardSettings) -> None:
        bench.vcenter.unseen.add(host_network(host))
        await real(host, settings)

    monkeypatch.setattr(hosts, "add", add)


async def edit(bench: Workbench, spec: dict[str, Any]) -> None:
    bench.api.edit(PORT_GROUP, **{name: value for name, value in spec.items() if name != "distributed"})
    await bench.run()


def gone(bench: Workbench) -> bool:
    return PORT_GROUP not in bench.api.objects


async def test_a_deletion_waits_for_a_creation_whose_answer_was_lost(
    bench: Workbench, hosts: FakeHosts, late: Calls
) -> None:
    bench.declare(PORT_GROUP, **ONE)
    await bench.run()
    bench.api.delete(PORT_GROUP)
    await bench.run()
    await bench.after(5)
    assert not gone(bench)

    await late[0]()
    await bench.run()

    assert gone(bench)
    assert hosts.group(ref("esx-a")) is None


async def test_a_deletion_does_not_wait_for_ever_for_a_creation_that_never_comes(
    bench: Workbench,
    hosts: FakeHosts,  # noqa: ARG001
    late: Calls,  # noqa: ARG001
) -> None:
    bench.declare(PORT_GROUP, **ONE)
    await bench.run()
    bench.api.delete(PORT_GROUP)
    await bench.run()
    await bench.after(21)

    assert gone(bench)


async def test_a_deletion_after_a_kill_waits_for_what_the_process_may_have_called(
    bench: Workbench, hosts: FakeHosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = hosts.add, []

    async def add(host: MoRef, settings: StandardSettings) -> None:
        calls.append((host, settings))
        raise Killed

    monkeypatch.setattr(hosts, "add", add)
    bench.declare(PORT_GROUP, **ONE)
    with pytest.raises(Killed):
        await bench.run()
    bench.api.delete(PORT_GROUP)
    bench.start()
    await bench.run()
    assert not gone(bench)

    await real(*calls[0])
    await bench.run()

    assert gone(bench)
    assert hosts.group(ref("esx-a")) is None


async def test_a_host_that_is_taken_off_the_list_is_waited_for_too(
    bench: Workbench, hosts: FakeHosts, late: Calls
) -> None:
    bench.declare(PORT_GROUP, **BOTH)
    await bench.run()
    await late[0]()
    await edit(bench, ONE)
    await bench.after(5)
    assert set(rows(bench)) == {"esx-a", "esx-b"}

    await late[1]()
    await bench.run()
    await bench.after(5)

    assert set(rows(bench)) == {"esx-a"}
    assert hosts.group(ref("esx-b")) is None


async def test_a_new_spec_waits_for_what_was_being_created_from_the_old_one(
    bench: Workbench, hosts: FakeHosts, late: Calls
) -> None:
    bench.declare(PORT_GROUP, **ONE, vlan={"id": 7})
    await bench.run()
    await edit(bench, {"vlan": {"id": 8}})
    await bench.after(5)
    assert len(late) == 1

    await late[0]()
    await bench.run()
    await bench.after(5)

    made = hosts.group(ref("esx-a"))
    assert made is not None
    assert made.vlan == 8
    assert rows(bench)["esx-a"]["claim"] == "Claimed"
    assert len(late) == 1
    assert bench.vcenter.mutations[-1] == "update_host_port_group"


@pytest.mark.usefixtures("unseen")
async def test_a_claim_is_not_dropped_while_vcenter_has_not_told_of_the_creation(
    bench: Workbench, hosts: FakeHosts
) -> None:
    bench.declare(PORT_GROUP, **BOTH)
    await bench.run()
    bench.vcenter.unseen.discard(host_network(ref("esx-a")))
    await edit(bench, ONE)
    await bench.after(3)

    bench.vcenter.unseen.clear()
    await bench.run()
    await bench.after(5)

    assert set(rows(bench)) == {"esx-a"}
    assert hosts.group(ref("esx-b")) is None


async def test_what_was_removed_once_does_not_speak_against_a_later_creation(
    bench: Workbench, hosts: FakeHosts
) -> None:
    await create(bench, BOTH)
    await edit(bench, ONE)
    await bench.after(3)
    bench.vcenter.lose_answers.add("add_host_port_group")

    await edit(bench, BOTH)
    await bench.after(5)

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    bench.api.delete(PORT_GROUP)
    await bench.run()
    assert hosts.group(ref("esx-b")) is None
