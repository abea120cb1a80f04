"""A large estate: 10,000 machines, 10,000 port groups, 100 hosts and 20 clients that poll. Prints its figures.

The clients speak SOAP without reading the objects in the answers, so that the figures are the twin's and not those of
twenty XML parsers in Python.
"""

import http.client
import re
import ssl
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pyVmomi import vim

from bed.soap import connect, find, finish
from bed.twin import ADMINISTRATOR, ALICE, Login, Twin
from bed.waiting import wait_for

pytestmark = pytest.mark.infrastructure("the speed and size of the twin")

OBJECTS = 10_000
HOSTS = 100
CLIENTS = 20
CHANGES = 10

SEED_SECONDS = 60
MEMORY_MB = 2048
DELIVERY_SECONDS = 0.05

ENVELOPE = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>{}</soapenv:Body></soapenv:Envelope>'
)


class Poller:
    """A client that holds a view of everything and waits for changes."""

    def __init__(self, twin: Twin, login: Login) -> None:
        context = ssl.create_default_context(cafile=str(twin.ca))
        self._connection = http.client.HTTPSConnection(twin.host, twin.port, context=context, timeout=120)
        self._cookie = ""
        self._version = ""
        self._call(
            "Login", "SessionManager", "SessionManager",
            f"<userName>{login.name}</userName><password>{login.password}</password>",
        )  # fmt: skip
        view = self._call(
            "CreateContainerView", "ViewManager", "ViewManager",
            '<container type="Folder">group-d1</container>'
            "<type>VirtualMachine</type><type>DistributedVirtualPortgroup</type><recursive>true</recursive>",
        )  # fmt: skip
        found = re.search(r"<returnval[^>]*>([^<]+)</returnval>", view)
        assert found, view
        self._call(
            "CreateFilter", "PropertyCollector", "propertyCollector",
            "<spec><propSet><type>VirtualMachine</type><pathSet>config.changeVersion</pathSet>"
            "<pathSet>runtime.powerState</pathSet></propSet>"
            "<propSet><type>DistributedVirtualPortgroup</type><pathSet>config.configVersion</pathSet></propSet>"
            f'<objectSet><obj type="ContainerView">{found[1]}</obj><skip>true</skip>'
            '<selectSet xsi:type="TraversalSpec"><type>ContainerView</type><path>view</path></selectSet></objectSet>'
            "</spec><partialUpdates>false</partialUpdates>",
        )  # fmt: skip

    def wait(self, seconds: int) -> str:
        """Return the next set of updates as text."""
        answer = self._call(
            "WaitForUpdatesEx", "PropertyCollector", "propertyCollector",
            f"<version>{self._version}</version><options><maxWaitSeconds>{seconds}</maxWaitSeconds></options>",
        )  # fmt: skip
        version = re.search(r"<version>([^<]*)</version>", answer)
        if version:
            self._version = version[1]
        return answer

    def synchronise(self) -> int:
        """Read until nothing is left; return the number of objects."""
        count = 0
        while True:
            answer = self.wait(0)
            count += answer.count("<kind>enter</kind>")
            if "<filterSet>" not in answer:
                return count

    def close(self) -> None:
        self._connection.close()

    def _call(self, method: str, kind: str, moid: str, arguments: str) -> str:
        body = f'<{method} xmlns="urn:vim25"><_this type="{kind}">{moid}</_this>{arguments}</{method}>'
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '"urn:vim25/8.0.3.0"'}
        if self._cookie:
            headers["Cookie"] = self._cookie
        self._connection.request("POST", "/sdk", ENVELOPE.format(body).encode(), headers)
        response = self._connection.getresponse()
        text = response.read().decode()
        assert response.status == 200, text
        cookie = response.getheader("Set-Cookie")
        if cookie:
            self._cookie = cookie.partition(";")[0]
        return text


def _memory_mb(twin: Twin) -> float:
    status = Path(f"/proc/{twin.pid}/status").read_text()
    kilobytes = re.search(r"VmRSS:\s+(\d+)", status)
    assert kilobytes
    return int(kilobytes[1]) / 1024


def test_10000_machines_10000_port_groups_100_hosts_and_20_pollers(capsys: pytest.CaptureFixture[str]) -> None:
    begin = time.monotonic()
    flags = ("-autostart=false", "-host", str(HOSTS), "-standalone-host", "0", "-vm", "1")
    with Twin(flags) as twin, connect(twin, ALICE) as others:
        started = time.monotonic() - begin
        twin.control.seed(vms=OBJECTS, port_groups=OBJECTS)
        seeded = time.monotonic() - begin
        spec = vim.vm.ConfigSpec(annotation="drifted")
        finish(find(others, vim.VirtualMachine, "DC0_C0_RP0_VM0").ReconfigVM_Task(spec))  # pyVmomi loads its types late
        memory = _memory_mb(twin)

        begin = time.monotonic()
        pollers = [Poller(twin, ADMINISTRATOR) for _ in range(CLIENTS)]
        with ThreadPoolExecutor(CLIENTS) as pool:
            counts = list(pool.map(Poller.synchronise, pollers))
        synced = time.monotonic() - begin
        memory_polled = _memory_mb(twin)
        assert min(counts) >= 2 * OBJECTS

        content = others.content
        machines = {vm.name: vm.id for vm in twin.control.state().vms}
        delays: list[float] = []
        for n in range(CHANGES):
            twin.control.reset_counters()
            arrived: list[float] = []

            def wait(poller: Poller, arrived: list[float] = arrived) -> None:
                assert "<kind>modify</kind>" in poller.wait(30)
                arrived.append(time.monotonic())

            waiters = [threading.Thread(target=wait, args=(poller,)) for poller in pollers]
            for waiter in waiters:
                waiter.start()
            wait_for(lambda: _waits(twin) == CLIENTS, "the clients to wait", interval=0.01)
            vm = vim.VirtualMachine(machines[f"seed-vm-{n * 997}"], content.rootFolder._GetStub())  # noqa: SLF001
            made = time.monotonic()
            vm.ReconfigVM_Task(spec)
            for waiter in waiters:
                waiter.join(30)
            assert len(arrived) == CLIENTS
            delays += [moment - made for moment in arrived]
            for poller in pollers:
                poller.synchronise()
        for poller in pollers:
            poller.close()

    middle = statistics.median(delays)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{OBJECTS} machines, {OBJECTS} port groups, {HOSTS} hosts: started {started:.1f} s,"
            f" seeded after {seeded:.1f} s, {memory:.0f} MB; {CLIENTS} clients synchronised in {synced:.1f} s,"
            f" {memory_polled:.0f} MB; a change reaches all of them: median {1000 * middle:.1f} ms,"
            f" worst {1000 * max(delays):.1f} ms\n"
        )
    assert seeded < SEED_SECONDS
    assert max(memory, memory_polled) < MEMORY_MB
    assert middle < DELIVERY_SECONDS


def _waits(twin: Twin) -> int:
    """Count the waits since the last reset of the counters."""
    return twin.control.counters().get("WaitForUpdatesEx", 0)
