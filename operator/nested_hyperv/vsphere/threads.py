"""The threads of one vCenter: where blocking calls run, are timed, and have their errors translated.

Two pools, because what keeps the connection up must not queue behind calls that are stuck in a dead one.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

from nested_hyperv.domain.errors import OperatorError
from nested_hyperv.vsphere.faults import Call, translate
from nested_hyperv.vsphere.session import Session, name_operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from nested_hyperv.vsphere.availability import Observer

__all__ = ["Threads"]

T = TypeVar("T")

#: The poll, a change of the view, whose ports were changed, the keepalive, and one more for a login while one of them
#: is stuck.
_KEEPING: Final = 5


class Threads:
    """Runs calls for one vCenter."""

    def __init__(self, server: str, calls: int, observer: Observer | None) -> None:
        self._server = server
        self._observer = observer
        self._calls = ThreadPoolExecutor(calls, thread_name_prefix=f"{server}-call")
        self._keeping = ThreadPoolExecutor(_KEEPING, thread_name_prefix=f"{server}-keeper")

    async def call(self, call: Call, function: Callable[[Session], T], session: Session) -> T:
        """Run a call that somebody asked for."""
        return await self._run(self._calls, call, function, session)

    async def keep(self, call: Call, function: Callable[[Session], T], session: Session) -> T:
        """Run a call that keeps the connection up."""
        return await self._run(self._keeping, call, function, session)

    def submit(self, function: Callable[[], T]) -> Future[T]:
        """Run something of the keeper's that translates its errors itself."""
        return self._keeping.submit(function)

    async def _run(self, pool: ThreadPoolExecutor, call: Call, function: Callable[[Session], T], session: Session) -> T:
        context = contextvars.copy_context()
        started = time.monotonic()
        outcome = "bug"
        try:
            result = await asyncio.get_running_loop().run_in_executor(
                pool, context.run, _in_thread, call, function, session
            )
        except OperatorError as error:
            outcome = type(error).__name__
            raise
        except asyncio.CancelledError:
            outcome = "abandoned"
            raise
        else:
            outcome = "ok"
            return result
        finally:
            if self._observer is not None:
                self._observer.called(self._server, call.method, outcome, time.monotonic() - started)

    def shut_down(self) -> None:
        """Start nothing any more; what is running ends when its connection is hung up."""
        self._calls.shutdown(wait=False, cancel_futures=True)
        self._keeping.shutdown(wait=False, cancel_futures=True)


def _in_thread(call: Call, function: Callable[[Session], T], session: Session) -> T:
    name_operation()
    try:
        return function(session)
    except Exception as error:
        raise translate(error, call) from error
