"""Play random stories over the whole operator, `make soak`: seeds are printed, finished ones are remembered.

A seed stands for a few rounds; in each round every lab lives through a random sequence of its own, and all of them
through the same outages, kills, hosts and upgrades.
"""

import argparse
import itertools
import json
import secrets
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bed.toolchain.cache import cache_dir
from soak.machine import Rounds, StoryFailedError, run_seed
from soak.world import world

STATE = "soak.json"
_SEQUENCES, _LABS, _ROUNDS, _STEPS = 1000, 12, 4, 60


def main() -> int:
    """Play until there are enough; 1 when one failed."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--sequences", type=int, default=_SEQUENCES, help="how many in all (default %(default)s)")
    parser.add_argument("--seed", type=int, help="play this one seed")
    parser.add_argument("--resume", action="store_true", help="go on where the last run was ended")
    parser.add_argument("--labs", type=int, default=_LABS, help="labs that live at once (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="rounds of a seed (default %(default)s)")
    parser.add_argument("--steps", type=int, default=_STEPS, help="most steps of a round (default %(default)s)")
    given = parser.parse_args()
    console = Console()
    file = cache_dir() / STATE
    shape = {"labs": given.labs, "rounds": given.rounds, "steps": given.steps}
    seeds: Iterable[int] = [given.seed]
    first, done, wanted = secrets.randbelow(10**6), dict[str, int](), 1
    if given.seed is None:
        wanted = given.sequences
        if given.resume:
            first, done = _read(file, shape)
        seeds = itertools.count(first)
    started, before = time.monotonic(), sum(done.values())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TimeRemainingColumn())  # fmt: skip
    try:
        with world(given.labs) as everything, Progress(*columns, console=console) as progress:
            bar = progress.add_task("sequences", total=wanted, completed=before)
            for number in seeds:
                if str(number) in done:
                    continue
                if sum(done.values()) >= wanted:
                    break
                progress.update(bar, description=f"seed {number}")
                rounds = Rounds(everything, tell=lambda told: progress.advance(bar, told))
                run_seed(rounds, number, examples=given.rounds, steps=given.steps)
                done[str(number)] = rounds.sequences
                console.print(f"seed {number}: {rounds.sequences} sequences", markup=False)
                if given.seed is None:
                    file.write_text(json.dumps({"first": first, "done": done, **shape}))
    except StoryFailedError as error:
        again = " ".join(f"--{name} {value}" for name, value in {"seed": number, **shape}.items())
        console.print("\n".join([str(error), *error.__notes__, f'Again: make soak ARGS="{again}"']), markup=False)
        return 1
    minutes = (time.monotonic() - started) / 60
    played = sum(done.values()) - before
    console.print(f"{played} sequences held in {minutes:.1f} minutes ({played / minutes:.0f} a minute); {file}")
    return 0


def _read(file: Path, shape: Mapping[str, int]) -> tuple[int, dict[str, int]]:
    """Return the first seed and how many sequences the finished ones had."""
    if not file.exists():
        sys.exit(f"There is nothing to resume: {file} does not exist. Run it without --resume.")
    state = json.loads(file.read_text())
    if {name: state[name] for name in shape} != shape:
        sys.exit(f"{file} was made with other --labs, --rounds or --steps: give the same, or leave --resume out.")
    return state["first"], state["done"]


if __name__ == "__main__":
    sys.exit(main())
