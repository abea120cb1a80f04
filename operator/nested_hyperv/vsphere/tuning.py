"""The figures that shape traffic to a vCenter, in one place and each with its reason.

Settings only: nothing here acts. Tests shorten them; the defaults are what runs in production.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Tuning"]


@dataclass(frozen=True, slots=True)
class Tuning:
    """Timeouts, rates and sizes of one vCenter connection. All times are seconds."""

    #: TCP connect and TLS handshake. A reachable vCenter answers in milliseconds.
    connect_timeout: float = 10.0
    #: Longest silence of one call. Starting a task is quick; a cold vCenter may take tens of seconds to answer a read.
    read_timeout: float = 60.0
    #: ``maxWaitSeconds`` of the long poll. The reference recommends minutes; many firewalls forget flows after one.
    poll_wait: float = 60.0
    #: What the answer to a long poll may take on top of ``poll_wait``.
    poll_grace: float = 20.0
    #: Threads and pooled connections for calls, per vCenter: a dead one blocks only its own.
    threads: int = 12
    #: Calls per second and the burst above it. Far above what a lab needs, far below what hurts vCenter.
    rate: float = 200.0
    burst: float = 400.0
    #: Failed calls in a row after which the vCenter counts as down.
    breaker_threshold: int = 3
    #: How long a lost vCenter is not yet reported, so that a re-login after a restart of a service writes nothing.
    down_grace: float = 15.0
    #: First and longest pause between two attempts to reach a vCenter that is down.
    retry_first: float = 1.0
    retry_longest: float = 60.0
    #: Pauses while credentials or certificate are refused: every attempt may count towards locking the account.
    refused_first: float = 60.0
    refused_longest: float = 300.0
    #: Pause after HTTP 503 (too many sessions, or services still starting): hammering makes it last.
    busy_pause: float = 15.0
    #: Idle time after which ``CurrentTime`` keeps the session alive (vCenter ends it after 30 minutes).
    keepalive: float = 600.0
    #: How long a call waits for a re-login that another call or the poll has already noticed to be needed.
    relogin_wait: float = 10.0
    #: For how long additions to the watched set are collected before they are sent as one call.
    watch_batch: float = 0.03
    #: A long poll that is silent for so long has nothing to tell of what was put into the view before.
    poll_quiet: float = 10.0
    #: Most references per ``ModifyListView`` and per bulk read.
    chunk: int = 1000
    #: Most objects per answer of the long poll, so that a cold start never holds a whole inventory at once.
    poll_objects: int = 1000
    #: How long logging out may take at exit.
    logout_timeout: float = 5.0
