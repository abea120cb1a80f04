"""When repairs stop for a while, for how long, and what ends it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nested_hyperv.domain.contention import Contention


def fought(times: int = 5, every: float = 30.0, field: str = "vlan") -> tuple[Contention, float]:
    contention, now = Contention(), 1000.0
    for _ in range(times):
        contention.repaired([field], now)
        now += every
    return contention, now - every


def test_four_repairs_in_ten_minutes_are_no_fight() -> None:
    contention, now = fought(4)

    assert contention.paused_for(now) == 0
    assert contention.pause() == 0


def test_the_fifth_repair_of_one_field_in_ten_minutes_pauses_for_a_minute() -> None:
    contention, now = fought(5)

    assert contention.paused_for(now) == 60
    assert contention.paused_for(now + 59) == 1
    assert contention.paused_for(now + 60) == 0
    assert contention.fields == ("vlan",)


def test_five_repairs_over_more_than_ten_minutes_are_no_fight() -> None:
    contention, now = fought(5, every=151)

    assert contention.paused_for(now) == 0


def test_repairs_of_five_different_fields_are_no_fight() -> None:
    contention = Contention()
    for number in range(5):
        contention.repaired([f"field-{number}"], 1000.0 + number)

    assert contention.paused_for(1005.0) == 0


def test_only_what_was_repaired_five_times_is_fought_over() -> None:
    contention, now = fought(4)
    contention.repaired(["vlan", "macChanges"], now + 1)

    assert contention.fields == ("vlan",)


def test_each_further_repair_doubles_the_pause_up_to_an_hour() -> None:
    contention, now = fought(5)
    pauses = []
    for _ in range(8):
        pauses.append(contention.pause())
        now += contention.pause()
        contention.repaired(["vlan"], now)

    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_a_fight_of_months_still_pauses_for_an_hour() -> None:
    contention, now = fought(5)
    for _ in range(3000):
        now += contention.pause()
        contention.repaired(["vlan"], now)

    assert contention.pause() == 3600


def test_ten_quiet_minutes_after_the_pause_end_it() -> None:
    contention, now = fought(5)

    contention.repaired(["vlan"], now + 60 + 601)

    assert contention.pause() == 0


def test_a_new_spec_ends_it_at_once() -> None:
    contention, now = fought(5)

    contention.reset()

    assert contention.paused_for(now) == 0
    assert contention.pause() == 0


@given(st.lists(st.floats(0.1, 5000), max_size=60))
def test_the_pause_is_never_negative_and_never_longer_than_an_hour(gaps: list[float]) -> None:
    contention, now = Contention(), 0.0
    for gap in gaps:
        now += gap
        contention.repaired(["vlan"], now)
        assert 0 <= contention.pause() <= 3600
        assert contention.paused_for(now) == pytest.approx(contention.pause())
