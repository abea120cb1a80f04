"""What leaves the view and comes back into it: no gap for those who watch, no doubt left about what is gone."""

from typing import Any

import pytest

from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.domain.resource import ObjectKey
from nested_hyperv.vsphere import inventory as module
from nested_hyperv.vsphere.inventory import Inventory
from nested_hyperv.vsphere.updates import Update

KEY = ObjectKey("NestedPortGroup", "lab", "a")
PG = MoRef("DistributedVirtualPortgroup", "dvportgroup-1")


class Bench:
    """An inventory whose one port group has been pushed, taken out of the view and is wanted again."""

    def __init__(self) -> None:
        self.woken: list[ObjectKey] = []
        self.inventory = Inventory(notify=self.woken.append, changed=lambda: None)
        self.inventory.watch(KEY, [PG])
        assert self.sent() == ([PG], [])
        self.push("enter", config_version="1")
        self.inventory.watch(KEY, [])
        assert self.sent() == ([], [PG])
        self.inventory.watch(KEY, [PG])
        assert self.sent() == ([PG], [])
        self.woken.clear()

    def push(self, kind: str, **fields: Any) -> None:
        self.inventory.apply([Update(kind, PG, fields)])

    def sent(self) -> tuple[list[MoRef], list[MoRef]]:
        return self.inventory.take_changes(100)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_server_that_did_not_notice_goes_on_with_what_changes(bench: Bench) -> None:
    assert bench.inventory.cached(PG) is not None
    bench.push("modify", config_version="2")
    assert bench.woken == [KEY]


def test_a_server_that_noticed_is_asked_once_more_and_the_object_is_not_taken_for_gone(bench: Bench) -> None:
    bench.push("leave")
    assert (bench.inventory.cached(PG), bench.inventory.missing(PG)) == (None, False)
    assert bench.sent() == ([PG], [])
    bench.push("enter", config_version="2")
    assert bench.inventory.cached(PG) is not None
    assert bench.woken == [KEY]


def test_an_object_that_was_deleted_meanwhile_is_gone(bench: Bench) -> None:
    bench.push("leave")
    bench.sent()
    bench.inventory.unresolved([PG])
    assert bench.inventory.missing(PG)
    assert bench.woken == [KEY]


def test_a_later_end_of_the_object_is_seen_as_such(bench: Bench) -> None:
    bench.push("leave")
    bench.push("enter", config_version="2")
    bench.push("leave")
    assert bench.inventory.missing(PG)


def test_what_nobody_wants_is_forgotten_when_the_server_confirms_it(bench: Bench) -> None:
    bench.inventory.watch(KEY, [])
    bench.sent()
    bench.push("leave")
    assert (bench.inventory.cached(PG), bench.inventory.missing(PG)) == (None, False)
    assert bench.sent() == ([], [])


def test_removals_that_are_never_confirmed_do_not_pile_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DISMISSED", 3)
    refs = [MoRef("HostSystem", f"host-{number}") for number in range(10)]
    bench.inventory.watch(KEY, refs)
    bench.sent()
    bench.inventory.apply([Update("enter", ref, {"name": "esx"}) for ref in refs])
    bench.inventory.watch(KEY, [])
    bench.sent()
    assert len([ref for ref in refs if bench.inventory.cached(ref) is not None]) == 3
