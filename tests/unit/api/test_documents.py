"""The models judge every document of the table as the API server does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nested_hyperv.api.crds import custom_resource_definition
from nested_hyperv.api.kinds import KINDS
from nested_hyperv.api.parsing import InvalidSpec, changes_refused, parse
from support.documents import CASES, MODELS, TRANSITIONS, Case, Transition

_VALID = [case for case in CASES if not case.names]
_INVALID = [case for case in CASES if case.names]


def _title(row: Case | Transition) -> str:
    return f"{row.kind}-{row.title}"


@pytest.mark.parametrize("case", _VALID, ids=_title)
def test_valid_document_is_taken_and_comes_back_equal(case: Case) -> None:
    parsed = parse(MODELS[case.kind], case.spec, name=case.name)
    again = parse(MODELS[case.kind], parsed.to_wire(), name="not used")
    assert again == parsed
    assert parsed.name == case.spec.get("name", case.name)


@pytest.mark.parametrize("case", _INVALID, ids=_title)
def test_invalid_document_is_refused_by_the_name_of_the_field(case: Case) -> None:
    with pytest.raises(InvalidSpec) as refused:
        parse(MODELS[case.kind], case.spec, name=case.name)
    assert case.names in [problem.field for problem in refused.value.problems]
    assert case.says in str(refused.value)
    assert len(refused.value.problems) == 1, "one mistake, one problem"


@pytest.mark.parametrize("row", TRANSITIONS, ids=_title)
def test_immutable_fields_are_those_of_the_table(row: Transition) -> None:
    model = MODELS[row.kind]
    refused = changes_refused(parse(model, row.old, name="sample"), parse(model, row.new, name="sample"))
    assert [problem.field for problem in refused] == ([row.names] if row.names else [])
    assert all(row.says in problem.message for problem in refused)


def test_every_field_of_both_specs_has_a_refused_value_in_the_table() -> None:
    for kind, model in MODELS.items():
        refused = {case.names for case in CASES if case.kind == kind}
        for info in model.model_fields.values():
            prefix = f"spec.{info.alias}"
            assert any(name == prefix or name.startswith((f"{prefix}.", f"{prefix}[")) for name in refused), prefix


def test_every_rule_of_the_schemas_has_a_refused_document() -> None:
    said = {case.says for case in CASES if case.says} | {row.says for row in TRANSITIONS if row.says}
    for kind in KINDS:
        messages = list(_rule_messages(custom_resource_definition(kind)))
        assert messages
        for message in messages:
            assert any(text in message for text in said), message


def _rule_messages(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for rule in node.get("x-kubernetes-validations", ()):
            yield rule["message"]
        for part in node.values():
            yield from _rule_messages(part)
    elif isinstance(node, list):
        for part in node:
            yield from _rule_messages(part)
