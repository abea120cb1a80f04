"""Versions: ordered, replayable, and never in the way of a client that lost an answer."""

import http.client
import ssl
import threading
from collections.abc import Callable
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.lab import Lab
from bed.soap import Updates, connect, find, finish, moid
from bed.twin import ALICE, OPERATOR, Twin
from bed.waiting import wait_for

POWER = {vim.VirtualMachine: ["runtime.powerState"]}


def _watch(instance: Any) -> Updates:
    content = instance.content
    return Updates(
        instance, content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True), POWER
    )


def _changed(updates: Any) -> list[tuple[str, str]]:
    return [(str(item.kind), moid(item.obj)) for part in updates.filterSet for item in part.objectSet]


def test_versions_grow_and_a_timeout_keeps_them(lab: Lab) -> None:
    updates = _watch(lab.instance)
    first = updates.wait().version
    assert updates.wait(0) is None

    vm = find(lab.instance, vim.VirtualMachine, "DC0_H0_VM0")
    finish(vm.PowerOffVM_Task())

    assert int(updates.wait().version) > int(first)


def test_an_older_version_is_answered_again_after_a_lost_answer(lab: Lab) -> None:
    updates = _watch(lab.instance)
    first = updates.wait().version
    vm = find(lab.instance, vim.VirtualMachine, "DC0_H0_VM0")
    finish(vm.PowerOffVM_Task())
    second = updates.wait()
    finish(vm.PowerOnVM_Task())
    third = updates.wait()

    for _ in range(2):
        again = updates.wait(version=first)
        assert (again.version, _changed(again)) == (second.version, _changed(second))
        again = updates.wait(version=again.version)
        assert (again.version, _changed(again)) == (third.version, _changed(third))


def test_the_empty_version_is_the_full_state_again(lab: Lab) -> None:
    updates = _watch(lab.instance)
    first = updates.wait()

    assert _changed(updates.wait(version="")) == _changed(first)


@pytest.mark.parametrize("version", ["777", "0", "-1", "not a version"])
def test_an_unknown_version_is_invalid(lab: Lab, version: str) -> None:
    updates = _watch(lab.instance)
    updates.wait()

    with pytest.raises(vmodl.query.InvalidCollectorVersion):
        updates.wait(version=version)


def test_a_version_from_before_a_restart_is_invalid(lab: Lab) -> None:
    updates = _watch(lab.instance)
    first = updates.wait().version
    updates.wait(version="")

    with pytest.raises(vmodl.query.InvalidCollectorVersion):
        updates.wait(version=first)


def test_a_set_is_truncated_and_continued(lab: Lab) -> None:
    lab.twin.control.seed(vms=250)
    updates = _watch(lab.instance)
    sizes = []
    while True:
        part = updates.wait()
        sizes.append(len(_changed(part)))
        if not part.truncated:
            break

    assert sizes == [100, 100, 54]
    small = updates.wait(version="", limit=7)
    assert small.truncated
    assert len(_changed(small)) == 7


def test_an_abandoned_wait_loses_nothing(twin: Twin) -> None:
    with connect(twin, OPERATOR) as instance, connect(twin, ALICE) as others:
        updates = _watch(instance)
        updates.wait()
        twin.control.reset_counters()
        body = (
            '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
            f'<WaitForUpdatesEx xmlns="urn:vim25"><_this type="PropertyCollector">{moid(updates.collector)}</_this>'
            f"<version>{updates.version}</version></WaitForUpdatesEx></soapenv:Body></soapenv:Envelope>"
        )
        context = ssl.create_default_context(cafile=str(twin.ca))
        for _ in range(3):
            lost = http.client.HTTPSConnection(twin.host, twin.port, context=context)
            lost.request("POST", "/sdk", body, {"Cookie": instance._stub.cookie})  # noqa: SLF001 - the same session
            wait_for(lambda: twin.control.counters(OPERATOR).get("WaitForUpdatesEx"), "the wait to arrive")
            twin.control.reset_counters()
            lost.close()

        vm = find(others, vim.VirtualMachine, "DC0_H0_VM0")
        finish(vm.PowerOffVM_Task())

        assert _changed(updates.wait()) == [("modify", moid(vm))]


def _cancel(updates: Updates, _twin: Twin) -> None:
    updates.collector.CancelWaitForUpdates()


def _destroy(updates: Updates, _twin: Twin) -> None:
    updates.collector.DestroyPropertyCollector()


def _kill(_updates: Updates, twin: Twin) -> None:
    twin.control.kill_sessions(user=OPERATOR)


@pytest.mark.parametrize("end", [_cancel, _destroy, _kill])
def test_a_wait_ends_when_it_is_cancelled_or_its_collector_or_session_ends(
    twin: Twin, end: Callable[[Updates, Twin], None]
) -> None:
    with connect(twin, OPERATOR) as instance:
        updates = _watch(instance)
        updates.wait()
        twin.control.reset_counters()
        caught: list[Exception] = []

        def wait() -> None:
            try:
                updates.wait(60)
            except vmodl.MethodFault as fault:
                caught.append(fault)

        waiter = threading.Thread(target=wait)
        waiter.start()
        wait_for(lambda: twin.control.counters(OPERATOR).get("WaitForUpdatesEx"), "the wait to arrive")
        end(updates, twin)
        waiter.join(10)

    assert [type(fault) for fault in caught] == [vmodl.fault.RequestCanceled]


def test_a_negative_wait_is_refused(lab: Lab) -> None:
    updates = _watch(lab.instance)

    with pytest.raises(vmodl.fault.InvalidArgument) as caught:
        updates.wait(-1)

    assert caught.value.invalidProperty == "options.maxWaitSeconds"
