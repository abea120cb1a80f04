"""The ports of a port group: when they are looked at, what they cost, and what they make of NetworkReady."""

from typing import Any

import pytest

from nested_hyperv.domain.inventory import MoRef
from support import vsphere_records as samples
from support.workbench import HOST, PORT_GROUP, Workbench

LEARNING_OFF = {"mac_management": samples.mac_policy(learning_enabled=False)}
FIXED = {"binding": "Static", "count": 8, "autoExpand": False}


def attach(bench: Workbench, name: str, to: MoRef, adapters: int = 1) -> MoRef:
    nics = [samples.nic(4000 + n, on=to.value) for n in range(adapters)]
    return bench.vcenter.add(samples.virtual_machine(name, nics=nics))


async def attached(bench: Workbench, **spec: Any) -> MoRef:
    """A port group whose one port has been looked at."""
    ref = await bench.create(PORT_GROUP, **spec)
    attach(bench, "vm-a", ref)
    await bench.run()
    bench.forget_log()
    return ref


def edit_ports(bench: Workbench, wanted: dict[str, Any]) -> None:
    where = bench.api.objects[PORT_GROUP]["spec"]["distributed"]
    bench.api.edit(PORT_GROUP, distributed={**where, "ports": wanted})


def ports(bench: Workbench) -> dict[str, Any]:
    found: dict[str, Any] = bench.api.status(PORT_GROUP)["ports"]
    return found


async def test_a_port_group_that_nobody_uses_is_never_asked_for_its_ports(bench: Workbench) -> None:
    bench.declare(PORT_GROUP)
    await bench.ready(PORT_GROUP)
    await bench.after(4000)

    assert "connected_ports" not in bench.vcenter.calls
    assert ports(bench) == {"binding": "Static", "count": 8, "autoExpand": True, "used": 0, "free": 8, "machines": 0}


