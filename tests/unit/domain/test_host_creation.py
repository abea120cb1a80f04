"""What stands in the way of a clone, and what the one call carries."""

from dataclasses import replace
from typing import Any

import pytest

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.host.adapters import WantedAdapter
from nested_hyperv.domain.host.world import CreationWorld, Dependency
from nested_hyperv.domain.inventory import (
    MoRef,
    NetworkAdapterEdit,
)
from nested_hyperv.domain.ownership import Mark, parse_mark
from nested_hyperv.domain.plan import Clone, Plan
from nested_hyperv.domain.subject import Subject
from nested_hyperv.domain.verdict import Situation
from support import vsphere_records as samples
from support.host_plans import KNOWN, LAN, plan, refusal
from support.subjects import LINEAGE, OWNER, subject


def creation(**fields: Any) -> CreationWorld:
    sample = CreationWorld(
        placement=samples.placement("dc1", (samples.host().ref,)),
        template=samples.template(),
        template_path="/dc1/vm/ws2025",
        hosts=(samples.host(),),
        guest_ids=samples.GUEST_IDS,
        namesake=None,
        settled_for=10_000.0,
    )
    return replace(sample, **fields)


def create(
    spec: dict[str, Any] | None = None, by: Subject | None = None, around: dict[str, Any] | None = None, **found: Any
) -> Plan:
    return plan(None, by=by or subject(), around={"creation": creation(**found), **(around or {})}, **(spec or {}))


def test_a_clone_carries_identity_mark_hardware_and_networks_in_one_call() -> None:
    planned = create(around={"networks": (WantedAdapter("lan", LAN), WantedAdapter("wan", LAN))})

    (action,) = planned.actions
    assert isinstance(action, Clone)
    assert action.request.instance_uuid == OWNER
    assert action.request.name == "hv1"
    settings = action.request.settings
    assert parse_mark(settings.mark or "") == Mark(OWNER, LINEAGE, instance_uuid=OWNER)
    assert (settings.cpus, settings.memory_mib, settings.nested_hv) == (4, 8192, True)
    assert settings.guest_id == "windows2022srvNext_64Guest"
    assert settings.firmware is None, "what the template has is not sent"
    assert settings.adapters == (NetworkAdapterEdit(4000, LAN), NetworkAdapterEdit(None, LAN))


BLOCKED: list[Any] = [
    ({}, {"namesake": MoRef("VirtualMachine", "vm-9")}, Reason.NAME_TAKEN, "vm-9"),
    ({}, {"template": samples.template(config_available=False)}, Reason.TEMPLATE_UNUSABLE, "/dc1/vm/ws2025"),
    (
        {},
        {"template": samples.template(template=False, power_state="poweredOn")},
        Reason.TEMPLATE_UNUSABLE,
        "power it off",
    ),
    (
        {"hardware__firmware": "EFI"},
        {"template": samples.template(firmware="bios")},
        Reason.TEMPLATE_UNUSABLE,
        "hardware.firmware",
    ),
    ({"hardware__secureBoot": True}, {"template": samples.template(firmware="bios")}, Reason.TEMPLATE_UNUSABLE, "EFI"),
    ({}, {"guest_ids": frozenset({"otherGuest64"})}, Reason.GUEST_OS_NOT_OFFERED, "vmx-21"),
    ({}, {"hosts": ()}, Reason.HOST_UNAVAILABLE, "none"),
    ({}, {"hosts": (samples.host(maintenance=True),)}, Reason.HOST_UNAVAILABLE, "esx1"),
    ({}, {"hosts": (samples.host(connection_state="disconnected"),)}, Reason.HOST_UNAVAILABLE, "esx1"),
    ({}, {"hosts": (samples.host(nested_hv_supported=False),)}, Reason.NESTED_HV_NOT_SUPPORTED, "esx1"),
    ({}, {"hosts": (samples.host(nested_hv_supported=None),)}, Reason.NESTED_HV_NOT_SUPPORTED, "esx1"),
    ({}, {"template": samples.template(hardware_version="vmx-08")}, Reason.NESTED_HV_NOT_SUPPORTED, "vmx-08"),
]


@pytest.mark.parametrize(("spec", "found", "reason", "names"), BLOCKED)
def test_what_stands_in_the_way_of_a_clone_is_told_before_it_is_made(
    spec: dict[str, Any], found: dict[str, Any], reason: Reason, names: str
) -> None:
    with pytest.raises(Blocked) as refused:
        create(spec, **found)

    assert refused.value.reason is reason
    assert names in refused.value.message


def test_hosts_that_are_out_of_use_need_not_be_capable() -> None:
    found = (samples.host(), samples.host("esx2", maintenance=True, nested_hv_supported=False))

    assert create(hosts=found).actions


def test_without_nested_hv_any_host_will_do() -> None:
    assert create({"virtualization__nestedHV": False}, hosts=(samples.host(nested_hv_supported=False),)).actions


def test_a_powered_off_vm_will_do_as_a_template() -> None:
    assert create(template=samples.template(template=False)).actions


@pytest.mark.parametrize("scope", [("/dc1/vm",), ("/dc1/host",)])
def test_template_and_placement_both_have_to_be_in_scope(scope: tuple[str, ...]) -> None:
    with pytest.raises(Blocked) as refused:
        create(by=subject(scope=scope))

    assert refused.value.reason is Reason.OUT_OF_SCOPE


@pytest.mark.parametrize("by", [subject(), subject(KNOWN)], ids=["the first", "made anew"])
def test_while_a_clone_of_ours_may_be_running_none_is_made(by: Subject) -> None:
    around = {"creation": None, "cloning": (MoRef("Task", "task-1"),)}
    planned = create({"onExternalDelete": "Recreate"}, by=by, around=around)

    assert planned.actions == ()
    assert planned.verdict.situation is Situation.PROGRESSING
    assert planned.verdict.again_after


def test_a_network_that_is_not_ready_makes_the_clone_wait() -> None:
    planned = create(around={"dependencies": (Dependency("lan", "inner is not Ready"),)})

    assert planned.actions == ()
    assert planned.verdict.situation is Situation.DEPENDENCY


def test_a_deleted_vm_is_reported_and_its_template_not_even_looked_at() -> None:
    error = refusal(None, around={"creation": None})

    assert error.reason is Reason.MISSING
    assert "onExternalDelete: Recreate" in error.message


@pytest.mark.parametrize(
    ("found", "waits_for"),
    [
        ({"hosts": (samples.host(), samples.host("esx2", connection_state="notResponding"))}, "esx2"),
        ({"settled_for": 899.0}, "15 minutes"),
    ],
)
def test_a_deleted_vm_comes_back_only_when_it_cannot_be_merely_out_of_sight(
    found: dict[str, Any], waits_for: str
) -> None:
    recreate = {"onExternalDelete": "Recreate"}
    with pytest.raises(Blocked) as refused:
        create(recreate, by=subject(KNOWN), **found)
    assert refused.value.reason is Reason.MISSING
    assert waits_for in refused.value.message

    assert create(recreate, by=subject(KNOWN)).actions
    assert create(recreate, by=subject(), **{**found, "hosts": (samples.host(),)}).actions, "the first one never waits"
