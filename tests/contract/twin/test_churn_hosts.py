"""Hosts and clusters that come, go, fall silent and are emptied: no scratch place can show that."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from pyVmomi import vim, vmodl

from bed.soap import Updates, finish, moid, result_of
from bed.waiting import wait_for
from verify.rule import rule
from verify.scratch import fault_of, gone

if TYPE_CHECKING:
    from bed.lab import Lab

HOST = "API reference, HostSystem"
CLUSTER = "API reference, ClusterComputeResource"


@pytest.fixture(scope="module")
def shared() -> Iterator["Lab"]:
    """One twin for the module: two clusters and two stand-alone hosts with machines."""
    from bed.lab import Lab
    from bed.soap import connect
    from bed.twin import Twin

    with Twin(arguments=("-cluster", "2", "-standalone-host", "2")) as twin, connect(twin) as instance:
        yield Lab(twin, instance)


@pytest.fixture
def lab(shared: "Lab") -> Iterator["Lab"]:
    """The shared twin as it was at the start."""
    yield shared
    for host in all_hosts(shared):
        shared.twin.control.host(moid(host), connection_state="connected", maintenance=False)
    shared.clean()


def all_hosts(lab: "Lab") -> list[Any]:
    """Return every host of the inventory."""
    view = lab.content.viewManager.CreateContainerView(lab.content.rootFolder, [vim.HostSystem], True)
    hosts = list(view.view)
    view.DestroyView()
    return hosts


def cluster(lab: "Lab", name: str = "fresh") -> Any:
    """Make an empty cluster."""
    return lab.keep(lab.datacenter.hostFolder.CreateClusterEx(name, vim.cluster.ConfigSpecEx()))


def add(where: Any, name: str, *, connected: bool = True) -> Any:
    """Add a host to a cluster; returns the HostSystem."""
    return result_of(where.AddHost_Task(connect_spec(name), connected))


def connect_spec(name: str) -> Any:
    """Return the spec of a new host."""
    return vim.host.ConnectSpec(hostName=name, userName="root", password="secret", force=False)


def alone(lab: "Lab", name: str) -> Any:
    """Add a stand-alone host; returns its compute resource."""
    return lab.keep(result_of(lab.datacenter.hostFolder.AddStandaloneHost_Task(connect_spec(name), None, True)))


def machine_on(lab: "Lab", host: Any, name: str = "guest", *, on: bool = False) -> Any:
    """Make a machine on a host."""
    files = vim.vm.FileInfo(vmPathName=f"[{lab.place.datastore.name}]")
    spec = vim.vm.ConfigSpec(name=name, files=files)
    vm = lab.keep(result_of(lab.place.folder.CreateVM_Task(spec, host.parent.resourcePool, host)))
    if on:
        result_of(vm.PowerOnVM_Task())
    return vm


@rule(
    call="DisconnectHost_Task",
    says="The host is disconnected, its power state unknown, and its machines are too, as they were known last.",
    standing="documented",
    source=f"{HOST}.DisconnectHost_Task; HostSystemPowerState.unknown; VirtualMachineConnectionState.disconnected",
)
def test_a_disconnected_host_takes_its_machines_along(lab: "Lab") -> None:
    vm = machine_on(lab, lab.host)
    updates = Updates(lab.instance, vm, {vim.VirtualMachine: ["runtime.connectionState"]})
    updates.all(0)

    result_of(lab.host.DisconnectHost_Task())

    assert (lab.host.runtime.connectionState, lab.host.runtime.powerState) == ("disconnected", "unknown")
    [(kind, _, changed)] = updates.all()
    assert (kind, changed) == ("modify", {"runtime.connectionState": "disconnected"})
    assert vm.config.name == vm.name
    assert isinstance(fault_of(finish(vm.PowerOnVM_Task())), vim.fault.InvalidState)


@rule(
    call="ReconnectHost_Task",
    says="A host that is not disconnected is InvalidState; one that is comes back, and its machines do.",
    standing="documented",
    source=f"{HOST}.ReconnectHost_Task",
)
def test_a_host_is_reconnected_once(lab: "Lab") -> None:
    vm = machine_on(lab, lab.host)
    fault_of(finish(lab.host.ReconnectHost_Task()), vim.fault.InvalidState)
    result_of(lab.host.DisconnectHost_Task())

    result_of(lab.host.ReconnectHost_Task())

    assert (lab.host.runtime.connectionState, lab.host.runtime.powerState) == ("connected", "poweredOn")
    assert vm.runtime.connectionState == "connected"


@rule(
    call="CreateVM_Task",
    says="A machine cannot be made on hosts that are all disconnected: HostNotConnected.",
    standing="documented",
    source="API reference, HostNotConnected: a method needs to communicate with a host that is disconnected",
)
def test_a_disconnected_host_takes_no_machine(lab: "Lab") -> None:
    result_of(lab.host.DisconnectHost_Task())
    files = vim.vm.FileInfo(vmPathName=f"[{lab.place.datastore.name}]")
    spec = vim.vm.ConfigSpec(name="guest", files=files)

    task = lab.place.folder.CreateVM_Task(spec, lab.pool, lab.host)

    fault_of(finish(task), vmodl.fault.HostNotConnected)


@rule(
    call="ReconnectHost_Task",
    says="What changed on a host while it was disconnected is seen when it is back, and not before.",
    standing="inferred",
    source=f"{HOST}.ReconnectHost_Task: networks and datastores are discovered and registered again",
)
def test_changes_on_a_silent_host_are_learned_late(lab: "Lab") -> None:
    vm = machine_on(lab, lab.host)
    result_of(lab.host.DisconnectHost_Task())
    lab.twin.control.drift(moid(vm), set={"runtime.powerState": "poweredOn"}, when=moid(lab.host))
    assert vm.runtime.powerState == "poweredOff"

    result_of(lab.host.ReconnectHost_Task())

    assert vm.runtime.powerState == vm.summary.runtime.powerState == "poweredOn"


@rule(
    call="EnterMaintenanceMode_Task",
    says="A cluster with DRS moves the running machines away; those that are off stay; a second call is InvalidState.",
    standing="documented",
    source=f"{HOST}.EnterMaintenanceMode_Task",
)
def test_a_cluster_empties_a_host_for_maintenance(lab: "Lab") -> None:
    running, off = machine_on(lab, lab.host, "running", on=True), machine_on(lab, lab.host, "off")

    result_of(lab.host.EnterMaintenanceMode_Task(0))

    assert lab.host.runtime.inMaintenanceMode
    assert lab.host.summary.runtime.inMaintenanceMode
    assert moid(running.runtime.host) != moid(lab.host)
    assert running.runtime.powerState == "poweredOn"
    assert moid(running) in {moid(vm) for vm in running.runtime.host.vm}
    assert moid(off.runtime.host) == moid(lab.host)
    fault_of(finish(lab.host.EnterMaintenanceMode_Task(0)), vim.fault.InvalidState)
    assert isinstance(fault_of(finish(off.PowerOnVM_Task())), vim.fault.InvalidState)


@rule(
    call="EnterMaintenanceMode_Task",
    says="With evacuatePoweredOffVms a cluster with DRS moves the machines that are off too.",
    standing="documented",
    source=f"{HOST}.EnterMaintenanceMode_Task, evacuatePoweredOffVms",
)
def test_machines_that_are_off_leave_when_asked(lab: "Lab") -> None:
    off = machine_on(lab, lab.host)

    result_of(lab.host.EnterMaintenanceMode_Task(0, evacuatePoweredOffVms=True))

    assert moid(off.runtime.host) != moid(lab.host)


@rule(
    call="EnterMaintenanceMode_Task",
    says="A stand-alone host waits for its machines to stop, and starts none meanwhile.",
    standing="documented",
    source=f"{HOST}.EnterMaintenanceMode_Task: completes once there are no powered-on machines on the host",
)
def test_a_host_without_drs_waits_for_its_machines(lab: "Lab") -> None:
    host = next(host for host in all_hosts(lab) if host.parent.name == host.name)
    running = next(vm for vm in host.vm if vm.runtime.powerState == "poweredOn")

    task = host.EnterMaintenanceMode_Task(0)

    wait_for(lambda: task.info.state == "running", "the task to begin")
    assert not host.runtime.inMaintenanceMode
    for vm in host.vm:
        result_of(vm.PowerOffVM_Task())
    result_of(task)
    assert host.runtime.inMaintenanceMode
    assert isinstance(fault_of(finish(running.PowerOnVM_Task())), vim.fault.InvalidState)


@rule(
    call="EnterMaintenanceMode_Task",
    says="A timeout above zero ends the task with Timedout, and the host stays in service.",
    standing="documented",
    source=f"{HOST}.EnterMaintenanceMode_Task, timeout",
)
def test_maintenance_times_out(lab: "Lab") -> None:
    host = [host for host in all_hosts(lab) if host.parent.name == host.name][1]
    vm = host.vm[0]

    fault_of(finish(host.EnterMaintenanceMode_Task(1)), vim.fault.Timedout)

    assert not host.runtime.inMaintenanceMode
    result_of(vm.ResetVM_Task())


@rule(
    call="ExitMaintenanceMode_Task",
    says="A host that is not in maintenance mode is InvalidState.",
    standing="documented",
    source=f"{HOST}.ExitMaintenanceMode_Task",
)
def test_maintenance_ends_once(lab: "Lab") -> None:
    result_of(lab.host.EnterMaintenanceMode_Task(0))

    result_of(lab.host.ExitMaintenanceMode_Task(0))

    assert not lab.host.runtime.inMaintenanceMode
    fault_of(finish(lab.host.ExitMaintenanceMode_Task(0)), vim.fault.InvalidState)


@rule(
    call="AddHost_Task",
    says="The new host says the release of its neighbours, is on no switch, and offers the same hardware versions.",
    standing="documented",
    source=f"{CLUSTER}.AddHost_Task: the result is the newly added HostSystem",
)
def test_a_host_joins_a_cluster(lab: "Lab") -> None:
    fresh = cluster(lab)

    host = add(fresh, "esx-late.example.com")

    assert (host.name, host.runtime.connectionState) == ("esx-late.example.com", "connected")
    assert host.config.product.version == lab.host.config.product.version
    assert host.summary.config.product.version == host.config.product.version
    assert [moid(member) for member in fresh.host] == [moid(host)]
    assert fresh.summary.numHosts == fresh.summary.numEffectiveHosts == 1
    assert {type(network) for network in host.network} == {vim.Network}
    assert moid(host) in {moid(member) for member in host.network[0].host}
    [default] = [d for d in fresh.environmentBrowser.QueryConfigOptionDescriptor() if d.defaultConfigOption]
    assert default.key == "vmx-21"
    assert host.hardware.systemInfo.uuid not in {other.hardware.systemInfo.uuid for other in lab.host.parent.host}


@rule(
    call="AddHost_Task",
    says="No name is NoHost, a name of the cluster is DuplicateName, a host of another place is AlreadyConnected.",
    standing="documented",
    source=f"{CLUSTER}.AddHost_Task",
)
def test_a_host_joins_only_once(lab: "Lab") -> None:
    fresh = cluster(lab)
    add(fresh, "esx-one.example.com", connected=False)
    for name, fault in (
        ("", vim.fault.NoHost),
        ("esx-one.example.com", vim.fault.DuplicateName),
        (lab.host.name, vim.fault.AlreadyConnected),
    ):
        fault_of(finish(fresh.AddHost_Task(connect_spec(name), True)), fault)


@rule(
    call="AddStandaloneHost_Task",
    says="The result is the compute resource, which has the host's name; a folder of machines takes no host.",
    standing="documented",
    source="API reference, Folder.AddStandaloneHost_Task",
)
def test_a_host_stands_alone(lab: "Lab") -> None:
    compute = alone(lab, "esx-alone.example.com")

    [host] = compute.host
    assert type(compute) is vim.ComputeResource
    assert compute.name == host.name == "esx-alone.example.com"
    assert host.config.product.version == lab.host.config.product.version
    task = lab.datacenter.vmFolder.AddStandaloneHost_Task(connect_spec("esx-two.example.com"), None, True)
    assert isinstance(fault_of(finish(task)), vmodl.fault.NotSupported)


@rule(
    call="MoveInto_Task",
    says="A stand-alone host joins a cluster with its machines, and its compute resource is gone.",
    standing="documented",
    source=f"{CLUSTER}.MoveInto_Task",
)
def test_a_stand_alone_host_joins_a_cluster(lab: "Lab") -> None:
    compute, target = alone(lab, "esx-alone.example.com"), cluster(lab)
    [host] = compute.host
    updates = Updates(lab.instance, host, {vim.HostSystem: ["parent"]})
    updates.all(0)

    result_of(target.MoveInto_Task([host]))

    assert moid(host.parent) == moid(target)
    assert gone(compute)
    [(_, _, changed)] = updates.all()
    assert moid(changed["parent"]) == moid(target)
    fault_of(finish(target.MoveInto_Task([host])), vim.fault.DuplicateName)


@rule(
    call="MoveInto_Task, MoveHostInto_Task",
    says="A host of another cluster has to be in maintenance mode, else InvalidState; its machines move along.",
    standing="documented",
    source=f"{CLUSTER}.MoveInto_Task; that the machines change to the root pool is inferred",
)
def test_a_host_changes_its_cluster_in_maintenance(lab: "Lab") -> None:
    source, target = cluster(lab, "source"), cluster(lab, "target")
    host = add(source, "esx-late.example.com")

    fault_of(finish(target.MoveInto_Task([host])), vim.fault.InvalidState)
    result_of(host.EnterMaintenanceMode_Task(0))
    result_of(target.MoveHostInto_Task(host))

    assert moid(host.parent) == moid(target)
    assert not source.host
    assert source.summary.numHosts == 0
    assert target.summary.numHosts == 1
    assert target.summary.numEffectiveHosts == 0


@rule(
    call="MoveIntoFolder_Task",
    says="A host that leaves its cluster for a folder stands alone, under a new compute resource of its name.",
    standing="documented",
    source="API reference, Folder.MoveIntoFolder_Task",
)
def test_a_host_leaves_its_cluster(lab: "Lab") -> None:
    source = cluster(lab, "source")
    host = add(source, "esx-late.example.com")
    folder = lab.datacenter.hostFolder

    fault_of(finish(folder.MoveIntoFolder_Task([host])), vim.fault.InvalidState)
    result_of(host.EnterMaintenanceMode_Task(0))
    result_of(folder.MoveIntoFolder_Task([host]))

    compute: Any = lab.keep(host.parent)
    assert compute.__class__.__name__ == "vim.ComputeResource"
    assert (compute.name, moid(compute.parent)) == (host.name, moid(folder))
    assert moid(compute.resourcePool.owner) == moid(compute)
    assert not source.host
    assert compute.environmentBrowser.QueryConfigOptionEx().version == "vmx-21"


@rule(
    call="Destroy_Task",
    says="A host of a cluster goes when in maintenance or disconnected, else InvalidState; a stand-alone one does not.",
    standing="inferred",
    source=f"{HOST}: NotSupported; community.vmware vmware_host and terraform's vsphere_host do the other first",
)
def test_a_host_is_removed(lab: "Lab") -> None:
    fresh = cluster(lab)
    host = add(fresh, "esx-late.example.com")
    network = host.network[0]
    view = lab.content.viewManager.CreateContainerView(lab.content.rootFolder, [vim.HostSystem], True)
    assert moid(host) in {moid(shown) for shown in view.view}

    fault_of(finish(host.Destroy_Task()), vim.fault.InvalidState)
    result_of(host.DisconnectHost_Task())
    result_of(host.Destroy_Task())

    assert gone(host)
    assert not fresh.host
    assert moid(host) not in {moid(shown) for shown in view.view}
    assert moid(host) not in {moid(member) for member in network.host}
    view.DestroyView()
    assert moid(add(fresh, "esx-late.example.com").parent) == moid(fresh), "the next one can come"
    [other] = alone(lab, "esx-alone.example.com").host
    assert isinstance(fault_of(finish(other.Destroy_Task())), vmodl.fault.NotSupported)


@rule(
    call="Destroy_Task",
    says="A host that goes leaves its switches, and its machines leave the inventory, as they are.",
    standing="documented",
    source="API reference, Folder: hosts are removed from the inventory, along with their virtual machines",
)
def test_machines_go_with_their_host(lab: "Lab") -> None:
    host = lab.content.searchIndex.FindByInventoryPath("DC0/host/DC0_C1").host[0]
    group, vm = lab.port_group("group"), machine_on(lab, host, on=True)
    result_of(host.DisconnectHost_Task())

    result_of(host.Destroy_Task())

    assert gone(host)
    assert gone(vm)
    assert moid(host) not in {moid(member) for member in lab.switch.summary.hostMember}
    assert moid(host) not in {moid(member) for member in group.host}
    assert moid(host) not in {moid(mount.key) for mount in lab.place.datastore.host}


@rule(
    call="CreateClusterEx",
    says="A new cluster has a root pool of its own, no hosts and no configuration options; deleted, it is gone.",
    standing="documented",
    source="API reference, Folder.CreateClusterEx; EnvironmentBrowser.QueryConfigOptionEx: null without hosts",
)
def test_a_cluster_is_made_and_deleted(lab: "Lab") -> None:
    fresh = cluster(lab)
    pool = fresh.resourcePool

    assert moid(pool.owner) == moid(fresh)
    assert not fresh.host
    assert not fresh.network
    assert fresh.summary.numHosts == 0
    assert fresh.environmentBrowser.QueryConfigOptionEx() is None
    result_of(fresh.Destroy_Task())
    assert gone(fresh)
    assert gone(pool)


@rule(
    call="CreateClusterEx",
    says="A taken name is DuplicateName, and a folder of machines takes no cluster: NotSupported.",
    standing="documented",
    source="API reference, Folder.CreateClusterEx",
)
def test_a_cluster_needs_a_free_name_in_a_folder_of_hosts(lab: "Lab") -> None:
    spec = vim.cluster.ConfigSpecEx()
    with pytest.raises(vim.fault.DuplicateName):
        lab.datacenter.hostFolder.CreateClusterEx("dc0_c0", spec)
    with pytest.raises(vmodl.fault.NotSupported):
        lab.datacenter.vmFolder.CreateClusterEx("fresh", spec)


@rule(
    call="Destroy_Task",
    says="A folder of hosts is removed with its clusters, hosts and machines, running ones included.",
    standing="documented",
    source="API reference, Folder: destroying a host folder unregisters all child hosts and virtual machines",
)
def test_a_folder_of_hosts_goes_with_everything(lab: "Lab") -> None:
    folder = lab.keep(lab.datacenter.hostFolder.CreateFolder("racks"))
    inner = folder.CreateClusterEx("inner", vim.cluster.ConfigSpecEx())
    host = add(inner, "esx-late.example.com")

    result_of(folder.Destroy_Task())

    assert all(gone(dead) for dead in (folder, inner, host))


@rule(
    call="Destroy_Task, Rename_Task",
    says="The four folders of a datacenter can be neither deleted nor renamed, nor a host renamed: NotSupported.",
    standing="inferred",
    source="API reference, Folder: you cannot destroy, rename, or move them; the fault is inferred",
)
def test_the_folders_of_a_datacenter_stay(lab: "Lab") -> None:
    for task in (
        lab.datacenter.vmFolder.Rename_Task("machines"),
        lab.datacenter.hostFolder.Destroy_Task(),
        lab.host.Rename_Task("other"),
    ):
        assert isinstance(fault_of(finish(task)), vmodl.fault.NotSupported)


@rule(
    call="Destroy_Task",
    says="The root pool of a cluster or host cannot be deleted: InvalidType.",
    standing="documented",
    source="API reference, ResourcePool: invoking destroy on it will throw an InvalidType fault",
)
def test_the_root_pool_stays(lab: "Lab") -> None:
    assert isinstance(fault_of(finish(lab.host.parent.resourcePool.Destroy_Task())), vmodl.fault.InvalidType)


@rule(
    call="HostDatastoreSystem, HostFirewallSystem, …",
    says="A call that a host's own manager has to answer is HostNotConnected while the host is disconnected.",
    standing="documented",
    source="API reference, HostNotConnected",
)
def test_a_silent_host_answers_nothing(lab: "Lab") -> None:
    system = lab.host.configManager.datastoreSystem
    result_of(lab.host.DisconnectHost_Task())

    with pytest.raises(vmodl.fault.HostNotConnected):
        system.CreateLocalDatastore("shelf", "/vmfs/volumes/shelf")
