"""Marks: what they say, what they prove, and what people wrote around them."""

import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nested_hyperv.domain.ownership import (
    BoundAdapter,
    Identity,
    Mark,
    Ownership,
    identify,
    parse_mark,
    port_group_text,
)
from nested_hyperv.domain.resource import ObjectKey

OWNER, LINEAGE = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))
KEY = ObjectKey("NestedPortGroup", "lab", "inner")

uuids = st.uuids().map(str)
modes = st.sampled_from([None, "MACLearning", "Promiscuous", "Disabled"])
port_group_marks = st.builds(Mark, owner=uuids, lineage=uuids, mode=modes, adopted=st.booleans())
bindings = st.dictionaries(
    st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True),
    st.builds(BoundAdapter, st.integers(4000, 4999), st.from_regex(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", fullmatch=True)),
    max_size=10,
)
machine_marks = st.builds(
    Mark,
    owner=uuids,
    lineage=uuids,
    adopted=st.booleans(),
    instance_uuid=uuids,
    adapters=st.none() | bindings,
)


@given(port_group_marks)
def test_a_mark_on_a_port_group_reads_back_as_it_was_written_and_is_short(mark: Mark) -> None:
    text = mark.for_port_group()

    assert parse_mark(text) == mark
    assert len(text) < 160


@given(machine_marks)
def test_a_mark_on_a_vm_reads_back_as_it_was_written(mark: Mark) -> None:
    assert parse_mark(mark.for_virtual_machine()) == mark


@given(st.text(max_size=60), port_group_marks)
def test_what_people_wrote_is_kept_when_a_mark_comes_and_goes(words: str, mark: Mark) -> None:
    marked = port_group_text(words, mark)

    assert parse_mark(marked) == mark
    assert port_group_text(marked, None) == words.strip()
    assert port_group_text(marked, mark) == marked, "written once and not once more"


@given(st.text(alphabet='{}[]:, "ab', max_size=20), port_group_marks)
def test_a_mark_behind_anything_that_people_wrote_still_counts(words: str, mark: Mark) -> None:
    assert parse_mark(f"{words} {mark.for_port_group()}") == mark


@pytest.mark.parametrize(
    "text",
    [
        "",
        "some port group",
        f"[nestedhv.io/owner={OWNER}]",
        f"[nestedhv.io/owner={OWNER[:-1]} lineage={LINEAGE}]",
        f"[nestedhv.io/owner={OWNER.upper().replace('0', 'G')} lineage={LINEAGE}]",
        f"nestedhv.io/owner={OWNER} lineage={LINEAGE}",
        "{",
        "{}",
        "[]",
        '{"owner": 1}',
        json.dumps({"owner": OWNER}),
        json.dumps({"owner": OWNER, "lineage": LINEAGE}),
        json.dumps({"owner": OWNER, "lineage": LINEAGE, "instanceUuid": OWNER, "adapters": [1, 2]}),
        json.dumps({"owner": OWNER, "lineage": LINEAGE, "instanceUuid": OWNER, "adapters": {"a": [1]}}),
        json.dumps({"owner": OWNER, "lineage": LINEAGE, "instanceUuid": OWNER, "adapters": {"a": ["x", "y"]}}),
    ],
)
def test_a_mark_that_somebody_edited_beyond_recognition_proves_nothing(text: str) -> None:
    assert parse_mark(text) is None
    assert Ownership.of(parse_mark(text), Identity(OWNER, LINEAGE)) is Ownership.UNMARKED


@pytest.mark.parametrize(
    ("mark", "proves"),
    [
        (None, Ownership.UNMARKED),
        (Mark(OWNER, LINEAGE), Ownership.OURS),
        (Mark(OWNER, "another lineage"), Ownership.OURS),
        (Mark("another owner", LINEAGE), Ownership.LINEAGE),
        (Mark("another owner", "another lineage"), Ownership.FOREIGN),
    ],
)
def test_only_the_owner_makes_an_object_ours(mark: Mark | None, proves: Ownership) -> None:
    assert Ownership.of(mark, Identity(OWNER, LINEAGE)) is proves


def test_an_identity_is_the_same_for_ever_and_another_for_each_cluster_and_object() -> None:
    ours = identify("cluster-1", KEY, "uid-1")

    assert identify("cluster-1", KEY, "uid-1") == ours
    assert identify("cluster-1", KEY, "uid-2").owner != ours.owner
    assert identify("cluster-2", KEY, "uid-1").owner != ours.owner
    assert uuid.UUID(ours.owner).version == 5


def test_a_lineage_outlives_the_object_and_its_cluster_but_not_its_name() -> None:
    ours = identify("cluster-1", KEY, "uid-1")

    assert identify("cluster-2", KEY, "uid-2").lineage == ours.lineage
    assert identify("cluster-1", KEY._replace(name="other"), "uid-1").lineage != ours.lineage
    assert identify("cluster-1", KEY._replace(namespace="other"), "uid-1").lineage != ours.lineage
    assert identify("cluster-1", KEY._replace(kind="NestedHyperVHost"), "uid-1").lineage != ours.lineage


def test_the_identity_of_a_sample_never_changes() -> None:
    """Marks in vSphere outlive every version of the operator."""
    assert identify("cluster-1", KEY, "uid-1") == Identity(
        owner="1cf520f0-0baa-5115-9316-8f1140698936", lineage="0b0fa4c0-7a82-5d0d-acf1-d0b2f826c74f"
    )
