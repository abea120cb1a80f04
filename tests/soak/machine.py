"""The state machine: what hypothesis may do to the labs of a round, in any order, and what must hold when it is quiet.

A round works on several labs at once. Nothing waits between steps, so that they meet the operator wherever it is just
then; the seed decides the steps and the machine's load decides where they fall.
"""

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from soak.story import Declared, Story
from soak.world import World

__all__ = ["Rounds", "StoryFailedError", "run_seed"]

_VLANS = st.integers(1, 4)
_MODES = st.sampled_from(["Auto", "MACLearning", "Promiscuous", "Disabled"])
_NUMBER = st.integers(0, 1_000)
#: Starting the operator takes most of the time of a round.
_KILLS = 2


class StoryFailedError(AssertionError):
    """What happened, and what did not come of it."""


class Rounds:
    """What the rounds of a seed share: the world, what is told about them, and the first failure."""

    def __init__(self, world: World, tell: Callable[[int], object] = lambda _sequences: None) -> None:
        self.world, self.tell = world, tell
        self.sequences = 0
        self.failure: BaseException | None = None


def may(**draws: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a rule of a step, until something has failed.

    What is possible depends on the moment, so it is no precondition: a seed has to draw the same steps each time.
    """

    def wrap(step: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(step)
        def guarded(self: "_Machine", **drawn: Any) -> None:
            if self.rounds.failure is None:
                with self.recorded():
                    step(self, **drawn)

        made: Any = rule(**draws)
        return made(guarded)  # type: ignore[no-any-return]

    return wrap


class _Machine(RuleBasedStateMachine):
    """One round."""

    rounds: Rounds
    number: int

    def __init__(self) -> None:
        super().__init__()
        self.world = self.rounds.world
        self.log: list[str] = []
        self.kills = 0
        self.stories: list[Story] = []

    @contextlib.contextmanager
    def recorded(self) -> Iterator[None]:
        """Keep the first failure with the steps that led to it: after it the world is what it is."""
        try:
            yield
        except Exception as error:
            steps = os.linesep.join(self.log)
            self.rounds.failure = StoryFailedError(f"{type(error).__name__}: {error}\nseed {self.number}:\n{steps}")
            raise

    def step(self, story: Story, what: str, done: object) -> None:
        story.steps += 1
        self.log.append(f"{story} {what}{'' if done else ' (not possible)'}")

    def pick(self, number: int) -> Story:
        return self.stories[number % len(self.stories)]

    @staticmethod
    def half(story: Story, number: int) -> tuple[str, Declared]:
        return ("distributed", story.distributed) if number % 2 else ("standard", story.standard)

    def host(self, number: int) -> str:
        return self.world.hosts[number % len(self.world.hosts)]

    @initialize(old=st.booleans(), hasty=st.booleans())
    def begin(self, old: bool, hasty: bool) -> None:
        if self.rounds.failure is None:
            with self.recorded():
                self.start(old=old, hasty=hasty)

    def start(self, *, old: bool, hasty: bool) -> None:
        """Declare everything."""
        self.world.begin(old=old)
        self.log.append(f"switch {'old' if old else 'new'}, {'hasty' if hasty else 'settled'}")
        self.before = self.world.others()
        self.since = self.world.operator.mark()
        self.stories = [Story(self.world, lab) for lab in self.world.labs]
        for story in self.stories:
            story.declare(story.distributed)
            story.declare(story.standard)
        if not hasty:
            for story in self.stories:
                story.wait_ready()

    # --- what happens to one lab --------------------------------------------------------------------------------------

    @may(lab=_NUMBER, half=_NUMBER, vlan=_VLANS)
    def edit(self, lab: int, half: int, vlan: int) -> None:
        story = self.pick(lab)
        name, which = self.half(story, half)
        self.step(story, f"edit {name} vlan {vlan}", story.edit(which, vlan={"id": vlan}))

    @may(lab=_NUMBER, half=_NUMBER, mode=_MODES)
    def edit_mode(self, lab: int, half: int, mode: str) -> None:
        story = self.pick(lab)
        name, which = self.half(story, half)
        if which is story.standard and mode == "MACLearning":
            mode = "Auto"
        self.step(story, f"edit {name} mode {mode}", story.edit(which, nesting={"mode": mode}))

    @may(lab=_NUMBER, field=st.sampled_from(["vlan", "forged", "rename"]))
    def drift(self, lab: int, field: str) -> None:
        story = self.pick(lab)
        self.step(story, f"drift {field}", story.drift(field))

    @may(lab=_NUMBER, host=_NUMBER)
    def drift_standard(self, lab: int, host: int) -> None:
        story, name = self.pick(lab), self.host(host)
        self.step(story, f"drift on {name}", story.drift_standard(name))

    @may(lab=_NUMBER, host=_NUMBER)
    def drop_standard(self, lab: int, host: int) -> None:
        story, name = self.pick(lab), self.host(host)
        self.step(story, f"remove on {name}", story.drop_standard(name))

    @may(lab=_NUMBER)
    def destroy(self, lab: int) -> None:
        story = self.pick(lab)
        self.step(story, "destroy", story.destroy())

    @may(lab=_NUMBER, attach=st.booleans())
    def attach_or_detach(self, lab: int, attach: bool) -> None:
        story = self.pick(lab)
        self.step(story, f"attach {attach}", story.attach() if attach else story.detach())

    @may(lab=_NUMBER, half=_NUMBER)
    def delete(self, lab: int, half: int) -> None:
        story = self.pick(lab)
        name, which = self.half(story, half)
        self.step(story, f"delete {name}", story.delete(which))

    @may(lab=_NUMBER, half=_NUMBER)
    def declare(self, lab: int, half: int) -> None:
        story = self.pick(lab)
        name, which = self.half(story, half)
        self.step(story, f"declare {name}", story.declare(which))

    @may(lab=_NUMBER)
    def end_session(self, lab: int) -> None:
        story = self.pick(lab)
        self.step(story, "end session", story.end_session())

    # --- what happens to all ------------------------------------------------------------------------------------------

    @may()
    def join(self) -> None:
        name = self.world.join()
        self.log.append(f"join {name}")
        if name is not None:
            for story in self.stories:
                story.joined()

    @may()
    def leave(self) -> None:
        self.log.append(f"leave {self.world.leave()}")

    @may()
    def upgrade(self) -> None:
        if not self.world.upgraded:
            self._upgrade()

    def _upgrade(self) -> None:
        self.log.append("upgrade")
        self.world.upgrade()
        for story in self.stories:
            story.upgraded()

    @may(seconds=st.sampled_from([0.05, 0.4]), status=st.sampled_from([0, 503]))
    def outage(self, seconds: float, status: int) -> None:
        self.log.append(f"outage {seconds} {status}")
        self.world.outage(seconds, status)

    @may(lab=_NUMBER, host=_NUMBER, vlan=_VLANS, when=st.sampled_from(["now", "task", "creation", "call", "call+edit"]))
    def kill(self, lab: int, host: int, vlan: int, when: str) -> None:
        if self.kills == _KILLS:
            return
        story, name = self.pick(lab), self.host(host)
        done: bool = True
        match when:
            case "task":
                done = story.kill_in_task(vlan)
            case "creation":
                done = story.kill_in_creation()
            case "call" | "call+edit":
                done = story.kill_in_call(name, vlan if when == "call+edit" else None)
            case _:
                self.world.kill()
        self.kills += done
        self.step(story, f"kill {when}", done)

    # --- quiet --------------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        if self.rounds.failure is None and self.stories:
            with self.recorded():
                self.quiet()

    def quiet(self) -> None:
        """Let nothing be in the way, and look."""
        if not self.world.upgraded:
            self._upgrade()
        self.world.calm()
        for phase in (Story.finish, Story.check):
            for story in self.stories:
                phase(story)
        self._nobody_else()
        for last in (Story.disturb_once, Story.delete_all, Story.prove):
            for story in self.stories:
                last(story)
        self._nobody_else()
        found = [r for r in self.world.operator.records(since=self.since) if "Traceback" in r.traceback + r.message]
        assert not found, f"{found[0].message}\n{found[0].traceback}"
        while self.world.guests:
            self.world.leave()
        told = sum(story.steps > 0 for story in self.stories)
        self.rounds.sequences += told
        self.rounds.tell(told)

    def _nobody_else(self) -> None:
        before, now = asdict(self.before), asdict(self.world.others())
        for what, rows in before.items():
            touched = [(row, new) for row, new in zip(rows, now[what], strict=True) if row != new]
            assert not touched, f"of others {what} was touched: {touched}"


def run_seed(rounds: Rounds, number: int, *, examples: int, steps: int) -> None:
    """Play the rounds of a seed. Raises ``StoryFailedError`` with the steps of the round that failed."""

    class Machine(_Machine):
        """Bound to the world."""

    Machine.rounds, Machine.number = rounds, number
    machine: Any = seed(number)(Machine)
    how = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=(Phase.generate,),  # what depends on the moment does not shrink
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    try:
        run_state_machine_as_test(machine, settings=how)
    except BaseException as error:
        if rounds.failure is not None:
            raise rounds.failure from error
        raise
