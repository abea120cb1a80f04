"""All NestedPortGroups are deleted by one request; until the last one is gone from Kubernetes and from vSphere."""

import time
from collections.abc import Sequence

from bench.figures import Figure, busy, costs
from bench.world import Crowd

__all__ = ["delete_all"]


def delete_all(crowd: Crowd, theirs: Sequence[str]) -> list[Figure]:
    """Delete all; `theirs` are the port groups that the program destroys."""
    count, ours = crowd.size, set(crowd.board.mo_refs.values())
    scenario = f"delete {count} port groups"
    program = crowd.peer.destroy_port_groups(theirs)
    meter = crowd.meter()
    started = time.monotonic()
    crowd.herd.delete_all()
    seconds = crowd.board.wait_gone() - started
    usage = meter.read()
    left = [group.name for group in crowd.lab.twin.control.state().port_groups if group.id in ours]
    if left:
        raise RuntimeError(f"{len(left)} port groups are left in vSphere, such as {left[0]}")
    rate = Figure(scenario, "rate", count / seconds, "objects/s", program.rate, "", busy(program, usage))
    return [rate, *costs(scenario, count, usage, writes_bar="≤ 2", peer_cpu=program.cpu_each)]
