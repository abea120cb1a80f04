"""`make test` runs every check, hides none of the failures, and ends with pytest's summary."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bed.toolchain import cache, checks

ROOT = Path(__file__).resolve().parents[3]


def _check(name: str, script: str, *, must_be_silent: bool = False) -> checks.Check:
    return checks.Check(name, ["sh", "-c", script], os.environ, must_be_silent=must_be_silent)


def test_a_failure_stops_no_other_check_and_shows_its_output(capsys: pytest.CaptureFixture[str]) -> None:
    table = [
        _check("first", "echo all is well"),
        _check("second", "echo line 7 is wrong >&2; exit 1"),
        _check("formatted", "true", must_be_silent=True),
        _check("unformatted", "echo main.go", must_be_silent=True),
    ]

    failed = checks.run_all(table)

    assert failed == ["second", "unformatted"]
    shown = capsys.readouterr().err
    assert [line.rpartition(" (")[0] for line in shown.splitlines() if line.startswith(("ok", "FAILED"))] == [
        "ok     first",
        "FAILED second",
        "ok     formatted",
        "FAILED unformatted",
    ]
    assert "all is well" not in shown
    assert "line 7 is wrong" in shown
    assert "main.go" in shown


@pytest.mark.parametrize(
    ("check", "pytest_ends_with", "status"),
    [("exit 0", 0, 0), ("exit 1", 0, 1), ("exit 0", 3, 3), ("exit 1", 3, 3)],
)
def test_the_exit_status_is_that_of_everything(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, check: str, pytest_ends_with: int, status: int
) -> None:
    told = tmp_path / "told"
    program = tmp_path / "pytest"
    program.write_text(f'#!/bin/sh\necho "$@" "${checks.FAILED_CHECKS}" > {told}\nexit {pytest_ends_with}\n')
    program.chmod(0o755)
    monkeypatch.setattr(checks, "_lint_checks", lambda: [_check("style", check)])
    monkeypatch.setattr(checks, "_go_tests", list)
    monkeypatch.setattr(checks, "_build_bed", lambda: None)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("bed.toolchain.pythonenv.environment", lambda: dict(os.environ))

    assert checks.test(["-k", "name"]) == status

    failed = ["style"] if check == "exit 1" else []
    assert told.read_text().split() == [*checks.SIDE_BY_SIDE, "-k", "name", *failed]


def test_pytest_counts_in_its_last_lines_what_failed_before_it() -> None:
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "tests/unit/test_repository.py",
            "-k",
            "version_is_the_same",
            "-p",
            "no:cacheprovider",
        ],
        cwd=ROOT,
        env={**os.environ, checks.FAILED_CHECKS: "ruff check;go vet vcenter"},
        capture_output=True,
        text=True,
        check=False,
    )

    lines = result.stdout.splitlines()
    assert any(line.startswith("FAILED check::ruff check") for line in lines)
    assert any(line.startswith("FAILED check::go vet vcenter") for line in lines)
    assert "2 failed, 1 passed" in lines[-1]


def test_the_makefile_knows_the_tool_chain() -> None:
    answer = subprocess.run(["make", "help"], cwd=cache.ROOT, capture_output=True, text=True, check=True)
    targets = {line.split()[0] for line in answer.stdout.splitlines()}
    assert {"demo", "test", "lint", "fmt", "crds", "help", "clean"} <= targets
