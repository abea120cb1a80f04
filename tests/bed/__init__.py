"""The test bed: a real Kubernetes control plane, a vCenter twin, and the tool chain that builds both.

Tests and the demo import it as `bed` (the folder `tests` is on the path). The package imports nothing by itself,
so that `bed.toolchain` runs on the system's Python before anything is installed.
"""
