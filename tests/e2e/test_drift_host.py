"""Each managed field of a host, changed by another administrator, is put back: one call, one status write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pyVmomi import vim

from bed.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bed.kube_lab import KubeLab
    from bed.kube_object import KubeObject, Snapshot
    from bed.operator_process import OperatorProcess
    from bed.stranger import Stranger

HARDWARE = {"cpus": 4, "coresPerSocket": 2, "memoryMiB": 8192, "firmware": "EFI", "secureBoot": True}


@pytest.fixture(scope="module")
def module_lab(operator: OperatorProcess, new_lab: Callable[..., KubeLab]) -> Iterator[KubeLab]:
    """A lab for all cases of this file: after each of them it is as it was."""
    assert operator.running
    lab = new_lab()
    lab.port_group("inner").wait_ready()
    yield lab
    lab.close()


@pytest.fixture(scope="module")
def stopped(module_lab: KubeLab) -> KubeObject:
    """A host that is off, where every field can be written."""
    host = module_lab.host("stopped", networks=["inner"], hardware=HARDWARE, powerState="Off")
    host.wait_ready()
    return host


@pytest.fixture(scope="module")
def running(module_lab: KubeLab) -> KubeObject:
    """A host that is on."""
    host = module_lab.host("running", networks=["inner"], hardware=HARDWARE, powerState="On")
    host.wait(lambda now: now.ready and now.status.get("ipAddress"), "Ready with an address")
    return host


def is_repaired(before: Snapshot, field: str) -> Callable[[Snapshot], bool]:
    """The field is in a new `lastRepair`, and nothing differs any more."""

    def check(now: Snapshot) -> bool:
        last = now.status.get("lastRepair", {"changes": []})
        news = last != before.status.get("lastRepair") and any(row["field"] == field for row in last["changes"])
        return news and now.status["drifted"] == 0 and now.ready

    return check


def repaired_row(repaired: Snapshot, field: str) -> tuple[str, str]:
    """From what to what a field was repaired."""
    rows = repaired.status["lastRepair"]["changes"]
    return next((row["from"], row["to"]) for row in rows if row["field"] == field)


def to_bios(stranger: Stranger, ref: str) -> None:
    boot = vim.vm.BootOptions(efiSecureBootEnabled=False)
    stranger.reconfigure_vm(ref, firmware="bios", bootOptions=boot)


STOPPED: dict[str, tuple[Callable[[Stranger, str], object], tuple[str, str]]] = {
    "virtualization.nestedHV": (lambda s, ref: s.reconfigure_vm(ref, nestedHVEnabled=False), ("false", "true")),
    "guestOS": (
        lambda s, ref: s.reconfigure_vm(ref, guestId="windows9Server64Guest"),
        ("windows9Server64Guest", "windows2019srvNext_64Guest"),
    ),
    "hardware.cpus": (lambda s, ref: s.reconfigure_vm(ref, numCPUs=8), ("8", "4")),
    "hardware.coresPerSocket": (lambda s, ref: s.reconfigure_vm(ref, numCoresPerSocket=1), ("1", "2")),
    "hardware.memoryMiB": (lambda s, ref: s.reconfigure_vm(ref, memoryMB=4096), ("4096", "8192")),
    "hardware.firmware": (to_bios, ("bios", "efi")),
    "hardware.secureBoot": (
        lambda s, ref: s.reconfigure_vm(ref, bootOptions=vim.vm.BootOptions(efiSecureBootEnabled=False)),
        ("false", "true"),
    ),
    "networks[inner].connected": (lambda s, ref: s.edit_nic(ref, 0, startConnected=False), ("false", "true")),
}


@pytest.mark.parametrize("field", STOPPED)
def test_a_changed_field_of_a_stopped_host_is_put_back_by_one_call(
    field: str, module_lab: KubeLab, stopped: KubeObject, stranger: Stranger
) -> None:
    drift, row = STOPPED[field]
    before = stopped.read()
    module_lab.calls.mark()
    since = module_lab.plane.audit.mark()

    drift(stranger, stopped.mo_ref)
    repaired = stopped.wait(is_repaired(before, field), f"{field} repaired")

    assert repaired_row(repaired, field) == row
    assert repaired.status["observed"] == before.status["observed"]
    assert repaired.condition("Ready") == before.condition("Ready"), "Ready all the time"
    assert module_lab.calls.changes() == {"ReconfigVM_Task": 1}
    assert [write.subresource for write in module_lab.wait_writes(since, 1)] == ["status"]


RUNNING: dict[str, Callable[[Stranger, str], object]] = {
    "name": lambda s, ref: s.rename(s.vm(ref), "renamed"),
    "networks[inner].connected": lambda s, ref: s.edit_nic(ref, 0, connected=False),
}


@pytest.mark.parametrize("field", RUNNING)
def test_what_needs_no_power_off_is_put_back_while_the_host_runs(
    field: str, module_lab: KubeLab, running: KubeObject, stranger: Stranger
) -> None:
    before = running.read()
    module_lab.calls.mark()
    RUNNING[field](stranger, running.mo_ref)
    repaired = running.wait(is_repaired(before, field), f"{field} repaired")
    assert repaired.status["powerState"] == "On"
    assert module_lab.calls.changes() == {"ReconfigVM_Task": 1}


def test_a_nic_that_was_moved_is_moved_back(module_lab: KubeLab, running: KubeObject, stranger: Stranger) -> None:
    inner = module_lab.made[0].mo_ref
    other = module_lab.twin.control.state().port_group("DC0_DVPG0")
    assert other is not None
    before = running.read()
    module_lab.calls.mark()

    stranger.edit_nic(running.mo_ref, 0, network=other.id)
    repaired = running.wait(is_repaired(before, "networks[inner]"), "the NIC moved back")

    assert repaired.status["network"] == "1/1"
    nics = [d for d in stranger.vm(running.mo_ref).config.hardware.device if hasattr(d, "macAddress")]
    assert [nic.backing.port.portgroupKey for nic in nics] == [inner]
    assert module_lab.calls.changes() == {"ReconfigVM_Task": 1}


def test_a_nic_that_was_removed_is_added_and_bound_again(
    module_lab: KubeLab, stopped: KubeObject, stranger: Stranger
) -> None:
    before = stopped.read()
    module_lab.calls.mark()
    stranger.edit_nic(stopped.mo_ref, 0, "remove")
    stopped.wait(is_repaired(before, "networks[inner]"), "the NIC added")
    nics = [d for d in stranger.vm(stopped.mo_ref).config.hardware.device if hasattr(d, "macAddress")]
    assert len(nics) == 1
    stopped.wait(lambda now: now.ready, "Ready")
    assert module_lab.calls.changes() == {"ReconfigVM_Task": 2}, "the NIC, and its MAC address in the mark"


def test_a_nic_that_a_person_added_is_left_alone(module_lab: KubeLab, stopped: KubeObject, stranger: Stranger) -> None:
    card = vim.vm.device.VirtualVmxnet3(
        key=-1,
        addressType="generated",
        backing=vim.vm.device.VirtualEthernetCard.NetworkBackingInfo(deviceName="VM Network"),
    )
    added = vim.vm.device.VirtualDeviceSpec(operation="add", device=card)
    stranger.reconfigure_vm(stopped.mo_ref, deviceChange=[added])
    before = stopped.read()
    module_lab.calls.mark()
    stranger.reconfigure_vm(stopped.mo_ref, memoryMB=16384)  # so that there is something to wait for
    stopped.wait(is_repaired(before, "hardware.memoryMiB"), "the memory repaired")
    nics = [d for d in stranger.vm(stopped.mo_ref).config.hardware.device if hasattr(d, "macAddress")]
    assert len(nics) == 2
    assert module_lab.calls.changes() == {"ReconfigVM_Task": 1}


@pytest.mark.parametrize("on", [True, False])
def test_the_power_state_is_put_back(
    on: bool, module_lab: KubeLab, running: KubeObject, stopped: KubeObject, stranger: Stranger
) -> None:
    host = running if on else stopped
    module_lab.calls.mark()
    stranger.power(host.mo_ref, on=not on)
    state = "poweredOn" if on else "poweredOff"
    wait_for(
        lambda: stranger.vm(host.mo_ref).runtime.powerState == state,
        f"the host to be {state}",
        detail=lambda: str(host.find()),
    )
    host.wait(lambda now: now.ready and now.status["drifted"] == 0, "Ready")
    assert module_lab.calls.changes() == ({"PowerOnVM_Task": 1} if on else {"ShutdownGuest": 1})


def test_where_a_host_runs_is_not_drift(module_lab: KubeLab, running: KubeObject, stranger: Stranger) -> None:
    vm = stranger.vm(running.mo_ref)
    module_lab.calls.mark()
    before = running.read()
    stranger.reconfigure_vm(running.mo_ref, annotation="moved by DRS, tagged by Bob")
    stranger.rename(vm, "renamed-too")
    running.wait(is_repaired(before, "name"), "the name repaired")
    assert vm.config.annotation == "moved by DRS, tagged by Bob"
    assert module_lab.calls.changes() == {"ReconfigVM_Task": 1}
