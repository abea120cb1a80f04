"""Distributed port groups."""

from pyVmomi import vim

from bed.soap import finish, result_of
from verify.rule import rule
from verify.scratch import Scratch, fault_of


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="A configVersion other than the current one fails the task with ConcurrentAccess and changes nothing.",
    standing="documented",
    source="API reference, DVPortgroupConfigSpec.configVersion; in the task: seen in pyvmomi issue 538",
    switch="concurrentAccessInTask",
)
def a_stale_version_is_refused(scratch: Scratch) -> None:
    group = scratch.port_group()
    stale = group.config.configVersion
    result_of(scratch.reconfigure(group, description="one"))

    task = scratch.reconfigure(group, configVersion=stale, description="two")

    fault_of(finish(task), vim.fault.ConcurrentAccess)
    assert group.config.description == "one"


@rule(
    call="ReconfigureDVPortgroup_Task",
    says="A reconfigure that changes nothing makes a new configVersion all the same.",
    standing="inferred",
    source="nothing found",
    switch="noOpBumpsConfigVersion",
)
def a_reconfigure_without_a_change_makes_a_new_version(scratch: Scratch) -> None:
    group = scratch.port_group(description="one")
    before = group.config.configVersion

    result_of(scratch.reconfigure(group, description="one"))

    assert group.config.configVersion != before
