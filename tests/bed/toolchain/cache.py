"""Where built things live, how they are named, and how two builders keep out of each other's way.

An entry is a folder named `<what>-<hash of its inputs>`. It is complete when it holds the file `.complete`, which is
written last; an entry without it is what an interrupted build left, and is made anew. A lock per entry makes parallel
runs build once and wait for each other. Of each kind the entries used last are kept.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["ROOT", "cache_dir", "digest", "entry"]

ROOT = Path(__file__).resolve().parents[3]
"""The checkout."""

_COMPLETE = ".complete"
_KEPT = 6


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
    by_use = sorted(complete, key=lambda marker: marker.stat().st_mtime, reverse=True)
    for marker in by_use[_KEPT:]:
        shutil.rmtree(marker.parent, ignore_errors=True)


@contextmanager
def _locked(name: str) -> Iterator[None]:
    # flock is released by the kernel when its holder dies: a killed build blocks nobody.
    locks = cache_dir() / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with (locks / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
