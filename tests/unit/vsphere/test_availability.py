"""Who hears of an outage, when, and how strong the error of a call is before that."""

import asyncio

import pytest

from bed.waiting import NotInTimeError
from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Blocked, Connecting, OperatorError, Reconnecting, Transient, Unreachable
from nested_hyperv.domain.resource import ObjectKey
from nested_hyperv.vsphere.availability import Availability
from nested_hyperv.vsphere.faults import Busy
from nested_hyperv.vsphere.pauses import Pauses
from nested_hyperv.vsphere.tuning import Tuning

KEY = ObjectKey("NestedPortGroup", "lab", "a")
SILENT = Unreachable("vc.lab does not answer.")
REFUSED = Blocked(Reason.AUTHENTICATION_FAILED, "vc.lab refuses the password.")


class Bench:
    def __init__(self, grace: float) -> None:
        self.woken: list[ObjectKey] = []
        self.connected_calls: list[bool] = []
        self.availability = Availability("vc.lab", grace, notify=self.woken.append, observer=self)
        self.availability.users.add(KEY)

    def called(self, server: str, method: str, code: str, seconds: float) -> None:
        raise AssertionError((server, method, code, seconds))

    def connected(self, server: str, link: int, *, up: bool) -> None:
        assert (server, link) == ("vc.lab", id(self.availability))
        self.connected_calls.append(up)

    def raised(self) -> type[OperatorError] | None:
        try:
            self.availability.check()
        except OperatorError as error:
            return type(error)
        return None

    async def reported(self) -> None:
        for _ in range(500):
            if self.woken:
                return
            await asyncio.sleep(0.01)
        raise NotInTimeError("nobody was woken")


async def test_before_the_first_attempt_has_ended_one_waits_and_is_woken_by_its_end() -> None:
    bench = Bench(grace=60)
    assert bench.raised() is Connecting
    bench.availability.came_up()
    assert (bench.raised(), bench.woken, bench.connected_calls) == (None, [KEY], [True])


@pytest.mark.parametrize(("error", "raised"), [(SILENT, Unreachable), (REFUSED, Blocked)])
async def test_a_first_attempt_that_fails_is_told_at_once_and_its_repetition_is_not(
    error: OperatorError, raised: type[OperatorError]
) -> None:
    bench = Bench(grace=60)
    bench.availability.went_down(error)
    bench.availability.went_down(error)
    assert (bench.raised(), bench.woken) == (raised, [KEY])
    assert set(bench.connected_calls) == {False}, "a vCenter that never answered is counted, too"


async def test_another_kind_of_failure_is_told_again() -> None:
    bench = Bench(grace=60)
    bench.availability.went_down(SILENT)
    bench.availability.went_down(REFUSED)
    assert (bench.raised(), bench.woken) == (Blocked, [KEY, KEY])


async def test_within_the_grace_period_a_loss_is_only_a_disturbance() -> None:
    bench = Bench(grace=60)
    bench.availability.came_up()
    bench.woken.clear()
    bench.availability.went_down(SILENT)
    assert (bench.raised(), bench.woken) == (None, [])
    assert type(bench.availability.error()) is Reconnecting
    assert type(bench.availability.as_reported(SILENT)) is Reconnecting
    bench.availability.came_up()
    assert type(bench.availability.as_reported(SILENT)) is Transient, "one lost call on a good connection is told"
    assert (bench.woken, bench.connected_calls) == ([], [True])
    bench.availability.close()


async def test_after_the_grace_period_the_loss_is_told_and_then_its_end() -> None:
    bench = Bench(grace=0.02)
    bench.availability.came_up()
    bench.woken.clear()
    bench.availability.went_down(SILENT)
    bench.availability.went_down(SILENT)
    await bench.reported()
    assert (bench.raised(), bench.woken) == (Unreachable, [KEY])
    assert bench.availability.as_reported(SILENT) is SILENT
    bench.availability.came_up()
    assert (bench.raised(), bench.woken, bench.connected_calls) == (None, [KEY, KEY], [True, False, True])


async def test_a_refusal_has_no_grace_period() -> None:
    bench = Bench(grace=60)
    bench.availability.came_up()
    bench.woken.clear()
    bench.availability.went_down(REFUSED)
    assert (bench.raised(), bench.woken) == (Blocked, [KEY])


def test_pauses_grow_by_the_kind_of_failure_up_to_a_limit_and_start_again_after_a_success() -> None:
    tuning = Tuning()
    pauses = Pauses(tuning)
    silent = [pauses.after(SILENT) for _ in range(20)]
    assert 0.8 <= silent[0] <= 1.2
    assert silent[2] > silent[0]
    assert max(silent) <= tuning.retry_longest * 1.2
    pauses.reset()
    assert pauses.after(REFUSED) >= tuning.refused_first * 0.8
    pauses.reset()
    assert pauses.after(Busy("503")) >= tuning.busy_pause * 0.8


async def test_a_login_that_was_under_way_does_not_bring_a_closed_connection_back() -> None:
    bench = Bench(grace=60)
    bench.availability.came_up()
    bench.availability.close()
    bench.availability.came_up()
    assert (bench.availability.up, bench.raised(), bench.connected_calls) == (False, Unreachable, [True, False])
