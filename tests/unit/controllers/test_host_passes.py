"""A host from clone to Ready, and its drifts: one VM and never two."""

from typing import Any

import pytest

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Blocked, NameTaken, Transient
from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.workqueue import RequeueAfter
from support import vsphere_records as samples
from support.workbench import HOST, Workbench

NETWORK = {"name": "lan", "network": "VM Network"}


async def test_creation_is_one_clone_at_most_one_reconfigure_and_one_power_on(bench: Workbench) -> None:
    bench.declare(HOST, networks=[NETWORK], powerState="On")

    await bench.ready(HOST)

    assert bench.vcenter.mutations == ["clone", "reconfigure", "power_on"]
    machine = bench.machine
    assert (machine.cpus, machine.memory_mib, machine.nested_hv) == (4, 8192, True)
    assert machine.instance_uuid == bench.identity(HOST).owner
    assert set(bench.mark.adapters or ()) == {"lan"}
    assert bench.api.status(HOST)["network"] == "1/1"


async def test_a_pass_without_work_makes_no_call_and_no_write(bench: Workbench) -> None:
    await bench.create(HOST, networks=[NETWORK])

    for _ in range(3):
        bench.queue.add(HOST)
        await bench.run()

    assert (bench.vcenter.calls, bench.api.writes) == ([], [])


async def test_a_restart_makes_no_write(bench: Workbench) -> None:
    await bench.create(HOST, networks=[NETWORK])

    bench.start()
    await bench.run()

    assert bench.api.writes == []
    assert bench.vcenter.mutations == []


async def test_the_operator_that_dies_during_a_clone_makes_no_second_vm(bench: Workbench) -> None:
    bench.vcenter.holding = True
    bench.declare(HOST)
    await bench.run()
    assert bench.api.status(HOST)["task"]

    bench.start()
    await bench.run()
    await bench.after(60)
    bench.vcenter.holding = False
    await bench.ready(HOST)

    assert bench.vcenter.mutations.count("clone") == 1
    assert bench.machine.name == "hv1"


async def test_the_operator_that_dies_before_it_could_record_the_clone_makes_no_second_vm(bench: Workbench) -> None:
    bench.vcenter.holding = True
    bench.declare(HOST)
    await bench.work(until=lambda: "clone" in bench.vcenter.calls)
    bench.api.status(HOST).pop("task", None)

    bench.start()
    await bench.run()
    await bench.after(60)
    assert bench.condition(HOST) == ("False", "Progressing")
    bench.vcenter.holding = False
    await bench.ready(HOST)

    assert bench.vcenter.mutations.count("clone") == 1


async def test_a_clone_whose_answer_was_lost_is_waited_for(bench: Workbench) -> None:
    bench.vcenter.holding = True
    bench.vcenter.lose_answers.add("clone")
    bench.declare(HOST)
    await bench.run()
    await bench.after(10)
    await bench.after(10)
    assert bench.vcenter.mutations == ["clone"]

    bench.vcenter.holding = False
    await bench.run()
    await bench.after(10)

    assert bench.condition(HOST) == ("True", "Succeeded")
    assert bench.vcenter.mutations.count("clone") == 1


async def test_a_vm_that_was_being_made_anew_when_the_operator_died_goes_with_its_resource(bench: Workbench) -> None:
    """Status names the VM that somebody deleted, and nothing tells of the one that is being cloned in its place."""
    ref = await bench.create(HOST, onExternalDelete="Recreate")
    bench.forget_log()
    bench.vcenter.holding = True
    bench.vcenter.remove(ref)
    bench.vcenter.push()
    await bench.work(until=lambda: "clone" in bench.vcenter.calls)
    bench.api.status(HOST).pop("task", None)
    bench.api.status(HOST)["moRef"] = ref.value

    bench.start()
    bench.api.delete(HOST)
    await bench.run()
    assert HOST in bench.api.objects, "the clone still runs"
    bench.vcenter.holding = False
    await bench.after(60)

    assert HOST not in bench.api.objects
    assert [machine.name for machine in bench.vcenter.machines.values() if machine.name == "hv1"] == []


async def test_a_vm_that_is_being_made_anew_is_waited_for_after_a_restart_and_not_called_missing(
    bench: Workbench,
) -> None:
    bench.vcenter.remove(await bench.create(HOST, onExternalDelete="Recreate"))
    bench.vcenter.holding = True
    bench.vcenter.push()
    await bench.work(until=lambda: "clone" in bench.vcenter.calls)
    bench.api.status(HOST).pop("task", None)

    bench.vcenter.connected_for = 5.0
    bench.start()
    await bench.run()
    assert bench.condition(HOST) == ("False", "Progressing")
    assert "clone" in bench.message(HOST)
    bench.vcenter.holding = False
    await bench.ready(HOST)

    assert bench.vcenter.mutations.count("clone") == 1


