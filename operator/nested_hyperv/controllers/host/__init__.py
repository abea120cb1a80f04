"""The glue of NestedHyperVHost."""

from .controller import HostKind

__all__ = ["HostKind"]
