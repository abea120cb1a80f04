"""A port group: what it shall be, how it differs, whose it is, and how it is let go."""

from dataclasses import replace
from typing import Any

import pytest

from nested_hyperv.api.common import DeletionPolicy
from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.portgroup import NestedPortGroupSpec, NestingMode
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.inventory import (
    Change,
    MacManagementPolicy,
    MoRef,
    PortGroup,
    PortGroupSettings,
    SecurityPolicy,
    Switch,
)
from nested_hyperv.domain.ownership import Mark, parse_mark
from nested_hyperv.domain.plan import CreatePortGroup, Destroy, Plan, ReconfigurePortGroup
from nested_hyperv.domain.portgroup.goal import goal_of
from nested_hyperv.domain.portgroup.plan import PortGroupWorld, plan_deletion, plan_port_group
from nested_hyperv.domain.portgroup.users import Users
from nested_hyperv.domain.subject import Subject
from nested_hyperv.domain.verdict import Situation
from support import vsphere_records as samples
from support.subjects import LINEAGE, OURS, OWNER, STRANGER, port_group_spec, subject

NEW, OLD = samples.switch(), samples.switch("6.5.0", learns=False)
LEGACY = SecurityPolicy(allow_promiscuous=True, mac_changes=False, forged_transmits=True)


def equal(spec: NestedPortGroupSpec, switch: Switch = NEW, **fields: Any) -> PortGroup:
    """The port group that this spec made on this switch, with fields changed behind our back."""
    goal = goal_of(spec, OURS, switch, None)
    return replace(samples.port_group("dvportgroup-1", settings=goal.creation()), **fields)


def plan(
    spec: NestedPortGroupSpec,
    actual: PortGroup | None,
    switch: Switch = NEW,
    by: Subject | None = None,
    namesake: PortGroup | None = None,
) -> Plan:
    return plan_port_group(by or subject(), spec, PortGroupWorld(switch, actual, namesake))


def written(planned: Plan) -> tuple[PortGroupSettings, tuple[Change, ...]]:
    (action,) = planned.actions
    assert isinstance(action, ReconfigurePortGroup)
    assert action.changes == planned.changes
    return action.settings, planned.changes


def refusal(spec: NestedPortGroupSpec, actual: PortGroup | None, **how: Any) -> Blocked:
    with pytest.raises(Blocked) as refused:
        plan(spec, actual, **how)
    return refused.value


# --- the goal ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "says", "learns"),
    [
        ("8.0.3", None, True),
        ("6.6.0", None, True),
        ("6.5.0", None, False),
        ("7.0", None, True),
        ("", None, False),
        ("8.0.3", False, False),  # the switch itself knows best
        ("6.5.0", True, True),
    ],
)
def test_auto_learns_where_the_switch_can_and_is_promiscuous_elsewhere(
    version: str, says: bool | None, learns: bool
) -> None:
    goal = goal_of(port_group_spec(), OURS, samples.switch(version, learns=says), None)

    assert goal.mode is (NestingMode.MAC_LEARNING if learns else NestingMode.PROMISCUOUS)
    assert goal.mark.mode == goal.mode.value
    assert (goal.mac_management is not None, goal.security is not None) == (learns, not learns)


@pytest.mark.parametrize(
    ("mode", "promiscuous", "forged", "learning"),
    [
        ("MACLearning", False, True, True),
        ("Promiscuous", True, True, False),
        ("Disabled", False, False, False),
    ],
)
def test_each_mode_writes_a_complete_policy_that_is_not_inherited(
    mode: str, promiscuous: bool, forged: bool, learning: bool
) -> None:
    policy = goal_of(port_group_spec(nesting__mode=mode), OURS, NEW, None).mac_management

    assert policy is not None
    assert (policy.allow_promiscuous, policy.forged_transmits, policy.mac_changes) == (promiscuous, forged, False)
    assert policy.learning.enabled is learning
    assert (policy.inherited, policy.learning.inherited) == (False, False)


