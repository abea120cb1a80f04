"""The image installs locked wheels only and runs without root, without a shell in between."""

import json
import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[3]


def _instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


def _values(name: str) -> list[str]:
    return [value for instruction, value in _instructions() if instruction == name]


def test_every_package_is_installed_by_hash_or_built_here() -> None:
    installs = [step for run in _values("RUN") for step in run.split("&&") if "pip" in step and "install" in step]
    assert len(installs) == 3
    for step in installs:
        assert ("--require-hashes" in step and "--only-binary=:all:" in step) or "--no-index" in step, step


def test_the_base_image_has_a_tag_that_names_python_and_distribution() -> None:
    (argument,) = _values("ARG")
    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.\d+-slim-[a-z]+", argument)
    assert all(value.startswith("${PYTHON_IMAGE}") for value in _values("FROM"))
    minor = int(argument.split(":3.")[1].split("-")[0])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert minor >= int(project["requires-python"].removeprefix(">=3."))


def test_it_runs_the_console_script_as_a_number_that_is_not_root() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (entry,) = _values("ENTRYPOINT")
    (user,) = _values("USER")
    (command,) = json.loads(entry)
    assert Path(command).name in project["scripts"]
    assert user == "65532:65532"


def test_the_build_lock_holds_the_build_backend() -> None:
    (requirement,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    needed = Requirement(requirement)
    locked = re.search(rf"^{needed.name}==(\S+)", (ROOT / "requirements" / "build.lock").read_text(), re.MULTILINE)
    assert locked is not None
    assert Version(locked[1]) in needed.specifier


def test_the_build_context_holds_everything_that_is_copied_and_nothing_else() -> None:
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = {line.removeprefix("!").strip("/") for line in ignore if line.startswith("!")}
    copied = {
        source.strip("/")
        for value in _values("COPY")
        if not value.startswith("--from")
        for source in value.split()[:-1]
    }
    assert "*" in ignore
    assert allowed == copied
