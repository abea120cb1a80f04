"""Many NestedHyperVHosts at once: each a clone of the template with its hardware set, powered off."""

import time

from bed.estate import TEMPLATE
from bed.kube_object import HOSTS
from bench.figures import Figure, busy, costs
from bench.world import World, crowd

__all__ = ["clone_hosts"]

_SPEC = {
    "placement": {"datacenter": "DC0", "cluster": "DC0_C0", "datastore": "LocalDS_0"},
    "source": {"template": {"path": TEMPLATE}},
    "guestOS": "WindowsServer2022",
    "hardware": {"cpus": 4, "memoryMiB": 8192},
}


def clone_hosts(world: World, count: int) -> list[Figure]:
    """Clone them, and beside that the same with a program."""
    scenario = f"create {count} hosts"
    with crowd(world, "hosts", HOSTS) as hosts:
        program = hosts.peer.clone([f"program-vm-{number}" for number in range(count)])
        hosts.herd.create({"first": _SPEC})  # the program is logged in before its clock starts, too
        hosts.board.wait_ready(1)
        meter = hosts.meter()
        started = time.monotonic()
        hosts.herd.create({f"hyperv-{number}": _SPEC for number in range(count)})
        seconds = hosts.board.wait_ready(1 + count) - started
        usage = meter.read()
    rate = Figure(scenario, "rate", count / seconds, "objects/s", program.rate, "≥ 0.8", busy(program, usage))
    return [rate, *costs(scenario, count, usage, peer_cpu=program.cpu_each)]
