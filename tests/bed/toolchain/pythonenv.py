"""The virtual environments with the locked dependencies, made by whichever Python runs this.

One is the project's, one is Ansible's: a stranger brings its own versions of what we use too. Their keys are the lock
file and the Python version. They are filled by pip with `--require-hashes`. Where the distribution
ships Python without `ensurepip` (Debian and Ubuntu without python3-venv), a pinned pip wheel is fetched and run from
its file.
"""

import importlib.util
import os
import platform
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from bed.toolchain import cache, progress, wheels
from bed.toolchain.errors import ToolchainError

__all__ = ["ansible_env", "environment", "python_env"]

_MINIMUM = (3, 11)
_LOCK = cache.ROOT / "requirements" / "dev.lock"
_PIP = wheels.Wheel(
    project="pip",
    filename="pip-26.3-py3-none-any.whl",
    sha256="f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13",
)
_ANSIBLE_LOCK = cache.ROOT / "requirements" / "conformance.lock"
_ANSIBLE = wheels.Wheel(
    project="ansible",
    filename="ansible-12.3.0-py3-none-any.whl",
    sha256="cd156f82fa87f7a899212b0efa9f7ca3a24d609212de9f78428a572eb01e5414",
)
_COLLECTIONS = ("ansible_collections/community/vmware/", "ansible_collections/vmware/vmware/")
"""What is taken out of that wheel: 5 MB of 500."""


def python_env() -> Path:
    """Return the `bin` folder of a virtual environment that holds exactly what `requirements/dev.lock` names."""
    return cache.entry("venv", _key(_LOCK), lambda folder: _fill(folder, _LOCK)) / "bin"


def ansible_env() -> Path:
    """Return a folder with Ansible in `bin` and, in `ansible_collections`, community.vmware."""
    return cache.entry("ansible", _key(_ANSIBLE_LOCK, _ANSIBLE.sha256), _make_ansible)


def environment() -> Mapping[str, str]:
    """Return this process's environment with the virtual environment in front and the project's packages importable."""
    folder = python_env()
    return {
        **os.environ,
        "PATH": os.pathsep.join([str(folder), os.environ.get("PATH", os.defpath)]),
        "PYTHONPATH": os.pathsep.join(str(cache.ROOT / name) for name in ("operator", "tests")),
        "VIRTUAL_ENV": str(folder.parent),
    }


def _key(lock: Path, *facts: str) -> str:
    if sys.version_info < _MINIMUM:
        found = platform.python_version()
        raise ToolchainError(f"Python {found} is too old: 3.11 or newer is needed. Set PYTHON=python3.11 or newer.")
    return cache.digest([lock], platform.python_implementation(), platform.python_version(), sys.base_prefix, *facts)


def _make_ansible(folder: Path) -> None:
    _fill(folder, _ANSIBLE_LOCK)
    with progress.step(f"Fetching Ansible's collections for vSphere ({_ANSIBLE.filename})"):
        file = wheels.fetch(_ANSIBLE, folder)
        with zipfile.ZipFile(file) as archive:
            archive.extractall(folder, [name for name in archive.namelist() if name.startswith(_COLLECTIONS)])
        file.unlink()


def _fill(folder: Path, lock: Path) -> None:
    with progress.step(f"Installing the Python packages of requirements/{lock.name}"):
        python = folder / "bin" / "python"
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        if importlib.util.find_spec("ensurepip") is not None:
            progress.run([sys.executable, "-m", "venv", folder], env=environment)
        else:
            progress.run([sys.executable, "-m", "venv", "--without-pip", folder], env=environment)
            environment["PYTHONPATH"] = str(wheels.fetch(_PIP, folder))
        options = ["--disable-pip-version-check", "--no-input", "--no-deps", "--only-binary=:all:", "--require-hashes"]
        progress.run([python, "-m", "pip", "install", *options, "--requirement", lock], env=environment)
