"""What breaks between us and a vCenter: sessions, connections, servers; and that nothing is lost or done twice."""

import asyncio
import os
import signal
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bed.tunnel import Tunnel
from bed.twin import OPERATOR, Twin
from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.connection import Connection
from nested_hyperv.domain.errors import Blocked, Connecting, OperatorError, OutcomeUnknown, Transient, Unreachable
from nested_hyperv.domain.inventory import MoRef, PortGroup, PortGroupSettings, Switch, TaskState
from nested_hyperv.domain.ownership import Mark
from nested_hyperv.domain.resource import ObjectKey
from nested_hyperv.vsphere.vcenter import VCenter

from .conftest import KEY, QUICK, Adapter, connection

OTHER_KEY = ObjectKey("NestedHyperVHost", "lab", "b")


@pytest.fixture
async def watched(adapter: Adapter, vcenter: VCenter, switch: Switch) -> MoRef:
    """A port group that ``KEY`` watches and whose first state has arrived; nobody has been woken since."""
    task = await vcenter.create_port_group(KEY, switch, PortGroupSettings(name="lab-net", vlan=120))
    ref = (await adapter.end_of(vcenter, task)).result
    assert ref is not None
    vcenter.watch(KEY, [ref])
    await adapter.until(lambda: vcenter.cached(ref), "the first state")
    adapter.woken.clear()
    return ref


