"""What a user reads when a document is refused, and what the models promise to their readers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from nested_hyperv.api.common import Condition, wire_name
from nested_hyperv.api.conditions import ConditionType, Reason
from nested_hyperv.api.host import parse_host
from nested_hyperv.api.parsing import InvalidSpec
from nested_hyperv.api.portgroup import MacLearning, NestedPortGroupStatus, NestingMode, parse_port_group
from support.documents import BASE, NHV, NPG, changed


def test_all_mistakes_are_reported_at_once() -> None:
    wrong = changed(BASE[NHV], {"guestOS": "Windows11", "hardware.cpus": 1, "powerState": "Paused", "disks": []})
    with pytest.raises(InvalidSpec) as refused:
        parse_host(wrong, name="hv1")
    assert {problem.field for problem in refused.value.problems} == {
        "spec.guestOS",
        "spec.hardware.cpus",
        "spec.powerState",
        "spec.disks",
    }
    assert refused.value.reason is Reason.INVALID_SPEC


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"hardware.cpus": 1}, ["spec.hardware.cpus", "got 1", "2 to 768"]),
        ({"guestOS": "Windows11"}, ["spec.guestOS", "'Windows11'", "'WindowsServer2025'", "'Windows10'"]),
        ({"powerState": True}, ["spec.powerState", "boolean", "'On' or 'Off'", "in quotes"]),
        ({"suspend": "yes"}, ["spec.suspend", "'yes'", "valid boolean", "true: touch nothing"]),
        ({"hardware.memory": 4}, ["spec.hardware.memory", "did you mean memoryMiB", "cpus, firmware"]),
        ({"placement.datastore": ""}, ["spec.placement.datastore", "got ''", "at least 1 character", "Datastore"]),
        ({"networks": [{"name": "a"}]}, ["spec.networks[0]", "exactly one of portGroupRef and network"]),
    ],
)
def test_refusal_names_field_given_allowed_and_cure(change: dict[str, object], parts: list[str]) -> None:
    with pytest.raises(InvalidSpec) as refused:
        parse_host(changed(BASE[NHV], change), name="hv1")
    for part in parts:
        assert part in str(refused.value)


def test_long_value_is_not_repeated_in_full() -> None:
    with pytest.raises(InvalidSpec) as refused:
        parse_port_group(changed(BASE[NPG], {"name": "x" * 5000}), name="a")
    assert len(str(refused.value)) < 500


def test_name_comes_from_metadata_unless_the_spec_has_one() -> None:
    assert parse_port_group(BASE[NPG], name="from-metadata").name == "from-metadata"
    assert parse_port_group(changed(BASE[NPG], {"name": "Lab"}), name="from-metadata").name == "Lab"


def test_learning_details_have_defaults_without_being_declared() -> None:
    spec = parse_port_group(BASE[NPG], name="a")
    assert spec.nesting.mode is NestingMode.AUTO
    assert spec.nesting.mac_learning is None
    assert spec.nesting.learning == MacLearning(limit=4096)


def test_parsed_spec_cannot_be_changed() -> None:
    spec = parse_port_group(BASE[NPG], name="a")
    with pytest.raises(ValidationError, match="frozen"):
        spec.name = "b"  # type: ignore[misc]
    assert hash(spec) == hash(parse_port_group(BASE[NPG], name="a"))


@pytest.mark.parametrize(
    ("attribute", "wire"),
    [
        ("memory_mib", "memoryMiB"),
        ("nested_hv", "nestedHV"),
        ("guest_os", "guestOS"),
        ("vcenter", "vCenter"),
        ("mo_ref", "moRef"),
        ("instance_uuid", "instanceUuid"),
        ("from_", "from"),
        ("last_handled_reconcile_at", "lastHandledReconcileAt"),
        ("needs_power_off", "needsPowerOff"),
    ],
)
def test_wire_names(attribute: str, wire: str) -> None:
    assert wire_name(attribute) == wire


def test_status_has_no_empty_fields_and_whole_seconds_in_utc() -> None:
    moment = datetime(2026, 1, 2, 5, 4, 5, 678901, tzinfo=timezone(timedelta(hours=2)))
    ready = Condition(
        type=ConditionType.READY, status="True", reason=Reason.SUCCEEDED, message="", last_transition_time=moment
    )
    status = NestedPortGroupStatus(observed_generation=3, conditions=(ready,), vcenter="uuid", drifted=0)
    wire = status.to_wire()
    assert wire == {
        "observedGeneration": 3,
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "Succeeded",
                "message": "",
                "lastTransitionTime": "2026-01-02T03:04:05Z",
            }
        ],
        "vCenter": "uuid",
        "drifted": 0,
    }
    assert NestedPortGroupStatus.model_validate(json.loads(json.dumps(wire))) == status


def test_moment_without_time_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="time zone"):
        Condition(
            type="Ready",
            status="True",
            reason="x",
            message="",
            last_transition_time=datetime(2026, 1, 2, tzinfo=UTC).replace(tzinfo=None),
        )


def test_status_of_a_newer_operator_is_read_and_what_is_unknown_left_out() -> None:
    status = NestedPortGroupStatus.model_validate({"observedGeneration": 1, "hosts": [], "mode": "Promiscuous"})
    assert status.mode is NestingMode.PROMISCUOUS


def test_every_condition_and_reason_is_explained_by_a_sentence_of_its_own() -> None:
    for members in (ConditionType, Reason):
        docs = [member.doc for member in members]
        assert all(doc.endswith(".") for doc in docs)
        assert len(set(docs)) == len(docs)
        assert all(member.value == str(member) and member.value[0].isupper() for member in members)
