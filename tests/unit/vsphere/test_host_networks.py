"""Live reads of hosts and of one port group of a host, while the long poll goes on telling."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from nested_hyperv.domain.host_network import Cluster, HostNetwork, StandardPolicy, StandardPortGroup, host_network
from nested_hyperv.domain.inventory import Host, HostSet, MoRef
from nested_hyperv.domain.resource import ObjectKey
from nested_hyperv.vsphere.host_networks import HostNetworks
from nested_hyperv.vsphere.inventory import Inventory
from nested_hyperv.vsphere.remembered import Remembered
from nested_hyperv.vsphere.tuning import Tuning
from nested_hyperv.vsphere.vcenter import VCenter

if TYPE_CHECKING:
    from collections.abc import Callable

    from nested_hyperv.vsphere.link import Link

KEY = ObjectKey("NestedPortGroup", "lab", "inner")
NETWORK = host_network(MoRef("HostSystem", "host-1"))


def group(name: str, vlan: int) -> StandardPortGroup:
    policy = StandardPolicy()
    return StandardPortGroup(f"key-{name}", name, "vSwitch0", vlan, policy, policy, "", more=False)


class SlowLink:
    """A connection on which something else happens while a call is under way."""

    generation = 1

    def __init__(self, inventory: Inventory, answer: object, meanwhile: Callable[[], None]) -> None:
        self.inventory = inventory
        self._answer = answer
        self._meanwhile = meanwhile

    async def call(self, *_: object, **__: object) -> object:
        self._meanwhile()
        return self._answer


async def test_a_read_of_one_port_group_leaves_what_was_pushed_of_others_meanwhile() -> None:
    inventory = Inventory(notify=lambda _: None, changed=lambda: None)
    inventory.watch(KEY, [NETWORK], name="inner")
    before = HostNetwork(NETWORK, (), (group("inner", 1), group("other", 1)))
    inventory.refresh(before)
    pushed = before.having("other", group("other", 7))
    link = SlowLink(inventory, before.having("inner", group("inner", 2)), lambda: inventory.refresh(pushed))

    record = await HostNetworks(cast("Link", link), Remembered()).read(NETWORK, "inner")

    assert record is not None
    for known in (record, inventory.cached(NETWORK)):
        assert isinstance(known, HostNetwork)
        assert known.port_group("inner") == group("inner", 2)
        assert known.port_group("other") == group("other", 7)


async def test_hosts_that_were_told_of_while_they_were_read_are_read_again() -> None:
    ref = MoRef("HostSystem", "host-1")
    back = Host(ref, "esx", "connected", maintenance=False, nested_hv_supported=True, hardware_uuid="u")
    away = replace(back, connection_state="notResponding")
    inventory = Inventory(notify=lambda _: None, changed=lambda: None)
    inventory.watch(KEY, [ref])
    inventory.refresh(away)
    answers = [[away], [back]]

    class Link:
        """The host comes back while the answer of the first read is on its way."""

        generation = 1

        def __init__(self) -> None:
            self.inventory = inventory

        async def call(self, *_: object, **__: object) -> list[Host]:
            inventory.refresh(back)
            return answers.pop(0)

    vcenter = VCenter(cast("Any", Link()), Tuning())

    assert await vcenter.read_hosts([ref]) == [back]
    assert inventory.cached(ref) == back


async def test_a_cluster_that_was_doubted_and_is_there_is_known_again() -> None:
    cluster, host = MoRef("ClusterComputeResource", "domain-c1"), MoRef("HostSystem", "host-1")
    inventory = Inventory(notify=lambda _: None, changed=lambda: None)
    link = SlowLink(inventory, HostSet(cluster, (host,), ("/dc1/host/lab",)), lambda: None)
    networks = HostNetworks(cast("Link", link), Remembered())
    await networks.find_hosts("dc1", "lab", (), fresh=False)
    inventory.watch(KEY, [cluster])
    inventory.gone(cluster)

    await networks.find_hosts("dc1", "lab", (), fresh=False)

    assert not inventory.missing(cluster)
    assert inventory.cached(cluster) == Cluster(cluster, "lab", (host,))
