"""Virtual machines: placed by name, cloned in one call, changed behind a fence, and seen with their devices."""

import uuid
from collections.abc import Mapping
from dataclasses import replace

import pytest
from pyVmomi import vim

from bed.soap import connect, find, result_of
from bed.twin import OPERATOR, Twin
from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Blocked, Concurrent, NameTaken, PowerOffNeeded
from nested_hyperv.domain.inventory import (
    CloneRequest,
    MoRef,
    NetworkAdapterEdit,
    Placement,
    PlacementRequest,
    TaskState,
    VirtualMachine,
    VirtualMachineSettings,
)
from nested_hyperv.vsphere.vcenter import VCenter

from .conftest import KEY, Adapter

IN_CLUSTER = PlacementRequest(
    datacenter="DC0", cluster="DC0_C0", host=None, resource_pool=None, folder=None, datastore="LocalDS_0"
)
SOURCE = "DC0_C0_RP0_VM0"


@pytest.fixture
async def placement(vcenter: VCenter) -> Placement:
    return await vcenter.resolve_placement(IN_CLUSTER)


@pytest.fixture
async def machine(adapter: Adapter, vcenter: VCenter, placement: Placement) -> VirtualMachine:
    """A clone of ours, powered off."""
    return await cloned(adapter, vcenter, placement, "hv1", VirtualMachineSettings(cpus=2, memory_mib=4096))


async def cloned(
    adapter: Adapter, vcenter: VCenter, placement: Placement, name: str, settings: VirtualMachineSettings
) -> VirtualMachine:
    source, _ = await vcenter.find_virtual_machine("DC0", SOURCE)
    request = CloneRequest(source.ref, name, placement, str(uuid.uuid4()), settings)
    task = await adapter.end_of(vcenter, await vcenter.clone(KEY, request))
    assert task.result is not None, task.error
    record = await vcenter.read_virtual_machine(task.result)
    assert record is not None
    assert record.instance_uuid == request.instance_uuid
    return record


# --- finding ----------------------------------------------------------------------------------------------------------


async def test_a_placement_is_resolved_with_every_path_that_it_touches(placement: Placement) -> None:
    assert placement.paths == (
        "/DC0/host/DC0_C0",
        "/DC0/host/DC0_C0/Resources",
        "/DC0/vm",
        "/DC0/datastore/LocalDS_0",
    )
    assert len(placement.hosts) == 3
    assert placement.host is None


@pytest.mark.parametrize("text", ["DC0_C0_H1", "DC0_C0/DC0_C0_H1", "/DC0/host/DC0_C0/DC0_C0_H1"])
async def test_a_host_is_found_by_name_and_by_path(vcenter: VCenter, text: str) -> None:
    found = await vcenter.resolve_placement(replace(IN_CLUSTER, cluster=None, host=text))
    assert found.host is not None
    assert found.hosts == (found.host,)
    assert "/DC0/host/DC0_C0/DC0_C0_H1" in found.paths
    hosts = await vcenter.read_hosts(found.hosts)
    assert [(host.name, host.usable, host.nested_hv_supported) for host in hosts] == [("DC0_C0_H1", True, True)]


async def test_a_host_says_when_it_cannot_be_used(vcenter: VCenter, placement: Placement, twin: Twin) -> None:
    twin.control.host("DC0_C0_H0", connection_state="disconnected")
    twin.control.host("DC0_C0_H1", maintenance=True)
    twin.control.host("DC0_C0_H2", nested_hv=False)
    hosts = {host.name: host for host in await vcenter.read_hosts(placement.hosts)}
    assert [hosts[f"DC0_C0_H{n}"].usable for n in range(3)] == [False, False, True]
    assert hosts["DC0_C0_H2"].nested_hv_supported is False


@pytest.mark.parametrize(
    ("change", "noun", "told"),
    [
        ({"datacenter": "nope"}, "datacenter", "/DC0"),
        ({"cluster": "nope"}, "cluster", "DC0_C0"),
        ({"cluster": None, "host": "nope"}, "host", "DC0_C0_H0"),
        ({"resource_pool": "nope"}, "resource pool", "/DC0/host/DC0_C0/Resources"),
        ({"folder": "nope"}, "folder", "nope"),
        ({"datastore": "nope"}, "datastore", "LocalDS_0"),
    ],
)
async def test_each_unknown_name_of_a_placement_is_told_with_what_there_is(
    vcenter: VCenter, change: Mapping[str, str | None], noun: str, told: str
) -> None:
    with pytest.raises(Blocked, match=told) as caught:
        await vcenter.resolve_placement(replace(IN_CLUSTER, **change))  # type: ignore[arg-type]
    assert caught.value.reason is Reason.NOT_FOUND
    assert noun in caught.value.message


