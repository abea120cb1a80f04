"""Each managed field of a port group, changed by another administrator, is put back: one call, one status write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pyVmomi import vim

from bed.twin import ALICE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bed.kube_lab import KubeLab
    from bed.kube_object import KubeObject, Snapshot
    from bed.operator_process import OperatorProcess
    from bed.stranger import Stranger

Dvs = vim.dvs.VmwareDistributedVirtualSwitch


@pytest.fixture(scope="module")
def module_lab(operator: OperatorProcess, new_lab: Callable[..., KubeLab]) -> Iterator[KubeLab]:
    """A lab for all cases of this file: after each of them it is as it was."""
    assert operator.running
    lab = new_lab()
    yield lab
    lab.close()


@pytest.fixture(scope="module")
def inner(module_lab: KubeLab) -> KubeObject:
    """A port group with a value for each field."""
    inner = module_lab.port_group("inner", vlan={"id": 120}, nesting={"macLearning": {"limit": 512}})
    inner.wait_ready()
    module_lab.calls.mark()
    return inner


@pytest.fixture(autouse=True)
def counted_from_here(module_lab: KubeLab) -> Iterator[None]:
    """Whatever became of a test, the next one counts its own calls."""
    yield
    module_lab.calls.mark()


def repaired_since(before: Snapshot) -> Callable[[Snapshot], bool]:
    """A new `lastRepair` and nothing that differs any more."""

    def check(now: Snapshot) -> bool:
        return now.status.get("lastRepair") != before.status.get("lastRepair") and now.status["drifted"] == 0

    return check


def fields_of(repaired: Snapshot) -> dict[str, tuple[str, str]]:
    """What the last repair changed."""
    return {row["field"]: (row["from"], row["to"]) for row in repaired.status["lastRepair"]["changes"]}


def inherit_policy(stranger: Stranger, mo_ref: str) -> None:
    policy = Dvs.MacManagementPolicy(inherited=True)
    stranger.reconfigure_port_group(mo_ref, defaultPortConfig=Dvs.VmwarePortConfigPolicy(macManagementPolicy=policy))


def set_trunk(stranger: Stranger, mo_ref: str) -> None:
    trunk = Dvs.TrunkVlanSpec(vlanId=[vim.NumericRange(start=10, end=20)], inherited=False)
    stranger.reconfigure_port_group(mo_ref, defaultPortConfig=Dvs.VmwarePortConfigPolicy(vlan=trunk))


CASES: dict[str, tuple[Callable[[Stranger, str], object], tuple[str, str]]] = {
    "macLearning": (lambda s, ref: s.set_policy(ref, learning={"enabled": False}), ("false", "true")),
    "promiscuous": (lambda s, ref: s.set_policy(ref, allowPromiscuous=True), ("true", "false")),
    "forgedTransmits": (lambda s, ref: s.set_policy(ref, forgedTransmits=False), ("false", "true")),
    "macChanges": (lambda s, ref: s.set_policy(ref, macChanges=True), ("true", "false")),
    "macLearning.limit": (lambda s, ref: s.set_policy(ref, learning={"limit": 16}), ("16", "512")),
    "macLearning.limitPolicy": (lambda s, ref: s.set_policy(ref, learning={"limitPolicy": "allow"}), ("allow", "drop")),
    "macLearning.allowUnicastFlooding": (
        lambda s, ref: s.set_policy(ref, learning={"allowUnicastFlooding": False}),
        ("false", "true"),
    ),
    "inherited": (inherit_policy, ("true", "false")),
    "vlan": (lambda s, ref: s.set_vlan(ref, 7), ("7", "120")),
    "vlan, a trunk": (set_trunk, ("10-20", "120")),
    "name": (lambda s, ref: s.rename(s.port_group(ref), "renamed"), ("renamed", "inner")),
}


@pytest.mark.parametrize("case", CASES)
def test_a_changed_field_is_put_back_by_one_call(
    case: str, module_lab: KubeLab, inner: KubeObject, stranger: Stranger
) -> None:
    before = inner.read()
    assert before.ready
    assert module_lab.calls.changes() == {}, "a call that no drift explains"
    since = module_lab.plane.audit.mark()
    drift, (found, wanted) = CASES[case]

    drift(stranger, inner.mo_ref)
    repaired = inner.wait(repaired_since(before), f"{case} repaired")

    changed = fields_of(repaired)[case.split(",", maxsplit=1)[0]]
    assert (
        changed[0].removeprefix(f"{module_lab.namespace}-"),
        changed[1].removeprefix(f"{module_lab.namespace}-"),
    ) == (
        found,
        wanted,
    )
    assert repaired.condition("Ready") == before.condition("Ready"), "Ready all the time"
    assert repaired.status["observed"] == before.status["observed"]
    assert module_lab.calls.changes() == {"ReconfigureDVPortgroup_Task": 1}
    assert [write.subresource for write in module_lab.wait_writes(since, 1)] == ["status"]
    assert repaired.status["lastRepair"]["by"] == ALICE.shown
    assert ALICE.shown in inner.wait_event("Repaired")


def test_a_description_that_people_write_stays_beside_the_mark(
    module_lab: KubeLab, inner: KubeObject, stranger: Stranger
) -> None:
    group = stranger.port_group(inner.mo_ref)
    text = f"ask Bob before you change this. {group.config.description}"
    stranger.reconfigure_port_group(inner.mo_ref, description=text)
    before = inner.read()
    stranger.set_vlan(inner.mo_ref, 8)  # so that there is something to wait for
    inner.wait(repaired_since(before), "the VLAN repaired")
    assert group.config.description == text
    assert module_lab.calls.changes() == {"ReconfigureDVPortgroup_Task": 1}


def test_what_the_spec_does_not_manage_is_left_alone(inner: KubeObject, stranger: Stranger) -> None:
    before = inner.read()
    stranger.reconfigure_port_group(inner.mo_ref, numPorts=32, autoExpand=False)
    stranger.set_vlan(inner.mo_ref, 9)
    inner.wait(repaired_since(before), "the VLAN repaired")
    config = stranger.port_group(inner.mo_ref).config
    assert (config.numPorts, config.autoExpand) == (32, False)


def test_somebody_who_keeps_reverting_is_not_fought_for_ever(lab: KubeLab, stranger: Stranger) -> None:
    inner = lab.port_group("inner", vlan={"id": 120})
    inner.wait_ready()
    for vlan in range(7, 12):
        before = inner.read()
        stranger.set_vlan(inner.mo_ref, vlan)
        inner.wait(repaired_since(before), f"VLAN {vlan} repaired")
    lab.calls.mark()

    stranger.set_vlan(inner.mo_ref, 7)

    contested = inner.wait_condition("Ready", "False", "Contested")
    assert contested.condition("Stalled").status == "True"
    assert "vlan" in contested.condition("Ready").message
    assert contested.status["drift"][0]["field"] == "vlan"
    network = contested.condition("NetworkReady")
    assert (network.status, network.reason) == ("False", "Contested")
    assert "the VLAN is 7 instead of 120" in network.message
    assert lab.calls.changes() == {}

    inner.patch(vlan={"id": 121})  # a person has decided
    settled = inner.wait_ready()
    assert (settled.status["vlan"], settled.condition("NetworkReady").status) == ("121", "True")
    assert lab.calls.changes() == {"ReconfigureDVPortgroup_Task": 1}


def test_a_tool_that_writes_the_legacy_policy_again_and_again_is_named_as_such(
    lab: KubeLab, stranger: Stranger, operator: OperatorProcess
) -> None:
    """Terraform and Ansible write `securityPolicy`; vSphere mirrors it in what the operator manages."""
    inner = lab.port_group("inner")
    inner.wait_ready()
    since, series = operator.mark(), {"kind": "NestedPortGroup", "field": "promiscuous"}
    counted = operator.metric("nested_hyperv_drift_repaired_total", **series)

    def apply(turn: int) -> None:
        # Every other value differs, so that two repairs within one second can be told apart.
        stranger.set_legacy_policy(inner.mo_ref, promiscuous=True, forged=True, mac_changes=turn % 2 == 0)

    for turn in range(5):
        before = inner.read()
        apply(turn)
        repaired = inner.wait(repaired_since(before), f"apply {turn} repaired")
        assert fields_of(repaired)["promiscuous"] == ("true", "false")
    assert operator.metric("nested_hyperv_drift_repaired_total", **series) == counted + 5
    told = [record.message for record in operator.records(since=since) if record.message.startswith("Repaired")]
    assert len([line for line in told if "promiscuous: true -> false" in line and ALICE.shown in line]) == 5
    lab.calls.mark()

    apply(5)

    contested = inner.wait_condition("Ready", "False", "Contested")
    message = contested.condition("Ready").message
    assert message.startswith(f"{ALICE.shown} keeps reverting ")
    assert "promiscuous: repaired 5 times within 10 minutes" in message
    assert "Terraform and Ansible write the security settings" in message
    assert contested.condition("NetworkReady").status == "True", "frames pass all the same"
    assert lab.calls.changes() == {}