def test_learning_has_the_documented_values_unless_the_spec_says_otherwise() -> None:
    plain = goal_of(port_group_spec(), OURS, NEW, None).mac_management
    tuned = goal_of(
        port_group_spec(nesting__macLearning={"limit": 64, "limitPolicy": "Allow", "allowUnicastFlooding": False}),
        OURS,
        NEW,
        None,
    ).mac_management

    assert plain == samples.mac_policy()
    assert tuned == samples.mac_policy(
        learning_limit=64, learning_limit_policy="allow", learning_allow_unicast_flooding=False
    )


def test_what_auto_became_is_kept_when_the_switch_is_upgraded() -> None:
    spec = port_group_spec()
    before = equal(spec, OLD, security=LEGACY)

    planned = plan(spec, before, NEW)

    # The live network stays promiscuous; only the way to write it is the new switch's.
    settings, _ = written(planned)
    assert settings.mac_management is not None
    assert settings.mac_management.allow_promiscuous
    assert planned.verdict.facts["mode"] is NestingMode.PROMISCUOUS
    assert settings.description is None


def test_an_explicit_mode_drops_what_auto_had_become_from_the_mark() -> None:
    before = equal(port_group_spec())

    settings, changes = written(plan(port_group_spec(nesting__mode="MACLearning"), before))

    assert [change.field for change in changes] == ["mark"]
    assert settings == PortGroupSettings(description=Mark(OWNER, LINEAGE).for_port_group())


def test_a_mode_that_nobody_knows_is_resolved_again() -> None:
    spec = port_group_spec()
    strange = Mark(OWNER, LINEAGE, mode="Quantum").for_port_group()

    settings, _ = written(plan(spec, equal(spec, description=strange)))

    assert parse_mark(settings.description or "") == Mark(OWNER, LINEAGE, mode="MACLearning")


def test_learning_on_an_old_switch_is_refused_with_version_and_cure() -> None:
    error = refusal(port_group_spec(nesting__mode="MACLearning"), None, switch=OLD)

    assert error.reason is Reason.MAC_LEARNING_NOT_SUPPORTED
    for word in ("dvs-lab", "6.5.0", "6.6.0", "nesting.mode: Promiscuous"):
        assert word in error.message


def test_a_creation_carries_everything_in_one_call() -> None:
    planned = plan(port_group_spec(vlan={"id": 120}), None)

    (action,) = planned.actions
    assert isinstance(action, CreatePortGroup)
    assert action.settings == PortGroupSettings(
        name="inner",
        description=Mark(OWNER, LINEAGE, mode="MACLearning").for_port_group(),
        vlan=120,
        mac_management=samples.mac_policy(),
    )


# --- differences ------------------------------------------------------------------------------------------------------


def test_an_equal_port_group_is_ready_and_leaves_nothing_to_do() -> None:
    planned = plan(port_group_spec(vlan={"id": 120}), equal(port_group_spec(vlan={"id": 120})))

    assert (planned.actions, planned.changes) == ((), ())
    assert planned.verdict.situation is Situation.READY
    assert planned.verdict.network is not None
    assert planned.verdict.network.ready


@pytest.mark.parametrize(
    ("drift", "change"),
    [
        ({"learning_enabled": False}, Change("macLearning", "false", "true")),
        ({"allow_promiscuous": True}, Change("promiscuous", "true", "false")),
        ({"forged_transmits": False}, Change("forgedTransmits", "false", "true")),
        ({"mac_changes": True}, Change("macChanges", "true", "false")),
        ({"inherited": True}, Change("inherited", "true", "false")),
        ({"learning_limit": 10}, Change("macLearning.limit", "10", "4096")),
        ({"learning_limit_policy": "allow"}, Change("macLearning.limitPolicy", "allow", "drop")),
        ({"learning_allow_unicast_flooding": False}, Change("macLearning.allowUnicastFlooding", "false", "true")),
    ],
)
def test_each_drifted_field_of_the_policy_is_named_and_ended_by_the_complete_block(
    drift: dict[str, Any], change: Change
) -> None:
    spec = port_group_spec()

    settings, changes = written(plan(spec, equal(spec, mac_management=samples.mac_policy(**drift))))

    assert changes == (change,)
    assert settings == PortGroupSettings(mac_management=samples.mac_policy())


