"""What is gone never blocks a deletion: a switch, a datacenter, a cluster with its hosts."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pyVmomi import vim

from bed.soap import result_of
from bed.stranger import Stranger
from bed.twin import ADMINISTRATOR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bed.kube_lab import KubeLab
    from bed.operator_process import OperatorProcess
    from bed.twin import Twin


@pytest.fixture(scope="module")
def administrator(vcenter: Twin) -> Iterator[Stranger]:
    """Somebody who may take everything away."""
    with Stranger(vcenter, ADMINISTRATOR) as somebody:
        yield somebody


@pytest.fixture
def datacenter(administrator: Stranger, token: str) -> Any:
    """A datacenter of the test's own, with a switch and a cluster of one host."""
    made = administrator.instance.content.rootFolder.CreateDatacenter(token)
    spec = vim.dvs.VmwareDistributedVirtualSwitch.ConfigSpec(name="switch")
    result_of(made.networkFolder.CreateDVS_Task(vim.DistributedVirtualSwitch.CreateSpec(configSpec=spec)))
    cluster = made.hostFolder.CreateClusterEx("cluster", vim.cluster.ConfigSpecEx())
    connect = vim.host.ConnectSpec(hostName=f"{token}-esx", userName="root", password="secret", force=False)
    result_of(cluster.AddHost_Task(connect, True))
    return made


@pytest.fixture
def own_lab(
    operator: OperatorProcess, new_lab: Callable[..., KubeLab], administrator: Stranger, datacenter: Any
) -> Iterator[KubeLab]:
    """A lab on that datacenter."""
    assert operator.running
    lab = new_lab(datacenter=datacenter.name)
    name = datacenter.name
    yield lab
    lab.close()
    left = [each for each in administrator.instance.content.rootFolder.childEntity if each.name == name]
    for each in left:
        for host in each.hostFolder.childEntity:
            administrator.destroy(host)
        administrator.destroy(each)


def switch_of(datacenter: Any) -> Any:
    children = datacenter.networkFolder.childEntity
    return next(each for each in children if isinstance(each, vim.DistributedVirtualSwitch))


def on_switch(lab: KubeLab) -> Any:
    return lab.port_group(distributed={"datacenter": lab.datacenter, "switch": "switch"})


def on_cluster(lab: KubeLab) -> Any:
    where = {"datacenter": lab.datacenter, "vSwitch": "vSwitch0", "cluster": "cluster"}
    return lab.standard_port_group("standard", standard=where)


def test_a_switch_that_was_destroyed(own_lab: KubeLab, administrator: Stranger, datacenter: Any) -> None:
    inner = on_switch(own_lab)
    inner.wait_ready()

    administrator.destroy(switch_of(datacenter))

    stalled = inner.wait_condition("Ready", "False", "NotFound")
    assert "switch" in stalled.condition("Ready").message
    inner.delete()
    inner.wait_gone()


def test_a_cluster_that_was_removed_with_its_hosts(own_lab: KubeLab, administrator: Stranger, datacenter: Any) -> None:
    inner = on_cluster(own_lab)
    inner.wait_ready()

    administrator.destroy(datacenter.hostFolder.childEntity[0])

    inner.wait_condition("Ready", "False", "NotFound")
    inner.delete()
    inner.wait_gone()


def test_a_datacenter_that_is_gone(own_lab: KubeLab, administrator: Stranger, datacenter: Any) -> None:
    distributed, standard = on_switch(own_lab), on_cluster(own_lab)
    distributed.wait_ready()
    standard.wait_ready()

    administrator.destroy(datacenter.hostFolder.childEntity[0])
    administrator.destroy(datacenter)
    for each in (distributed, standard):
        each.delete()

    distributed.wait_gone()
    standard.wait_gone()
