"""The twin is fast enough for scale tests of others: one change among 20,000 watched objects arrives at once."""

import statistics
import sys
import threading
import time

import pytest
from pyVmomi import vim

from bed.soap import Updates, connect
from bed.twin import ALICE, OPERATOR, Twin

pytestmark = pytest.mark.infrastructure("the speed of the twin")

LIMIT_SECONDS = 0.05
OBJECTS = 10_000


def test_a_change_among_20000_watched_objects_reaches_a_waiting_client_in_50_ms(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with (
        Twin(arguments=("-autostart=false",)) as twin,
        connect(twin, OPERATOR) as mine,
        connect(twin, ALICE) as others,
    ):
        seeded = twin.control.seed(vms=OBJECTS, port_groups=OBJECTS)
        stub = mine._stub  # noqa: SLF001 - references from ids, without 20,000 look-ups
        view = mine.content.viewManager.CreateListView(
            [vim.VirtualMachine(name, stub) for name in seeded.vms]
            + [vim.dvs.DistributedVirtualPortgroup(name, stub) for name in seeded.port_groups]
        )
        paths = {
            vim.VirtualMachine: ["config.annotation"],
            vim.dvs.DistributedVirtualPortgroup: ["config.configVersion"],
        }
        updates = Updates(mine, view, paths)
        assert len(updates.all()) == 2 * OBJECTS

        delays = []
        for vm in seeded.vms[::1000]:
            arrived: list[float] = []

            def wait(arrived: list[float] = arrived) -> None:
                if updates.wait(10) is not None:
                    arrived.append(time.monotonic())

            waiter = threading.Thread(target=wait)
            waiter.start()
            start = time.monotonic()
            vim.VirtualMachine(vm, others._stub).ReconfigVM_Task(  # noqa: SLF001 - as above
                vim.vm.ConfigSpec(annotation="drifted")
            )
            waiter.join(20)
            delays.append(arrived[0] - start)
            updates.all(0)

    middle = statistics.median(delays)
    with capsys.disabled():
        sys.stdout.write(f"\none of 20,000: median {1000 * middle:.1f} ms, worst {1000 * max(delays):.1f} ms\n")
    assert middle < LIMIT_SECONDS
