"""What all stories of a round share: the control plane, the operator, a datacenter of the twin, and who disturbs them.

The cluster of the datacenter gets and loses hosts, its switch is upgraded, the operator is killed, vCenter goes away.
Nothing here knows what the operator should make of that.
"""

import contextlib
import http.client
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pyVmomi import vim, vmodl

from bed.apiserver import ControlPlane
from bed.estate import flags, stock
from bed.kube_lab import KubeLab
from bed.operator_process import OperatorProcess, install
from bed.soap import result_of
from bed.stranger import Stranger
from bed.twin import ALICE, Twin, TwinControl
from bed.waiting import NotInTimeError, wait_for

__all__ = ["NEW", "OLD", "Untouched", "World", "happens", "within", "world"]

OLD, NEW = "6.5.0", "8.0.3"
_MOST_GUESTS = 2
#: What somebody gets who is a moment too late: it is gone, somebody else was faster, it is in use.
_RACES = (vim.fault.VimFault, vmodl.fault.ManagedObjectNotFound, vmodl.fault.InvalidArgument)


def happens(work: Callable[[], object]) -> bool:
    """Do what another administrator does; false if vSphere refuses, because something else was faster."""
    try:
        work()
    except _RACES:
        return False
    return True


def within(seconds: float, condition: Callable[[], object]) -> bool:
    """Whether a condition comes true in time; nothing depends on it."""
    with contextlib.suppress(NotInTimeError):
        wait_for(condition, "it", seconds=seconds, interval=0.002)
        return True
    return False


@dataclass(frozen=True)
class Untouched:
    """Everything in the datacenter that is not of these labs, with its version."""

    port_groups: tuple[tuple[object, ...], ...]
    hosts: tuple[tuple[object, ...], ...]
    machines: tuple[tuple[object, ...], ...]


