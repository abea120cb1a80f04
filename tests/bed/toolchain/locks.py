"""Writes requirements/*.lock: every dependency of every dependency, at one version, with the hashes of its files.

`runtime.lock` is what the container installs, `build.lock` what builds our wheel there. `dev.lock` is the runtime, at
the same versions, plus the tools of the test bed. `conformance.lock` is Ansible, in an environment of its own. The
resolver is uv, in a throw-away environment: nothing else of the project needs it.
"""

import sys
import tempfile
import tomllib
from pathlib import Path

from bed.toolchain import cache, progress

__all__ = ["write_locks"]

_UV = "uv==0.13.9"


def write_locks() -> int:
    """Resolve pyproject.toml anew and write the lock files."""
    with tempfile.TemporaryDirectory() as name, progress.step("Resolving the dependencies"):
        folder = Path(name)
        progress.run([sys.executable, "-m", "venv", folder])
        progress.run([folder / "bin" / "python", "-m", "pip", "install", "--only-binary=:all:", _UV])
        uv, project = folder / "bin" / "uv", "pyproject.toml"
        _compile(uv, project, "runtime.lock")
        _compile(uv, project, "dev.lock", "--group", "dev", "--constraints", "requirements/runtime.lock")
        _compile(uv, None, "conformance.lock", "--group", "conformance")
        build = folder / "build.in"
        content = tomllib.loads((cache.ROOT / project).read_text(encoding="utf-8"))
        build.write_text("\n".join(content["build-system"]["requires"]), encoding="utf-8")
        _compile(uv, build, "build.lock", "--no-annotate")
    return 0


def _compile(uv: Path, source: str | Path | None, lock: str, *options: str) -> None:
    # Universal: one lock for every platform and every Python from 3.11 on.
    common = ["--universal", "--python-version", "3.11", "--generate-hashes", "--upgrade", "--no-header", "--quiet"]
    output = ["--output-file", f"requirements/{lock}"]
    progress.run([uv, "pip", "compile", *common, *options, *output, *([source] if source else [])], cwd=cache.ROOT)
