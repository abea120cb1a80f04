"""Words for tests about port groups on the standard switches of a cluster of two hosts, esx-a and esx-b."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nested_hyperv.domain.host_network import StandardPolicy, StandardPortGroup
from nested_hyperv.domain.inventory import MoRef
from support.documents import REMOVED
from support.workbench import PORT_GROUP

if TYPE_CHECKING:
    from support.workbench import Workbench

__all__ = ["ON_CLUSTER", "STRANGERS", "create", "on_hosts", "ref", "rows", "until_called"]

ON_CLUSTER: dict[str, Any] = {
    "distributed": REMOVED,
    "standard": {"datacenter": "dc1", "vSwitch": "vSwitch0", "cluster": "lab"},
}
STRANGERS = StandardPortGroup(
    key="key-vim.host.PortGroup-inner",
    name="inner",
    switch="vSwitch0",
    vlan=7,
    own=StandardPolicy(),
    effective=StandardPolicy(allow_promiscuous=False, mac_changes=True, forged_transmits=True),
    load_balancing="loadbalance_srcid",
    more=False,
)


def on_hosts(*names: str) -> dict[str, Any]:
    return {
        "distributed": REMOVED,
        "standard": {"datacenter": "dc1", "vSwitch": "vSwitch0", "hosts": list(names)},
    }


def ref(name: str) -> MoRef:
    return MoRef("HostSystem", name)


def rows(bench: Workbench) -> dict[str, dict[str, Any]]:
    return {row["host"]: row for row in bench.api.status(PORT_GROUP).get("hosts", ())}


async def until_called(bench: Workbench) -> None:
    """Let the operator work up to its first call that changes something."""
    while not bench.vcenter.mutations:
        await bench.work(until=lambda: bool(bench.vcenter.mutations))
        bench.vcenter.push()


async def create(bench: Workbench, spec: dict[str, Any] = ON_CLUSTER, **more: Any) -> None:
    bench.declare(PORT_GROUP, **(spec | more))
    await bench.ready(PORT_GROUP)
    bench.forget_log()
