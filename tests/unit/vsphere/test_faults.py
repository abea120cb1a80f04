"""Each fault of vSphere means one thing to a worker, and its message names cause and cure."""

import http.client
import logging
import ssl
from xml.parsers.expat import ExpatError

import pytest
from pyVmomi import vim, vmodl

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import (
    Blocked,
    Concurrent,
    Gone,
    InUse,
    NameTaken,
    OperatorError,
    OutcomeUnknown,
    PermissionDenied,
    PowerOffNeeded,
    Transient,
    Unreachable,
)
from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.vsphere.faults import Busy, Call, SessionLost, refused_login, translate, translate_fault
from nested_hyperv.vsphere.transport import CertificateMismatch, NotConnected

READ = Call("RetrievePropertiesEx", "vc.lab", "VirtualMachine:vm-7")
WRITE = Call("ReconfigVM_Task", "vc.lab", "VirtualMachine:vm-7", mutating=True)

TABLE: list[tuple[vmodl.MethodFault, type[OperatorError], Reason]] = [
    (vim.fault.NotAuthenticated(), SessionLost, Reason.PROGRESSING),
    (vim.fault.NoPermission(privilegeId="DVPortgroup.Modify"), PermissionDenied, Reason.PERMISSION_DENIED),
    (vmodl.fault.ManagedObjectNotFound(), Gone, Reason.MISSING),
    (vim.fault.DuplicateName(name="net"), NameTaken, Reason.NAME_TAKEN),
    (vim.fault.AlreadyExists(name="net"), NameTaken, Reason.NAME_TAKEN),
    (vim.fault.ResourceInUse(name="net"), InUse, Reason.IN_USE),
    (vim.fault.InvalidPowerState(), PowerOffNeeded, Reason.POWER_OFF_REQUIRED),
    (vim.fault.CpuHotPlugNotSupported(), PowerOffNeeded, Reason.POWER_OFF_REQUIRED),
    (vim.fault.MemoryHotPlugNotSupported(), PowerOffNeeded, Reason.POWER_OFF_REQUIRED),
    (vim.fault.DeviceHotPlugNotSupported(), PowerOffNeeded, Reason.POWER_OFF_REQUIRED),
    (vim.fault.ConcurrentAccess(), Concurrent, Reason.PROGRESSING),
    (vim.fault.TaskInProgress(), Concurrent, Reason.PROGRESSING),
    (vmodl.fault.HostNotConnected(), Transient, Reason.TASK_FAILED),
    (vmodl.fault.RequestCanceled(), Transient, Reason.TASK_FAILED),
    (vmodl.fault.SystemError(), Transient, Reason.TASK_FAILED),
    (vim.fault.InvalidName(name="a"), Blocked, Reason.INVALID_SPEC),
    (vmodl.fault.InvalidArgument(invalidProperty="configSpec.guestId"), Blocked, Reason.INVALID_SPEC),
    (vmodl.fault.NotSupported(), Blocked, Reason.TASK_FAILED),
    (vim.fault.NoDiskSpace(), Blocked, Reason.TASK_FAILED),
    (vim.fault.InsufficientCpuResourcesFault(), Blocked, Reason.HOST_UNAVAILABLE),
    (vim.fault.DvsNotAuthorized(), Blocked, Reason.NSX_MANAGED),
    (vim.fault.DvsFault(), Blocked, Reason.TASK_FAILED),
    (vim.fault.InvalidState(), Blocked, Reason.TASK_FAILED),
]


@pytest.mark.parametrize(("fault", "outcome", "reason"), TABLE, ids=[type(row[0]).__name__ for row in TABLE])
def test_a_fault_means_one_thing_to_the_worker(
    fault: vmodl.MethodFault, outcome: type[OperatorError], reason: Reason
) -> None:
    error = translate_fault(fault, WRITE)
    assert type(error) is outcome
    assert error.reason is reason
    assert error.message.strip()


def test_the_raw_fault_goes_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        translate_fault(vim.fault.DvsFault(msg="port is broken"), WRITE)
    assert "DvsFault" in caplog.text
    assert "port is broken" in caplog.text


