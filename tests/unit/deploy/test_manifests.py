"""The manifests grant what is named and nothing else, and say why."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from nested_hyperv.api import meta
from nested_hyperv.api.connection import KEYS
from nested_hyperv.api.host import parse_host
from nested_hyperv.api.portgroup import parse_port_group

DEPLOY = Path(__file__).parents[3] / "deploy"
RBAC = [DEPLOY / "base" / "role.yaml", DEPLOY / "base" / "user-roles.yaml", DEPLOY / "cluster-wide" / "rbac.yaml"]


def _documents(*paths: Path) -> list[dict[str, Any]]:
    return [document for path in paths for document in yaml.safe_load_all(path.read_text())]


def _rules() -> list[dict[str, Any]]:
    return [rule for document in _documents(*RBAC) for rule in document.get("rules", [])]


def test_no_rule_has_a_wildcard() -> None:
    for rule in _rules():
        for values in rule.values():
            assert not any("*" in value for value in values), rule


def test_every_file_with_rules_is_checked_here() -> None:
    found = {path for path in DEPLOY.rglob("*.yaml") if re.search(r"^rules:", path.read_text(), re.MULTILINE)}
    assert found == set(RBAC)


@pytest.mark.parametrize("path", RBAC, ids=lambda path: path.name)
def test_every_rule_says_what_fails_without_it(path: Path) -> None:
    lines = path.read_text().splitlines()
    rules = [number for number, line in enumerate(lines) if line.startswith("  - apiGroups:")]
    assert rules
    for number in rules:
        comment: list[str] = []
        for line in reversed(lines[:number]):
            if not line.startswith("  #"):
                break
            comment.insert(0, line.strip("# "))
        assert re.search(r"\b[Ww]ithout\b", " ".join(comment)), f"{path.name}:{number + 1} does not say what fails"


def test_people_cannot_write_status() -> None:
    for document in _documents(DEPLOY / "base" / "user-roles.yaml"):
        for rule in document["rules"]:
            assert not any("/" in resource for resource in rule["resources"])


def test_the_operator_cannot_create_or_delete_what_people_declare() -> None:
    rules = _documents(DEPLOY / "base" / "role.yaml")[0]["rules"]
    verbs = {verb for rule in rules if meta.GROUP in rule["apiGroups"] for verb in rule["verbs"]}
    assert verbs == {"list", "watch", "patch"}


def test_the_namespaced_variant_leaves_the_cluster_id_to_be_filled_in() -> None:
    settings = dict(
        line.split("=", 1)
        for line in (DEPLOY / "namespaced" / "settings.env").read_text().splitlines()
        if line and not line.startswith("#")
    )
    bindings = _documents(DEPLOY / "namespaced" / "rolebinding.yaml")
    assert settings["NHV_CLUSTER_ID"] == ""
    assert settings["NHV_NAMESPACES"].split(",") == [binding["metadata"]["namespace"] for binding in bindings]


def test_the_sample_lab_is_valid_and_refers_to_itself() -> None:
    (secret,) = _documents(DEPLOY / "samples" / "connection.yaml")
    port_groups = _documents(*(DEPLOY / "samples" / f"{name}.yaml" for name in ("port-groups", "standard-switches")))
    hosts = _documents(DEPLOY / "samples" / "hosts.yaml")
    assert secret["type"] == meta.SECRET_TYPE
    assert set(secret["stringData"]) <= set(KEYS)
    names = set()
    for document in port_groups:
        spec = parse_port_group(document["spec"], name=document["metadata"]["name"])
        assert spec.connection_ref.name == secret["metadata"]["name"]
        names.add(spec.name)
    for document in hosts:
        host = parse_host(document["spec"], name=document["metadata"]["name"])
        assert host.connection_ref.name == secret["metadata"]["name"]
        assert {network.port_group_ref.name for network in host.networks if network.port_group_ref} <= names
