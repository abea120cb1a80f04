"""What is published instead of executed names the machines that it would touch."""

from dataclasses import replace
from typing import Any

from nested_hyperv.domain.inventory import MoRef
from support import vsphere_records as samples
from support.documents import REMOVED
from support.workbench import PORT_GROUP, Workbench

ON_CLUSTER: dict[str, Any] = {
    "distributed": REMOVED,
    "standard": {"datacenter": "dc1", "vSwitch": "vSwitch0", "cluster": "lab"},
}


async def test_the_plan_of_a_distributed_port_group_names_ten_and_counts_all(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
    for number in range(12):
        name = f"guest-{number:02}"
        bench.vcenter.add(samples.virtual_machine(name, nics=[samples.nic(4000, bench.port_group.key)]))
    bench.api.edit(PORT_GROUP, managementPolicy="Observe")
    await bench.run()
    bench.forget_log()

    bench.vcenter.change(ref, vlan=7)
    await bench.run()

    (row,) = bench.api.status(PORT_GROUP)["plan"]
    assert row["fields"] == [{"field": "vlan", "from": "7", "to": "none"}]
    assert row["virtualMachines"] == [f"guest-{number:02}" for number in range(10)]
    assert row["virtualMachineCount"] == 12
    assert bench.vcenter.calls.count("names_of") == 1
    assert bench.vcenter.mutations == []


async def test_nobody_is_asked_for_machines_while_there_is_no_plan(bench: Workbench) -> None:
    await bench.create(PORT_GROUP)
    bench.vcenter.add(samples.virtual_machine("guest", nics=[samples.nic(4000, bench.port_group.key)]))
    bench.api.edit(PORT_GROUP, managementPolicy="Observe")
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("True", "Observed")
    assert "names_of" not in bench.vcenter.calls


async def test_the_plan_of_a_host_names_the_machines_of_that_host(bench: Workbench) -> None:
    hosts = [bench.vcenter.standard.join(name) for name in ("esx-a", "esx-b")]
    bench.declare(PORT_GROUP, **ON_CLUSTER)
    await bench.ready(PORT_GROUP)
    for host in hosts:
        machine = samples.virtual_machine(f"guest-of-{host.value}", nics=[samples.nic(4000, "inner")])
        bench.vcenter.add(replace(machine, host=MoRef("HostSystem", host.value)))
    bench.api.edit(PORT_GROUP, managementPolicy="Observe")
    await bench.run()
    bench.forget_log()

    for host in hosts:
        bench.vcenter.standard.drift(host, allow_promiscuous=False)
    await bench.run()

    rows = bench.api.status(PORT_GROUP)["plan"]
    assert {row["target"]: row["virtualMachines"] for row in rows} == {
        "esx-a": ["guest-of-esx-a"],
        "esx-b": ["guest-of-esx-b"],
    }
    assert bench.vcenter.mutations == []
    bench.api.edit(PORT_GROUP, managementPolicy="Enforce")
    await bench.ready(PORT_GROUP)
    assert bench.vcenter.mutations == ["update_host_port_group"] * 2
