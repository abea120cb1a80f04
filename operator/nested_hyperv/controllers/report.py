"""The one exit of a pass: the verdict becomes at most one status write, and an Event where something turned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nested_hyperv.api.conditions import ConditionType, Reason
from nested_hyperv.domain.status import next_status
from nested_hyperv.domain.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from nested_hyperv.api.common import CommonStatus, Condition
    from nested_hyperv.domain.resource import Resource

    from .context import Kind
    from .ports import Events, Kube

__all__ = ["Report"]

#: Reasons that are on the way to another: no news for anybody who reads events.
_TRANSIENT: Final = frozenset({Reason.PROGRESSING, Reason.DELETING, Reason.SUSPENDED})
_NORMAL: Final = frozenset({Reason.SUCCEEDED, Reason.OBSERVED, Reason.WOULD_CHANGE, Reason.DEPENDENCY_NOT_READY})


class Report:
    """Status and events of all objects."""

    def __init__(self, kube: Kube, events: Events, now: Callable[[], datetime]) -> None:
        self._kube = kube
        self._events = events
        self._now = now

    async def write(self, kind: Kind[Any, Any, Any], resource: Resource, verdict: Verdict) -> Resource:
        """Write the status that the verdict asks for, if it differs. Raises ``Conflict``."""
        previous = kind.status_model.model_validate({"observedGeneration": -1, **resource.status})
        status = next_status(previous, verdict, generation=resource.generation, now=self._now())
        written = await self._kube.write_status(resource, status.to_wire())
        self._announce(written, verdict, previous, status)
        return written

    def _announce(self, resource: Resource, verdict: Verdict, previous: CommonStatus, status: CommonStatus) -> None:
        before, after = _ready(previous), _ready(status)
        if after is None or after.reason in _TRANSIENT:
            return
        if before is not None and (before.status, before.reason) == (after.status, after.reason):
            return
        kind = "Normal" if after.status == "True" or after.reason in _NORMAL else "Warning"
        self._events.emit(resource, kind, verdict.reason, after.message or "Equal to the spec.")


def _ready(status: CommonStatus) -> Condition | None:
    return next((c for c in status.conditions if c.type == ConditionType.READY.value), None)
