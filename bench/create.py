"""Many NestedPortGroups at once, from the first request until the last one is Ready, beside the bare calls."""

import time
from collections.abc import Callable, Mapping

from bench.figures import Figure, busy, costs
from bench.peer import Peer
from bench.world import CONNECTIONS, THREADS, Crowd, port_group

__all__ = ["create", "fill"]


def create(crowd: Crowd, count: int) -> tuple[list[Figure], tuple[str, ...]]:
    """Create them; return the figures, and the port groups that the programs made and nobody looks after."""
    scenario = f"create {count} port groups"
    program = crowd.peer.create_port_groups([f"program-{number}" for number in range(count)])
    narrow = Peer(crowd.lab.twin, CONNECTIONS).create_port_groups([f"narrow-{number}" for number in range(count // 2)])
    fill(crowd, 1)  # the programs are logged in before their clocks start, too
    meter = crowd.meter()
    seconds = fill(crowd, count)
    usage = meter.read()
    rate = count / seconds
    figures = [
        Figure(
            scenario, f"rate, beside {THREADS} threads", rate, "objects/s", program.rate, "≥ 0.8", busy(program, usage)
        ),
        Figure(
            scenario,
            f"rate, beside {CONNECTIONS} threads",
            rate,
            "objects/s",
            narrow.rate,
            "≥ 0.8",
            busy(narrow, usage),
        ),
        *costs(scenario, count, usage, writes_bar="3", peer_cpu=program.cpu_each),
    ]
    return figures, program.results


def fill(
    crowd: Crowd, count: int, spec: Callable[[int], Mapping[str, object]] = port_group, *, seconds: float = 600.0
) -> float:
    """Create so many more, and return how long it took until all were Ready."""
    size = crowd.size
    specs = {f"{crowd.lab.namespace}-{number}": spec(number) for number in range(size, size + count)}
    started = time.monotonic()
    crowd.herd.create(specs)
    return crowd.board.wait_ready(size + count, seconds=seconds) - started
