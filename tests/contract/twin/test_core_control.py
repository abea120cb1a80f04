"""The control API: drift, injected faults, latency, counters, seed, dump, reset."""

import http.client
import threading
import time
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.soap import Updates, connect, find, finish, message_of, moid
from bed.twin import ALICE, OPERATOR, Twin, TwinError
from bed.waiting import wait_for

pytestmark = pytest.mark.infrastructure("the control API")


def _machine(instance: Any) -> Any:
    return find(instance, vim.VirtualMachine, "DC0_H0_VM0")


def test_drift_changes_the_property_and_the_version(twin: Twin) -> None:
    with connect(twin) as instance:
        vm = _machine(instance)
        before = vm.config.changeVersion

        version = twin.control.drift("DC0_H0_VM0", user=ALICE, set={"config.nestedHVEnabled": True})

        assert vm.config.nestedHVEnabled is True
        assert vm.config.changeVersion == version != before
        assert [call.user for call in twin.control.calls("drift")] == [ALICE.shown]


def test_drift_of_a_port_group_reaches_into_the_dynamic_type(twin: Twin) -> None:
    path = "config.defaultPortConfig.macManagementPolicy"
    with connect(twin) as instance:
        group = find(instance, vim.dvs.DistributedVirtualPortgroup, "DC0_DVPG0")
        before = group.config.configVersion

        twin.control.drift("DC0_DVPG0", set={f"{path}.allowPromiscuous": True, f"{path}.inherited": False})

        assert group.config.defaultPortConfig.macManagementPolicy.allowPromiscuous is True
        assert group.config.configVersion != before


def test_a_drift_that_is_wrong_in_one_path_changes_nothing(twin: Twin) -> None:
    with connect(twin) as instance:
        vm = _machine(instance)
        changes = {"config.annotation": "new", "config.nonsense": 1}

        with pytest.raises(TwinError, match=r"VirtualMachineConfigInfo has no member nonsense"):
            twin.control.drift("DC0_H0_VM0", set=changes)

        assert not vm.config.annotation


def test_an_injected_soap_fault_strikes_as_often_as_told(twin: Twin) -> None:
    twin.control.fail("CurrentTime", fault="NotAuthenticated", count=2, skip=1)
    with connect(twin) as instance:
        outcomes = []
        for _ in range(4):
            try:
                instance.CurrentTime()
                outcomes.append("ok")
            except vim.fault.NotAuthenticated:
                outcomes.append("fault")

    assert outcomes == ["ok", "fault", "fault", "ok"]
    assert twin.control.pending_faults() == []


def test_an_injected_task_fault_has_its_fields_and_changes_nothing(twin: Twin) -> None:
    fields = {"existingState": "suspended"}
    twin.control.fail("PowerOffVM_Task", fault="InvalidPowerState", where="task", fields=fields, user=ALICE.name)
    with connect(twin, OPERATOR) as instance, connect(twin, ALICE) as others:
        failed = finish(_machine(others).PowerOffVM_Task())
        assert failed.error.existingState == "suspended"
        assert message_of(failed.error).endswith("(Suspended).")
        assert _machine(instance).runtime.powerState == "poweredOn"

        assert finish(_machine(instance).PowerOffVM_Task()).state == "success"


@pytest.mark.parametrize(("where", "state"), [("drop-before", "poweredOn"), ("drop-after", "poweredOff")])
def test_a_connection_breaks_before_or_after_the_call_was_executed(twin: Twin, where: Any, state: str) -> None:
    with connect(twin) as instance:
        vm = _machine(instance)
        twin.control.fail("PowerOffVM_Task", where=where)

        with pytest.raises((http.client.HTTPException, OSError)):
            vm.PowerOffVM_Task()

        for record in twin.control.state().tasks:
            finish(vim.Task(record.id, instance._stub))  # noqa: SLF001 - its reference was lost with the answer
        assert vm.runtime.powerState == state


def test_an_http_status_is_answered_instead_of_soap(twin: Twin) -> None:
    with connect(twin) as instance:
        twin.control.fail("CurrentTime", where="http", status=503)

        with pytest.raises(http.client.HTTPException, match="503"):
            instance.CurrentTime()
        assert instance.CurrentTime()


