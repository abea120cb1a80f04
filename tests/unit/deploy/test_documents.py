"""The documents hold: links lead somewhere, and every example is accepted by the operator."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from nested_hyperv.api import meta
from nested_hyperv.api.host import parse_host
from nested_hyperv.api.portgroup import parse_port_group
from nested_hyperv.app.settings import reference
from nested_hyperv.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\[[^\]]*\]\((?!https?://)([^)#\s]*)(#[^)\s]*)?\)")
_BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)
PARSERS = {meta.KIND_PORT_GROUP: parse_port_group, meta.KIND_HOST: parse_host}


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {"#" + re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}


def _examples() -> list[Any]:
    return [
        pytest.param(document, id=f"{_name(page)}-{document['metadata']['name']}")
        for page in PAGES
        for block in _BLOCK.findall(page.read_text())
        for document in yaml.safe_load_all(block)
        if document.get("kind") in PARSERS
    ]


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in _LINK.findall(page.read_text()):
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{_name(page)} links to {target}"
        if anchor:
            assert anchor in _anchors(path), f"{_name(page)} links to {target}{anchor}"


@pytest.mark.parametrize("document", _examples())
def test_examples_are_valid(document: dict[str, Any]) -> None:
    assert document["apiVersion"] == meta.API_VERSION
    PARSERS[document["kind"]](document["spec"], name=document["metadata"]["name"])


def test_there_are_examples_of_both_kinds() -> None:
    assert {case.values[0]["kind"] for case in _examples()} == set(PARSERS)


def test_the_page_of_settings_is_the_one_that_the_settings_make() -> None:
    page = ROOT / "docs" / "reference" / "settings.md"
    cure = "run `PYTHONPATH=operator python -m nested_hyperv.app.settings > docs/reference/settings.md`"
    assert page.read_text() == reference(), cure


def test_the_page_of_metrics_lists_what_is_served() -> None:
    metrics = Metrics(version="0")
    metrics.watch_resources(list)
    served = {
        (f"{family.name}_total" if family.type == "counter" else family.name, family.type, family.documentation)
        for family in metrics.registry.collect()
        if not family.name.startswith(("process_", "python_"))
    }
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    listed = set(re.findall(r"^\| `(\w+)` \| (\w+) \|.*\| (.*) \|$", page, re.MULTILINE))
    assert listed == served
