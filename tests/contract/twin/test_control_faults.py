"""Faults that strike by chance, calls that hang, latency, and what the control API counts."""

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.soap import connect, find, finish, moid, result_of
from bed.twin import ALICE, OPERATOR, Twin
from bed.waiting import wait_for

pytestmark = pytest.mark.infrastructure("the control API")

SEED = "7"


@pytest.fixture(scope="module")
def seeded() -> Iterator[Twin]:
    with Twin(("-seed", SEED)) as twin:
        yield twin


def _outcomes(twin: Twin, count: int) -> str:
    with connect(twin) as instance:
        out = ""
        for _ in range(count):
            try:
                instance.CurrentTime()
                out += "."
            except vmodl.fault.SystemError:
                out += "F"
        return out


def test_a_fault_of_a_probability_strikes_as_often_as_that_and_the_same_way_with_the_same_seed(seeded: Twin) -> None:
    seeded.control.reset()
    seeded.control.fail("CurrentTime", fault="SystemError", probability=0.3, count=0)
    first = _outcomes(seeded, 200)
    with Twin(("-seed", SEED)) as other:
        other.control.fail("CurrentTime", fault="SystemError", probability=0.3, count=0)
        second = _outcomes(other, 200)

    assert 30 <= first.count("F") <= 90
    assert first == second
    assert [rule["count"] for rule in seeded.control.pending_faults()] == [0]


def test_a_fault_strikes_only_the_object_and_the_user_that_it_names(seeded: Twin) -> None:
    seeded.control.reset()
    with connect(seeded, ALICE) as instance, connect(seeded, OPERATOR) as other:
        vm = find(instance, vim.VirtualMachine, "DC0_H0_VM0")
        seeded.control.fail("ReconfigVM_Task", fault="SystemError", target=moid(vm), user=ALICE.name)
        spec = vim.vm.ConfigSpec(annotation="x")
        result_of(find(instance, vim.VirtualMachine, "DC0_H0_VM1").ReconfigVM_Task(spec))
        result_of(find(other, vim.VirtualMachine, "DC0_H0_VM0").ReconfigVM_Task(spec))
        with pytest.raises(vmodl.fault.SystemError):
            vm.ReconfigVM_Task(spec)


def test_a_fault_of_a_named_object_strikes_that_one(seeded: Twin) -> None:
    seeded.control.reset()
    with connect(seeded) as instance:
        spec = vim.vm.ConfigSpec(annotation="x")
        seeded.control.fail("ReconfigVM_Task", fault="SystemError", target="DC0_H0_VM0", count=0)
        result_of(find(instance, vim.VirtualMachine, "DC0_H0_VM1").ReconfigVM_Task(spec))
        vm = find(instance, vim.VirtualMachine, "DC0_H0_VM0")
        with pytest.raises(vmodl.fault.SystemError):
            vm.ReconfigVM_Task(spec)
        assert [rule["object"] for rule in seeded.control.pending_faults()] == [moid(vm)]

        seeded.control.clear_faults()

        result_of(vm.ReconfigVM_Task(spec))


def test_a_task_fault_waits_for_a_call_that_starts_a_task(seeded: Twin) -> None:
    seeded.control.reset()
    with connect(seeded) as instance:
        vm = find(instance, vim.VirtualMachine, "DC0_H0_VM0")
        seeded.control.fail(where="task", fault="Timedout")
        instance.CurrentTime()

        assert isinstance(finish(vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="x"))).error, vim.fault.Timedout)


@pytest.mark.parametrize("told", ["object", "user"])
def test_a_hold_keeps_only_the_tasks_of_the_object_and_the_user_that_it_names(seeded: Twin, told: str) -> None:
    seeded.control.reset()
    spec = vim.vm.ConfigSpec(annotation="x")
    with connect(seeded, ALICE) as instance, connect(seeded, OPERATOR) as other:
        held = find(instance, vim.VirtualMachine, "DC0_H0_VM0")
        hold = seeded.control.hold(
            "ReconfigVM_Task",
            target="DC0_H0_VM0" if told == "object" else "",
            user=ALICE.name if told == "user" else "",
        )
        task = held.ReconfigVM_Task(spec)
        (kept,) = wait_for(seeded.control.held_tasks, "the task to be held", interval=0.01)

        result_of(find(other, vim.VirtualMachine, "DC0_H0_VM1").ReconfigVM_Task(spec))

        assert (kept.hold, kept.task, kept.method, kept.entity) == (hold, moid(task), "ReconfigVM_Task", moid(held))
        assert seeded.control.release(hold) == [moid(task)]
        result_of(task)


@contextmanager
def _running(call: Callable[[], Any]) -> Iterator[list[Any]]:
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(call()))
    thread.start()
    yield answers
    thread.join(timeout=30)
    assert not thread.is_alive()


