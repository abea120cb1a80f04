"""Ask who had changed what was taken back: good to know, and no reason to fail."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from nested_hyperv.domain.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nested_hyperv.domain.blame import Author
    from nested_hyperv.domain.inventory import Change, MoRef

    from .context import Context

__all__ = ["blamed", "find_author", "was_rewritten"]

_log = logging.getLogger(__name__)


async def find_author(context: Context[Any], target: MoRef, changes: Sequence[Change]) -> Author | None:
    """Return who made these changes to an object; ``None`` if nothing tells."""
    try:
        return await context.vcenter.author(target, changes)
    except OperatorError as error:
        _log.info("Nobody can be named for the change of %s: %s", target, error.message)
        return None


async def was_rewritten(context: Context[Any], target: MoRef) -> bool:
    """Whether what we wrote was taken and somebody wrote it back before we looked; ``False`` if nothing tells."""
    try:
        return await context.vcenter.rewritten(target)
    except OperatorError as error:
        _log.info("Nobody can tell whether %s was changed since: %s", target, error.message)
        return False


def blamed(author: Author | None) -> str:
    """Word it, to be put behind the change itself."""
    return "" if author is None else f" (changed by {author.user} at {author.time:%Y-%m-%d %H:%M:%S} UTC)"