@pytest.mark.parametrize(
    ("drift", "change", "settings"),
    [
        ({"name": "renamed"}, Change("name", "renamed", "inner"), PortGroupSettings(name="inner")),
        ({"vlan": 7}, Change("vlan", "7", "none"), PortGroupSettings(vlan=0)),
        ({"vlan": None}, Change("vlan", "unknown", "none"), PortGroupSettings(vlan=0)),
    ],
)
def test_each_other_drifted_field_is_written_alone(
    drift: dict[str, Any], change: Change, settings: PortGroupSettings
) -> None:
    spec = port_group_spec()

    assert written(plan(spec, equal(spec, **drift))) == (settings, (change,))


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("allow_promiscuous", Change("promiscuous", "false", "true")),
        ("forged_transmits", Change("forgedTransmits", "false", "true")),
        ("mac_changes", Change("macChanges", "true", "false")),
        ("inherited_fields", Change("inherited", "true", "false")),
    ],
)
def test_on_an_old_switch_only_the_legacy_block_counts(field: str, change: Change) -> None:
    spec = port_group_spec()
    drift: dict[str, Any] = {field: ("macChanges",) if field == "inherited_fields" else not getattr(LEGACY, field)}
    drifted = replace(LEGACY, **drift)

    settings, changes = written(plan(spec, equal(spec, OLD, security=drifted), OLD))

    assert changes == (change,)
    assert settings == PortGroupSettings(security=LEGACY)


def test_a_legacy_block_that_disagrees_is_shown_and_never_a_reason_to_write() -> None:
    spec = port_group_spec()

    planned = plan(spec, equal(spec, security=LEGACY))

    assert planned.actions == ()
    assert planned.verdict.facts["observed"].legacy_promiscuous is True
    assert planned.verdict.facts["observed"].promiscuous is False


def test_with_learning_off_its_details_are_nobodys_drift() -> None:
    spec = port_group_spec(nesting__mode="Disabled")
    policy = goal_of(spec, OURS, NEW, None).mac_management
    assert policy is not None
    other = replace(policy, learning=replace(policy.learning, limit=1, limit_policy="allow"))

    assert plan(spec, equal(spec, mac_management=other)).actions == ()


def test_a_policy_that_vsphere_does_not_show_is_written() -> None:
    spec = port_group_spec()

    settings, changes = written(plan(spec, equal(spec, mac_management=None)))

    assert settings.mac_management == samples.mac_policy()
    assert {change.old for change in changes} == {"unset"}


def test_limit_policies_are_equal_whatever_their_case() -> None:
    spec = port_group_spec()

    assert plan(spec, equal(spec, mac_management=samples.mac_policy(learning_limit_policy="DROP"))).actions == ()


def test_words_beside_the_mark_are_not_drift_and_survive_a_new_mark() -> None:
    spec = port_group_spec()
    described = f"Room 4. {Mark(OWNER, LINEAGE, mode='MACLearning').for_port_group()} Ask Anna."
    assert plan(spec, equal(spec, description=described)).actions == ()

    settings, _ = written(plan(port_group_spec(nesting__mode="Disabled"), equal(spec, description=described)))

    assert settings.description is not None
    assert "Room 4." in settings.description
    assert "Ask Anna." in settings.description


def test_a_disabled_port_group_is_ready_and_says_that_inner_machines_are_cut_off() -> None:
    spec = port_group_spec(nesting__mode="Disabled")

    verdict = plan(spec, equal(spec)).verdict

    assert verdict.situation is Situation.READY
    assert verdict.network is not None
    assert not verdict.network.ready


# --- whose it is ------------------------------------------------------------------------------------------------------


def test_a_switch_outside_the_scope_is_refused() -> None:
    assert refusal(port_group_spec(), None, by=subject(scope=("/dc2",))).reason is Reason.OUT_OF_SCOPE


