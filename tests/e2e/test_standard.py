"""Port groups on standard switches: on every host of a cluster, kept there, and gone at the end."""

from bed.kube_lab import KubeLab
from bed.operator_process import OperatorProcess
from bed.stranger import Stranger
from bed.twin import ALICE
from bed.waiting import wait_for

HOSTS = [f"DC2_C0_H{number}" for number in range(2)]


def test_every_host_has_it_as_declared(world_lab: KubeLab, stranger: Stranger) -> None:
    group = world_lab.standard_port_group(vlan={"id": 120})
    status = group.wait_ready().status

    for host in HOSTS:
        found = stranger.standard_group(host, group.vsphere_name)
        assert found is not None
        assert (found.spec.vlanId, found.spec.vswitchName) == (120, "vSwitch0")
        security = found.spec.policy.security
        assert (security.allowPromiscuous, security.forgedTransmits, security.macChanges) == (True, True, None)
    assert status["hostsReady"] == "2/2"
    assert status["observed"]["inheritedFields"] == ["macChanges"], "what the spec leaves to the switch"
    assert status["moRef"].startswith("network-")


def test_what_is_changed_on_one_host_is_put_back_by_one_call(
    world_lab: KubeLab, stranger: Stranger, operator: OperatorProcess
) -> None:
    group = world_lab.standard_port_group()
    group.wait_ready()
    world_lab.calls.mark()
    since = operator.mark()

    stranger.update_standard(HOSTS[1], group.vsphere_name, allowPromiscuous=False)

    def put_back() -> bool:
        found = stranger.standard_group(HOSTS[1], group.vsphere_name)
        return bool(found and found.spec.policy.security.allowPromiscuous)

    wait_for(put_back, "promiscuous mode to be put back")
    repaired = group.wait(lambda now: now.status.get("lastRepair"), "the repair to be told").status["lastRepair"]
    assert repaired["changes"][0]["host"] == HOSTS[1]
    assert repaired["by"] == ALICE.shown
    assert world_lab.calls.changes() == {"UpdatePortGroup": 1}
    (told,) = (record.message for record in operator.records(since=since) if record.message.startswith("Repaired"))
    assert f"promiscuous on {HOSTS[1]}: false -> true" in told
    assert ALICE.shown in told


def test_it_goes_from_every_host(world_lab: KubeLab, stranger: Stranger) -> None:
    group = world_lab.standard_port_group()
    group.wait_ready()

    group.delete()
    group.wait_gone()

    assert all(stranger.standard_group(host, group.vsphere_name) is None for host in HOSTS)
