"""Seeds of whole objects: what is made works as what a client makes."""

from collections.abc import Mapping
from typing import Any

import pytest
from pyVmomi import vim

from bed.soap import connect, find, moid, result_of
from bed.twin import Twin, TwinError

pytestmark = pytest.mark.infrastructure("the control API")


def test_seeded_hosts_run_machines_on_the_cluster_s_datastores_and_switch(twin: Twin) -> None:
    seeded = twin.control.seed(hosts=3, prefix="more")

    with connect(twin) as instance:
        host = find(instance, vim.HostSystem, "more-host-2")
        assert moid(host) == seeded.hosts[2]
        assert host.runtime.connectionState == "connected"
        assert [store.name for store in host.datastore] == ["LocalDS_0"]
        group = find(instance, vim.dvs.DistributedVirtualPortgroup, "DC0_DVPG0")
        assert host in list(group.host)
        assert group in list(host.network)
        cluster = find(instance, vim.ClusterComputeResource, "DC0_C0")
        assert cluster.summary.numHosts == 6
        spec = vim.vm.ConfigSpec(name="guest", guestId="otherGuest", files=vim.vm.FileInfo(vmPathName="[LocalDS_0]"))
        folder = find(instance, vim.Datacenter, "DC0").vmFolder
        vm = result_of(folder.CreateVM_Task(spec, cluster.resourcePool, host))
        result_of(vm.PowerOnVM_Task())
        assert vm.runtime.host == host


@pytest.mark.parametrize(
    ("first", "second", "taken"),
    [
        ({"vms": 1}, {"vms": 2, "port_groups": 1}, "seed-vm-0"),
        ({"templates": 1}, {"vms": 1, "templates": 1}, "seed-template-0"),
        ({"port_groups": 1}, {"port_groups": 1, "vms": 1}, "seed-pg-0"),
    ],
)
def test_a_seed_gives_no_name_twice_and_makes_nothing_then(
    twin: Twin, first: Mapping[str, Any], second: Mapping[str, Any], taken: str
) -> None:
    twin.control.seed(**first, prefix="SEED")
    before = twin.control.state().objects

    with pytest.raises(TwinError, match=f"the name {taken} is taken"):
        twin.control.seed(**second)

    assert twin.control.state().objects == before
