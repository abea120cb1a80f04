"""Plans for a host, as short as a test can ask for them."""

from __future__ import annotations

from typing import Any

import pytest

from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.host.plan import plan_host
from nested_hyperv.domain.host.world import HostWorld
from nested_hyperv.domain.inventory import (
    MoRef,
    VirtualMachine,
    VirtualMachineSettings,
)
from nested_hyperv.domain.ownership import Mark
from nested_hyperv.domain.plan import Plan, Reconfigure
from nested_hyperv.domain.subject import Subject
from support import vsphere_records as samples
from support.subjects import LINEAGE, OWNER, host_spec, subject

__all__ = ["KNOWN", "LAN", "marked", "ours", "plan", "reconfigured", "refusal", "world"]

LAN = samples.network("dvportgroup-1")
KNOWN = MoRef("VirtualMachine", "vm-hv1")


def marked(**fields: Any) -> str:
    return Mark(**{"owner": OWNER, "lineage": LINEAGE, "instance_uuid": OWNER, **fields}).for_virtual_machine()


def ours(**fields: Any) -> VirtualMachine:
    """Our VM, equal to the smallest spec."""
    mark = fields.pop("mark", marked())
    return samples.virtual_machine(mark=mark, **{"ref": KNOWN, "instance_uuid": OWNER, **fields})


def world(vm: VirtualMachine | None, **rest: Any) -> HostWorld:
    return HostWorld(**{"vm": vm, "host": samples.host(), "networks": (), "dependencies": (), **rest})


def plan(
    vm: VirtualMachine | None, by: Subject | None = None, around: dict[str, Any] | None = None, **spec: Any
) -> Plan:
    return plan_host(by or subject(KNOWN), host_spec(**spec), world(vm, **(around or {})))


def refusal(vm: VirtualMachine | None, **how: Any) -> Blocked:
    with pytest.raises(Blocked) as refused:
        plan(vm, **how)
    return refused.value


def reconfigured(planned: Plan) -> VirtualMachineSettings:
    (action,) = planned.actions
    assert isinstance(action, Reconfigure)
    return action.settings
