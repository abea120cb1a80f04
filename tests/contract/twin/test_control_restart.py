"""A vCenter that restarts, and one that is restored from a backup."""

import http.client
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
from pyVim.connect import SmartConnect
from pyVmomi import vim, vmodl

from bed.soap import Updates, connect, find, finish, moid, result_of
from bed.twin import ADMINISTRATOR, OPERATOR, Twin, TwinError
from bed.waiting import wait_for
from verify.rule import rule


@pytest.fixture
def instance(twin: Twin) -> Iterator[Any]:
    with connect(twin) as instance:
        yield instance


def _reachable(twin: Twin) -> bool:
    try:
        with connect(twin):
            return True
    except OSError:
        return False


@rule(
    call="restart of the service",
    says="Sessions, collectors and Task objects are gone; ids and instanceUuid stay.",
    standing="inferred",
    source="Session objects last as long as the session (API reference); ids come from vCenter's database.",
)
def test_a_restart_ends_sessions_and_tasks_and_keeps_the_inventory(twin: Twin, instance: Any) -> None:
    vm = find(instance, vim.VirtualMachine, "DC0_H0_VM0")
    task = vm.PowerOffVM_Task()
    finish(task)
    about, updates = instance.content.about.instanceUuid, Updates(instance, vm, {vim.VirtualMachine: ["name"]})
    updates.wait()

    twin.control.restart()

    with pytest.raises(vim.fault.NotAuthenticated):
        instance.CurrentTime()
    with connect(twin) as again:
        assert again.content.about.instanceUuid == about
        same = find(again, vim.VirtualMachine, "DC0_H0_VM0")
        assert moid(same) == moid(vm)
        assert same.runtime.powerState == "poweredOff"
        assert list(same.recentTask) == list(again.content.taskManager.recentTask) == []
        filters = vmodl.query.PropertyCollector.FilterSpec(
            objectSet=[vmodl.query.PropertyCollector.ObjectSpec(obj=task)],
            propSet=[vmodl.query.PropertyCollector.PropertySpec(type=vim.Task, pathSet=["info"])],
        )
        with pytest.raises(vmodl.fault.ManagedObjectNotFound):
            again.content.propertyCollector.RetrieveContents([filters])
        state = twin.control.state()
        assert (state.views, state.filters, len(state.sessions), state.tasks) == (0, 0, 1, ())


@rule(
    call="Task",
    says="A task that ran when the service ended is gone; its work may be undone.",
    standing="inferred",
    source="tasks live in the service; nothing found about their work",
)
def test_work_of_a_running_task_is_lost_with_a_restart(twin: Twin, instance: Any) -> None:
    twin.control.hold("PowerOffVM_Task")
    vm = find(instance, vim.VirtualMachine, "DC0_H0_VM0")
    vm.PowerOffVM_Task()
    vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="waits its turn"))
    wait_for(twin.control.held_tasks, "the task to be held")

    twin.control.restart()

    twin.control.release()
    with connect(twin) as again:
        same = find(again, vim.VirtualMachine, "DC0_H0_VM0")
        # A later task on the same machine runs after whatever is left of the earlier ones.
        result_of(same.ReconfigVM_Task(vim.vm.ConfigSpec(extraConfig=[vim.option.OptionValue(key="a", value="b")])))
        assert same.runtime.powerState == "poweredOn"
        assert not same.config.annotation


@rule(
    call="Task",
    says="Or the host finishes the work, and nobody is told.",
    standing="inferred",
    source="tasks of machines are carried out by the host",
)
def test_or_a_host_finishes_it_unseen(twin: Twin, instance: Any) -> None:
    hold = twin.control.hold("PowerOffVM_Task")
    find(instance, vim.VirtualMachine, "DC0_H0_VM0").PowerOffVM_Task()
    wait_for(twin.control.held_tasks, "the task to be held")

    twin.control.restart(tasks="finish")

    assert twin.control.state().tasks == ()
    twin.control.release(hold)
    with connect(twin) as again:
        same = find(again, vim.VirtualMachine, "DC0_H0_VM0")
        wait_for(lambda: same.runtime.powerState == "poweredOff", "the host to finish", interval=0.01)


@pytest.mark.infrastructure("how an outage is simulated")
def test_a_service_that_is_down_refuses_connections_and_comes_back_on_its_port(twin: Twin, instance: Any) -> None:
    del instance
    port = twin.port
    twin.control.restart(seconds=0.4, refuse=True)

    with pytest.raises(ConnectionRefusedError):
        SmartConnect(
            host=twin.host,
            port=port,
            user=ADMINISTRATOR.name,
            pwd=ADMINISTRATOR.password,
            sslContext=ssl.create_default_context(cafile=str(twin.ca)),
        )
    wait_for(lambda: _reachable(twin), "the service to come back", interval=0.02)


@pytest.mark.infrastructure("how an outage is simulated")
def test_an_outage_is_replaced_and_ended_by_another_one(twin: Twin) -> None:
    twin.control.outage(seconds=3600, refuse=True)
    assert not _reachable(twin)

    twin.control.outage(seconds=3600, status=503)
    assert _status(twin) == 503

    twin.control.outage(seconds=0)
    assert _status(twin) == 200