def test_a_missing_privilege_is_named_with_its_object() -> None:
    old = vim.fault.NoPermission(privilegeId="Host.Config.Network", object=vim.HostSystem("host-36"))
    assert "Host.Config.Network on HostSystem:host-36" in translate_fault(old, WRITE).message


def test_all_missing_privileges_of_newer_servers_are_named() -> None:
    entry = vim.fault.NoPermission.EntityPrivileges(
        entity=vim.VirtualMachine("vm-7"),
        privilegeIds=["VirtualMachine.Config.Settings", "VirtualMachine.Config.Memory"],
    )
    message = translate_fault(vim.fault.NoPermission(missingPrivileges=[entry]), WRITE).message
    assert "VirtualMachine.Config.Settings, VirtualMachine.Config.Memory on VirtualMachine:vm-7" in message


def test_a_taken_name_leads_to_its_holder() -> None:
    error = translate_fault(
        vim.fault.DuplicateName(name="a%2fb", object=vim.dvs.DistributedVirtualPortgroup("dvportgroup-9")), WRITE
    )
    assert isinstance(error, NameTaken)
    assert error.holder == MoRef("DistributedVirtualPortgroup", "dvportgroup-9")
    assert "'a/b'" in error.message


def test_a_rejected_value_is_named() -> None:
    message = translate_fault(vmodl.fault.InvalidArgument(invalidProperty="configSpec.guestId"), WRITE).message
    assert "configSpec.guestId" in message


@pytest.mark.parametrize(
    "error", [TimeoutError("timed out"), ConnectionResetError(), http.client.RemoteDisconnected(""), ExpatError("junk")]
)
def test_a_connection_that_breaks_during_a_change_leaves_its_outcome_unknown(error: Exception) -> None:
    assert type(translate(error, WRITE)) is OutcomeUnknown
    assert type(translate(error, READ)) is Unreachable


def test_a_change_that_was_never_sent_is_not_in_doubt() -> None:
    refused = NotConnected("refused")
    refused.__cause__ = ConnectionRefusedError(111, "Connection refused")
    error = translate(refused, WRITE)
    assert type(error) is Unreachable
    assert "Connection refused" in error.message


def test_http_503_is_told_from_silence() -> None:
    assert type(translate(http.client.HTTPException("503 Service Unavailable"), READ)) is Busy


def test_an_untrusted_certificate_blocks_and_tells_the_cure() -> None:
    refused = NotConnected("tls")
    refused.__cause__ = ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed certificate")
    refused.__cause__.verify_message = "self-signed certificate"
    error = translate(refused, WRITE)
    assert isinstance(error, Blocked)
    assert error.reason is Reason.CERTIFICATE_NOT_VERIFIED
    assert "self-signed certificate" in error.message
    assert "ca.crt" in error.message


def test_another_thumbprint_shows_both() -> None:
    refused = NotConnected("tls")
    refused.__cause__ = CertificateMismatch(seen="ab" * 32, wanted="cd" * 32)
    message = translate(refused, READ).message
    assert ":".join(["AB"] * 32) in message
    assert ":".join(["CD"] * 32) in message


def test_an_answer_that_cannot_be_understood_is_a_bug_for_reads_and_a_doubt_for_changes() -> None:
    bug = AttributeError("no such type")
    with pytest.raises(AttributeError):
        translate(bug, READ)
    assert type(translate(bug, WRITE)) is OutcomeUnknown


def test_a_refused_login_names_the_user_and_no_password() -> None:
    error = refused_login(vim.fault.InvalidLogin(), Call("Login", "vc.lab"), "op@vsphere.local")
    assert error.reason is Reason.AUTHENTICATION_FAILED
    assert "op@vsphere.local" in error.message


def test_an_account_without_any_role_is_told_so() -> None:
    error = refused_login(vim.fault.NoPermission(), Call("Login", "vc.lab"), "op@vsphere.local")
    assert error.reason is Reason.AUTHENTICATION_FAILED
    assert "role" in error.message
