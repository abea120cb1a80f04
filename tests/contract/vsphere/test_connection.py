"""Who is at the other end is proven before anything is told, and sessions are few and are given back."""

from pathlib import Path

import pytest

from bed.pki import Authority
from bed.twin import ADMINISTRATOR, OPERATOR, Login, Twin
from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Blocked, Unreachable
from nested_hyperv.domain.resource import ObjectKey
from nested_hyperv.telemetry.context import operation_id
from nested_hyperv.vsphere.vcenter import VCenter

from .conftest import KEY, Adapter, connection

OTHER_KEY = ObjectKey("NestedHyperVHost", "lab", "b")


async def test_a_certificate_of_the_given_authority_is_trusted(adapter: Adapter, twin: Twin) -> None:
    vcenter = await adapter.open(connection(twin))
    assert vcenter.about.user == OPERATOR.shown
    assert vcenter.about.instance_uuid


async def test_the_thumbprint_of_the_certificate_replaces_an_authority(adapter: Adapter, twin: Twin) -> None:
    vcenter = await adapter.open(connection(twin, tls={"thumbprint": twin.thumbprint}))
    assert vcenter.about.user == OPERATOR.shown


async def test_verification_is_skipped_only_when_asked_for_in_words(adapter: Adapter, twin: Twin) -> None:
    vcenter = await adapter.open(connection(twin, tls={"insecureSkipTLSVerify": "true"}))
    assert vcenter.about.user == OPERATOR.shown


@pytest.mark.parametrize("how", ["system trust", "another authority", "another thumbprint"])
async def test_a_peer_that_is_not_proven_learns_nothing(adapter: Adapter, twin: Twin, how: str, tmp_path: Path) -> None:
    tls: dict[str, str] = {}
    if how == "another authority":
        tls["ca.crt"] = Authority(tmp_path, "somebody else").certificate.read_text()
    elif how == "another thumbprint":
        tls["thumbprint"] = "00" * 32
    with pytest.raises(Blocked) as caught:
        await adapter.open(connection(twin, tls=tls))
    assert caught.value.reason is Reason.CERTIFICATE_NOT_VERIFIED
    assert twin.control.counters() == {}


async def test_a_wrong_password_blocks_and_is_not_tried_in_a_hurry(adapter: Adapter, twin: Twin) -> None:
    wrong = Login(OPERATOR.name, "wrong", OPERATOR.shown)
    with pytest.raises(Blocked) as caught:
        await adapter.open(connection(twin, login=wrong))
    assert caught.value.reason is Reason.AUTHENTICATION_FAILED
    assert OPERATOR.name in caught.value.message
    assert "wrong" not in caught.value.message
    assert twin.control.counters()["Login"] == 1


async def test_a_password_that_becomes_right_wakes_those_who_wait(adapter: Adapter, twin: Twin) -> None:
    late = Login(OPERATOR.name, "new-password", OPERATOR.shown)
    with pytest.raises(Blocked):
        await adapter.open(connection(twin, login=late))
    adapter.woken.clear()
    twin.control.password(late.name, late.password)
    await adapter.until(lambda: KEY in adapter.woken, "the wake-up after a login")
    assert (await adapter.open(connection(twin, login=late))).about.user == late.shown


async def test_nobody_at_the_address_is_unreachable_and_says_why(adapter: Adapter, twin: Twin) -> None:
    with pytest.raises(Unreachable, match="refused"):
        await adapter.open(connection(twin, port=9))


async def test_equal_connections_share_one_session(adapter: Adapter, twin: Twin) -> None:
    first = await adapter.open(connection(twin))
    second = await adapter.open(connection(twin), OTHER_KEY)
    assert first is second
    assert len(twin.control.sessions()) == 1


async def test_other_credentials_get_a_session_of_their_own(adapter: Adapter, twin: Twin) -> None:
    await adapter.open(connection(twin))
    await adapter.open(connection(twin, login=ADMINISTRATOR), OTHER_KEY)
    assert len(twin.control.sessions()) == 2


async def test_the_last_user_who_leaves_logs_out(adapter: Adapter, twin: Twin) -> None:
    await adapter.open(connection(twin))
    await adapter.open(connection(twin), OTHER_KEY)
    adapter.vcenters.release(KEY)
    assert adapter.vcenters.sessions == 1
    adapter.vcenters.release(OTHER_KEY)
    await adapter.until(lambda: not twin.control.sessions(), "the logout")


async def test_at_the_end_nothing_is_left_on_the_server(adapter: Adapter, twin: Twin) -> None:
    await adapter.open(connection(twin))
    await adapter.vcenters.close()
    state = twin.control.state()
    assert (state.sessions, state.views, state.filters) == ((), 0, 0)


async def test_every_call_carries_the_operation_that_made_it(vcenter: VCenter, twin: Twin) -> None:
    token = operation_id.set("NestedPortGroup/lab/a/r-1")
    try:
        await vcenter.find_switch("DC0", "DVS0", fresh=True)
    finally:
        operation_id.reset(token)
    operations = {call.operation_id for call in twin.control.calls("RetrievePropertiesEx", user=OPERATOR)}
    assert "NestedPortGroup/lab/a/r-1" in operations
    assert "" not in {call.operation_id for call in twin.control.calls(user=OPERATOR)}


@pytest.mark.usefixtures("vcenter")
async def test_an_idle_session_makes_no_call_but_the_poll(adapter: Adapter, twin: Twin) -> None:
    await adapter.until(lambda: "WaitForUpdatesEx" in twin.control.counters(), "the poll")
    twin.control.reset_counters()
    await adapter.until(lambda: twin.control.counters().get("WaitForUpdatesEx", 0) >= 2, "two more rounds")
    assert set(twin.control.counters()) == {"WaitForUpdatesEx"}
