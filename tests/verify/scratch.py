"""A corner of a vCenter in which a check may do what it likes, and the words to do it with.

It knows vim data objects and where it may work; nothing of the twin, nothing of the operator. Everything that it makes
lies in its folder, on its switch or, a switch without hosts, beside that; carries its prefix and is gone after `clean`.
"""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pyVmomi import vim, vmodl

from bed.soap import result_of

__all__ = ["CannotAsk", "Place", "Scratch", "fault_of", "gone", "mac_management", "trunk", "vlan_id"]

Switch = vim.dvs.VmwareDistributedVirtualSwitch
Card = vim.vm.device.VirtualEthernetCard


class CannotAsk(Exception):
    """This place cannot show the rule: it has no second host, say. The message tells what is missing."""


def vlan_id(number: int, *, inherited: bool = False) -> Any:
    """Return the VLAN spec of one id; 0 is untagged."""
    return Switch.VlanIdSpec(vlanId=number, inherited=inherited)


def trunk(*ranges: tuple[int, int]) -> Any:
    """Return the VLAN spec of a trunk."""
    return Switch.TrunkVlanSpec(vlanId=[vim.NumericRange(start=a, end=b) for a, b in ranges], inherited=False)


def mac_management(*, inherited: bool = False, learning: Any = None, **flags: bool) -> Any:
    """Return a MAC management policy; `learning` holds the members of the MAC learning policy."""
    policy = Switch.MacManagementPolicy(inherited=inherited, **flags)
    if learning is not None:
        policy.macLearningPolicy = Switch.MacLearningPolicy(**learning)
    return policy


def fault_of(info: Any, kind: Any = vmodl.MethodFault) -> Any:
    """Return the fault of a task that had to fail, with a fault of this kind."""
    assert info.state == vim.TaskInfo.State.error, f"the task ended with {info.state}"
    assert isinstance(info.error, kind), f"the task ended with {info.error}"
    return info.error


def gone(entity: Any) -> bool:
    """Tell whether a managed object is no more."""
    try:
        _ = entity.name
    except vmodl.fault.ManagedObjectNotFound as fault:
        return str(fault.obj) == str(entity)
    return False


@dataclass(frozen=True)
class Place:
    """Where a check may work: managed objects that are there already.

    Args:
        datacenter: The datacenter of all the rest.
        folder: Folder of machines; what is made goes here.
        switch: Distributed switch on which port groups may be made.
        pool: Resource pool of the machines.
        host: A host of that pool; its standard switches may be added to. None: no host's may.
        datastore: Datastore of the machines' files.
    """

    datacenter: Any
    folder: Any
    switch: Any
    pool: Any
    host: Any
    datastore: Any


@dataclass(frozen=True)
class Undo:
    """How to take back something that is no managed object and so cannot be destroyed."""

    run: Callable[[], object]


