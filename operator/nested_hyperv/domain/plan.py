"""What a planner answers: the actions that make vSphere equal to the spec, and what to say meanwhile.

A plan is computed by a pure function from the spec, what was observed and the time. The reconciler runs its actions in
order; each is safe to run twice, and the first that starts a vSphere task ends the pass. An empty plan is the normal
case and costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .errors import Blocked
from .inventory import (
    Change,
    CloneRequest,
    Host,
    MoRef,
    PortGroup,
    PortGroupSettings,
    Switch,
    VirtualMachine,
    VirtualMachineSettings,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nested_hyperv.api.conditions import Reason

    from .host_network import StandardPortGroup, StandardSettings
    from .verdict import Verdict

__all__ = [
    "Action",
    "AddHostPortGroup",
    "Clone",
    "CreatePortGroup",
    "Destroy",
    "HostAction",
    "Plan",
    "PlanBlocked",
    "PowerOff",
    "PowerOn",
    "Reconfigure",
    "ReconfigurePortGroup",
    "Release",
    "RemoveHostPortGroup",
    "ShutdownGuest",
    "UpdateHostPortGroup",
]


@dataclass(frozen=True, slots=True)
class CreatePortGroup:
    """Create a distributed port group, mark and policy included."""

    switch: Switch
    settings: PortGroupSettings
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class ReconfigurePortGroup:
    """Write what differs to a distributed port group."""

    current: PortGroup
    settings: PortGroupSettings
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Clone:
    """Create a VM from a template."""

    request: CloneRequest
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Reconfigure:
    """Write what differs to a VM."""

    current: VirtualMachine
    settings: VirtualMachineSettings
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class PowerOn:
    """Power a VM on."""

    ref: MoRef
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class PowerOff:
    """Power a VM off, hard."""

    ref: MoRef
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class ShutdownGuest:
    """Ask the guest to shut down. Starts no task: the change of the power state is its end."""

    ref: MoRef
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Destroy:
    """Destroy what the resource owns."""

    ref: MoRef
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class AddHostPortGroup:
    """Create a port group on a standard switch of one host; refused by the host if the name is taken."""

    host: Host
    settings: StandardSettings
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class UpdateHostPortGroup:
    """Write a port group of one host whole (vSphere knows no partial change of it); what is not managed is kept."""

    host: Host
    current: StandardPortGroup
    settings: StandardSettings
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class RemoveHostPortGroup:
    """Remove a port group from one host."""

    host: Host
    name: str
    changes: tuple[Change, ...] = ()


#: Steps that have a lane, their host: lanes run side by side and fail on their own. None of them starts a task.
HostAction = AddHostPortGroup | UpdateHostPortGroup | RemoveHostPortGroup

#: One step. Each class is one way to change vSphere; ``controllers`` hold the one place that executes it.
Action = (
    CreatePortGroup
    | ReconfigurePortGroup
    | Clone
    | Reconfigure
    | PowerOn
    | PowerOff
    | ShutdownGuest
    | Destroy
    | HostAction
)


@dataclass(frozen=True, slots=True)
class Release:
    """Deletion is complete: the finalizer goes, and this is what to tell."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do next and what to say.

    ``verdict`` holds while the actions run, and for good if there are none. ``changes`` is everything that differs,
    also what cannot be written now. ``record`` are status fields that must be stored before the first action.
    ``unproven`` names what has to be read live before the plan counts; ``None`` stands for all that was observed, if
    there is anything to do.
    """

    verdict: Verdict
    actions: tuple[Action, ...] = ()
    changes: tuple[Change, ...] = ()
    waiting: tuple[Change, ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)
    unproven: frozenset[MoRef] | None = None
    release: Release | None = None


class PlanBlocked(Blocked):
    """``Blocked``, and what was seen all the same: ``plan`` does nothing and says why."""

    def __init__(self, error: Blocked, plan: Plan) -> None:
        super().__init__(error.reason, error.message)
        self.plan = plan
