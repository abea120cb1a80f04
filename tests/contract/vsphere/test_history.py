"""Who changed what, as vCenter tells it: the tasks of a host, each of them read once."""

from typing import Any

from pyVmomi import vim

from bed.soap import connect
from bed.twin import ALICE, OPERATOR, Twin
from nested_hyperv.domain.blame import Author
from nested_hyperv.domain.inventory import Change, MoRef
from nested_hyperv.vsphere.vcenter import VCenter

CHANGES = (Change("promiscuous", "true", "false", "esx"),)


def change_port_group(twin: Twin, host: MoRef, *, vlan: int) -> None:
    """Change the port group of a host as Alice."""
    with connect(twin, ALICE) as instance:
        system: Any = vim.HostSystem(host.value, instance._stub).configManager.networkSystem  # noqa: SLF001
        spec = vim.host.PortGroup.Specification(
            name="VM Network", vlanId=vlan, vswitchName="vSwitch0", policy=vim.host.NetworkPolicy()
        )
        system.UpdatePortGroup("VM Network", spec)


async def test_a_change_of_a_hosts_networks_is_read_once_however_often_it_is_asked_for(
    vcenter: VCenter, twin: Twin
) -> None:
    found = await vcenter.standard.find_hosts("DC0", "DC0_C0", (), fresh=True)
    host, another = found.hosts[:2]
    change_port_group(twin, host, vlan=5)

    def reads() -> int:
        return len(twin.control.calls("RetrievePropertiesEx", user=OPERATOR))

    async def asked() -> tuple[Author | None, int]:
        before = reads()
        return await vcenter.author(host, CHANGES), reads() - before

    first, dear = await asked()
    again, cheap = await asked()
    assert first is not None
    assert (first.user, again) == (ALICE.shown, first)
    assert (dear, cheap) == (2, 1)

    change_port_group(twin, host, vlan=6)
    later, _ = await asked()
    assert later is not None
    assert later.time > first.time
    assert await vcenter.author(another, CHANGES) is None
