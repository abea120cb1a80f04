"""Rules of the repository that no other tool checks."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import nested_hyperv

ROOT = Path(__file__).resolve().parents[2]
MAX_LINES = 500
MAX_BYTES = 400_000


def _files() -> Iterator[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    is_checkout = listed.returncode == 0  # else an unpacked archive
    found = map(ROOT.joinpath, filter(None, listed.stdout.split("\0"))) if is_checkout else ROOT.rglob("*")
    yield from (path for path in found if path.is_file())


def _sources() -> Iterator[Path]:
    yield from (path for path in _files() if path.suffix in {".py", ".go"})


def _project() -> dict[str, object]:
    project: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project


def _pins(lock: str) -> dict[str, str]:
    text = (ROOT / "requirements" / lock).read_text()
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", text, re.MULTILINE))


def test_the_folder_operator_does_not_shadow_the_standard_library() -> None:
    # With an __init__.py the folder would be a package, found before the standard library's `operator` by everything
    # that is started in the checkout: `import collections` would fail there. Without one it is at most a namespace,
    # and a real module wins over that wherever it stands on the path.
    assert not (ROOT / "operator" / "__init__.py").exists()
    answer = subprocess.run(
        [sys.executable, "-c", "import operator; print(operator.__file__)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(answer.stdout.strip()).name == "operator.py"
    assert ROOT not in Path(answer.stdout.strip()).parents


def test_no_module_is_longer_than_anybody_reads() -> None:
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in _sources()}
    assert lengths
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES} == {}


def test_nothing_that_was_built_or_downloaded_is_kept() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("an unpacked archive: nobody says what belongs to it")
    files = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in _files()}
    assert [name for name, content in files.items() if len(content) > MAX_BYTES or b"\0" in content] == []


def test_the_tool_chain_needs_nothing_but_the_standard_library() -> None:
    files = [ROOT / "tests" / "bed" / "__init__.py", *(ROOT / "tests" / "bed" / "toolchain").glob("*.py")]
    imported = {(file.name, name) for file in files for name in _imports(file)}
    assert ("cache.py", "hashlib") in imported
    own = {(file, name) for file, name in imported if name == "bed" or f"{name}.".startswith("bed.toolchain.")}
    foreign = {(file, name) for file, name in imported - own if name.partition(".")[0] not in sys.stdlib_module_names}
    assert foreign == set()


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_the_version_is_the_same_wherever_it_stands() -> None:
    assert _project()["version"] == nested_hyperv.__version__


def test_the_container_installs_the_versions_that_were_tested() -> None:
    runtime, dev = _pins("runtime.lock"), _pins("dev.lock")
    assert runtime.items() <= dev.items()


@pytest.mark.parametrize("lock", ["runtime.lock", "dev.lock", "conformance.lock"])
def test_every_pin_carries_hashes(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text()
    entries = re.split(r"^(?=[a-z0-9._-]+==)", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(_pins(lock)) > 0
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("group", ["dev", "conformance"])
def test_every_dependency_has_a_reason(group: str) -> None:
    content = tomllib.loads((ROOT / "pyproject.toml").read_text())
    declared = list(content["dependency-groups"][group])
    if group == "dev":
        declared += content["project"]["dependencies"]
    names = [re.split(r"[<>=!~; \[]", entry, maxsplit=1)[0].lower() for entry in declared]
    reasons = (ROOT / "docs" / "dependencies.md").read_text().lower()
    assert [name for name in names if f"[{name}]" not in reasons] == []
    assert [name for name in names if name not in _pins(f"{group}.lock")] == []
