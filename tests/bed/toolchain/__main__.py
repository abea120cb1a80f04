"""Command line of the tool chain, for the Makefile: results on stdout, progress on stderr."""

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from bed import toolchain
from bed.toolchain import cache, checks, locks, pythonenv

_INTERRUPTED = 130
_PATHS: Mapping[str, Callable[[], Path]] = {
    "python-env": toolchain.python_env,
    "go": toolchain.go,
    "kubectl": toolchain.kubectl,
    "controlplane": toolchain.build_controlplane,
    "twin": toolchain.build_twin,
    "govc": toolchain.build_govc,
    "ansible-env": toolchain.ansible_env,
    "cache-dir": cache.cache_dir,
}
_ACTIONS: Mapping[str, Callable[[], int]] = {
    "lint": checks.lint,
    "gofmt": checks.format_go,
    "lock": locks.write_locks,
}


def main() -> int:
    """Run one command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m bed.toolchain", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, function in {**_PATHS, **_ACTIONS}.items():
        commands.add_parser(name, help=function.__doc__)
    commands.add_parser("test", help="Run every check and pytest; what follows is for pytest.")
    commands.add_parser("exec", help="Run a command in the virtual environment.")
    commands.add_parser("clean", help="Remove the cache folder.")
    # Only the first word is ours: what follows `exec` and `test` belongs to others, options and all.
    command: str = parser.parse_args(sys.argv[1:2]).command
    rest = sys.argv[2:]
    if rest and command not in {"exec", "test"}:
        parser.error(f"{command} takes no arguments, given: {' '.join(rest)}")
    if not rest and command == "exec":
        parser.error("exec needs a command")
    if command in _PATHS:
        print(_PATHS[command]())
    elif command in _ACTIONS:
        return _ACTIONS[command]()
    elif command == "test":
        return checks.test(rest)
    elif command == "exec":
        environment = pythonenv.environment()
        os.execvpe(rest[0], rest, environment)  # noqa: S606 - signals reach the command itself, not a parent
    else:
        shutil.rmtree(cache.cache_dir(), ignore_errors=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except toolchain.ToolchainError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