@pytest.mark.parametrize("text", [SOURCE, f"/DC0/vm/{SOURCE}"])
async def test_a_machine_is_found_by_name_and_by_path_with_its_devices(vcenter: VCenter, text: str) -> None:
    found, path = await vcenter.find_virtual_machine("DC0", text)
    assert (found.name, path, found.detailed) == (SOURCE, f"/DC0/vm/{SOURCE}", True)
    assert found.detail is not None
    assert len(found.detail.adapters) == 1


async def test_a_name_that_fits_twice_is_answered_with_the_paths_to_choose_from(vcenter: VCenter, twin: Twin) -> None:
    with connect(twin) as instance:
        source = find(instance, vim.VirtualMachine, SOURCE)
        folder = source.parent.CreateFolder("lab")
        place = vim.vm.RelocateSpec(pool=source.resourcePool)
        result_of(source.CloneVM_Task(folder, SOURCE, vim.vm.CloneSpec(location=place, powerOn=False, template=False)))
    with pytest.raises(Blocked) as caught:
        await vcenter.find_virtual_machine("DC0", SOURCE)
    assert caught.value.reason is Reason.AMBIGUOUS
    assert f"/DC0/vm/{SOURCE}, /DC0/vm/lab/{SOURCE}" in caught.value.message
    _, path = await vcenter.find_virtual_machine("DC0", f"lab/{SOURCE}")
    assert path == f"/DC0/vm/lab/{SOURCE}"
    placement = await vcenter.resolve_placement(replace(IN_CLUSTER, folder="lab"))
    assert "/DC0/vm/lab" in placement.paths


def without_drs(twin: Twin) -> None:
    """Let the cluster choose no hosts any more, as one without a licence for DRS."""
    with connect(twin) as instance:
        cluster = find(instance, vim.ClusterComputeResource, "DC0_C0")
        change = vim.cluster.ConfigSpecEx(drsConfig=vim.cluster.DrsConfigInfo(enabled=False))
        result_of(cluster.ReconfigureComputeResource_Task(change, modify=True))


async def test_a_clone_into_a_cluster_without_drs_gets_a_host_that_can_run_it(
    adapter: Adapter, vcenter: VCenter, placement: Placement, twin: Twin
) -> None:
    without_drs(twin)
    twin.control.host("DC0_C0_H0", maintenance=True)
    usable = set(placement.hosts) - {await host_named(vcenter, placement, "DC0_C0_H0")}
    source, _ = await vcenter.find_virtual_machine("DC0", SOURCE)
    hosts = set()
    for number in (1, 2):
        request = CloneRequest(
            source.ref, f"hv{number}", placement, str(uuid.UUID(int=number)), VirtualMachineSettings()
        )
        task = await adapter.end_of(vcenter, await vcenter.clone(KEY, request))
        assert task.result is not None, task.error
        made = await vcenter.read_virtual_machine(task.result)
        assert made is not None
        hosts.add(made.host)
    assert hosts == usable, "several machines are spread over the hosts"


async def test_a_cluster_without_drs_and_without_a_usable_host_is_told(
    vcenter: VCenter, placement: Placement, twin: Twin
) -> None:
    without_drs(twin)
    for number in range(3):
        twin.control.host(f"DC0_C0_H{number}", connection_state="disconnected")
    source, _ = await vcenter.find_virtual_machine("DC0", SOURCE)
    request = CloneRequest(source.ref, "hv1", placement, str(uuid.uuid4()), VirtualMachineSettings())
    with pytest.raises(Blocked, match="DC0_C0 has no DRS") as caught:
        await vcenter.clone(KEY, request)
    assert caught.value.reason is Reason.HOST_UNAVAILABLE


async def host_named(vcenter: VCenter, placement: Placement, name: str) -> MoRef:
    return next(host.ref for host in await vcenter.read_hosts(placement.hosts) if host.name == name)


@pytest.mark.parametrize(("written", "shown", "kept"), [("a%2fb", "a/b", "a%2fb"), ("50%", "50%", "50%25")])
async def test_a_name_with_a_slash_or_a_percent_sign_is_found_with_its_path(
    vcenter: VCenter, twin: Twin, written: str, shown: str, kept: str
) -> None:
    with connect(twin) as instance:
        source = find(instance, vim.VirtualMachine, SOURCE)
        place = vim.vm.RelocateSpec(pool=source.resourcePool)
        spec = vim.vm.CloneSpec(location=place, powerOn=False, template=False)
        result_of(source.CloneVM_Task(source.parent, kept, spec))
    found, path = await vcenter.find_virtual_machine("DC0", written)
    assert (found.name, path) == (shown, f"/DC0/vm/{kept}")
    assert await vcenter.find_virtual_machine("DC0", path) == (found, path)


