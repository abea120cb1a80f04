"""The operator is ended and started again while nothing has changed: how soon it has seen that nothing has."""

import time

from bench.figures import Figure, counts
from bench.idle import settle
from bench.world import Crowd

__all__ = ["restart"]


def restart(crowd: Crowd, what: str = "") -> list[Figure]:
    """Restart it, and wait until every object has been compared with what vCenter says."""
    count, operator = crowd.size, crowd.world.operator
    scenario = f"restart with {what or f'{count} port groups'}"
    settle(crowd.world)
    operator.stop()
    meter = crowd.meter()
    started = time.monotonic()
    operator.start()
    last, passes = settle(crowd.world)
    if passes < count:
        raise RuntimeError(f"only {passes:g} passes over {count} objects")
    usage = meter.read()
    return [
        Figure(scenario, "until every object is verified", last - started, "s", bar="< 30 at 10,000"),
        Figure(scenario, "Kubernetes writes", sum(usage.writes.values()) + usage.events, "writes", bar="0"),
        Figure(scenario, "vCenter calls", sum(usage.calls.values()), "calls", note=counts(usage.calls, 1)),
        Figure(scenario, "passes per object", passes / count, "passes"),
        Figure(scenario, "CPU", usage.cpu_seconds, "s"),
    ]
