"""Where to look after a failure: logs that were kept, told at the end of the run.

Tests may run in several processes, of which only the first one writes the summary.
"""

import pytest

__all__ = ["WORKER_OUTPUT", "keep", "kept"]

_KEPT = pytest.StashKey[list[str]]()
#: Under which name a process hands them to the first one.
WORKER_OUTPUT = "kept_logs"


def keep(config: pytest.Config, *lines: str) -> None:
    """Have these lines told."""
    kept(config).extend(lines)


def kept(config: pytest.Config) -> list[str]:
    """Return the lines to tell."""
    return config.stash.setdefault(_KEPT, [])
