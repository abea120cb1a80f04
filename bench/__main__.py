"""Run every scenario in one go: `make bench`, or `make bench ARGS=--full`."""

import argparse
import sys
import time
from collections.abc import Iterator

from bench import drift, report
from bench.blackhole import black_hole
from bench.create import create, fill
from bench.delete import delete_all
from bench.figures import Figure
from bench.hosts import clone_hosts
from bench.idle import idle, settle
from bench.repair import repair_all
from bench.restart import restart
from bench.standard import Size, standard
from bench.world import Crowd, World, crowd, realistic, world

_SMALL, _LARGE, _HUGE = 100, 1000, 10_000
_HOSTS, _MANY_HOSTS = 50, 200
_STANDARD, _MANY_STANDARD = Size(groups=50, hosts=16), Size(groups=500, hosts=64)
_DRIFTS = 50
SCENARIOS = ("portgroups", "standard", "hosts", "blackhole")


def main() -> int:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="10,000 idle port groups, 500 on 64 hosts, 200 machines")
    parser.add_argument("--docs", action="store_true", help=f"write the tables into {report.DOCS.name}")
    parser.add_argument("--only", choices=SCENARIOS, nargs="+", default=SCENARIOS, help="measure these alone")
    parser.add_argument(
        "--standard", type=Size.parse, metavar="GROUPSxHOSTS", help="another number of standard port groups, as 100x16"
    )
    arguments = parser.parse_args()
    command = " ".join(["python -m bench", *sys.argv[1:]])
    figures: list[Figure] = []
    started = time.monotonic()
    with world() as everything:
        for part in _run(everything, arguments.only, full=arguments.full, size=arguments.standard):
            print(report.table(part), flush=True)
            figures += part
    report.save(figures, command, time.monotonic() - started)
    if arguments.docs:
        report.write_docs(figures, command)
    print(f"{time.monotonic() - started:.0f} s; all figures are in {report.RESULTS}")
    return 0


def _run(world: World, scenarios: tuple[str, ...], *, full: bool, size: Size | None) -> Iterator[list[Figure]]:
    if "portgroups" in scenarios:
        yield from _port_groups(world, full=full)
    if "standard" in scenarios:
        yield from standard(world, size or (_MANY_STANDARD if full else _STANDARD))
    if "hosts" in scenarios:
        yield clone_hosts(world, _MANY_HOSTS if full else _HOSTS)
    if "blackhole" in scenarios:
        yield black_hole(world)


def _port_groups(world: World, *, full: bool) -> Iterator[list[Figure]]:
    with crowd(world, "small") as small:
        fill(small, _SMALL)
        at_small = _drift(small)
        small.herd.delete_all()
        small.board.wait_gone()
    with crowd(world, "large") as large:
        made, theirs = create(large, _LARGE)
        yield made
        raw = drift.raw_seconds(world.twin, theirs[:_DRIFTS])
        yield drift.figures(_SMALL, at_small, raw)
        yield drift.figures(_LARGE, _drift(large), raw)
        yield repair_all(large, theirs)
        yield from _standing(large)
        if full:
            world.twin.control.clear_latency()
            fill(large, _HUGE - _LARGE)
            realistic(world.twin)
            yield drift.figures(_HUGE, _drift(large), raw)
            yield from _standing(large)
        yield delete_all(large, theirs)


def _drift(crowd: Crowd) -> list[float]:
    settle(crowd.world)
    return drift.repair_seconds(crowd.lab.twin, list(crowd.board.mo_refs.values())[:_DRIFTS])


def _standing(crowd: Crowd) -> Iterator[list[Figure]]:
    yield idle(crowd)
    yield restart(crowd)


if __name__ == "__main__":
    sys.exit(main())
