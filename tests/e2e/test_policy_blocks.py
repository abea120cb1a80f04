"""A distributed port group shows its policy twice, and the two need not agree: one block decides, both are reported.

vSphere mirrors one in the other when either is written (docs/twin.md), so no call makes a port group whose blocks
differ: here it is made past the rules, by the back door of the twin. Whether a real vCenter has such is not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from bed.kube_lab import KubeLab
    from bed.kube_object import KubeObject, Snapshot
    from bed.stranger import Stranger

LEGACY = "config.defaultPortConfig.securityPolicy"
MAC = "config.defaultPortConfig.macManagementPolicy"
#: The opposite of what is declared and mirrored, in every flag.
OPPOSITE = {
    f"{LEGACY}.allowPromiscuous.value": True,
    f"{LEGACY}.forgedTransmits.value": False,
    f"{LEGACY}.macChanges.value": True,
}
#: The columns without prefix that the block in charge tells.
DECIDED = ("promiscuous", "forgedTransmits", "macChanges", "inherited")
REPORTED = {"legacyPromiscuous": True, "legacyForgedTransmits": False, "legacyMacChanges": True}


def shows(**expected: object) -> Callable[[Snapshot], bool]:
    """Whether `status.observed` has these values."""
    return lambda now: {name: now.status["observed"].get(name) for name in expected} == expected


def looked_again(group: KubeObject) -> Snapshot:
    """The port group after another pass over what vSphere has."""
    again = group.read().metadata["resourceVersion"]
    group.annotate(reconcile_requested_at=again)
    return group.wait(lambda now: now.status.get("lastHandledReconcileAt") == again, "another pass")


def test_a_legacy_block_that_disagrees_is_reported_and_never_a_reason_to_write(lab: KubeLab) -> None:
    inner = lab.port_group("inner")
    before = inner.wait_ready()
    lab.calls.mark()

    lab.twin.control.drift(inner.mo_ref, set=OPPOSITE)

    inner.wait(shows(**REPORTED), "the disagreement to be reported")
    seen = looked_again(inner)
    assert seen.status["observed"] == {**before.status["observed"], **REPORTED}
    assert seen.ready
    assert seen.condition("NetworkReady").status == "True", "macManagementPolicy decides whether frames pass"
    assert [name for name in ("drift", "drifted", "lastRepair", "plan") if seen.status.get(name)] == []
    assert lab.calls.changes() == {}


def test_a_legacy_block_that_only_says_inherited_is_reported_and_never_a_reason_to_write(lab: KubeLab) -> None:
    inner = lab.port_group("inner")
    inner.wait_ready()
    lab.calls.mark()

    flags = ("allowPromiscuous", "forgedTransmits", "macChanges")
    lab.twin.control.drift(inner.mo_ref, set={f"{LEGACY}.{flag}.inherited": True for flag in flags})

    inner.wait(shows(legacyInherited=True, inherited=False), "the disagreement to be reported")
    seen = looked_again(inner)
    named = ["legacyPromiscuous", "legacyForgedTransmits", "legacyMacChanges"]
    assert seen.status["observed"]["inheritedFields"] == named
    assert seen.ready
    assert lab.calls.changes() == {}


def test_under_observe_a_legacy_block_that_disagrees_is_no_plan(lab: KubeLab) -> None:
    inner = lab.port_group("inner")
    inner.wait_ready()
    inner.patch(managementPolicy="Observe")
    inner.wait_condition("Ready", "True", "Observed")

    lab.twin.control.drift(inner.mo_ref, set=OPPOSITE)

    seen = inner.wait(shows(**REPORTED), "the disagreement to be reported")
    assert not seen.status.get("plan")
    assert seen.condition("Ready").reason == "Observed"


def test_what_differs_beside_a_legacy_block_that_disagrees_is_repaired_alone(lab: KubeLab, stranger: Stranger) -> None:
    inner = lab.port_group("inner", vlan={"id": 120})
    inner.wait_ready()
    lab.twin.control.drift(inner.mo_ref, set=OPPOSITE)
    inner.wait(shows(**REPORTED), "the disagreement to be reported")
    lab.calls.mark()

    stranger.set_vlan(inner.mo_ref, 7)

    repaired = inner.wait(lambda now: now.ready and now.status.get("lastRepair"), "the VLAN to be put back")
    assert repaired.status["lastRepair"]["changes"] == [{"field": "vlan", "from": "7", "to": "120"}]
    assert shows(vlan="120", **REPORTED)(repaired), "the write left the policy out"
    assert lab.calls.changes() == {"ReconfigureDVPortgroup_Task": 1}


@pytest.mark.usefixtures("old_switch")
def test_where_the_switch_cannot_learn_the_legacy_block_decides_and_the_other_is_no_reason_to_write(
    world_lab: KubeLab, stranger: Stranger
) -> None:
    inner = world_lab.port_group("inner")
    before = inner.wait_ready().status["observed"]
    assert (before["promiscuous"], before["forgedTransmits"], before["macChanges"]) == (True, True, False)
    world_lab.calls.mark()

    flags = {f"{MAC}.allowPromiscuous": False, f"{MAC}.forgedTransmits": False, f"{MAC}.macChanges": True}
    world_lab.twin.control.drift(inner.mo_ref, set={**flags, f"{MAC}.inherited": True})

    seen = looked_again(inner)
    assert {name: seen.status["observed"][name] for name in DECIDED} == {name: before[name] for name in DECIDED}
    assert seen.ready
    assert seen.condition("NetworkReady").status == "True"
    assert world_lab.calls.changes() == {}

    stranger.set_legacy_policy(inner.mo_ref, promiscuous=False, forged=True, mac_changes=False)
    repaired = inner.wait(lambda now: now.ready and now.status.get("lastRepair"), "the legacy policy to be put back")
    assert repaired.status["lastRepair"]["changes"] == [{"field": "promiscuous", "from": "false", "to": "true"}]
    assert world_lab.calls.changes() == {"ReconfigureDVPortgroup_Task": 1}