@rule(
    call="HTTP",
    says="A vCenter whose service starts answers 503.",
    standing="observed",
    source="clients' reports of 503 from a starting vCenter",
)
def test_a_service_that_starts_answers_503(twin: Twin, instance: Any) -> None:
    del instance
    twin.control.restart(seconds=0.4, status=503)

    assert _status(twin) == 503
    wait_for(lambda: _status(twin) == 200, "the service to come back", interval=0.02)


def _status(twin: Twin) -> int:
    context = ssl.create_default_context(cafile=str(twin.ca))
    connection = http.client.HTTPSConnection(twin.host, twin.port, context=context)
    connection.request("GET", "/sdk/vimServiceVersions.xml")
    status = connection.getresponse().status
    connection.close()
    return status


def _everything(twin: Twin) -> tuple[Any, Any]:
    """Return what is in the inventory and every property of it, as digests; tasks apart."""
    objects = {kind: ids for kind, ids in twin.control.state().objects.items() if kind != "Task"}
    digests = {moid: digest for moid, digest in twin.control.digests().items() if not moid.startswith("task-")}
    return objects, digests


@rule(
    call="restore from a backup",
    says="The inventory is the older one under the same instanceUuid, and ids given out since come again.",
    standing="inferred",
    source="vCenter's file-based backup holds the database, which hands the ids out.",
)
def test_a_restore_brings_the_older_inventory_back_and_ids_come_again(twin: Twin, instance: Any) -> None:
    folder = find(instance, vim.Datacenter, "DC0").vmFolder
    pool = find(instance, vim.ComputeResource, "DC0_C0").resourcePool
    switch = find(instance, vim.dvs.VmwareDistributedVirtualSwitch, "DVS0")
    uuid = instance.content.about.instanceUuid
    before = _everything(twin)

    twin.control.checkpoint()
    twin.control.rules(busyVM="reject")
    config = vim.vm.ConfigSpec(name="younger", guestId="otherGuest", files=vim.vm.FileInfo(vmPathName="[LocalDS_0]"))
    younger = result_of(folder.CreateVM_Task(config, pool))
    result_of(switch.CreateDVPortgroup_Task(vim.dvs.DistributedVirtualPortgroup.ConfigSpec(name="pg", numPorts=4)))
    old = find(instance, vim.VirtualMachine, "DC0_H0_VM0")
    result_of(old.PowerOffVM_Task())
    result_of(old.Rename_Task("renamed"))
    gone = find(instance, vim.VirtualMachine, "DC0_H0_VM1")
    result_of(gone.PowerOffVM_Task())
    result_of(gone.Destroy_Task())
    assert _everything(twin) != before

    twin.control.restore()

    assert _everything(twin) == before
    assert twin.control.rules()["busyVM"] == "reject"  # the switches are the test's
    with connect(twin, OPERATOR) as again:
        assert again.content.about.instanceUuid == uuid
        assert find(again, vim.VirtualMachine, "DC0_H0_VM0").runtime.powerState == "poweredOn"
        back = find(again, vim.VirtualMachine, "DC0_H0_VM1")
        result_of(back.PowerOffVM_Task())
        found = again.content.searchIndex.FindByUuid(None, back.config.instanceUuid, True, True)
        assert moid(found) == moid(back)
        folder = find(again, vim.Datacenter, "DC0").vmFolder
        pool = find(again, vim.ComputeResource, "DC0_C0").resourcePool
        config = vim.vm.ConfigSpec(name="other", guestId="otherGuest", files=vim.vm.FileInfo(vmPathName="[LocalDS_0]"))
        assert moid(result_of(folder.CreateVM_Task(config, pool))) == moid(younger)


@pytest.mark.infrastructure("checkpoints")
def test_a_checkpoint_has_a_name_can_be_restored_twice_and_ends_with_a_reset(twin: Twin) -> None:
    twin.control.checkpoint("clean")
    before = _everything(twin)
    for prefix in ("one", "two"):
        twin.control.seed(vms=3, port_groups=3, prefix=prefix)
        assert twin.control.state().vm(f"{prefix}-vm-2")
        twin.control.restore("clean")
        assert _everything(twin) == before

    twin.control.reset()

    with pytest.raises(TwinError, match='name: there is no checkpoint "clean"'):
        twin.control.restore("clean")


@rule(
    call="ViewManager",
    says="After a restore views show what is there now.",
    standing="inferred",
    source="a view lists the inventory as it is",
)
def test_a_view_sees_nothing_of_what_a_restore_took_away(twin: Twin) -> None:
    twin.control.checkpoint()
    seeded = twin.control.seed(vms=2)
    with connect(twin) as instance:
        assert len(_machines(instance)) == 6
    twin.control.restore()
    with connect(twin) as instance:
        assert not set(seeded.vms) & set(_machines(instance))
        assert len(_machines(instance)) == 4


def _machines(instance: Any) -> list[str]:
    content = instance.content
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)
    return [moid(vm) for vm in view.view]
