"""What a vCenter in memory remembers of who changed what."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nested_hyperv.domain.blame import Author
    from nested_hyperv.domain.inventory import Change, MoRef

__all__ = ["FakeHistory"]


@dataclass
class FakeHistory(ABC):
    """The part of a vCenter that tells authors. `blamed` made every change; `reverted` are changed right after us."""

    blamed: Author | None = None
    reverted: frozenset[MoRef] = frozenset()

    @abstractmethod
    async def called(self, name: str, *, remembered: bool = False) -> None:
        """Log a call."""

    async def author(self, ref: MoRef, changes: Sequence[Change]) -> Author | None:
        await self.called("author")
        return self.blamed if changes and ref.value else None

    async def rewritten(self, ref: MoRef) -> bool:
        await self.called("rewritten")
        return ref in self.reverted
