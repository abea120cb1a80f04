"""Whose VM it is, and how it is let go."""

from dataclasses import replace
from typing import Any

import pytest

from nested_hyperv.api.common import DeletionPolicy
from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.host.adapters import WantedAdapter
from nested_hyperv.domain.host.plan import plan_host_deletion
from nested_hyperv.domain.inventory import (
    MoRef,
    NetworkAdapterEdit,
    VirtualMachine,
    VirtualMachineSettings,
)
from nested_hyperv.domain.ownership import BoundAdapter, Mark, parse_mark
from nested_hyperv.domain.plan import Destroy, Plan, PowerOff, Reconfigure, ShutdownGuest
from nested_hyperv.domain.verdict import Situation
from support import vsphere_records as samples
from support.host_plans import KNOWN, LAN, marked, ours, plan, reconfigured, refusal, world
from support.subjects import OWNER, STRANGER, host_spec, subject


@pytest.mark.parametrize(
    ("vm", "reason"),
    [
        (ours(mark="", cpus=1), Reason.OWNERSHIP_LOST),
        (ours(mark="{broken", cpus=1), Reason.OWNERSHIP_LOST),
        (ours(mark=marked(owner=STRANGER, lineage=STRANGER), cpus=1), Reason.CONFLICT),
        (ours(mark=marked(owner=STRANGER), cpus=1), Reason.CONFLICT),
        (ours(instance_uuid=STRANGER, cpus=1), Reason.IDENTITY_CONFLICT),  # a clone copies the mark
        (ours(config_available=False, connection_state="orphaned"), Reason.INACCESSIBLE),
        (replace(ours(cpus=1), detail=None), Reason.OWNERSHIP_LOST),
    ],
)
def test_what_is_not_proven_ours_is_refused(vm: VirtualMachine, reason: Reason) -> None:
    error = refusal(vm)

    assert error.reason is reason
    assert "vm-hv1" in error.message


def test_what_our_own_clone_made_is_ours_though_it_took_no_mark_along() -> None:
    newborn = ours(mark="", instance_uuid=STRANGER, cpus=1)
    maker = replace(subject(KNOWN), made=newborn.ref)

    mark = parse_mark(reconfigured(plan(newborn, by=maker)).mark or "")

    assert mark is not None
    assert (mark.owner, mark.instance_uuid, mark.adopted) == (OWNER, STRANGER, False)
    assert plan_host_deletion(maker, host_spec(), world(newborn)).actions == (Destroy(KNOWN),)


def test_that_our_clone_made_it_does_not_beat_the_mark_of_somebody_else() -> None:
    copied = ours(mark=marked(owner=STRANGER, lineage=STRANGER))
    assert refusal(copied, by=replace(subject(KNOWN), made=copied.ref)).reason is Reason.CONFLICT


def adopted(vm: VirtualMachine, **how: Any) -> Mark:
    planned = plan(vm, by=subject(adopt=vm.ref.value, **how))
    mark = parse_mark(reconfigured(planned).mark or "")
    assert mark is not None
    assert (mark.owner, mark.instance_uuid) == (OWNER, vm.instance_uuid)
    return mark


def test_lineage_may_be_retaken_and_keeps_its_bindings_and_its_loan() -> None:
    nic = samples.nic(4005, "dvportgroup-9")
    theirs = marked(owner=STRANGER, adopted=True, adapters={"lan": BoundAdapter(4005, nic.mac_address)})

    planned = plan(
        ours(mark=theirs, nics=[samples.nic(4000, "VM Network"), nic]),
        by=subject(adopt="vm-hv1"),
        around={"networks": (WantedAdapter("lan", LAN),)},
    )

    settings = reconfigured(planned)
    mark = parse_mark(settings.mark or "")
    assert mark is not None
    assert mark.adopted
    assert settings.adapters == (NetworkAdapterEdit(4005, LAN),), "by what it is and not by where it stands"
    assert planned.verdict.facts["deletion_policy"] is DeletionPolicy.RETAIN


def test_lineage_that_we_had_made_is_ours_again_and_no_loan() -> None:
    assert not adopted(ours(mark=marked(owner=STRANGER))).adopted


