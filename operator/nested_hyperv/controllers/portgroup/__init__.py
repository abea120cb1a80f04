"""The glue of NestedPortGroup."""

from .controller import PortGroupKind

__all__ = ["PortGroupKind"]
