"""From `kubectl apply` to Ready: what is made, with how many calls and writes, and what people see of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nested_hyperv.api.meta import FINALIZER_IN_USE, FINALIZER_TEARDOWN

if TYPE_CHECKING:
    from bed.kube_lab import KubeLab
    from bed.twin import Twin


def test_a_port_group_is_made_ready_by_one_call_and_three_writes(lab: KubeLab, vcenter: Twin) -> None:
    first = lab.port_group("first")
    first.wait_ready()
    lab.all_writes(0)  # what it cost is in the log before anything is counted
    lab.calls.mark()
    since = lab.plane.audit.mark()

    inner = lab.port_group("inner", vlan={"id": 120})
    ready = inner.wait_ready()

    assert lab.calls.changes() == {"CreateDVPortgroup_Task": 1}
    writes = lab.wait_writes(since, 3)
    assert [(w.verb, w.subresource, w.status) for w in writes] == [
        ("patch", "", 200),  # the finalizer
        ("patch", "status", 200),  # which vCenter, before anything exists in it
        ("patch", "status", 200),  # done
    ]
    assert ready.metadata["finalizers"] == [FINALIZER_TEARDOWN]
    made = vcenter.control.state().port_group(inner.vsphere_name)
    assert made is not None
    assert made.id == ready.status["moRef"]
    assert ready.status["observed"] == {
        "macLearning": True,
        "promiscuous": False,
        "forgedTransmits": True,
        "macChanges": False,
        "limit": 4096,
        "limitPolicy": "Drop",
        "allowUnicastFlooding": True,
        "inherited": False,
        "macLearningInherited": False,
        "legacyInherited": False,
        "legacyPromiscuous": False,
        "legacyForgedTransmits": True,
        "legacyMacChanges": False,
        "vlan": "120",
    }
    assert inner.wait_event("Created")


def test_a_host_is_cloned_configured_and_started_with_the_fewest_calls(lab: KubeLab, vcenter: Twin) -> None:
    lab.port_group("inner").wait_ready()
    lab.calls.mark()
    since = lab.plane.audit.mark()

    host = lab.host(
        networks=["inner"],
        hardware={"cpus": 4, "coresPerSocket": 2, "memoryMiB": 8192, "firmware": "EFI", "secureBoot": True},
        powerState="On",
    )
    ready = host.wait(lambda now: now.ready and now.status.get("ipAddress"), "Ready with an address")

    changes = lab.calls.changes()
    assert changes.pop("ReconfigVM_Task", 0) <= 1, "the bindings, and what a clone does not take"
    assert changes == {"CloneVM_Task": 1, "PowerOnVM_Task": 1}
    vm = vcenter.control.state().vm(host.vsphere_name)
    assert vm is not None
    assert (vm.id, vm.instance_uuid) == (ready.status["moRef"], ready.status["instanceUuid"])
    assert (vm.power_state, vm.nested_hv, vm.cpus, vm.memory_mb) == ("poweredOn", True, 4, 8192)
    assert vm.guest_id == "windows2019srvNext_64Guest"
    observed = ready.status["observed"]
    assert (observed["coresPerSocket"], observed["firmware"], observed["secureBoot"]) == (2, "EFI", True)
    assert (ready.status["powerState"], ready.status["nestedHV"], ready.status["network"]) == ("On", True, "1/1")
    assert (ready.status["ipAddress"], ready.status["hostName"]) == ("10.0.0.7", "hyperv-lab")
    inner = vcenter.control.state().port_group(lab.vsphere_name("inner"))
    assert inner is not None
    assert inner.id in vm.networks
    finalizers = [write for write in lab.all_writes(since) if not write.subresource]
    assert len(finalizers) == 1, "the finalizer, and no other write beside status"


def test_a_host_waits_for_its_port_group_and_says_so(lab: KubeLab) -> None:
    host = lab.host(networks=["inner"])
    waiting = host.wait_condition("Ready", "False", "DependencyNotReady")
    assert waiting.condition("Reconciling").status == "True"
    assert waiting.condition("Stalled").status == "absent"
    assert "inner does not exist" in waiting.condition("Ready").message
    assert lab.calls.changes() == {}

    lab.port_group("inner")
    host.wait_ready()
    assert host.read().status["network"] == "1/1"


def test_the_secret_is_held_by_its_users_and_no_longer(lab: KubeLab) -> None:
    first, second = lab.port_group("first"), lab.port_group("second")
    first.wait_ready()
    second.wait_ready()
    assert list(lab.secret_finalizers()) == [FINALIZER_IN_USE]

    first.delete()
    first.wait_gone()
    assert list(lab.secret_finalizers()) == [FINALIZER_IN_USE]
    second.delete()
    second.wait_gone()
    lab.wait_secret_free()


def test_each_call_names_the_object_it_is_made_for(lab: KubeLab, vcenter: Twin) -> None:
    lab.port_group("inner").wait_ready()
    calls = vcenter.control.calls("CreateDVPortgroup_Task", user=lab.account)
    assert len(calls) == 1
    assert "inner" in calls[0].operation_id
    assert lab.namespace in calls[0].operation_id


def test_kubectl_shows_what_matters_in_columns(lab: KubeLab) -> None:
    lab.port_group("inner", vlan={"id": 7}).wait_ready()
    lab.host(networks=["inner"]).wait_ready()
    names = lab.plane.kubectl("api-resources", "--categories=nestedlab", "--output=name")
    assert names.split() == ["nestedhypervhosts.nestedhv.io", "nestedportgroups.nestedhv.io"]
    wide = lab.plane.kubectl("get", "nestedlab", f"--namespace={lab.namespace}", "--output=wide")
    assert "MACLearning" in wide
    assert "1/1" in wide
    table = lab.plane.kubectl("get", "npg", f"--namespace={lab.namespace}").splitlines()
    assert table[0].split() == ["NAME", "READY", "MODE", "VLAN", "SWITCH", "HOSTS", "DRIFT", "AGE"]
    assert table[1].split()[:6] == ["inner", "True", "MACLearning", "7", "DVS0", "0"]
    table = lab.plane.kubectl("get", "nhv", f"--namespace={lab.namespace}").splitlines()
    assert table[0].split() == ["NAME", "READY", "POWER", "NESTED-HV", "IP", "NETWORK", "DRIFT", "AGE"]
