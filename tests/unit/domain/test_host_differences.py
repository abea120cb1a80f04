"""How a VM differs from its spec, and what may be written now."""

from dataclasses import replace
from typing import Any

import pytest

from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.host import GuestOS, NestedHyperVHostSpec
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.host.adapters import WantedAdapter
from nested_hyperv.domain.host.goal import hardware_differences
from nested_hyperv.domain.host.guest_os import GUEST_IDS
from nested_hyperv.domain.host.world import Dependency
from nested_hyperv.domain.inventory import (
    Change,
    Host,
    NetworkAdapterEdit,
    VirtualMachineSettings,
)
from nested_hyperv.domain.ownership import BoundAdapter, parse_mark
from nested_hyperv.domain.plan import PowerOn, ShutdownGuest
from nested_hyperv.domain.verdict import Situation
from support import vsphere_records as samples
from support.host_plans import LAN, marked, ours, plan, reconfigured, refusal
from support.subjects import host_spec


def test_an_equal_vm_is_ready_and_leaves_nothing_to_do() -> None:
    planned = plan(ours())

    assert (planned.actions, planned.changes) == ((), ())
    assert planned.verdict.situation is Situation.READY


FIELDS: list[Any] = [
    ({"name": "renamed"}, {}, Change("name", "renamed", "hv1"), {"name": "hv1"}, False),
    (
        {"guest_id": "otherGuest64"},
        {},
        Change("guestOS", "otherGuest64", "windows2022srvNext_64Guest"),
        {"guest_id": "windows2022srvNext_64Guest"},
        True,
    ),
    ({"cpus": 2}, {}, Change("hardware.cpus", "2", "4"), {"cpus": 4}, True),
    ({"cpus": 8}, {}, Change("hardware.cpus", "8", "4"), {"cpus": 4}, True),
    (
        {"cores_per_socket": 1},
        {"hardware__coresPerSocket": 2},
        Change("hardware.coresPerSocket", "1", "2"),
        {"cores_per_socket": 2},
        True,
    ),
    ({"memory_mib": 4096}, {}, Change("hardware.memoryMiB", "4096", "8192"), {"memory_mib": 8192}, True),
    ({"memory_mib": 16384}, {}, Change("hardware.memoryMiB", "16384", "8192"), {"memory_mib": 8192}, True),
    (
        {"firmware": "bios"},
        {"hardware__firmware": "EFI"},
        Change("hardware.firmware", "bios", "efi"),
        {"firmware": "efi"},
        True,
    ),
    (
        {"secure_boot": False},
        {"hardware__secureBoot": True},
        Change("hardware.secureBoot", "false", "true"),
        {"secure_boot": True},
        False,
    ),
    ({"nested_hv": False}, {}, Change("virtualization.nestedHV", "false", "true"), {"nested_hv": True}, True),
    (
        {"nested_hv": True},
        {"virtualization__nestedHV": False},
        Change("virtualization.nestedHV", "true", "false"),
        {"nested_hv": False},
        True,
    ),
]


@pytest.mark.parametrize(("drift", "spec", "change", "setting", "needs_off"), FIELDS)
def test_each_drifted_field_is_one_change_and_one_setting_and_waits_where_it_must(
    drift: dict[str, Any], spec: dict[str, Any], change: Change, setting: dict[str, Any], needs_off: bool
) -> None:
    stopped = plan(ours(**drift), **spec)
    running = plan(ours(power_state="poweredOn", tools_running=True, **drift), **spec)

    assert stopped.changes == (change,)
    assert reconfigured(stopped) == VirtualMachineSettings(**setting)
    assert running.changes == (change,)
    if needs_off:
        assert running.waiting == (change,)
        assert running.actions == ()
        assert running.verdict.situation is Situation.POWER_OFF_REQUIRED
        assert change.field in running.verdict.message
    else:
        assert reconfigured(running) == VirtualMachineSettings(**setting)