def test_latency_slows_one_method_down(twin: Twin) -> None:
    twin.control.latency("CurrentTime", seconds=0.5)
    with connect(twin) as instance:
        start = time.monotonic()
        instance.CurrentTime()
        assert time.monotonic() - start >= 0.5
        twin.control.clear_latency()
        start = time.monotonic()
        instance.CurrentTime()
        assert time.monotonic() - start < 0.5


def test_calls_are_counted_by_user_and_keep_their_operation_id(twin: Twin) -> None:
    with connect(twin, OPERATOR) as instance, connect(twin, ALICE) as others:
        twin.control.reset_counters()
        instance._stub.requestContext = {"operationID": "nhv-abc/1"}  # noqa: SLF001 - pyVmomi's way to set it
        instance.CurrentTime()
        instance.CurrentTime()
        others.CurrentTime()

        assert twin.control.counters(OPERATOR) == {"CurrentTime": 2}
        assert twin.control.counters() == {"CurrentTime": 3}
        assert [call.operation_id for call in twin.control.calls("CurrentTime", user=OPERATOR)] == ["nhv-abc/1"] * 2


def test_a_seed_makes_whole_objects_and_the_dump_shows_them(twin: Twin) -> None:
    seeded = twin.control.seed(vms=3, port_groups=2, templates=1, prefix="s")
    with connect(twin) as instance:
        vm = find(instance, vim.VirtualMachine, "s-vm-2")
        template = find(instance, vim.VirtualMachine, "s-template-0")
        group = find(instance, vim.dvs.DistributedVirtualPortgroup, "s-pg-1")

        assert (len(seeded.vms), len(seeded.port_groups), len(seeded.templates)) == (3, 2, 1)
        assert instance.content.searchIndex.FindByUuid(None, vm.config.instanceUuid, True, True) == vm
        assert template.config.template is True
        assert template.resourcePool is None
        assert group.config.distributedVirtualSwitch.name == "DVS0"
        assert finish(vm.PowerOnVM_Task()).state == "success"

    shown = twin.control.state().vm("s-vm-2")
    assert shown is not None
    assert (shown.power_state, shown.template) == ("poweredOn", False)


def test_reset_brings_the_model_back_and_ends_all_sessions(twin: Twin) -> None:
    twin.control.seed(vms=2)
    twin.control.fail("CurrentTime", fault="NotAuthenticated", count=100)
    twin.control.hold("PowerOffVM_Task")
    with connect(twin) as instance:
        _machine(instance).PowerOffVM_Task()
        twin.control.reset()

        with pytest.raises(vim.fault.NotAuthenticated):
            instance.CurrentTime()

    state = twin.control.state()
    assert [vm.name for vm in state.vms] == ["DC0_C0_RP0_VM0", "DC0_C0_RP0_VM1", "DC0_H0_VM0", "DC0_H0_VM1"]
    assert state.tasks == ()
    with connect(twin) as instance:
        assert instance.CurrentTime()


