"""The disruption policy, and nothing else, decides whether a running guest is disturbed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bed.waiting import wait_for
from support.health import health_of

if TYPE_CHECKING:
    from bed.kube_lab import KubeLab
    from bed.kube_object import KubeObject
    from bed.stranger import Stranger

MORE_CPUS = {"cpus": 8, "memoryMiB": 8192}
TIMEOUT = 30
"""The shortest `gracefulTimeoutSeconds` that the API takes."""


def running_host(lab: KubeLab, name: str = "hyperv", *, tools: bool = True, **spec: Any) -> KubeObject:
    """Make a host that runs, with VMware Tools or without."""
    host = lab.host(name, **{"powerState": "On", **spec})
    host.wait(lambda now: now.ready and now.status["toolsStatus"] == "guestToolsRunning", "Ready with VMware Tools")
    if not tools:
        lab.twin.control.guest(host.mo_ref, tools=False)
        host.wait(lambda now: now.status["toolsStatus"] != "guestToolsRunning", "without VMware Tools")
    lab.calls.mark()
    return host


@pytest.mark.parametrize("policy", ["Never", "WhenPoweredOff"])
def test_a_running_guest_is_not_disturbed_unless_allowed(policy: str, lab: KubeLab, stranger: Stranger) -> None:
    host = running_host(lab, disruption={"policy": policy})

    host.patch(hardware=MORE_CPUS, guestOS="WindowsServer2019")

    waiting = host.wait_condition("Ready", "False", "PowerOffRequired")
    message = waiting.condition("PowerOffRequired").message
    assert "hardware.cpus (4 to 8)" in message
    assert "guestOS" in message
    assert policy in message
    assert waiting.condition("Stalled").status == waiting.condition("Reconciling").status == "absent"
    assert {row["field"] for row in waiting.status["drift"]} == {"hardware.cpus", "guestOS"}
    assert health_of(waiting) == "Suspended"
    assert lab.calls.changes() == {}

    stranger.vm(host.mo_ref).ShutdownGuest()  # the owner of the guest finds a moment
    ready = host.wait_ready()
    assert (ready.status["observed"]["cpus"], ready.status["powerState"]) == (8, "On")
    assert lab.calls.changes() == {"ReconfigVM_Task": 1, "PowerOnVM_Task": 1}
    assert ready.condition("PowerOffRequired").status == "absent"
    host.patch(disruption={"policy": "WhenPoweredOff"})  # Never would forbid the deletion, too


def test_what_needs_no_power_off_is_written_while_the_rest_waits(lab: KubeLab, stranger: Stranger) -> None:
    host = running_host(lab)
    host.patch(hardware={**MORE_CPUS, "secureBoot": True})
    waiting = host.wait_condition("Ready", "False", "PowerOffRequired")
    assert [row["field"] for row in waiting.status["drift"]] == ["hardware.cpus"]
    assert stranger.vm(host.mo_ref).config.bootOptions.efiSecureBootEnabled
    assert lab.calls.changes() == {"ReconfigVM_Task": 1}


def test_memory_grows_in_a_running_guest_as_far_as_hot_add_goes(lab: KubeLab, stranger: Stranger) -> None:
    host = lab.host("hyperv", powerState="Off")
    host.wait_ready()
    stranger.reconfigure_vm(host.mo_ref, memoryHotAddEnabled=True)
    host.patch(powerState="On")
    host.wait(lambda now: now.ready and now.status["powerState"] == "On", "Ready and running")
    config = stranger.vm(host.mo_ref).config
    more = config.hardware.memoryMB + config.hotPlugMemoryIncrementSize
    lab.calls.mark()

    host.patch(hardware={"memoryMiB": more})
    host.wait(lambda now: now.ready and now.status["observed"]["memoryMiB"] == more, "Ready with more memory")
    host.patch(hardware={"memoryMiB": more + 4})  # no step of the hot add: it takes a power-off, and is not tried

    waiting = host.wait_condition("Ready", "False", "PowerOffRequired")
    assert [row["field"] for row in waiting.status["drift"]] == ["hardware.memoryMiB"]
    assert lab.calls.changes() == {"ReconfigVM_Task": 1}


@pytest.mark.parametrize("policy", ["Graceful", "Force"])
@pytest.mark.parametrize("wanted", ["On", None])
def test_with_consent_the_guest_is_shut_down_changed_and_started_again(
    policy: str, wanted: str | None, lab: KubeLab
) -> None:
    host = running_host(lab, disruption={"policy": policy})
    if wanted is None:
        host.patch(powerState=None)
        host.wait_ready()

    host.patch(hardware=MORE_CPUS)

    ready = host.wait(lambda now: now.ready and now.status["observed"]["cpus"] == 8, "Ready with 8 CPUs")
    assert ready.status["powerState"] == "On"
    assert lab.calls.changes() == {"ShutdownGuest": 1, "ReconfigVM_Task": 1, "PowerOnVM_Task": 1}
    assert host.wait_event("ShutdownRequested")


def test_without_tools_graceful_waits_and_force_pulls_the_plug(lab: KubeLab) -> None:
    graceful = running_host(lab, "graceful", tools=False, disruption={"policy": "Graceful"})
    graceful.patch(hardware=MORE_CPUS)
    waiting = graceful.wait_condition("Ready", "False", "PowerOffRequired")
    assert "without VMware Tools" in waiting.condition("Ready").message
    assert lab.calls.changes() == {}

    force = running_host(lab, "force", tools=False, disruption={"policy": "Force"})
    force.patch(hardware=MORE_CPUS)
    force.wait(lambda now: now.ready and now.status["observed"]["cpus"] == 8, "Ready with 8 CPUs")
    assert lab.calls.changes() == {"PowerOffVM_Task": 1, "ReconfigVM_Task": 1, "PowerOnVM_Task": 1}
    assert force.wait_event("PoweredOff")


def test_a_guest_that_hangs_is_waited_for_and_then_only_forced(lab: KubeLab) -> None:
    hosts = {}
    for policy in ("Graceful", "Force"):
        disruption = {"policy": policy, "gracefulTimeoutSeconds": TIMEOUT}
        hosts[policy] = running_host(lab, policy.lower(), disruption=disruption)
        lab.twin.control.guest(hosts[policy].mo_ref, hang_shutdown=True)
    lab.calls.mark()
    for host in hosts.values():
        host.patch(hardware=MORE_CPUS)

    for host in hosts.values():
        asked = host.wait(lambda now: "shut down" in now.condition("Ready").message, "waiting for the guest")
        assert asked.condition("Reconciling").status == "True"
    assert lab.calls.changes() == {"ShutdownGuest": 2}, "the plug is not pulled before the time is up"

    hosts["Force"].wait(lambda now: now.ready, "Ready by force", seconds=TIMEOUT + 15)
    blocked = hosts["Graceful"].wait_condition("Ready", "False", "PowerOffRequired", seconds=TIMEOUT + 15)
    assert "did not shut down" in blocked.condition("Ready").message
    assert lab.calls.changes() == {
        "ShutdownGuest": 2,
        "PowerOffVM_Task": 1,
        "ReconfigVM_Task": 1,
        "PowerOnVM_Task": 1,
    }
    for host in hosts.values():
        lab.twin.control.guest(host.mo_ref)


def test_off_is_consent_to_a_graceful_shutdown_and_to_no_other(lab: KubeLab) -> None:
    host = running_host(lab)
    host.patch(powerState="Off")
    assert host.wait_ready().status["powerState"] == "Off"
    assert lab.calls.changes() == {"ShutdownGuest": 1}

    mute = running_host(lab, "mute", tools=False)
    mute.patch(powerState="Off")
    mute.wait_condition("Ready", "False", "PowerOffRequired")
    assert lab.calls.changes() == {}
    mute.patch(disruption={"policy": "Force"})
    assert mute.wait_ready().status["powerState"] == "Off"
    assert lab.calls.changes() == {"PowerOffVM_Task": 1}


def test_an_unset_power_state_is_left_alone(lab: KubeLab, stranger: Stranger) -> None:
    host = lab.host()
    assert host.wait_ready().status["powerState"] == "Off"
    lab.calls.mark()
    stranger.power(host.mo_ref, on=True)
    seen = host.wait(lambda now: now.status["powerState"] == "On", "seen to run")
    assert seen.ready
    assert lab.calls.changes() == {}


def test_a_running_host_is_shut_down_before_it_is_destroyed(lab: KubeLab) -> None:
    host = running_host(lab)
    host.delete()
    host.wait_gone()
    assert lab.calls.changes() == {"ShutdownGuest": 1, "Destroy_Task": 1}

    mute = running_host(lab, "mute", tools=False)
    mute.delete()
    mute.wait_gone()
    assert lab.calls.changes() == {"PowerOffVM_Task": 1, "Destroy_Task": 1}


def test_never_means_that_deletion_waits_for_a_person(lab: KubeLab, stranger: Stranger) -> None:
    host = running_host(lab, disruption={"policy": "Never"})
    host.delete()
    blocked = host.wait_condition("Ready", "False", "DeletionBlocked")
    assert "Never" in blocked.condition("Ready").message
    assert health_of(blocked) == "Progressing"
    assert lab.calls.changes() == {}
    mo_ref = host.mo_ref

    stranger.vm(mo_ref).ShutdownGuest()
    host.wait_gone()
    assert lab.calls.changes() == {"Destroy_Task": 1}
    wait_for(lambda: lab.twin.control.state().vm(host.vsphere_name) is None, "the machine to be gone")