@pytest.mark.parametrize(
    ("actual", "possible"),
    [
        ({"cpus": 2, "cpu_hot_add": True}, True),
        ({"cpus": 8, "cpu_hot_add": True}, False),  # a shrink is never hot
        ({"cpus": 2, "memory_hot_add": True}, False),
        ({"memory_mib": 4096, "memory_hot_add": True}, True),
        ({"memory_mib": 4096, "memory_hot_add": True, "memory_hot_add_limit": 8192, "memory_hot_add_step": 128}, True),
        ({"memory_mib": 4096, "memory_hot_add": True, "memory_hot_add_limit": 8064}, False),
        ({"memory_mib": 4096, "memory_hot_add": True, "memory_hot_add_step": 768}, False),
        ({"memory_mib": 16384, "memory_hot_add": True}, False),
        ({"memory_mib": 4096, "cpu_hot_add": True}, False),
    ],
)
def test_growth_is_hot_where_hot_add_is_on_and_a_shrink_never(actual: dict[str, Any], possible: bool) -> None:
    planned = plan(ours(power_state="poweredOn", **actual))

    assert bool(planned.actions) is possible
    assert bool(planned.waiting) is not possible


def test_what_can_be_written_is_written_while_the_rest_waits() -> None:
    planned = plan(ours(power_state="poweredOn", name="renamed", nested_hv=False))

    assert reconfigured(planned) == VirtualMachineSettings(name="hv1")
    assert [change.field for change in planned.waiting] == ["virtualization.nestedHV"]


def test_what_the_spec_leaves_open_is_nobodys_drift() -> None:
    assert plan(ours(firmware="bios", secure_boot=False, cores_per_socket=4)).changes == ()


def test_every_guest_os_has_an_id_and_no_two_the_same() -> None:
    assert set(GUEST_IDS) == set(GuestOS)
    assert len(set(GUEST_IDS.values())) == len(GUEST_IDS)


def test_nested_hv_is_not_written_where_the_host_cannot_expose_it() -> None:
    error = refusal(ours(nested_hv=False), around={"host": samples.host(nested_hv_supported=False)})

    assert error.reason is Reason.NESTED_HV_NOT_SUPPORTED
    assert "esx1" in error.message
    assert plan(ours(), around={"host": samples.host(nested_hv_supported=False)}).actions == ()


def test_the_first_binding_goes_into_the_mark() -> None:
    nic = samples.nic(4000, "dvportgroup-1")

    planned = plan(ours(nics=[nic]), around={"networks": (WantedAdapter("lan", LAN),)})

    mark = parse_mark(reconfigured(planned).mark or "")
    assert mark is not None
    assert mark.adapters == {"lan": BoundAdapter(4000, nic.mac_address)}


def test_a_bound_vm_is_equal_until_a_nic_is_moved_and_then_one_edit_moves_it_back() -> None:
    nic = samples.nic(4000, "dvportgroup-1")
    mark = marked(adapters={"lan": BoundAdapter(4000, nic.mac_address)})
    networks = {"networks": (WantedAdapter("lan", LAN),)}
    assert plan(ours(nics=[nic], mark=mark), around=networks).actions == ()

    planned = plan(ours(nics=[replace(nic, network="VM Network")], mark=mark), around=networks)

    assert reconfigured(planned) == VirtualMachineSettings(adapters=(NetworkAdapterEdit(4000, LAN),))
    assert planned.verdict.network is not None
    assert not planned.verdict.network.ready


def test_a_suspended_vm_is_not_written_for_the_sake_of_a_disconnected_nic() -> None:
    nic = samples.nic(4000, "dvportgroup-1", connected=False)
    mark = marked(adapters={"lan": BoundAdapter(4000, nic.mac_address)})

    planned = plan(
        ours(nics=[nic], mark=mark, power_state="suspended"), around={"networks": (WantedAdapter("lan", LAN),)}
    )

    assert planned.actions == ()


