"""The long poll over the networks of hosts: one port group of many is told, what is unclear is asked in one call."""

from collections.abc import Iterator
from typing import Any

import pytest
from pyVmomi import vim

from bed.soap import connect
from bed.twin import ALICE, OPERATOR, Twin
from nested_hyperv.domain.host_network import HOST_NETWORK, host_network
from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.vsphere.host_calls import find_hosts
from nested_hyperv.vsphere.poll import Batch, Poll
from nested_hyperv.vsphere.session import Session, first_channel, log_in
from nested_hyperv.vsphere.transport import endpoint_for
from nested_hyperv.vsphere.updates import Update

from .conftest import QUICK, connection

KEY = "key-vim.host.PortGroup-VM Network"
PROMISCUOUS = f'config.network.portgroup["{KEY}"].spec.policy.security.allowPromiscuous'


class Networks:
    """A poll that watches the networks of a cluster, and the calls that it has cost."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin
        self.session: Session = _session(twin)
        self.hosts = find_hosts(self.session, "DC0", "DC0_C0", ()).hosts
        self.poll = Poll(self.session, QUICK)
        self.poll.change([host_network(host) for host in self.hosts], [])
        self.version = ""
        self.next()
        self._before = self._all_reads()

    def next(self) -> dict[MoRef, Update]:
        """Wait for the next changes, by host."""
        batch: Batch = self.poll.wait(self.version)
        self.version = batch.version
        return {MoRef("HostSystem", each.ref.value): each for each in batch.updates if each.ref.type == HOST_NETWORK}

    def reads(self) -> int:
        """How many reads there have been since the first answer."""
        return self._all_reads() - self._before

    def _all_reads(self) -> int:
        return len(self.twin.control.calls("RetrievePropertiesEx", user=OPERATOR))

    def drift(self, *hosts: MoRef) -> None:
        """Change a member inside the port group of some hosts."""
        for host in hosts:
            self.twin.control.drift(host.value, set={PROMISCUOUS: True}, user=ALICE)


def _session(twin: Twin) -> Session:
    wanted = connection(twin)
    endpoint = endpoint_for(wanted, QUICK)
    return log_in(first_channel(endpoint, QUICK), endpoint, wanted)


@pytest.fixture
def networks(twin: Twin) -> Iterator[Networks]:
    made = Networks(twin)
    yield made
    made.poll.close()
    made.session.log_out()


def promiscuous(update: Update) -> bool | None:
    group = update.groups[KEY]
    assert group is not None
    return group.own.allow_promiscuous


def test_a_port_group_that_comes_and_goes_is_told_alone_and_without_a_read(networks: Networks, twin: Twin) -> None:
    host = networks.hosts[0]
    with connect(twin, ALICE) as instance:
        system: Any = vim.HostSystem(host.value, instance._stub).configManager.networkSystem  # noqa: SLF001
        system.AddPortGroup(
            vim.host.PortGroup.Specification(
                name="inner", vlanId=7, vswitchName="vSwitch0", policy=vim.host.NetworkPolicy()
            )
        )
        (made,) = networks.next()[host].groups.values()
        system.RemovePortGroup("inner")
        gone = networks.next()[host]

    assert made is not None
    assert (made.name, made.vlan) == ("inner", 7)
    assert gone.groups == {made.key: None}
    assert made.key == "key-vim.host.PortGroup-inner"
    assert "port_groups" not in gone.fields
    assert networks.reads() == 0


def test_what_changed_inside_the_port_groups_of_several_hosts_is_read_in_one_call(networks: Networks) -> None:
    networks.drift(*networks.hosts)

    found = networks.next()

    assert {host: promiscuous(update) for host, update in found.items()} == dict.fromkeys(networks.hosts, True)
    assert networks.reads() == 1


def test_a_read_that_names_a_port_group_that_has_gone_is_made_again_for_all(networks: Networks, twin: Twin) -> None:
    """The whole call is refused then, and of each host alone, so all port groups of the one are read."""
    networks.drift(*networks.hosts[:2])
    twin.control.fail("RetrievePropertiesEx", fault="InvalidProperty", user=OPERATOR.name, count=2)

    whole, alone = sorted(networks.next().values(), key=lambda update: len(update.groups))

    assert {group.own.allow_promiscuous for group in whole.fields["port_groups"] if group.key == KEY} == {True}
    assert promiscuous(alone) is True


def test_of_a_host_that_has_gone_meanwhile_nothing_is_known_and_of_the_other_all(
    networks: Networks, twin: Twin
) -> None:
    networks.drift(*networks.hosts[:2])
    twin.control.fail("RetrievePropertiesEx", fault="ManagedObjectNotFound", user=OPERATOR.name, count=2)

    gone, there = sorted(networks.next().values(), key=lambda update: len(update.groups))

    assert gone.fields == {"switches": None, "port_groups": None}
    assert promiscuous(there) is True
