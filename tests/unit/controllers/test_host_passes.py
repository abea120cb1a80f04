"""A host from clone to teardown: one VM and never two, power only as allowed, and what each situation says."""

from dataclasses import replace
from typing import Any

import pytest

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Blocked, NameTaken, Transient
from nested_hyperv.domain.inventory import MoRef, VirtualMachine
from nested_hyperv.domain.ownership import Mark, parse_mark
from nested_hyperv.workqueue import RequeueAfter
from support import vsphere_records as samples
from support.workbench import HOST, SECRET, Workbench

NETWORK = {"name": "lan", "network": "VM Network"}


def only_host(bench: Workbench) -> VirtualMachine:
    (machine,) = (m for m in bench.vcenter.machines.values() if not m.template)
    return machine


def mark_of(machine: VirtualMachine) -> Mark:
    mark = parse_mark(machine.detail.mark if machine.detail else "")
    assert mark is not None
    return mark


async def created(bench: Workbench, **spec: Any) -> MoRef:
    bench.declare(HOST, **{"networks": [NETWORK], **spec})
    await bench.ready(HOST)
    bench.forget_log()
    return only_host(bench).ref


async def running(bench: Workbench, **spec: Any) -> MoRef:
    """A host that a person has powered on."""
    ref = await created(bench, **spec)
    bench.vcenter.switch_power(ref, on=True)
    await bench.run()
    assert bench.api.status(HOST)["powerState"] == "On"
    bench.forget_log()
    return ref


async def test_creation_is_one_clone_at_most_one_reconfigure_and_one_power_on(bench: Workbench) -> None:
    bench.declare(HOST, networks=[NETWORK], powerState="On")

    await bench.ready(HOST)

    assert bench.vcenter.mutations == ["clone", "reconfigure", "power_on"]
    machine = only_host(bench)
    assert (machine.cpus, machine.memory_mib, machine.nested_hv) == (4, 8192, True)
    assert machine.instance_uuid == bench.identity(HOST).owner
    assert set(mark_of(machine).adapters or ()) == {"lan"}
    assert bench.api.status(HOST)["network"] == "1/1"


async def test_a_mark_inherited_from_the_template_is_overwritten(bench: Workbench) -> None:
    (template,) = bench.vcenter.machines
    bench.vcenter.change_mark(template, Mark("a" * 8, "b", instance_uuid="c").for_virtual_machine())

    await created(bench)

    assert mark_of(only_host(bench)).owner == bench.identity(HOST).owner


async def test_a_pass_without_work_makes_no_call_and_no_write(bench: Workbench) -> None:
    await created(bench)

    for _ in range(3):
        bench.queue.add(HOST)
        await bench.run()

    assert (bench.vcenter.calls, bench.api.writes) == ([], [])


async def test_a_restart_makes_no_write(bench: Workbench) -> None:
    await created(bench)

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
    assert only_host(bench).name == "hv1"


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


async def test_a_clone_that_ends_while_it_is_looked_for_is_found(bench: Workbench) -> None:
    """Between the look for a VM and the look for its clone task the clone may end: then both show nothing."""
    bench.vcenter.holding = True
    bench.vcenter.lose_answers.add("clone")
    bench.declare(HOST)
    await bench.run()
    original = bench.vcenter.running_clones

    async def ends_just_then(template: MoRef) -> list[MoRef]:
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


async def test_a_strangers_clone_of_our_vm_changes_nothing_and_is_never_touched(bench: Workbench) -> None:
    await created(bench)
    copy = replace(only_host(bench), ref=MoRef("VirtualMachine", "vm-copy"), name="copy", instance_uuid="other")
    bench.vcenter.add(copy)

    bench.start()
    await bench.run()
    bench.api.delete(HOST)
    await bench.run()

    assert bench.vcenter.machines[copy.ref] == copy
    assert HOST not in bench.api.objects


