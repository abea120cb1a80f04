"""A VM that is adopted, retaken, copied, lost or out of sight: whose it is, and what may be done to it."""

from dataclasses import replace

from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.domain.ownership import Mark
from support import vsphere_records as samples
from support.workbench import HOST, SECRET, Workbench

NETWORK = {"name": "lan", "network": "VM Network"}


async def test_a_mark_inherited_from_the_template_is_overwritten(bench: Workbench) -> None:
    (template,) = bench.vcenter.machines
    bench.vcenter.change_mark(template, Mark("a" * 8, "b", instance_uuid="c").for_virtual_machine())

    await bench.create(HOST, networks=[NETWORK])

    assert bench.mark.owner == bench.identity(HOST).owner


async def test_a_strangers_clone_of_our_vm_changes_nothing_and_is_never_touched(bench: Workbench) -> None:
    await bench.create(HOST, networks=[NETWORK])
    copy = replace(bench.machine, ref=MoRef("VirtualMachine", "vm-copy"), name="copy", instance_uuid="other")
    bench.vcenter.add(copy)

    bench.start()
    await bench.run()
    bench.api.delete(HOST)
    await bench.run()

    assert bench.vcenter.machines[copy.ref] == copy
    assert HOST not in bench.api.objects


async def test_a_vm_whose_uuid_is_not_that_of_its_mark_is_an_identity_conflict(bench: Workbench) -> None:
    ref = await bench.create(HOST, networks=[NETWORK])
    bench.vcenter.change(ref, instance_uuid="50000000-0000-0000-0000-00000000dead", cpus=2)

    await bench.run()
    assert bench.condition(HOST) == ("False", "IdentityConflict")
    bench.api.delete(HOST)
    await bench.run()

    assert bench.vcenter.mutations == []
    assert ref in bench.vcenter.machines


async def test_a_deleted_vm_is_missing_and_costs_no_look_at_the_template(bench: Workbench) -> None:
    ref = await bench.create(HOST, networks=[NETWORK])
    (template,) = (m.ref for m in bench.vcenter.machines.values() if m.template)
    bench.vcenter.remove(template)

    bench.vcenter.remove(ref)
    await bench.run()

    assert bench.condition(HOST) == ("False", "Missing")
    assert "find_virtual_machine" not in bench.vcenter.calls
    assert bench.vcenter.mutations == []


async def test_a_vm_that_is_registered_again_is_found_by_its_uuid_and_watched(bench: Workbench) -> None:
    ref = await bench.create(HOST, networks=[NETWORK])
    again = replace(bench.machine, ref=MoRef("VirtualMachine", "vm-again"))
    bench.vcenter.remove(ref)
    bench.vcenter.add(again)

    await bench.ready(HOST)
    bench.forget_log()
    bench.queue.add(HOST)
    await bench.run()

    assert bench.api.status(HOST)["moRef"] == "vm-again"
    assert (bench.vcenter.calls, bench.api.writes) == ([], [])


async def test_a_deleted_vm_comes_back_only_when_all_hosts_answer_and_vcenter_has_settled(bench: Workbench) -> None:
    ref = await bench.create(HOST, networks=[NETWORK], onExternalDelete="Recreate")
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
    assert bench.api.status(HOST)["moRef"] == bench.machine.ref.value


async def test_an_inaccessible_vm_is_not_missing_and_not_touched(bench: Workbench) -> None:
    ref = await bench.create(HOST, networks=[NETWORK], onExternalDelete="Recreate")

    bench.vcenter.change(ref, config_available=False, connection_state="inaccessible", detail=None)
    await bench.run()

    assert bench.condition(HOST) == ("False", "Inaccessible")
    assert bench.vcenter.mutations == []


async def test_an_inaccessible_vm_blocks_its_deletion_until_it_is_orphaned(bench: Workbench) -> None:
    ref = await bench.create(HOST, networks=[NETWORK])
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
    assert bench.mark.adopted
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
    assert bench.mark.owner == bench.identity(HOST).owner


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