def test_a_stalled_call_hangs_before_it_is_executed_and_goes_on_when_released(seeded: Twin) -> None:
    seeded.control.reset()
    with connect(seeded, ALICE) as instance, connect(seeded, OPERATOR) as other:
        vm = find(instance, vim.VirtualMachine, "DC0_H0_VM0")
        stall = seeded.control.fail("ReconfigVM_Task", where="stall")
        with _running(lambda: finish(vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="late")))) as answers:
            (call,) = wait_for(seeded.control.stalled_calls, "the call to hang", interval=0.01)
            assert (call.rule, call.method, call.object, call.user) == (stall, "ReconfigVM_Task", moid(vm), ALICE.shown)
            seen = find(other, vim.VirtualMachine, "DC0_H0_VM0")
            assert not seen.config.annotation
            assert answers == []
            seeded.control.release(stall)
        assert answers[0].state == "success"
        assert seen.config.annotation == "late"
        assert seeded.control.stalled_calls() == []


@pytest.mark.parametrize("end", ["restart", "reset"])
def test_a_stalled_call_is_never_carried_out_by_the_service_that_comes_after(seeded: Twin, end: str) -> None:
    seeded.control.reset()
    broken: list[BaseException] = []
    with connect(seeded, ALICE) as instance:
        vm = find(instance, vim.VirtualMachine, "DC0_H0_VM0")

        def off() -> None:
            try:
                vm.PowerOffVM_Task()
            except (http.client.HTTPException, OSError) as error:
                broken.append(error)

        seeded.control.fail("PowerOffVM_Task", where="stall")
        with _running(off):
            wait_for(seeded.control.stalled_calls, "the call to hang", interval=0.01)
            {"restart": seeded.control.restart, "reset": seeded.control.reset}[end]()

    assert len(broken) == 1
    state = seeded.control.state()
    assert [machine.power_state for machine in state.vms if machine.id == moid(vm)] == ["poweredOn"]
    assert state.tasks == ()


def test_a_stalled_call_ends_with_its_session_and_with_its_time(seeded: Twin) -> None:
    seeded.control.reset()
    with connect(seeded, ALICE) as instance:
        seeded.control.fail("CurrentTime", where="stall", seconds=0.05)
        assert instance.CurrentTime()
        seeded.control.fail("CurrentTime", where="stall")
        with _running(instance.CurrentTime) as answers:
            wait_for(seeded.control.stalled_calls, "the call to hang", interval=0.01)
            seeded.control.kill_sessions(user=ALICE)
        assert answers


def test_a_slow_call_takes_its_time_once(seeded: Twin) -> None:
    seeded.control.reset()
    with connect(seeded) as instance:
        seeded.control.fail("CurrentTime", where="slow", seconds=0.3)
        begin = time.monotonic()
        instance.CurrentTime()
        middle = time.monotonic()
        instance.CurrentTime()
        assert middle - begin >= 0.3
        assert time.monotonic() - middle < 0.3


def test_the_latency_profile_of_a_vcenter_slows_calls_and_tasks_and_survives_a_reset_where_it_is_a_flag() -> None:
    with Twin(("-latency-profile", "vcenter")) as twin:
        twin.control.reset()
        assert twin.control.latencies() == [{"method": "", "seconds": 0.005, "taskSeconds": 0.3, "jitter": 0}]
        with connect(twin) as instance:
            vm = find(instance, vim.VirtualMachine, "DC0_H0_VM0")
            begin = time.monotonic()
            result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="x")))
            assert time.monotonic() - begin >= 0.3
            twin.control.latency_profile("none")
            assert twin.control.latencies() == []


def test_calls_are_counted_by_operation_id(seeded: Twin) -> None:
    seeded.control.reset()
    with connect(seeded) as instance:
        context = {"operationID": "nhv/lab/one/17"}
        instance._GetStub().requestContext = context  # noqa: SLF001 - pyVmomi has no other way
        instance.CurrentTime()
        instance.CurrentTime()
        context["operationID"] = "npg/lab/two/18"
        instance.CurrentTime()

    assert seeded.control.operations("nhv/") == {"nhv/lab/one/17": {"CurrentTime": 2}}
    assert seeded.control.operations()["npg/lab/two/18"]["CurrentTime"] == 1


def _lived(seed: str) -> dict[str, Any]:
    """Return the state after a fixed life of a twin, without what only time changes."""
    with Twin(("-seed", seed, "-dc", "2", "-pg", "3", "-app", "1")) as twin:
        twin.control.seed(vms=20, port_groups=20, templates=2)
        with connect(twin) as instance:
            folder = find(instance, vim.Datacenter, "DC0").vmFolder
            pool = find(instance, vim.ComputeResource, "DC0_C0").resourcePool
            for n in range(5):
                spec = vim.vm.ConfigSpec(
                    name=f"made-{n}", guestId="otherGuest", files=vim.vm.FileInfo(vmPathName="[LocalDS_0]")
                )
                vm = result_of(folder.CreateVM_Task(spec, pool))
                clone = vim.vm.CloneSpec(location=vim.vm.RelocateSpec(pool=pool))
                result_of(vm.CloneVM_Task(folder, f"cloned-{n}", clone))
        return dict(twin.control.dump())


def test_the_same_flags_seed_and_calls_give_the_same_state() -> None:
    first, second, third = _lived("1"), _lived("1"), _lived("2")

    assert first == second
    assert {vm["instanceUuid"] for vm in first["vms"]} != {vm["instanceUuid"] for vm in third["vms"]}