@pytest.mark.parametrize(
    ("description", "reason"),
    [
        ("", Reason.OWNERSHIP_LOST),
        ("[nestedhv.io/owner=broken]", Reason.OWNERSHIP_LOST),
        (Mark(STRANGER, STRANGER).for_port_group(), Reason.CONFLICT),
        (Mark(STRANGER, LINEAGE).for_port_group(), Reason.CONFLICT),
    ],
)
def test_what_is_not_ours_is_refused_with_the_cure(description: str, reason: Reason) -> None:
    spec = port_group_spec()

    error = refusal(spec, equal(spec, description=description, vlan=99))

    assert error.reason is reason
    assert "dvportgroup-1" in error.message
    assert "nestedhv.io/adopt" in error.message


@pytest.mark.parametrize(
    ("description", "says", "by_policy"),
    [
        ("", "does not carry the mark", True),
        (Mark(STRANGER, STRANGER).for_port_group(), f"this cluster does not have ({STRANGER})", False),
        (Mark(STRANGER, LINEAGE).for_port_group(), "Take it back", False),
    ],
    ids=["nobody's", "another cluster's", "an earlier resource's"],
)
def test_a_name_that_is_held_is_refused_with_whose_it_is_and_what_helps(
    description: str, says: str, *, by_policy: bool
) -> None:
    held = samples.port_group("dvportgroup-7", description=description)
    for policy in ("Never", "Adopt") if not by_policy else ("Never",):
        error = refusal(port_group_spec(adoptionPolicy=policy), None, namesake=held)

        assert error.reason is Reason.NAME_TAKEN
        assert says in error.message
        assert "nestedhv.io/adopt: dvportgroup-7" in error.message
        assert ("adoptionPolicy" in error.message) is by_policy, "it takes nothing that is marked"


def test_a_known_object_that_is_gone_comes_back_unless_the_spec_wants_a_report() -> None:
    known = subject(MoRef("DistributedVirtualPortgroup", "dvportgroup-1"))

    assert isinstance(plan(port_group_spec(), None, by=known).actions[0], CreatePortGroup)
    error = refusal(port_group_spec(onExternalDelete="Report"), None, by=known)
    assert error.reason is Reason.MISSING
    assert plan(port_group_spec(onExternalDelete="Report"), None).actions, "the first time it is created"


def test_lineage_may_be_retaken_when_the_annotation_names_it_and_keeps_its_memory() -> None:
    spec = port_group_spec()
    theirs = Mark(STRANGER, LINEAGE, mode="Promiscuous", adopted=True).for_port_group()

    planned = plan(spec, equal(spec, description=theirs), by=subject(adopt="dvportgroup-1"))

    settings, _ = written(planned)
    assert parse_mark(settings.description or "") == Mark(OWNER, LINEAGE, mode="Promiscuous", adopted=True)
    assert planned.verdict.facts["deletion_policy"] is DeletionPolicy.RETAIN


@pytest.mark.parametrize("description", ["", Mark(STRANGER, STRANGER, mode="Promiscuous").for_port_group()])
def test_a_strangers_object_needs_permission_and_stays_a_loan(description: str) -> None:
    spec = port_group_spec()
    theirs = equal(spec, description=description)

    error = refusal(spec, theirs, by=subject(adopt="dvportgroup-1"))
    planned = plan(spec, theirs, by=subject(adopt="dvportgroup-1", allow=True))

    assert error.reason is Reason.ADOPTION_NOT_ALLOWED
    settings, _ = written(planned)
    assert parse_mark(settings.description or "") == Mark(OWNER, LINEAGE, mode="MACLearning", adopted=True)
    assert planned.verdict.facts["deletion_policy"] is DeletionPolicy.RETAIN


def test_an_annotation_that_names_another_object_permits_nothing() -> None:
    spec = port_group_spec()

    error = refusal(spec, equal(spec, description=""), by=subject(adopt="dvportgroup-2", allow=True))

    assert error.reason is Reason.OWNERSHIP_LOST
    assert "part in brackets" in error.message, "what brings it back"
    assert "the connection has to allow adoption" in error.message, "what the annotation needs"