@pytest.mark.parametrize(
    "mark",
    [
        "",
        marked(owner=STRANGER, lineage=STRANGER),
        marked(instance_uuid=STRANGER),  # a copy of our own VM is a stranger's
        marked(owner=STRANGER, instance_uuid=STRANGER),  # and so is one of our lineage
    ],
)
def test_a_strangers_vm_needs_permission_and_is_a_loan(mark: str) -> None:
    assert refusal(ours(mark=mark), by=subject(adopt="vm-hv1")).reason is Reason.ADOPTION_NOT_ALLOWED
    assert adopted(ours(mark=mark), allow=True).adopted


def test_the_annotation_may_name_the_instance_uuid() -> None:
    assert plan(ours(mark="", instance_uuid="50-1"), by=subject(adopt="50-1", allow=True)).actions


def delete(vm: VirtualMachine | None, around: dict[str, Any] | None = None, **spec: Any) -> Plan:
    return plan_host_deletion(subject(KNOWN), host_spec(**spec), world(vm, **(around or {})))


def test_what_is_gone_is_released_unless_a_clone_may_still_become_it() -> None:
    gone = delete(None)
    perhaps = delete(None, around={"cloning": (MoRef("Task", "task-1"),)})

    assert gone.release is not None
    assert gone.release.reason is Reason.DELETED
    assert (perhaps.release, perhaps.actions) == (None, ())
    assert perhaps.verdict.again_after


@pytest.mark.parametrize(
    "vm",
    [
        ours(mark=""),
        ours(mark=marked(owner=STRANGER)),
        ours(instance_uuid=STRANGER),
        replace(ours(), detail=None),
    ],
)
def test_what_is_not_proven_ours_is_left_alone(vm: VirtualMachine) -> None:
    planned = delete(vm)

    assert planned.actions == ()
    assert planned.release is not None
    assert planned.release.reason is Reason.RELEASED_UNMARKED


def test_an_unreadable_vm_is_neither_released_nor_deleted() -> None:
    with pytest.raises(Blocked) as refused:
        delete(ours(config_available=False, connection_state="inaccessible"))

    assert refused.value.reason is Reason.INACCESSIBLE


def test_a_stopped_vm_is_destroyed_whatever_has_drifted() -> None:
    assert delete(ours(name="renamed", cpus=1)).actions == (Destroy(KNOWN),)


@pytest.mark.parametrize(
    ("vm", "asked", "action"),
    [
        (ours(power_state="poweredOn", tools_running=True), None, ShutdownGuest),
        (ours(power_state="poweredOn", tools_running=True), 10.0, None),
        (ours(power_state="poweredOn", tools_running=True), 300.0, PowerOff),
        (ours(power_state="poweredOn", tools_running=False), None, PowerOff),
        (ours(power_state="suspended"), None, PowerOff),
    ],
)
@pytest.mark.parametrize("policy", ["WhenPoweredOff", "Graceful", "Force"])
def test_deletion_is_consent_to_bring_the_guest_down(
    vm: VirtualMachine, asked: float | None, action: type | None, policy: str
) -> None:
    planned = delete(vm, around={"asked_ago": asked}, disruption__policy=policy)

    assert [type(one) for one in planned.actions] == ([] if action is None else [action])
    assert planned.verdict.situation is Situation.DELETING


def test_policy_never_keeps_what_runs() -> None:
    running = delete(ours(power_state="poweredOn"), disruption__policy="Never")
    stopped = delete(ours(), disruption__policy="Never")

    assert running.actions == ()
    assert running.verdict.situation is Situation.DELETION_BLOCKED
    assert stopped.actions == (Destroy(KNOWN),)


@pytest.mark.parametrize(
    ("spec", "adopted_before", "stays"),
    [({}, False, False), ({}, True, True), ({"deletionPolicy": "Delete"}, True, False)],
)
def test_what_stays_loses_only_its_mark_running_or_not(spec: dict[str, Any], adopted_before: bool, stays: bool) -> None:
    vm = ours(mark=marked(adopted=adopted_before))

    (action,) = delete(vm, **spec).actions

    assert isinstance(action, Reconfigure if stays else Destroy)
    if stays:
        running = delete(replace(vm, power_state="poweredOn"), **spec)
        assert reconfigured(running) == VirtualMachineSettings(mark="")
