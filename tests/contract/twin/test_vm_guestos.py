"""What an environment browser says about guest operating systems, in a form that pyVmomi can read."""

from typing import Any

import pytest
from pyVmomi import vim

from bed.lab import Lab
from verify.rule import rule

Query = vim.EnvironmentBrowser.ConfigOptionQuerySpec


def browser(lab: Lab) -> Any:
    """Return the environment browser of the cluster."""
    return lab.vm().runtime.host.parent.environmentBrowser


@rule(
    call="QueryConfigOptionEx",
    says="Each Windows guest has its real name, controller, firmware and secure boot; Hyper-V as a guest has no VBS.",
    standing="documented",
    source="API reference, GuestOsDescriptor; the ids and names: Broadcom's table of guest ids",
)
@pytest.mark.parametrize(
    ("guest", "name", "scsi", "secure"),
    [
        ("windows9Server64Guest", "Microsoft Windows Server 2016 (64-bit)", "VirtualLsiLogicSASController", True),
        ("windows2019srv_64Guest", "Microsoft Windows Server 2019 (64-bit)", "VirtualLsiLogicSASController", True),
        ("windows2019srvNext_64Guest", "Microsoft Windows Server 2022 (64-bit)", "ParaVirtualSCSIController", True),
        ("windows2022srvNext_64Guest", "Microsoft Windows Server 2025 (64-bit)", "ParaVirtualSCSIController", True),
        ("windows9_64Guest", "Microsoft Windows 10 (64-bit)", "VirtualLsiLogicSASController", True),
        ("windowsHyperVGuest", "Microsoft Hyper-V", "VirtualLsiLogicSASController", False),
    ],
)
def test_a_guest_is_described(lab: Lab, guest: str, name: str, scsi: str, secure: bool) -> None:
    option = browser(lab).QueryConfigOptionEx(Query(key="vmx-21", guestId=[guest]))
    [descriptor] = option.guestOSDescriptor

    assert (descriptor.id, descriptor.fullName) == (guest, name)
    assert descriptor.recommendedSCSIController.__name__.endswith(scsi)
    assert descriptor.defaultSecureBoot is secure
    assert descriptor.recommendedFirmware == ("efi" if secure else "bios")
    assert descriptor.vbsSupported.supported is secure


@rule(
    call="QueryConfigOptionEx",
    says="A guest id that matches nothing gives the whole list.",
    standing="documented",
    source="API reference, EnvironmentBrowserConfigOptionQuerySpec.guestId",
)
def test_no_match_returns_the_whole_list(lab: Lab) -> None:
    option = browser(lab).QueryConfigOptionEx(Query(key="vmx-21", guestId=["nope"]))

    ids = {descriptor.id for descriptor in option.guestOSDescriptor}
    assert len(ids) > 100
    assert "nope" not in ids


@rule(
    call="QueryConfigOptionEx",
    says="A guest that is newer than the hardware version is not offered.",
    standing="inferred",
    source="the vmx-22 sample of vm-operator; nothing citable for older versions",
)
def test_a_guest_that_is_too_new_for_the_hardware_is_not_offered(lab: Lab) -> None:
    option = browser(lab).QueryConfigOptionEx(Query(key="vmx-19", guestId=["windows2022srvNext_64Guest"]))

    assert "windows2022srvNext_64Guest" not in {descriptor.id for descriptor in option.guestOSDescriptor}


@rule(
    call="QueryConfigOptionEx",
    says="A hardware version that is not there has no option, and that is no fault.",
    standing="observed",
    source="vm-operator, controllers/virtualmachineconfigoptions",
)
def test_an_unknown_hardware_version_has_no_option(lab: Lab) -> None:
    assert browser(lab).QueryConfigOptionEx(Query(key="vmx-99")) is None


@rule(
    call="QueryConfigOptionEx",
    says="Without a key the default hardware version answers.",
    standing="documented",
    source="API reference, EnvironmentBrowser.QueryConfigOptionEx",
)
def test_without_a_key_the_default_version_answers(lab: Lab) -> None:
    [default] = [d for d in browser(lab).QueryConfigOptionDescriptor() if d.defaultConfigOption]

    assert browser(lab).QueryConfigOptionEx(Query(guestId=["otherGuest"])).version == default.key == "vmx-21"
