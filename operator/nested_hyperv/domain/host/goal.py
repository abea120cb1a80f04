"""What a VM shall be, and how it differs from vSphere: each difference with the settings that end it.

Some differences can be written while the VM runs, others need it powered off; which is which is vSphere's rule, stated
here once. What the spec leaves unset is not compared.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nested_hyperv.api.host import Firmware, HostObserved, ObservedNetwork
from nested_hyperv.domain.inventory import Change, VirtualMachineSettings
from nested_hyperv.domain.ownership import Mark

from .adapters import AdapterPlan, WantedAdapter, network_key, plan_adapters
from .guest_os import GUEST_IDS

if TYPE_CHECKING:
    from nested_hyperv.api.host import NestedHyperVHostSpec
    from nested_hyperv.domain.inventory import VirtualMachine

__all__ = ["Comparison", "Difference", "compare", "goal_settings", "hardware_differences", "observed", "power_text"]


_FIRMWARE = {firmware.value.lower(): firmware for firmware in Firmware}


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs: in words, as a setting, and whether only a powered-off VM takes it."""

    change: Change
    setting: str
    value: Any
    needs_power_off: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that differs. ``now`` can be written in the VM's present power state, ``waiting`` cannot."""

    settings: VirtualMachineSettings
    now: tuple[Change, ...]
    waiting: tuple[Change, ...]
    adapters: AdapterPlan

    @property
    def changes(self) -> tuple[Change, ...]:
        """Everything, whether it can be written now or not."""
        return self.now + self.waiting


def goal_settings(spec: NestedHyperVHostSpec) -> VirtualMachineSettings:
    """The hardware that the spec asks for; ``None`` where it is silent."""
    firmware = spec.hardware.firmware
    return VirtualMachineSettings(
        name=spec.name,
        guest_id=GUEST_IDS[spec.guest_os],
        cpus=spec.hardware.cpus,
        cores_per_socket=spec.hardware.cores_per_socket,
        memory_mib=spec.hardware.memory_mib,
        firmware=firmware.value.lower() if firmware else None,
        secure_boot=spec.hardware.secure_boot,
        nested_hv=spec.virtualization.nested_hv,
    )


def hardware_differences(spec: NestedHyperVHostSpec, vm: VirtualMachine) -> tuple[Difference, ...]:
    """Compare name and hardware.

    Rules: nested HV, firmware, guest id, cores per socket and every shrink need power-off; growth of CPUs and memory
    does not with hot add (``ReconfigVM_Task``, documented: InvalidPowerState, Cpu/MemoryHotPlugNotSupported), memory
    as far as its steps and its limit go; boot options and the name are accepted while the VM runs (documented).
    """
    goal = goal_settings(spec)
    rows: tuple[tuple[str, str, Any, Any, bool], ...] = (
        ("name", "name", vm.name, goal.name, False),
        ("guestOS", "guest_id", vm.guest_id, goal.guest_id, True),
        ("hardware.cpus", "cpus", vm.cpus, goal.cpus, not (vm.cpu_hot_add and vm.cpus < (goal.cpus or 0))),
        ("hardware.coresPerSocket", "cores_per_socket", vm.cores_per_socket, goal.cores_per_socket, True),
        (
            "hardware.memoryMiB",
            "memory_mib",
            vm.memory_mib,
            goal.memory_mib,
            not _grows_while_on(vm, goal.memory_mib or 0),
        ),
        ("hardware.firmware", "firmware", vm.firmware, goal.firmware, True),
        ("hardware.secureBoot", "secure_boot", vm.secure_boot, goal.secure_boot, False),
        ("virtualization.nestedHV", "nested_hv", vm.nested_hv, goal.nested_hv, True),
    )
    return tuple(
        Difference(Change(field, _text(actual), _text(wanted)), setting, wanted, needs_power_off)
        for field, setting, actual, wanted, needs_power_off in rows
        if wanted is not None and actual != wanted
    )


def _grows_while_on(vm: VirtualMachine, wanted: int) -> bool:
    """Whether a running VM takes so much memory.

    Documented (``VirtualMachineConfigInfo.hotPlugMemoryLimit``, ``.hotPlugMemoryIncrementSize``): up to a limit and in
    steps, both told by a running VM with hot add; 0 here where it tells none.
    """
    if not vm.memory_hot_add or wanted <= vm.memory_mib:
        return False
    fits = not vm.memory_hot_add_limit or wanted <= vm.memory_hot_add_limit
    return fits and not (vm.memory_hot_add_step and wanted % vm.memory_hot_add_step)


def compare(
    spec: NestedHyperVHostSpec, vm: VirtualMachine, wanted: tuple[WantedAdapter, ...], mark: Mark, current: Mark | None
) -> Comparison:
    """Compare everything. ``mark`` is what ours has to say (without bindings), ``current`` what the VM carries."""
    off = vm.power_state == "poweredOff"
    differences = hardware_differences(spec, vm)
    possible = [difference for difference in differences if off or not difference.needs_power_off]
    adapters = plan_adapters(
        wanted,
        vm.detail.adapters if vm.detail else (),
        current.adapters if current else None,
        running=vm.power_state == "poweredOn",
    )
    settings = replace(
        VirtualMachineSettings(adapters=adapters.edits),
        **{difference.setting: difference.value for difference in possible},
    )
    now = tuple(difference.change for difference in possible) + adapters.changes
    if adapters.bindings or (current is not None and current.adapters is not None):
        mark = replace(mark, adapters=dict(adapters.bindings))
    if mark != current:
        settings = replace(settings, mark=mark.for_virtual_machine())
        now += (Change("mark", "none" if current is None else "without these adapters", "current"),)
    waiting = tuple(d.change for d in differences if d.needs_power_off and not off)
    return Comparison(settings, now, waiting, adapters)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def observed(
    vm: VirtualMachine, host_name: str, adapters: AdapterPlan, wanted: tuple[WantedAdapter, ...]
) -> HostObserved:
    """The machine as it is, for status. Networks have their names where this resource knows them, else their keys."""
    entries = {adapter.key: name for name, adapter in adapters.assigned.items()}
    networks = {network_key(entry.network): entry.network.name for entry in wanted if entry.network is not None}
    return HostObserved(
        guest_id=vm.guest_id,
        cpus=vm.cpus,
        cores_per_socket=vm.cores_per_socket,
        memory_mib=vm.memory_mib,
        firmware=_FIRMWARE.get(vm.firmware),
        secure_boot=vm.secure_boot,
        nested_hv=vm.nested_hv,
        hardware_version=vm.hardware_version,
        host=host_name or None,
        power_state=power_text(vm.power_state),
        connection_state=vm.connection_state,
        networks=tuple(
            ObservedNetwork(
                name=entries.get(adapter.key, adapter.label),
                network=networks.get(adapter.network, adapter.network),
                mac_address=adapter.mac_address,
                connected=adapter.connected,
            )
            for adapter in (vm.detail.adapters if vm.detail else ())
        ),
    )


def power_text(state: str) -> str:
    """The power state in the words of the API: ``On``, ``Off`` or ``Suspended``."""
    return {"poweredOn": "On", "poweredOff": "Off", "suspended": "Suspended"}.get(state, state)