def test_a_network_that_is_not_ready_keeps_the_host_from_being_ready_and_counts_as_not_attached() -> None:
    nic = samples.nic(4000, "dvportgroup-1")
    mark = marked(adapters={"lan": BoundAdapter(4000, nic.mac_address)})

    planned = plan(
        ours(nics=[nic], mark=mark),
        around={
            "networks": (WantedAdapter("lan", LAN),),
            "dependencies": (Dependency("lan", "NestedPortGroup inner is not Ready"),),
        },
    )

    assert planned.verdict.situation is Situation.DEPENDENCY
    assert planned.verdict.facts["network"] == "0/1"
    assert "inner" in planned.verdict.message


def test_a_network_that_only_a_person_can_mend_stalls_the_host() -> None:
    broken = Dependency("lan", "no such network", Blocked(Reason.NOT_FOUND, "There is no network lan."))

    error = refusal(ours(), around={"networks": (WantedAdapter("lan", None),), "dependencies": (broken,)})

    assert error.reason is Reason.NOT_FOUND


def test_the_promise_to_start_again_is_recorded_before_a_shutdown_that_the_spec_did_not_ask_for() -> None:
    vm = ours(power_state="poweredOn", tools_running=True, nested_hv=False)

    planned = plan(vm, disruption__policy="Graceful")
    recorded = plan(vm, disruption__policy="Graceful", around={"power_on_pending": True})
    asked_for = plan(vm, disruption__policy="Graceful", powerState="Off")

    assert isinstance(planned.actions[0], ShutdownGuest)
    assert planned.record == {"power_on_pending": True}
    assert recorded.record == asked_for.record == {}


def test_the_promise_ends_when_the_vm_runs_with_nothing_left_to_change() -> None:
    planned = plan(ours(power_state="poweredOn"), around={"power_on_pending": True})

    assert planned.verdict.facts["power_on_pending"] is None


@pytest.mark.parametrize("policy", ["Never", "WhenPoweredOff"])
def test_the_promise_ends_when_the_policy_is_withdrawn(policy: str) -> None:
    vm = ours(power_state="poweredOn", nested_hv=False)

    planned = plan(vm, disruption__policy=policy, around={"power_on_pending": True})

    assert planned.verdict.facts["power_on_pending"] is None


def test_a_power_state_that_waits_for_the_guest_is_drift() -> None:
    planned = plan(ours(power_state="poweredOn", tools_running=False), powerState="Off")

    assert planned.verdict.situation is Situation.POWER_OFF_REQUIRED
    assert planned.changes == (Change("powerState", "On", "Off"),)


def test_what_is_waited_for_is_looked_at_when_the_time_is_up() -> None:
    vm = ours(power_state="poweredOn", tools_running=True, nested_hv=False)

    planned = plan(vm, disruption__policy="Graceful", around={"asked_ago": 100.0, "power_on_pending": True})

    assert planned.actions == ()
    assert planned.verdict.situation is Situation.PROGRESSING
    assert planned.verdict.again_after == 200


def test_every_difference_of_a_spec_is_one_that_ends_when_it_is_written() -> None:
    """Guards the table above: a setting that does not end its own difference would be written for ever."""
    spec: NestedHyperVHostSpec = host_spec(
        hardware__coresPerSocket=2, hardware__firmware="BIOS", hardware__secureBoot=False
    )
    vm = ours(name="x", guest_id="x", cpus=1, memory_mib=4, nested_hv=False)

    for difference in hardware_differences(spec, vm):
        vm = replace(vm, **{difference.setting: difference.value})

    assert hardware_differences(spec, vm) == ()


def test_a_host_that_is_not_known_hides_no_difference() -> None:
    assert plan(ours(nested_hv=False), around={"host": None}).actions


def test_on_powers_on() -> None:
    assert [type(one) for one in plan(ours(), powerState="On").actions] == [PowerOn]


def test_a_usable_host_is_connected_and_out_of_maintenance() -> None:
    usable: list[Host] = [samples.host(), samples.host(maintenance=True), samples.host(connection_state="disconnected")]

    assert [host.usable for host in usable] == [True, False, False]
