"""The delay after the n-th failure in a row."""

from __future__ import annotations

import pytest

from nested_hyperv.workqueue import Backoff


def test_doubles_from_the_base_up_to_the_cap() -> None:
    backoff = Backoff(base=1.0, cap=300.0, jitter=0.25, uniform=lambda: 0.0)

    assert [backoff.delay(n) for n in range(1, 12)] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_jitter_takes_at_most_a_quarter_off_and_never_passes_the_cap() -> None:
    latest = Backoff(uniform=lambda: 1.0)
    some = Backoff()

    assert latest.delay(1) == 0.75
    assert all(225 <= some.delay(50) <= 300 for _ in range(200))


def test_objects_that_failed_together_do_not_come_back_together() -> None:
    assert len({Backoff().delay(5) for _ in range(50)}) > 40


def test_a_huge_count_of_failures_stays_at_the_cap() -> None:
    assert Backoff(uniform=lambda: 0.0).delay(10**9) == 300


def test_there_is_no_delay_before_the_first_failure() -> None:
    with pytest.raises(ValueError, match=r"failures: got 0; .* must be 1 or more"):
        Backoff().delay(0)
