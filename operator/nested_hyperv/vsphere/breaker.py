"""The circuit breaker of one vCenter: after a few failed calls in a row, all further ones fail at once.

It counts and says; it neither calls nor waits. While it is open the calls of controllers are refused without
touching the network; the one that tries whether the vCenter is back is the connection's own keeper (half-open), so
that no worker is ever spent on a probe.
"""

from __future__ import annotations

from enum import Enum

__all__ = ["Breaker", "BreakerState"]


class BreakerState(Enum):
    """Who may call."""

    CLOSED = "everybody"
    OPEN = "nobody"
    HALF_OPEN = "the keeper"


class Breaker:
    """``threshold`` failures without a success between them open it; only ``close`` closes it again."""

    def __init__(self, threshold: int) -> None:
        self._threshold = threshold
        self._failures = 0
        self.state = BreakerState.OPEN
        self.cause = "not connected yet"

    @property
    def closed(self) -> bool:
        """Whether ordinary calls may pass."""
        return self.state is BreakerState.CLOSED

    def success(self) -> None:
        """Note that a call was answered, by whatever: a fault is an answer too."""
        if self.state is BreakerState.CLOSED:
            self._failures = 0

    def failure(self, cause: str) -> bool:
        """Note that a call was not answered; returns whether this one opened the breaker."""
        self.cause = cause
        if self.state is not BreakerState.CLOSED:
            return False
        self._failures += 1
        if self._failures < self._threshold:
            return False
        self.state = BreakerState.OPEN
        return True

    def trip(self, cause: str) -> None:
        """Open at once: something else already knows that the vCenter cannot be used."""
        self.cause = cause
        self.state = BreakerState.OPEN

    def probe(self) -> None:
        """Let the keeper try."""
        self.state = BreakerState.HALF_OPEN

    def close(self) -> None:
        """The vCenter answers again."""
        self.state = BreakerState.CLOSED
        self._failures = 0
        self.cause = ""
