"""Who had changed what was taken back: asked, which is good to know and no reason to fail, and worded."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from nested_hyperv.domain.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nested_hyperv.domain.blame import Author
    from nested_hyperv.domain.contention import Contention
    from nested_hyperv.domain.inventory import Change, MoRef

    from .context import Context

__all__ = ["blamed", "contested", "find_author", "was_rewritten"]

#: Fields that other tools write, under another name (``securityPolicy``), without a change of their own configuration.
_SECURITY: Final = frozenset({"promiscuous", "forgedTransmits", "macChanges", "macLearning", "inherited"})
_IN_MINUTES: Final = 120.0

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


def contested(rival: str | None, contention: Contention, where: str) -> str:
    """Say who fights for what, for how long that is left alone, and what to do. ``where`` vCenter tells who it is."""
    fields, pause = contention.fields, contention.pause()
    # The whole pause, not what is left of it: a message that changes with the clock would be a write each time.
    length = f"{pause:.0f} s" if pause < _IN_MINUTES else f"{pause / 60:.0f} min"
    find = "" if rival else f"Find out who changes it (vCenter: {where}). "
    cure = (
        "Terraform and Ansible write the security settings of a port group that they manage: take it out of their "
        "state, or change the spec."
        if _SECURITY.intersection(fields)
        else "Have it stopped, or change the spec."
    )
    return (
        f"{rival or 'Somebody'} keeps reverting {', '.join(fields)}: repaired 5 times within 10 minutes. Repairs now "
        f"pause for {length}. {find}{cure}"
    )
