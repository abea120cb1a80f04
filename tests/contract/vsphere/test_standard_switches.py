"""Standard switches of hosts: calls that happen at once, seen by push, on a vCenter and on a stand-alone host."""

from typing import Any

import pytest
from pyVmomi import vim

from bed.soap import connect, find, moid, result_of
from bed.twin import OPERATOR, Twin
from nested_hyperv.domain.errors import InUse, NameTaken, OperatorError
from nested_hyperv.domain.host_network import (
    Attached,
    Cluster,
    HostNetwork,
    StandardPolicy,
    StandardPortGroup,
    StandardSettings,
    host_network,
)
from nested_hyperv.domain.inventory import ALL_VLANS, MoRef
from nested_hyperv.vsphere.vcenter import VCenter

from .conftest import KEY, Adapter, connection

OPEN = StandardPolicy(allow_promiscuous=True, forged_transmits=True)


def settings(name: str = "inner", **fields: Any) -> StandardSettings:
    return StandardSettings(**{"name": name, "switch": "vSwitch0", "vlan": 0, "policy": OPEN, **fields})


async def cluster_host(vcenter: VCenter) -> MoRef:
    found = await vcenter.standard.find_hosts("DC0", "DC0_C0", (), fresh=True)
    return found.hosts[0]


async def seen(
    adapter: Adapter, vcenter: VCenter, host: MoRef, name: str = "inner", *, like: StandardPolicy | None = None
) -> StandardPortGroup:
    """Wait until a push has brought a port group."""

    def there() -> StandardPortGroup | None:
        network = vcenter.cached(host_network(host))
        group = network.port_group(name) if isinstance(network, HostNetwork) else None
        return group if group is not None and like in (None, group.own) else None

    return await adapter.until(there, f"{name} on {host}")


def watch(vcenter: VCenter, host: MoRef, name: str = "inner") -> None:
    vcenter.watch(KEY, [host_network(host)], name=name)


async def test_a_port_group_is_made_changed_and_removed(adapter: Adapter, vcenter: VCenter) -> None:
    host = await cluster_host(vcenter)
    watch(vcenter, host)

    await vcenter.standard.add(host, settings(vlan=ALL_VLANS))
    made = await seen(adapter, vcenter, host)
    assert (made.switch, made.vlan, made.own) == ("vSwitch0", ALL_VLANS, OPEN)
    assert made.effective.mac_changes is not None  # unset: the switch decides

    closed = StandardPolicy(allow_promiscuous=False, mac_changes=False, forged_transmits=False)
    await vcenter.standard.update(host, made, settings(policy=closed))
    changed = await seen(adapter, vcenter, host, like=closed)
    assert changed.vlan == 0

    await vcenter.standard.remove(host, "inner")

    def gone() -> bool:
        network = vcenter.cached(host_network(host))
        return isinstance(network, HostNetwork) and network.port_group("inner") is None

    await adapter.until(gone, "the port group to go")


async def test_a_second_one_is_refused_by_the_host_and_the_first_is_known(
    adapter: Adapter, vcenter: VCenter, twin: Twin
) -> None:
    host = await cluster_host(vcenter)
    watch(vcenter, host)
    await seen(adapter, vcenter, host, "VM Network")
    # From its next call on the long poll tells nothing.
    twin.control.fail("WaitForUpdatesEx", where="stall", user=OPERATOR.name, seconds=5)
    await vcenter.standard.add(host, settings("other"))
    await adapter.until(twin.control.stalled_calls, "the long poll to hang")
    await vcenter.standard.add(host, settings())

    with pytest.raises(NameTaken):
        await vcenter.standard.add(host, settings())

    network = vcenter.cached(host_network(host))
    assert isinstance(network, HostNetwork)
    assert network.port_group("inner") is not None


async def test_what_is_not_managed_survives_a_write(adapter: Adapter, vcenter: VCenter, twin: Twin) -> None:
    host = await cluster_host(vcenter)
    watch(vcenter, host)
    await vcenter.standard.add(host, settings())
    await seen(adapter, vcenter, host)
    with connect(twin) as instance:
        system: Any = vim.HostSystem(host.value, instance._stub).configManager.networkSystem  # noqa: SLF001
        theirs = vim.host.PortGroup.Specification(
            name="inner",
            vlanId=0,
            vswitchName="vSwitch0",
            policy=vim.host.NetworkPolicy(
                security=vim.host.NetworkPolicy.SecurityPolicy(allowPromiscuous=False),
                shapingPolicy=vim.host.NetworkPolicy.TrafficShapingPolicy(
                    enabled=True, averageBandwidth=1_000_000, peakBandwidth=2_000_000, burstSize=3_000_000
                ),
            ),
        )
        system.UpdatePortGroup("inner", theirs)
        drifted = await seen(adapter, vcenter, host, like=StandardPolicy(allow_promiscuous=False))
        assert drifted.more

        await vcenter.standard.update(host, drifted, settings())

        group = next(g for g in system.networkInfo.portgroup if g.spec.name == "inner")
        assert group.spec.policy.shapingPolicy.averageBandwidth == 1_000_000
        assert group.spec.policy.security.allowPromiscuous is True


async def test_one_port_group_is_read_without_the_others(adapter: Adapter, vcenter: VCenter) -> None:
    host = await cluster_host(vcenter)
    watch(vcenter, host)
    await vcenter.standard.add(host, settings())
    await seen(adapter, vcenter, host)

    network = await vcenter.standard.read(host_network(host), "inner")

    assert network is not None
    group = network.port_group("inner")
    assert group is not None
    assert group.own == OPEN
    assert network.port_group("VM Network") is not None


