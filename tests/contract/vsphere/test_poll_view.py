"""What is put into the view of the long poll: it is told of, or it turns out to be gone, whenever it was destroyed."""

import uuid

from pyVmomi import vim

from bed.soap import connect, result_of
from bed.twin import OPERATOR, Twin
from nested_hyperv.domain.inventory import MoRef, PortGroupSettings, Switch
from nested_hyperv.domain.ownership import Mark
from nested_hyperv.domain.resource import ObjectKey
from nested_hyperv.vsphere.vcenter import VCenter

from .conftest import KEY, Adapter

OTHER_KEY = ObjectKey("NestedPortGroup", "lab", "b")


async def created(adapter: Adapter, vcenter: VCenter, switch: Switch, name: str) -> MoRef:
    """Create a port group and read it, as a pass does before it watches it."""
    mark = Mark(owner=str(uuid.uuid4()), lineage=str(uuid.uuid4()), mode="MACLearning")
    settings = PortGroupSettings(name=name, description=mark.for_port_group(), vlan=120)
    task = await adapter.end_of(vcenter, await vcenter.create_port_group(KEY, switch, settings))
    assert task.result is not None, task.error
    assert await vcenter.read_port_group(task.result) is not None
    return task.result


def destroy(twin: Twin, ref: MoRef) -> None:
    with connect(twin) as instance:
        result_of(vim.dvs.DistributedVirtualPortgroup(ref.value, instance._stub).Destroy_Task())  # noqa: SLF001


async def test_what_is_destroyed_before_the_poll_has_told_of_it_turns_out_to_be_gone(
    adapter: Adapter, vcenter: VCenter, switch: Switch, twin: Twin
) -> None:
    other = await created(adapter, vcenter, switch, "other")
    vcenter.watch(OTHER_KEY, [other])
    ref = await created(adapter, vcenter, switch, "lab-net")
    # The next call of the long poll is answered from what there is a moment later.
    twin.control.fail("WaitForUpdatesEx", where="stall", user=OPERATOR.name, seconds=1, count=1)
    twin.control.drift(other.value, set={"config.defaultPortConfig.vlan.vlanId": 7})
    await adapter.until(twin.control.stalled_calls, "the long poll to hang")
    twin.control.reset_counters()
    adapter.woken.clear()

    vcenter.watch(KEY, [ref])
    await adapter.until(lambda: twin.control.counters(OPERATOR).get("ModifyListView"), "the view to be changed")
    assert vcenter.cached(ref) is not None, "it was read a moment ago"
    destroy(twin, ref)

    await adapter.until(lambda: vcenter.missing(ref), "its end to be noticed")
    assert KEY in adapter.woken
    assert vcenter.cached(ref) is None
