"""Deleting takes down exactly what is owned, in an order that always ends, and says what stands in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bed.waiting import wait_for
from support.health import health_of

if TYPE_CHECKING:
    from bed.kube_lab import KubeLab
    from bed.stranger import Stranger
    from bed.twin import Twin


def leftovers(lab: KubeLab, vcenter: Twin) -> list[str]:
    """What vCenter still has of a lab."""
    state = vcenter.control.state()
    names = [*(vm.name for vm in state.vms), *(group.name for group in state.port_groups)]
    return [name for name in names if name.startswith(lab.namespace)]


def test_a_deleted_port_group_goes_with_one_call_and_two_writes(lab: KubeLab, vcenter: Twin) -> None:
    inner = lab.port_group()
    inner.wait_ready()
    lab.calls.mark()
    since = lab.plane.audit.mark()

    inner.delete()
    inner.wait_gone()

    assert lab.calls.changes() == {"Destroy_Task": 1}
    assert leftovers(lab, vcenter) == []
    writes = [write for write in lab.all_writes(since) if write.resource != "secrets"]
    assert len(writes) <= 2, "Deleting, and the finalizer"
    lab.wait_secret_free()


def test_a_whole_namespace_goes_with_the_secret_in_it(lab: KubeLab, vcenter: Twin) -> None:
    lab.port_group("inner")
    lab.host("running", networks=["inner"], powerState="On").wait_ready()
    lab.host("stopped", networks=["inner"]).wait_ready()

    lab.plane.kubectl("delete", "namespace", lab.namespace, "--wait=false")

    namespaces = ("get", "namespaces", "--output=name")
    wait_for(
        lambda: f"namespace/{lab.namespace}" not in lab.plane.kubectl(*namespaces).split(),
        "the namespace to be gone",
        seconds=90,
        interval=0.5,
        detail=lambda: lab.plane.kubectl("get", "namespace", lab.namespace, "--output=yaml"),
    )
    assert leftovers(lab, vcenter) == []
    lab.plane.kubectl("create", "namespace", lab.namespace)  # for the fixture, which deletes it


def test_a_port_group_that_strangers_use_stays_and_names_them(lab: KubeLab, stranger: Stranger, vcenter: Twin) -> None:
    inner = lab.port_group()
    inner.wait_ready()
    template = vcenter.control.state().vm("DC0_C0_RP0_VM1")
    assert template is not None
    guest = stranger.clone(template.id, f"{lab.namespace}-guest")
    stranger.edit_nic(guest, 0, network=inner.mo_ref)
    lab.calls.mark()

    inner.delete()

    blocked = inner.wait_condition("Ready", "False", "DeletionBlocked")
    assert f"{lab.namespace}-guest" in blocked.condition("Ready").message
    assert health_of(blocked) == "Progressing"
    assert lab.calls.changes() == {}

    stranger.destroy(stranger.vm(guest))
    inner.wait_gone()
    assert lab.calls.changes() == {"Destroy_Task": 1}


def test_a_crowd_is_named_up_to_ten_and_counted_in_a_plan_and_when_it_blocks_a_deletion(
    lab: KubeLab, stranger: Stranger, vcenter: Twin
) -> None:
    inner = lab.port_group(vlan={"id": 120})
    inner.wait_ready()
    template = vcenter.control.state().vm("DC0_C0_RP0_VM1")
    assert template is not None
    names = [f"{lab.namespace}-guest-{number:02}" for number in range(12)]
    guests = [stranger.clone(template.id, name) for name in names]
    for guest in guests:
        stranger.edit_nic(guest, 0, network=inner.mo_ref)
    inner.patch(managementPolicy="Observe")
    inner.wait_condition("Ready", "True", "Observed")
    stranger.set_vlan(inner.mo_ref, 7)

    (row,) = inner.wait_condition("Ready", "False", "WouldChange").status["plan"]

    assert row["fields"] == [{"field": "vlan", "from": "7", "to": "120"}]
    assert (row["virtualMachines"], row["virtualMachineCount"]) == (names[:10], 12)

    inner.patch(managementPolicy="Enforce")
    inner.wait_ready()
    inner.delete()
    blocked = inner.wait_condition("Ready", "False", "DeletionBlocked")
    assert f"{', '.join(names[:10])} and 2 more" in blocked.condition("Ready").message
    for guest in guests:
        stranger.destroy(stranger.vm(guest))
    inner.wait_gone()


def test_a_port_group_waits_for_the_hosts_of_its_own_lab(lab: KubeLab) -> None:
    inner = lab.port_group()
    host = lab.host(networks=["inner"])
    host.wait_ready()
    lab.calls.mark()

    inner.delete()
    inner.wait_condition("Ready", "False", "DeletionBlocked")
    assert lab.calls.changes() == {}
    host.delete()
    host.wait_gone()
    inner.wait_gone()
    assert lab.calls.changes() == {"Destroy_Task": 2}


def test_retain_leaves_the_objects_and_takes_the_marks_away(lab: KubeLab, stranger: Stranger) -> None:
    inner, host = lab.port_group(deletionPolicy="Retain"), lab.host(deletionPolicy="Retain", powerState="On")
    inner.wait_ready()
    host.wait_ready()
    group, vm = stranger.port_group(inner.mo_ref), stranger.vm(host.mo_ref)
    assert "nestedhv.io/owner" in group.config.description
    lab.calls.mark()

    inner.delete()
    host.delete()
    inner.wait_gone()
    host.wait_gone()

    assert lab.calls.changes() == {"ReconfigureDVPortgroup_Task": 1, "ReconfigVM_Task": 1}
    assert "nestedhv.io/owner" not in (group.config.description or "")
    assert "nestedhv.io/owner" not in {option.key for option in vm.config.extraConfig}
    assert vm.runtime.powerState == "poweredOn", "nobody is disturbed"
    stranger.power(host_id := vm._moId, on=False)  # noqa: SLF001 - pyVmomi's name for the id
    stranger.destroy(stranger.vm(host_id))
    stranger.destroy(group)


def test_what_lost_its_mark_is_let_go_and_left_alone(lab: KubeLab, stranger: Stranger) -> None:
    inner = lab.port_group()
    inner.wait_ready()
    group = stranger.port_group(inner.mo_ref)
    stranger.reconfigure_port_group(inner.mo_ref, description="mine now")
    inner.wait_condition("Ready", "False", "OwnershipLost")
    lab.calls.mark()

    inner.delete()
    inner.wait_gone()

    assert lab.calls.changes() == {}
    assert group.config.description == "mine now"
    stranger.destroy(group)


def test_drift_never_blocks_a_deletion(lab: KubeLab, stranger: Stranger) -> None:
    inner, host = lab.port_group(), lab.host()
    inner.wait_ready()
    host.wait_ready()
    inner.patch(suspend=True)
    host.patch(suspend=True)
    stranger.rename(stranger.port_group(inner.mo_ref), f"{lab.namespace}-renamed")
    stranger.reconfigure_vm(host.mo_ref, name=f"{lab.namespace}-renamed-too", memoryMB=4096)
    inner.delete()
    host.delete()
    inner.patch(suspend=False)
    host.patch(suspend=False)
    inner.wait_gone()
    host.wait_gone()
    assert leftovers(lab, lab.twin) == []


def test_a_secret_deleted_too_early_serves_until_the_lab_is_gone(lab: KubeLab, stranger: Stranger) -> None:
    inner = lab.port_group(vlan={"id": 120})
    inner.wait_ready()
    lab.core.delete_namespaced_secret("vcenter", lab.namespace)
    assert lab.secret_finalizers(), "held by its user"

    before = inner.read()
    stranger.set_vlan(inner.mo_ref, 7)
    inner.wait(lambda now: now.status.get("lastRepair") != before.status.get("lastRepair"), "still repaired")
    late = lab.port_group("late")
    late.wait_condition("Ready", "False", "ConnectionTerminating")
    late.delete()
    late.wait_gone()
    inner.delete()
    inner.wait_gone()
    wait_for(lambda: not secrets_of(lab), "the Secret to be gone", detail=lambda: str(secrets_of(lab)))


def secrets_of(lab: KubeLab) -> list[str]:
    """The connection Secrets of a lab, by name."""
    found = lab.core.list_namespaced_secret(lab.namespace, field_selector="type=nestedhv.io/vcenter").items
    return [each.metadata.name or "" for each in found if each.metadata is not None]
