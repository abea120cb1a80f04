"""What was put into the view and destroyed before the server told of it: no push will ever say that it is gone."""

from typing import Any

import pytest

from nested_hyperv.domain.host_network import host_network
from nested_hyperv.domain.inventory import MoRef, PortGroup
from nested_hyperv.domain.resource import ObjectKey
from nested_hyperv.vsphere.inventory import Inventory
from nested_hyperv.vsphere.projection import build
from nested_hyperv.vsphere.updates import Update

KEY = ObjectKey("NestedPortGroup", "lab", "a")
PG = MoRef("DistributedVirtualPortgroup", "dvportgroup-1")
TASK = MoRef("Task", "task-1")


class Bench:
    """A port group that was just created and read, and is about to be put into the view."""

    def __init__(self) -> None:
        self.woken: list[ObjectKey] = []
        self.inventory = Inventory(notify=self.woken.append, changed=lambda: None)
        self.read()
        self.inventory.watch(KEY, [PG])

    def read(self) -> None:
        record = build(PG, {"config_version": "1"})
        assert isinstance(record, PortGroup)
        self.inventory.refresh(record)

    def send(self) -> None:
        """Let the server put into the view what is wanted."""
        add, _ = self.inventory.take_changes(100)
        self.inventory.taken(add)

    def enter(self, **fields: Any) -> None:
        self.inventory.apply([Update("enter", PG, {"config_version": "1", **fields})])

    def untold(self) -> None:
        """An answer of the long poll, asked for by now, has come to its end."""
        self.inventory.untold(self.inventory.view_changes)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_what_was_never_told_of_counts_as_missing_and_its_watcher_is_woken(bench: Bench) -> None:
    bench.send()
    bench.untold()
    assert bench.inventory.missing(PG)
    assert bench.inventory.cached(PG) is None
    assert bench.woken == [KEY]


def test_what_was_told_of_is_there(bench: Bench) -> None:
    bench.send()
    bench.enter()
    bench.untold()
    assert not bench.inventory.missing(PG)
    assert bench.woken == []


def test_what_the_server_tells_before_we_hear_that_it_has_it_is_there_too(bench: Bench) -> None:
    add, _ = bench.inventory.take_changes(100)
    bench.enter()
    bench.inventory.taken(add)
    bench.untold()
    assert not bench.inventory.missing(PG)


def test_an_answer_that_was_asked_for_before_says_nothing_of_it(bench: Bench) -> None:
    asked = bench.inventory.view_changes
    bench.send()
    bench.inventory.untold(asked)
    assert not bench.inventory.missing(PG)
    bench.untold()
    assert bench.inventory.missing(PG)


def test_what_is_only_on_its_way_into_the_view_is_not_doubted(bench: Bench) -> None:
    bench.inventory.take_changes(100)
    bench.untold()
    assert not bench.inventory.missing(PG)


def test_a_slow_server_costs_one_read_of_each_and_not_one_after_the_other(bench: Bench) -> None:
    bench.send()
    bench.untold()
    bench.read()  # it is there all the same, and is put into the view again
    bench.woken.clear()
    bench.send()
    bench.untold()
    assert not bench.inventory.missing(PG)
    assert bench.woken == []


def test_a_task_is_never_taken_for_lost(bench: Bench) -> None:
    bench.inventory.started(KEY, TASK)
    bench.send()
    bench.untold()
    assert bench.inventory.task(TASK) is None or not bench.inventory.task(TASK).state.ended  # type: ignore[union-attr]


def test_at_a_cold_start_of_thousands_few_are_read_at_once(bench: Bench) -> None:
    refs = [MoRef("DistributedVirtualPortgroup", f"dvportgroup-{number}") for number in range(1000)]
    bench.inventory.watch(KEY, refs)
    bench.send()
    bench.untold()
    assert len([ref for ref in refs if bench.inventory.missing(ref)]) <= 32


def test_what_comes_back_into_the_view_before_the_server_looked_is_not_doubted(bench: Bench) -> None:
    bench.send()
    bench.enter()
    bench.inventory.watch(KEY, [])
    bench.send()
    bench.inventory.watch(KEY, [PG])
    bench.send()
    bench.untold()
    assert not bench.inventory.missing(PG)
    assert bench.inventory.cached(PG) is not None


def test_what_was_taken_out_and_put_back_is_told_of_once_and_not_doubted(bench: Bench) -> None:
    """The removal is confirmed only after both, and seems to ask for a third change of the view."""
    bench.send()
    bench.enter()
    bench.inventory.watch(KEY, [])
    bench.send()
    bench.inventory.watch(KEY, [PG])
    bench.send()
    bench.inventory.apply([Update("leave", PG, {})])
    bench.enter()

    assert bench.inventory.take_changes(100) == ([], [])
    bench.untold()
    assert not bench.inventory.missing(PG)


def test_what_enters_from_before_its_removal_is_still_put_back(bench: Bench) -> None:
    bench.send()
    bench.inventory.watch(KEY, [])
    bench.send()
    bench.inventory.watch(KEY, [PG])
    bench.enter()

    assert bench.inventory.take_changes(100) == ([PG], [])


def test_the_networks_of_a_host_are_not_doubted_because_they_take_long_to_come(bench: Bench) -> None:
    networks = host_network(MoRef("HostSystem", "host-1"))
    bench.inventory.watch(KEY, [networks])
    bench.send()
    bench.untold()

    assert not bench.inventory.missing(networks)
