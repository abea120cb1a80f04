"""A host: how it differs, what may be written now, whose VM it is, how one is created, and how it is let go."""

from dataclasses import replace
from typing import Any

import pytest

from nested_hyperv.api.common import DeletionPolicy
from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.host import GuestOS, NestedHyperVHostSpec
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.host.adapters import WantedAdapter
from nested_hyperv.domain.host.goal import hardware_differences
from nested_hyperv.domain.host.guest_os import GUEST_IDS
from nested_hyperv.domain.host.plan import plan_host, plan_host_deletion
from nested_hyperv.domain.host.world import CreationWorld, Dependency, HostWorld
from nested_hyperv.domain.inventory import (
    Change,
    Host,
    MoRef,
    NetworkAdapterEdit,
    VirtualMachine,
    VirtualMachineSettings,
)
from nested_hyperv.domain.ownership import BoundAdapter, Mark, parse_mark
from nested_hyperv.domain.plan import Clone, Destroy, Plan, PowerOff, PowerOn, Reconfigure, ShutdownGuest
from nested_hyperv.domain.subject import Subject
from nested_hyperv.domain.verdict import Situation
from support import vsphere_records as samples
from support.subjects import LINEAGE, OWNER, STRANGER, host_spec, subject

LAN = samples.network("dvportgroup-1")
KNOWN = MoRef("VirtualMachine", "vm-hv1")


def marked(**fields: Any) -> str:
    return Mark(**{"owner": OWNER, "lineage": LINEAGE, "instance_uuid": OWNER, **fields}).for_virtual_machine()


def ours(**fields: Any) -> VirtualMachine:
    """Our VM, equal to the smallest spec."""
    mark = fields.pop("mark", marked())
    return samples.virtual_machine(mark=mark, **{"ref": KNOWN, "instance_uuid": OWNER, **fields})


def world(vm: VirtualMachine | None, **rest: Any) -> HostWorld:
    return HostWorld(**{"vm": vm, "host": samples.host(), "networks": (), "dependencies": (), **rest})


def plan(
    vm: VirtualMachine | None, by: Subject | None = None, around: dict[str, Any] | None = None, **spec: Any
) -> Plan:
    return plan_host(by or subject(KNOWN), host_spec(**spec), world(vm, **(around or {})))


def refusal(vm: VirtualMachine | None, **how: Any) -> Blocked:
    with pytest.raises(Blocked) as refused:
        plan(vm, **how)
    return refused.value


def reconfigured(planned: Plan) -> VirtualMachineSettings:
    (action,) = planned.actions
    assert isinstance(action, Reconfigure)
    return action.settings


# --- differences ------------------------------------------------------------------------------------------------------


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


# --- NICs and their bindings ------------------------------------------------------------------------------------------


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


# --- power ------------------------------------------------------------------------------------------------------------


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


# --- whose it is ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vm", "reason"),
    [
        (ours(mark="", cpus=1), Reason.OWNERSHIP_LOST),
        (ours(mark="{broken", cpus=1), Reason.OWNERSHIP_LOST),
        (ours(mark=marked(owner=STRANGER, lineage=STRANGER), cpus=1), Reason.CONFLICT),
        (ours(mark=marked(owner=STRANGER), cpus=1), Reason.CONFLICT),
        (ours(instance_uuid=STRANGER, cpus=1), Reason.IDENTITY_CONFLICT),  # a clone copies the mark
        (ours(config_available=False, connection_state="orphaned"), Reason.INACCESSIBLE),
        (replace(ours(cpus=1), detail=None), Reason.OWNERSHIP_LOST),
    ],
)
def test_what_is_not_proven_ours_is_refused(vm: VirtualMachine, reason: Reason) -> None:
    error = refusal(vm)

    assert error.reason is reason
    assert "vm-hv1" in error.message


