"""NICs and entries: bound once in unit order, then told apart by what they are and never by where they stand."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from nested_hyperv.domain.host.adapters import AdapterPlan, WantedAdapter, plan_adapters
from nested_hyperv.domain.inventory import Change, NetworkAdapter, NetworkAdapterEdit
from nested_hyperv.domain.ownership import BoundAdapter
from support.vsphere_records import network, nic

LAN, WAN = network("dvportgroup-1"), network("dvportgroup-2")
OLD = network("VM Network", standard=True)


def bound(**nics: NetworkAdapter) -> dict[str, BoundAdapter]:
    return {name: BoundAdapter(one.key, one.mac_address) for name, one in nics.items()}


def plan(
    wanted: list[WantedAdapter],
    nics: list[NetworkAdapter],
    bindings: dict[str, BoundAdapter] | None = None,
    *,
    running: bool = False,
) -> AdapterPlan:
    return plan_adapters(wanted, nics, bindings, running=running)


def test_the_nics_of_a_template_are_bound_once_in_unit_order_and_moved() -> None:
    second, first = nic(4000, unit_number=9), nic(4001, unit_number=8)

    planned = plan([WantedAdapter("lan", LAN), WantedAdapter("wan", WAN)], [second, first])

    assert planned.bindings == bound(lan=first, wan=second)
    assert planned.edits == (NetworkAdapterEdit(4001, LAN), NetworkAdapterEdit(4000, WAN))
    assert planned.changes == (
        Change("networks[lan]", "VM Network", "dvportgroup-1"),
        Change("networks[wan]", "VM Network", "dvportgroup-2"),
    )


def test_a_template_with_too_few_nics_gets_more_and_one_with_too_many_keeps_them() -> None:
    few = plan([WantedAdapter("lan", LAN), WantedAdapter("wan", WAN)], [nic(4000)])
    many = plan([WantedAdapter("lan", LAN)], [nic(4000), nic(4001)])

    assert few.edits == (NetworkAdapterEdit(4000, LAN), NetworkAdapterEdit(None, WAN))
    assert many.edits == (NetworkAdapterEdit(4000, LAN),)


def test_what_is_as_declared_needs_no_edit() -> None:
    one = nic(4000, LAN.ref.value)

    planned = plan([WantedAdapter("lan", LAN)], [one], bound(lan=one))

    assert (planned.edits, planned.changes) == ((), ())
    assert planned.assigned == {"lan": one}


def test_a_standard_network_is_told_by_its_name() -> None:
    one = nic(4000, "VM Network")

    assert plan([WantedAdapter("old", OLD)], [one], bound(old=one)).edits == ()


def test_a_nic_that_somebody_inserts_in_front_changes_nothing() -> None:
    ours, theirs = nic(4001, LAN.ref.value), nic(4000, "VM Network", unit_number=1)

    planned = plan([WantedAdapter("lan", LAN)], [theirs, ours], bound(lan=ours))

    assert planned.edits == ()
    assert planned.bindings == bound(lan=ours)


def test_a_nic_is_known_by_its_mac_address_whatever_its_key_and_case() -> None:
    moved = nic(4007, LAN.ref.value, mac_address="00:50:56:AA:BB:CC")

    planned = plan(
        [WantedAdapter("lan", LAN)],
        [nic(4000, "VM Network", mac_address="00:50:56:00:00:99"), moved],
        {"lan": BoundAdapter(4000, "00:50:56:aa:bb:cc")},
    )

    assert planned.edits == ()
    assert planned.bindings == bound(lan=moved)


def test_of_two_nics_with_one_mac_address_the_key_decides() -> None:
    first = nic(4000, LAN.ref.value, mac_address="00:50:56:00:00:01")
    second = nic(4001, LAN.ref.value, mac_address="00:50:56:00:00:01")

    assert plan([WantedAdapter("lan", LAN)], [first, second], bound(lan=second)).assigned == {"lan": second}


def test_a_moved_nic_is_moved_back_and_one_that_points_nowhere_too() -> None:
    away, nowhere = nic(4000, "dvportgroup-99"), nic(4000, "")

    for one, old in ((away, "dvportgroup-99"), (nowhere, "nothing")):
        planned = plan([WantedAdapter("lan", LAN)], [one], bound(lan=one))
        assert planned.edits == (NetworkAdapterEdit(4000, LAN),)
        assert planned.changes == (Change("networks[lan]", old, "dvportgroup-1"),)


def test_a_removed_nic_is_added_again() -> None:
    planned = plan([WantedAdapter("lan", LAN)], [], bound(lan=nic(4000)))

    assert planned.edits == (NetworkAdapterEdit(None, LAN),)
    assert planned.changes == (Change("networks[lan]", "no adapter", "dvportgroup-1"),)


def test_a_nic_that_was_added_and_not_bound_before_a_crash_is_taken_and_no_second_one_added() -> None:
    added = nic(4001, LAN.ref.value)

    for lost in ({}, bound(lan=nic(4000))):
        planned = plan([WantedAdapter("lan", LAN)], [added], lost)
        assert planned.edits == ()
        assert planned.bindings == bound(lan=added)


def test_a_strangers_nic_on_another_network_is_not_taken() -> None:
    theirs = nic(4001, "VM Network")

    planned = plan([WantedAdapter("lan", LAN)], [theirs], {})

    assert planned.edits == (NetworkAdapterEdit(None, LAN),)
    assert planned.assigned == {}


def test_an_entry_that_goes_takes_its_own_nic_along_and_no_other() -> None:
    lan, wan, theirs = nic(4000, LAN.ref.value), nic(4001, WAN.ref.value), nic(4002)

    planned = plan([WantedAdapter("lan", LAN)], [lan, wan, theirs], bound(lan=lan, wan=wan))

    assert planned.edits == (NetworkAdapterEdit(4001, None),)
    assert planned.changes == (Change("networks[wan]", "dvportgroup-2", "no adapter"),)
    assert planned.bindings == bound(lan=lan)


def test_an_entry_that_goes_without_a_nic_changes_nothing() -> None:
    assert plan([], [nic(4000)], bound(wan=nic(4009))).edits == ()


def test_the_order_of_the_list_moves_nothing() -> None:
    lan, wan = nic(4000, LAN.ref.value), nic(4001, WAN.ref.value)
    bindings = bound(lan=lan, wan=wan)

    assert plan([WantedAdapter("wan", WAN), WantedAdapter("lan", LAN)], [lan, wan], bindings).edits == ()


def test_a_network_that_is_not_there_yet_edits_nothing_and_keeps_its_nic() -> None:
    one = nic(4000)

    planned = plan([WantedAdapter("lan", None)], [one], bound(lan=one))

    assert planned.edits == ()
    assert planned.bindings == bound(lan=one)


def test_a_disconnected_nic_is_connected_only_where_that_can_be_seen() -> None:
    never, now = nic(4000, LAN.ref.value, start_connected=False), nic(4000, LAN.ref.value, connected=False)
    wanted = [WantedAdapter("lan", LAN)]

    assert plan(wanted, [never], bound(lan=never)).changes == (Change("networks[lan].connected", "false", "true"),)
    assert plan(wanted, [now], bound(lan=now), running=True).edits == (NetworkAdapterEdit(4000, LAN),)
    assert plan(wanted, [now], bound(lan=now), running=False).edits == ()


nics_of_a_vm = st.lists(
    st.tuples(st.sampled_from(["dvportgroup-1", "dvportgroup-2", "VM Network", ""]), st.booleans()), max_size=5
).map(lambda rows: [nic(4000 + n, on, start_connected=start) for n, (on, start) in enumerate(rows)])
entries = st.lists(st.sampled_from(["a", "b", "c"]), unique=True).flatmap(
    lambda names: st.tuples(*[st.builds(WantedAdapter, st.just(n), st.sampled_from([LAN, WAN, OLD])) for n in names])
)


@given(entries, nics_of_a_vm, st.booleans())
def test_one_round_of_edits_is_enough_and_nobody_gets_two_nics(
    wanted: tuple[WantedAdapter, ...], nics: list[NetworkAdapter], fresh: bool
) -> None:
    before = plan(list(wanted), nics, None if fresh else {})
    after = {one.key: one for one in nics}
    for edit in before.edits:
        assert edit.network is not None, "nothing that was never bound is removed"
        key = edit.key or max([3999, *after]) + 1
        target = edit.network.portgroup_key or edit.network.name
        after[key] = replace(after.get(key, nic(key)), network=target, start_connected=True)

    again = plan(list(wanted), list(after.values()), dict(before.bindings))

    assert again.edits == ()
    assert len({one.key for one in again.assigned.values()}) == len(again.assigned) == len(wanted)
