"""A long poll that nobody answers, because nothing happens that it could tell of."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bed.stranger import Stranger
from bed.twin import OPERATOR, Twin
from nested_hyperv.domain.inventory import MoRef

from .conftest import KEY, QUICK, Adapter, connection

QUIET = 0.3


@pytest.fixture
async def adapter() -> AsyncIterator[Adapter]:
    """An adapter whose poll may wait for much longer than a test does."""
    adapter = Adapter(replace(QUICK, poll_wait=60.0, poll_quiet=QUIET))
    yield adapter
    await adapter.vcenters.close()


async def test_what_is_destroyed_before_it_was_told_of_is_found_out_while_the_poll_still_waits(
    adapter: Adapter, twin: Twin
) -> None:
    twin.control.fail("WaitForUpdatesEx", where="stall", user=OPERATOR.name)
    vcenter = await adapter.open(connection(twin))
    await adapter.until(twin.control.stalled_calls, "the long poll that is not answered")
    # As if it had been asked long ago.
    await asyncio.sleep(2 * QUIET)
    with Stranger(twin) as stranger:
        created = stranger.create_port_group(stranger.find_switch("DC0"), "short-lived")
        ref = MoRef("DistributedVirtualPortgroup", created)

        vcenter.watch(KEY, [ref])
        await adapter.until(lambda: twin.control.counters(OPERATOR).get("ModifyListView"), "the change of the view")
        stranger.destroy(stranger.port_group(created))

    await adapter.until(lambda: vcenter.missing(ref), "the doubt about what is not told of")
    assert twin.control.stalled_calls(), "the poll has not been answered meanwhile"
