"""A lab on standard switches: the host waits for its port group, is attached to it, and both go in order."""

from pyVmomi import vim

from bed.kube_lab import KubeLab
from bed.stranger import Stranger


def test_a_host_is_attached_to_a_standard_port_group(world_lab: KubeLab, stranger: Stranger) -> None:
    host = world_lab.host(networks=["inner"])
    host.wait_condition("Ready", "False", "DependencyNotReady")

    group = world_lab.standard_port_group("inner")
    host.wait_ready()

    devices = stranger.vm(host.mo_ref).config.hardware.device
    (card,) = [device for device in devices if isinstance(device, vim.vm.device.VirtualEthernetCard)]
    assert isinstance(card.backing, vim.vm.device.VirtualEthernetCard.NetworkBackingInfo)
    assert card.backing.deviceName == group.vsphere_name

    group.delete()
    group.wait_condition("Ready", "False", "DeletionBlocked")
    host.delete()
    host.wait_gone()
    group.wait_gone()
