"""A client that follows a property collector ends with what a read says, whatever happens to the inventory.

The twin looks at nothing by itself here (`-sweep 0`): each change has to be announced by whoever makes it.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import Any

import pytest
from pyVmomi import vim

from bed.lab import Lab
from bed.mirror import Mirror, broken_links
from bed.soap import connect, finish, result_of
from bed.twin import Twin
from verify import standard, switching
from verify.checks import pools
from verify.rule import rule
from verify.scratch import vlan_id
from verify.standard import add_group, group_spec

Step = tuple[str, Callable[[], Any]]
Member = vim.dvs.HostMember.ConfigSpec


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A small inventory that is not swept."""
    arguments = ("-sweep", "0", "-host", "2", "-vm", "1", "-standalone-host", "1")
    with Twin(arguments=arguments) as twin, connect(twin) as instance:
        yield Lab(twin, instance)


def _nothing() -> None:
    """What was done before is what is looked at."""


def follow(lab: Lab, steps: Iterator[Step]) -> None:
    """Take each step, and compare what was told of it, whole and in parts, with what is there."""
    whole, parts = Mirror(lab.instance, partial=False), Mirror(lab.instance, partial=True)
    for name, step in chain([("nothing", _nothing)], steps):
        outcome = step()
        if isinstance(outcome, vim.Task):
            result_of(outcome)
        fresh = whole.read()
        assert whole.differences(fresh) == [], f"whole updates, after: {name}"
        assert parts.differences(fresh) == [], f"partial updates, after: {name}"
        assert broken_links(lab.instance) == [], f"after: {name}"


def reach(lab: Lab, host: Any, state: Any) -> None:
    """Change whether vCenter reaches a host."""
    lab.twin.control.host(host.name, connection_state=state)


def standard_groups(lab: Lab) -> Iterator[Step]:
    """Port groups of standard switches, machines on them, and hosts that leave with groups in use."""
    one, two = lab.hosts
    system = one.configManager.networkSystem
    for host in lab.hosts:
        yield "a group on each host", partial(add_group, lab, "vSwitch0", "lan", host=host)
    vm = standard.machine_on(lab, "lan")
    yield "a machine on it", _nothing
    yield "that runs", vm.PowerOnVM_Task
    yield "and moves", lambda: vm.MigrateVM_Task(host=two, priority="defaultPriority")
    yield "a policy", lambda: system.UpdatePortGroup("lan", group_spec("vSwitch0", "lan", vlan=9))
    yield "a new name", lambda: system.UpdatePortGroup("lan", group_spec("vSwitch0", "other"))
    yield "another switch", lambda: system.AddVirtualSwitch("vs", vim.host.VirtualSwitch.Specification(numPorts=64))
    yield "a group on it", lambda: system.AddPortGroup(group_spec("vs", "moving"))
    yield "that changes the switch", lambda: system.UpdatePortGroup("moving", group_spec("vSwitch0", "moving"))
    yield "the switch removed", lambda: system.RemoveVirtualSwitch("vs")
    yield "a silent host", lambda: reach(lab, two, "notResponding")
    yield "work on it", lambda: lab.twin.control.host_network(two.name, add=[{"name": "late"}])
    yield "the host is back", lambda: reach(lab, two, "connected")
    yield "the host disconnected", two.DisconnectHost_Task
    yield "and removed with its machine", two.Destroy_Task
    yield "the last group", lambda: system.RemovePortGroup("other")


