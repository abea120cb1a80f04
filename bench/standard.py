"""Port groups on the standard switches of many hosts: made, compared anew, changed by somebody, put back, deleted.

One object stands for a port group on each host, so everything is counted twice: for each object, and for each port
group of a host. The plain program does its part first and takes everything away again, because each port group more on
a host makes all others dearer to read.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from pyVmomi import vim

from bed.soap import connect
from bed.twin import Twin
from bed.waiting import wait_for
from bench.create import fill
from bench.figures import Figure, busy, costs, counts
from bench.idle import idle, settle
from bench.meter import Usage
from bench.peer import Peer, Run
from bench.restart import restart
from bench.standard_peer import add, find_hosts, remove, update
from bench.world import CONNECTIONS, Crowd, World, crowd, realistic

__all__ = ["Size", "standard"]

_SWITCH = "vSwitch0"
_SECONDS = 1800.0


@dataclass(frozen=True)
class Size:
    """So many port groups on so many hosts."""

    groups: int
    hosts: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `100x16`."""
        groups, _, hosts = text.partition("x")
        return cls(int(groups), int(hosts))

    @property
    def pairs(self) -> int:
        """Port groups of hosts."""
        return self.groups * self.hosts

    def __str__(self) -> str:
        return f"{self.groups} standard port groups on {self.hosts} hosts"


def standard(world: World, size: Size) -> Iterator[list[Figure]]:
    """Measure all of it on a vCenter of its own."""
    arguments = ("-dc", "1", "-host", str(size.hosts), "-standalone-host", "0", "-vm", "0", "-autostart=false")
    with Twin(arguments=arguments) as twin:
        realistic(twin)
        programs = _programs(twin, size)
        with crowd(world, "standard", twin=twin) as groups:
            yield _create(groups, size, programs["add"])
            yield idle(groups, str(size))
            yield restart(groups, str(size))
            yield _repair(groups, size, programs["update"], hosts=1)
            yield _repair(groups, size, programs["update"], hosts=size.hosts)
            yield _delete(groups, size, programs["remove"])


def _spec(number: int) -> Mapping[str, object]:
    where = {"datacenter": "DC0", "vSwitch": _SWITCH, "cluster": "DC0_C0"}
    return {"standard": where, "vlan": {"id": 1 + number % 4094}}


def _programs(twin: Twin, size: Size) -> Mapping[str, Run]:
    hosts = find_hosts(twin)
    items = [(host, f"program-{number}") for number in range(size.groups) for host in hosts]
    peer = Peer(twin, CONNECTIONS)
    return {name: peer.run(work, items) for name, work in (("add", add), ("update", update), ("remove", remove))}


def _create(groups: Crowd, size: Size, program: Run) -> list[Figure]:
    fill(groups, 1, _spec)  # as with the others, logins do not count
    settle(groups.world)
    meter = groups.meter()
    seconds = fill(groups, size.groups - 1, _spec, seconds=_SECONDS)
    return _figures(f"create {size}", size.groups - 1, size.hosts, seconds, meter.read(), program, "3")


def _repair(groups: Crowd, size: Size, program: Run, *, hosts: int) -> list[Figure]:
    """Switch promiscuous mode off behind the operator's back, in all port groups of some hosts."""
    twin, names = groups.lab.twin, [str(status["name"]) for status in groups.board.status.values()]
    drifted = [host.name for host in twin.control.state().hosts][:hosts]
    path = 'config.network.portgroup["key-vim.host.PortGroup-{}"].spec.policy.security.allowPromiscuous'
    groups.board.forget_repairs()
    meter = groups.meter()
    started = time.monotonic()
    for host in drifted:
        twin.control.drift(host, set={path.format(name): False for name in names})
    # An object tells of its first repair while others of its hosts still wait.
    pairs, calls = size.groups * hosts, groups.lab.calls
    wait_for(lambda: calls.changes().get("UpdatePortGroup", 0) >= pairs, "every repair", seconds=_SECONDS, interval=0.2)
    groups.board.wait_repaired(size.groups, seconds=_SECONDS)
    seconds = settle(groups.world)[0] - started
    usage = meter.read()
    wrong = _off(twin, names)
    if wrong:
        raise RuntimeError(f"{len(wrong)} port groups were not repaired, such as {wrong[0]}")
    what = "every host" if hosts == size.hosts else f"{hosts} host"
    scenario = f"repair {size} that drifted at once on {what}"
    return _figures(scenario, size.groups, hosts, seconds, usage, program, "")


def _off(twin: Twin, names: list[str]) -> list[str]:
    """Name the port groups of hosts whose own policy is off; what is in effect does not follow a raw drift."""
    wanted = frozenset(names)
    with connect(twin) as instance:
        view = instance.content.viewManager.CreateContainerView(instance.content.rootFolder, [vim.HostSystem], True)
        found = [
            f"{group.spec.name} on {host.name}"
            for host in view.view
            for group in host.config.network.portgroup
            if group.spec.name in wanted and not group.spec.policy.security.allowPromiscuous
        ]
        view.DestroyView()
    return found


def _delete(groups: Crowd, size: Size, program: Run) -> list[Figure]:
    meter = groups.meter()
    started = time.monotonic()
    groups.herd.delete_all()
    seconds = groups.board.wait_gone(seconds=_SECONDS) - started
    usage = meter.read()
    left = [host.name for host in groups.lab.twin.control.state().hosts if len(host.port_groups) > _OWN]
    if left:
        raise RuntimeError(f"port groups are left on {len(left)} hosts, such as {left[0]}")
    return _figures(f"delete {size}", size.groups, size.hosts, seconds, usage, program, "≤ 2")


_OWN = 2
"""The port groups that a host of the twin is born with."""


def _figures(
    scenario: str, objects: int, hosts: int, seconds: float, usage: Usage, program: Run, writes_bar: str
) -> list[Figure]:
    pairs = objects * hosts
    beside = f"rate, beside {CONNECTIONS} threads"
    of_hosts = f"{counts(usage.own_calls, pairs)}; the program 1"
    return [
        Figure(scenario, beside, pairs / seconds, "host port groups/s", program.rate, "", busy(program, usage)),
        Figure(scenario, "vCenter calls per host port group", sum(usage.own_calls.values()) / pairs, "calls",
               note=of_hosts),
        *[cost for cost in costs(scenario, objects, usage, writes_bar=writes_bar) if "writes" in cost.name],
        Figure(scenario, "CPU per host port group", 1000 * usage.cpu_seconds / pairs, "ms", program.cpu_each),
    ]  # fmt: skip