async def test_a_vm_whose_uuid_is_not_that_of_its_mark_is_an_identity_conflict(bench: Workbench) -> None:
    ref = await created(bench)
    bench.vcenter.change(ref, instance_uuid="50000000-0000-0000-0000-00000000dead", cpus=2)

    await bench.run()
    assert bench.condition(HOST) == ("False", "IdentityConflict")
    bench.api.delete(HOST)
    await bench.run()

    assert bench.vcenter.mutations == []
    assert ref in bench.vcenter.machines


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
    ref = await created(bench)

    bench.vcenter.change(ref, **drift)
    await bench.run()

    assert bench.vcenter.mutations == ["reconfigure"]
    assert bench.writes(HOST) == ["status"]
    assert bench.condition(HOST) == ("True", "Succeeded")
    assert [row["field"] for row in bench.api.status(HOST)["lastRepair"]["changes"]] == [field]


async def test_a_nic_that_was_removed_comes_back_once_and_is_what_is_told(bench: Workbench) -> None:
    ref = await created(bench)
    bench.vcenter.change_nics(ref)

    await bench.run()

    detail = only_host(bench).detail
    assert detail is not None
    assert [nic.network for nic in detail.adapters] == ["VM Network"]
    bound = (mark_of(only_host(bench)).adapters or {})["lan"]
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


async def test_a_running_host_waits_for_its_power_off_and_lists_every_field(bench: Workbench) -> None:
    ref = await running(bench)

    bench.vcenter.change(ref, nested_hv=False, cpus=2)
    await bench.run()

    assert bench.vcenter.mutations == []
    assert bench.condition(HOST) == ("False", "PowerOffRequired")
    assert bench.condition(HOST, "PowerOffRequired") == ("True", "PowerOffRequired")
    for field in ("virtualization.nestedHV", "hardware.cpus"):
        assert field in bench.message(HOST)
    bench.vcenter.switch_power(ref, on=False)
    await bench.run()
    assert bench.vcenter.mutations == ["reconfigure"]
    assert bench.condition(HOST) == ("True", "Succeeded")
    assert only_host(bench).power_state == "poweredOff", "powering it on again is not the operator's business"


async def test_a_graceful_policy_shuts_down_changes_and_starts_again(bench: Workbench) -> None:
    ref = await running(bench, disruption={"policy": "Graceful"})

    bench.vcenter.change(ref, nested_hv=False)
    await bench.run()

    assert bench.vcenter.mutations == ["shutdown_guest", "reconfigure", "power_on"]
    assert bench.condition(HOST) == ("True", "Succeeded")
    assert "powerOnPending" not in bench.api.status(HOST)


async def test_the_promise_to_start_it_again_is_on_record_before_the_guest_is_asked(bench: Workbench) -> None:
    ref = await running(bench, disruption={"policy": "Graceful"})
    promised: list[object] = []
    original = bench.vcenter.shutdown_guest

    async def shutdown_guest(ref: MoRef) -> bool:
        promised.append(bench.api.status(HOST).get("powerOnPending"))
        return await original(ref)

    bench.vcenter.shutdown_guest = shutdown_guest  # type: ignore[method-assign]
    bench.vcenter.change(ref, nested_hv=False)
    await bench.run()

    assert promised == [True]


async def test_the_mark_is_read_again_between_that_record_and_the_shutdown(bench: Workbench) -> None:
    ref = await running(bench, disruption={"policy": "Graceful"})

    def stolen(verb: str, key: object) -> None:
        if (verb, key) == ("status", HOST):
            bench.vcenter.change_mark(ref, "")

    bench.vcenter.change(ref, nested_hv=False)
    bench.api.before_write = stolen
    await bench.run()

    assert bench.vcenter.mutations == []
    assert bench.condition(HOST) == ("False", "OwnershipLost")


async def test_the_operator_that_dies_after_the_shutdown_still_starts_the_guest(bench: Workbench) -> None:
    ref = await running(bench, disruption={"policy": "Graceful"})
    bench.vcenter.guests_obey = False
    bench.vcenter.change(ref, nested_hv=False)
    await bench.run()

    bench.start()
    bench.vcenter.switch_power(ref, on=False)
    await bench.run()

    assert only_host(bench).power_state == "poweredOn"
    assert only_host(bench).nested_hv