@dataclass
class Scratch:
    """A login, a place to work in, and what was made there.

    Args:
        instance: The ServiceInstance of a logged-in client.
        place: Where to work.
        prefix: Goes before each name that is made.
    """

    instance: Any
    place: Place
    prefix: str = ""
    made: list[Any] = field(default_factory=list)

    @property
    def content(self) -> Any:
        """The service content."""
        return self.instance.content

    @property
    def datacenter(self) -> Any:
        """The datacenter."""
        return self.place.datacenter

    @property
    def switch(self) -> Any:
        """The distributed switch."""
        return self.place.switch

    @property
    def pool(self) -> Any:
        """The resource pool of new machines."""
        return self.place.pool

    @property
    def host(self) -> Any:
        """The host whose standard switches may be added to."""
        if self.place.host is None:
            raise CannotAsk("no host is given whose standard switches may be added to")
        return self.place.host

    @property
    def network_system(self) -> Any:
        """The host's network system."""
        return self.host.configManager.networkSystem

    def named(self, name: str) -> str:
        """Return the name as it is made here, with the prefix."""
        return f"{self.prefix}{name}"

    def keep(self, entity: Any) -> Any:
        """Remember an object that `clean` has to destroy; returns it."""
        self.made.append(entity)
        return entity

    def undo(self, run: Callable[[], object]) -> None:
        """Remember how to take back what is no managed object; `clean` takes a NotFound for done."""
        self.made.append(Undo(run))

    def machine(self, name: str = "machine", **members: Any) -> Any:
        """Create a small machine, powered off."""
        return self.keep(result_of(self.create(name, **members)))

    def create(self, name: str = "fresh", *, datastore: str = "", pool: Any = None, **members: Any) -> Any:
        """Start the creation of a machine."""
        files = vim.vm.FileInfo(vmPathName=f"[{datastore or self.place.datastore.name}]")
        spec = vim.vm.ConfigSpec(name=self.named(name), files=files, **members)
        return self.place.folder.CreateVM_Task(spec, pool or self.pool)

    def clone(self, source: Any, name: str = "copy", *, config: Any = None, power_on: bool = False) -> Any:
        """Start a clone into the pool."""
        location = vim.vm.RelocateSpec(pool=self.pool)
        spec = vim.vm.CloneSpec(location=location, powerOn=power_on, template=False, config=config)
        return source.CloneVM_Task(folder=self.place.folder, name=self.named(name), spec=spec)

    def port_group(self, name: str = "lab", **members: Any) -> Any:
        """Create a port group on the switch."""
        spec = self.group_spec(self.named(name), **members)
        return self.keep(result_of(self.switch.CreateDVPortgroup_Task(spec)))

    def group_spec(self, name: str | None = None, **members: Any) -> Any:
        """Return the spec of a port group; `vlan`, `mac` and `security` go into its default port setting."""
        setting = {
            field: members.pop(word)
            for word, field in (("vlan", "vlan"), ("mac", "macManagementPolicy"), ("security", "securityPolicy"))
            if word in members
        }
        spec = vim.dvs.DistributedVirtualPortgroup.ConfigSpec(name=name, **members)
        if setting:
            spec.defaultPortConfig = Switch.VmwarePortConfigPolicy(**setting)
        return spec

    def reconfigure(self, group: Any, **members: Any) -> Any:
        """Start a reconfigure of a port group with its current version, unless one is given."""
        members.setdefault("configVersion", group.config.configVersion)
        return group.ReconfigureDVPortgroup_Task(self.group_spec(**members))

    def nic(self, vm: Any) -> Any:
        """Return a machine's first NIC."""
        return next(device for device in vm.config.hardware.device if isinstance(device, Card))

    def nic_on(self, group: Any, *, key: int = -1, kind: Any = vim.vm.device.VirtualVmxnet3) -> Any:
        """Return a NIC on a distributed port group."""
        port = vim.dvs.PortConnection(switchUuid=group.config.distributedVirtualSwitch.uuid, portgroupKey=group.key)
        return kind(key=key, backing=Card.DistributedVirtualPortBackingInfo(port=port))

    def attach(self, vm: Any, group: Any) -> None:
        """Move a machine's first NIC to a port group."""
        nic = self.nic(vm)
        change = vim.vm.device.VirtualDeviceSpec(
            operation="edit", device=self.nic_on(group, key=nic.key, kind=type(nic))
        )
        result_of(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[change])))

    def clean(self) -> None:
        """Destroy what was made, the newest first. What a check destroyed itself is skipped."""
        while self.made:
            entity = self.made.pop()
            if isinstance(entity, Undo):
                with contextlib.suppress(vim.fault.NotFound):
                    entity.run()
                continue
            with contextlib.suppress(vmodl.fault.ManagedObjectNotFound):
                if isinstance(entity, vim.VirtualMachine) and entity.runtime.powerState != "poweredOff":
                    result_of(entity.PowerOffVM_Task())
                result_of(entity.Destroy_Task())
