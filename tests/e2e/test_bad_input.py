"""What only vCenter can know is wrong with a spec: a condition with the cause and the cure, and nothing is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pyVmomi import vim

from bed.soap import result_of
from bed.stranger import Stranger

if TYPE_CHECKING:
    from bed.kube_lab import KubeLab

DISTRIBUTED = {"datacenter": "DC2", "switch": "DVS0"}
STANDARD = {"datacenter": "DC2", "vSwitch": "vSwitch0"}
Dvs = vim.dvs.VmwareDistributedVirtualSwitch


@pytest.mark.parametrize(
    ("spec", "reason", "words"),
    [
        ({"distributed": DISTRIBUTED | {"datacenter": "DC9"}}, "NotFound", ["datacenter 'DC9'", "/DC2"]),
        ({"distributed": DISTRIBUTED | {"switch": "DVS9"}}, "NotFound", ["switch 'DVS9'", "There: DVS0"]),
        ({"distributed": DISTRIBUTED, "vlan": {"privateId": 300}}, "NotFound", ["private VLAN", "300", "there: none"]),
        ({"distributed": DISTRIBUTED, "minimumMTU": 9000}, "MTUTooSmall", ["MTU 1500", "9000", "Raise"]),
        ({"standard": STANDARD | {"cluster": "C9"}}, "NotFound", ["cluster 'C9'", "There: DC2_C0"]),
        ({"standard": STANDARD | {"hosts": ["esx9"]}}, "NotFound", ["'esx9'"]),
        ({"standard": STANDARD | {"cluster": "DC2_C0", "datacenter": "DC9"}}, "NotFound", ["datacenter 'DC9'"]),
        ({"standard": STANDARD | {"cluster": "DC2_C0", "vSwitch": "vSwitch9"}}, "NotFound", ["vSwitch9", "vSwitch0"]),
        ({"standard": STANDARD | {"cluster": "DC2_C0"}, "minimumMTU": 9000}, "MTUTooSmall", ["MTU 1500", "Raise"]),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_it_is_said_with_the_cure(world_lab: KubeLab, spec: dict[str, Any], reason: str, words: list[str]) -> None:
    create = world_lab.standard_port_group if "standard" in spec else world_lab.port_group
    group = create("inner", **spec)

    stalled = group.wait_condition("Ready", "False", reason)

    message = stalled.condition("Ready").message
    assert not [word for word in words if word not in message], message
    assert stalled.condition("Stalled").status == "True"
    assert stalled.condition("PrerequisitesMet").status == "False"
    assert world_lab.calls.changes() == {}
    group.delete()
    group.wait_gone()


def test_a_private_vlan_works_once_the_switch_maps_it(world_lab: KubeLab, stranger: Stranger) -> None:
    group = world_lab.port_group(vlan={"privateId": 301})
    group.wait_condition("Ready", "False", "NotFound")
    switch = Dvs(stranger.find_switch(world_lab.datacenter), stranger.instance._stub)  # noqa: SLF001 - by its id

    def map_it(operation: str) -> None:
        entries = [
            Dvs.PvlanConfigSpec(
                operation=operation,
                pvlanEntry=Dvs.PvlanMapEntry(primaryVlanId=300, secondaryVlanId=secondary, pvlanType=kind),
            )
            for secondary, kind in ((300, "promiscuous"), (301, "isolated"))
        ]
        entries = entries if operation == "add" else entries[::-1]
        spec = Dvs.ConfigSpec(configVersion=switch.config.configVersion, pvlanConfigSpec=entries)
        result_of(switch.ReconfigureDvs_Task(spec))

    map_it("add")
    try:
        status = group.wait_ready().status
        assert status["vlan"] == "private 301"
        setting = stranger.port_group(status["moRef"]).config.defaultPortConfig.vlan
        assert (type(setting), setting.pvlanId) == (Dvs.PvlanSpec, 301)
    finally:
        group.delete()
        group.wait_gone()
        map_it("remove")


def test_a_trunk_passes_its_ranges_and_is_put_back(world_lab: KubeLab, stranger: Stranger) -> None:
    group = world_lab.port_group(vlan={"trunk": [{"start": 100, "end": 110}, {"start": 120, "end": 120}]})
    ready = group.wait_ready()
    assert ready.status["vlan"] == "100-110,120"
    mo_ref = ready.status["moRef"]

    def ranges() -> list[tuple[int, int]]:
        setting = stranger.port_group(mo_ref).config.defaultPortConfig.vlan
        return (
            sorted((part.start, part.end) for part in setting.vlanId) if isinstance(setting, Dvs.TrunkVlanSpec) else []
        )

    assert ranges() == [(100, 110), (120, 120)]
    world_lab.calls.mark()
    stranger.set_vlan(mo_ref, 7)
    group.wait(lambda now: now.status.get("lastRepair") and ranges(), "repaired")
    assert ranges() == [(100, 110), (120, 120)]
    assert world_lab.calls.changes() == {"ReconfigureDVPortgroup_Task": 1}


def test_ip_hash_is_warned_about_and_left_alone(world_lab: KubeLab, stranger: Stranger) -> None:
    switch = Dvs(stranger.find_switch(world_lab.datacenter), stranger.instance._stub)  # noqa: SLF001 - by its id
    two = vim.DistributedVirtualSwitch.NameArrayUplinkPortPolicy(uplinkPortName=["uplink1", "uplink2"])
    spec = Dvs.ConfigSpec(configVersion=switch.config.configVersion, uplinkPortPolicy=two)
    result_of(switch.ReconfigureDvs_Task(spec))
    group = world_lab.port_group()
    mo_ref = group.wait_ready().status["moRef"]
    world_lab.calls.mark()
    policy = vim.StringPolicy(inherited=False, value="loadbalance_ip")
    teaming = Dvs.UplinkPortTeamingPolicy(inherited=False, policy=policy)
    stranger.reconfigure_port_group(mo_ref, defaultPortConfig=Dvs.VmwarePortConfigPolicy(uplinkTeamingPolicy=teaming))

    warned = group.wait(lambda now: "IP hash" in now.condition("NetworkReady").message, "the warning")

    assert warned.condition("NetworkReady").status == "True"
    assert warned.ready
    assert world_lab.calls.changes() == {}


def test_the_name_of_a_switch_is_taken_although_no_port_group_has_it(lab: KubeLab) -> None:
    group = lab.port_group(name="DVS0")

    taken = group.wait_condition("Ready", "False", "NameTaken")

    assert taken.condition("Stalled").status == "True"
    assert "moRef" not in taken.status
    assert lab.calls.changes() == {"CreateDVPortgroup_Task": 2}, "the first refusal might have been by our own"
    group.delete()
    group.wait_gone()
