"""A port group that is taken over or let go: what is ours goes, what is not stays."""

from nested_hyperv.domain.errors import PermissionDenied
from nested_hyperv.domain.inventory import MoRef, PortGroup, Switch
from support import vsphere_records as samples
from support.workbench import PORT_GROUP, SECRET, Workbench


async def test_deletion_destroys_what_is_ours_and_lets_the_secret_go(bench: Workbench) -> None:
    await bench.create(PORT_GROUP)

    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert bench.vcenter.port_groups == {}
    assert bench.vcenter.mutations == ["destroy"]
    assert PORT_GROUP not in bench.api.objects
    assert len(bench.writes(PORT_GROUP)) <= 2
    assert bench.api.finalizers(SECRET) == []
    assert "Deleted" in bench.events.reasons


async def test_deletion_waits_for_whoever_is_attached_and_goes_on_when_they_leave(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
    key = bench.port_group.key
    vm = bench.vcenter.add(samples.virtual_machine("stranger", nics=[samples.nic(4000, key)]))

    bench.api.delete(PORT_GROUP)
    await bench.run()
    assert bench.vcenter.mutations == []
    assert bench.condition(PORT_GROUP) == ("False", "DeletionBlocked")
    assert "stranger" in bench.message(PORT_GROUP)

    bench.vcenter.remove(vm)
    await bench.run()
    assert ref not in bench.vcenter.port_groups
    assert PORT_GROUP not in bench.api.objects


async def test_somebody_who_attaches_at_the_last_moment_is_not_cut_off(bench: Workbench) -> None:
    await bench.create(PORT_GROUP)
    key = bench.port_group.key
    machines = iter([samples.virtual_machine("late", nics=[samples.nic(4000, key)])])

    def attach(_: MoRef) -> None:
        for machine in machines:
            bench.vcenter.add(machine)

    bench.vcenter.after_read = attach
    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert len(bench.vcenter.port_groups) == 1
    assert bench.condition(PORT_GROUP) == ("False", "DeletionBlocked")
    assert "late" in bench.message(PORT_GROUP) or "in use" in bench.message(PORT_GROUP)


async def test_retain_takes_the_mark_away_and_leaves_the_object(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP, deletionPolicy="Retain")
    group = bench.port_group
    bench.vcenter.change(ref, description=f"{group.description} kept for Anna")

    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert bench.vcenter.port_groups[ref].description == "kept for Anna"
    assert bench.vcenter.mutations == ["reconfigure_port_group"]
    assert PORT_GROUP not in bench.api.objects
    assert bench.events.reasons[-1] == "Released"


async def test_a_mark_that_vsphere_does_not_take_away_is_told_and_not_written_again_and_again(bench: Workbench) -> None:
    await bench.create(PORT_GROUP, deletionPolicy="Retain")
    bench.vcenter.ignores = {"description"}

    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert bench.vcenter.mutations == ["reconfigure_port_group"]
    assert bench.condition(PORT_GROUP) == ("False", "DeletionBlocked")
    assert "mark stayed this resource" in bench.message(PORT_GROUP)

    bench.vcenter.ignores = set()
    await bench.after(300)
    assert PORT_GROUP not in bench.api.objects


async def test_a_resource_that_is_to_adopt_what_does_not_exist_can_be_deleted(bench: Workbench) -> None:
    bench.vcenter.fail_calls["create_port_group"] = [PermissionDenied("lacks DVPortgroup.Create")] * 9
    bench.declare(PORT_GROUP)
    await bench.run()
    bench.api.annotate(PORT_GROUP, adopt="dvportgroup-404")
    await bench.run()
    assert bench.condition(PORT_GROUP) == ("False", "NotFound")

    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert PORT_GROUP not in bench.api.objects


async def test_an_adopted_port_group_that_was_deleted_is_made_anew_although_the_annotation_stays(
    bench: Workbench,
) -> None:
    bench.api.delete(SECRET)
    bench.connect(allowAdoption="true")
    theirs = bench.vcenter.add(samples.port_group("dvportgroup-7"))
    bench.declare(PORT_GROUP, {"nestedhv.io/adopt": theirs.value})
    await bench.ready(PORT_GROUP)
    assert bench.api.status(PORT_GROUP)["deletionPolicy"] == "Retain"

    bench.vcenter.remove(theirs)
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert bench.api.status(PORT_GROUP)["moRef"] != theirs.value
    assert bench.api.status(PORT_GROUP)["deletionPolicy"] == "Delete"


async def test_what_has_the_name_is_adopted_by_policy_and_stopped_at_when_its_mark_is_lost(bench: Workbench) -> None:
    bench.api.delete(SECRET)
    bench.connect(allowAdoption="true")
    theirs = bench.vcenter.add(samples.port_group(PORT_GROUP.name))

    bench.declare(PORT_GROUP, adoptionPolicy="Adopt")
    await bench.ready(PORT_GROUP)

    assert bench.vcenter.mutations == ["reconfigure_port_group"]
    status = bench.api.status(PORT_GROUP)
    assert (status["moRef"], status["deletionPolicy"]) == (theirs.value, "Retain")

    bench.vcenter.change(theirs, description="")
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("False", "OwnershipLost")
    assert bench.vcenter.mutations == ["reconfigure_port_group"]


async def test_what_observe_would_adopt_is_adopted_when_enforce_approves_it(bench: Workbench) -> None:
    bench.api.delete(SECRET)
    bench.connect(allowAdoption="true")
    theirs = bench.vcenter.add(samples.port_group(PORT_GROUP.name))
    bench.declare(PORT_GROUP, adoptionPolicy="Adopt", managementPolicy="Observe")
    await bench.run()
    assert bench.condition(PORT_GROUP) == ("False", "WouldChange")
    assert bench.vcenter.mutations == []

    bench.api.edit(PORT_GROUP, managementPolicy="Enforce")
    await bench.ready(PORT_GROUP)

    assert bench.vcenter.mutations == ["reconfigure_port_group"]
    assert bench.api.status(PORT_GROUP)["moRef"] == theirs.value


async def test_our_own_port_group_is_recognised_by_its_mark_when_only_its_name_leads_to_it(bench: Workbench) -> None:
    """The index of owners may not know yet what a lost call has made; the mark on the object does."""
    bench.vcenter.lose_answers.add("create_port_group")

    async def knows_nothing(switch: Switch, owner: str) -> list[PortGroup]:
        bench.vcenter.calls.append(f"{owner} on {switch.name}?")
        return []

    bench.vcenter.find_port_group_by_owner = knows_nothing  # type: ignore[method-assign]
    bench.declare(PORT_GROUP)
    await bench.run()
    await bench.after(10)

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert "NameTaken" not in bench.events.reasons
    assert len(bench.vcenter.port_groups) == 1


async def test_a_recreated_resource_takes_its_object_back_with_what_its_mark_remembers(bench: Workbench) -> None:
    bench.vcenter.add(samples.switch("6.5.0", learns=False))
    bench.declare(PORT_GROUP)
    await bench.run()
    ref = bench.port_group.ref
    assert bench.api.status(PORT_GROUP)["mode"] == "Promiscuous"
    bench.api.force_finalizers(PORT_GROUP)
    bench.api.delete(PORT_GROUP)
    bench.vcenter.add(samples.switch("8.0.3", learns=True))

    bench.declare(PORT_GROUP)
    await bench.run()
    assert bench.condition(PORT_GROUP) == ("False", "NameTaken")
    bench.api.annotate(PORT_GROUP, adopt=ref.value)
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    status = bench.api.status(PORT_GROUP)
    assert (status["moRef"], status["mode"], status["deletionPolicy"]) == (ref.value, "Promiscuous", "Delete")


async def test_a_switch_that_vanished_before_anything_was_created_does_not_block_the_deletion(bench: Workbench) -> None:
    bench.vcenter.fail_calls["create_port_group"] = [PermissionDenied("lacks DVPortgroup.Create")] * 9
    bench.declare(PORT_GROUP)
    await bench.run()
    assert bench.api.status(PORT_GROUP)["vCenter"]
    bench.vcenter.remove(samples.SWITCH)

    bench.api.delete(PORT_GROUP)
    await bench.run()

    assert PORT_GROUP not in bench.api.objects


async def test_a_switch_that_cannot_be_found_while_the_port_group_exists_keeps_the_resource(bench: Workbench) -> None:
    await bench.create(PORT_GROUP)
    bench.vcenter.change(samples.SWITCH, name="renamed", path="/dc1/network/renamed")
    bench.api.wipe_status(PORT_GROUP)
    bench.api.status(PORT_GROUP)["vCenter"] = bench.vcenter.uuid

    bench.api.delete(PORT_GROUP)
    bench.start()
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("False", "DeletionBlocked")
    assert len(bench.vcenter.port_groups) == 1
