"""Plans for a VM that exists: make it equal to the spec within the disruption policy, or tear it down.

Pure. First whether it is ours, then what can be written now, then power; what has to wait for power-off is listed and
waits. Deleting the resource is consent to shut the guest down, unless ``disruption.policy`` is Never.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nested_hyperv.api.common import DeletionPolicy
from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.host import DisruptionMode
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.inventory import Change, VirtualMachineSettings
from nested_hyperv.domain.ownership import Mark, Ownership, parse_mark
from nested_hyperv.domain.plan import Destroy, Plan, PowerOff, Reconfigure, Release, ShutdownGuest
from nested_hyperv.domain.verdict import Network, Situation, Verdict

from .create import check_nested_hv, plan_creation
from .goal import Comparison, compare, observed, power_text
from .power import power_down, power_for

if TYPE_CHECKING:
    from nested_hyperv.api.host import NestedHyperVHostSpec
    from nested_hyperv.domain.inventory import VirtualMachine
    from nested_hyperv.domain.subject import Subject

    from .power import PowerStep
    from .world import HostWorld

__all__ = ["plan_host", "plan_host_deletion"]


def plan_host(subject: Subject, spec: NestedHyperVHostSpec, world: HostWorld) -> Plan:
    """Plan to make the VM equal to the spec. Raises ``Blocked`` where that must not or cannot be done."""
    vm = world.vm
    if vm is None:
        return plan_creation(subject, spec, world)
    _check_readable(vm)
    mark = _mark_of(vm)
    newborn = _is_newborn(subject, vm, mark)
    kept = None if newborn else _check_ownership(subject, vm, mark)
    goal_mark = Mark(
        owner=subject.identity.owner,
        lineage=subject.identity.lineage,
        adopted=not newborn and (kept is None or kept.adopted),
        instance_uuid=vm.instance_uuid,
    )
    comparison = compare(spec, vm, world.networks, goal_mark, kept)
    exposes = any(c.field == "virtualization.nestedHV" and c.new == "true" for c in comparison.changes)
    if exposes and world.host is not None:
        check_nested_hv(vm.hardware_version, [world.host])
    facts = _facts(spec, world, vm, comparison, goal_mark)
    network = _network(world, comparison)
    if not comparison.settings.empty:
        words = "; ".join(str(change) for change in comparison.now)
        return Plan(
            Verdict(
                Situation.PROGRESSING,
                Reason.PROGRESSING,
                f"Writing {words}.",
                facts=facts,
                network=network,
                synced=False,
            ),
            actions=(Reconfigure(vm, comparison.settings, comparison.now),),
            changes=comparison.changes,
            waiting=comparison.waiting,
        )
    return _plan_power(spec, world, vm, comparison, facts, network)


def _plan_power(
    spec: NestedHyperVHostSpec,
    world: HostWorld,
    vm: VirtualMachine,
    comparison: Comparison,
    facts: dict[str, Any],
    network: Network,
) -> Plan:
    waiting = comparison.waiting
    step = power_for(
        vm,
        wanted=spec.power_state,
        pending=world.power_on_pending,
        needs_off=bool(waiting),
        disruption=spec.disruption,
        asked_ago=world.asked_ago,
    )
    if step.action is not None or step.waits is not None:
        down = isinstance(step.action, ShutdownGuest | PowerOff) or step.action is None
        news = down and bool(waiting) and spec.power_state is None and not world.power_on_pending
        return Plan(
            Verdict(
                Situation.PROGRESSING,
                Reason.PROGRESSING,
                _power_words(step, vm, waiting),
                facts=facts,
                network=network,
                synced=False,
                again_after=step.waits,
            ),
            actions=() if step.action is None else (replace(step.action, changes=_power_change(spec, vm)),),
            changes=(*comparison.changes, *_power_change(spec, vm)),
            waiting=waiting,
            record={"power_on_pending": True} if news else {},
        )
    if step.blocked is not None:
        if spec.disruption.policy in (DisruptionMode.NEVER, DisruptionMode.WHEN_POWERED_OFF):
            # Whoever powers it off now does so for reasons of their own: it is not ours to start again.
            facts["power_on_pending"] = None
        verdict = _power_off_required(step.blocked, spec, vm, waiting, facts, network)
        return Plan(verdict, changes=(*waiting, *_power_change(spec, vm)), waiting=waiting)
    if vm.power_state == "poweredOn" and world.power_on_pending:
        facts["power_on_pending"] = None
    if world.dependencies:
        first = world.dependencies[0]
        if first.error is not None:
            raise first.error
        return Plan(
            Verdict(
                Situation.DEPENDENCY,
                Reason.DEPENDENCY_NOT_READY,
                first.message,
                facts=facts,
                network=network,
            )
        )
    return Plan(Verdict(Situation.READY, Reason.SUCCEEDED, facts=facts, network=network, synced=True))


def _power_change(spec: NestedHyperVHostSpec, vm: VirtualMachine) -> tuple[Change, ...]:
    if spec.power_state is None or power_text(vm.power_state) == spec.power_state.value:
        return ()
    return (Change("powerState", power_text(vm.power_state), spec.power_state.value),)


def _power_words(step: PowerStep, vm: VirtualMachine, waiting: tuple[Change, ...]) -> str:
    why = f" to change {', '.join(change.field for change in waiting)}" if waiting else ""
    match step.action:
        case ShutdownGuest():
            return f"Asking the guest of {vm.name} to shut down{why}."
        case PowerOff():
            return f"Powering {vm.name} off{why}."
        case None:
            return f"Waiting for the guest of {vm.name} to shut down{why}."
        case _:
            return f"Powering {vm.name} on."


def _power_off_required(
    blocked: str,
    spec: NestedHyperVHostSpec,
    vm: VirtualMachine,
    waiting: tuple[Change, ...],
    facts: dict[str, Any],
    network: Network,
) -> Verdict:
    fields = ", ".join(f"{c.field} ({c.old} to {c.new})" for c in (*waiting, *_power_change(spec, vm)))
    return Verdict(
        Situation.POWER_OFF_REQUIRED,
        Reason.POWER_OFF_REQUIRED,
        f"These wait until {vm.name} is powered off: {fields}. {blocked[0].upper()}{blocked[1:]}. "
        "Shut the guest down, or allow it with disruption.policy: Graceful or Force.",
        facts=facts,
        network=network,
        synced=False,
    )


def _check_readable(vm: VirtualMachine) -> None:
    if not vm.config_available:
        raise Blocked(
            Reason.INACCESSIBLE,
            f"{vm.name} ({vm.ref.value}) is {vm.connection_state}: vCenter cannot read its configuration, so nothing "
            "is known and nothing is done. Bring its host and datastore back.",
        )


def _mark_of(vm: VirtualMachine) -> Mark | None:
    return parse_mark(vm.detail.mark) if vm.detail is not None else None


def _is_newborn(subject: Subject, vm: VirtualMachine, mark: Mark | None) -> bool:
    """Whether our own clone has just made this VM, without the mark that it was told to have.

    A clone that ignores ``spec.config`` was seen (virtrigaud issue 17), against the API reference. That our task
    returned this VM proves as much as the mark, which is then written with all else that the clone did not take.
    """
    return mark is None and subject.made == vm.ref


def _check_ownership(subject: Subject, vm: VirtualMachine, mark: Mark | None) -> Mark | None:
    """Return the mark that goes on to count, or ``None`` for a stranger's VM that is adopted by this pass.

    A VM of our lineage that is retaken keeps its bindings, and that it was adopted once. Raises ``Blocked`` unless we
    may write to the VM.
    """
    ownership = Ownership.of(mark, subject.identity)
    where = f"{vm.name} ({vm.ref.value})"
    genuine = mark is not None and mark.instance_uuid == vm.instance_uuid
    if ownership is Ownership.OURS and genuine:
        return mark
    if subject.adopt in (vm.ref.value, vm.instance_uuid):
        if ownership is Ownership.LINEAGE and genuine:
            return mark
        if subject.allow_adoption:
            return None
        raise Blocked(
            Reason.ADOPTION_NOT_ALLOWED,
            f"{where} is not this resource's own, and the connection does not allow adoption. "
            'Set allowAdoption: "true" in the connection Secret, or remove the annotation nestedhv.io/adopt.',
        )
    cure = f"take it over with the annotation nestedhv.io/adopt: {vm.ref.value}"
    if ownership is Ownership.OURS:
        raise Blocked(
            Reason.IDENTITY_CONFLICT,
            f"{where} carries the mark of this resource, but its instance UUID is {vm.instance_uuid} and the mark was "
            f"made for {mark.instance_uuid if mark else 'none'}: it is a copy, or its UUID was changed. It is not "
            f"touched. Restore the UUID, or {cure}.",
        )
    if ownership is Ownership.UNMARKED:
        raise Blocked(
            Reason.OWNERSHIP_LOST,
            f"{where} no longer carries the mark of this resource, so it is not touched. Restore extraConfig "
            f"nestedhv.io/owner, or {cure}.",
        )
    raise Blocked(Reason.CONFLICT, f"{where} carries the mark of another resource, so it is not touched; {cure}.")


def _network(world: HostWorld, comparison: Comparison) -> Network:
    for dependency in world.dependencies:
        return Network(ready=False, reason=Reason.DEPENDENCY_NOT_READY, message=dependency.message)
    if comparison.adapters.changes:
        fields = ", ".join(change.field for change in comparison.adapters.changes)
        return Network(ready=False, reason=Reason.PROGRESSING, message=f"Not attached as declared: {fields}.")
    if world.port_overrides:
        return Network(ready=False, reason=Reason.PORT_OVERRIDE, message=world.port_overrides)
    return Network(ready=True, reason=Reason.SUCCEEDED, message="")


def _facts(
    spec: NestedHyperVHostSpec, world: HostWorld, vm: VirtualMachine, comparison: Comparison, mark: Mark
) -> dict[str, Any]:
    wanted = len(world.networks)
    off_list = {change.field.partition("]")[0] for change in comparison.adapters.changes}
    missing = {f"networks[{d.entry}" for d in world.dependencies} | off_list
    attached = sum(1 for entry in world.networks if f"networks[{entry.name}" not in missing)
    default = DeletionPolicy.RETAIN if mark.adopted else DeletionPolicy.DELETE
    return {
        "mo_ref": vm.ref.value,
        "instance_uuid": vm.instance_uuid,
        "name": vm.name,
        "power_state": power_text(vm.power_state),
        "nested_hv": vm.nested_hv,
        "ip_address": vm.ip_address or None,
        "host_name": vm.host_name or None,
        "tools_status": vm.tools_status or None,
        "network": f"{attached}/{wanted}" if wanted else None,
        "task": None,
        "observed": observed(vm, world.host.name if world.host else "", comparison.adapters, world.networks),
        "deletion_policy": spec.deletion_policy or default,
    }


def plan_host_deletion(subject: Subject, spec: NestedHyperVHostSpec, world: HostWorld) -> Plan:
    """Plan to let the VM go. Drift never blocks it. Raises ``Blocked(Inaccessible)``."""
    vm = world.vm
    verdict = Verdict(Situation.DELETING, Reason.DELETING, "Tearing down the VM.")
    if vm is None:
        if world.cloning:
            return Plan(replace(verdict, message="Waiting for a running clone before looking again.", again_after=10.0))
        return Plan(verdict, release=Release(Reason.DELETED, f"VM {spec.name} is gone from vSphere."))
    where = f"{vm.name} ({vm.ref.value})"
    if not vm.config_available:
        raise Blocked(
            Reason.INACCESSIBLE,
            f"{where} is {vm.connection_state}: whether it is this resource's own cannot be read. Bring its host and "
            "datastore back.",
        )
    mark = _mark_of(vm)
    newborn = _is_newborn(subject, vm, mark)
    ours = mark is not None and mark.owner == subject.identity.owner and mark.instance_uuid == vm.instance_uuid
    if not (newborn or ours):
        return Plan(
            verdict,
            release=Release(Reason.RELEASED_UNMARKED, f"{where} does not carry the mark of this resource: left alone."),
        )
    adopted = mark is not None and mark.adopted
    policy = spec.deletion_policy or (DeletionPolicy.RETAIN if adopted else DeletionPolicy.DELETE)
    if policy is DeletionPolicy.RETAIN:
        change = Change("mark", "this resource", "none")
        return Plan(verdict, actions=(Reconfigure(vm, VirtualMachineSettings(mark=""), (change,)),))
    if vm.power_state == "poweredOff":
        return Plan(verdict, actions=(Destroy(vm.ref),))
    if spec.disruption.policy is DisruptionMode.NEVER:
        return Plan(
            _deletion_blocked(
                f"{where} runs and disruption.policy is Never. Power it off, or change disruption.policy."
            )
        )
    timeout = float(spec.disruption.graceful_timeout_seconds)
    step = power_down(vm, asked_ago=world.asked_ago, timeout=timeout, force=True)
    return Plan(
        replace(verdict, message=_power_words(step, vm, ()), again_after=step.waits),
        actions=() if step.action is None else (step.action,),
    )


def _deletion_blocked(message: str) -> Verdict:
    return Verdict(Situation.DELETION_BLOCKED, Reason.DELETION_BLOCKED, message)
