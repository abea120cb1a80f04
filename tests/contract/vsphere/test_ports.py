"""The ports of a port group: bound and counted as asked, never taken from those who use them, read with one call."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pyVmomi import vim

from bed.soap import moid
from bed.stranger import Stranger
from bed.twin import OPERATOR, Twin
from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.inventory import (
    MacLearningPolicy,
    MacManagementPolicy,
    MoRef,
    Port,
    PortGroup,
    PortGroupSettings,
    SecurityPolicy,
    Switch,
    Trunk,
)
from nested_hyperv.domain.resource import ObjectKey
from nested_hyperv.vsphere.vcenter import VCenter

from .conftest import KEY, Adapter, connection

Dvs = vim.dvs.VmwareDistributedVirtualSwitch
LEARNING = MacManagementPolicy(
    allow_promiscuous=False,
    mac_changes=False,
    forged_transmits=True,
    learning=MacLearningPolicy(enabled=True, allow_unicast_flooding=True, limit=4096, limit_policy="drop"),
)
OTHER = ObjectKey("NestedPortGroup", "lab", "b")
FIXED = PortGroupSettings(
    name="lab-net", mac_management=LEARNING, binding="earlyBinding", port_count=4, auto_expand=False
)


@pytest.fixture
def stranger(twin: Twin) -> Iterator[Stranger]:
    with Stranger(twin) as somebody:
        yield somebody


async def created(adapter: Adapter, vcenter: VCenter, switch: Switch, settings: PortGroupSettings) -> PortGroup:
    task = await adapter.end_of(vcenter, await vcenter.create_port_group(KEY, switch, settings))
    assert task.result is not None, task.error
    return await read(vcenter, task.result)


async def read(vcenter: VCenter, ref: MoRef) -> PortGroup:
    record = await vcenter.read_port_group(ref)
    assert record is not None
    return record


def attach(stranger: Stranger, group: PortGroup, *names: str) -> list[str]:
    """Attach the first adapter of machines; returns their ids."""
    ids = [moid(stranger.find(vim.VirtualMachine, name)) for name in names]
    for vm in ids:
        stranger.edit_nic(vm, 0, network=group.ref.value)
    return ids


@pytest.mark.parametrize(
    ("settings", "binding", "count", "expands"),
    [
        (PortGroupSettings(name="p"), "earlyBinding", 8, True),
        (FIXED, "earlyBinding", 4, False),
        (PortGroupSettings(name="p", binding="earlyBinding", port_count=64), "earlyBinding", 64, True),
        (PortGroupSettings(name="p", binding="ephemeral"), "ephemeral", 0, None),
    ],
)
async def test_ports_are_made_with_the_port_group(
    adapter: Adapter,
    vcenter: VCenter,
    switch: Switch,
    settings: PortGroupSettings,
    binding: str,
    count: int,
    expands: bool | None,
) -> None:
    made = await created(adapter, vcenter, switch, settings)

    assert (made.binding, made.port_count, made.auto_expand) == (binding, count, expands)


async def test_binding_number_and_growth_are_changed_and_nothing_else(
    adapter: Adapter, vcenter: VCenter, switch: Switch
) -> None:
    made = await created(adapter, vcenter, switch, FIXED)
    wanted = PortGroupSettings(port_count=16, auto_expand=True)
    await adapter.end_of(vcenter, await vcenter.reconfigure_port_group(KEY, made, wanted))
    after = await read(vcenter, made.ref)
    assert after == replace(made, port_count=16, auto_expand=True, config_version=after.config_version)

    ephemeral = PortGroupSettings(binding="ephemeral")
    await adapter.end_of(vcenter, await vcenter.reconfigure_port_group(KEY, after, ephemeral))
    assert (await read(vcenter, made.ref)).port_count == 0
    static = PortGroupSettings(binding="earlyBinding", port_count=8, auto_expand=True)
    task = await vcenter.reconfigure_port_group(KEY, await read(vcenter, made.ref), static)
    await adapter.end_of(vcenter, task)
    assert (await read(vcenter, made.ref)).port_count == 8


async def test_ports_in_use_are_not_taken_away(
    adapter: Adapter, vcenter: VCenter, switch: Switch, stranger: Stranger
) -> None:
    made = await created(adapter, vcenter, switch, FIXED)
    attach(stranger, made, "DC0_C0_RP0_VM0", "DC0_C0_RP0_VM1")

    current = await read(vcenter, made.ref)
    refused = await adapter.end_of(
        vcenter, await vcenter.reconfigure_port_group(KEY, current, PortGroupSettings(port_count=1))
    )

    assert refused.error is not None
    assert refused.error.reason is Reason.TASK_FAILED
    assert "at least 2 out of 4 ports are still in use" in refused.error.message
    assert (await read(vcenter, made.ref)).port_count == 4


async def test_ports_that_vsphere_adds_are_pushed(
    adapter: Adapter, vcenter: VCenter, switch: Switch, stranger: Stranger
) -> None:
    made = await created(adapter, vcenter, switch, replace(FIXED, port_count=1, auto_expand=True))
    vcenter.watch(KEY, [made.ref])

    attach(stranger, made, "DC0_C0_RP0_VM0", "DC0_C0_RP0_VM1")

    def grown() -> bool:
        known = vcenter.cached(made.ref)
        return isinstance(known, PortGroup) and known.port_count == 2 and len(known.virtual_machines) == 2

    await adapter.until(grown, "two ports")


async def test_one_call_tells_who_is_connected(
    adapter: Adapter, vcenter: VCenter, switch: Switch, stranger: Stranger, twin: Twin
) -> None:
    made = await created(adapter, vcenter, switch, FIXED)
    other = await created(adapter, vcenter, switch, replace(FIXED, name="other"))
    ids = attach(stranger, made, "DC0_C0_RP0_VM0", "DC0_C0_RP0_VM1")
    twin.control.reset_counters()

    ports = await vcenter.connected_ports(made)

    assert {port.connectee for port in ports} == {MoRef("VirtualMachine", vm) for vm in ids}
    assert {(p.vlan, p.mac_management, p.security, p.blocked) for p in ports} == {(None, None, None, False)}
    assert len({port.key for port in ports}) == 2
    assert await vcenter.connected_ports(other) == ()
    assert dict(twin.control.counters(OPERATOR)).get("FetchDVPorts") == 2


async def test_a_change_of_a_single_port_is_told_for_its_port_group(
    adapter: Adapter, vcenter: VCenter, switch: Switch, stranger: Stranger, twin: Twin
) -> None:
    made = await created(adapter, vcenter, switch, FIXED)
    other = await created(adapter, vcenter, switch, replace(FIXED, name="other"))
    (vm,) = attach(stranger, made, "DC0_C0_RP0_VM0")
    stranger.allow_overrides(made.ref.value)
    vcenter.watch(KEY, [switch.ref, made.ref])
    vcenter.watch(OTHER, [switch.ref, other.ref])
    await adapter.until(lambda: vcenter.cached(made.ref) and vcenter.cached(other.ref), "both")
    adapter.woken.clear()

    stranger.stop_learning_on_port(made.ref.value, vm)

    await adapter.until(lambda: vcenter.port_news(made.ref) == 1, "the news")
    assert KEY in adapter.woken
    assert vcenter.port_news(other.ref) == 0

    # What happens while nobody listens is told when somebody does again.
    twin.control.fail("WaitForUpdatesEx", where="drop-before", count=3)
    twin.control.kill_sessions(user=OPERATOR)
    stranger.reset_port(made.ref.value, vm)
    await adapter.until(lambda: vcenter.port_news(made.ref) == 2, "what was missed")


async def test_a_question_about_ports_that_fails_does_not_end_the_listening(
    adapter: Adapter, vcenter: VCenter, switch: Switch, stranger: Stranger, twin: Twin
) -> None:
    made = await created(adapter, vcenter, switch, FIXED)
    (vm,) = attach(stranger, made, "DC0_C0_RP0_VM0")
    stranger.allow_overrides(made.ref.value)
    vcenter.watch(KEY, [switch.ref, made.ref])
    await adapter.until(lambda: vcenter.cached(made.ref), "the first state")
    twin.control.fail("FetchDVPorts", fault="HostCommunication", user=OPERATOR.name)

    stranger.stop_learning_on_port(made.ref.value, vm)
    await adapter.until(lambda: not twin.control.pending_faults(), "the refusal")
    stranger.reset_port(made.ref.value, vm)

    await adapter.until(lambda: vcenter.port_news(made.ref) == 1, "the next change")
    assert twin.control.counters(OPERATOR)["CreatePropertyCollector"] == 1, "the poll is the one that there was"


async def test_without_such_events_everything_else_is_told(adapter: Adapter, stranger: Stranger, twin: Twin) -> None:
    twin.control.fail("CreateCollectorForEvents", fault="NoPermission", user=OPERATOR.name)
    vcenter = await adapter.open(connection(twin))
    switch = await vcenter.find_switch("DC0", "DVS0", fresh=True)
    made = await created(adapter, vcenter, switch, FIXED)
    vcenter.watch(KEY, [made.ref])
    await adapter.until(lambda: vcenter.cached(made.ref), "the port group")

    stranger.set_vlan(made.ref.value, 7)

    def moved() -> bool:
        known = vcenter.cached(made.ref)
        return isinstance(known, PortGroup) and known.vlan == 7

    await adapter.until(moved, "the change")
    assert twin.control.counters(OPERATOR)["CreateCollectorForEvents"] == 1, "asked for once"


async def test_what_a_port_has_of_its_own_is_read_and_goes_when_it_is_reset(
    adapter: Adapter, vcenter: VCenter, switch: Switch, stranger: Stranger
) -> None:
    made = await created(adapter, vcenter, switch, FIXED)
    (vm,) = attach(stranger, made, "DC0_C0_RP0_VM0")
    stranger.allow_overrides(made.ref.value)
    key = stranger.stop_learning_on_port(made.ref.value, vm)
    stranger.override_port(
        made.ref.value,
        vm,
        vlan=Dvs.TrunkVlanSpec(vlanId=[vim.NumericRange(start=10, end=20)], inherited=False),
        blocked=vim.BoolPolicy(value=True, inherited=False),
    )

    (port,) = await vcenter.connected_ports(made)

    quiet = replace(LEARNING, learning=replace(LEARNING.learning, enabled=False))
    assert (port.key, port.connectee) == (key, MoRef("VirtualMachine", vm))
    assert (port.vlan, port.mac_management, port.blocked) == (Trunk(((10, 20),)), quiet, True)
    stranger.reset_port(made.ref.value, vm)
    assert await vcenter.connected_ports(made) == (Port(key, MoRef("VirtualMachine", vm)),)


async def test_a_port_group_of_nsx_tells_so(vcenter: VCenter, switch: Switch, twin: Twin) -> None:
    made = twin.control.nsx_port_group("DVS0", "segment")

    found = await vcenter.find_port_group_by_name(switch, "segment")

    assert found is not None
    assert (found.ref.value, found.nsx) == (made, True)


async def test_a_network_that_nsx_has_on_its_own_switch_is_named_as_such(adapter: Adapter) -> None:
    with Twin(arguments=("-nsx", "1")) as twin:
        vcenter = await adapter.open(connection(twin))
        switch = await vcenter.find_switch("DC0", "DVS0", fresh=True)

        with pytest.raises(Blocked, match="MAC discovery profile") as refused:
            await vcenter.find_port_group_by_name(switch, "DC0_NSX0")

        assert refused.value.reason is Reason.NSX_MANAGED
        await adapter.vcenters.close()


async def test_neither_the_group_nor_its_switch_shows_that_a_port_is_changed(
    adapter: Adapter, vcenter: VCenter, switch: Switch, stranger: Stranger, twin: Twin
) -> None:
    """So the event has to tell. A change of the group that follows is the proof that the push would have come."""
    made = await created(adapter, vcenter, switch, FIXED)
    (vm,) = attach(stranger, made, "DC0_C0_RP0_VM0")
    stranger.allow_overrides(made.ref.value)
    vcenter.watch(KEY, [switch.ref, made.ref])
    await adapter.until(lambda: vcenter.cached(made.ref) and vcenter.cached(switch.ref), "the first state")
    before = await read(vcenter, made.ref)

    stranger.stop_learning_on_port(made.ref.value, vm)

    assert (await read(vcenter, made.ref)) == before
    twin.control.drift(made.ref.value, set={"config.autoExpand": True})
    await adapter.until(lambda: vcenter.cached(made.ref) != before, "the push of the group's own change")
    after = vcenter.cached(made.ref)
    assert isinstance(after, PortGroup)
    assert after == replace(before, auto_expand=True, config_version=after.config_version)
    of_switch = vcenter.cached(switch.ref)
    assert isinstance(of_switch, Switch)
    assert of_switch.config_version == switch.config_version


async def test_on_an_old_switch_a_port_overrides_the_legacy_policy(
    adapter: Adapter, vcenter: VCenter, switch: Switch, stranger: Stranger, twin: Twin
) -> None:
    twin.control.switch(switch.ref.value, version="6.5.0", mac_learning=False)
    legacy = SecurityPolicy(allow_promiscuous=True, mac_changes=False, forged_transmits=True)
    made = await created(adapter, vcenter, switch, PortGroupSettings(name="old", security=legacy))
    (vm,) = attach(stranger, made, "DC0_C0_RP0_VM0")
    stranger.allow_overrides(made.ref.value)
    off = Dvs.SecurityPolicy(
        inherited=False,
        allowPromiscuous=vim.BoolPolicy(inherited=False, value=False),
        macChanges=vim.BoolPolicy(inherited=True),
        forgedTransmits=vim.BoolPolicy(inherited=True),
    )
    stranger.override_port(made.ref.value, vm, securityPolicy=off)

    (port,) = await vcenter.connected_ports(made)

    assert port.security is not None
    assert (port.security.allow_promiscuous, port.security.forged_transmits) == (False, True)
