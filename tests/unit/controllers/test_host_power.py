"""A running host: power only as allowed, and deletion as consent to bring the guest down."""

from typing import Any

from nested_hyperv.domain.inventory import MoRef
from support.workbench import HOST, Workbench

NETWORK = {"name": "lan", "network": "VM Network"}


async def running(bench: Workbench, **spec: Any) -> MoRef:
    """A host that a person has powered on."""
    ref = await bench.create(HOST, **{"networks": [NETWORK], **spec})
    bench.vcenter.switch_power(ref, on=True)
    await bench.run()
    assert bench.api.status(HOST)["powerState"] == "On"
    bench.forget_log()
    return ref


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
    assert bench.machine.power_state == "poweredOff", "powering it on again is not the operator's business"


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

    assert bench.machine.power_state == "poweredOn"
    assert bench.machine.nested_hv


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

    assert bench.machine.power_state == "poweredOff"
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
    assert bench.machine.power_state == "poweredOn"


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
    ref = await bench.create(HOST, networks=[NETWORK], powerState="On")

    bench.vcenter.switch_power(ref, on=False)
    await bench.run()

    assert bench.vcenter.mutations == ["power_on"]
    assert bench.writes(HOST) == ["status"]
    assert bench.condition(HOST) == ("True", "Succeeded")


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
    ref = await bench.create(HOST, networks=[NETWORK])
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
