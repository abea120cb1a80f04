"""Whether, when and how a VM is powered off or on: the disruption policy, and nothing else, decides.

Pure. A guest is never powered off hard unless the policy is Force or the resource is being deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nested_hyperv.api.host import DisruptionMode, PowerState
from nested_hyperv.domain.plan import Action, PowerOff, PowerOn, ShutdownGuest

if TYPE_CHECKING:
    from nested_hyperv.api.host import Disruption
    from nested_hyperv.domain.inventory import VirtualMachine

__all__ = ["PowerStep", "power_down", "power_for"]


@dataclass(frozen=True, slots=True)
class PowerStep:
    """The next step, if any. Otherwise ``waits`` says until when (seconds), or ``blocked`` why it cannot go on."""

    action: Action | None = None
    waits: float | None = None
    blocked: str | None = None


def power_down(vm: VirtualMachine, *, asked_ago: float | None, timeout: float, force: bool) -> PowerStep:
    """Bring a VM that is not off to a halt: ask the guest, wait, and only with ``force`` pull the plug.

    ``asked_ago`` is how many seconds ago the guest was asked (``None``: not yet).
    """
    if vm.power_state != "poweredOn" or (asked_ago is None and not vm.tools_running):
        # Suspended, or no VMware Tools: the guest cannot be asked.
        if force:
            return PowerStep(action=PowerOff(vm.ref))
        why = "is suspended" if vm.power_state != "poweredOn" else "runs without VMware Tools"
        return PowerStep(blocked=f"{vm.name} {why}, so it cannot be asked to shut down")
    if asked_ago is None:
        return PowerStep(action=ShutdownGuest(vm.ref), waits=timeout)
    if asked_ago < timeout:
        return PowerStep(waits=timeout - asked_ago)
    if force:
        return PowerStep(action=PowerOff(vm.ref))
    return PowerStep(blocked=f"{vm.name} did not shut down within {timeout:.0f} s")


def power_for(
    vm: VirtualMachine,
    *,
    wanted: PowerState | None,
    pending: bool,
    needs_off: bool,
    disruption: Disruption,
    asked_ago: float | None,
) -> PowerStep:
    """Decide the next power step of a VM whose writable differences are settled.

    ``pending``: the operator shut the VM down itself and has to start it again. ``needs_off``: differences wait for
    power-off.
    """
    off = vm.power_state == "poweredOff"
    if off:
        start = wanted is PowerState.ON or (pending and wanted is None)
        return PowerStep(action=PowerOn(vm.ref)) if start else PowerStep()
    force = disruption.policy is DisruptionMode.FORCE
    timeout = float(disruption.graceful_timeout_seconds)
    if wanted is PowerState.OFF:
        return power_down(vm, asked_ago=asked_ago, timeout=timeout, force=force)
    if needs_off:
        if disruption.policy in (DisruptionMode.GRACEFUL, DisruptionMode.FORCE):
            return power_down(vm, asked_ago=asked_ago, timeout=timeout, force=force)
        return PowerStep(blocked=f"disruption.policy is {disruption.policy.value}")
    if wanted is PowerState.ON and vm.power_state == "suspended":
        return PowerStep(action=PowerOn(vm.ref))
    return PowerStep()
