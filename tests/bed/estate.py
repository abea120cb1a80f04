"""What a vCenter has before anybody uses the operator: hosts, switches and a Windows template in each datacenter."""

from bed.stranger import Stranger
from bed.twin import ADMINISTRATOR, Twin

__all__ = ["TEMPLATE", "flags", "stock"]

TEMPLATE = "windows-server-2022"
"""The template's name. Its guest runs VMware Tools and shuts down in a moment; clones have the same guest."""


def flags(datacenters: int) -> tuple[str, ...]:
    """The twin's arguments for so many datacenters, each with a cluster of two hosts, a switch and two machines."""
    return ("-dc", str(datacenters), "-host", "2", "-standalone-host", "0", "-vm", "2", "-autostart=false")


def stock(twin: Twin, *datacenters: str) -> None:
    """Make the first machine of each datacenter the template."""
    with Stranger(twin, ADMINISTRATOR) as administrator:
        for datacenter in datacenters:
            machine = administrator.vm(_id(twin, f"{datacenter}_C0_RP0_VM0"))
            guest = "windows2019srvNext_64Guest"
            administrator.reconfigure_vm(
                machine._moId,  # noqa: SLF001 - pyVmomi's name for the id
                name=TEMPLATE,
                guestId=guest,
                firmware="efi",
                numCPUs=2,
                memoryMB=4096,
            )
            twin.control.guest(machine._moId, ip_address="10.0.0.7", host_name="hyperv-lab", shutdown_seconds=0.2)  # noqa: SLF001
            machine.MarkAsTemplate()


def _id(twin: Twin, name: str) -> str:
    machine = twin.control.state().vm(name)
    assert machine is not None, f"the twin has no machine {name}"
    return machine.id