def adopted(vm: VirtualMachine, **how: Any) -> Mark:
    planned = plan(vm, by=subject(adopt=vm.ref.value, **how))
    mark = parse_mark(reconfigured(planned).mark or "")
    assert mark is not None
    assert (mark.owner, mark.instance_uuid) == (OWNER, vm.instance_uuid)
    return mark


def test_lineage_may_be_retaken_and_keeps_its_bindings_and_its_loan() -> None:
    nic = samples.nic(4005, "dvportgroup-9")
    theirs = marked(owner=STRANGER, adopted=True, adapters={"lan": BoundAdapter(4005, nic.mac_address)})

    planned = plan(
        ours(mark=theirs, nics=[samples.nic(4000, "VM Network"), nic]),
        by=subject(adopt="vm-hv1"),
        around={"networks": (WantedAdapter("lan", LAN),)},
    )

    settings = reconfigured(planned)
    mark = parse_mark(settings.mark or "")
    assert mark is not None
    assert mark.adopted
    assert settings.adapters == (NetworkAdapterEdit(4005, LAN),), "by what it is and not by where it stands"
    assert planned.verdict.facts["deletion_policy"] is DeletionPolicy.RETAIN


def test_lineage_that_we_had_made_is_ours_again_and_no_loan() -> None:
    assert not adopted(ours(mark=marked(owner=STRANGER))).adopted


@pytest.mark.parametrize(
    "mark",
    [
        "",
        marked(owner=STRANGER, lineage=STRANGER),
        marked(instance_uuid=STRANGER),  # a copy of our own VM is a stranger's
        marked(owner=STRANGER, instance_uuid=STRANGER),  # and so is one of our lineage
    ],
)
def test_a_strangers_vm_needs_permission_and_is_a_loan(mark: str) -> None:
    assert refusal(ours(mark=mark), by=subject(adopt="vm-hv1")).reason is Reason.ADOPTION_NOT_ALLOWED
    assert adopted(ours(mark=mark), allow=True).adopted


def test_the_annotation_may_name_the_instance_uuid() -> None:
    assert plan(ours(mark="", instance_uuid="50-1"), by=subject(adopt="50-1", allow=True)).actions


# --- creation ---------------------------------------------------------------------------------------------------------


def creation(**fields: Any) -> CreationWorld:
    sample = CreationWorld(
        placement=samples.placement("dc1", (samples.host().ref,)),
        template=samples.template(),
        template_path="/dc1/vm/ws2025",
        hosts=(samples.host(),),
        guest_ids=samples.GUEST_IDS,
        namesake=None,
        settled_for=10_000.0,
    )
    return replace(sample, **fields)


def create(
    spec: dict[str, Any] | None = None, by: Subject | None = None, around: dict[str, Any] | None = None, **found: Any
) -> Plan:
    return plan(None, by=by or subject(), around={"creation": creation(**found), **(around or {})}, **(spec or {}))


def test_a_clone_carries_identity_mark_hardware_and_networks_in_one_call() -> None:
    planned = create(around={"networks": (WantedAdapter("lan", LAN), WantedAdapter("wan", LAN))})

    (action,) = planned.actions
    assert isinstance(action, Clone)
    assert action.request.instance_uuid == OWNER
    assert action.request.name == "hv1"
    settings = action.request.settings
    assert parse_mark(settings.mark or "") == Mark(OWNER, LINEAGE, instance_uuid=OWNER)
    assert (settings.cpus, settings.memory_mib, settings.nested_hv) == (4, 8192, True)
    assert settings.guest_id == "windows2022srvNext_64Guest"
    assert settings.firmware is None, "what the template has is not sent"
    assert settings.adapters == (NetworkAdapterEdit(4000, LAN), NetworkAdapterEdit(None, LAN))


