"""Standard switches: whatever happens on the hosts, and whenever the operator dies, every host ends as declared.

What others do is limited to what leaves no doubt whose port group it is: somebody who changes a port group before the
ledger calls it ours has made it his own, and `test_standard_passes` shows that it is left to him.
"""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Gone, OutcomeUnknown, Transient, Unreachable
from nested_hyperv.domain.host_network import StandardPolicy, StandardPortGroup
from nested_hyperv.domain.inventory import MoRef
from support import vsphere_records as samples
from support.documents import REMOVED
from support.fake_hosts import CLUSTER
from support.workbench import PORT_GROUP, SECRET, Workbench

METHODS = ("add_host_port_group", "update_host_port_group", "remove_host_port_group")
READS = ("read_host_network", "find_hosts", "read_hosts", "find_standard_network", "users_of")
HOSTS = ("esx-a", "esx-b", "esx-c")
SPEC: dict[str, Any] = {
    "distributed": REMOVED,
    "standard": {"datacenter": "dc1", "vSwitch": "vSwitch0", "cluster": "lab"},
}
FOREIGN = StandardPortGroup(
    key="key-vim.host.PortGroup-Management",
    name="Management",
    switch="vSwitch0",
    vlan=7,
    own=StandardPolicy(),
    effective=StandardPolicy(allow_promiscuous=False, mac_changes=True, forged_transmits=True),
    load_balancing="loadbalance_srcid",
    more=False,
)

hosts = st.sampled_from(HOSTS)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("work"), st.integers(0, 3)),
        st.tuples(st.just("pause"), st.integers(1, 6)),
        st.tuples(st.just("crash"), st.integers(0, 12)),
        st.tuples(st.just("wait"), st.sampled_from([1, 5, 60, 400])),
        st.tuples(st.just("drift"), hosts),
        st.tuples(st.just("drop"), hosts),
        st.tuples(st.just("join"), hosts),
        st.tuples(st.just("leave"), hosts),
        st.tuples(st.just("lost"), hosts),
        st.tuples(st.just("back"), hosts),
        st.tuples(st.just("attach"), hosts),
        st.tuples(st.just("detach"), hosts),
        st.tuples(st.just("fail"), st.sampled_from(METHODS + READS)),
        st.tuples(st.just("lose"), st.sampled_from(METHODS)),
        st.tuples(st.just("outage"), st.booleans()),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("edit"), st.integers(1, 4)),
        st.tuples(st.just("mode"), st.sampled_from(["Auto", "Disabled"])),
        st.tuples(st.just("recreate"), st.just(0)),
        st.tuples(st.just("relabel"), st.just(0)),
    ),
    max_size=25,
)


