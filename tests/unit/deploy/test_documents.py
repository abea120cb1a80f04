"""The documents hold: links lead somewhere, and every example is accepted by the operator."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from nested_hyperv.api import connection, meta
from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.host import parse_host
from nested_hyperv.api.portgroup import parse_port_group
from nested_hyperv.app.settings import reference
from nested_hyperv.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\[[^\]]*\]\((?!https?://)([^)#\s]*)(#[^)\s]*)?\)")
_BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)
ONLY_HOSTS = {
    Reason.POWER_OFF_REQUIRED,
    Reason.DEPENDENCY_NOT_READY,
    Reason.IDENTITY_CONFLICT,
    Reason.NESTED_HV_NOT_SUPPORTED,
    Reason.NESTED_HV_NOT_APPLIED,
    Reason.GUEST_OS_NOT_OFFERED,
    Reason.TEMPLATE_UNUSABLE,
    Reason.INACCESSIBLE,
    Reason.POWERED_ON,
    Reason.POWERED_OFF,
    Reason.SHUTDOWN_REQUESTED,
}
PARSERS = {meta.KIND_PORT_GROUP: parse_port_group, meta.KIND_HOST: parse_host}


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {"#" + re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}


def _documents() -> Iterator[tuple[Path, Any]]:
    for page in PAGES:
        for block in _BLOCK.findall(page.read_text()):
            for document in yaml.safe_load_all(block):
                yield page, document


def _examples() -> list[Any]:
    return [
        pytest.param(document, id=f"{_name(page)}-{document['metadata']['name']}")
        for page, document in _documents()
        if isinstance(document, dict) and document.get("kind") in PARSERS
    ]


def _parts() -> list[Any]:
    """Blocks that show a few fields of a spec, as a reader merges them into his own."""
    return [
        pytest.param(document["spec"], id=f"{_name(page)}-{number}")
        for number, (page, document) in enumerate(_documents())
        if isinstance(document, dict) and "spec" in document and "kind" not in document
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


@pytest.mark.parametrize("spec", _parts())
def test_parts_of_a_spec_fit_into_one(spec: dict[str, Any]) -> None:
    where = {} if "standard" in spec else {"distributed": {"datacenter": "DC0", "switch": "DVS0"}}
    parse_port_group({"connectionRef": {"name": "vcenter"}} | where | spec, name="lab-inner")


def test_every_block_of_yaml_is_checked_or_is_no_document_of_ours() -> None:
    """A document without a kind that nothing looks at would be an example that nobody ever tried."""
    for page, document in _documents():
        known = isinstance(document, dict) and ({"kind", "spec"} & document.keys() or document.keys() == {"metadata"})
        foreign = isinstance(document, list)  # tasks of Ansible
        assert known or foreign, f"{_name(page)}: {document}"


def test_the_secrets_of_examples_have_keys_that_are_read() -> None:
    for page, document in _documents():
        if isinstance(document, dict) and document.get("type") == meta.SECRET_TYPE:
            keys = {**document.get("data", {}), **document.get("stringData", {})}
            assert keys.keys() <= connection.KEYS.keys(), _name(page)


def test_every_reason_that_a_port_group_can_show_is_explained() -> None:
    page = (ROOT / "docs" / "reference" / "nestedportgroup.md").read_text()
    explained = set(re.findall(r"`([A-Z]\w+)`", page.partition("## Reasons and cures")[2].partition("## Fields")[0]))
    assert set(Reason) - ONLY_HOSTS <= explained
    assert not explained & ONLY_HOSTS


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