async def test_a_start_is_not_made_when_the_policy_has_been_withdrawn(bench: Workbench) -> None:
    ref = await running(bench, disruption={"policy": "Graceful"})
    bench.vcenter.guests_obey = False
    bench.vcenter.change(ref, nested_hv=False)
    await bench.run()
    assert bench.api.status(HOST)["powerOnPending"] is True

    bench.api.edit(HOST, disruption={"policy": "Never"})
    await bench.run()
    bench.vcenter.switch_power(ref, on=False)
    await bench.run()

    assert only_host(bench).power_state == "poweredOff"
    assert bench.condition(HOST) == ("True", "Succeeded")


async def test_a_guest_that_does_not_obey_keeps_running_under_graceful(bench: Workbench) -> None:
    ref = await running(bench, disruption={"policy": "Graceful", "gracefulTimeoutSeconds": 60})
    bench.vcenter.guests_obey = False

    bench.vcenter.change(ref, nested_hv=False)
    await bench.run()
    await bench.after(61)
    await bench.after(600)

    assert bench.vcenter.mutations == ["shutdown_guest"]
    assert bench.condition(HOST) == ("False", "PowerOffRequired")
    assert only_host(bench).power_state == "poweredOn"


async def test_a_guest_that_does_not_obey_is_powered_off_under_force_and_only_after_the_time(bench: Workbench) -> None:
    ref = await running(bench, disruption={"policy": "Force", "gracefulTimeoutSeconds": 60})
    bench.vcenter.guests_obey = False

    bench.vcenter.change(ref, nested_hv=False)
    await bench.run()
    await bench.after(50)
    assert bench.vcenter.mutations == ["shutdown_guest"]
    await bench.after(15)

    assert bench.vcenter.mutations == ["shutdown_guest", "power_off", "reconfigure", "power_on"]
    assert bench.condition(HOST) == ("True", "Succeeded")


async def test_a_guest_whose_tools_are_gone_when_asked_is_not_waited_for(bench: Workbench) -> None:
    ref = await running(bench, disruption={"policy": "Force", "gracefulTimeoutSeconds": 600})

    async def nobody_listens(ref: MoRef) -> bool:
        bench.vcenter.calls.append("shutdown_guest")
        return ref not in bench.vcenter.machines

    bench.vcenter.shutdown_guest = nobody_listens  # type: ignore[method-assign]
    bench.vcenter.change(ref, nested_hv=False)
    await bench.run()

    assert bench.vcenter.mutations == ["shutdown_guest", "power_off", "reconfigure", "power_on"]
    assert "ShutdownRequested" not in bench.events.reasons


async def test_a_host_that_was_powered_off_is_powered_on_if_the_spec_says_so(bench: Workbench) -> None:
    ref = await created(bench, powerState="On")

    bench.vcenter.switch_power(ref, on=False)
    await bench.run()

    assert bench.vcenter.mutations == ["power_on"]
    assert bench.writes(HOST) == ["status"]
    assert bench.condition(HOST) == ("True", "Succeeded")


async def test_a_deleted_vm_is_missing_and_costs_no_look_at_the_template(bench: Workbench) -> None:
    ref = await created(bench)
    (template,) = (m.ref for m in bench.vcenter.machines.values() if m.template)
    bench.vcenter.remove(template)

    bench.vcenter.remove(ref)
    await bench.run()

    assert bench.condition(HOST) == ("False", "Missing")
    assert "find_virtual_machine" not in bench.vcenter.calls
    assert bench.vcenter.mutations == []


