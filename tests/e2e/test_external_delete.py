"""What was deleted behind the operator's back comes back or is reported, as the policy says, and never by guessing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bed.estate import flags, stock
from bed.stranger import Stranger
from bed.twin import Twin
from support.health import health_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from bed.kube_lab import KubeLab
    from bed.operator_process import OperatorProcess


def test_a_deleted_port_group_is_created_again_by_one_call(lab: KubeLab, stranger: Stranger) -> None:
    inner = lab.port_group("inner", vlan={"id": 120})
    before = inner.wait_ready()
    lab.calls.mark()

    stranger.destroy(stranger.port_group(inner.mo_ref))

    again = inner.wait(lambda now: now.ready and now.status["moRef"] != before.status["moRef"], "created again")
    assert again.status["observed"] == before.status["observed"]
    assert lab.calls.changes() == {"CreateDVPortgroup_Task": 1}
    made = lab.twin.control.state().port_group(inner.vsphere_name)
    assert made is not None
    assert made.id == again.status["moRef"]
    assert inner.wait_event("Recreated")


def test_port_groups_that_went_with_machines_on_them_come_back_to_these(
    operator: OperatorProcess, new_lab: Callable[..., KubeLab]
) -> None:
    """Where vSphere lets them go: an ephemeral port or a standard port group is not held by a machine that is off."""
    assert operator.running
    with Twin(arguments=flags(1)) as twin:
        stock(twin, "DC0")
        twin.control.rules(ephemeralOffBlocksDestroy=False, offMachinesKeepPortGroup=False)
        lab = new_lab(twin)
        where = {"datacenter": lab.datacenter, "switch": "DVS0", "ports": {"binding": "Ephemeral"}}
        inner, outer = lab.port_group("inner", distributed=where), lab.standard_port_group("outer")
        host = lab.host("hyperv", networks=["inner", "outer"])
        first = host.wait_ready().status["moRef"]
        gone = inner.mo_ref
        lab.calls.mark()
        with Stranger(twin) as stranger:
            on = stranger.vm(first).runtime.host.name
            stranger.remove_standard(on, outer.vsphere_name)
            stranger.destroy(stranger.port_group(gone))

            again = inner.wait(lambda now: now.ready and now.status["moRef"] != gone, "created again").status["moRef"]
            outer.wait(lambda now: now.ready and now.status.get("lastRepair"), "created again on its host")
            host.wait(lambda now: now.ready and stranger.port_group(again).vm, "on it again")

            assert [vm._moId for vm in stranger.port_group(again).vm] == [first]  # noqa: SLF001 - pyVmomi's name
            assert stranger.standard_group(on, outer.vsphere_name) is not None
            assert lab.calls.changes() == {"CreateDVPortgroup_Task": 1, "AddPortGroup": 1, "ReconfigVM_Task": 1}
        lab.close()


def test_a_deleted_port_group_is_only_reported_where_that_was_asked_for(lab: KubeLab, stranger: Stranger) -> None:
    inner = lab.port_group("inner", onExternalDelete="Report")
    inner.wait_ready()
    lab.calls.mark()

    stranger.destroy(stranger.port_group(inner.mo_ref))

    missing = inner.wait_condition("Ready", "False", "Missing")
    assert missing.condition("Stalled").status == "True"
    assert "onExternalDelete: Recreate" in missing.condition("Ready").message
    assert health_of(missing) == "Degraded"
    assert lab.calls.changes() == {}

    inner.patch(onExternalDelete="Recreate")
    inner.wait_ready()
    assert lab.calls.changes() == {"CreateDVPortgroup_Task": 1}


def test_one_that_is_only_reported_has_no_network(lab: KubeLab, stranger: Stranger) -> None:
    inner = lab.port_group("inner", onExternalDelete="Report")
    assert inner.wait_ready().condition("NetworkReady").status == "True"

    stranger.destroy(stranger.port_group(inner.mo_ref))

    missing = inner.wait_condition("NetworkReady", "False", "Missing")
    assert "observed" not in missing.status


def test_one_that_is_only_reported_on_a_host_stays_away_when_the_operator_starts_anew(
    world_lab: KubeLab, operator: OperatorProcess, stranger: Stranger
) -> None:
    group = world_lab.standard_port_group(onExternalDelete="Report")
    group.wait_ready()
    world_lab.calls.mark()
    stranger.remove_standard("DC2_C0_H0", group.vsphere_name)
    group.wait_condition("Ready", "False", "Missing")

    operator.stop()
    operator.start()
    group.annotate(reconcile_requested_at="after the restart")
    again = group.wait(lambda now: now.status.get("lastHandledReconcileAt") == "after the restart", "another look")

    assert again.condition("Ready").reason == "Missing"
    assert again.status["hostsReady"] == "1/2"
    assert world_lab.calls.changes() == {}
    group.patch(onExternalDelete="Recreate")
    group.wait_ready()
    assert world_lab.calls.changes() == {"AddPortGroup": 1}


def test_a_deleted_host_is_reported_and_not_cloned_again(lab: KubeLab, stranger: Stranger) -> None:
    host = lab.host()
    host.wait_ready()
    lab.calls.mark()

    stranger.destroy(stranger.vm(host.mo_ref))

    missing = host.wait_condition("Ready", "False", "Missing")
    assert missing.condition("Stalled").status == "True"
    assert health_of(missing) == "Degraded"
    assert lab.calls.changes() == {}


def test_a_host_is_cloned_again_only_when_nothing_suggests_that_it_is_merely_out_of_sight(
    lab: KubeLab, stranger: Stranger
) -> None:
    host = lab.host(onExternalDelete="Recreate")
    host.wait_ready()
    lab.calls.mark()

    stranger.destroy(stranger.vm(host.mo_ref))

    missing = host.wait_condition("Ready", "False", "Missing")
    assert "15 minutes" in missing.condition("Ready").message, "a vCenter that was just reached may not know it yet"
    assert lab.calls.changes() == {}


def test_a_deleted_object_ends_the_deletion_of_its_resource(lab: KubeLab, stranger: Stranger) -> None:
    inner, host = lab.port_group("inner", onExternalDelete="Report"), lab.host()
    inner.wait_ready()
    host.wait_ready()
    lab.calls.mark()
    stranger.destroy(stranger.port_group(inner.mo_ref))
    stranger.destroy(stranger.vm(host.mo_ref))
    inner.delete()
    host.delete()
    inner.wait_gone()
    host.wait_gone()
    assert lab.calls.changes() == {}


def test_an_inaccessible_host_is_not_missing(lab: KubeLab) -> None:
    host = lab.host(onExternalDelete="Recreate")
    host.wait_ready()
    lab.calls.mark()

    lab.twin.control.vm(host.mo_ref, connection_state="inaccessible")
    seen = host.wait_condition("Ready", "False", "Inaccessible")
    assert seen.condition("Stalled").status == "True"
    assert lab.calls.changes() == {}

    lab.twin.control.vm(host.mo_ref, connection_state="connected")
    host.wait_ready()
    assert lab.calls.changes() == {}
