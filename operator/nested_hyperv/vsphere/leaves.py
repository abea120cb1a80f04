"""A *leaf*: a property path that is read, the record fields that it fills, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from nested_hyperv.vsphere.session import Version

__all__ = ["Leaf", "one"]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One property path, the record fields that it fills, how, and what they are while it is unset."""

    path: str
    fields: tuple[str, ...]
    convert: Callable[[Any], tuple[Any, ...]]
    empty: tuple[Any, ...]
    since: Version = (0,)


def one(path: str, name: str, convert: Callable[[Any], Any], empty: Any, *, since: Version = (0,)) -> Leaf:
    """Make a leaf that fills one field."""
    return Leaf(path, (name,), lambda value: (convert(value),), (empty,), since)