async def test_a_clone_that_ends_while_it_is_looked_for_is_found(bench: Workbench) -> None:
    """Between the look for a VM and the look for its clone task the clone may end: then both show nothing."""
    bench.vcenter.holding = True
    bench.vcenter.lose_answers.add("clone")
    bench.declare(HOST)
    await bench.run()
    original = bench.vcenter.running_clones

    async def ends_just_then(template: MoRef | None) -> list[MoRef]:
        bench.vcenter.holding = False
        bench.vcenter.advance()
        return await original(template)

    bench.vcenter.running_clones = ends_just_then  # type: ignore[method-assign]
    await bench.after(10)

    assert "NameTaken" not in bench.events.reasons
    assert bench.condition(HOST) == ("True", "Succeeded")
    assert bench.vcenter.mutations.count("clone") == 1


async def test_a_name_that_turns_out_taken_during_the_clone_is_looked_at_again(bench: Workbench) -> None:
    bench.vcenter.fail_tasks["clone"] = [NameTaken("The name hv1 is taken.")]
    bench.declare(HOST)

    await bench.run()
    await bench.after(5)

    assert bench.condition(HOST) == ("True", "Succeeded")
    assert "NameTaken" not in bench.events.reasons


async def test_a_clone_that_failed_is_told_and_no_task_is_shown_as_running(bench: Workbench) -> None:
    bench.vcenter.fail_tasks["clone"] = [Blocked(Reason.HOST_UNAVAILABLE, "Free resources.")] * 3
    bench.declare(HOST)

    await bench.run()

    assert bench.condition(HOST) == ("False", "HostUnavailable")
    assert "task" not in bench.api.status(HOST)


async def test_a_vm_of_that_name_is_left_alone_and_named(bench: Workbench) -> None:
    bench.vcenter.add(samples.virtual_machine("hv1"))
    bench.declare(HOST)

    await bench.run()

    assert bench.vcenter.mutations == []
    assert bench.condition(HOST) == ("False", "NameTaken")
    assert "vm-hv1" in bench.message(HOST)


@pytest.mark.parametrize(
    ("drift", "field"),
    [
        ({"name": "renamed"}, "name"),
        ({"guest_id": "otherGuest64"}, "guestOS"),
        ({"cpus": 2}, "hardware.cpus"),
        ({"memory_mib": 4096}, "hardware.memoryMiB"),
        ({"nested_hv": False}, "virtualization.nestedHV"),
    ],
)
async def test_a_drift_of_a_stopped_host_is_one_reconfigure_and_one_write(
    bench: Workbench, drift: dict[str, Any], field: str
) -> None:
    ref = await bench.create(HOST, networks=[NETWORK])

    bench.vcenter.change(ref, **drift)
    await bench.run()

    assert bench.vcenter.mutations == ["reconfigure"]
    assert bench.writes(HOST) == ["status"]
    assert bench.condition(HOST) == ("True", "Succeeded")
    assert [row["field"] for row in bench.api.status(HOST)["lastRepair"]["changes"]] == [field]


async def test_a_nic_that_was_removed_comes_back_once_and_is_what_is_told(bench: Workbench) -> None:
    ref = await bench.create(HOST, networks=[NETWORK])
    bench.vcenter.change_nics(ref)

    await bench.run()

    detail = bench.machine.detail
    assert detail is not None
    assert [nic.network for nic in detail.adapters] == ["VM Network"]
    bound = (bench.mark.adapters or {})["lan"]
    assert bound.mac_address == detail.adapters[0].mac_address
    assert bench.api.status(HOST)["lastRepair"]["changes"] == [
        {"field": "networks[lan]", "from": "no adapter", "to": "VM Network"}
    ]
    assert [field for _, field in bench.meter.repairs] == ["networks[lan]"]
    assert bench.condition(HOST) == ("True", "Succeeded")


async def test_nested_hv_that_vsphere_ignores_is_not_applied_and_not_repeated(bench: Workbench) -> None:
    bench.vcenter.ignores.add("nested_hv")
    bench.declare(HOST)
    await bench.run()
    for _ in range(3):
        bench.queue.add(HOST)
        await bench.run()

    assert bench.vcenter.mutations == ["clone", "reconfigure"]
    assert bench.condition(HOST) == ("False", "NestedHVNotApplied")
    bench.forget_log()
    await bench.after(320)
    assert bench.vcenter.mutations == ["reconfigure"], "the world may have changed"
    assert bench.api.writes == [], "it has not, and nobody is told of the attempt"


async def test_deletion_during_a_clone_waits_for_it_and_leaves_nothing(bench: Workbench) -> None:
    bench.vcenter.holding = True
    bench.declare(HOST)
    await bench.run()

    bench.api.delete(HOST)
    await bench.run()
    assert HOST in bench.api.objects
    bench.vcenter.holding = False
    await bench.run()

    assert HOST not in bench.api.objects
    assert [m.name for m in bench.vcenter.machines.values()] == ["ws2025"]


async def test_progress_of_a_host_in_transient_trouble_is_told_after_a_while(bench: Workbench) -> None:
    bench.vcenter.fail_tasks["clone"] = [Transient(Reason.TASK_FAILED, "datastore busy")] * 5
    bench.declare(HOST)

    await bench.run()
    for _ in range(5):
        await bench.after(10)
    assert "datastore busy" in bench.message(HOST)
    outcome = bench.outcomes[HOST]
    assert isinstance(outcome, RequeueAfter)
    assert outcome.seconds > 5
    await bench.after(60)

    assert bench.condition(HOST) == ("True", "Succeeded")