async def test_an_unknown_machine_is_told(vcenter: VCenter) -> None:
    with pytest.raises(Blocked, match="'nope' in datacenter /DC0"):
        await vcenter.find_virtual_machine("DC0", "nope")


async def test_a_network_is_found_with_what_an_adapter_needs_of_it(vcenter: VCenter) -> None:
    network = await vcenter.find_network("DC0", "DC0_DVPG0", fresh=True)
    switch = await vcenter.find_switch("DC0", "DVS0", fresh=True)
    assert (network.portgroup_key, network.switch_uuid) == (network.ref.value, switch.uuid)
    assert await vcenter.network_of(network.ref, fresh=True) == network
    plain = await vcenter.find_network("DC0", "VM Network", fresh=True)
    assert (plain.name, plain.portgroup_key, plain.path) == ("VM Network", None, "/DC0/network/VM Network")


async def test_the_guest_ids_on_offer_are_asked_once(vcenter: VCenter, placement: Placement, twin: Twin) -> None:
    offered = await vcenter.offered_guest_ids(placement.compute, "vmx-21")
    assert "windows2019srvNext_64Guest" in offered
    assert await vcenter.offered_guest_ids(placement.compute, "vmx-21") == offered
    assert twin.control.counters(OPERATOR)["QueryConfigOptionEx"] == 1


# --- creating ---------------------------------------------------------------------------------------------------------


async def test_one_clone_call_carries_identity_mark_hardware_and_networks(
    adapter: Adapter, vcenter: VCenter, placement: Placement, twin: Twin
) -> None:
    network = await vcenter.find_network("DC0", "DC0_DVPG0", fresh=True)
    source, _ = await vcenter.find_virtual_machine("DC0", SOURCE)
    assert source.detail is not None
    kept = source.detail.adapters[0].key
    twin.control.reset_counters()
    settings = VirtualMachineSettings(
        guest_id="windows2019srvNext_64Guest",
        cpus=4,
        cores_per_socket=2,
        memory_mib=8192,
        nested_hv=True,
        mark="the mark",
        adapters=(NetworkAdapterEdit(kept, network), NetworkAdapterEdit(None, network)),
    )
    made = await cloned(adapter, vcenter, placement, "hv1", settings)
    assert (made.name, made.guest_id, made.cpus, made.cores_per_socket, made.memory_mib, made.nested_hv) == (
        "hv1", "windows2019srvNext_64Guest", 4, 2, 8192, True,
    )  # fmt: skip
    assert (made.power_state, made.template, made.config_available) == ("poweredOff", False, True)
    assert made.detail is not None
    assert made.detail.mark == "the mark"
    assert [card.network for card in made.detail.adapters] == [network.portgroup_key] * 2
    changing = [call.method for call in twin.control.calls(user=OPERATOR) if call.method.endswith("_Task")]
    assert changing == ["CloneVM_Task"]


async def test_a_running_clone_of_ours_is_seen_and_one_of_a_stranger_is_not(
    adapter: Adapter, vcenter: VCenter, placement: Placement, twin: Twin
) -> None:
    source, _ = await vcenter.find_virtual_machine("DC0", SOURCE)
    assert await vcenter.running_clones(source.ref) == await vcenter.running_clones(None) == []
    twin.control.hold("CloneVM_Task")
    request = CloneRequest(source.ref, "hv1", placement, str(uuid.uuid4()), VirtualMachineSettings(mark="m"))
    task = await vcenter.clone(KEY, request)
    assert await vcenter.running_clones(source.ref) == await vcenter.running_clones(None) == [task]
    assert await vcenter.running_clones(placement.folder) == [], "nothing is cloned from there"
    assert await vcenter.find_by_instance_uuid(request.instance_uuid) is None
    again = await adapter.end_of(vcenter, await vcenter.clone(KEY, request))
    assert isinstance(again.error, NameTaken)
    twin.control.release()
    done = await adapter.end_of(vcenter, task)
    found = await vcenter.find_by_instance_uuid(request.instance_uuid)
    assert found is not None
    assert found.ref == done.result
    assert await vcenter.running_clones(source.ref) == await vcenter.running_clones(None) == []
    assert await vcenter.find_virtual_machine_by_name(placement, "hv1") == done.result
    assert await vcenter.find_virtual_machine_by_name(placement, "free") is None


