"""Who made a change: the newest fitting event of somebody else since our own last write, or nobody."""

from datetime import UTC, datetime

import pytest

from nested_hyperv.domain.blame import Author, HistoryEntry, author_of, rewritten
from nested_hyperv.domain.inventory import Change

US, ALICE, BOB = "VSPHERE.LOCAL\\operator", "LAB\\alice", "LAB\\bob"
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
VLAN = Change("vlan", "7", "120")
IN_VLAN = "config.defaultPortConfig.vlan.vlanId: 120 -> 7; "
IN_TEXT = 'config.description: "a" -> "b"; '


def history(*entries: tuple[str, str]) -> list[HistoryEntry]:
    """Events, the oldest first, as (user, text)."""
    return [HistoryEntry(key, user, NOON, text) for key, (user, text) in enumerate(entries)]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([(ALICE, IN_VLAN), (US, IN_VLAN)], ALICE),
        ([(ALICE, IN_VLAN)], ALICE),  # our repair is not among the events yet
        ([(ALICE, IN_VLAN), (BOB, IN_TEXT), (US, IN_VLAN)], ALICE),  # Bob changed something else
        ([(ALICE, IN_VLAN), (BOB, IN_VLAN), (US, IN_VLAN)], BOB),
        ([(ALICE, IN_VLAN), (US, IN_VLAN), (BOB, IN_TEXT), (US, IN_TEXT)], None),  # Alice's was repaired long ago
        ([(ALICE, ""), (US, "")], ALICE),  # vCenter before 6.5 tells no values
        ([(US, IN_VLAN), (US, IN_VLAN)], None),
        ([], None),
    ],
)
def test_the_newest_fitting_event_of_somebody_else_names_him(
    entries: list[tuple[str, str]], expected: str | None
) -> None:
    found = author_of(history(*entries), [VLAN], US)

    assert (found and found.user) == expected


def test_our_own_name_is_ours_however_it_is_written() -> None:
    assert author_of(history((US.lower(), IN_VLAN)), [VLAN], US) is None


def test_a_name_is_looked_for_itself() -> None:
    renamed = Change("name", "their-name", "inner")

    assert author_of(history((BOB, "other theirs"), (ALICE, "inner their-name")), [renamed], US) == Author(ALICE, NOON)
    assert author_of(history((BOB, "other theirs")), [renamed], US) is None


def test_a_field_without_known_traces_fits_any_change() -> None:
    assert author_of(history((BOB, IN_TEXT)), [Change("something new", "a", "b")], US) == Author(BOB, NOON)


@pytest.mark.parametrize(
    ("users", "expected"),
    [([US, ALICE], True), ([ALICE, US], False), ([ALICE], False), ([US], False), ([], False), ([US, BOB, US], False)],
)
def test_somebody_who_wrote_after_us_has_rewritten_it(users: list[str], expected: bool) -> None:
    assert rewritten(history(*((user, IN_VLAN) for user in users)), US) is expected
