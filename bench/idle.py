"""Nothing to do: what the operator costs while everything is as declared."""

import time

from bed.waiting import wait_for
from bench.figures import Figure, counts
from bench.meter import metrics, rss_mib
from bench.world import Crowd, World

__all__ = ["idle", "settle"]

_IDLE_SECONDS = 30.0
_QUIET_SECONDS = 2.0
_SETTLE_SECONDS = 900.0
#: Each look has the operator count all its objects: ten a second were 4 % of the CPU of a restart with 2,000.
_LOOK_SECONDS = 0.5


def settle(world: World) -> tuple[float, float]:
    """Wait until nothing has been done for a while; return when the last pass ended, and how many there have been.

    Events are written behind the passes, few at a time.
    """
    last = written = time.monotonic()
    passes = requests = -1.0

    def quiet() -> bool:
        nonlocal last, written, passes, requests
        now = metrics(world.operator)
        if (count := now["nested_hyperv_reconcile_total"]) != passes or now["workqueue_depth"]:
            last, passes = time.monotonic(), count
        if (sent := now["rest_client_requests_total"]) != requests:
            written, requests = time.monotonic(), sent
        return time.monotonic() - max(last, written) >= _QUIET_SECONDS

    wait_for(quiet, "the operator to have nothing to do", seconds=_SETTLE_SECONDS, interval=_LOOK_SECONDS)
    return last, passes


def idle(crowd: Crowd, what: str = "") -> list[Figure]:
    """Watch it doing nothing."""
    scenario = f"idle for {_IDLE_SECONDS:g} s with {what or f'{crowd.size} port groups'}"
    settle(crowd.world)
    meter = crowd.meter()
    started = time.monotonic()
    time.sleep(_IDLE_SECONDS)
    usage, seconds = meter.read(), time.monotonic() - started
    return [
        Figure(scenario, "CPU", 100 * usage.cpu_seconds / seconds, "% of a core", bar="< 2"),
        Figure(scenario, "memory (RSS)", rss_mib(crowd.world.operator.pid), "MiB", bar="< 300"),
        Figure(scenario, "Kubernetes writes", sum(usage.writes.values()) + usage.events, "writes", bar="0"),
        Figure(
            scenario,
            "vCenter calls besides the long poll",
            sum(usage.own_calls.values()),
            "calls",
            bar="0",
            note=f"all: {counts(usage.calls, 1)}",
        ),
    ]
