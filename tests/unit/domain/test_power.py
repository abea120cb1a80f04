"""Power: every policy in every state, and that a guest never loses power without consent."""

import itertools
from typing import Any

import pytest

from nested_hyperv.api.host import Disruption, DisruptionMode, PowerState
from nested_hyperv.domain.host.power import PowerStep, power_down, power_for
from nested_hyperv.domain.inventory import VirtualMachine
from nested_hyperv.domain.plan import PowerOff, PowerOn, ShutdownGuest
from support.vsphere_records import virtual_machine

TIMEOUT = 300
NEVER, WHEN_OFF, GRACEFUL, FORCE = DisruptionMode
STATES = ("poweredOn", "poweredOff", "suspended")
ASKED = (None, 10.0, 300.0, 1e9)


def vm(state: str, *, tools: bool = True) -> VirtualMachine:
    return virtual_machine(power_state=state, tools_running=tools and state == "poweredOn")


def step(machine: VirtualMachine, policy: DisruptionMode, **how: Any) -> PowerStep:
    given = {"wanted": None, "pending": False, "needs_off": False, "asked_ago": None, **how}
    return power_for(machine, disruption=Disruption(policy=policy), **given)


REST = list(itertools.product((True, False), (None, *PowerState), (True, False), (True, False), ASKED))


@pytest.mark.parametrize("policy", list(DisruptionMode))
@pytest.mark.parametrize("state", STATES)
def test_no_guest_loses_power_without_consent(policy: DisruptionMode, state: str) -> None:
    for tools, wanted, pending, needs_off, asked in REST:
        machine = vm(state, tools=tools)

        found = step(machine, policy, wanted=wanted, pending=pending, needs_off=needs_off, asked_ago=asked)

        case = (tools, wanted, pending, needs_off, asked, found)
        match found.action:
            case PowerOff():
                assert policy is FORCE, case
                assert needs_off or wanted is PowerState.OFF, case
                assert state == "suspended" or not tools or (asked or 0) >= TIMEOUT, case
            case ShutdownGuest():
                assert wanted is PowerState.OFF or (needs_off and policy in (GRACEFUL, FORCE)), case
                assert (state, tools, asked) == ("poweredOn", True, None), case
            case PowerOn():
                assert state != "poweredOn", case
                assert wanted is PowerState.ON or (pending and wanted is None and state == "poweredOff"), case
            case _ if needs_off and state != "poweredOff":
                assert found != PowerStep(), f"somebody has to say what happens: {case}"
        assert found.waits is None or 0 < found.waits <= TIMEOUT, case
        assert not (found.action and found.blocked), case


def test_an_unset_power_state_is_hands_off() -> None:
    for policy, state in itertools.product(DisruptionMode, STATES):
        assert step(vm(state), policy) == PowerStep()


@pytest.mark.parametrize("policy", [NEVER, WHEN_OFF])
@pytest.mark.parametrize("state", ["poweredOn", "suspended"])
def test_never_and_when_powered_off_wait_for_a_person(policy: DisruptionMode, state: str) -> None:
    found = step(vm(state), policy, needs_off=True)

    assert found == PowerStep(blocked=f"disruption.policy is {policy.value}")


@pytest.mark.parametrize("policy", list(DisruptionMode))
def test_off_is_consent_to_a_shutdown_under_every_policy(policy: DisruptionMode) -> None:
    machine = vm("poweredOn")

    assert step(machine, policy, wanted=PowerState.OFF) == PowerStep(ShutdownGuest(machine.ref), waits=float(TIMEOUT))


@pytest.mark.parametrize("policy", [GRACEFUL, FORCE])
@pytest.mark.parametrize(
    ("tools", "asked", "graceful", "force"),
    [
        (True, None, "shutdown", "shutdown"),
        (False, None, "blocked", "off"),
        (True, 10.0, "wait", "wait"),
        (False, 10.0, "wait", "wait"),  # asked before its Tools went: it is shutting down
        (True, 300.0, "blocked", "off"),
        (False, 1e9, "blocked", "off"),
    ],
)
def test_a_running_guest_is_asked_then_waited_for_then_forced_or_left(
    policy: DisruptionMode, tools: bool, asked: float | None, graceful: str, force: str
) -> None:
    found = step(vm("poweredOn", tools=tools), policy, needs_off=True, asked_ago=asked)

    kind = {
        "shutdown": isinstance(found.action, ShutdownGuest),
        "off": isinstance(found.action, PowerOff),
        "wait": found.action is None and found.waits == TIMEOUT - (asked or 0),
        "blocked": found.blocked is not None,
    }
    assert kind[force if policy is FORCE else graceful]


@pytest.mark.parametrize(
    ("machine", "asked", "says"),
    [
        (vm("suspended"), None, "hv1 is suspended, so it cannot be asked to shut down"),
        (vm("poweredOn", tools=False), None, "hv1 runs without VMware Tools, so it cannot be asked to shut down"),
        (vm("poweredOn"), 400.0, "hv1 did not shut down within 300 s"),
    ],
)
def test_what_cannot_be_brought_down_gracefully_says_why(
    machine: VirtualMachine, asked: float | None, says: str
) -> None:
    assert power_down(machine, asked_ago=asked, timeout=300.0, force=False) == PowerStep(blocked=says)


def test_on_starts_what_is_off_and_resumes_what_is_suspended() -> None:
    for state in ("poweredOff", "suspended"):
        assert isinstance(step(vm(state), NEVER, wanted=PowerState.ON).action, PowerOn)


def test_what_the_operator_shut_down_it_starts_again_unless_the_spec_says_off() -> None:
    off = vm("poweredOff")

    assert isinstance(step(off, GRACEFUL, pending=True).action, PowerOn)
    assert step(off, GRACEFUL, pending=True, wanted=PowerState.OFF) == PowerStep()
    assert step(off, GRACEFUL) == PowerStep()