async def test_a_vm_that_is_registered_again_is_found_by_its_uuid_and_watched(bench: Workbench) -> None:
    ref = await created(bench)
    again = replace(only_host(bench), ref=MoRef("VirtualMachine", "vm-again"))
    bench.vcenter.remove(ref)
    bench.vcenter.add(again)

    await bench.ready(HOST)
    bench.forget_log()
    bench.queue.add(HOST)
    await bench.run()

    assert bench.api.status(HOST)["moRef"] == "vm-again"
    assert (bench.vcenter.calls, bench.api.writes) == ([], [])


async def test_a_deleted_vm_comes_back_only_when_all_hosts_answer_and_vcenter_has_settled(bench: Workbench) -> None:
    ref = await created(bench, onExternalDelete="Recreate")
    (host,) = bench.vcenter.hosts
    bench.vcenter.connected_for = 10.0
    bench.vcenter.change(host, connection_state="notResponding")

    bench.vcenter.remove(ref)
    await bench.run()
    assert (bench.condition(HOST), bench.vcenter.mutations) == (("False", "Missing"), [])
    bench.vcenter.change(host, connection_state="connected")
    await bench.run()
    assert (bench.condition(HOST), bench.vcenter.mutations) == (("False", "Missing"), [])
    bench.vcenter.connected_for = 1000.0
    await bench.after(300)

    assert bench.vcenter.mutations[0] == "clone"
    assert bench.condition(HOST) == ("True", "Succeeded")
    assert bench.api.status(HOST)["moRef"] == only_host(bench).ref.value


async def test_an_inaccessible_vm_is_not_missing_and_not_touched(bench: Workbench) -> None:
    ref = await created(bench, onExternalDelete="Recreate")

    bench.vcenter.change(ref, config_available=False, connection_state="inaccessible", detail=None)
    await bench.run()

    assert bench.condition(HOST) == ("False", "Inaccessible")
    assert bench.vcenter.mutations == []


async def test_deletion_shuts_the_guest_down_then_destroys(bench: Workbench) -> None:
    await running(bench)

    bench.api.delete(HOST)
    await bench.run()

    assert bench.vcenter.mutations == ["shutdown_guest", "destroy"]
    assert HOST not in bench.api.objects


async def test_deletion_powers_a_deaf_guest_off_after_the_grace_period(bench: Workbench) -> None:
    await running(bench)
    bench.vcenter.guests_obey = False

    bench.api.delete(HOST)
    await bench.run()
    assert bench.vcenter.mutations == ["shutdown_guest"]
    await bench.after(301)

    assert bench.vcenter.mutations == ["shutdown_guest", "power_off", "destroy"]
    assert HOST not in bench.api.objects


async def test_deletion_without_tools_goes_on_at_once(bench: Workbench) -> None:
    ref = await created(bench)
    bench.vcenter.switch_power(ref, on=True, tools=False)
    await bench.run()

    bench.api.delete(HOST)
    await bench.run()

    assert bench.vcenter.mutations == ["power_off", "destroy"]


async def test_policy_never_blocks_the_deletion_of_a_running_host(bench: Workbench) -> None:
    ref = await running(bench, disruption={"policy": "Never"})

    bench.api.delete(HOST)
    await bench.run()
    assert bench.vcenter.mutations == []
    assert bench.condition(HOST) == ("False", "DeletionBlocked")

    bench.vcenter.switch_power(ref, on=False)
    await bench.run()
    assert bench.vcenter.mutations == ["destroy"]


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


async def test_an_inaccessible_vm_blocks_its_deletion_until_it_is_orphaned(bench: Workbench) -> None:
    ref = await created(bench)
    bench.vcenter.change(ref, config_available=False, connection_state="inaccessible", detail=None)

    bench.api.delete(HOST)
    await bench.run()
    assert bench.condition(HOST) == ("False", "DeletionBlocked")
    assert "nestedhv.io/orphan" in bench.message(HOST)
    bench.api.annotate(HOST, orphan="true")
    await bench.run()

    assert HOST not in bench.api.objects
    assert ref in bench.vcenter.machines
    assert "Orphaned" in bench.events.reasons


