"""The tool chain builds each thing once, notices what changed, and says what is wrong and how to cure it."""

import functools
import hashlib
import http.server
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bed.toolchain import ToolchainError, binaries, cache, golang, progress, wheels


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("NHV_CACHE", str(folder))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return folder


@pytest.fixture
def index(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A package index on loopback that serves a folder."""
    folder = tmp_path / "index"
    folder.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()
        thread.join()


def _program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def _nothing(_: Path) -> None:
    pass


def _kubectl(folder: Path, version: str) -> Path:
    return _program(folder, "kubectl", f"""echo '{{"clientVersion": {{"gitVersion": "{version}"}}}}'""")


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache.cache_dir() == tmp_path / "cache"
    monkeypatch.delenv("NHV_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.cache_dir() == tmp_path / "xdg" / "nested-hyperv-operator"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.cache_dir() == Path.home() / ".cache" / "nested-hyperv-operator"


def test_the_digest_follows_content_names_and_facts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cache, "ROOT", tmp_path)
    first, second = tmp_path / "first.go", tmp_path / "second.go"
    first.write_text("package a")
    second.write_text("package b")
    before = cache.digest([first, second], "go1.26")

    assert cache.digest([second, first], "go1.26") == before
    assert cache.digest([first, second], "go1.27") != before
    assert cache.digest([first], "go1.26") != before
    second.write_text("package c")
    assert cache.digest([first, second], "go1.26") != before
    second.write_text("package b")
    assert cache.digest([first, second.rename(tmp_path / "third.go")], "go1.26") != before


def test_parallel_builders_build_once() -> None:
    made: list[Path] = []
    gate = threading.Barrier(4)

    def build() -> Path:
        gate.wait()
        return cache.entry("thing", "abc", made.append)

    with ThreadPoolExecutor(4) as pool:
        folders = {future.result() for future in [pool.submit(build) for _ in range(4)]}

    assert folders == set(made)
    assert len(made) == 1


def test_an_interrupted_build_is_made_anew(cache_folder: Path) -> None:
    def interrupted(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.entry("thing", "abc", interrupted)
    assert (cache_folder / "thing-abc" / "half").exists()

    folder = cache.entry("thing", "abc", lambda folder: (folder / "whole").touch())

    assert (folder / "whole").exists()
    assert not (folder / "half").exists()


def _left_by_another_process(cache_folder: Path, name: str, *, days_ago: float) -> None:
    (cache_folder / name).mkdir(parents=True)
    (cache_folder / name / ".complete").touch()
    used = time.time() - days_ago * 86_400
    os.utime(cache_folder / name / ".complete", (used, used))


def _entries(cache_folder: Path) -> set[str]:
    return {folder.name for folder in cache_folder.glob("*-*")}


def test_old_entries_go_but_for_those_used_last(cache_folder: Path) -> None:
    for key in range(8):
        _left_by_another_process(cache_folder, f"thing-{key}", days_ago=10 - key)
    _left_by_another_process(cache_folder, "other-0", days_ago=100)
    cache.entry("thing", "2", _nothing)

    cache.entry("thing", "new", _nothing)

    assert _entries(cache_folder) == {"thing-2", "thing-4", "thing-5", "thing-6", "thing-7", "thing-new", "other-0"}


def test_what_was_used_within_a_day_stays_however_much_it_is(cache_folder: Path) -> None:
    for key in range(9):
        _left_by_another_process(cache_folder, f"thing-{key}", days_ago=0.9)

    cache.entry("thing", "new", _nothing)

    assert _entries(cache_folder) == {"thing-new", *(f"thing-{key}" for key in range(9))}


def test_what_a_process_uses_is_taken_away_by_no_other(cache_folder: Path) -> None:
    using = "from bed.toolchain import cache; cache.entry('thing', 'used', lambda _: None); print(); input()"
    paths = {"PYTHONPATH": str(cache.ROOT / "tests"), "NHV_CACHE": str(cache_folder)}
    with subprocess.Popen(
        [sys.executable, "-c", using], env=paths, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        os.utime(cache_folder / "thing-used" / ".complete", (0, 0))
        for key in range(7):
            _left_by_another_process(cache_folder, f"thing-{key}", days_ago=10 - key)
        cache.entry("thing", "new", _nothing)
        while_used = _entries(cache_folder)
        other.communicate(b"\n")

    cache.entry("thing", "newer", _nothing)

    assert "thing-used" in while_used
    assert "thing-0" not in while_used
    assert "thing-used" not in _entries(cache_folder)


def test_a_wheel_comes_from_the_index_that_pip_uses(
    index: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url, folder = index
    (folder / "pip").mkdir()
    (folder / "files").mkdir()
    (folder / "files" / "pip-1.whl").write_bytes(b"content")
    (folder / "pip" / "index.html").write_text('<a href="../files/pip-1.whl#sha256=00">pip-1.whl</a>')
    monkeypatch.setenv("PIP_INDEX_URL", url)
    wheel = wheels.Wheel(project="pip", filename="pip-1.whl", sha256=hashlib.sha256(b"content").hexdigest())

    assert wheels.fetch(wheel, tmp_path).read_bytes() == b"content"


def test_a_wheel_with_other_content_is_refused_and_removed(
    index: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url, folder = index
    (folder / "pip").mkdir()
    (folder / "pip" / "pip-1.whl").write_bytes(b"something else")
    (folder / "pip" / "index.html").write_text('<a href="pip-1.whl">pip-1.whl</a>')
    monkeypatch.setenv("PIP_INDEX_URL", url)

    with pytest.raises(ToolchainError, match=r"pip-1\.whl has SHA-256 .* expected 00"):
        wheels.fetch(wheels.Wheel(project="pip", filename="pip-1.whl", sha256="00"), tmp_path)
    assert not (tmp_path / "pip-1.whl").exists()


def test_an_index_without_the_wheel_is_named(
    index: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url, folder = index
    monkeypatch.setenv("PIP_INDEX_URL", url)
    wheel = wheels.Wheel(project="pip", filename="pip-1.whl", sha256="00")

    with pytest.raises(ToolchainError, match=r"cannot fetch pip-1\.whl .* set PIP_INDEX_URL to a mirror"):
        wheels.fetch(wheel, tmp_path)
    (folder / "pip").mkdir()
    (folder / "pip" / "index.html").write_text('<a href="pip-2.whl">pip-2.whl</a>')
    with pytest.raises(ToolchainError, match=r"does not list pip-1\.whl"):
        wheels.fetch(wheel, tmp_path)


def test_a_kubectl_on_the_path_is_used_unless_it_is_too_old(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    built = tmp_path / "built"
    monkeypatch.setattr(cache, "entry", lambda *_: built)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    find = binaries.kubectl.__wrapped__

    present = _kubectl(tmp_path / "bin", "v1.31.0")
    assert find() == present
    _kubectl(tmp_path / "bin", "v1.30.9")
    assert find() == built / "kubectl"
    _program(tmp_path / "bin", "kubectl", "exit 1")
    assert find() == built / "kubectl"


def test_ready_made_binaries_replace_the_build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assets = tmp_path / "assets"
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    for name in ("etcd", "kube-apiserver"):
        _program(assets, name, "exit 0")
    kubectl = _kubectl(assets, "v1.36.1")

    with pytest.raises(
        ToolchainError, match=r"KUBEBUILDER_ASSETS=.* has no executable kube-controller-manager\. .*unset"
    ):
        binaries.build_controlplane.__wrapped__()
    _program(assets, "kube-controller-manager", "exit 0")

    assert binaries.build_controlplane.__wrapped__() == assets
    assert binaries.kubectl.__wrapped__() == kubectl


@pytest.mark.parametrize(
    ("version", "accepted"), [("go1.26.8", True), ("go1.27", True), ("go1.25.9", False), ("", False)]
)
def test_go_on_the_path_is_used_when_it_is_new_enough(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, accepted: bool
) -> None:
    own = tmp_path / "own"
    monkeypatch.setattr(cache, "entry", lambda *_: own)
    present = _program(tmp_path / "bin", "go", f"echo {version}")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")

    assert golang.go.__wrapped__() == (present if accepted else own / "go" / "bin" / "go")


def test_a_failed_command_shows_its_output() -> None:
    with pytest.raises(ToolchainError, match=r"`sh -c .*` ended with status 7:\nno space left"):
        progress.run(["sh", "-c", "echo no space left >&2; exit 7"])


def test_a_short_step_is_silent_and_a_long_one_is_not(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with progress.step("Building"):
        pass
    assert capsys.readouterr().err == ""

    monkeypatch.setattr(progress, "_QUIET_SECONDS", 0.0)
    shown = threading.Event()
    report = progress._tell  # noqa: SLF001

    def told(text: str) -> None:
        report(text)
        shown.set()

    monkeypatch.setattr(progress, "_tell", told)
    with progress.step("Building"):
        assert shown.wait(10)
    assert capsys.readouterr().err == "Building … 0 s\nBuilding: done in 0 s\n"
