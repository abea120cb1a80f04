"""Whether a status differs from what the server has: the comparison behind "nothing to do means no write".

Lists that are maps by a key (conditions) are compared without regard to order, because a server-side apply keeps the
order of the stored rows and not that of the applied ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["same_status", "without_nulls"]


def without_nulls(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Leave out keys without a value: an apply of `null` is not the same as an apply without the field."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [without_nulls(item) for item in value]
    return value


def same_status(wanted: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Whether applying `wanted` would change nothing."""
    return _comparable(wanted) == _comparable(stored)


def _comparable(status: Mapping[str, Any]) -> dict[str, Any]:
    by_type = {row["type"]: row for row in status.get("conditions", ())}
    return {**status, "conditions": by_type}
