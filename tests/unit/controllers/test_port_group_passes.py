"""A port group that is created, kept and changed: how many calls and writes each situation costs."""

from dataclasses import replace

from nested_hyperv.domain.inventory import MoRef
from support import vsphere_records as samples
from support.workbench import HOST, PORT_GROUP, SECRET, Workbench


async def test_creation_is_a_finalizer_then_the_recorded_vcenter_then_one_create_then_ready(bench: Workbench) -> None:
    seen: list[tuple[str, object, list[str]]] = []
    bench.api.before_write = lambda verb, key: seen.append(
        (verb, bench.api.objects[key].get("status", {}).get("vCenter"), list(bench.vcenter.mutations))
    )
    bench.declare(PORT_GROUP)

    await bench.ready(PORT_GROUP)

    assert bench.api.writes == [
        ("finalizers", SECRET),
        ("finalizers", PORT_GROUP),
        ("status", PORT_GROUP),
        ("status", PORT_GROUP),
    ]
    assert bench.vcenter.mutations == ["create_port_group"]
    # Until the third write nothing had been called; before the last one vCenter was on record.
    assert [calls for _, _, calls in seen] == [[], [], [], ["create_port_group"]]
    assert seen[-1][1] == "vcenter-1"
    assert bench.api.status(PORT_GROUP)["moRef"] == bench.port_group.ref.value
    assert bench.events.reasons == ["Created", "Succeeded"]


async def test_a_pass_without_work_makes_no_call_and_no_write(bench: Workbench) -> None:
    await bench.create(PORT_GROUP)

    for _ in range(3):
        bench.queue.add(PORT_GROUP)
        await bench.run()

    assert (bench.vcenter.calls, bench.api.writes, bench.events.entries) == ([], [], [])


async def test_a_restart_makes_no_write(bench: Workbench) -> None:
    await bench.create(PORT_GROUP)

    bench.start()
    await bench.run()

    assert bench.api.writes == []
    assert bench.vcenter.calls == []


