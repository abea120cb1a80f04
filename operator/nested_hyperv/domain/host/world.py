"""What was observed of the world of one NestedHyperVHost, as its planners need it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nested_hyperv.domain.errors import OperatorError
    from nested_hyperv.domain.inventory import Host, MoRef, Placement, VirtualMachine

    from .adapters import WantedAdapter

__all__ = ["CreationWorld", "Dependency", "HostWorld"]


@dataclass(frozen=True, slots=True)
class Dependency:
    """A network of the list that is not usable yet, and why. ``error`` is set if only a person can change that."""

    entry: str
    message: str
    error: OperatorError | None = None


@dataclass(frozen=True, slots=True)
class CreationWorld:
    """What is needed to create the VM: where, from what, and who might be in the way.

    ``guest_ids`` are those that the compute resource offers for the hardware version of the template; ``namesake``
    holds the name already; ``settled_for`` is how many seconds the session with vCenter has lasted.
    """

    placement: Placement
    template: VirtualMachine
    template_path: str
    hosts: tuple[Host, ...]
    guest_ids: frozenset[str]
    namesake: MoRef | None
    settled_for: float


@dataclass(frozen=True, slots=True)
class HostWorld:
    """The VM, if there is one, and what it hangs on.

    ``host`` is the ESXi host it is registered on. ``asked_ago`` is how many seconds ago the guest was asked to shut
    down. ``creation`` is observed only when there is no VM and one may be made now. ``cloning`` are running clone tasks
    of our user that no resource accounts for: one of them may become this VM.
    ``port_overrides`` says what its ports have of their own.
    """

    vm: VirtualMachine | None
    host: Host | None
    networks: tuple[WantedAdapter, ...]
    dependencies: tuple[Dependency, ...]
    asked_ago: float | None = None
    power_on_pending: bool = False
    creation: CreationWorld | None = None
    cloning: tuple[MoRef, ...] = ()
    port_overrides: str = ""
