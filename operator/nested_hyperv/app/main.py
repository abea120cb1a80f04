"""The command `nested-hyperv-operator`: reads the settings and runs until a signal. Its exit status tells how it ended.

0: asked to end. 1: could not start or could not go on (start it again). 2: a setting is wrong (starting again does not
help).
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from typing import TYPE_CHECKING, Final

from nested_hyperv import __version__
from nested_hyperv.app.settings import InvalidSetting, Settings, parser, unknown_variables
from nested_hyperv.app.wiring import CannotStart, Operator
from nested_hyperv.domain.errors import OperatorError
from nested_hyperv.kube.edge import EdgeFailed
from nested_hyperv.kube.listing import CannotList
from nested_hyperv.kube.login import LoginFailed
from nested_hyperv.telemetry.logging import configure

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

# Not __name__: that is __main__ under `python -m`, and would be taken for a library.
_log = logging.getLogger("nested_hyperv.app.main")

# New objects until Python looks for garbage among them; its own 700 are for small programs. What vCenter answers are
# tens of thousands of objects at once, of which none is garbage yet: a seventh of a restart with 10,000 went into that.
_GARBAGE_AFTER: Final = 50_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the operator."""
    command = parser()
    command.add_argument("--version", action="version", version=f"nested-hyperv-operator {__version__}")
    try:
        settings = Settings.load(arguments=command.parse_args(arguments))
    except InvalidSetting as error:
        print(f"nested-hyperv-operator: {error}", file=sys.stderr)  # noqa: T201 - logging is not set up yet
        return 2
    gc.set_threshold(_GARBAGE_AFTER)
    configure(settings.log_format, settings.log_level)
    for name in unknown_variables():
        _log.warning("%s is set, but there is no such setting", name)
    try:
        asyncio.run(_run(settings))
    except (CannotStart, CannotList, LoginFailed, EdgeFailed, OperatorError) as error:
        _log.error("%s", error)
        return 1
    except Exception:  # noqa: BLE001 - logged with its traceback; the process ends
        _log.exception("the operator ended unexpectedly")
        return 1
    return 0


async def _run(settings: Settings) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def end(received: signal.Signals) -> None:
        _log.info("%s received", received.name)
        stop.set()
        # A second signal means it: the default action ends the process at once.
        loop.remove_signal_handler(received)

    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, end, each)
    await Operator(settings).run(stop)


if __name__ == "__main__":
    sys.exit(main())