# --- changing ---------------------------------------------------------------------------------------------------------


async def test_a_change_is_fenced_by_the_version_that_was_read(
    adapter: Adapter, vcenter: VCenter, machine: VirtualMachine, twin: Twin
) -> None:
    twin.control.drift(machine.ref.value, set={"config.nestedHVEnabled": True})
    change = VirtualMachineSettings(nested_hv=False)
    task = await adapter.end_of(vcenter, await vcenter.reconfigure(KEY, machine, change))
    assert isinstance(task.error, Concurrent)
    fresh = await vcenter.read_virtual_machine(machine.ref)
    assert fresh is not None
    task = await adapter.end_of(vcenter, await vcenter.reconfigure(KEY, fresh, change))
    assert task.state is TaskState.SUCCESS


async def test_a_change_touches_nothing_but_what_it_names(
    adapter: Adapter, vcenter: VCenter, machine: VirtualMachine
) -> None:
    await adapter.end_of(vcenter, await vcenter.reconfigure(KEY, machine, VirtualMachineSettings(nested_hv=True)))
    after = await vcenter.read_virtual_machine(machine.ref)
    assert after is not None
    assert after.detail is not None
    same = replace(machine, change_version=after.change_version, nested_hv=True, detail=after.detail)
    assert after == same
    assert machine.detail is not None
    assert after.detail.adapters == machine.detail.adapters


async def test_what_needs_power_off_says_so(adapter: Adapter, vcenter: VCenter, machine: VirtualMachine) -> None:
    await adapter.end_of(vcenter, await vcenter.power_on(KEY, machine.ref))
    running = await vcenter.read_virtual_machine(machine.ref)
    assert running is not None
    assert running.power_state == "poweredOn"
    for change in (VirtualMachineSettings(nested_hv=True), VirtualMachineSettings(cpus=8)):
        task = await adapter.end_of(vcenter, await vcenter.reconfigure(KEY, running, change))
        assert isinstance(task.error, PowerOffNeeded)


async def test_a_running_machine_with_hot_add_tells_how_far_its_memory_grows(
    vcenter: VCenter, machine: VirtualMachine, twin: Twin
) -> None:
    assert (machine.memory_hot_add_limit, machine.memory_hot_add_step) == (0, 0)
    with connect(twin) as instance:
        vm = find(instance, vim.VirtualMachine, "hv1")
        result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(memoryHotAddEnabled=True)))
        result_of(vm.PowerOnVM_Task())
        limit, step = vm.config.hotPlugMemoryLimit, vm.config.hotPlugMemoryIncrementSize

    record = await vcenter.read_virtual_machine(machine.ref)

    assert record is not None
    assert (record.memory_hot_add, record.memory_hot_add_limit, record.memory_hot_add_step) == (True, limit, step)


async def test_adapters_are_added_moved_and_removed_by_their_key(
    adapter: Adapter, vcenter: VCenter, machine: VirtualMachine
) -> None:
    network = await vcenter.find_network("DC0", "VM Network", fresh=True)
    assert machine.detail is not None
    first = machine.detail.adapters[0]
    edits = (NetworkAdapterEdit(first.key, network), NetworkAdapterEdit(None, network))
    change = VirtualMachineSettings(adapters=edits)
    task = await adapter.end_of(vcenter, await vcenter.reconfigure(KEY, machine, change))
    assert task.state is TaskState.SUCCESS, task.error
    grown = await vcenter.read_virtual_machine(machine.ref)
    assert grown is not None
    assert grown.detail is not None
    moved, added = grown.detail.adapters
    assert (moved.key, moved.mac_address, moved.network) == (first.key, first.mac_address, "VM Network")
    assert (added.kind, added.network) == ("vmxnet3", "VM Network")
    change = VirtualMachineSettings(adapters=(NetworkAdapterEdit(moved.key, None),))
    await adapter.end_of(vcenter, await vcenter.reconfigure(KEY, grown, change))
    shrunk = await vcenter.read_virtual_machine(machine.ref)
    assert shrunk is not None
    assert shrunk.detail is not None
    assert [card.key for card in shrunk.detail.adapters] == [added.key]


async def test_an_adapter_that_is_gone_is_not_edited_by_guess(vcenter: VCenter, machine: VirtualMachine) -> None:
    with pytest.raises(Concurrent, match="4999"):
        await vcenter.reconfigure(KEY, machine, VirtualMachineSettings(adapters=(NetworkAdapterEdit(4999, None),)))