@pytest.mark.parametrize(
    ("fields", "reason"), [({"nsx": True}, Reason.NSX_MANAGED), ({"uplink": True}, Reason.CONFLICT)]
)
def test_what_belongs_to_nsx_or_carries_uplinks_is_never_adopted(fields: dict[str, Any], reason: Reason) -> None:
    spec = port_group_spec()
    theirs = equal(spec, description="", **fields)

    assert refusal(spec, theirs, by=subject(adopt="dvportgroup-1", allow=True)).reason is reason


# --- letting go -------------------------------------------------------------------------------------------------------


def delete(spec: NestedPortGroupSpec, actual: PortGroup | None, **world: Any) -> Plan:
    return plan_deletion(subject(), spec, PortGroupWorld(NEW, actual, **world))


def test_what_is_gone_is_released() -> None:
    planned = delete(port_group_spec(), None)

    assert planned.actions == ()
    assert planned.release is not None
    assert planned.release.reason is Reason.DELETED


@pytest.mark.parametrize("description", ["", Mark(STRANGER, LINEAGE).for_port_group()])
def test_what_does_not_carry_our_mark_is_left_alone(description: str) -> None:
    spec = port_group_spec()

    planned = delete(spec, equal(spec, description=description))

    assert planned.actions == ()
    assert planned.release is not None
    assert planned.release.reason is Reason.RELEASED_UNMARKED


def test_other_drift_never_blocks_a_deletion() -> None:
    spec = port_group_spec()

    assert delete(spec, equal(spec, name="renamed", vlan=9)).actions == (
        Destroy(MoRef("DistributedVirtualPortgroup", "dvportgroup-1")),
    )


@pytest.mark.parametrize(
    ("policy", "adopted", "stays"),
    [(None, False, False), (None, True, True), ("Delete", True, False), ("Retain", False, True)],
)
def test_what_was_adopted_stays_by_default_and_what_we_made_goes(
    policy: str | None, adopted: bool, stays: bool
) -> None:
    spec = port_group_spec(**({} if policy is None else {"deletionPolicy": policy}))
    marked = Mark(OWNER, LINEAGE, adopted=adopted).for_port_group()

    (action,) = delete(spec, equal(spec, description=f"Ask Anna. {marked}")).actions

    if stays:
        assert isinstance(action, ReconfigurePortGroup)
        assert action.settings == PortGroupSettings(description="Ask Anna.")
    else:
        assert isinstance(action, Destroy)


def test_a_port_group_that_stays_tells_whose_it_was() -> None:
    spec = port_group_spec(deletionPolicy="Retain")

    (action,) = delete(spec, equal(spec)).actions

    assert isinstance(action, ReconfigurePortGroup)
    assert action.settings == PortGroupSettings(description="Left here by NestedPortGroup lab/inner.")


def test_whoever_is_attached_blocks_it_by_name() -> None:
    spec = port_group_spec()
    ours, theirs = MoRef("VirtualMachine", "vm-1"), MoRef("VirtualMachine", "vm-2")

    lab = delete(spec, equal(spec), users=Users({ours: "hv1"}, frozenset({ours})))
    strangers = delete(spec, equal(spec), users=Users({ours: "hv1", theirs: "sql"}, frozenset({ours})))

    for planned in (lab, strangers):
        assert planned.actions == ()
        assert planned.verdict.situation is Situation.DELETION_BLOCKED
    assert "hv1" in lab.verdict.message
    assert "of this lab" in lab.verdict.message
    assert "sql" in strangers.verdict.message
    assert "Retain" in strangers.verdict.message


def test_a_crowd_is_cut_short() -> None:
    spec = port_group_spec()
    users = {MoRef("VirtualMachine", f"vm-{n}"): f"sql{n:02}" for n in range(25)}

    message = delete(spec, equal(spec), users=Users(users)).verdict.message

    assert "sql09" in message
    assert "sql10" not in message
    assert "15 more" in message


def test_the_policy_of_a_goal_is_what_a_record_of_it_shows() -> None:
    """Guards the other tests: a sample that differs from what the operator writes would hide a drift."""
    goal = goal_of(port_group_spec(), OURS, NEW, None)

    assert isinstance(goal.mac_management, MacManagementPolicy)
    assert equal(port_group_spec()).mac_management == goal.mac_management
