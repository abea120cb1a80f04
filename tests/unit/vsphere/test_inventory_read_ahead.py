"""An object that was read a moment before it is watched: nobody is woken to hear again what is known."""

from dataclasses import replace
from typing import Any

import pytest

from nested_hyperv.domain.inventory import MoRef, PortGroup, Switch
from nested_hyperv.domain.resource import ObjectKey
from nested_hyperv.vsphere.inventory import Inventory
from nested_hyperv.vsphere.projection import build
from nested_hyperv.vsphere.updates import Update

KEY = ObjectKey("NestedPortGroup", "lab", "a")
PG = MoRef("DistributedVirtualPortgroup", "dvportgroup-1")
DVS = MoRef("VmwareDistributedVirtualSwitch", "dvs-1")


class Bench:
    def __init__(self) -> None:
        self.now = 100.0
        self.woken: list[ObjectKey] = []
        self.inventory = Inventory(notify=self.woken.append, changed=lambda: None, clock=lambda: self.now)

    def read(self, version: str) -> None:
        record = build(PG, {"config_version": version})
        assert isinstance(record, PortGroup)
        self.inventory.refresh(record)

    def enter(self, version: str) -> None:
        fields: dict[str, Any] = {"config_version": version}
        self.inventory.apply([Update("enter", PG, fields)])


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_what_was_just_read_is_known_as_soon_as_it_is_watched_and_enters_without_news(bench: Bench) -> None:
    bench.read("1")
    bench.inventory.watch(KEY, [PG])
    assert bench.inventory.cached(PG) is not None

    bench.enter("1")
    assert bench.woken == []


def test_a_change_between_the_read_and_the_view_is_news(bench: Bench) -> None:
    bench.read("1")
    bench.inventory.watch(KEY, [PG])

    bench.enter("2")
    assert bench.woken == [KEY]


def test_what_was_read_long_ago_is_not_taken_for_the_present(bench: Bench) -> None:
    bench.read("1")
    bench.now += 60
    bench.inventory.watch(KEY, [PG])
    assert bench.inventory.cached(PG) is None

    bench.enter("1")
    assert bench.woken == [KEY]


def test_what_was_found_gone_since_is_not_remembered(bench: Bench) -> None:
    bench.read("1")
    bench.inventory.gone(PG)
    bench.inventory.watch(KEY, [PG])
    assert bench.inventory.cached(PG) is None


def test_a_new_view_begins_with_nothing_read_in_an_older_one(bench: Bench) -> None:
    bench.read("1")
    bench.inventory.resync()
    bench.inventory.watch(KEY, [PG])
    assert bench.inventory.cached(PG) is None


def read_switch(bench: Bench) -> None:
    record = build(DVS, {"name": "DVS0", "config_version": "1"})
    assert isinstance(record, Switch)
    bench.inventory.refresh(replace(record, path="/DC0/network/DVS0", mtu=9000, uplinks=2))
    bench.inventory.watch(KEY, [DVS])


def test_a_switch_that_enters_as_it_was_read_wakes_nobody_although_no_push_carries_all_of_it(bench: Bench) -> None:
    read_switch(bench)

    bench.inventory.apply([Update("enter", DVS, {"name": "DVS0", "config_version": "1"})])

    known = bench.inventory.cached(DVS)
    assert isinstance(known, Switch)
    assert (known.mtu, known.uplinks, bench.woken) == (9000, 2, [])


def test_of_a_switch_with_another_version_nothing_is_kept_that_may_have_changed(bench: Bench) -> None:
    read_switch(bench)

    bench.inventory.apply([Update("enter", DVS, {"name": "DVS0", "config_version": "2"})])

    known = bench.inventory.cached(DVS)
    assert isinstance(known, Switch)
    assert (known.mtu, known.path, bench.woken) == (None, "/DC0/network/DVS0", [KEY])
