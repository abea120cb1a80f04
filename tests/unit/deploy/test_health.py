"""Argo CD shows for each row of the status table what the table promises."""

from pathlib import Path
from typing import Any

import lupa.lua51
import pytest
import yaml

from nested_hyperv.domain.verdict import Situation
from support.argo import assess
from support.health_rows import FOLDER, ROWS, files

ARGO = Path(__file__).parents[3] / "deploy" / "argocd"
KINDS = ("NestedPortGroup", "NestedHyperVHost")


def _script(kind: str) -> str:
    return (FOLDER / kind / "health.lua").read_text()


def _document(kind: str, row: str) -> dict[str, Any]:
    document = yaml.safe_load((FOLDER / kind / "testdata" / f"{row}.yaml").read_text())
    assert isinstance(document, dict)
    return document


def _cases() -> list[Any]:
    return [
        pytest.param(kind, case, id=f"{kind}-{Path(case['inputPath']).stem}")
        for kind in KINDS
        for case in yaml.safe_load((FOLDER / kind / "health_test.yaml").read_text())["tests"]
    ]


@pytest.mark.parametrize(("kind", "case"), _cases())
def test_each_case_of_argos_own_test_file_holds_in_the_production_sandbox(kind: str, case: dict[str, Any]) -> None:
    health = assess(_script(kind), _document(kind, Path(case["inputPath"]).stem))
    assert health._asdict() == case["healthStatus"]


def test_the_cases_are_what_the_operator_writes_in_every_row_of_the_status_table() -> None:
    committed = {path: path.read_text() for path in FOLDER.rglob("*.yaml")}
    cure = "run `PYTHONPATH=operator:tests python -m support.health_rows` and commit the result"
    assert committed == dict(files()), cure


def test_every_situation_has_a_row() -> None:
    shown = {verdict.situation for row in ROWS for verdict in row.verdicts[-1:]}
    assert shown == set(Situation)


@pytest.mark.parametrize("status", [None, {}, {"observedGeneration": 1}, {"observedGeneration": 1, "conditions": []}])
def test_an_object_without_conditions_is_progressing(status: dict[str, Any] | None) -> None:
    document = {"metadata": {"generation": 1}, "spec": {}}
    if status is not None:
        document["status"] = status
    assert assess(_script("NestedPortGroup"), document).status == "Progressing"


def test_a_deletion_that_no_status_explains_yet_is_progressing() -> None:
    document = {"metadata": {"generation": 2, "deletionTimestamp": "2026-11-23T10:00:00Z"}, "spec": {}}
    assert assess(_script("NestedPortGroup"), document).status == "Progressing"


def test_a_new_generation_hides_what_is_known_of_the_old_one() -> None:
    document = _document("NestedPortGroup", "stalled")
    document["metadata"]["generation"] += 1
    assert assess(_script("NestedPortGroup"), document).status == "Progressing"


@pytest.mark.parametrize("script", ["return string.find('a', 'a')", "return ('a'):upper()", "return math.floor(1)"])
def test_the_sandbox_refuses_what_argo_refuses(script: str) -> None:
    with pytest.raises(lupa.lua51.LuaError, match="attempt to index"):
        assess(script, {})


def test_both_kinds_and_the_config_map_carry_the_same_script() -> None:
    patch = yaml.safe_load((ARGO / "argocd-cm.yaml").read_text())["data"]
    script = _script("NestedPortGroup")
    for kind in KINDS:
        assert _script(kind) == script, f"{kind}/health.lua differs from NestedPortGroup/health.lua: copy it"
        shipped = patch[f"resource.customizations.health.nestedhv.io_{kind}"]
        assert shipped == script, f"argocd-cm.yaml differs from {kind}/health.lua: copy it"


def test_status_churn_does_not_refresh_applications() -> None:
    patch = yaml.safe_load((ARGO / "argocd-cm.yaml").read_text())["data"]
    for kind in KINDS:
        ignored = yaml.safe_load(patch[f"resource.customizations.ignoreResourceUpdates.nestedhv.io_{kind}"])
        assert "/status" in ignored["jsonPointers"]
