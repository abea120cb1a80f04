"""What vSphere's documents leave open: the operator's work comes out the same under either reading of each rule.

Each reading of `READINGS` is a vCenter of its own, set against the twin's defaults in everything that one part of the
operator touches. Every story runs under the defaults too, so that a failure tells whether the reading is to blame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pyVmomi import vim

from bed.estate import flags, stock
from bed.soap import moid
from bed.stranger import Stranger
from bed.twin import Twin
from bed.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bed.kube_lab import KubeLab
    from bed.kube_object import KubeObject, Snapshot
    from bed.operator_process import OperatorProcess

READINGS: dict[str, dict[str, Any]] = {
    "the twin's own": {},
    "policies": {
        "macManagementLeaves": "reset",
        "noOpBumpsConfigVersion": False,
        "vendorConfigMerges": True,
        "concurrentAccessInTask": False,
    },
    "machines": {
        "busyVM": "reject",
        "cloneIgnoresConfig": True,
        "cloneCopiesManagedBy": False,
        "findByUuidSkipsInaccessible": False,
        "reconfigureFillsVBS": True,
        "reconfigureTakesVersion": True,
        "ephemeralOffBlocksDestroy": False,
    },
    "hosts and reads": {
        "duplicatePortGroupIsInvalid": True,
        "hostNetworkLeavesTasks": False,
        "offMachinesKeepPortGroup": False,
        "portGroupRenameMovesMachines": True,
        "oneRetrievalPerCollector": True,
        "ancestorsVisible": False,
        "hiddenReferencesListed": True,
    },
}
HOSTS = ["DC0_C0_H0", "DC0_C0_H1"]


@pytest.fixture(scope="module", params=READINGS)
def reading(request: pytest.FixtureRequest) -> Iterator[Twin]:
    """A vCenter that reads the open rules so; it has a second datacenter, which the operator may not see."""
    with Twin(arguments=flags(2)) as twin:
        stock(twin, "DC0")
        wanted = READINGS[request.param]
        told = twin.control.rules(**wanted)
        assert {name: told[name] for name in wanted} == wanted
        yield twin


@pytest.fixture(scope="module")
def home(reading: Twin, operator: OperatorProcess, new_lab: Callable[..., KubeLab]) -> Iterator[KubeLab]:
    """A lab in that vCenter, for all stories."""
    assert operator.running
    lab = new_lab(reading)
    yield lab
    lab.close()


@pytest.fixture(scope="module")
def somebody(reading: Twin) -> Iterator[Stranger]:
    """Another administrator of that vCenter."""
    with Stranger(reading) as stranger:
        yield stranger


@pytest.fixture(scope="module")
def inner(home: KubeLab) -> KubeObject:
    """A port group on the distributed switch."""
    group = home.port_group("inner", vlan={"id": 120}, nesting={"macLearning": {"limit": 512}})
    group.wait_ready()
    return group


@pytest.fixture(scope="module")
def outer(home: KubeLab) -> KubeObject:
    """A port group on the standard switches."""
    group = home.standard_port_group("outer", vlan={"id": 130})
    group.wait_ready()
    return group


@pytest.fixture(scope="module")
def hyperv(home: KubeLab, inner: KubeObject, outer: KubeObject) -> KubeObject:
    """A machine on both."""
    host = home.host("hyperv", networks=[inner.name, outer.name])
    host.wait_ready()
    return host


@pytest.fixture(autouse=True)
def nothing_goes_on(home: KubeLab) -> Iterator[None]:
    """After each story everything is Ready, and asking again changes nothing."""
    yield
    live = [made for made in home.made if (now := made.find()) is not None and "deletionTimestamp" not in now.metadata]
    for made in live:
        made.wait_ready()
    home.calls.mark()
    for made in live:
        again = made.read().metadata["resourceVersion"]
        made.annotate(reconcile_requested_at=again)
        made.wait(answered(again), "reconciled again")
    assert home.calls.changes() == {}, "it goes round in circles"


def answered(request: str) -> Callable[[Snapshot], bool]:
    """The annotation that asks for another pass has been obeyed."""
    return lambda now: now.status.get("lastHandledReconcileAt") == request


def another_repair(before: Snapshot) -> Callable[[Snapshot], bool]:
    """Ready, with a repair that was not told before."""
    return lambda now: now.ready and now.status.get("lastRepair") != before.status.get("lastRepair")


def test_what_is_declared_is_there(
    reading: Twin, inner: KubeObject, outer: KubeObject, hyperv: KubeObject, somebody: Stranger
) -> None:
    observed = inner.read().status["observed"]
    assert (observed["macLearning"], observed["limit"], observed["vlan"]) == (True, 512, "120")
    for host in HOSTS:
        found = somebody.standard_group(host, outer.vsphere_name)
        assert found is not None
        assert found.spec.vlanId == 130
    vm = reading.control.state().vm(hyperv.vsphere_name)
    assert vm is not None
    assert (vm.nested_hv, vm.cpus, vm.memory_mb) == (True, 4, 8192)
    assert vm.instance_uuid == hyperv.read().status["instanceUuid"]


def test_drift_of_each_is_put_back(
    home: KubeLab, inner: KubeObject, outer: KubeObject, hyperv: KubeObject, somebody: Stranger
) -> None:
    before = [each.read() for each in (inner, outer, hyperv)]
    home.calls.mark()

    somebody.set_policy(inner.mo_ref, learning={"enabled": False})
    somebody.update_standard(HOSTS[1], outer.vsphere_name, allowPromiscuous=False)
    somebody.reconfigure_vm(hyperv.mo_ref, numCPUs=2)

    for each, then in zip((inner, outer, hyperv), before, strict=True):
        each.wait(another_repair(then), "repaired")
    observed = inner.read().status["observed"]
    assert (observed["macLearning"], observed["limit"], observed["limitPolicy"]) == (True, 512, "Drop")
    assert somebody.vm(hyperv.mo_ref).config.hardware.numCPU == 4
    changed = {"ReconfigureDVPortgroup_Task": 1, "UpdatePortGroup": 1, "ReconfigVM_Task": 1}
    assert home.calls.changes() == changed


def test_a_write_that_was_overtaken_is_planned_again(home: KubeLab, inner: KubeObject, somebody: Stranger) -> None:
    control, before = home.twin.control, inner.read()
    home.calls.mark()
    control.fail("ReconfigureDVPortgroup_Task", where="stall", user=home.account.name)
    somebody.set_vlan(inner.mo_ref, 7)
    wait_for(control.stalled_calls, "the repair to be on its way")
    somebody.set_policy(inner.mo_ref, allowPromiscuous=True)
    control.release()

    inner.wait(another_repair(before), "repaired")
    inner.wait_ready()
    observed = inner.read().status["observed"]
    assert (observed["vlan"], observed["promiscuous"], observed["limit"]) == ("120", False, 512)
    assert home.calls.changes() == {"ReconfigureDVPortgroup_Task": 2}


def test_a_machine_that_somebody_works_on_is_waited_for(home: KubeLab, hyperv: KubeObject, somebody: Stranger) -> None:
    control, vm = home.twin.control, somebody.vm(hyperv.mo_ref)
    hold = control.hold("CreateSnapshot_Task", target=hyperv.mo_ref)
    task = vm.CreateSnapshot_Task(name="by hand", memory=False, quiesce=False)
    wait_for(control.held_tasks, "the snapshot to be taken")
    control.fail("ReconfigVM_Task", where="slow", seconds=0.1, user=home.account.name)
    hyperv.patch(hardware={"cpus": 4, "memoryMiB": 6144})
    wait_for(lambda: not hyperv.read().ready, "the operator to begin")
    control.release(hold)
    wait_for(lambda: task.info.state == vim.TaskInfo.State.success, "the snapshot")
    control.clear_faults()

    hyperv.wait_ready()
    assert vm.config.hardware.memoryMB == 6144
    assert [each.name for each in vm.snapshot.rootSnapshotList] == ["by hand"]


def test_a_machine_whose_files_are_out_of_reach_is_not_made_anew(
    home: KubeLab, hyperv: KubeObject, somebody: Stranger
) -> None:
    control, before = home.twin.control, hyperv.read().status
    (files,) = somebody.vm(hyperv.mo_ref).datastore
    home.calls.mark()
    control.datastore(moid(files), accessible=False)
    hyperv.wait(lambda now: not now.ready, "told to be out of reach")
    control.kill_sessions(user=home.account)  # it has to find the machine again
    wait_for(lambda: home.account.shown in control.state().sessions, "a new session")
    control.datastore(moid(files), accessible=True)

    now = hyperv.wait_ready().status
    assert (now["moRef"], now["instanceUuid"]) == (before["moRef"], before["instanceUuid"])
    assert [vm.name for vm in control.state().vms].count(hyperv.vsphere_name) == 1
    assert home.calls.changes() == {}
    assert somebody.vm(hyperv.mo_ref).runtime.connectionState == "connected"


def test_a_name_that_somebody_took_at_the_last_moment_is_told(home: KubeLab, somebody: Stranger) -> None:
    control = home.twin.control
    control.fail("AddPortGroup", where="stall", user=home.account.name)
    late = home.standard_port_group("late", hosts=[HOSTS[0]])
    wait_for(control.stalled_calls, "the port group to be on its way")
    spec = vim.host.PortGroup.Specification(
        name=late.vsphere_name, vlanId=5, vswitchName="vSwitch0", policy=vim.host.NetworkPolicy()
    )
    network = somebody.esx(HOSTS[0]).configManager.networkSystem
    network.AddPortGroup(spec)
    control.release()

    told = late.wait(lambda now: late.vsphere_name in now.condition("Ready").message, "the refusal told")
    assert told.condition("Ready").status == "False"
    theirs = somebody.standard_group(HOSTS[0], late.vsphere_name)
    assert theirs is not None
    assert theirs.spec.vlanId == 5, "it is theirs"
    late.delete()
    late.wait_gone()
    network.RemovePortGroup(late.vsphere_name)


def test_a_port_group_that_somebody_unseen_uses_stays(home: KubeLab, somebody: Stranger) -> None:
    control = home.twin.control
    shared = home.port_group("shared")
    shared.wait_ready()
    name = f"{home.namespace}-unseen"
    guest = somebody.clone(moid(somebody.find(vim.VirtualMachine, "DC0_C0_RP0_VM1")), name)
    control.permission(home.account, "NoAccess", on=guest)
    somebody.edit_nic(guest, 0, network=shared.mo_ref)

    shared.delete()
    shared.wait_condition("Ready", "False", "DeletionBlocked")
    somebody.destroy(somebody.vm(guest))
    shared.annotate(reconcile_requested_at="now that it is free")  # nobody tells the operator of what it cannot see
    shared.wait_gone()


def test_everything_goes(
    home: KubeLab, inner: KubeObject, outer: KubeObject, hyperv: KubeObject, somebody: Stranger
) -> None:
    for each in (inner, outer, hyperv):
        each.delete()
    for each in (hyperv, inner, outer):
        each.wait_gone()
    state = home.twin.control.state()
    names = [*(vm.name for vm in state.vms), *(group.name for group in state.port_groups)]
    assert [name for name in names if name.startswith(home.namespace)] == []
    assert all(somebody.standard_group(host, outer.vsphere_name) is None for host in HOSTS)
