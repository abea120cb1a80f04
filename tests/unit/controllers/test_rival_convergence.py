"""Resources that want the same port groups, worked on at once: in the end each has one owner, and nothing stays.

Workers overlap at every await, in an order that a seed decides; the operator dies in the middle and starts again.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.domain.ownership import parse_mark
from nested_hyperv.domain.resource import ObjectKey
from support.documents import NPG, REMOVED
from support.workbench import Workbench

KEYS = tuple(ObjectKey(NPG, namespace, name) for namespace, name in (("lab", "a"), ("lab", "b"), ("other", "c")))
HOSTS = ("esx-a", "esx-b")
_ROUNDS = 12


class Story:
    """Three resources, their hosts or their switch, and what happens."""

    def __init__(self, seed: int, *, standard: bool) -> None:
        self.random, self.standard = Random(seed), standard  # noqa: S311 - a test
        self.bench = Workbench()
        for namespace in ("lab", "other"):
            self.bench.connect(ObjectKey("Secret", namespace, "vcenter"))
        for name in HOSTS:
            self.bench.vcenter.standard.join(name)
        self._slow(self.bench.vcenter, "called")
        self._slow(self.bench.api, "_checked")

    def _slow(self, target: Any, name: str) -> None:  # noqa: ANN401 - whatever has the method
        """Let others go first, now and then, wherever something is waited for."""
        method = getattr(target, name)

        async def slow(*arguments: Any, **more: Any) -> Any:  # noqa: ANN401 - passed on
            for _ in range(self.random.randrange(5)):
                await asyncio.sleep(0)
            return await method(*arguments, **more)

        setattr(target, name, slow)

    def declare(self, key: ObjectKey) -> None:
        vlan = {"id": self.random.choice([7, 7, 1 + KEYS.index(key)])}
        if not self.standard:
            self.bench.declare(key, name="inner", vlan=vlan)
            return
        where: dict[str, Any] = {"datacenter": "dc1", "vSwitch": "vSwitch0"}
        listed = self.random.sample(HOSTS, self.random.randint(1, 2))
        where |= self.random.choice([{"cluster": "lab"}, {"hosts": listed}])
        self.bench.declare(key, name="inner", distributed=REMOVED, standard=where, vlan=vlan)

    def happen(self) -> None:
        """Something that people do."""
        bench, key = self.bench, self.random.choice(KEYS)
        if key not in bench.api.objects:
            self.declare(key)
            return
        deleting = "deletionTimestamp" in bench.api.objects[key]["metadata"]
        observed = bench.api.objects[key]["spec"].get("managementPolicy") == "Observe"
        match self.random.randrange(5):
            case 0 | 1 if not observed:  # else it would leave what it has
                bench.api.delete(key)
            case 2 if not deleting:
                policy = self.random.choice(["Enforce", "Observe"])
                bench.api.edit(key, managementPolicy=policy)
            case 3:
                bench.api.edit(key, suspend=self.random.random() < 0.5)
            case _:
                bench.api.edit(key, vlan={"id": self.random.randint(1, 9)})

    async def work(self) -> None:
        """Let up to three workers overlap until all is quiet or the operator dies."""
        bench, dies_after = self.bench, self.random.choice([None, None, self.random.randrange(12)])
        for turn in range(200):
            taken: list[asyncio.Task[None]] = []
            while len(bench.queue) and len(taken) < len(KEYS):
                taken.append(asyncio.create_task(bench.turn(await bench.queue.get())))
            if not taken:
                if not bench.vcenter.advance() and not len(bench.queue):
                    return
                continue
            if turn == dies_after:
                for _ in range(self.random.randrange(20)):
                    await asyncio.sleep(0)
                for task in taken:
                    task.cancel()
                await asyncio.gather(*taken, return_exceptions=True)
                bench.start()
                continue
            await asyncio.gather(*taken)
            if self.random.random() < 0.5:
                bench.vcenter.push()
        raise AssertionError(f"never quiet: {bench.vcenter.calls[-20:]}, {bench.api.writes[-20:]}")

    async def settle(self) -> None:
        for _ in range(6):
            await self.work()
            self.bench.clock.advance(400)
        await self.bench.run()

    def active(self) -> list[ObjectKey]:
        specs = {key: self.bench.api.objects[key]["spec"] for key in KEYS if key in self.bench.api.objects}
        return [k for k, s in specs.items() if s.get("managementPolicy") != "Observe" and not s.get("suspend")]

    def owners(self) -> dict[str, list[ObjectKey]]:
        """Who has the port group, by host; on a distributed switch by switch."""
        present = [key for key in KEYS if key in self.bench.api.objects]
        if not self.standard:
            marks = [parse_mark(group.description) for group in self.bench.vcenter.port_groups.values()]
            assert len(marks) <= 1
            owner = marks[0].owner if marks and marks[0] is not None else ""
            return {"dvs-lab": [key for key in present if self.bench.identity(key).owner == owner]}
        rows = [(key, row) for key in present for row in self.bench.api.status(key).get("hosts", ())]
        return {host: [key for key, row in rows if row["host"] == host and row.get("claim")] for host in HOSTS}

    def check(self) -> None:
        for where, owners in self.owners().items():
            assert len(owners) <= 1, f"{where} has {owners}"
        for key in self.active():
            condition = self.bench.condition(key)
            assert condition in (("True", "Succeeded"), ("False", "Conflict")), (key, self.bench.api.status(key))
            others = [other for other in KEYS if other != key and other in self.bench.api.objects]
            assert condition == ("True", "Succeeded") or others, "alone, and yet in conflict"


@pytest.mark.parametrize("standard", [True, False], ids=["standard", "distributed"])
@pytest.mark.parametrize("seed", range(12))
async def test_each_port_group_ends_with_one_owner_and_goes_with_it(seed: int, standard: bool) -> None:
    story = Story(seed, standard=standard)
    bench = story.bench
    for key in KEYS:
        story.declare(key)
    for _ in range(_ROUNDS):
        story.happen()
        await story.work()
    await story.settle()
    story.check()

    for key in KEYS:
        if key in bench.api.objects:
            bench.api.edit(key, suspend=None, managementPolicy="Enforce")
    await story.settle()
    story.check()
    for key in KEYS:
        if key in bench.api.objects:
            bench.api.delete(key)
    await story.settle()

    assert [key for key in KEYS if key in bench.api.objects] == []
    assert bench.vcenter.port_groups == {}
    assert [bench.vcenter.standard.group(MoRef("HostSystem", host), "inner") for host in HOSTS] == [None, None]
