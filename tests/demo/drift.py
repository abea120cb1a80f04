"""What another administrator does to the lab: four calls of the vSphere API, each prepared beforehand.

Prepared, because the time of a repair begins when the call is sent; reading what it needs does not count.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyVmomi import vim

from bed.kube_object import KubeObject
from bed.stranger import Stranger

__all__ = ["Drift", "delete_port_group", "hide_virtualization", "set_promiscuous", "stop_mac_learning"]

Dvs = vim.dvs.VmwareDistributedVirtualSwitch


@dataclass(frozen=True)
class Drift:
    """One change behind the operator's back."""

    what: str
    subject: KubeObject
    target: str
    """The id of the object in vSphere."""
    send: Callable[[], Any]
    """Sends the call and returns its task."""


def stop_mac_learning(alice: Stranger, subject: KubeObject) -> Drift:
    """MAC learning off: frames of inner machines find their way no more."""
    return _policy(alice, subject, f"turns MAC learning off on {subject.name}", {"enabled": False})


def set_promiscuous(alice: Stranger, subject: KubeObject) -> Drift:
    """Promiscuous mode on: every machine on the port group hears all the others."""
    return _policy(alice, subject, f"makes {subject.name} promiscuous", {}, allowPromiscuous=True)


def hide_virtualization(alice: Stranger, subject: KubeObject) -> Drift:
    """Nested hardware virtualization off: at the next start there is no Hyper-V."""
    vm = alice.vm(subject.mo_ref)
    spec = vim.vm.ConfigSpec(nestedHVEnabled=False)
    what = f"hides hardware virtualization from {subject.name}, which is off"
    return Drift(what, subject, subject.mo_ref, lambda: vm.ReconfigVM_Task(spec))


def delete_port_group(alice: Stranger, subject: KubeObject) -> Drift:
    """The port group deleted; vCenter allows that while nothing is attached to it."""
    group = alice.port_group(subject.mo_ref)
    return Drift(f"deletes port group {subject.name}", subject, subject.mo_ref, group.Destroy_Task)


def _policy(alice: Stranger, subject: KubeObject, what: str, learning: dict[str, bool], **fields: bool) -> Drift:
    group = alice.port_group(subject.mo_ref)
    config = group.config
    policy = config.defaultPortConfig.macManagementPolicy
    policy.inherited = False
    for name, value in learning.items():
        setattr(policy.macLearningPolicy, name, value)
    for name, value in fields.items():
        setattr(policy, name, value)
    setting = Dvs.VmwarePortConfigPolicy(macManagementPolicy=policy)
    spec = vim.dvs.DistributedVirtualPortgroup.ConfigSpec(configVersion=config.configVersion, defaultPortConfig=setting)
    return Drift(what, subject, subject.mo_ref, lambda: group.ReconfigureDVPortgroup_Task(spec))
