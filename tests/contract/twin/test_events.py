"""Events, where it takes a drift, another user or the clock to show them."""

from typing import Any

import pytest
from pyVmomi import vim

from bed.lab import Lab
from bed.soap import connect, find, finish, moid
from bed.twin import ALICE, OPERATOR, Twin
from bed.waiting import wait_for
from verify.rule import rule

Filter = vim.event.EventFilterSpec


def _newest(instance: Any, entity: Any, kind: str) -> Any:
    by = Filter.ByEntity(entity=entity, recursion="self")
    events = instance.content.eventManager.QueryEvents(Filter(entity=by, eventTypeId=[kind], maxCount=1))
    return events[0] if events else None


@rule(
    call="Event.userName",
    says="An event names the user who made the change, whoever reads it.",
    standing="documented",
    source="API reference, Event.userName",
)
def test_an_event_names_who_did_it(twin: Twin) -> None:
    with connect(twin, OPERATOR) as mine, connect(twin, ALICE) as others:
        vm = find(others, vim.VirtualMachine, "DC0_H0_VM0")
        finish(vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="by alice")))

        event = _newest(mine, find(mine, vim.VirtualMachine, "DC0_H0_VM0"), "VmReconfiguredEvent")

    assert event.userName == ALICE.shown


@pytest.mark.infrastructure("drift")
def test_a_drift_leaves_the_event_of_the_change_in_the_name_of_its_user(lab: Lab) -> None:
    group = find(lab.instance, vim.dvs.DistributedVirtualPortgroup, "DC0_DVPG0")
    vm = find(lab.instance, vim.VirtualMachine, "DC0_H0_VM0")
    policy = "config.defaultPortConfig.macManagementPolicy.allowPromiscuous"

    lab.twin.control.drift(moid(group), user=ALICE, set={policy: True})
    event = _newest(lab.instance, group, "DVPortgroupReconfiguredEvent")
    assert event.userName == ALICE.shown
    assert event.configChanges.modified == f"{policy}: false -> true; \n\n"

    lab.twin.control.drift(
        moid(vm), user=OPERATOR, set={"config.nestedHVEnabled": True, "runtime.powerState": "poweredOff"}
    )
    event = _newest(lab.instance, vm, "VmReconfiguredEvent")
    assert event.userName == OPERATOR.shown
    assert "config.nestedHVEnabled: " in event.configChanges.modified
    assert _newest(lab.instance, vm, "VmPoweredOffEvent").userName == OPERATOR.shown


@rule(
    call="QueryEvents",
    says="Events older than the server keeps them are gone: 30 days unless changed.",
    standing="documented",
    source="vCenter's advanced settings event.maxAge and event.maxAgeEnabled: vCenter host management guide",
)
def test_old_events_are_purged(twin: Twin) -> None:
    with connect(twin) as instance:
        twin.control.session_timeout(0)  # else the skewed clock ends the session
        vm = find(instance, vim.VirtualMachine, "DC0_H0_VM0")
        finish(vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="long ago")))
        assert _newest(instance, vm, "VmReconfiguredEvent") is not None

        twin.control.clock(skew_seconds=31 * 24 * 3600)

        wait_for(lambda: _newest(instance, vm, "VmReconfiguredEvent") is None, "the event to be purged", seconds=30)


@rule(
    call="EventHistoryCollector",
    says="Collectors end with their session, and count no more.",
    standing="documented",
    source="API reference, CreateCollectorForEvents: does not persist beyond the current session",
)
def test_collectors_end_with_their_session(twin: Twin) -> None:
    for _ in range(3):
        with connect(twin) as instance:
            manager = instance.content.eventManager
            assert len([manager.CreateCollectorForEvents(Filter()) for _ in range(manager.maxCollector)]) == 32