async def test_the_network_system_of_a_host_is_looked_up_once(vcenter: VCenter, twin: Twin) -> None:
    host = await cluster_host(vcenter)
    await vcenter.standard.add(host, settings("first"))
    before = len(twin.control.calls("RetrievePropertiesEx", user=OPERATOR))

    await vcenter.standard.add(host, settings("second"))
    await vcenter.standard.remove(host, "first")

    assert len(twin.control.calls("RetrievePropertiesEx", user=OPERATOR)) == before


async def test_only_who_has_the_name_is_woken(adapter: Adapter, vcenter: VCenter) -> None:
    host = await cluster_host(vcenter)
    watch(vcenter, host, "another")
    await seen(adapter, vcenter, host, "VM Network")
    adapter.woken.clear()

    await vcenter.standard.add(host, settings())
    await seen(adapter, vcenter, host)

    assert adapter.woken == []


async def test_a_port_group_that_is_made_anew_has_another_network(vcenter: VCenter) -> None:
    host = await cluster_host(vcenter)
    await vcenter.standard.add(host, settings())
    before = await vcenter.standard.find_network("DC0", "inner", fresh=True)
    await vcenter.standard.remove(host, "inner")
    await vcenter.standard.add(host, settings())

    after = await vcenter.standard.find_network("DC0", "inner", fresh=False)

    assert before is not None
    assert after not in (None, before)


async def test_a_machine_keeps_the_port_group_from_being_removed(vcenter: VCenter, twin: Twin) -> None:
    with connect(twin) as instance:
        vm = find(instance, vim.VirtualMachine, "DC0_C0_RP0_VM0")
        host = MoRef("HostSystem", moid(vm.runtime.host))
        await vcenter.standard.add(host, settings())
        network = await vcenter.standard.find_network("DC0", "inner", fresh=True)
        assert network is not None
        nic = next(d for d in vm.config.hardware.device if isinstance(d, vim.vm.device.VirtualEthernetCard))
        nic.backing = vim.vm.device.VirtualEthernetCard.NetworkBackingInfo(deviceName="inner")
        change = vim.vm.device.VirtualDeviceSpec(operation="edit", device=nic)
        result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[change])))

        with pytest.raises(InUse):
            await vcenter.standard.remove(host, "inner")
        assert await vcenter.standard.users_of(network, [host]) == {
            MoRef("VirtualMachine", moid(vm)): Attached("DC0_C0_RP0_VM0", host)
        }


async def test_the_hosts_of_a_cluster_are_pushed(adapter: Adapter, vcenter: VCenter) -> None:
    found = await vcenter.standard.find_hosts("DC0", "DC0_C0", (), fresh=True)
    assert found.cluster is not None
    vcenter.watch(KEY, [found.cluster])

    cluster = await adapter.until(lambda: vcenter.cached(found.cluster), "the cluster")  # type: ignore[arg-type]

    assert isinstance(cluster, Cluster)
    assert cluster.hosts == found.hosts


async def test_an_unknown_host_and_an_unknown_cluster_are_named(vcenter: VCenter) -> None:
    with pytest.raises(OperatorError, match="nowhere"):
        await vcenter.standard.find_hosts("DC0", "nowhere", (), fresh=True)
    with pytest.raises(OperatorError, match="esx-9"):
        await vcenter.standard.find_hosts("DC0", None, ("esx-9",), fresh=True)


async def test_a_host_that_is_removed_and_added_anew_is_found_anew(
    adapter: Adapter, vcenter: VCenter, twin: Twin
) -> None:
    spec = vim.host.ConnectSpec(hostName="esx-new", userName="root", password="secret", force=False)
    with connect(twin) as instance:
        folder = find(instance, vim.Datacenter, "DC0").hostFolder
        first = result_of(folder.AddStandaloneHost_Task(spec, None, True))
        found = await vcenter.standard.find_hosts("DC0", None, ("esx-new",), fresh=True)
        vcenter.watch(KEY, found.hosts)
        await adapter.until(lambda: vcenter.cached(found.hosts[0]), "the host")

        result_of(first.Destroy_Task())
        await adapter.until(lambda: vcenter.missing(found.hosts[0]), "the host to go")
        with pytest.raises(OperatorError, match="esx-new"):
            await vcenter.standard.find_hosts("DC0", None, ("esx-new",), fresh=False)

        second = moid(result_of(folder.AddStandaloneHost_Task(spec, None, True)).host[0])
        again = await vcenter.standard.find_hosts("DC0", None, ("esx-new",), fresh=False)

    assert again.hosts != found.hosts
    assert again.hosts == (MoRef("HostSystem", second),)


async def test_the_reverse_path_check_is_read(vcenter: VCenter) -> None:
    assert await vcenter.standard.reverse_path_check(await cluster_host(vcenter), fresh=True) is False


async def test_a_stand_alone_host_is_a_server_of_its_own(adapter: Adapter) -> None:
    with Twin(arguments=("-esx",)) as esxi:
        vcenter = await adapter.open(connection(esxi))
        assert vcenter.about.instance_uuid
        with connect(esxi) as instance:
            name = find(instance, vim.HostSystem, "localhost.localdomain").name
            datacenter = instance.content.rootFolder.childEntity[0].name
        (host,) = (await vcenter.standard.find_hosts(datacenter, None, (name,), fresh=True)).hosts
        watch(vcenter, host)

        await vcenter.standard.add(host, settings())

        assert (await seen(adapter, vcenter, host)).own == OPEN
        assert await vcenter.standard.find_network(datacenter, "inner", fresh=True) is not None