BLOCKED: list[Any] = [
    ({}, {"namesake": MoRef("VirtualMachine", "vm-9")}, Reason.NAME_TAKEN, "vm-9"),
    ({}, {"template": samples.template(config_available=False)}, Reason.TEMPLATE_UNUSABLE, "/dc1/vm/ws2025"),
    (
        {},
        {"template": samples.template(template=False, power_state="poweredOn")},
        Reason.TEMPLATE_UNUSABLE,
        "power it off",
    ),
    (
        {"hardware__firmware": "EFI"},
        {"template": samples.template(firmware="bios")},
        Reason.TEMPLATE_UNUSABLE,
        "hardware.firmware",
    ),
    ({"hardware__secureBoot": True}, {"template": samples.template(firmware="bios")}, Reason.TEMPLATE_UNUSABLE, "EFI"),
    ({}, {"guest_ids": frozenset({"otherGuest64"})}, Reason.GUEST_OS_NOT_OFFERED, "vmx-21"),
    ({}, {"hosts": ()}, Reason.HOST_UNAVAILABLE, "none"),
    ({}, {"hosts": (samples.host(maintenance=True),)}, Reason.HOST_UNAVAILABLE, "esx1"),
    ({}, {"hosts": (samples.host(connection_state="disconnected"),)}, Reason.HOST_UNAVAILABLE, "esx1"),
    ({}, {"hosts": (samples.host(nested_hv_supported=False),)}, Reason.NESTED_HV_NOT_SUPPORTED, "esx1"),
    ({}, {"hosts": (samples.host(nested_hv_supported=None),)}, Reason.NESTED_HV_NOT_SUPPORTED, "esx1"),
    ({}, {"template": samples.template(hardware_version="vmx-08")}, Reason.NESTED_HV_NOT_SUPPORTED, "vmx-08"),
]


@pytest.mark.parametrize(("spec", "found", "reason", "names"), BLOCKED)
def test_what_stands_in_the_way_of_a_clone_is_told_before_it_is_made(
    spec: dict[str, Any], found: dict[str, Any], reason: Reason, names: str
) -> None:
    with pytest.raises(Blocked) as refused:
        create(spec, **found)

    assert refused.value.reason is reason
    assert names in refused.value.message


def test_hosts_that_are_out_of_use_need_not_be_capable() -> None:
    found = (samples.host(), samples.host("esx2", maintenance=True, nested_hv_supported=False))

    assert create(hosts=found).actions


def test_without_nested_hv_any_host_will_do() -> None:
    assert create({"virtualization__nestedHV": False}, hosts=(samples.host(nested_hv_supported=False),)).actions


def test_a_powered_off_vm_will_do_as_a_template() -> None:
    assert create(template=samples.template(template=False)).actions


@pytest.mark.parametrize("scope", [("/dc1/vm",), ("/dc1/host",)])
def test_template_and_placement_both_have_to_be_in_scope(scope: tuple[str, ...]) -> None:
    with pytest.raises(Blocked) as refused:
        create(by=subject(scope=scope))

    assert refused.value.reason is Reason.OUT_OF_SCOPE


def test_while_a_clone_of_ours_may_be_running_none_is_made() -> None:
    planned = create(around={"cloning": (MoRef("Task", "task-1"),)})

    assert planned.actions == ()
    assert planned.verdict.situation is Situation.PROGRESSING
    assert planned.verdict.again_after


def test_a_network_that_is_not_ready_makes_the_clone_wait() -> None:
    planned = create(around={"dependencies": (Dependency("lan", "inner is not Ready"),)})

    assert planned.actions == ()
    assert planned.verdict.situation is Situation.DEPENDENCY


def test_a_deleted_vm_is_reported_and_its_template_not_even_looked_at() -> None:
    error = refusal(None, around={"creation": None})

    assert error.reason is Reason.MISSING
    assert "onExternalDelete: Recreate" in error.message


@pytest.mark.parametrize(
    ("found", "waits_for"),
    [
        ({"hosts": (samples.host(), samples.host("esx2", connection_state="notResponding"))}, "esx2"),
        ({"settled_for": 899.0}, "15 minutes"),
    ],
)
def test_a_deleted_vm_comes_back_only_when_it_cannot_be_merely_out_of_sight(
    found: dict[str, Any], waits_for: str
) -> None:
    recreate = {"onExternalDelete": "Recreate"}
    with pytest.raises(Blocked) as refused:
        create(recreate, by=subject(KNOWN), **found)
    assert refused.value.reason is Reason.MISSING
    assert waits_for in refused.value.message

    assert create(recreate, by=subject(KNOWN)).actions
    assert create(recreate, by=subject(), **{**found, "hosts": (samples.host(),)}).actions, "the first one never waits"


