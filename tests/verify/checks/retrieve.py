"""Reading properties once: pages, tokens, selections."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from typing import Any

from pyVmomi import vim, vmodl

from bed.soap import moid, result_of
from verify.rule import rule
from verify.scratch import Scratch
from verify.watching import Collector, list_of, reading, refusal


def in_view(scratch: Scratch, number: int) -> Any:
    """Return the spec that reads the names of some fresh machines through a view."""
    view = list_of(scratch, *(scratch.machine(f"machine-{i}") for i in range(number)))
    hop = Collector.TraversalSpec(path="view", skip=False, type=type(view))
    return reading(view, ["name"], kind=vim.VirtualMachine, select=[hop], skip=True)


@rule(
    call="RetrievePropertiesEx",
    says="With maxObjects the rest waits behind a token, which is good once and only on its collector.",
    standing="documented",
    source="API reference, RetrieveResult.token and ContinueRetrievePropertiesEx",
)
def pages_hang_on_tokens(scratch: Scratch) -> None:
    collector = scratch.content.propertyCollector
    first = collector.RetrievePropertiesEx([in_view(scratch, 3)], Collector.RetrieveOptions(maxObjects=2))
    other = collector.CreatePropertyCollector()
    scratch.undo(other.DestroyPropertyCollector)

    refusal(lambda: other.ContinueRetrievePropertiesEx(first.token), vmodl.fault.InvalidArgument)
    second = collector.ContinueRetrievePropertiesEx(first.token)
    assert len({moid(item.obj) for item in [*first.objects, *second.objects]}) == 3
    assert not second.token
    refusal(lambda: collector.ContinueRetrievePropertiesEx(first.token), vmodl.fault.InvalidArgument)


@rule(
    call="CancelRetrievePropertiesEx",
    says="A retrieval that is cancelled cannot be continued.",
    standing="documented",
    source="API reference, CancelRetrievePropertiesEx",
)
def a_retrieval_is_cancelled(scratch: Scratch) -> None:
    collector = scratch.content.propertyCollector
    page = collector.RetrievePropertiesEx([in_view(scratch, 2)], Collector.RetrieveOptions(maxObjects=1))

    collector.CancelRetrievePropertiesEx(page.token)

    refusal(lambda: collector.ContinueRetrievePropertiesEx(page.token), vmodl.fault.InvalidArgument)
    refusal(lambda: collector.CancelRetrievePropertiesEx(page.token), vmodl.fault.InvalidArgument)


@rule(
    call="RetrieveOptions.maxObjects",
    says="A maxObjects of 0 is InvalidArgument.",
    standing="documented",
    source="API reference, RetrieveOptions.maxObjects: illegal; the fault is inferred",
)
def no_objects_is_no_page(scratch: Scratch) -> None:
    spec, options = in_view(scratch, 1), Collector.RetrieveOptions(maxObjects=0)

    refusal(
        lambda: scratch.content.propertyCollector.RetrievePropertiesEx([spec], options), vmodl.fault.InvalidArgument
    )


@rule(
    call="RetrievePropertiesEx",
    says="An object is reported once, with the union of what all filters want of its type.",
    standing="documented",
    source="API reference, RetrievePropertiesEx and PropertySpec",
)
def an_object_is_reported_once(scratch: Scratch) -> None:
    vm = scratch.machine(annotation="some")
    specs = [reading(vm, ["name"]), reading(vm, ["config.annotation"])]

    (item,) = scratch.content.propertyCollector.RetrieveContents(specs)

    assert {entry.name for entry in item.propSet} == {"name", "config.annotation"}


@rule(
    call="RetrievePropertiesEx",
    says="Null comes back when no object matches.",
    standing="documented",
    source="API reference, RetrievePropertiesEx: return value",
)
def nothing_matches_is_null(scratch: Scratch) -> None:
    collector = scratch.content.propertyCollector

    assert collector.RetrievePropertiesEx([in_view(scratch, 0)], Collector.RetrieveOptions()) is None


@rule(
    call="PropertySpec",
    says="An empty pathSet gives the reference alone; all=true reads every property, whatever pathSet says.",
    standing="documented",
    source="API reference, PropertySpec.all and .pathSet",
)
def none_and_all(scratch: Scratch) -> None:
    group = scratch.port_group()
    collector = scratch.content.propertyCollector

    (bare,) = collector.RetrieveContents([reading(group, [])])
    assert (moid(bare.obj), list(bare.propSet)) == (moid(group), [])

    spec = reading(group, ["name"])
    spec.propSet[0].all = True
    (whole,) = collector.RetrieveContents([spec])
    assert {"name", "config", "portKeys", "summary"} <= {entry.name for entry in whole.propSet}


@rule(
    call="SelectionSpec",
    says="A named traversal that selects itself goes down to any depth.",
    standing="documented",
    source="API reference, SelectionSpec: named selections support recursion",
)
def a_traversal_recurs_by_name(scratch: Scratch) -> None:
    folder = scratch.keep(scratch.place.folder.CreateFolder(scratch.named("outer")))
    inner = folder.CreateFolder("inner")
    vm = scratch.machine()
    result_of(inner.MoveIntoFolder_Task([vm]))
    hop = Collector.TraversalSpec(
        name="down", type=vim.Folder, path="childEntity", selectSet=[Collector.SelectionSpec(name="down")]
    )

    found = scratch.content.propertyCollector.RetrieveContents(
        [reading(folder, ["name"], kind=vim.VirtualMachine, select=[hop])]
    )

    assert [moid(item.obj) for item in found] == [moid(vm)]


@rule(
    call="ManagedObjectNotFound",
    says="A reference to an object that is gone is ManagedObjectNotFound with the reference.",
    standing="observed",
    source="terraform-provider-vsphere issue 1337",
)
def a_dead_reference_is_not_found(scratch: Scratch) -> None:
    group = scratch.port_group()
    result_of(group.Destroy_Task())

    fault = refusal(lambda: group.name, vmodl.fault.ManagedObjectNotFound)

    assert moid(fault.obj) == moid(group)


@rule(
    call="RetrieveProperties",
    says="A property without a value is left out, and reads as nothing.",
    standing="documented",
    source="API reference, ObjectContent.propSet",
)
def an_unset_property_is_left_out(scratch: Scratch) -> None:
    vm = scratch.machine()

    (item,) = scratch.content.propertyCollector.RetrieveContents([reading(vm, ["snapshot", "parentVApp"])])

    assert list(item.propSet) == []
    assert vm.snapshot is None
    assert vm.parentVApp is None


@rule(
    call="ServiceInstance.serverClock",
    says="Reads as the server's clock at that moment, as CurrentTime does.",
    standing="documented",
    source="API reference, ServiceInstance.serverClock and CurrentTime",
)
def the_servers_clock_can_be_read(scratch: Scratch) -> None:
    before = scratch.instance.CurrentTime()
    read = scratch.instance.serverClock
    after = scratch.instance.CurrentTime()

    assert before <= read <= after