class Story:
    """A cluster, one declared port group, and everything that can happen to them."""

    def __init__(self) -> None:
        self.bench = Workbench(workers_per_vcenter=2)
        self.bench.connect()
        self.hosts = self.bench.vcenter.standard
        for name in HOSTS[:2]:
            self._join_now(name)
        self.bench.declare(PORT_GROUP, **SPEC)

    def _join_now(self, name: str) -> None:
        self.hosts.put(self.hosts.join(name), FOREIGN)

    @property
    def members(self) -> tuple[MoRef, ...]:
        return self.bench.vcenter.clusters[CLUSTER].hosts

    def certain(self, name: str) -> bool:
        """Whether nobody can doubt that the host has a port group of ours."""
        rows = self.bench.api.status(PORT_GROUP).get("hosts", ()) if PORT_GROUP in self.bench.api.objects else ()
        claimed = {row["host"] for row in rows if row.get("claim") == "Claimed"}
        there = ref(name) in self.members and self.hosts.group(ref(name)) is not None
        return name in claimed and there

    async def happen(self, what: str, how: object) -> None:
        await getattr(self, f"_{what}")(how)

    async def _work(self, rounds: int) -> None:
        for _ in range(rounds):
            await self.bench.work()
            self.bench.vcenter.advance()

    async def _pause(self, calls: int) -> None:
        """Work up to a certain call and stop there: what follows comes between a call and what is made of it."""
        already = len(self.bench.vcenter.calls)
        await self.bench.work(until=lambda: len(self.bench.vcenter.calls) >= already + calls)

    async def _crash(self, turns: int) -> None:
        """The process dies in the middle of its passes."""
        tasks = [asyncio.create_task(self.bench.engine.reconcile(key)) for key in (PORT_GROUP, SECRET)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.bench.start()

    async def _restart(self, _: int) -> None:
        self.bench.start()

    async def _wait(self, seconds: float) -> None:
        self.bench.clock.advance(seconds)
        await self._work(1)

    async def _drift(self, name: str) -> None:
        if self.certain(name):
            self.hosts.drift(ref(name), allow_promiscuous=False, mac_changes=True)

    async def _drop(self, name: str) -> None:
        if self.certain(name):
            self.hosts.drop(ref(name))

    async def _join(self, name: str) -> None:
        if ref(name) not in self.members:
            self._join_now(name)

    async def _leave(self, name: str) -> None:
        if ref(name) in self.members and len(self.members) > 1:
            await self._detach(name)
            self.hosts.leave(ref(name))

    async def _lost(self, name: str) -> None:
        if ref(name) in self.members:
            self.bench.vcenter.change(ref(name), connection_state="notResponding")

    async def _back(self, name: str) -> None:
        if ref(name) in self.members:
            self.bench.vcenter.change(ref(name), connection_state="connected")

    async def _attach(self, name: str) -> None:
        if self.certain(name):
            nics = [samples.nic(4000, on="inner")]
            self.bench.vcenter.add(samples.virtual_machine(f"guest-{name}", nics=nics, host=ref(name)))

    async def _detach(self, name: str) -> None:
        self.bench.vcenter.machines.pop(MoRef("VirtualMachine", f"vm-guest-{name}"), None)

    async def _fail(self, method: str) -> None:
        errors = [Gone("gone"), Transient(Reason.TASK_FAILED, "host busy"), OutcomeUnknown("The connection broke.")]
        self.bench.vcenter.fail_calls.setdefault(method, []).extend(errors)

    async def _lose(self, method: str) -> None:
        self.bench.vcenter.lose_answers.add(method)

    async def _outage(self, begins: bool) -> None:
        self.bench.vcenters.refuse("first", Unreachable("first does not answer.") if begins else None)

    async def _edit(self, vlan: int) -> None:
        if PORT_GROUP in self.bench.api.objects:
            self.bench.api.edit(PORT_GROUP, vlan={"id": vlan})

    async def _mode(self, mode: str) -> None:
        if PORT_GROUP in self.bench.api.objects:
            self.bench.api.edit(PORT_GROUP, nesting={"mode": mode})

    async def _recreate(self, _: int) -> None:
        """The user deletes it; as soon as it is gone he declares it again."""
        if PORT_GROUP in self.bench.api.objects:
            self.bench.api.delete(PORT_GROUP)
        else:
            self.bench.declare(PORT_GROUP, **SPEC)

    async def _relabel(self, _: int) -> None:
        """Somebody writes the object just before the operator does."""
        once = iter([1])

        def faster(_: str, key: object) -> None:
            for _once in once:
                if key == PORT_GROUP and PORT_GROUP in self.bench.api.objects:
                    self.bench.api.annotate(PORT_GROUP, note="x")

        self.bench.api.before_write = faster

    async def calm_down(self) -> None:
        """Nothing is in the way any more, and there is time."""
        vcenter = self.bench.vcenter
        vcenter.fail_calls.clear()
        vcenter.lose_answers.clear()
        self.bench.vcenters.refuse("first", None)
        for name in HOSTS:
            await self._back(name)
            await self._detach(name)
        for _ in range(30):
            await self.bench.after(310)


def ref(name: str) -> MoRef:
    return MoRef("HostSystem", name)


def _own(mode: str) -> StandardPolicy:
    if mode == "Disabled":
        return StandardPolicy(allow_promiscuous=False, mac_changes=False, forged_transmits=False)
    return StandardPolicy(allow_promiscuous=True, mac_changes=None, forged_transmits=True)


async def _converges(script: list[tuple[str, object]]) -> None:
    story = Story()
    bench = story.bench
    for what, how in script:
        await story.happen(what, how)
    await story.calm_down()
    if PORT_GROUP not in bench.api.objects or bench.api.objects[PORT_GROUP]["metadata"].get("deletionTimestamp"):
        for host in story.members:
            assert story.hosts.group(host) is None, "deleted, and something stays"
        bench.declare(PORT_GROUP, **SPEC)
        await bench.run()

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded"), bench.api.status(PORT_GROUP)
    spec = bench.api.objects[PORT_GROUP]["spec"]
    for host in story.members:
        group = story.hosts.group(host)
        assert group is not None
        assert (group.vlan, group.own) == (
            spec.get("vlan", {"id": 0})["id"],
            _own(spec.get("nesting", {}).get("mode", "Auto")),
        )
    bench.forget_log()
    bench.queue.add(PORT_GROUP)
    await bench.run()
    assert (bench.vcenter.calls, bench.api.writes) == ([], []), "and it is quiet"

    for number, host in enumerate(story.members):
        bench.forget_log()
        story.hosts.drift(host, allow_promiscuous=None)
        await bench.run()
        assert bench.vcenter.mutations == ["update_host_port_group"], f"the repair of host {number}"

    bench.forget_log()
    bench.api.delete(PORT_GROUP)
    await bench.run()
    assert bench.vcenter.mutations == ["remove_host_port_group"] * len(story.members)
    assert PORT_GROUP not in bench.api.objects
    for network in bench.vcenter.host_networks.values():
        assert network.port_groups == (FOREIGN,)


@settings(max_examples=150, deadline=None)
@given(steps)
def test_every_story_ends_with_every_host_as_declared_and_leaves_nothing(script: list[tuple[str, object]]) -> None:
    asyncio.run(_converges(script))
