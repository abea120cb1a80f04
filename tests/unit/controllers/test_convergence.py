"""Whatever happens, and whenever the operator dies: it ends in the declared state, with one of each, harming nobody."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Concurrent, Gone, Transient, Unreachable
from nested_hyperv.domain.inventory import MoRef
from support import vsphere_records as samples
from support.workbench import HOST, PORT_GROUP, SECRET, Workbench

METHODS = ("create_port_group", "reconfigure_port_group", "clone", "reconfigure", "power_on", "destroy")
READS = ("read_port_group", "read_virtual_machine", "find_switch", "find_by_instance_uuid")
STRANGERS = (
    samples.port_group("dvportgroup-7"),
    samples.virtual_machine("sql", nics=[samples.nic(4000)], power_state="poweredOn"),
)

steps = st.lists(
    st.one_of(
        st.tuples(st.just("work"), st.integers(0, 3)),
        st.tuples(st.just("crash"), st.integers(0, 12)),
        st.tuples(st.just("wait"), st.sampled_from([1, 5, 60, 400])),
        st.tuples(st.just("drift"), st.sampled_from(["vlan", "name", "policy", "cpus", "off", "nic"])),
        st.tuples(st.just("delete"), st.sampled_from(["port group"])),
        st.tuples(st.just("fail"), st.sampled_from(METHODS + READS)),
        st.tuples(st.just("lose"), st.sampled_from(("create_port_group", "clone", "reconfigure"))),
        st.tuples(st.just("outage"), st.booleans()),
        st.tuples(st.just("hold"), st.booleans()),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("edit"), st.integers(1, 4)),
        st.tuples(st.just("relabel"), st.just(0)),
    ),
    max_size=25,
)


class Story:
    """One lab, and everything that can happen to it."""

    def __init__(self) -> None:
        self.bench = Workbench(workers_per_vcenter=2)
        self.bench.connect()
        for stranger in STRANGERS:
            self.bench.vcenter.add(stranger)
        self.bench.declare(PORT_GROUP)
        self.bench.declare(
            HOST,
            networks=[{"name": "lan", "portGroupRef": {"name": "inner"}}],
            powerState="On",
            disruption={"policy": "Force", "gracefulTimeoutSeconds": 30},
        )

    async def happen(self, what: str, how: object) -> None:
        await getattr(self, f"_{what}")(how)

    async def _work(self, rounds: int) -> None:
        for _ in range(rounds):
            await self.bench.work()
            self.bench.vcenter.advance()

    async def _crash(self, turns: int) -> None:
        """The process dies in the middle of its passes."""
        tasks = [asyncio.create_task(self.bench.engine.reconcile(key)) for key in (PORT_GROUP, HOST, SECRET)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.bench.start()

    async def _wait(self, seconds: float) -> None:
        self.bench.clock.advance(seconds)
        await self._work(1)

    async def _drift(self, what: str) -> None:
        vcenter = self.bench.vcenter
        for ref in [ref for ref in vcenter.port_groups if ref != STRANGERS[0].ref]:
            if what == "vlan":
                vcenter.change(ref, vlan=99)
            elif what == "name":
                vcenter.change(ref, name=f"renamed-{ref.value}")
            elif what == "policy":
                vcenter.change(ref, mac_management=samples.mac_policy(learning_enabled=False))
        for ref in self.ours():
            if what == "cpus" and vcenter.machines[ref].power_state == "poweredOff":
                vcenter.change(ref, cpus=1)
            elif what == "off":
                vcenter.switch_power(ref, on=False)
            elif what == "nic":
                vcenter.change_nics(ref)

    async def _delete(self, _: str) -> None:
        for ref in [ref for ref in self.bench.vcenter.port_groups if ref != STRANGERS[0].ref]:
            group = self.bench.vcenter.attached(ref)
            if not group.virtual_machines:  # vSphere deletes none that is in use
                self.bench.vcenter.remove(ref)

    async def _fail(self, method: str) -> None:
        errors = [Concurrent("busy"), Gone("gone"), Transient(Reason.TASK_FAILED, "host busy")]
        planned = self.bench.vcenter.fail_calls if method in READS else self.bench.vcenter.fail_tasks
        planned.setdefault(method, []).extend(errors)

    async def _lose(self, method: str) -> None:
        self.bench.vcenter.lose_answers.add(method)

    async def _outage(self, begins: bool) -> None:
        self.bench.vcenters.refuse("first", Unreachable("first does not answer.") if begins else None)

    async def _hold(self, holding: bool) -> None:
        self.bench.vcenter.holding = holding

    async def _restart(self, _: int) -> None:
        self.bench.vcenter.restart()

    async def _edit(self, vlan: int) -> None:
        self.bench.api.edit(PORT_GROUP, vlan={"id": vlan})

    async def _relabel(self, _: int) -> None:
        """Somebody writes the object just before the operator does."""
        once = iter([1])

        def faster(_: str, key: object) -> None:
            for _once in once:
                if key != SECRET:
                    self.bench.api.annotate(PORT_GROUP, note="x")

        self.bench.api.before_write = faster

    def ours(self) -> list[MoRef]:
        machines = self.bench.vcenter.machines.values()
        return [m.ref for m in machines if not m.template and m.ref != STRANGERS[1].ref]

    async def calm_down(self) -> None:
        """Nothing is in the way any more, and there is time."""
        vcenter = self.bench.vcenter
        vcenter.fail_calls.clear()
        vcenter.fail_tasks.clear()
        vcenter.lose_answers.clear()
        vcenter.holding = False
        self.bench.vcenters.refuse("first", None)
        for _ in range(30):
            await self.bench.after(310)


async def _converges(script: list[tuple[str, object]]) -> None:
    story = Story()
    bench = story.bench
    for what, how in script:
        await story.happen(what, how)
    await story.calm_down()

    groups = [g for g in bench.vcenter.port_groups.values() if g.ref != STRANGERS[0].ref]
    assert [bench.condition(key) for key in (PORT_GROUP, HOST)] == [("True", "Succeeded")] * 2
    assert len(groups) == len(story.ours()) == 1
    spec_vlan = bench.api.objects[PORT_GROUP]["spec"].get("vlan", {"id": 0})["id"]
    assert (groups[0].name, groups[0].vlan, groups[0].mac_management) == ("inner", spec_vlan, samples.mac_policy())
    (machine,) = (bench.vcenter.machines[ref] for ref in story.ours())
    assert (machine.cpus, machine.power_state) == (4, "poweredOn")
    assert machine.detail is not None
    assert [nic.network for nic in machine.detail.adapters] == [groups[0].key]
    bench.forget_log()
    bench.queue.add(PORT_GROUP)
    bench.queue.add(HOST)
    await bench.run()
    assert (bench.vcenter.calls, bench.api.writes) == ([], []), "and it is quiet"

    for key in (PORT_GROUP, HOST, SECRET):
        bench.api.delete(key)
    for _ in range(10):
        await bench.after(310)
    assert bench.api.objects == {}
    assert bench.vcenter.port_groups == {STRANGERS[0].ref: STRANGERS[0]}
    assert {m.ref: m for m in bench.vcenter.machines.values() if not m.template} == {STRANGERS[1].ref: STRANGERS[1]}


@settings(max_examples=150, deadline=None)
@given(steps)
def test_every_story_ends_in_the_declared_state_and_leaves_nothing(script: list[tuple[str, object]]) -> None:
    asyncio.run(_converges(script))
