"""Keeps Hyper-V hosts on vSphere, and the port groups of the virtual machines inside them, as declared."""

__all__ = ["__version__"]

__version__ = "0.1.0"