# --- letting go -------------------------------------------------------------------------------------------------------


def delete(vm: VirtualMachine | None, around: dict[str, Any] | None = None, **spec: Any) -> Plan:
    return plan_host_deletion(subject(KNOWN), host_spec(**spec), world(vm, **(around or {})))


def test_what_is_gone_is_released_unless_a_clone_may_still_become_it() -> None:
    gone = delete(None)
    perhaps = delete(None, around={"cloning": (MoRef("Task", "task-1"),)})

    assert gone.release is not None
    assert gone.release.reason is Reason.DELETED
    assert (perhaps.release, perhaps.actions) == (None, ())
    assert perhaps.verdict.again_after


@pytest.mark.parametrize(
    "vm",
    [
        ours(mark=""),
        ours(mark=marked(owner=STRANGER)),
        ours(instance_uuid=STRANGER),
        replace(ours(), detail=None),
    ],
)
def test_what_is_not_proven_ours_is_left_alone(vm: VirtualMachine) -> None:
    planned = delete(vm)

    assert planned.actions == ()
    assert planned.release is not None
    assert planned.release.reason is Reason.RELEASED_UNMARKED


def test_an_unreadable_vm_is_neither_released_nor_deleted() -> None:
    with pytest.raises(Blocked) as refused:
        delete(ours(config_available=False, connection_state="inaccessible"))

    assert refused.value.reason is Reason.INACCESSIBLE


def test_a_stopped_vm_is_destroyed_whatever_has_drifted() -> None:
    assert delete(ours(name="renamed", cpus=1)).actions == (Destroy(KNOWN),)


@pytest.mark.parametrize(
    ("vm", "asked", "action"),
    [
        (ours(power_state="poweredOn", tools_running=True), None, ShutdownGuest),
        (ours(power_state="poweredOn", tools_running=True), 10.0, None),
        (ours(power_state="poweredOn", tools_running=True), 300.0, PowerOff),
        (ours(power_state="poweredOn", tools_running=False), None, PowerOff),
        (ours(power_state="suspended"), None, PowerOff),
    ],
)
@pytest.mark.parametrize("policy", ["WhenPoweredOff", "Graceful", "Force"])
def test_deletion_is_consent_to_bring_the_guest_down(
    vm: VirtualMachine, asked: float | None, action: type | None, policy: str
) -> None:
    planned = delete(vm, around={"asked_ago": asked}, disruption__policy=policy)

    assert [type(one) for one in planned.actions] == ([] if action is None else [action])
    assert planned.verdict.situation is Situation.DELETING


def test_policy_never_keeps_what_runs() -> None:
    running = delete(ours(power_state="poweredOn"), disruption__policy="Never")
    stopped = delete(ours(), disruption__policy="Never")

    assert running.actions == ()
    assert running.verdict.situation is Situation.DELETION_BLOCKED
    assert stopped.actions == (Destroy(KNOWN),)


@pytest.mark.parametrize(
    ("spec", "adopted_before", "stays"),
    [({}, False, False), ({}, True, True), ({"deletionPolicy": "Delete"}, True, False)],
)
def test_what_stays_loses_only_its_mark_running_or_not(spec: dict[str, Any], adopted_before: bool, stays: bool) -> None:
    vm = ours(mark=marked(adopted=adopted_before))

    (action,) = delete(vm, **spec).actions

    assert isinstance(action, Reconfigure if stays else Destroy)
    if stays:
        running = delete(replace(vm, power_state="poweredOn"), **spec)
        assert reconfigured(running) == VirtualMachineSettings(mark="")


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
