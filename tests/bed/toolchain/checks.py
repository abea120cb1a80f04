"""What `make lint` and `make test` run besides pytest, one after the other; a failure stops none of the others.

`make test` ends with pytest and its summary, so that the last line counts. What failed before is told to pytest
(`NHV_FAILED_CHECKS`), which names it in that summary, and the exit status is that of everything.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bed.toolchain import binaries, cache, golang, progress, pythonenv

__all__ = ["FAILED_CHECKS", "SIDE_BY_SIDE", "Check", "format_go", "lint", "run_all", "test"]

FAILED_CHECKS = "NHV_FAILED_CHECKS"
"""The environment variable that tells pytest which checks failed before it, separated by semicolons."""

SIDE_BY_SIDE = ("--numprocesses=2", "--dist=loadfile", "--no-loadscope-reorder")
"""Most tests wait most of the time. Each process has a control plane, a twin and an operator of its own, and keeps the
order: what changes a control plane for good comes last."""
_TWIN = cache.ROOT / "tests" / "bed" / "vcenter"
_GO_MODULES = (_TWIN, cache.ROOT / "tests" / "bed" / "govc")


@dataclass(frozen=True)
class Check:
    """One command that must end well."""

    name: str
    command: Sequence[str | Path]
    env: Mapping[str, str]
    cwd: Path = cache.ROOT
    must_be_silent: bool = field(default=False)
    """gofmt names the files that are not formatted, and calls that a success."""


def lint() -> int:
    """Run the checks of style, types, layers and generated files; return the exit status."""
    return 1 if run_all(_lint_checks()) else 0


def test(arguments: Sequence[str]) -> int:
    """Run everything: the checks, the Go tests, then pytest with `arguments`; return the exit status."""
    failed = run_all([*_lint_checks(), *_go_tests()])
    _build_bed()
    environment = {**pythonenv.environment(), FAILED_CHECKS: ";".join(failed)}
    command = ["pytest", *SIDE_BY_SIDE, *arguments]
    status = subprocess.run(command, env=environment, cwd=cache.ROOT, check=False).returncode
    return status or (1 if failed else 0)


def format_go() -> int:
    """Format the Go modules in place."""
    for module in _GO_MODULES:
        progress.run([_gofmt(), "-w", "."], cwd=module)
    return 0


def _lint_checks() -> Iterator[Check]:
    env = pythonenv.environment()
    yield Check("ruff check", ["ruff", "check", "."], env)
    yield Check("ruff format", ["ruff", "format", "--check", "."], env)
    yield Check("mypy", ["mypy", "operator", "tests", "bench"], env)
    yield Check("import contracts", ["lint-imports", "--no-cache"], env)
    yield Check("generated CRDs", ["python", "-m", "nested_hyperv.api.crds", "--check"], env)
    yield Check("page of the twin's rules", ["python", "-m", "verify.docs", "--check"], env)
    go_env = golang.environment()
    for module in _GO_MODULES:
        yield Check(f"gofmt {module.name}", [_gofmt(), "-l", "."], go_env, module, must_be_silent=True)
        yield Check(f"go vet {module.name}", [golang.go(), "vet", "./..."], go_env, module)


def _go_tests() -> Iterator[Check]:
    # The race detector needs cgo, and cgo a C compiler.
    has_compiler = any(shutil.which(name) for name in (os.environ.get("CC") or "gcc", "clang"))
    env = golang.environment(CGO_ENABLED="1" if has_compiler else "0")
    race = ["-race"] if has_compiler else []
    name = " ".join(["go test", *race, _TWIN.name])
    # Go's own limit is ten minutes, which the race detector needs on a machine that has something else to do.
    yield Check(name, [golang.go(), "test", "-timeout=30m", *race, "./..."], env, _TWIN)


def _build_bed() -> None:
    # Built here, where progress shows, and not inside the first test that needs them.
    binaries.build_controlplane()
    binaries.kubectl()
    binaries.build_twin()
    binaries.build_govc()
    pythonenv.ansible_env()


def _gofmt() -> Path:
    return golang.go().resolve().with_name("gofmt")


def run_all(checks: Iterable[Check]) -> list[str]:
    """Run the checks in order, tell the outcome of each on stderr, and return the names of those that failed."""
    failed = []
    for check in checks:
        started = time.monotonic()
        with progress.step(check.name, tell_end=False):
            result = subprocess.run(
                [str(part) for part in check.command],
                env=dict(check.env),
                cwd=check.cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
        passed = result.returncode == 0 and not (check.must_be_silent and result.stdout.strip())
        verdict = "ok    " if passed else "FAILED"
        print(f"{verdict} {check.name} ({time.monotonic() - started:.1f} s)", file=sys.stderr, flush=True)
        if not passed:
            print(result.stdout, file=sys.stderr, flush=True)
            failed.append(check.name)
    return failed