def test_host_and_switch_capabilities_can_be_switched(twin: Twin) -> None:
    twin.control.host("DC0_H0", nested_hv=False, connection_state="disconnected", maintenance=True)
    twin.control.switch("DVS0", version="6.5.0")
    with connect(twin) as instance:
        host = find(instance, vim.HostSystem, "DC0_H0")
        switch = find(instance, vim.dvs.VmwareDistributedVirtualSwitch, "DVS0")

        assert host.capability.nestedHVSupported is False
        assert host.runtime.connectionState == "disconnected"
        assert host.runtime.inMaintenanceMode is True
        assert _machine(instance).runtime.connectionState == "disconnected"
        assert switch.summary.productInfo.version == "6.5.0"
        assert switch.capability.featuresSupported.macLearningSupported is False


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c.fail(fault="NoSuchFault"), "NoSuchFault"),
        (lambda c: c.fail(where="http", status=200), "status"),
        (lambda c: c.fail(fault="NotFound", count=-1), "count"),
        (lambda c: c.fail(fault="NotFound", probability=1.5), "probability"),
        (lambda c: c.fail(where="slow"), "seconds"),
        (lambda c: c.fail("ReconfigVM", fault="NotFound"), "ReconfigVM_Task"),
        (lambda c: c.fail("CurrentTime", where="task", fault="NotFound"), "starts no task"),
        (lambda c: c.fail(fault="NotFound", target="no such object"), "no such object"),
        (lambda c: c.hold("CloneVM"), "CloneVM"),
        (lambda c: c.seed(vms=1, prefix="a/b"), "prefix"),
        (lambda c: c.session_timeout(-1), "seconds"),
        (lambda c: c.guest("DC0_H0_VM0", shutdown_seconds=-1), "shutdownSeconds"),
        (lambda c: c.hold(target="no such object"), "no such object"),
        (lambda c: c.latency("CloneVM", seconds=1), "CloneVM"),
        (lambda c: c.latency_profile("quick"), "name"),
        (lambda c: c.outage(seconds=1, status=503, refuse=True), "refuse"),
        (lambda c: c.drift("no such object"), "no such object"),
        (lambda c: c.host("DC0_H0", connection_state="lost"), "connectionState"),
        (lambda c: c.rules(busyVM="maybe"), "busyVM"),
        (lambda c: c.rules(noSuchRule=True), "noSuchRule"),
    ],
)
def test_a_wrong_request_is_refused_with_the_field_named(shared_twin: Twin, call: Any, message: str) -> None:
    with pytest.raises(TwinError, match=message):
        call(shared_twin.control)


def test_a_busy_name_needs_an_id(shared_twin: Twin) -> None:
    with pytest.raises(TwinError, match="2 objects have this name"):
        shared_twin.control.drift("Resources", set={"name": "x"})


def test_an_unknown_fault_of_the_wrong_kind_is_no_fault(shared_twin: Twin) -> None:
    with pytest.raises(TwinError, match="is no fault"):
        shared_twin.control.fail(fault="VirtualMachineConfigSpec")


def test_an_injected_fault_is_completed_so_that_clients_can_read_it(twin: Twin) -> None:
    with connect(twin) as instance:
        twin.control.fail("CurrentTime", fault="ManagedObjectNotFound")
        with pytest.raises(vmodl.fault.ManagedObjectNotFound) as caught:
            instance.CurrentTime()

    assert moid(caught.value.obj) == "ServiceInstance"


@pytest.mark.parametrize("status", [0, 503])
def test_an_outage_ends_waits_under_way_and_loses_nothing(twin: Twin, status: int) -> None:
    with connect(twin, OPERATOR) as instance:
        vm = _machine(instance)
        updates = Updates(instance, vm, {vim.VirtualMachine: ["config.annotation"]})
        updates.wait()
        twin.control.reset_counters()
        broken: list[BaseException] = []

        def wait() -> None:
            try:
                updates.wait(60)
            except (http.client.HTTPException, OSError) as error:
                broken.append(error)

        waiter = threading.Thread(target=wait)
        waiter.start()
        wait_for(lambda: twin.control.counters(OPERATOR).get("WaitForUpdatesEx"), "the wait to arrive")
        twin.control.outage(seconds=1.0, status=status)
        waiter.join(10)
        assert len(broken) == 1

        twin.control.drift("DC0_H0_VM0", set={"config.annotation": "meanwhile"})
        twin.control.outage(seconds=0)
        assert updates.all() == [("modify", moid(vm), {"config.annotation": "meanwhile"})]


def test_a_vcenter_started_again_is_the_same_one() -> None:
    with Twin() as first, connect(first) as instance:
        about = instance.content.about
        first.control.reset()
        with connect(first) as again:
            assert again.content.about.instanceUuid == about.instanceUuid
        port, uuid = first.port, about.instanceUuid
    with Twin(listen=f"127.0.0.1:{port}", instance_uuid=uuid) as second, connect(second) as instance:
        assert (second.port, instance.content.about.instanceUuid) == (port, uuid)