def distributed_groups(lab: Lab) -> Iterator[Step]:
    """Port groups of a distributed switch and its ports, and hosts that join and leave."""
    one, two = lab.hosts
    lan, live = lab.port_group("lan", numPorts=1), lab.port_group("live", type="ephemeral")
    yield "two groups", _nothing
    vm, other = switching.machine_on(lab, lan), switching.machine_on(lab, live, "other")
    yield "machines on them", _nothing
    yield "one runs", other.PowerOnVM_Task
    yield "a group is static now", lambda: lab.reconfigure(live, type="earlyBinding", autoExpand=True)
    yield "a NIC changes its group", lambda: lab.attach(vm, live)
    yield "a policy", lambda: lab.reconfigure(lan, vlan=vlan_id(7))
    yield (
        "a policy of the switch",
        lambda: switching.reconfigure_switch(lab.switch, defaultPortConfig=switching.setting(vlan=vlan_id(8))),
    )
    yield "a new name", lambda: live.Rename_Task("dead")
    switch = switching.new_switch(lab)
    yield "a switch", _nothing
    joining = [Member(operation="add", host=host) for host in (one, two)]
    yield "hosts on it", lambda: switching.reconfigure_switch(switch, host=joining)
    leaving = [Member(operation="remove", host=one)]
    yield "a host off it", lambda: switching.reconfigure_switch(switch, host=leaving)
    yield "the switch removed", switch.Destroy_Task
    yield "a machine removed", vm.Destroy_Task
    yield "a group removed", lan.Destroy_Task


def machines(lab: Lab) -> Iterator[Step]:
    """Machines that are moved, lost, unregistered and found again."""
    control = lab.twin.control
    vm, name = lab.machine(), lab.named("machine")
    folder = lab.place.folder.CreateFolder("folder")
    pool = pools.pool(lab, "pool")
    yield "a machine, a folder and a pool", _nothing
    yield "a name", lambda: folder.Rename_Task("a/b")
    yield "into the folder", lambda: folder.MoveIntoFolder_Task([vm])
    yield "into the pool", lambda: pool.MoveIntoResourcePool([vm])
    for state in ("inaccessible", "orphaned", "invalid", "connected"):
        yield state, partial(control.vm, name, connection_state=state)
    yield "the datastore gone", lambda: control.datastore(lab.place.datastore.name, accessible=False)
    yield "and back", lambda: control.datastore(lab.place.datastore.name, accessible=True)
    yield "a snapshot", lambda: vm.CreateSnapshot_Task("before", "", False, False)
    yield "a template", vm.MarkAsTemplate
    path = vm.config.files.vmPathName
    yield "unregistered", vm.UnregisterVM
    yield "registered", lambda: lab.place.folder.RegisterVM_Task(path, "again", False, lab.pool, lab.host)
    yield "the pool removed", pool.Destroy_Task
    yield "the folder removed", folder.Destroy_Task


def hosts(lab: Lab) -> Iterator[Step]:
    """Hosts and clusters that come, change their place, and go."""
    folder = lab.datacenter.hostFolder
    cluster = folder.CreateClusterEx("fresh", vim.cluster.ConfigSpecEx())
    yield "a cluster", _nothing
    connect_spec = vim.host.ConnectSpec(hostName="new", userName="root", password="secret", force=False)
    host = result_of(cluster.AddHost_Task(connect_spec, True))
    yield "a host in it", _nothing
    yield "maintenance", lambda: host.EnterMaintenanceMode_Task(0, True)
    yield "out of the cluster", lambda: folder.MoveIntoFolder_Task([host])
    yield "into the other", lambda: lab.pool.owner.MoveInto_Task([host])
    yield "in service", lambda: host.ExitMaintenanceMode_Task(0)
    yield "another name", lambda: cluster.Rename_Task("renamed")
    yield "the cluster removed", cluster.Destroy_Task
    yield "maintenance with machines", lambda: finish(lab.host.EnterMaintenanceMode_Task(0, False))
    yield "a datacenter", lambda: lab.content.rootFolder.CreateDatacenter("DC1")
    yield "another datacenter removed", lab.datacenter.Destroy_Task


@rule(
    call="WaitForUpdatesEx",
    says="What a client is told, whole or in parts, adds up to what a read says, and both ends of each relation of the "
    "inventory agree: while port groups, machines and hosts come, change their place, fall silent and go.",
    standing="documented",
    source="API reference, PropertyCollector: incremental changes of the selected properties; ManagedEntity, Network, "
    "HostSystem and their like, the lists of each other",
)
@pytest.mark.parametrize("story", [standard_groups, distributed_groups, machines, hosts], ids=lambda it: it.__name__)
def test_updates_add_up_to_what_is_there(lab: Lab, story: Callable[[Lab], Iterator[Step]]) -> None:
    follow(lab, story(lab))