async def test_an_adopted_vm_keeps_its_uuid_and_stays_when_its_resource_goes(bench: Workbench) -> None:
    bench.api.delete(SECRET)
    bench.connect(allowAdoption="true")
    theirs = bench.vcenter.add(samples.virtual_machine("theirs", nics=[samples.nic(4000)], cpus=8))
    bench.declare(HOST, {"nestedhv.io/adopt": theirs.value}, networks=[NETWORK], name="theirs")
    await bench.ready(HOST)
    machine = bench.vcenter.machines[theirs]
    assert machine.instance_uuid == "50000000-0000-0000-0000-000000000001"
    assert mark_of(machine).adopted
    assert bench.api.status(HOST)["deletionPolicy"] == "Retain"
    assert "clone" not in bench.vcenter.calls

    bench.api.delete(HOST)
    await bench.run()

    machine = bench.vcenter.machines[theirs]
    assert machine.detail is not None
    assert machine.detail.mark == ""
    assert HOST not in bench.api.objects


async def test_without_permission_nothing_is_adopted(bench: Workbench) -> None:
    theirs = bench.vcenter.add(samples.virtual_machine("theirs"))
    bench.declare(HOST, {"nestedhv.io/adopt": theirs.value})

    await bench.run()

    assert bench.vcenter.mutations == []
    assert bench.condition(HOST) == ("False", "AdoptionNotAllowed")


async def test_an_adoption_of_nothing_creates_nothing(bench: Workbench) -> None:
    bench.declare(HOST, {"nestedhv.io/adopt": "vm-404"})

    await bench.run()

    assert bench.vcenter.mutations == []
    assert bench.condition(HOST) == ("False", "NotFound")
    assert "vm-404" in bench.message(HOST)


async def test_a_vm_that_was_adopted_once_is_still_a_loan_when_it_is_retaken(bench: Workbench) -> None:
    bench.api.delete(SECRET)
    bench.connect(allowAdoption="true")
    theirs = bench.vcenter.add(samples.virtual_machine("theirs", nics=[samples.nic(4000)]))
    bench.declare(HOST, {"nestedhv.io/adopt": theirs.value}, networks=[NETWORK], name="theirs")
    await bench.ready(HOST)
    bench.api.force_finalizers(HOST)
    bench.api.delete(HOST)

    bench.declare(HOST, {"nestedhv.io/adopt": theirs.value}, networks=[NETWORK], name="theirs")
    await bench.ready(HOST)

    assert bench.api.status(HOST)["deletionPolicy"] == "Retain"
    assert mark_of(bench.vcenter.machines[theirs]).owner == bench.identity(HOST).owner


async def test_a_resource_that_is_to_adopt_what_does_not_exist_can_be_deleted(bench: Workbench) -> None:
    bench.declare(HOST, networks=[{"name": "lan", "portGroupRef": {"name": "absent"}}])
    await bench.run()
    bench.api.annotate(HOST, adopt="vm-404")
    await bench.run()
    assert bench.condition(HOST) == ("False", "NotFound")

    bench.api.delete(HOST)
    await bench.run()

    assert HOST not in bench.api.objects


async def test_the_clone_that_follows_an_adopted_vm_is_found_by_its_own_uuid(bench: Workbench) -> None:
    bench.api.delete(SECRET)
    bench.connect(allowAdoption="true")
    theirs = bench.vcenter.add(samples.virtual_machine("theirs"))
    bench.declare(HOST, {"nestedhv.io/adopt": theirs.value}, name="theirs", onExternalDelete="Recreate")
    await bench.ready(HOST)
    bench.vcenter.holding = True
    bench.vcenter.remove(theirs)
    await bench.run()
    assert bench.vcenter.mutations[-1] == "clone"

    bench.start()  # status still names the UUID of the adopted one
    bench.vcenter.holding = False
    await bench.run()
    await bench.after(10)

    assert bench.condition(HOST) == ("True", "Succeeded")
    assert bench.vcenter.mutations.count("clone") == 1


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
