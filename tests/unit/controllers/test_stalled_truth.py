"""A port group that may not be written, or is gone: status goes on telling what is there, and whether frames pass."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from nested_hyperv.domain.errors import NameTaken, PermissionDenied
from support import vsphere_records as samples
from support.workbench import PORT_GROUP, Workbench


def cut_off(bench: Workbench, **more: object) -> None:
    """Somebody switches forged transmits off, so that inner machines cannot send."""
    policy = bench.port_group.mac_management
    assert policy is not None
    (ref,) = bench.vcenter.port_groups
    bench.vcenter.change(ref, mac_management=replace(policy, forged_transmits=False), **more)


def drifted(bench: Workbench) -> set[str]:
    return {row["field"] for row in bench.api.status(PORT_GROUP).get("drift", ())}


async def test_where_the_mark_is_lost_it_still_tells_that_inner_machines_are_cut_off(bench: Workbench) -> None:
    await bench.create(PORT_GROUP)
    bench.forget_log()

    cut_off(bench, description="mine")
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("False", "OwnershipLost")
    assert bench.condition(PORT_GROUP, "NetworkReady") == ("False", "OwnershipLost")
    assert bench.condition(PORT_GROUP, "Synced") == ("False", "OwnershipLost")
    assert bench.api.status(PORT_GROUP)["observed"]["forgedTransmits"] is False
    assert drifted(bench) == {"mark", "forgedTransmits"}
    assert bench.vcenter.mutations == []


async def test_where_the_mark_is_lost_and_frames_pass_the_network_is_ready(bench: Workbench) -> None:
    await bench.create(PORT_GROUP)

    (ref,) = bench.vcenter.port_groups
    bench.vcenter.change(ref, description="mine")
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("False", "OwnershipLost")
    assert bench.condition(PORT_GROUP, "NetworkReady") == ("True", "Succeeded")


async def test_where_the_switch_does_not_do_any_more_it_tells_what_else_is_wrong(bench: Workbench) -> None:
    await bench.create(PORT_GROUP, minimumMTU=1500)
    bench.forget_log()
    (switch,) = bench.vcenter.switches

    bench.vcenter.change(switch, mtu=1300)
    cut_off(bench)
    await bench.after(301)

    assert bench.condition(PORT_GROUP) == ("False", "MTUTooSmall")
    assert bench.condition(PORT_GROUP, "NetworkReady") == ("False", "MTUTooSmall")
    assert drifted(bench) == {"forgedTransmits"}
    assert bench.vcenter.mutations == []


async def test_what_was_deleted_and_is_only_reported_has_no_network_and_shows_nothing(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP, onExternalDelete="Report")

    bench.vcenter.remove(ref)
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("False", "Missing")
    assert bench.condition(PORT_GROUP, "NetworkReady") == ("False", "Missing")
    assert bench.condition(PORT_GROUP, "Synced") == ("False", "Missing")
    assert "observed" not in bench.api.status(PORT_GROUP)


def taken(bench: Workbench) -> None:
    bench.vcenter.add(samples.port_group("inner"))


def too_small(bench: Workbench) -> None:
    (switch,) = bench.vcenter.switches
    bench.vcenter.change(switch, mtu=1300)


def the_call_denied(bench: Workbench) -> None:
    bench.vcenter.fail_calls["create_port_group"] = [PermissionDenied("lacks DVPortgroup.Create")]


def the_task_denied(bench: Workbench) -> None:
    bench.vcenter.fail_tasks["create_port_group"] = [PermissionDenied("lacks DVPortgroup.Create")]


def refused_twice(bench: Workbench) -> None:
    bench.vcenter.fail_tasks["create_port_group"] = [NameTaken("The name inner is taken.")] * 2


@pytest.mark.parametrize(
    ("obstacle", "reason"),
    [
        (taken, "NameTaken"),
        (too_small, "MTUTooSmall"),
        (the_call_denied, "PermissionDenied"),
        (the_task_denied, "PermissionDenied"),
        (refused_twice, "NameTaken"),
    ],
)
async def test_what_was_deleted_and_cannot_be_made_anew_has_no_network_and_shows_nothing(
    bench: Workbench, obstacle: Callable[[Workbench], None], reason: str
) -> None:
    ref = await bench.create(PORT_GROUP, minimumMTU=1500)

    obstacle(bench)
    bench.vcenter.remove(ref)
    await bench.run()
    await bench.after(5)

    for kind in ("Ready", "NetworkReady", "Synced"):
        assert bench.condition(PORT_GROUP, kind) == ("False", reason)
    assert "observed" not in bench.api.status(PORT_GROUP)
    assert bench.api.status(PORT_GROUP)["moRef"] == ref.value, "it was there before"


async def test_what_was_deleted_has_no_network_while_a_new_spec_has_it_made_anew(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
    bench.vcenter.holding = True

    bench.vcenter.remove(ref)
    bench.api.edit(PORT_GROUP, vlan={"id": 120})
    await bench.run()

    assert bench.vcenter.mutations == ["create_port_group"]
    assert bench.condition(PORT_GROUP, "NetworkReady") == ("False", "Progressing")


async def test_under_observe_what_was_deleted_has_no_network(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
    bench.api.edit(PORT_GROUP, managementPolicy="Observe")
    await bench.run()

    bench.vcenter.remove(ref)
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("False", "WouldChange")
    assert bench.condition(PORT_GROUP, "NetworkReady") == ("False", "WouldChange")


async def test_under_observe_it_stalls_too_and_no_plan_is_published(bench: Workbench) -> None:
    await bench.create(PORT_GROUP)
    bench.api.edit(PORT_GROUP, managementPolicy="Observe")
    await bench.run()

    cut_off(bench, description="mine")
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("False", "OwnershipLost")
    assert not bench.api.status(PORT_GROUP).get("plan")
    assert drifted(bench) == {"mark", "forgedTransmits"}


async def test_it_is_all_taken_back_when_the_mark_is_back(bench: Workbench) -> None:
    await bench.create(PORT_GROUP)
    (ref,) = bench.vcenter.port_groups
    marked = bench.port_group.description
    cut_off(bench, description="mine")
    await bench.run()

    bench.vcenter.change(ref, description=marked)
    await bench.ready(PORT_GROUP)

    assert bench.condition(PORT_GROUP, "NetworkReady") == ("True", "Succeeded")
    assert bench.condition(PORT_GROUP, "Synced") == ("True", "Succeeded")
    assert drifted(bench) == set()
