"""Switches of several datacenters are several switches, although the model gives them one name."""

from typing import Any

from pyVmomi import vim

from bed.soap import connect
from bed.twin import Twin
from verify.rule import rule


@rule(
    call="DistributedVirtualSwitch.uuid",
    says="Each switch has a UUID of its own, by which NICs name it.",
    standing="documented",
    source="API reference, DistributedVirtualSwitch.uuid and DistributedVirtualSwitchPortConnection.switchUuid",
)
def test_switches_and_the_nics_on_them_are_told_apart_by_uuid() -> None:
    with Twin(arguments=("-dc", "2", "-autostart=false")) as twin, connect(twin) as instance:
        seen = set()
        for datacenter in instance.content.rootFolder.childEntity:
            switch = next(
                entity
                for entity in datacenter.networkFolder.childEntity
                if isinstance(entity, vim.dvs.VmwareDistributedVirtualSwitch)
            )
            assert switch.uuid == switch.config.uuid == switch.summary.uuid
            seen.add(switch.uuid)
            machine: Any
            for machine in switch.summary.vm or datacenter.vmFolder.childEntity:
                cards: list[Any] = [
                    d for d in machine.config.hardware.device if isinstance(d, vim.vm.device.VirtualEthernetCard)
                ]
                assert {card.backing.port.switchUuid for card in cards} == {switch.uuid}
        assert len(seen) == 2
