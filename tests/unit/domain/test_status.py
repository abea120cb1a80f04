"""The status table: what the conditions say together in each situation, and that they say it once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nested_hyperv.api.conditions import ConditionType, Reason
from nested_hyperv.api.portgroup import NestedPortGroupStatus
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.status import next_status
from nested_hyperv.domain.verdict import Network, Situation, Verdict

START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
FRESH = NestedPortGroupStatus(observed_generation=-1)
OPEN = Network(ready=True, reason=Reason.SUCCEEDED, message="")
READY = Verdict(Situation.READY, Reason.SUCCEEDED, network=OPEN, synced=True)
WRITING = Verdict(Situation.PROGRESSING, Reason.PROGRESSING, "Writing.", synced=False)
AWAY = Verdict(Situation.UNREACHABLE, Reason.VCENTER_UNREACHABLE, "No answer.")


def after(*verdicts: Verdict, generation: int = 1, before: NestedPortGroupStatus = FRESH) -> NestedPortGroupStatus:
    """The status after these passes, a minute apart."""
    for number, verdict in enumerate(verdicts):
        before = next_status(before, verdict, generation=generation, now=START + timedelta(minutes=number))
    return before


def says(status: NestedPortGroupStatus) -> dict[str, tuple[str, str]]:
    return {condition.type: (condition.status, condition.reason) for condition in status.conditions}


def shown(status: NestedPortGroupStatus, kind: ConditionType) -> Any:  # noqa: ANN401 - a condition or nothing
    return next((condition for condition in status.conditions if condition.type == kind.value), None)


def stalled(reason: Reason) -> Verdict:
    return Verdict.stalled(Blocked(reason, "Do something."))


# One row each: the last verdict (all follow a pass that was Ready), then Ready, Reconciling, Stalled.
TABLE: list[Any] = [
    ("equal to the spec", READY, ("True", "Succeeded"), False, False),
    ("creating, applying, waiting", WRITING, ("False", "Progressing"), True, False),
    (
        "waits for power-off",
        Verdict(Situation.POWER_OFF_REQUIRED, Reason.POWER_OFF_REQUIRED, "cpus", synced=False),
        ("False", "PowerOffRequired"),
        False,
        False,
    ),
    (
        "dependency not ready",
        Verdict(Situation.DEPENDENCY, Reason.DEPENDENCY_NOT_READY, "inner"),
        ("False", "DependencyNotReady"),
        True,
        False,
    ),
    ("a prerequisite is not met", stalled(Reason.PERMISSION_DENIED), ("False", "PermissionDenied"), False, True),
    ("deleted behind our back", stalled(Reason.MISSING), ("False", "Missing"), False, True),
    ("somebody keeps reverting us", stalled(Reason.CONTESTED), ("False", "Contested"), False, True),
    ("Observe: equal", replace(READY, reason=Reason.OBSERVED), ("True", "Observed"), False, False),
    (
        "Observe: different",
        Verdict(Situation.WOULD_CHANGE, Reason.WOULD_CHANGE, "vlan", synced=False),
        ("False", "WouldChange"),
        False,
        False,
    ),
    ("vCenter unreachable, generation seen before", AWAY, ("True", "Succeeded"), False, False),
    ("suspended", Verdict(Situation.SUSPENDED, Reason.SUSPENDED), ("True", "Succeeded"), False, False),
    ("deleting", Verdict(Situation.DELETING, Reason.DELETING, "Tearing down."), ("False", "Deleting"), True, False),
    (
        "cannot be deleted",
        Verdict(Situation.DELETION_BLOCKED, Reason.DELETION_BLOCKED, "in use"),
        ("False", "DeletionBlocked"),
        True,
        False,
    ),
]


@pytest.mark.parametrize(
    ("verdict", "ready", "reconciling", "is_stalled"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_each_row_of_the_status_table(
    verdict: Verdict, ready: tuple[str, str], reconciling: bool, is_stalled: bool
) -> None:
    found = says(after(READY, verdict))

    assert found["Ready"] == ready
    assert found.get("Reconciling") == (("True", ready[1]) if reconciling else None)
    assert found.get("Stalled") == (("True", ready[1]) if is_stalled else None)
    assert {"VCenterReachable", "PrerequisitesMet", "Synced", "NetworkReady"} <= set(found)
    assert ("PowerOffRequired" in found) == (verdict.situation is Situation.POWER_OFF_REQUIRED)


def test_every_situation_has_a_row() -> None:
    assert {row[1].situation for row in TABLE} == set(Situation)


def test_a_new_generation_of_an_unreachable_object_is_unknown_and_not_observed() -> None:
    status = after(AWAY, generation=2, before=after(READY))

    assert says(status)["Ready"] == ("Unknown", "VCenterUnreachable")
    assert says(status)["Reconciling"] == ("True", "VCenterUnreachable")
    assert says(status)["VCenterReachable"] == ("False", "VCenterUnreachable")
    assert status.observed_generation == 1


def test_a_new_generation_that_comes_while_unreachable_is_not_stalled_any_more() -> None:
    before = after(stalled(Reason.NAME_TAKEN))

    status = after(AWAY, generation=2, before=before)

    assert "Stalled" not in says(status)
    assert says(status)["Ready"] == ("Unknown", "VCenterUnreachable")


def test_a_fresh_object_without_its_vcenter_has_every_condition() -> None:
    found = says(after(AWAY))

    assert {"Ready", "VCenterReachable", "PrerequisitesMet", "Synced", "NetworkReady"} <= set(found)
    assert found["Ready"] == ("Unknown", "VCenterUnreachable")


def test_a_fresh_suspended_object_is_unknown() -> None:
    status = after(Verdict(Situation.SUSPENDED, Reason.SUSPENDED, "spec.suspend is true."))

    assert says(status)["Ready"] == ("Unknown", "Suspended")


def test_suspending_changes_nothing_not_even_the_generation_that_was_seen() -> None:
    before = after(READY)

    assert after(Verdict(Situation.SUSPENDED, Reason.SUSPENDED), generation=2, before=before) == before


def test_the_generation_of_a_pass_is_the_one_that_was_looked_at() -> None:
    status = after(WRITING, generation=7)

    assert status.observed_generation == 7
    assert {condition.observed_generation for condition in status.conditions} == {7}


CONNECTION = [
    Reason.CONNECTION_NOT_FOUND,
    Reason.CONNECTION_INVALID,
    Reason.CONNECTION_TERMINATING,
    Reason.CONNECTION_NOT_ALLOWED,
    Reason.AUTHENTICATION_FAILED,
    Reason.CERTIFICATE_NOT_VERIFIED,
]


@pytest.mark.parametrize("reason", CONNECTION)
def test_a_connection_that_cannot_be_used_says_nothing_of_the_object_behind_it(reason: Reason) -> None:
    found = says(after(READY, stalled(reason)))

    assert found["VCenterReachable"] == ("False", reason.value)
    assert found["PrerequisitesMet"] == found["Synced"] == found["NetworkReady"] == ("True", "Succeeded")


@pytest.mark.parametrize("reason", [Reason.NOT_FOUND, Reason.NESTED_HV_NOT_SUPPORTED, Reason.NAME_TAKEN])
def test_a_prerequisite_is_told_as_such_until_work_goes_on(reason: Reason) -> None:
    blocked = after(stalled(reason))
    going_on = after(WRITING, before=blocked)

    assert says(blocked)["PrerequisitesMet"] == ("False", reason.value)
    assert says(blocked)["VCenterReachable"] == ("True", "Succeeded")
    assert says(going_on)["PrerequisitesMet"] == ("True", "Succeeded")


@pytest.mark.parametrize("reason", [Reason.MISSING, Reason.CONTESTED, Reason.NOT_APPLIED])
def test_what_is_gone_or_fought_over_is_not_synced_although_nothing_is_missing_for_it(reason: Reason) -> None:
    found = says(after(READY, stalled(reason)))

    assert found["PrerequisitesMet"] == ("True", "Succeeded")
    assert found["Synced"] == ("False", reason.value)


def test_what_was_under_way_when_it_stalled_is_under_way_no_more() -> None:
    assert says(after(WRITING, stalled(Reason.PERMISSION_DENIED)))["Synced"] == ("False", "PermissionDenied")
    assert says(after(WRITING, stalled(Reason.CONNECTION_INVALID)))["Synced"] == ("False", "Progressing")


@pytest.mark.parametrize("blocked", [False, True])
def test_an_unreadable_spec_says_nothing_of_the_vcenter(blocked: bool) -> None:
    unseen = stalled(Reason.INVALID_SPEC)
    if blocked:
        unseen = Verdict(
            Situation.DELETION_BLOCKED, Reason.DELETION_BLOCKED, "Correct the spec.", cause=Reason.INVALID_SPEC
        )

    assert says(after(AWAY, unseen))["VCenterReachable"] == ("False", "VCenterUnreachable")
    assert says(after(READY, unseen))["VCenterReachable"] == ("True", "Succeeded")


def test_a_deletion_that_waits_for_its_vcenter_says_that_it_is_away() -> None:
    waiting = Verdict(
        Situation.DELETION_BLOCKED, Reason.DELETION_BLOCKED, "No answer.", cause=Reason.VCENTER_UNREACHABLE
    )

    assert says(after(READY, waiting))["VCenterReachable"] == ("False", "DeletionBlocked")


def test_a_warning_about_a_connection_that_works_stands_where_the_connection_is_told_of() -> None:
    status = after(replace(READY, notes=("the certificate is not verified",)))

    assert "not verified" in shown(status, ConditionType.VCENTER_REACHABLE).message
    assert says(status)["VCenterReachable"] == ("True", "Succeeded")


def test_a_transition_is_a_change_of_status_and_not_of_words() -> None:
    first = after(WRITING)
    words = after(WRITING, replace(WRITING, message="Still writing."))
    done = after(WRITING, READY)

    assert shown(words, ConditionType.READY).last_transition_time == START
    assert shown(words, ConditionType.READY).message == "Still writing."
    assert shown(done, ConditionType.READY).last_transition_time == START + timedelta(minutes=1)
    assert shown(first, ConditionType.READY).last_transition_time == START


def test_what_a_pass_did_not_learn_keeps_its_last_value_and_none_clears_it() -> None:
    before = after(replace(READY, facts={"mo_ref": "dvportgroup-1", "switch": "dvs"}))

    after_move = after(replace(READY, facts={"mo_ref": None}), before=before)

    assert (after_move.mo_ref, after_move.switch) == (None, "dvs")


def test_status_goes_over_the_wire_and_back_without_a_change() -> None:
    status = after(READY, stalled(Reason.NAME_TAKEN), WRITING)

    assert NestedPortGroupStatus.model_validate(status.to_wire()) == status


verdicts = st.builds(
    Verdict,
    situation=st.sampled_from(Situation),
    reason=st.sampled_from(Reason),
    message=st.text(max_size=5),
    facts=st.dictionaries(st.sampled_from(["mo_ref", "name", "vlan"]), st.none() | st.text(max_size=3)),
    network=st.none() | st.builds(Network, st.booleans(), st.sampled_from(Reason), st.text(max_size=3)),
    synced=st.none() | st.booleans(),
    cause=st.none() | st.sampled_from(Reason),
)


@given(st.lists(verdicts, max_size=4), verdicts, st.integers(1, 3))
def test_the_same_verdict_twice_changes_nothing(history: list[Verdict], verdict: Verdict, generation: int) -> None:
    """Else every pass over a quiet object would be a write."""
    once = after(*history, verdict, generation=generation)

    assert next_status(once, verdict, generation=generation, now=START + timedelta(days=1)) == once


@given(st.lists(verdicts, min_size=1, max_size=5), st.integers(1, 3))
def test_whatever_happens_the_conditions_obey_the_conventions(history: list[Verdict], generation: int) -> None:
    status = after(*history, generation=generation)
    found = says(status)

    kinds = [condition.type for condition in status.conditions]
    assert len(kinds) == len(set(kinds))
    assert "Ready" in found
    for present_while_true in ("Reconciling", "Stalled", "PowerOffRequired"):
        assert found.get(present_while_true, ("True", ""))[0] == "True"
    assert not {"Reconciling", "Stalled"} <= set(found), "kstatus has no word for both"
    assert all(condition.reason for condition in status.conditions)
    assert all(condition.last_transition_time >= START for condition in status.conditions)
