"""A vCenter that cannot be reached: what was known stays known, what is new waits, and nobody is left hanging."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bed.estate import flags
from bed.stranger import Stranger
from bed.tunnel import Tunnel
from bed.twin import Twin
from support.health import health_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bed.kube_lab import KubeLab
    from bed.operator_process import OperatorProcess

GRACE = 40
"""A lost vCenter is reported after 15 seconds; this is more."""


@pytest.fixture
def tunnel(vcenter: Twin) -> Iterator[Tunnel]:
    """A way to the vCenter that a test can cut."""
    with Tunnel(vcenter.host, vcenter.port) as way:
        yield way


@pytest.fixture
def far_lab(operator: OperatorProcess, new_lab: Callable[..., KubeLab], tunnel: Tunnel) -> Iterator[KubeLab]:
    """A lab whose operator reaches vCenter through that way."""
    assert operator.running
    made = new_lab(server=f"127.0.0.1:{tunnel.port}")
    yield made
    tunnel.mend()
    made.close()


def test_an_outage_changes_one_condition_and_nothing_else(
    far_lab: KubeLab, lab: KubeLab, tunnel: Tunnel, stranger: Stranger
) -> None:
    inner, host, gone = far_lab.port_group(vlan={"id": 120}), far_lab.host(), far_lab.port_group("gone")
    near = lab.port_group(vlan={"id": 1})
    changed = far_lab.port_group("changed")
    before = {each: each.wait_ready() for each in (inner, host, gone, changed)}
    near.wait_ready()
    far_lab.calls.mark()

    tunnel.cut()
    for each in (inner, host):
        away = each.wait(lambda now: now.condition("VCenterReachable").status == "False", "away", seconds=GRACE)
        assert away.condition("Ready") == before[each].condition("Ready"), str(away)
        rest = {key: value for key, value in away.status.items() if key != "conditions"}
        assert rest == {key: value for key, value in before[each].status.items() if key != "conditions"}
        assert health_of(away) == "Healthy"

    changed.patch(vlan={"id": 9})
    unknown = changed.wait_condition("Ready", "Unknown", "VCenterUnreachable", seconds=GRACE)
    assert unknown.condition("Reconciling").status == "True"
    assert unknown.condition("Stalled").status == "absent"
    assert health_of(unknown) == "Progressing"

    fresh = far_lab.port_group("fresh")
    fresh.wait_condition("Ready", "Unknown", "VCenterUnreachable", seconds=GRACE)

    gone.delete()
    blocked = gone.wait_condition("Ready", "False", "DeletionBlocked", seconds=GRACE)
    assert "nestedhv.io/orphan" in blocked.condition("Ready").message
    assert blocked.metadata["finalizers"]

    stranger.set_vlan(near.mo_ref, 2)  # another connection is none the worse for it
    near.wait(lambda now: now.status.get("lastRepair"), "repaired")

    stranger.set_vlan(inner.mo_ref, 7)
    assert far_lab.calls.changes() == {}
    tunnel.mend()
    inner.wait(lambda now: now.ready and stranger.vlan(now.status["moRef"]) == 120, "repaired", seconds=GRACE)
    for each in (inner, host, changed, fresh):
        each.wait_condition("VCenterReachable", "True", seconds=GRACE)
        each.wait_ready(seconds=GRACE)
    assert stranger.vlan(changed.mo_ref) == 9
    gone.wait_gone(seconds=GRACE)


def test_an_orphan_lets_go_of_a_vcenter_that_never_comes_back(
    far_lab: KubeLab, tunnel: Tunnel, stranger: Stranger
) -> None:
    inner = far_lab.port_group()
    mo_ref = inner.wait_ready().status["moRef"]
    tunnel.cut()
    inner.delete()
    inner.wait_condition("Ready", "False", "DeletionBlocked", seconds=GRACE)

    inner.annotate(orphan="true")

    inner.wait_gone()
    assert inner.wait_event("Orphaned")
    assert stranger.port_group(mo_ref).name == inner.vsphere_name, "it is still there"
    stranger.destroy(stranger.port_group(mo_ref))
    far_lab.wait_secret_free()


def test_a_vcenter_with_no_room_for_another_session_is_waited_for(
    operator: OperatorProcess, new_lab: Callable[..., KubeLab]
) -> None:
    assert operator.running
    with Twin(arguments=flags(1)) as twin, Stranger(twin) as somebody:
        lab = new_lab(twin)
        inner = lab.port_group("inner", vlan={"id": 120})
        inner.wait_ready()
        twin.control.session_limits(maximum=1)  # somebody's own; others get HTTP 503
        twin.control.kill_sessions(user=lab.account)
        inner.wait_condition("VCenterReachable", "False")

        somebody.set_vlan(inner.mo_ref, 9)
        twin.control.session_limits(maximum=0)

        inner.wait(lambda now: now.ready and now.status.get("lastRepair"), "repaired", seconds=60)
        assert somebody.vlan(inner.mo_ref) == 120
        lab.close()
