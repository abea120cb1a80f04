"""Versions and waits, where it takes many objects, a broken connection or a killed session to show the rule."""

import http.client
import ssl
import threading
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from bed.lab import Lab
from bed.soap import Updates, connect, find, finish, moid
from bed.twin import ALICE, OPERATOR, Twin
from bed.waiting import wait_for
from verify.rule import rule

POWER = {vim.VirtualMachine: ["runtime.powerState"]}


def _watch(instance: Any) -> Updates:
    content = instance.content
    return Updates(
        instance, content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True), POWER
    )


def _changed(updates: Any) -> list[tuple[str, str]]:
    return [(str(item.kind), moid(item.obj)) for part in updates.filterSet for item in part.objectSet]


@rule(
    call="WaitForUpdatesEx",
    says="Without maxObjectUpdates the server truncates by itself: a set of the twin holds 100 objects.",
    standing="documented",
    source="API reference, WaitOptions.maxObjectUpdates: server policy; 100 is the stock simulator's figure",
)
def test_the_server_truncates_by_its_own_policy(lab: Lab) -> None:
    lab.twin.control.seed(vms=250)
    updates = _watch(lab.instance)
    sets = [updates.wait() for _ in range(3)]

    assert [len(_changed(part)) for part in sets] == [100, 100, 54]
    assert [bool(part.truncated) for part in sets] == [True, True, False]
    base = int(sets[-1].version)
    assert [part.version for part in sets] == [f"{base - 1}_1", f"{base - 1}_2", str(base)]


@rule(
    call="WaitForUpdatesEx",
    says="What happens while a wait is abandoned is told to the next one.",
    standing="documented",
    source="API reference, UpdateSet.truncated: recover after a transient failure",
)
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


@rule(
    call="WaitForUpdatesEx",
    says="A wait whose session ends gets RequestCanceled.",
    standing="documented",
    source="API reference, WaitForUpdatesEx: RequestCanceled",
)
def test_a_wait_ends_with_its_session(twin: Twin) -> None:
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
        twin.control.kill_sessions(user=OPERATOR)
        waiter.join(10)

    assert [type(fault) for fault in caught] == [vmodl.fault.RequestCanceled]


@rule(
    call="RetrievePropertiesEx",
    says="Whether a new retrieval ends an earlier paged one on the same collector is undecided.",
    standing="inferred",
    source="API reference, ContinueRetrievePropertiesEx: the token from the previous result",
    switch="oneRetrievalPerCollector",
)
@pytest.mark.parametrize("one", [False, True])
def test_one_retrieval_may_end_another(lab: Lab, one: bool) -> None:
    lab.twin.control.rules(oneRetrievalPerCollector=one)
    collector, kinds = lab.instance.content.propertyCollector, vmodl.query.PropertyCollector
    view = _watch(lab.instance).spec.objectSet[0].obj
    hop = kinds.TraversalSpec(path="view", skip=False, type=type(view))
    spec = kinds.FilterSpec(
        objectSet=[kinds.ObjectSpec(obj=view, skip=True, selectSet=[hop])],
        propSet=[kinds.PropertySpec(type=vim.VirtualMachine, pathSet=["name"])],
    )
    first = collector.RetrievePropertiesEx([spec], kinds.RetrieveOptions(maxObjects=1))
    collector.RetrievePropertiesEx([spec], kinds.RetrieveOptions(maxObjects=1))

    if one:
        with pytest.raises(vmodl.fault.InvalidArgument):
            collector.ContinueRetrievePropertiesEx(first.token)
    else:
        assert collector.ContinueRetrievePropertiesEx(first.token).objects