async def test_a_mark_is_written_and_taken_off_again(
    adapter: Adapter, vcenter: VCenter, machine: VirtualMachine
) -> None:
    for mark in ("ours", ""):
        current = await vcenter.read_virtual_machine(machine.ref)
        assert current is not None
        task = await vcenter.reconfigure(KEY, current, VirtualMachineSettings(mark=mark))
        assert (await adapter.end_of(vcenter, task)).state is TaskState.SUCCESS
        after = await vcenter.read_virtual_machine(machine.ref)
        assert after is not None
        assert after.detail is not None
        assert after.detail.mark == mark


# --- power and end ----------------------------------------------------------------------------------------------------


async def test_powering_on_what_is_on_is_no_error(adapter: Adapter, vcenter: VCenter, machine: VirtualMachine) -> None:
    for _ in range(2):
        task = await adapter.end_of(vcenter, await vcenter.power_on(KEY, machine.ref))
        assert task.state is TaskState.SUCCESS, task.error


async def test_a_guest_without_tools_does_not_shut_down_by_itself(
    adapter: Adapter, vcenter: VCenter, machine: VirtualMachine, twin: Twin
) -> None:
    twin.control.guest(machine.ref.value, tools=False)
    await adapter.end_of(vcenter, await vcenter.power_on(KEY, machine.ref))
    assert await vcenter.shutdown_guest(machine.ref) is False


async def test_a_guest_with_tools_shuts_down_and_the_push_says_when(
    adapter: Adapter, vcenter: VCenter, machine: VirtualMachine, twin: Twin
) -> None:
    twin.control.guest(machine.ref.value, tools=True, ip_address="192.0.2.7", host_name="hv1", shutdown_seconds=0.1)
    vcenter.watch(KEY, [machine.ref])
    await adapter.end_of(vcenter, await vcenter.power_on(KEY, machine.ref))

    def seen() -> VirtualMachine:
        record = vcenter.cached(machine.ref)
        assert record is None or isinstance(record, VirtualMachine)
        return record or machine

    await adapter.until(lambda: seen().tools_running and seen().ip_address == "192.0.2.7", "the running guest")
    assert await vcenter.shutdown_guest(machine.ref) is True
    await adapter.until(lambda: seen().power_state == "poweredOff", "the end of the guest")
    assert await vcenter.shutdown_guest(machine.ref) is True


async def test_a_machine_is_destroyed_only_when_off(
    adapter: Adapter, vcenter: VCenter, machine: VirtualMachine
) -> None:
    await adapter.end_of(vcenter, await vcenter.power_on(KEY, machine.ref))
    task = await adapter.end_of(vcenter, await vcenter.destroy(KEY, machine.ref))
    assert isinstance(task.error, PowerOffNeeded)
    await adapter.end_of(vcenter, await vcenter.power_off(KEY, machine.ref))
    task = await adapter.end_of(vcenter, await vcenter.destroy(KEY, machine.ref))
    assert task.state is TaskState.SUCCESS
    assert await vcenter.read_virtual_machine(machine.ref) is None


# --- seeing -----------------------------------------------------------------------------------------------------------


async def test_devices_are_known_to_be_old_once_the_configuration_moved(
    adapter: Adapter, vcenter: VCenter, machine: VirtualMachine, twin: Twin
) -> None:
    vcenter.watch(KEY, [machine.ref])
    await adapter.until(lambda: vcenter.cached(machine.ref), "the first state")
    await vcenter.read_virtual_machine(machine.ref)
    cached = vcenter.cached(machine.ref)
    assert isinstance(cached, VirtualMachine)
    assert cached.detailed
    twin.control.drift(machine.ref.value, set={"config.nestedHVEnabled": True})

    def moved() -> VirtualMachine | None:
        record = vcenter.cached(machine.ref)
        return record if isinstance(record, VirtualMachine) and record.nested_hv else None

    assert not (await adapter.until(moved, "the drift")).detailed


async def test_a_machine_whose_files_are_away_is_there_without_a_configuration(
    vcenter: VCenter, machine: VirtualMachine, twin: Twin
) -> None:
    twin.control.vm(machine.ref.value, connection_state="inaccessible")
    seen = await vcenter.read_virtual_machine(machine.ref)
    assert seen is not None
    assert (seen.config_available, seen.connection_state) == (False, "inaccessible")
    assert await vcenter.find_by_instance_uuid(machine.instance_uuid) is None
