"""Command line of the tool chain, for the Makefile: results on stdout, progress on stderr."""

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from bed import toolchain
from bed.toolchain import cache

_ANSWERS: Mapping[str, Callable[[], Path]] = {
    "python-env": toolchain.python_env,
    "go": toolchain.go,
    "kubectl": toolchain.kubectl,
    "controlplane": toolchain.build_controlplane,
    "twin": toolchain.build_twin,
    "cache-dir": cache.cache_dir,
}


def main() -> int:
    """Run one command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m bed.toolchain", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, answer in _ANSWERS.items():
        commands.add_parser(name, help=answer.__doc__)
    run = commands.add_parser("exec", help="Run a command with the virtual environment first on the PATH.")
    run.add_argument("argv", nargs=argparse.REMAINDER)
    commands.add_parser("clean", help="Remove the cache folder.")
    arguments = parser.parse_args()
    if arguments.command == "exec":
        _exec(arguments.argv)
    elif arguments.command == "clean":
        shutil.rmtree(cache.cache_dir(), ignore_errors=True)
    else:
        print(_ANSWERS[arguments.command]())
    return 0


def _exec(argv: list[str]) -> None:
    folder = toolchain.python_env()
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(folder), os.environ.get("PATH", os.defpath)]),
        "PYTHONPATH": os.pathsep.join(str(cache.ROOT / name) for name in ("operator", "tests")),
        "VIRTUAL_ENV": str(folder.parent),
    }
    os.execvpe(argv[0], argv, environment)  # noqa: S606 - a list of arguments, and signals reach the command itself


if __name__ == "__main__":
    try:
        sys.exit(main())
    except toolchain.ToolchainError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
