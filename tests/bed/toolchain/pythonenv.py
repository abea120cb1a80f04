"""The virtual environment with the locked dependencies, made by whichever Python runs this.

Its key is the lock file and the Python version. It is filled by pip with `--require-hashes`. Where the distribution
ships Python without `ensurepip` (Debian and Ubuntu without python3-venv), a pinned pip wheel is fetched and run from
its file.
"""

import importlib.util
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

from bed.toolchain import cache, progress, wheels
from bed.toolchain.errors import ToolchainError

__all__ = ["environment", "python_env"]

_MINIMUM = (3, 11)
_LOCK = cache.ROOT / "requirements" / "dev.lock"
_PIP = wheels.Wheel(
    project="pip",
    filename="pip-26.3-py3-none-any.whl",
    sha256="f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13",
)


def python_env() -> Path:
    """Return the `bin` folder of a virtual environment that holds exactly what `requirements/dev.lock` names."""
    if sys.version_info < _MINIMUM:
        found = platform.python_version()
        raise ToolchainError(f"Python {found} is too old: 3.11 or newer is needed. Set PYTHON=python3.11 or newer.")
    key = cache.digest([_LOCK], platform.python_implementation(), platform.python_version(), sys.base_prefix)
    return cache.entry("venv", key, _make) / "bin"


def environment() -> Mapping[str, str]:
    """Return this process's environment with the virtual environment in front and the project's packages importable."""
    folder = python_env()
    return {
        **os.environ,
        "PATH": os.pathsep.join([str(folder), os.environ.get("PATH", os.defpath)]),
        "PYTHONPATH": os.pathsep.join(str(cache.ROOT / name) for name in ("operator", "tests")),
        "VIRTUAL_ENV": str(folder.parent),
    }


def _make(folder: Path) -> None:
    with progress.step("Installing the Python packages of requirements/dev.lock"):
        python = folder / "bin" / "python"
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        if importlib.util.find_spec("ensurepip") is not None:
            progress.run([sys.executable, "-m", "venv", folder], env=environment)
        else:
            progress.run([sys.executable, "-m", "venv", "--without-pip", folder], env=environment)
            environment["PYTHONPATH"] = str(wheels.fetch(_PIP, folder))
        options = ["--disable-pip-version-check", "--no-input", "--no-deps", "--only-binary=:all:", "--require-hashes"]
        progress.run([python, "-m", "pip", "install", *options, "--requirement", _LOCK], env=environment)
