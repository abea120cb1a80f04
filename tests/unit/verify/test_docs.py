"""docs/twin.md is what the rules say, and a rule cannot name what the twin does not have."""

import pytest

from verify import docs
from verify.book import ROOT, Entry, denied_calls, entries, switches
from verify.rule import Rule, Standing

RULE = Rule("Rename_Task", "A | in a name is kept.", Standing.INFERRED, "nothing found")


def entry(rule: Rule, subject: str = "vm") -> Entry:
    return Entry(rule, subject, "tests/verify/checks/vm.py", "test_a_bar_is_kept")


def test_each_rule_is_shown_by_one_function() -> None:
    found = list(entries())

    assert found
    assert len({(item.path, item.function) for item in found}) == len(found)
    assert [item for item in found if not item.rule.says.endswith(".")] == []
    assert [item for item in found if not (item.rule.call and item.rule.source)] == []


def test_every_rule_and_every_refused_call_has_its_row() -> None:
    page = docs.render()

    for item in entries():
        assert item.rule.says.replace("|", "&#124;") in page
        assert (ROOT / item.path).is_file()
    assert denied_calls()
    for call in denied_calls():
        assert f"| `{call.method}` | {call.kind or 'any object'} | {call.reason} |" in page


def test_a_bar_does_not_break_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docs, "entries", lambda: [entry(RULE)])

    page = docs.render()

    assert (
        "| `Rename_Task` | A &#124; in a name is kept. | inferred | nothing found |  "
        "| [a bar is kept](../tests/verify/checks/vm.py) |"
    ) in page
    assert "1 rules: 0 documented, 0 observed, 1 inferred." in page


def test_a_subject_nobody_named_gets_a_section_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docs, "entries", lambda: [entry(RULE, "weather"), entry(RULE, "dvpg")])

    page = docs.render()

    assert page.index("### Distributed port groups") < page.index("### Weather")


def test_a_switch_that_the_twin_does_not_have_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Rule("Rename_Task", "It is kept.", Standing.INFERRED, "nothing found", switch="noSuchSwitch")
    monkeypatch.setattr(docs, "entries", lambda: [entry(wrong)])

    with pytest.raises(SystemExit, match="noSuchSwitch"):
        docs.render()


def test_the_switches_are_read_from_the_twin() -> None:
    assert {"noOpBumpsConfigVersion", "busyVM", "macManagementLeaves"} <= switches()