def _stopped(pid: int) -> bool:
    """Whether every thread of a process is stopped (proc(5), field 3 of stat)."""
    states = [stat.read_text().rpartition(")")[2].split()[0] for stat in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(state == "T" for state in states)


def vlan(vcenter: VCenter, ref: MoRef) -> object:
    record = vcenter.cached(ref)
    assert isinstance(record, PortGroup)
    return record.vlan


def move(twin: Twin, ref: MoRef, to: int) -> None:
    twin.control.drift(ref.value, set={"config.defaultPortConfig.vlan.vlanId": to})


# --- sessions ---------------------------------------------------------------------------------------------------------


async def test_a_call_on_a_session_that_was_ended_is_made_again_on_a_new_one(
    vcenter: VCenter, watched: MoRef, twin: Twin
) -> None:
    assert twin.control.kill_sessions(user=OPERATOR) == 1
    assert await vcenter.read_port_group(watched) is not None
    assert twin.control.counters(OPERATOR)["Login"] == 2
    assert len(twin.control.sessions()) == 1


async def test_many_calls_that_meet_an_ended_session_share_one_login(
    adapter: Adapter, vcenter: VCenter, watched: MoRef, twin: Twin
) -> None:

    twin.control.kill_sessions(user=OPERATOR)
    records = await asyncio.gather(*(vcenter.read_port_group(watched) for _ in range(20)))
    assert all(records)
    assert twin.control.counters(OPERATOR)["Login"] == 2
    assert adapter.woken == []


async def test_a_new_session_delivers_what_changed_without_one(
    adapter: Adapter, vcenter: VCenter, watched: MoRef, twin: Twin
) -> None:
    twin.control.kill_sessions(user=OPERATOR)
    move(twin, watched, 7)
    await adapter.until(lambda: vlan(vcenter, watched) == 7, "the change")
    assert set(adapter.woken) == {KEY}
    move(twin, watched, 8)
    await adapter.until(lambda: vlan(vcenter, watched) == 8, "a change in the new session")
    assert len(twin.control.sessions()) == 1


async def test_a_restarted_vcenter_has_forgotten_tasks_and_that_is_said(
    adapter: Adapter, vcenter: VCenter, watched: MoRef, switch: Switch, twin: Twin
) -> None:
    twin.control.hold("CreateDVPortgroup_Task")
    task = await vcenter.create_port_group(KEY, switch, PortGroupSettings(name="never"))
    await adapter.until(twin.control.held_tasks, "the held task")
    twin.control.reset()
    assert (await adapter.end_of(vcenter, task)).state is TaskState.LOST
    await adapter.until(lambda: vcenter.missing(watched), "the port group that the new world lacks")
    assert KEY in adapter.woken


# --- connections ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["drop-before", "drop-after"])
async def test_an_abandoned_poll_loses_no_change_and_no_session(
    adapter: Adapter, vcenter: VCenter, watched: MoRef, twin: Twin, where: str
) -> None:
    twin.control.fail("WaitForUpdatesEx", where="drop-before" if where == "drop-before" else "drop-after", count=2)
    move(twin, watched, 7)
    await adapter.until(lambda: vlan(vcenter, watched) == 7, "the change")
    await adapter.until(lambda: not twin.control.pending_faults(), "both drops")
    move(twin, watched, 8)
    await adapter.until(lambda: vlan(vcenter, watched) == 8, "the next change")
    assert twin.control.counters(OPERATOR)["Login"] == 1
    # One filter over the view, one over the events of single ports.
    await adapter.until(lambda: (twin.control.state().views, twin.control.state().filters) == (1, 2), "the clean-up")


async def test_a_collector_that_knows_our_version_no_more_is_replaced(
    adapter: Adapter, vcenter: VCenter, watched: MoRef, twin: Twin
) -> None:
    twin.control.fail("WaitForUpdatesEx", fault="InvalidCollectorVersion")
    await adapter.until(lambda: not twin.control.pending_faults(), "the fault")
    move(twin, watched, 7)
    await adapter.until(lambda: vlan(vcenter, watched) == 7, "the change")


async def test_a_poll_that_could_not_be_made_leaves_nothing_on_the_server(adapter: Adapter, twin: Twin) -> None:
    twin.control.fail("CreateFilter", fault="InvalidProperty", count=3)

    def opened() -> VCenter | None:
        try:
            return adapter.vcenters.open(KEY, connection(twin))
        except OperatorError:
            return None

    await adapter.until(opened, "the fourth attempt")
    counters = twin.control.counters(OPERATOR)
    assert (counters["CreateListView"], counters["DestroyView"]) == (4, 3)
    assert (counters["CreatePropertyCollector"], counters["DestroyPropertyCollector"]) == (4, 3)


async def test_a_read_that_breaks_once_is_a_disturbance_and_not_an_outage(
    adapter: Adapter, vcenter: VCenter, watched: MoRef, twin: Twin
) -> None:
    twin.control.fail("RetrievePropertiesEx", where="drop-before")
    with pytest.raises(Transient) as caught:
        await vcenter.read_port_group(watched)
    assert not isinstance(caught.value, Unreachable)
    assert await vcenter.read_port_group(watched) is not None
    assert adapter.woken == []


@pytest.mark.parametrize("where", ["drop-before", "drop-after"])
async def test_a_change_whose_answer_is_lost_is_in_doubt_and_then_looked_up(
    adapter: Adapter, vcenter: VCenter, switch: Switch, twin: Twin, where: str
) -> None:
    mark = Mark(owner=str(uuid.uuid4()), lineage=str(uuid.uuid4()))
    assert await vcenter.find_port_group_by_owner(switch, mark.owner) == []
    executed = where == "drop-after"
    twin.control.fail("CreateDVPortgroup_Task", where="drop-after" if executed else "drop-before")
    settings = PortGroupSettings(name="lab-net", description=mark.for_port_group())
    with pytest.raises(OutcomeUnknown):
        await vcenter.create_port_group(KEY, switch, settings)
    if executed:
        await adapter.until(lambda: twin.control.state().port_group("lab-net"), "the creation that nobody was told of")
    hits = await vcenter.find_port_group_by_owner(switch, mark.owner)
    assert [hit.name for hit in hits] == (["lab-net"] if executed else [])


# --- outages ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def tunnel(twin: Twin) -> Iterator[Tunnel]:
    with Tunnel(twin.host, twin.port) as tunnel:
        yield tunnel


@pytest.fixture
async def patient() -> AsyncIterator[Adapter]:
    """An adapter that takes longer to report a loss than the outages of these tests last."""
    adapter = Adapter(replace(QUICK, down_grace=30.0))
    yield adapter
    await adapter.vcenters.close()


async def test_an_outage_is_told_to_all_users_once_and_so_is_its_end(
    adapter: Adapter, twin: Twin, tunnel: Tunnel
) -> None:
    wanted = connection(twin, port=tunnel.port)
    vcenter = await adapter.open(wanted)
    await adapter.open(wanted, OTHER_KEY)
    adapter.woken.clear()
    tunnel.cut()
    await adapter.until(lambda: set(adapter.woken) == {KEY, OTHER_KEY}, "the report of the outage")
    assert len(adapter.woken) == 2
    with pytest.raises(Unreachable):
        adapter.vcenters.open(KEY, wanted)
    with pytest.raises(Unreachable):
        await vcenter.find_switch("DC0", "DVS0", fresh=True)
    adapter.woken.clear()
    tunnel.mend()
    await adapter.until(lambda: set(adapter.woken) == {KEY, OTHER_KEY}, "the report of its end")
    assert adapter.vcenters.open(KEY, wanted) is vcenter
    assert (await vcenter.find_switch("DC0", "DVS0", fresh=True)).name == "DVS0"


async def test_a_session_that_outlives_an_outage_is_used_again(adapter: Adapter, twin: Twin, tunnel: Tunnel) -> None:
    vcenter = await adapter.open(connection(twin, port=tunnel.port))
    adapter.woken.clear()
    tunnel.cut()
    await adapter.until(lambda: KEY in adapter.woken, "the report of the outage")
    adapter.woken.clear()
    tunnel.mend()
    await adapter.until(lambda: KEY in adapter.woken, "the report of its end")
    await vcenter.find_switch("DC0", "DVS0", fresh=True)
    assert twin.control.counters(OPERATOR)["Login"] == 1
    await adapter.until(lambda: twin.control.state().views == 1, "the clean-up of the old view")


async def test_a_short_outage_is_told_to_nobody_and_its_changes_are_not_missed(
    patient: Adapter, twin: Twin, tunnel: Tunnel
) -> None:
    wanted = connection(twin, port=tunnel.port)
    vcenter = await patient.open(wanted)
    switch = await vcenter.find_switch("DC0", "DVS0", fresh=True)
    found = await vcenter.find_port_group_by_name(switch, "DC0_DVPG0")
    assert found is not None
    vcenter.watch(OTHER_KEY, [found.ref])
    await patient.until(lambda: vcenter.cached(found.ref), "the first state")
    patient.woken.clear()
    tunnel.cut()
    move(twin, found.ref, 99)
    with pytest.raises(Transient) as caught:
        await vcenter.read_port_group(found.ref)
    assert not isinstance(caught.value, Unreachable)
    assert patient.vcenters.open(KEY, wanted) is vcenter
    tunnel.mend()
    await patient.until(lambda: vlan(vcenter, found.ref) == 99, "the change made during the outage")
    assert patient.woken == [OTHER_KEY]


async def test_while_a_vcenter_is_down_calls_fail_at_once_and_only_the_keeper_knocks(
    adapter: Adapter, twin: Twin, tunnel: Tunnel
) -> None:
    vcenter = await adapter.open(connection(twin, port=tunnel.port))
    adapter.woken.clear()
    tunnel.cut()
    await adapter.until(lambda: KEY in adapter.woken, "the report of the outage")
    started = time.monotonic()
    for _ in range(100):
        with pytest.raises(Unreachable):
            await vcenter.names_of([MoRef("Folder", "group-1")])
    assert time.monotonic() - started < 1.0


async def test_http_503_pauses_instead_of_hammering(adapter: Adapter, twin: Twin) -> None:
    twin.control.fail("RetrieveServiceContent", where="http", status=503, count=3)
    wanted = connection(twin)
    with pytest.raises(Unreachable, match="503"):
        await adapter.open(wanted)
    started = time.monotonic()
    await adapter.until(lambda: twin.control.counters().get("Login"), "the login after the pauses")
    assert time.monotonic() - started > 2 * QUICK.busy_pause * 0.8


async def test_a_black_hole_holds_up_nobody_else_and_not_the_end(twin: Twin) -> None:
    adapter = Adapter()
    with Twin() as stuck:
        good = await adapter.open(connection(twin))
        bad = await adapter.open(connection(stuck), OTHER_KEY)
        await bad.find_switch("DC0", "DVS0", fresh=True)
        os.kill(stuck.pid, signal.SIGSTOP)
        try:
            # Each of its threads stops on its own; one that still runs could answer.
            await adapter.until(lambda: _stopped(stuck.pid), "the process to stand still")
            lost = [asyncio.ensure_future(bad.names_of([MoRef("Folder", "group-1")])) for _ in range(50)]
            slowest = 0.0
            for _ in range(50):
                started = time.monotonic()
                await good.names_of([MoRef("Folder", "group-1")])
                slowest = max(slowest, time.monotonic() - started)
            assert slowest < 0.5
            outcomes = await asyncio.gather(*lost, return_exceptions=True)
            assert [outcome for outcome in outcomes if not isinstance(outcome, Transient)] == []
            started = time.monotonic()
            await adapter.vcenters.close()
            assert time.monotonic() - started < 3 * QUICK.logout_timeout
        finally:
            os.kill(stuck.pid, signal.SIGCONT)


@pytest.mark.parametrize("pinned", ["ca.crt", "thumbprint"])
async def test_a_server_that_comes_back_with_another_certificate_is_told_nothing(adapter: Adapter, pinned: str) -> None:
    with Twin() as first:
        tls = {"ca.crt": first.ca.read_text()} if pinned == "ca.crt" else {"thumbprint": first.thumbprint}
        wanted = connection(first, tls=tls)
        await adapter.open(wanted)
        adapter.woken.clear()
    with Twin(listen=f"{first.host}:{first.port}") as impostor:
        await adapter.until(lambda: refused(adapter, wanted), "the refusal")
        assert KEY in adapter.woken
        assert impostor.control.counters() == {}


def refused(adapter: Adapter, wanted: Connection) -> bool:
    try:
        adapter.vcenters.open(KEY, wanted)
    except Blocked as error:
        return error.reason is Reason.CERTIFICATE_NOT_VERIFIED
    except Transient:
        return False
    return False


async def test_an_idle_session_is_kept_alive(twin: Twin) -> None:
    adapter = Adapter(replace(QUICK, keepalive=0.2))
    await adapter.open(connection(twin))
    await adapter.until(lambda: twin.control.counters(OPERATOR).get("CurrentTime", 0) >= 2, "the second keepalive")
    await adapter.vcenters.close()


# --- size -------------------------------------------------------------------------------------------------------------


async def test_thousands_of_watches_cost_a_handful_of_calls(adapter: Adapter, vcenter: VCenter, twin: Twin) -> None:
    seeded = twin.control.seed(port_groups=3000)
    refs = [MoRef("DistributedVirtualPortgroup", value) for value in seeded.port_groups]
    twin.control.reset_counters()
    for number, ref in enumerate(refs):
        vcenter.watch(ObjectKey("NestedPortGroup", "lab", str(number)), [ref])
    await adapter.until(lambda: all(vcenter.cached(ref) for ref in refs), "all first states", seconds=120)
    calls = twin.control.counters(OPERATOR)
    assert calls["ModifyListView"] <= 5
    assert calls["WaitForUpdatesEx"] <= len(refs) / 50
    adapter.woken.clear()
    move(twin, refs[1234], 7)
    await adapter.until(lambda: adapter.woken, "the one wake-up")
    assert adapter.woken == [ObjectKey("NestedPortGroup", "lab", "1234")]


# --- the end ----------------------------------------------------------------------------------------------------------


async def test_a_login_that_is_under_way_at_the_end_is_logged_out_again(twin: Twin) -> None:
    adapter = Adapter()
    twin.control.latency("Login", seconds=0.3)
    with pytest.raises(Connecting):
        adapter.vcenters.open(KEY, connection(twin))
    await adapter.until(lambda: twin.control.counters().get("Login"), "the login that is under way")
    await adapter.vcenters.close()
    assert twin.control.sessions() == []


async def test_a_call_on_a_connection_that_was_closed_fails_at_once(adapter: Adapter, vcenter: VCenter) -> None:
    adapter.vcenters.release(KEY)
    started = time.monotonic()
    with pytest.raises(Unreachable, match="closed"):
        await vcenter.names_of([MoRef("Folder", "group-1")])
    assert time.monotonic() - started < 1.0


async def test_what_is_watched_again_before_the_server_noticed_is_still_pushed(
    adapter: Adapter, vcenter: VCenter, watched: MoRef, twin: Twin
) -> None:
    # Out of the view and into it again between two looks of the server: for it nothing has happened.
    twin.control.latency("WaitForUpdatesEx", seconds=0.5)
    move(twin, watched, 7)
    await adapter.until(lambda: vlan(vcenter, watched) == 7, "an answer after which the server looks again late")
    changes = twin.control.counters(OPERATOR)["ModifyListView"]
    vcenter.watch(KEY, [])
    await adapter.until(lambda: twin.control.counters(OPERATOR)["ModifyListView"] > changes, "the removal")
    vcenter.watch(KEY, [watched])
    await adapter.until(lambda: vcenter.cached(watched), "the state of what is watched again")
    assert not vcenter.missing(watched)
    twin.control.clear_latency()
    move(twin, watched, 8)
    await adapter.until(lambda: vlan(vcenter, watched) == 8, "the next change")
