"""What is not proven to be the operator's own is neither written nor deleted, however much it looks like it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bed.estate import flags, stock
from bed.stranger import Stranger
from bed.twin import Twin
from bed.waiting import wait_for
from support.health import health_of

if TYPE_CHECKING:
    from bed.kube_lab import KubeLab


def test_a_strangers_clone_of_our_machine_is_left_alone(lab: KubeLab, stranger: Stranger) -> None:
    host = lab.host()
    host.wait_ready()
    lab.calls.mark()

    copy = stranger.clone(host.mo_ref, f"{lab.namespace}-copy")
    assert "nestedhv.io/owner" in {option.key for option in stranger.vm(copy).config.extraConfig}, "the mark is copied"
    stranger.reconfigure_vm(copy, numCPUs=1, nestedHVEnabled=False)
    stranger.reconfigure_vm(host.mo_ref, memoryMB=4096)
    host.wait(lambda now: now.status.get("lastRepair"), "our own machine repaired")
    assert lab.calls.changes() == {"ReconfigVM_Task": 1}
    assert stranger.vm(copy).config.hardware.numCPU == 1

    host.delete()
    host.wait_gone()
    assert lab.calls.changes() == {"ReconfigVM_Task": 1, "Destroy_Task": 1}
    assert stranger.vm(copy).name == f"{lab.namespace}-copy"
    stranger.destroy(stranger.vm(copy))


def test_a_machine_whose_uuid_was_changed_is_not_touched(lab: KubeLab, stranger: Stranger) -> None:
    host = lab.host()
    uuid = host.wait_ready().status["instanceUuid"]
    lab.calls.mark()
    stranger.reconfigure_vm(host.mo_ref, instanceUuid="5000abcd-0000-4000-8000-000000000001", memoryMB=4096)
    stalled = host.wait_condition("Ready", "False", "IdentityConflict")
    assert health_of(stalled) == "Degraded"
    assert lab.calls.changes() == {}

    stranger.reconfigure_vm(host.mo_ref, instanceUuid=uuid)
    host.wait_ready()
    assert lab.calls.changes() == {"ReconfigVM_Task": 1}


def test_a_name_that_a_stranger_holds_is_refused(lab: KubeLab, stranger: Stranger) -> None:
    switch = stranger.find_switch(lab.datacenter)
    group = stranger.create_port_group(switch, lab.vsphere_name("inner"))
    model = lab.twin.control.state().vm("DC0_C0_RP0_VM1")
    assert model is not None
    machine = stranger.clone(model.id, lab.vsphere_name("hyperv"))

    inner, host = lab.port_group("inner"), lab.host("hyperv")

    for refused, holder in ((inner, group), (host, machine)):
        stalled = refused.wait_condition("Ready", "False", "NameTaken")
        assert stalled.condition("Stalled").status == "True"
        assert holder in stalled.condition("Ready").message
        assert "moRef" not in stalled.status
    assert lab.calls.changes() == {}

    stranger.destroy(stranger.port_group(group))
    stranger.destroy(stranger.vm(machine))
    inner.wait_ready()
    host.wait_ready()


def test_what_observe_would_adopt_is_adopted_once_enforce_approves_it(lab: KubeLab, stranger: Stranger) -> None:
    lab.patch_secret(allowAdoption="true")
    group = stranger.create_port_group(stranger.find_switch(lab.datacenter), lab.vsphere_name("inner"))
    inner = lab.port_group("inner", adoptionPolicy="Adopt", managementPolicy="Observe")
    planned = inner.wait_condition("Ready", "False", "WouldChange").status["plan"]
    assert "mark" in {change["field"] for row in planned for change in row["fields"]}
    assert lab.calls.changes() == {}

    inner.patch(managementPolicy="Enforce")

    assert inner.wait_ready().status["moRef"] == group
    assert lab.calls.changes() == {"ReconfigureDVPortgroup_Task": 1}
    inner.delete()
    inner.wait_gone()
    stranger.destroy(stranger.port_group(group))


def test_adoption_needs_a_word_on_the_resource_and_one_on_the_connection(lab: KubeLab, stranger: Stranger) -> None:
    group = stranger.create_port_group(stranger.find_switch(lab.datacenter), lab.vsphere_name("inner"))
    inner = lab.port_group("inner", vlan={"id": 120})
    inner.wait_condition("Ready", "False", "NameTaken")

    inner.annotate(adopt=group)
    inner.wait_condition("Ready", "False", "AdoptionNotAllowed")
    assert lab.calls.changes() == {}

    lab.patch_secret(allowAdoption="true")
    adopted = inner.wait_ready()
    assert adopted.status["moRef"] == group
    assert adopted.status["deletionPolicy"] == "Retain"
    assert lab.calls.changes() == {"ReconfigureDVPortgroup_Task": 1}

    inner.delete()
    inner.wait_gone()
    assert stranger.port_group(group).name == lab.vsphere_name("inner"), "what was adopted is not deleted"
    stranger.destroy(stranger.port_group(group))


def test_a_recreated_resource_retakes_its_own_only_when_told_to(lab: KubeLab, stranger: Stranger) -> None:
    inner = lab.port_group("inner", managementPolicy="Enforce")
    mo_ref = inner.wait_ready().status["moRef"]
    inner.patch(managementPolicy="Observe")
    inner.delete()
    inner.wait_gone()
    assert "nestedhv.io/owner" in stranger.port_group(mo_ref).config.description, "Observe leaves object and mark"
    lab.calls.mark()

    again = lab.port_group("inner")
    again.wait_condition("Ready", "False", "NameTaken")
    assert lab.calls.changes() == {}
    again.annotate(adopt=mo_ref)  # the mark has our lineage: no permission of the connection is needed
    assert again.wait_ready().status["moRef"] == mo_ref
    assert lab.calls.changes() == {"ReconfigureDVPortgroup_Task": 1}


def test_a_lost_mark_stops_all_writes_until_it_is_back(lab: KubeLab, stranger: Stranger) -> None:
    inner = lab.port_group(vlan={"id": 120})
    inner.wait_ready()
    description = stranger.port_group(inner.mo_ref).config.description
    lab.calls.mark()
    stranger.reconfigure_port_group(inner.mo_ref, description="")
    inner.wait_condition("Ready", "False", "OwnershipLost")
    stranger.set_vlan(inner.mo_ref, 7)
    stranger.reconfigure_port_group(inner.mo_ref, description=description)

    inner.wait(lambda now: now.ready and now.status["vlan"] == "120", "repaired again")
    assert lab.calls.changes() == {"ReconfigureDVPortgroup_Task": 1}


def test_of_one_whose_mark_is_lost_it_goes_on_telling_whether_frames_pass(lab: KubeLab, stranger: Stranger) -> None:
    inner = lab.port_group()
    inner.wait_ready()
    description = stranger.port_group(inner.mo_ref).config.description
    stranger.reconfigure_port_group(inner.mo_ref, description="")
    lost = inner.wait_condition("Ready", "False", "OwnershipLost")
    assert lost.condition("NetworkReady").status == "True", "nothing but the mark has changed"

    stranger.set_policy(inner.mo_ref, forgedTransmits=False)

    cut_off = inner.wait_condition("NetworkReady", "False", "OwnershipLost")
    assert cut_off.status["observed"]["forgedTransmits"] is False
    assert {row["field"] for row in cut_off.status["drift"]} == {"mark", "forgedTransmits"}
    stranger.reconfigure_port_group(inner.mo_ref, description=description)
    back = inner.wait_ready()
    assert back.condition("NetworkReady").status == "True"
    assert not back.status.get("drift")


def test_a_secret_that_points_at_another_vcenter_changes_nothing(lab: KubeLab) -> None:
    inner, host = lab.port_group(), lab.host()
    inner.wait_ready()
    host.wait_ready()
    lab.calls.mark()
    with Twin(arguments=flags(1)) as other:
        stock(other, "DC0")
        other.control.password(lab.account.name, lab.account.password)
        before, there = lab.twin.control.state(), other.control.state()

        lab.patch_secret(**lab.secret_data(server=f"{other.host}:{other.port}", **{"ca.crt": other.ca.read_text()}))

        for each in (inner, host):
            stalled = each.wait_condition("Ready", "False", "VCenterChanged")
            assert stalled.condition("Stalled").status == "True"
            assert "accept-vcenter" in stalled.condition("Ready").message
        inner.delete()
        blocked = inner.wait_condition("Ready", "False", "DeletionBlocked")
        assert "nestedhv.io/teardown" in blocked.metadata["finalizers"]
        assert other.control.state().vms == there.vms
        assert other.control.state().port_groups == there.port_groups
        assert {vm.id for vm in lab.twin.control.state().vms} == {vm.id for vm in before.vms}

        lab.patch_secret(**lab.secret_data())
        inner.wait_gone()
        host.wait_ready()
    assert lab.calls.changes() == {"Destroy_Task": 1}
    wait_for(lambda: lab.twin.control.state().port_group(inner.vsphere_name) is None, "the port group to be gone")


def test_another_vcenter_is_used_once_somebody_accepts_it(lab: KubeLab, stranger: Stranger) -> None:
    inner = lab.port_group()
    mo_ref = inner.wait_ready().status["moRef"]
    lab.calls.mark()
    with Twin(arguments=flags(1)) as other:
        other.control.password(lab.account.name, lab.account.password)
        lab.patch_secret(**lab.secret_data(server=f"{other.host}:{other.port}", **{"ca.crt": other.ca.read_text()}))
        inner.wait_condition("Ready", "False", "VCenterChanged")
        with Stranger(other) as there:
            inner.annotate(accept_vcenter=there.instance.content.about.instanceUuid)
            inner.wait_ready()
            assert other.control.state().port_group(inner.vsphere_name) is not None
        inner.delete()
        inner.wait_gone()
        assert other.control.state().port_group(inner.vsphere_name) is None
    assert lab.calls.changes() == {}
    assert stranger.port_group(mo_ref).name == inner.vsphere_name, "what is in the first one is a person's to remove"
    stranger.destroy(stranger.port_group(mo_ref))