class World:
    """One datacenter, and everything that can happen to all of its users at once."""

    def __init__(
        self, plane: ControlPlane, operator: OperatorProcess, twin: Twin, stranger: Stranger, datacenter: str
    ) -> None:
        self.plane, self.operator, self.twin, self.stranger = plane, operator, twin, stranger
        self.datacenter = datacenter
        self.labs: list[KubeLab] = []
        self.machines: dict[str, str] = {}
        self.disturbances = 0
        self._numbers = itertools.count(1)
        self._cluster: Any = stranger.find(vim.ClusterComputeResource, f"{datacenter}_C0")
        self.switch_id = stranger.find_switch(datacenter)
        self.upgraded = self._same_switch = True
        self.residents = [host.name for host in self._cluster.host]
        self.guests: list[str] = []
        self._foreign: list[Any] = []

    @property
    def control(self) -> TwinControl:
        """The twin's control API."""
        return self.twin.control

    @property
    def hosts(self) -> list[str]:
        """The hosts of the cluster."""
        return [*self.residents, *self.guests]

    def open(self, labs: int) -> None:
        """Make the labs, a machine for each, and what belongs to somebody else."""
        source = self.control.state().vm(f"{self.datacenter}_C0_RP0_VM1")
        assert source is not None
        parking = self.stranger.create_port_group(self.switch_id, "soak-parking")
        self.parking = parking
        self._foreign.append(self.stranger.port_group(parking))
        for number in range(labs):
            lab = KubeLab(self.plane, self.twin, datacenter=self.datacenter).open()
            self.labs.append(lab)
            foreign = self.stranger.create_port_group(self.switch_id, f"foreign-{number}")
            self._foreign.append(self.stranger.port_group(foreign))
            machine = self.stranger.clone(source.id, f"{lab.namespace}-guest")
            self.stranger.edit_nic(machine, 0, network=parking)
            self.machines[lab.namespace] = machine
        for host in self.residents:
            self.control.host_network(
                host, add=[{"name": "soak-foreign", "switch": "vSwitch0", "vlanId": 77}], user=ALICE.name
            )

    def close(self) -> None:
        """Remove it all."""
        for lab in self.labs:
            lab.close()
        while self.guests:
            self.leave()
        for machine in self.machines.values():
            self.stranger.destroy(self.stranger.vm(machine))
        for group in self._foreign:
            self.stranger.destroy(group)
        for host in self.residents:
            self.control.host_network(host, remove=["soak-foreign"])
        self.control.switch(self.switch_id, version=NEW)

    # --- what happens to all ----------------------------------------------------------------------------------------

    def begin(self, *, old: bool) -> None:
        """Start a round, on an old switch or a new one."""
        self.upgraded = self._same_switch = not old
        self.control.switch(self.switch_id, version=OLD if old else NEW)
        self.disturbances = 0

    def upgrade(self) -> None:
        """Upgrade the switch."""
        self.control.switch(self.switch_id, version=NEW)
        self.upgraded = True

    def join(self) -> str | None:
        """Add a host to the cluster; returns its name."""
        if len(self.guests) >= _MOST_GUESTS:
            return None
        name = f"{self.datacenter.lower()}-guest-{next(self._numbers)}"
        spec = vim.host.ConnectSpec(hostName=name, userName="root", password="secret", force=False)
        result_of(self._cluster.AddHost_Task(spec, True))
        self.guests.append(name)
        return name

    def leave(self) -> bool:
        """Take the host out of the inventory that has come last."""
        if not self.guests:
            return False
        host = self.stranger.esx(self.guests.pop())
        result_of(host.EnterMaintenanceMode_Task(0))
        self.stranger.destroy(host)
        return True

    def kill(self) -> None:
        """Kill the operator and start it again; it starts while others go on."""
        self.disturbances += 1
        self.operator.kill()
        self.operator.start(wait=False)

    def outage(self, seconds: float, status: int) -> None:
        """Break all connections for a while, or answer nothing but a status, and wait until it is over."""
        self.disturbances += 1
        self.control.outage(seconds=seconds, status=status)
        wait_for(self._answers, "vCenter to be back", interval=0.01)

    def _answers(self) -> bool:
        try:
            self.stranger.instance.CurrentTime()
        except (OSError, http.client.HTTPException, vmodl.MethodFault):
            return False
        return True

    def calm(self) -> None:
        """Let nothing be in the way any more."""
        self.control.clear_faults()
        self.control.release()
        if not self.upgraded:
            self.upgrade()
        self.operator.wait_until_ready()

    # --- looking ----------------------------------------------------------------------------------------------------

    def standard(self, name: str) -> dict[str, Any]:
        """Return the port groups of a name on the hosts of the cluster, by host, in one read."""
        pc = vmodl.query.PropertyCollector
        spec = pc.FilterSpec(
            objectSet=[pc.ObjectSpec(obj=host) for host in self._cluster.host],
            propSet=[pc.PropertySpec(type=vim.HostSystem, pathSet=["name", "config.network.portgroup"])],
        )
        found: dict[str, Any] = {}
        for item in self.stranger.instance.content.propertyCollector.RetrieveContents([spec]):
            told = {each.name: each.val for each in item.propSet}
            groups = [each for each in told.get("config.network.portgroup", ()) if each.spec.name == name]
            if groups:
                found[told["name"]] = groups[0]
        return found

    def others(self) -> Untouched:
        """What is there and not of our labs. An upgrade of the switch shows in the digests of its port groups."""
        state, names = self.control.state(), tuple(lab.namespace for lab in self.labs)
        digests = self.control.digests()
        return Untouched(
            tuple(
                (group.id, group.name, group.config_version, group.description, digests[group.id] * self._same_switch)
                for group in state.port_groups
                if not group.name.startswith(names) and group.id != self.parking
            ),
            tuple(
                (host.name, host.switches, tuple(g for g in host.port_groups if not g.name.startswith(names)))
                for host in state.hosts
                if host.name in self.residents
            ),
            tuple((vm.id, vm.name, vm.power_state, vm.cpus) for vm in state.vms),
        )


@contextlib.contextmanager
def world(labs: int) -> Iterator[World]:
    """Start everything; stop it at the end."""
    with ControlPlane() as plane, Twin(arguments=flags(1)) as twin:
        install(plane)
        stock(twin, "DC0")
        with OperatorProcess(plane) as operator, Stranger(twin) as stranger:
            made = World(plane, operator, twin, stranger, "DC0")
            made.open(labs)
            yield made
            made.close()
