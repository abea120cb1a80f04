"""How vSphere names one of its objects."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["MoRef"]


class MoRef(NamedTuple):
    """A managed object reference, for example ``DistributedVirtualPortgroup:dvportgroup-12``."""

    type: str
    value: str

    def __str__(self) -> str:
        return f"{self.type}:{self.value}"
