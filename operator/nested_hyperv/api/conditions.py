"""Condition types and reasons: one enum for each, for status, events, metrics and logs alike.

Nothing here decides which condition holds; that is `domain.status`. Each member carries the sentence that explains it
in the reference documentation, so that a new reason cannot be added without one.
"""

from enum import StrEnum
from typing import Literal, Self

ConditionStatus = Literal["True", "False", "Unknown"]


class _Documented(StrEnum):
    """A string enum whose members carry one sentence of documentation in `doc`."""

    doc: str

    def __new__(cls, value: str, doc: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.doc = doc
        return member


class ConditionType(_Documented):
    """Every condition type that status can hold."""

    READY = "Ready", "vSphere equals the spec and the object can be used; always present."
    RECONCILING = "Reconciling", "The operator is at work or waits for something it started; present only while True."
    STALLED = "Stalled", "The spec or the world has to change first; present only while True."
    VCENTER_REACHABLE = "VCenterReachable", "The vCenter behind connectionRef answers."
    PREREQUISITES_MET = "PrerequisitesMet", "Switch, host, template and permissions allow what the spec asks for."
    SYNCED = "Synced", "Every managed field in vSphere has the value of the spec."
    NETWORK_READY = "NetworkReady", "Frames of inner virtual machines can pass."
    POWER_OFF_REQUIRED = "PowerOffRequired", "Fields wait until the machine is powered off; present only while True."


class Reason(_Documented):
    """Every reason of a condition or an event."""

    # The state of an object.
    SUCCEEDED = "Succeeded", "vSphere equals the spec."
    PROGRESSING = "Progressing", "The operator creates or changes the object, or waits for a task or a retry."
    POWER_OFF_REQUIRED = "PowerOffRequired", "Fields can only be changed while the machine is powered off."
    DEPENDENCY_NOT_READY = "DependencyNotReady", "A resource that this one refers to is not ready yet."
    MISSING = "Missing", "The object was deleted in vSphere and onExternalDelete is Report."
    CONTESTED = "Contested", "Somebody keeps reverting what the operator repairs."
    OBSERVED = "Observed", "managementPolicy is Observe and vSphere equals the spec."
    WOULD_CHANGE = "WouldChange", "managementPolicy is Observe and vSphere differs from the spec; see status.plan."
    VCENTER_UNREACHABLE = "VCenterUnreachable", "The vCenter does not answer."
    SUSPENDED = "Suspended", "spec.suspend is true; nothing is touched."
    DELETING = "Deleting", "The object is being torn down."
    DELETION_BLOCKED = "DeletionBlocked", "The object cannot be torn down until something else changes."

    # Prerequisites that the user or the world has to change.
    INVALID_SPEC = "InvalidSpec", "The spec is not valid; the message names every field."
    CONNECTION_NOT_FOUND = "ConnectionNotFound", "The Secret that connectionRef names does not exist."
    CONNECTION_INVALID = "ConnectionInvalid", "A key of the connection Secret is missing or malformed."
    CONNECTION_TERMINATING = "ConnectionTerminating", "The connection Secret is being deleted and takes no new users."
    CONNECTION_NOT_ALLOWED = (
        "ConnectionNotAllowed",
        "The connection Secret lives in another namespace and does not admit this one.",
    )
    AUTHENTICATION_FAILED = "AuthenticationFailed", "vCenter refused the user name or the password."
    CERTIFICATE_NOT_VERIFIED = "CertificateNotVerified", "The certificate of vCenter could not be verified."
    PERMISSION_DENIED = "PermissionDenied", "The vCenter user lacks a privilege; the message names it and the object."
    NOT_FOUND = "NotFound", "A name or path in the spec does not exist in vSphere."
    AMBIGUOUS = "Ambiguous", "A name in the spec fits more than one object; the message lists the candidates."
    OUT_OF_SCOPE = "OutOfScope", "The connection's scope does not include what the spec names."
    ADOPTION_NOT_ALLOWED = "AdoptionNotAllowed", "The connection does not allow the adoption of existing objects."
    NAME_TAKEN = "NameTaken", "An object of that name exists and is not ours."
    CONFLICT = "Conflict", "Another resource owns the same vSphere object."
    OWNERSHIP_LOST = "OwnershipLost", "The mark that proves ownership is gone from the vSphere object."
    IDENTITY_CONFLICT = "IdentityConflict", "The mark and the instance UUID of the machine contradict each other."
    VCENTER_CHANGED = "VCenterChanged", "The connection answers with another vCenter than the one recorded in status."
    MAC_LEARNING_NOT_SUPPORTED = "MACLearningNotSupported", "The distributed switch is older than 6.6.0."
    NESTED_HV_NOT_SUPPORTED = "NestedHVNotSupported", "No host of the placement can expose hardware virtualization."
    NESTED_HV_NOT_APPLIED = "NestedHVNotApplied", "vSphere accepted nested virtualization and did not apply it."
    NOT_APPLIED = "NotApplied", "vSphere accepted a value and did not apply it; the message names the field."
    GUEST_OS_NOT_OFFERED = "GuestOSNotOffered", "The placement does not offer the guest operating system."
    TEMPLATE_UNUSABLE = "TemplateUnusable", "The template cannot be cloned into what the spec asks for."
    HOST_UNAVAILABLE = "HostUnavailable", "No host of the placement is connected and out of maintenance."
    INACCESSIBLE = "Inaccessible", "vCenter cannot read the machine's configuration; it exists and is left alone."
    IN_USE = "InUse", "Something else still uses the object."
    MTU_TOO_SMALL = "MTUTooSmall", "The MTU of the switch is smaller than spec.minimumMTU."
    TOO_MANY_HOSTS = "TooManyHosts", "The cluster has more hosts than one resource can have rows for."
    PORT_OVERRIDE = "PortOverride", "A port has settings of its own that differ from those of its port group."
    NSX_MANAGED = "NSXManaged", "The port group is managed by NSX and is never written."
    TASK_FAILED = "TaskFailed", "A vCenter task failed; the message carries its fault."

    # What happened: reasons of events.
    CREATED = "Created", "The object was created in vSphere."
    RECONFIGURED = "Reconfigured", "The object was changed because the spec changed."
    REPAIRED = "Repaired", "A change made in vSphere was taken back."
    RECREATED = "Recreated", "The object was deleted in vSphere and created again."
    DELETED = "Deleted", "The object was deleted in vSphere."
    RELEASED = "Released", "The resource let go of its object and left it in vSphere."
    RELEASED_UNMARKED = "ReleasedUnmarked", "The resource let go of an object that no longer carried its mark."
    ORPHANED = "Orphaned", "The resource let go of an object that may still exist in vSphere."
    POWERED_ON = "PoweredOn", "The machine was powered on."
    POWERED_OFF = "PoweredOff", "The machine was powered off."
    SHUTDOWN_REQUESTED = "ShutdownRequested", "The guest was asked to shut down."
