"""What environment browsers say about hardware versions, guests and capabilities, in a form that pyVmomi can read."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from typing import Any

from pyVmomi import vim, vmodl

from bed.soap import finish, moid
from verify.rule import rule
from verify.scratch import Scratch, fault_of

Query = vim.EnvironmentBrowser.ConfigOptionQuerySpec
BROWSER = "API reference, EnvironmentBrowser"
SAS, PVSCSI = "VirtualLsiLogicSASController", "ParaVirtualSCSIController"
GUESTS = {
    "windows9Server64Guest": ("Microsoft Windows Server 2016 (64-bit)", SAS, True),
    "windows2019srv_64Guest": ("Microsoft Windows Server 2019 (64-bit)", SAS, True),
    "windows2019srvNext_64Guest": ("Microsoft Windows Server 2022 (64-bit)", PVSCSI, True),
    "windows2022srvNext_64Guest": ("Microsoft Windows Server 2025 (64-bit)", PVSCSI, True),
    "windows9_64Guest": ("Microsoft Windows 10 (64-bit)", SAS, True),
    "windows11_64Guest": ("Microsoft Windows 11 (64-bit)", SAS, True),
    "windowsHyperVGuest": ("Microsoft Hyper-V", SAS, False),
}


def browser(scratch: Scratch) -> Any:
    """Return the environment browser of the cluster or stand-alone host."""
    return scratch.pool.owner.environmentBrowser


def default_key(scratch: Scratch) -> str:
    """Return the key of the default hardware version."""
    [default] = [row.key for row in browser(scratch).QueryConfigOptionDescriptor() if row.defaultConfigOption]
    return str(default)


@rule(
    call="QueryConfigOptionEx",
    says="Each Windows guest has its real name, controller, firmware and secure boot; Hyper-V as a guest has no VBS.",
    standing="documented",
    source="API reference, GuestOsDescriptor; the ids and names: Broadcom's table of guest ids",
)
def a_guest_is_described(scratch: Scratch) -> None:
    for guest, (name, controller, secure) in GUESTS.items():
        option = browser(scratch).QueryConfigOptionEx(Query(key=default_key(scratch), guestId=[guest]))
        [found] = option.guestOSDescriptor

        assert (found.id, found.fullName) == (guest, name)
        assert found.recommendedSCSIController.__name__.endswith(controller)
        assert found.defaultSecureBoot is secure
        assert found.recommendedFirmware == ("efi" if secure else "bios")
        assert found.vbsSupported.supported is secure


@rule(
    call="QueryConfigOptionEx",
    says="A guest id that matches nothing gives the whole list.",
    standing="documented",
    source="API reference, EnvironmentBrowserConfigOptionQuerySpec.guestId",
)
def no_match_returns_the_whole_list(scratch: Scratch) -> None:
    option = browser(scratch).QueryConfigOptionEx(Query(key=default_key(scratch), guestId=["nope"]))

    ids = {descriptor.id for descriptor in option.guestOSDescriptor}
    assert len(ids) > 100
    assert "nope" not in ids


@rule(
    call="QueryConfigOptionEx, CreateVM_Task",
    says="A guest that is newer than the hardware version is not offered, and a machine with both is InvalidArgument.",
    standing="observed",
    source="terraform-provider-vsphere issues 1332 and 1682: configSpec.guestId; the floor of this guest is inferred",
)
def a_guest_that_is_too_new_for_the_hardware_is_refused(scratch: Scratch) -> None:
    guest = "windows2022srvNext_64Guest"
    option = browser(scratch).QueryConfigOptionEx(Query(key="vmx-19", guestId=[guest]))

    assert guest not in {descriptor.id for descriptor in option.guestOSDescriptor}
    task = scratch.create("late", guestId=guest, version="vmx-19")
    fault = fault_of(finish(task), vmodl.fault.InvalidArgument)
    assert fault.invalidProperty == "configSpec.guestId"


@rule(
    call="QueryConfigOptionEx",
    says="A hardware version that is not there has no option, and that is no fault.",
    standing="documented",
    source=f"{BROWSER}.QueryConfigOptionEx; vm-operator relies on it",
)
def an_unknown_hardware_version_has_no_option(scratch: Scratch) -> None:
    assert browser(scratch).QueryConfigOptionEx(Query(key="vmx-99")) is None


@rule(
    call="QueryConfigOptionEx",
    says="Without a key the default hardware version answers, which is the newest.",
    standing="documented",
    source=f"{BROWSER}.QueryConfigOptionEx; VirtualMachineConfigOptionDescriptor.defaultConfigOption",
)
def without_a_key_the_default_version_answers(scratch: Scratch) -> None:
    rows = browser(scratch).QueryConfigOptionDescriptor()

    assert browser(scratch).QueryConfigOptionEx(Query(guestId=["otherGuest"])).version == default_key(scratch)
    assert default_key(scratch) == max(row.key for row in rows)
    assert {moid(host) for host in rows[0].host} == {moid(host) for host in scratch.pool.owner.host}


@rule(
    call="QueryConfigOptionEx",
    says="Without a spec a machine's own browser tells of that machine's version, with its guest only.",
    standing="documented",
    source=f"{BROWSER}.QueryConfigOptionEx",
)
def the_browser_of_a_machine_knows_the_machine(scratch: Scratch) -> None:
    vm = scratch.machine(version="vmx-19", guestId="windows9_64Guest")
    own: Any = vm.environmentBrowser

    option = own.QueryConfigOptionEx()

    assert option.version == "vmx-19"
    assert [descriptor.id for descriptor in option.guestOSDescriptor] == ["windows9_64Guest"]


@rule(
    call="QueryTargetCapabilities",
    says="A cluster's capabilities are those that all its hosts have; a host's are its own.",
    standing="documented",
    source=f"{BROWSER}.QueryTargetCapabilities",
)
def capabilities_are_those_of_all_hosts(scratch: Scratch) -> None:
    hosts = scratch.pool.owner.host
    everywhere = all(host.capability.nestedHVSupported for host in hosts)

    assert browser(scratch).QueryTargetCapabilities().nestedHVSupported is everywhere
    for host in hosts:
        own = browser(scratch).QueryTargetCapabilities(host)
        assert own.nestedHVSupported is host.capability.nestedHVSupported
