"""Each right that `deploy/` ships is needed: without any one of them the operator fails where people can see it.

`docs` and the comments of the manifests say what stops working; here is the proof, verb by verb.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from bed.operator_process import OPERATOR_USER
from bed.toolchain.cache import ROOT
from bed.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bed.apiserver import ControlPlane
    from bed.kube_lab import KubeLab
    from bed.operator_process import OperatorProcess

FORBIDDEN = 403


def shipped() -> dict[str, list[dict[str, Any]]]:
    """The rules of each role that is bound to the operator, by the role's name."""
    files = (ROOT / "deploy/base/role.yaml", ROOT / "deploy/cluster-wide/rbac.yaml")
    documents = [document for file in files for document in yaml.safe_load_all(file.read_text())]
    return {role["metadata"]["name"]: role["rules"] for role in documents if role["kind"] == "ClusterRole"}


def cases() -> list[Any]:
    """Every verb on every resource that is granted."""
    return [
        pytest.param(role, number, verb, resource, id=f"{verb} {resource}")
        for role, rules in shipped().items()
        for number, rule in enumerate(rules)
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


@pytest.fixture
def rules(cluster: ControlPlane, operator: OperatorProcess, lab: KubeLab) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """The shipped rules, put back afterwards with an operator that has them, which takes down the lab."""
    assert lab.namespace
    yield shipped()
    for name, original in shipped().items():
        grant(cluster, name, original)
    if operator.running:
        operator.kill()
    operator.start()


def grant(cluster: ControlPlane, role: str, rules: list[dict[str, Any]]) -> None:
    """Replace the rules of a role."""
    patch = json.dumps([{"op": "replace", "path": "/rules", "value": rules}])
    cluster.kubectl("patch", "clusterrole", role, "--type=json", f"--patch={patch}")


def without(rules: list[dict[str, Any]], number: int, verb: str, resource: str) -> list[dict[str, Any]]:
    """The rules less one verb on one resource."""
    rule = rules[number]
    others = [each for each in rule["resources"] if each != resource]
    verbs = [each for each in rule["verbs"] if each != verb]
    split = [{**rule, "resources": others}] if others else []
    split += [{**rule, "resources": [resource], "verbs": verbs}] if verbs else []
    return [*rules[:number], *split, *rules[number + 1 :]]


@pytest.mark.parametrize(("role", "number", "verb", "resource"), cases())
def test_without_one_right_the_operator_fails_visibly(
    role: str,
    number: int,
    verb: str,
    resource: str,
    rules: dict[str, list[dict[str, Any]]],
    lab: KubeLab,
    operator: OperatorProcess,
) -> None:
    operator.stop()
    grant(lab.plane, role, without(rules[role], number, verb, resource))
    since, log = lab.plane.audit.mark(), operator.mark()
    operator.start(wait=False)
    group, host = lab.port_group(), lab.host()

    def refused() -> bool:
        """It was told no for exactly this."""
        asked = lab.plane.audit.requests(since=since, user=OPERATOR_USER)
        plural, _, subresource = resource.partition("/")
        return any(
            (request.resource, request.subresource, request.verb, request.status)
            == (plural, subresource, verb, FORBIDDEN)
            for request in asked
        )

    def said() -> bool:
        """And it says so, in its log."""
        return any("forbidden" in record.message.lower() for record in operator.records(since=log))

    wait_for(refused, f"a refused {verb} of {resource}", detail=operator.tail)
    wait_for(said, "a word about it in the log", detail=operator.tail)
    if resource != "events":
        assert not (group.read().ready and host.read().ready), "the lab cannot be Ready without this right"
