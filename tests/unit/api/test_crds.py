"""The committed CRDs are those of the models, and each keeps the rules that hold for every kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from nested_hyperv.api import connection, crds, meta, reference
from nested_hyperv.api.conditions import ConditionType, Reason
from nested_hyperv.api.kinds import KINDS, Kind

_ROOT = Path(__file__).parents[3]


def test_committed_files_are_those_of_the_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert crds.main(["--check", f"--root={_ROOT}"]) == 0, capsys.readouterr().err
    assert {file.name for file in (_ROOT / "crds").glob("*.yaml")} == {crds.file_name(kind) for kind in KINDS}


def test_reference_has_every_field_reason_and_key() -> None:
    page = reference.render() + "".join(
        reference.fill(reference.SKELETON, kind) for kind in KINDS if kind.kind in reference.PAGES
    )
    names = [
        path.removesuffix("[]") for kind in KINDS for path, _ in _nodes(_schema(kind)["properties"]["spec"], "spec")
    ]
    names.remove("spec")
    names.remove("spec")
    for name in (*names, *ConditionType, *Reason, *connection.KEYS):
        assert f"`{name}`" in page, name


def test_what_is_written_around_the_fields_stays() -> None:
    kind = next(kind for kind in KINDS if kind.kind in reference.PAGES)
    before = f"# Title\n\n{reference.SKELETON}\n## More\n"
    filled = reference.fill(before, kind)
    assert filled.startswith("# Title\n")
    assert filled.endswith("\n## More\n")
    assert reference.fill(filled, kind) == filled


def test_a_page_without_a_place_for_the_fields_says_what_it_needs() -> None:
    kind = next(kind for kind in KINDS if kind.kind in reference.PAGES)
    with pytest.raises(reference.NoPlaceForFieldsError, match="two lines"):
        reference.fill("# Title\n", kind)


def test_check_shows_the_difference_and_the_cure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert crds.main([f"--root={tmp_path}"]) == 0
    file = tmp_path / "crds" / crds.file_name(KINDS[0])
    file.write_text(file.read_text().replace("storage: true", "storage: false"))
    before = file.read_text()
    assert crds.main(["--check", f"--root={tmp_path}"]) == 1
    shown = capsys.readouterr().err
    assert "-    storage: false" in shown
    assert "+    storage: true" in shown
    assert "make crds" in shown
    assert file.read_text() == before


def test_check_misses_no_missing_file(tmp_path: Path) -> None:
    assert crds.main(["--check", f"--root={tmp_path}"]) == 1


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_file_is_what_the_server_gets(kind: Kind) -> None:
    assert yaml.safe_load(crds.render(kind)) == crds.custom_resource_definition(kind)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_what_cel_compares_is_bounded(kind: Kind) -> None:
    for path, node in _nodes(_schema(kind)["properties"]["spec"], "spec"):
        if node["type"] == "string" and "enum" not in node:
            assert "maxLength" in node, path
        if node["type"] == "array":
            assert "maxItems" in node, path


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_columns_and_selectable_fields_lead_to_scalars_of_the_schema(kind: Kind) -> None:
    paths = [column.path for column in kind.columns if not column.path.startswith(".metadata")]
    for path in (*paths, *kind.selectable):
        node = _schema(kind)
        for step in path.replace('[?(@.type=="Ready")]', "").removeprefix(".").split("."):
            node = node.get("items", node)["properties"][step]
        assert node["type"] in ("string", "integer", "boolean"), path


def test_every_rule_names_its_cure_and_an_existing_field() -> None:
    for kind in KINDS:
        for path, node in _nodes(_schema(kind), kind.kind):
            for rule in node.get("x-kubernetes-validations", ()):
                assert rule["message"], path
                below = node
                for step in rule.get("fieldPath", "").split(".")[1:]:
                    below = below["properties"][step]


def _schema(kind: Kind) -> dict[str, Any]:
    definition = crds.custom_resource_definition(kind)
    assert definition["metadata"]["name"] == f"{kind.plural}.{meta.GROUP}"
    (version,) = definition["spec"]["versions"]
    return dict(version["schema"]["openAPIV3Schema"])


def _nodes(node: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, node
    for name, below in node.get("properties", {}).items():
        yield from _nodes(below, f"{path}.{name}")
    if "items" in node:
        yield from _nodes(node["items"], f"{path}[]")
