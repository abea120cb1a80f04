"""Plan the one call that creates a VM: everything is checked first, then the clone carries all it can.

A second VM is never made: while a clone of ours may still be running, or somebody holds the name, the plan waits or
says so. Deleted VMs come back only where that was asked for and nothing suggests that the VM is merely out of sight.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from nested_hyperv.api.common import DeletionPolicy, ExternalDeletePolicy
from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.inventory import Change, CloneRequest, VirtualMachineSettings
from nested_hyperv.domain.ownership import Mark
from nested_hyperv.domain.plan import Clone, Plan
from nested_hyperv.domain.verdict import Situation, Verdict

from .adapters import plan_adapters
from .goal import hardware_differences
from .guest_os import GUEST_IDS

if TYPE_CHECKING:
    from nested_hyperv.api.host import NestedHyperVHostSpec
    from nested_hyperv.domain.inventory import Host
    from nested_hyperv.domain.subject import Subject

    from .world import CreationWorld, HostWorld

__all__ = ["check_nested_hv", "is_reported_missing", "plan_creation"]

_FIRST_WITH_NESTED_HV: Final = 9
_LOOK_AGAIN: Final = 10.0
_SETTLE_SECONDS: Final = 900.0


def is_reported_missing(subject: Subject, spec: NestedHyperVHostSpec) -> bool:
    """Whether a VM that is not there was deleted and must not come back."""
    return subject.known is not None and spec.on_external_delete is ExternalDeletePolicy.REPORT


def plan_creation(subject: Subject, spec: NestedHyperVHostSpec, world: HostWorld) -> Plan:
    """Plan the clone. Raises ``Blocked`` if the world does not allow it."""
    gone = f"{subject.known.value if subject.known else spec.name} was deleted in vSphere"
    if is_reported_missing(subject, spec):
        raise Blocked(
            Reason.MISSING,
            f"{gone} and onExternalDelete is Report. "
            "Set onExternalDelete: Recreate to have it cloned again, or delete this resource.",
        )
    if world.cloning:
        # Before all else: what stands in the way of a clone says nothing while ours may be running.
        return Plan(
            Verdict(
                Situation.PROGRESSING,
                Reason.PROGRESSING,
                f"A clone by this user is running that may become {spec.name}; looking again when it has ended.",
                synced=False,
                again_after=_LOOK_AGAIN,
            )
        )
    creation = world.creation
    if creation is None:
        raise ValueError("a plan without a VM needs what was observed for its creation")
    if subject.known is not None:
        _check_recreation(gone, creation)
    subject.check_scope(creation.template_path, *creation.placement.paths)
    if creation.namesake is not None:
        raise Blocked(
            Reason.NAME_TAKEN,
            f"A VM or folder named {spec.name} exists in the target folder ({creation.namesake.value}) and is not this "
            "resource's own. Choose another spec.name, or remove or rename that object.",
        )
    _check_template(spec, creation)
    _check_hosts(spec, creation)
    for dependency in world.dependencies:
        if dependency.error is not None:
            raise dependency.error
        return Plan(Verdict(Situation.DEPENDENCY, Reason.DEPENDENCY_NOT_READY, dependency.message, synced=False))
    changes = (Change("name", "absent", spec.name),)
    verdict = Verdict(
        Situation.PROGRESSING,
        Reason.PROGRESSING,
        f"Cloning {creation.template.name} to {spec.name}.",
        facts={"name": spec.name, "deletion_policy": spec.deletion_policy or DeletionPolicy.DELETE, "observed": None},
        synced=False,
    )
    return Plan(verdict, actions=(Clone(_request(subject, spec, world, creation), changes),), changes=changes)


def _request(subject: Subject, spec: NestedHyperVHostSpec, world: HostWorld, creation: CreationWorld) -> CloneRequest:
    template = creation.template
    adapters = plan_adapters(world.networks, template.detail.adapters if template.detail else (), None, running=False)
    mark = Mark(
        owner=subject.identity.owner, lineage=subject.identity.lineage, instance_uuid=subject.identity.owner
    ).for_virtual_machine()
    values = {d.setting: d.value for d in hardware_differences(spec, template) if d.setting != "name"}
    return CloneRequest(
        template=template.ref,
        name=spec.name,
        placement=creation.placement,
        instance_uuid=subject.identity.owner,
        settings=replace(VirtualMachineSettings(mark=mark, adapters=adapters.edits), **values),
    )


def _check_recreation(gone: str, creation: CreationWorld) -> None:
    away = sorted(host.name for host in creation.hosts if host.connection_state != "connected")
    if away:
        raise Blocked(
            Reason.MISSING,
            f"{gone}, or it is registered on a host that does not answer ({', '.join(away)}). "
            "It is cloned again when all hosts of the placement are connected.",
        )
    if creation.settled_for < _SETTLE_SECONDS:
        raise Blocked(
            Reason.MISSING,
            f"{gone}, or vCenter has restarted and has not found it yet. It is cloned again when the session with "
            f"vCenter has lasted {_SETTLE_SECONDS / 60:.0f} minutes.",
        )


def _check_template(spec: NestedHyperVHostSpec, creation: CreationWorld) -> None:
    template, path = creation.template, creation.template_path
    if not template.config_available:
        raise Blocked(Reason.TEMPLATE_UNUSABLE, f"{path} is {template.connection_state}; a clone needs it connected.")
    if not template.template and template.power_state != "poweredOff":
        raise Blocked(
            Reason.TEMPLATE_UNUSABLE,
            f"{path} is a running VM. Convert it to a template, or power it off.",
        )
    firmware = spec.hardware.firmware
    if firmware is not None and template.firmware != firmware.value.lower():
        raise Blocked(
            Reason.TEMPLATE_UNUSABLE,
            f"{path} has firmware {template.firmware} and the spec asks for {firmware.value}; an installed guest does "
            "not boot with another firmware. Use a template that has it, or leave hardware.firmware out.",
        )
    if spec.hardware.secure_boot and template.firmware != "efi":
        raise Blocked(
            Reason.TEMPLATE_UNUSABLE,
            f"{path} has firmware {template.firmware}; secure boot needs EFI. Use an EFI template.",
        )
    wanted = GUEST_IDS[spec.guest_os]
    if wanted not in creation.guest_ids:
        raise Blocked(
            Reason.GUEST_OS_NOT_OFFERED,
            f"guestOS {spec.guest_os.value} is {wanted} in vSphere, and this placement does not offer it for hardware "
            f"version {template.hardware_version}. Use a template with a newer hardware version, or another guestOS.",
        )


def _check_hosts(spec: NestedHyperVHostSpec, creation: CreationWorld) -> None:
    usable = [host for host in creation.hosts if host.usable]
    if not usable:
        names = ", ".join(sorted(host.name for host in creation.hosts)) or "none"
        raise Blocked(
            Reason.HOST_UNAVAILABLE,
            f"No host of the placement is connected and out of maintenance mode (hosts: {names}).",
        )
    if spec.virtualization.nested_hv:
        check_nested_hv(creation.template.hardware_version, usable)


def check_nested_hv(hardware_version: str, hosts: list[Host]) -> None:
    """Raise ``Blocked(NestedHVNotSupported)`` unless version and hosts can expose hardware virtualization.

    Rules: hardware version 9 or newer, and ``HostSystem.capability.nestedHVSupported`` (API reference, documented).
    What a host does not say counts as no.
    """
    digits = hardware_version.removeprefix("vmx-")
    if digits.isdigit() and int(digits) < _FIRST_WITH_NESTED_HV:
        raise Blocked(
            Reason.NESTED_HV_NOT_SUPPORTED,
            f"Hardware version {hardware_version} cannot expose hardware virtualization; vmx-9 is the first that can. "
            "Upgrade the hardware version of the template.",
        )
    unable = sorted(host.name for host in hosts if not host.nested_hv_supported)
    if unable:
        raise Blocked(
            Reason.NESTED_HV_NOT_SUPPORTED,
            f"{', '.join(unable)} report(s) nestedHVSupported=false: enable VT-x/EPT (AMD-V/RVI) in the firmware of "
            "the host, put it into maintenance mode, or name a capable host in placement.host.",
        )
