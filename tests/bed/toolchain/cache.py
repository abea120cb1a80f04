"""Where built things live, how they are named, and how two builders keep out of each other's way.

An entry is a folder named `<what>-<hash of its inputs>`. It is complete when it holds the file `.complete`, which is
written last; an entry without it is what an interrupted build left, and is made anew. A lock per entry makes parallel
runs build once and wait for each other. Of each kind the few entries used last are kept, and with them all that was
used within a day or is in use: another checkout on this machine may need what this one has forgotten.
"""

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

__all__ = ["ROOT", "cache_dir", "digest", "entry"]

ROOT = Path(__file__).resolve().parents[3]
"""The checkout."""

_COMPLETE = ".complete"
_KEPT = 6
_KEPT_SECONDS = 86_400
_used: dict[Path, IO[str]] = {}
"""The entries that this process uses, each with the file whose shared lock says so until the process ends."""


def cache_dir() -> Path:
    """Return the cache folder: `$NHV_CACHE`, else `$XDG_CACHE_HOME/nested-hyperv-operator`, else under `~/.cache`."""
    given = os.environ.get("NHV_CACHE")
    if given:
        return Path(given).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "nested-hyperv-operator"


def digest(files: Iterable[Path], *facts: str) -> str:
    """Return a short hash over the content and relative names of `files`, and over `facts`."""
    total = hashlib.sha256()
    for fact in facts:
        total.update(fact.encode() + b"\0")
    for file in sorted(files):
        name = file.resolve().relative_to(ROOT).as_posix()
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        total.update(f"{name}\0{content}\0".encode())
    return total.hexdigest()[:16]


def entry(what: str, key: str, make: Callable[[Path], None]) -> Path:
    """Return the folder of one cache entry; `make(folder)` fills it if it is not complete yet."""
    folder = cache_dir() / f"{what}-{key}"
    _use(folder)
    if (folder / _COMPLETE).exists():
        (folder / _COMPLETE).touch()  # the time of its last use
        return folder
    with _locked(folder.name):
        if (folder / _COMPLETE).exists():  # another process made it while this one waited
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
        (folder / _COMPLETE).touch()
    _prune(what)
    return folder


def _prune(what: str) -> None:
    complete = cache_dir().glob(f"{what}-*/{_COMPLETE}")
    by_use = sorted(((marker.stat().st_mtime, marker.parent) for marker in complete), reverse=True)
    for used, folder in by_use[_KEPT:]:
        if used < time.time() - _KEPT_SECONDS:
            _remove_unless_in_use(folder)


def _use(folder: Path) -> None:
    if folder not in _used:
        file = _lock_file(f"{folder.name}.use")
        fcntl.flock(file, fcntl.LOCK_SH)
        os.set_inheritable(file.fileno(), True)  # `exec` replaces this process by the one that needs the entry
        _used[folder] = file


def _remove_unless_in_use(folder: Path) -> None:
    with _lock_file(f"{folder.name}.use") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        # The marker goes first: what is left of a removal that is interrupted is no complete entry.
        (folder / _COMPLETE).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(name: str) -> Iterator[None]:
    with _lock_file(f"{name}.lock") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _lock_file(name: str) -> IO[str]:
    # flock is released by the kernel when its holder dies: a killed build blocks nobody.
    locks = cache_dir() / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    return (locks / name).open("w")
