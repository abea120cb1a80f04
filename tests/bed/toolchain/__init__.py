"""Builds and finds what tests and demo run on: the Python environment, Go, the control plane, the twin, kubectl.

Standard library only, any Python from 3.11: it runs before anything is installed. Everything it makes lies in one cache
folder outside the checkout, under a name that holds the hash of what it was made from. So a second run finds it in
milliseconds, a change of an input makes a new one, and two checkouts share what is equal. Nothing here starts a server.
"""

from bed.toolchain.binaries import build_controlplane, build_govc, build_twin, kubectl
from bed.toolchain.errors import ToolchainError
from bed.toolchain.golang import go
from bed.toolchain.pythonenv import ansible_env, python_env

__all__ = [
    "ToolchainError", "ansible_env", "build_controlplane", "build_govc", "build_twin", "go", "kubectl", "python_env",
]  # fmt: skip
