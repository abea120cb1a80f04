"""The breaker opens after failures in a row, and only the keeper closes it."""

from nested_hyperv.vsphere.breaker import Breaker, BreakerState


def closed(threshold: int = 3) -> Breaker:
    breaker = Breaker(threshold)
    breaker.close()
    return breaker


def test_it_opens_at_the_last_of_so_many_failures_in_a_row() -> None:
    breaker = closed()
    assert [breaker.failure("silence") for _ in range(3)] == [False, False, True]
    assert breaker.state is BreakerState.OPEN
    assert breaker.cause == "silence"


def test_an_answer_between_failures_starts_the_count_again() -> None:
    breaker = closed()
    breaker.failure("a")
    breaker.failure("b")
    breaker.success()
    assert not breaker.failure("c")
    assert breaker.closed


def test_an_answer_to_a_call_that_was_still_under_way_does_not_close_it() -> None:
    breaker = closed(threshold=1)
    breaker.failure("silence")
    breaker.success()
    assert not breaker.closed


def test_while_the_keeper_probes_nobody_else_may_call() -> None:
    breaker = closed(threshold=1)
    breaker.failure("silence")
    breaker.probe()
    assert not breaker.closed
    breaker.close()
    assert breaker.closed


def test_it_can_be_opened_at_once() -> None:
    breaker = closed()
    breaker.trip("HTTP 503")
    assert (breaker.closed, breaker.cause) == (False, "HTTP 503")
