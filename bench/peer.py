"""The plain pyVmomi program that the operator is compared with: the same calls, a thread each, nothing around them.

Each thread has a session of its own and waits for its task with pyVmomi's own helper, as scripts do. It declares
nothing, checks nothing and repairs nothing: it is the speed of the calls themselves.
"""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

import queue
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl

from bed.estate import TEMPLATE
from bed.soap import connect, find, moid
from bed.twin import Twin
from bench.meter import Machine

__all__ = ["Peer", "Run", "setting"]

T = TypeVar("T")

Switch = vim.dvs.VmwareDistributedVirtualSwitch
PortGroup = vim.dvs.DistributedVirtualPortgroup


@dataclass(frozen=True)
class Run:
    """How a program did."""

    seconds: float
    cpu_seconds: float
    results: tuple[Any, ...]
    busy: float
    """The share of the whole machine that was busy meanwhile."""

    @property
    def rate(self) -> float:
        """Objects per second."""
        return len(self.results) / self.seconds

    @property
    def cpu_each(self) -> float:
        """CPU milliseconds per object."""
        return 1000 * self.cpu_seconds / len(self.results)


def setting(*, vlan: int) -> Any:
    """Return the port setting that the operator declares by default."""
    learning = Switch.MacLearningPolicy(enabled=True, allowUnicastFlooding=True, limit=4096, limitPolicy="DROP")
    policy = Switch.MacManagementPolicy(
        inherited=False, allowPromiscuous=False, forgedTransmits=True, macChanges=False, macLearningPolicy=learning
    )
    return Switch.VmwarePortConfigPolicy(
        vlan=Switch.VlanIdSpec(vlanId=vlan, inherited=False), macManagementPolicy=policy
    )


class Peer:
    """A program with so many threads."""

    def __init__(self, twin: Twin, threads: int) -> None:
        self._twin, self._threads = twin, threads

    def create_port_groups(self, names: Sequence[str]) -> Run:
        """Create port groups; the results are their ids."""

        def create(instance: Any, name: str) -> str:
            switch = found(instance, Switch, "DVS0")
            spec = PortGroup.ConfigSpec(
                name=name, type="earlyBinding", numPorts=8, defaultPortConfig=setting(vlan=100), description="bench"
            )
            return moid(_result(switch.CreateDVPortgroup_Task(spec), instance))

        return self.run(create, names)

    def repair_port_groups(self, mo_refs: Sequence[str]) -> Run:
        """Read the version of each port group and write its policy again."""

        def repair(instance: Any, mo_ref: str) -> str:
            group = PortGroup(mo_ref, instance._stub)  # noqa: SLF001 - how pyVmomi resolves an id
            spec = PortGroup.ConfigSpec(configVersion=group.config.configVersion, defaultPortConfig=setting(vlan=100))
            _result(group.ReconfigureDVPortgroup_Task(spec), instance)
            return mo_ref

        return self.run(repair, mo_refs)

    def destroy_port_groups(self, mo_refs: Sequence[str]) -> Run:
        """Destroy port groups."""

        def destroy(instance: Any, mo_ref: str) -> str:
            _result(PortGroup(mo_ref, instance._stub).Destroy_Task(), instance)  # noqa: SLF001
            return mo_ref

        return self.run(destroy, mo_refs)

    def clone(self, names: Sequence[str]) -> Run:
        """Clone the template with the settings of a Hyper-V host; the results are the ids of the machines."""

        def clone(instance: Any, name: str) -> str:
            template = found(instance, vim.VirtualMachine, TEMPLATE)
            cluster = found(instance, vim.ClusterComputeResource, "DC0_C0")
            config = vim.vm.ConfigSpec(numCPUs=4, memoryMB=8192, nestedHVEnabled=True)
            place = vim.vm.RelocateSpec(pool=cluster.resourcePool, datastore=cluster.datastore[0])
            spec = vim.vm.CloneSpec(location=place, powerOn=False, template=False, config=config)
            return moid(_result(template.CloneVM_Task(folder=template.parent, name=name, spec=spec), instance))

        return self.run(clone, names)

    def run(self, work: Callable[[Any, T], Any], items: Sequence[T]) -> Run:
        """Do the same to each item, in as many threads as there are sessions."""
        with ExitStack() as stack:
            free: queue.SimpleQueue[Any] = queue.SimpleQueue()
            for _ in range(self._threads):
                free.put(stack.enter_context(connect(self._twin)))

            def one(item: T) -> Any:
                instance = free.get()
                try:
                    return work(instance, item)
                finally:
                    free.put(instance)

            with ThreadPoolExecutor(self._threads) as threads:
                started, cpu, machine = time.monotonic(), time.process_time(), Machine()
                results = tuple(threads.map(one, items))
            return Run(time.monotonic() - started, time.process_time() - cpu, results, machine.busy())


_known: dict[tuple[str, type, str], str] = {}


def found(instance: Any, kind: Any, name: str) -> Any:
    """Find an object by name once per vCenter, as a program does before its loop."""
    key = (instance._stub.host, kind, name)  # noqa: SLF001
    if key not in _known:
        _known[key] = moid(find(instance, kind, name))
    return kind(_known[key], instance._stub)  # noqa: SLF001


def _result(task: Any, instance: Any) -> Any:
    # Without `pc` the helper reads the service content again for each task.
    WaitForTask(task, pc=_collector(instance))
    return task.info.result


def _collector(instance: Any) -> Any:
    return vmodl.query.PropertyCollector("propertyCollector", instance._stub)  # noqa: SLF001