async def test_whoever_is_attached_is_counted_at_once_and_then_it_is_quiet(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
    attach(bench, "vm-a", ref)
    attach(bench, "vm-b", ref, adapters=2)
    await bench.run()

    assert bench.vcenter.calls == ["connected_ports"], "one look for both"
    assert (ports(bench)["used"], ports(bench)["free"], ports(bench)["machines"]) == (3, 5, 2)
    assert bench.writes(PORT_GROUP) == ["status"]
    bench.forget_log()
    for _ in range(3):
        bench.queue.add(PORT_GROUP)
        await bench.run()
    assert (bench.vcenter.calls, bench.api.writes) == ([], [])


async def test_a_port_that_overrides_its_group_is_found_at_the_resync_if_nobody_told_of_it(bench: Workbench) -> None:
    await attached(bench)
    bench.vcenter.ports.settings["0"] = LEARNING_OFF

    await bench.after(1000)
    assert bench.vcenter.calls == []
    await bench.after(1000)

    assert bench.vcenter.calls == ["connected_ports", "names_of"]
    assert bench.condition(PORT_GROUP, "NetworkReady") == ("False", "PortOverride")
    assert "port 0 of vm-a overrides the group: macLearning off" in bench.message(PORT_GROUP, "NetworkReady")
    assert bench.condition(PORT_GROUP) == ("True", "Succeeded"), "the group is as declared"
    assert bench.vcenter.mutations == []
    (row,) = bench.api.status(PORT_GROUP)["overrides"]
    assert row == {
        "port": "0",
        "machine": "vm-a",
        "moRef": "vm-vm-a",
        "field": "macLearning",
        "group": "on",
        "actual": "off",
    }


async def test_ports_that_vcenter_tells_of_are_looked_at_once_it_is_quiet(bench: Workbench) -> None:
    ref = await attached(bench)
    for _ in range(3):
        bench.vcenter.ports.settings["0"] = LEARNING_OFF
        bench.vcenter.tell_of_ports(ref)
        await bench.after(0.2)
    assert "connected_ports" not in bench.vcenter.calls
    await bench.after(0.5)

    assert bench.vcenter.calls == ["connected_ports", "names_of"], "one look for three changes"
    assert bench.condition(PORT_GROUP, "NetworkReady") == ("False", "PortOverride")
    del bench.vcenter.ports.settings["0"]
    bench.vcenter.tell_of_ports(ref)
    await bench.run()
    await bench.after(0.6)

    assert bench.condition(PORT_GROUP, "NetworkReady") == ("True", "Succeeded")


async def test_nobody_looks_at_ports_that_are_told_of_while_nobody_is_attached(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
    bench.vcenter.tell_of_ports(ref)
    await bench.after(1)

    assert "connected_ports" not in bench.vcenter.calls


async def test_a_request_looks_at_once_and_a_port_that_was_reset_is_ready_again(bench: Workbench) -> None:
    await attached(bench)
    bench.vcenter.ports.settings["0"] = LEARNING_OFF
    bench.api.annotate(PORT_GROUP, reconcile_requested_at="1")
    await bench.run()
    assert bench.condition(PORT_GROUP, "NetworkReady") == ("False", "PortOverride")
    del bench.vcenter.ports.settings["0"]

    bench.api.annotate(PORT_GROUP, reconcile_requested_at="2")
    await bench.run()

    assert bench.condition(PORT_GROUP, "NetworkReady") == ("True", "Succeeded")
    assert "overrides" not in bench.api.status(PORT_GROUP)
    assert "overriding" not in bench.api.status(PORT_GROUP)


async def test_a_machine_that_leaves_takes_its_override_along(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
    machine = attach(bench, "vm-a", ref)
    bench.vcenter.ports.settings["0"] = LEARNING_OFF
    await bench.run()
    assert bench.condition(PORT_GROUP, "NetworkReady") == ("False", "PortOverride")

    bench.vcenter.remove(machine)
    await bench.run()

    assert bench.condition(PORT_GROUP, "NetworkReady") == ("True", "Succeeded")
    assert ports(bench)["used"] == 0


async def test_a_repair_does_not_wait_for_a_look_at_the_ports(bench: Workbench) -> None:
    ref = await attached(bench)

    bench.vcenter.change(ref, vlan=7)
    await bench.run()

    assert "connected_ports" not in bench.vcenter.calls
    assert bench.vcenter.mutations == ["reconfigure_port_group"]
    await bench.after(1)
    assert bench.vcenter.calls.count("connected_ports") == 1
    assert bench.writes(PORT_GROUP) == ["status"], "only what the repair had to say"


async def test_after_a_restart_status_tells_what_was_seen(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
    attach(bench, "vm-a", ref)
    bench.vcenter.ports.settings["0"] = LEARNING_OFF
    await bench.run()
    bench.forget_log()

    bench.start()
    await bench.run()
    await bench.after(1000)
    assert (bench.vcenter.calls, bench.api.writes) == ([], [])
    await bench.after(1000)

    assert bench.vcenter.calls == ["connected_ports", "names_of"]
    assert bench.api.writes == []


async def test_a_machine_that_was_attached_while_nobody_looked_is_seen_after_a_restart(bench: Workbench) -> None:
    ref = await attached(bench)
    attach(bench, "vm-b", ref)

    bench.start()
    await bench.run()

    assert bench.vcenter.calls == ["connected_ports"]
    assert ports(bench)["used"] == 2


async def test_a_number_below_the_ports_in_use_is_lowered_as_far_as_can_be_and_then_follows(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP, distributed__ports={**FIXED, "count": 16})
    machines = [attach(bench, f"vm-{n}", ref) for n in range(14)]
    await bench.run()
    bench.forget_log()

    edit_ports(bench, FIXED)
    await bench.run()

    assert bench.port_group.port_count == 14
    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert "distributed.ports.count is 8, but 14 ports are in use" in bench.message(PORT_GROUP)
    for machine in machines[:8]:
        bench.vcenter.remove(machine)
        await bench.run()
    assert bench.port_group.port_count == 8
    assert bench.condition(PORT_GROUP) == ("True", "Succeeded"), "nobody fights here"
    assert bench.message(PORT_GROUP) == ""
    assert (ports(bench)["used"], ports(bench)["free"]) == (6, 2)


async def test_somebody_who_attaches_while_ports_are_taken_away_is_not_cut_off(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP, distributed__ports={**FIXED, "count": 3})
    attach(bench, "vm-a", ref)
    await bench.run()
    bench.vcenter.holding = True
    edit_ports(bench, {**FIXED, "count": 1})
    await bench.run()
    attach(bench, "vm-b", ref)  # the task runs, and vCenter refuses it
    bench.vcenter.holding = False

    await bench.run()
    await bench.after(600)

    assert bench.port_group.port_count == 2
    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")


@pytest.mark.parametrize("count", [6, 9])
async def test_a_drifted_number_of_fixed_ports_is_put_back(bench: Workbench, count: int) -> None:
    ref = await bench.create(PORT_GROUP, distributed__ports=FIXED)

    bench.vcenter.change(ref, port_count=count)
    await bench.run()

    assert bench.port_group.port_count == 8
    assert bench.meter.repairs == [("NestedPortGroup", "ports.count")]


async def test_ports_that_vsphere_added_are_no_drift_and_are_counted(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP, distributed__ports={"count": 8})

    bench.vcenter.change(ref, port_count=16)
    await bench.run()

    assert bench.vcenter.mutations == []
    assert ports(bench)["free"] == 16


async def test_an_ephemeral_port_group_is_created_as_one(bench: Workbench) -> None:
    await bench.create(PORT_GROUP, distributed__ports={"binding": "Ephemeral"})

    assert (bench.port_group.binding, bench.port_group.port_count) == ("ephemeral", 0)
    assert ports(bench)["binding"] == "Ephemeral"
    assert "free" not in ports(bench)


async def test_a_limit_below_the_pool_of_the_hosts_of_this_lab_is_warned_of(bench: Workbench) -> None:
    bench.declare(HOST, networks=[{"name": "a", "portGroupRef": {"name": PORT_GROUP.name}}])
    bench.declare(PORT_GROUP, nesting__macLearning={"limit": 100})

    await bench.ready(PORT_GROUP, HOST)

    assert bench.condition(PORT_GROUP, "NetworkReady") == ("True", "Succeeded")
    assert "Hyper-V gives out up to 256 from the pool of one host (hv1)" in bench.message(PORT_GROUP, "NetworkReady")


async def test_a_host_whose_port_overrides_its_group_has_no_network_either(bench: Workbench) -> None:
    bench.declare(PORT_GROUP)
    bench.declare(HOST, networks=[{"name": "a", "portGroupRef": {"name": PORT_GROUP.name}}])
    bench.vcenter.ports.settings["0"] = LEARNING_OFF
    await bench.ready(PORT_GROUP, HOST)

    assert bench.condition(HOST, "NetworkReady") == ("False", "PortOverride")
    assert "port 0 overrides NestedPortGroup inner: macLearning off" in bench.message(HOST, "NetworkReady")
    assert bench.condition(HOST) == ("True", "Succeeded")
    del bench.vcenter.ports.settings["0"]
    await bench.after(2000)
    assert bench.condition(HOST, "NetworkReady") == ("True", "Succeeded")


async def test_a_name_that_nsx_holds_is_refused_with_the_way_that_nsx_has(bench: Workbench) -> None:
    bench.vcenter.add(samples.port_group("inner", nsx=True))

    bench.declare(PORT_GROUP)
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("False", "NSXManaged")
    assert "MAC discovery profile" in bench.message(PORT_GROUP)
    assert bench.vcenter.mutations == []
