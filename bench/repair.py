"""Every port group drifts at once, as when somebody runs a script over all; until status tells of each repair."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from bench.drift import LEARNING
from bench.figures import Figure, busy, costs
from bench.world import Crowd

__all__ = ["repair_all"]

_THREADS = 4


def repair_all(crowd: Crowd, theirs: Sequence[str]) -> list[Figure]:
    """Let all drift; `theirs` are the port groups that the program repairs."""
    count = crowd.size
    scenario = f"repair {count} port groups that drifted at once"
    program = crowd.peer.repair_port_groups(theirs)
    crowd.board.forget_repairs()
    meter = crowd.meter()
    started = time.monotonic()
    with ThreadPoolExecutor(_THREADS) as threads:
        control = crowd.lab.twin.control
        list(threads.map(lambda mo_ref: control.drift(mo_ref, set={LEARNING: False}), crowd.board.mo_refs.values()))
    seconds = crowd.board.wait_repaired(count) - started
    usage = meter.read()
    rate = Figure(scenario, "rate", count / seconds, "objects/s", program.rate, "", busy(program, usage))
    return [rate, *costs(scenario, count, usage, writes_bar="1", peer_cpu=program.cpu_each)]
