"""Random stories over the whole operator, with a fixed seed: `make soak` plays many more of them, and longer ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from soak.machine import Rounds, run_seed
from soak.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bed.apiserver import ControlPlane
    from bed.operator_process import OperatorProcess
    from bed.stranger import Stranger
    from bed.twin import Twin

SEEDS = (5, 6, 7)
LABS, ROUNDS, STEPS, SEQUENCES = 16, 3, 60, 30


@pytest.fixture
def world(operator: OperatorProcess, cluster: ControlPlane, vcenter: Twin, stranger: Stranger) -> Iterator[World]:
    """The datacenter whose hosts and switch may be changed, and labs in it."""
    made = World(cluster, operator, vcenter, stranger, "DC2")
    made.open(LABS)
    yield made
    made.close()


def test_every_story_ends_as_declared_with_the_fewest_calls_and_nobody_else_touched(world: World) -> None:
    rounds = Rounds(world)
    for seed in SEEDS:
        # How many labs a seed takes part in depends on what is possible at that moment, so one may not be enough.
        if rounds.sequences < SEQUENCES:
            run_seed(rounds, seed, examples=ROUNDS, steps=STEPS)
    assert rounds.sequences >= SEQUENCES
