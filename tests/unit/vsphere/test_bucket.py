"""The token bucket lets a burst pass and then keeps the rate, in the order of arrival."""

import pytest

from nested_hyperv.vsphere.bucket import TokenBucket


class Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def bucket(time: Time, rate: float = 10, burst: float = 3) -> TokenBucket:
    return TokenBucket(rate, burst, now=lambda: time.now, sleep=time.sleep)


async def test_a_burst_passes_at_once_and_the_rest_waits_its_turn() -> None:
    time = Time()
    tokens = bucket(time)
    for _ in range(5):
        await tokens.take()
    assert time.slept == [pytest.approx(0.1), pytest.approx(0.2)]


async def test_idle_time_fills_it_up_to_the_burst_and_no_further() -> None:
    time = Time()
    tokens = bucket(time)
    time.now = 3600
    for _ in range(4):
        await tokens.take()
    assert time.slept == [pytest.approx(0.1)]


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (1, 0.5)])
def test_a_bucket_that_never_gives_is_refused(rate: float, burst: float) -> None:
    with pytest.raises(ValueError, match="allowed are"):
        TokenBucket(rate, burst)