async def test_a_drift_costs_one_live_read_one_write_and_one_status(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
    before = bench.api.status(PORT_GROUP)["conditions"]

    bench.vcenter.change(ref, mac_management=samples.mac_policy(allow_promiscuous=True))
    await bench.run()

    assert bench.port_group.mac_management == samples.mac_policy()
    assert bench.vcenter.mutations == ["reconfigure_port_group"]
    read = bench.vcenter.calls.index("reconfigure_port_group")
    assert bench.vcenter.calls[:read].count("read_port_group") == 1
    assert bench.writes(PORT_GROUP) == ["status"]
    status = bench.api.status(PORT_GROUP)
    assert status["conditions"] == before, "it stayed Ready"
    assert status["lastRepair"]["changes"] == [{"field": "promiscuous", "from": "true", "to": "false"}]
    assert bench.meter.repairs == [("NestedPortGroup", "promiscuous")]
    assert bench.events.reasons == ["Repaired"]


async def test_a_cache_that_lags_behind_starts_nothing(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
    good = bench.port_group
    bench.vcenter.change(ref, vlan=7)
    bench.vcenter.push()  # the operator is told of the drift ...
    bench.vcenter.add(good)  # ... which is gone again when it looks

    await bench.work()

    assert bench.vcenter.mutations == []
    assert bench.api.writes == []


async def test_what_changes_between_reading_and_writing_is_read_again(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
    changes = iter([30])

    def somebody_is_faster(read: MoRef) -> None:
        for vlan in changes:
            bench.vcenter.change(read, vlan=vlan)

    bench.vcenter.after_read = somebody_is_faster
    bench.vcenter.change(ref, vlan=20)
    await bench.run()  # the fence refuses the first write
    await bench.after(5)

    assert bench.port_group.vlan == 0
    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")


async def test_an_object_that_lost_its_mark_is_not_written_even_when_the_cache_still_shows_it(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
    bench.vcenter.change(ref, vlan=20)
    bench.vcenter.push()
    bench.vcenter.change(ref, description="mine now")  # not pushed yet

    await bench.work()

    assert bench.vcenter.mutations == []
    assert bench.condition(PORT_GROUP) == ("False", "OwnershipLost")


async def test_a_port_group_that_was_deleted_is_created_again_and_stays_ready(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)

    bench.vcenter.remove(ref)
    await bench.run()

    assert bench.vcenter.mutations == ["create_port_group"]
    assert bench.api.status(PORT_GROUP)["moRef"] == bench.port_group.ref.value != ref.value
    assert bench.writes(PORT_GROUP) == ["status"]
    assert "Recreated" in bench.events.reasons


async def test_with_policy_report_a_deleted_port_group_is_missing_and_stays_so(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP, onExternalDelete="Report")

    bench.vcenter.remove(ref)
    await bench.run()
    await bench.after(400)

    assert bench.vcenter.mutations == []
    assert bench.condition(PORT_GROUP) == ("False", "Missing")
    assert bench.writes(PORT_GROUP) == ["status"], "told once"


async def test_an_object_that_has_a_new_id_is_watched_under_it_and_only_there(bench: Workbench) -> None:
    """A pass must not go back to the id that it was born with: that would never end."""
    ref = await bench.create(PORT_GROUP)
    moved = replace(bench.port_group, ref=MoRef(ref.type, "dvportgroup-999"))
    bench.vcenter.remove(ref)
    bench.vcenter.add(moved)

    await bench.run()
    bench.forget_log()
    for _ in range(3):
        bench.queue.add(PORT_GROUP)
        await bench.run()

    assert bench.api.status(PORT_GROUP)["moRef"] == "dvportgroup-999"
    assert bench.vcenter.calls == []


async def test_without_status_the_object_is_found_by_its_mark_and_not_made_again(bench: Workbench) -> None:
    ref = await bench.create(PORT_GROUP)
    bench.vcenter.change(ref, name="renamed-by-hand")

    bench.api.wipe_status(PORT_GROUP)
    bench.start()
    await bench.run()

    assert "create_port_group" not in bench.vcenter.calls
    assert bench.api.status(PORT_GROUP)["moRef"] == ref.value
    assert bench.port_group.name == "inner"


async def test_a_spec_change_is_written_and_told_as_what_it_is(bench: Workbench) -> None:
    await bench.create(PORT_GROUP)

    bench.api.edit(PORT_GROUP, vlan={"id": 120})
    await bench.run()

    assert bench.port_group.vlan == 120
    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert bench.api.status(PORT_GROUP)["observedGeneration"] == 2
    assert "lastRepair" not in bench.api.status(PORT_GROUP)
    assert "Reconfigured" in bench.events.reasons
    assert "Repaired" not in bench.events.reasons


async def test_a_status_never_vouches_for_a_spec_that_came_later(bench: Workbench) -> None:
    """Argo CD and kstatus take observedGeneration as the operator's word."""
    await bench.create(PORT_GROUP)
    bench.api.edit(PORT_GROUP, vlan={"id": 120})

    def somebody_edits(read: MoRef) -> None:
        if bench.vcenter.port_groups[read].vlan == 120 and bench.api.objects[PORT_GROUP]["metadata"]["generation"] == 2:
            bench.api.edit(PORT_GROUP, vlan={"id": 130})

    bench.vcenter.after_read = somebody_edits
    vouched: list[tuple[int, str, str]] = []
    original = bench.api.apply_status

    async def apply_status(key, resource_version, status):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        vouched.append((status["observedGeneration"], status["vlan"], status["conditions"][0]["status"]))
        return await original(key, resource_version, status)

    bench.api.apply_status = apply_status  # type: ignore[method-assign]
    await bench.run()
    await bench.after(5)

    assert (3, "130", "True") in vouched
    assert (3, "120", "True") not in vouched
    assert bench.api.status(PORT_GROUP)["observedGeneration"] == 3
    assert bench.port_group.vlan == 130


async def test_a_name_that_a_stranger_has_is_refused_until_the_stranger_lets_go(bench: Workbench) -> None:
    stranger = bench.vcenter.add(samples.port_group("dvportgroup-7"))
    bench.vcenter.change(stranger, name="inner")
    bench.declare(PORT_GROUP)
    await bench.run()
    assert bench.condition(PORT_GROUP) == ("False", "NameTaken")
    assert bench.vcenter.mutations == []

    bench.vcenter.remove(stranger)
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded"), "woken without any clock"


async def test_a_host_waits_for_its_port_group_and_is_woken_by_it(bench: Workbench) -> None:
    bench.declare(HOST, networks=[{"name": "lan", "portGroupRef": {"name": "inner"}}])
    await bench.run()
    assert bench.condition(HOST) == ("False", "DependencyNotReady")
    assert bench.vcenter.mutations == []

    bench.declare(PORT_GROUP)
    await bench.run()

    assert bench.condition(HOST) == ("True", "Succeeded")
