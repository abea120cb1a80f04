"""The shipped manifests on a real API server: they apply, the pod is admitted, the rights are exactly those named."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml

from bed.apiserver import ControlPlane, KubectlError
from bed.operator_process import OperatorProcess
from bed.waiting import wait_for
from nested_hyperv.api import meta

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
SYSTEM: Final = "nested-hyperv-system"
LAB: Final = "nested-lab"
OTHER: Final = "somebody-else"
OPERATOR: Final = f"system:serviceaccount:{SYSTEM}:nested-hyperv-operator"


class Right(NamedTuple):
    """One thing that somebody may or may not do."""

    verb: str
    resource: str
    group: str = ""
    namespace: str = LAB
    name: str = ""


IN_A_NAMESPACE: Final = {
    *(
        Right(verb, resource, "nestedhv.io")
        for verb in ("list", "watch", "patch")
        for resource in ("nestedhypervhosts", "nestedportgroups")
    ),
    Right("patch", "nestedhypervhosts/status", "nestedhv.io"),
    Right("patch", "nestedportgroups/status", "nestedhv.io"),
    *(Right(verb, "secrets") for verb in ("list", "watch", "patch")),
    Right("create", "events", "events.k8s.io"),
}
CLUSTER_ID: Final = Right("get", "namespaces", namespace="kube-system", name="kube-system")
NEVER: Final = {
    *(Right(verb, "secrets") for verb in ("get", "create", "update", "delete", "deletecollection")),
    *(
        Right(verb, resource, "nestedhv.io")
        for verb in ("create", "update", "delete", "deletecollection")
        for resource in ("nestedhypervhosts", "nestedportgroups")
    ),
    Right("get", "namespaces", namespace="default", name="default"),
    Right("list", "namespaces", namespace=""),
    Right("delete", "namespaces", namespace=LAB, name=LAB),
    Right("get", "configmaps"),
    Right("list", "pods"),
    Right("create", "pods"),
    Right("create", "pods/exec"),
    Right("create", "serviceaccounts/token"),
    Right("impersonate", "users", namespace=""),
    Right("patch", "customresourcedefinitions", "apiextensions.k8s.io", namespace=""),
    Right("create", "rolebindings", "rbac.authorization.k8s.io"),
    Right("escalate", "clusterroles", "rbac.authorization.k8s.io", namespace=""),
    Right("bind", "clusterroles", "rbac.authorization.k8s.io", namespace=""),
    Right("get", "nodes", namespace=""),
}


def allowed(control_plane: ControlPlane, user: str, rights: Sequence[Right]) -> set[Right]:
    """Ask the API server which of these rights the user has (SubjectAccessReview)."""
    service_account = user.startswith("system:serviceaccount:")
    groups = ["system:authenticated", *(["system:serviceaccounts"] if service_account else [])]
    reviews = [
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": user,
                "groups": groups,
                "resourceAttributes": {
                    "verb": right.verb,
                    "group": right.group,
                    "resource": right.resource.partition("/")[0],
                    "subresource": right.resource.partition("/")[2],
                    "namespace": right.namespace,
                    "name": right.name,
                },
            },
        }
        for right in rights
    ]
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": reviews})
    answers = yaml.safe_load_all(control_plane.kubectl("create", "-f", "-", "-o", "yaml", input=body))
    return {right for right, review in zip(rights, answers, strict=True) if review["status"]["allowed"]}


def rules_of(control_plane: ControlPlane, namespace: str) -> set[Right]:
    """Everything the operator may do in a namespace beyond what every authenticated user may."""

    def review(user: str) -> set[Right]:
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        }
        identity = [f"--as={user}", "--as-group=system:authenticated", "--as-group=system:serviceaccounts"]
        # Without client-side validation: for that, kubectl would have to list CRDs as this user.
        create = ["create", "-f", "-", "-o", "json", "--validate=false"]
        answer = control_plane.kubectl(*create, *identity, input=json.dumps(body))
        return {
            Right(verb, resource, group, namespace, name)
            for rule in json.loads(answer)["status"]["resourceRules"]
            for verb in rule["verbs"]
            for group in rule["apiGroups"]
            for resource in rule["resources"]
            for name in rule.get("resourceNames", [""])
        }

    # An account without any binding, in the same groups.
    return review(OPERATOR) - review("system:serviceaccount:default:nobody")


def in_namespace(rights: set[Right], namespace: str) -> set[Right]:
    return {right._replace(namespace=namespace) for right in rights}


def rendered(control_plane: ControlPlane, variant: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(control_plane.kubectl("kustomize", str(DEPLOY / variant))))


@pytest.fixture(scope="module")
def namespaces(control_plane: ControlPlane) -> Iterator[None]:
    for name in (LAB, OTHER):
        control_plane.kubectl("create", "namespace", name)
    yield
    control_plane.kubectl("delete", "namespace", LAB, OTHER)


@pytest.fixture(scope="module", params=["", "namespaced"], ids=["cluster-wide", "namespaced"])
def variant(
    request: pytest.FixtureRequest,
    control_plane: ControlPlane,
    namespaces: None,  # noqa: ARG001 - a RoleBinding needs its namespace
) -> Iterator[str]:
    """An installed variant. Its objects are applied twice: as a server-side dry run, and for real."""
    folder = str(DEPLOY / request.param)
    control_plane.kubectl("apply", "-f", str(DEPLOY / "base" / "namespace.yaml"))
    # A warning is a failure: Pod Security warns of a Deployment whose pods it would refuse.
    apply = ["apply", "--server-side", "--warnings-as-errors", "-k", folder]
    dry = control_plane.kubectl(*apply, "--dry-run=server", "-o", "name").split()
    real = control_plane.kubectl(*apply, "-o", "name").split()
    assert dry == real
    yield request.param
    control_plane.kubectl("delete", "-k", folder)


def test_a_variant_applies_completely_and_a_second_time_changes_nothing(
    control_plane: ControlPlane, variant: str
) -> None:
    folder = str(DEPLOY / variant)
    before = json.loads(control_plane.kubectl("get", "-k", folder, "-o", "json"))["items"]
    control_plane.kubectl("apply", "--server-side", "-k", folder)
    after = json.loads(control_plane.kubectl("get", "-k", folder, "-o", "json"))["items"]
    assert [item["metadata"]["name"] for item in before] == [
        item["metadata"]["name"] for item in rendered(control_plane, variant)
    ]
    assert [item["metadata"]["resourceVersion"] for item in before] == [
        item["metadata"]["resourceVersion"] for item in after
    ]


def _pod(control_plane: ControlPlane, variant: str) -> dict[str, Any]:
    (deployment,) = (item for item in rendered(control_plane, variant) if item["kind"] == "Deployment")
    template = deployment["spec"]["template"]
    # A kubelet is not there to run it, and need not be: admission is the question.
    metadata = {"name": "admitted", "namespace": SYSTEM, **template["metadata"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def test_the_pod_is_admitted_where_restricted_pod_security_is_enforced(
    control_plane: ControlPlane, variant: str
) -> None:
    pod = _pod(control_plane, variant)
    created = json.loads(control_plane.kubectl("create", "-f", "-", "-o", "json", input=json.dumps(pod)))
    control_plane.kubectl("delete", "pod", pod["metadata"]["name"], "-n", SYSTEM, "--now")
    (container,) = created["spec"]["containers"]
    assert created["spec"]["serviceAccountName"] == "nested-hyperv-operator"
    assert any("serviceaccount" in mount["mountPath"] for mount in container["volumeMounts"])


@pytest.mark.parametrize("field", ["allowPrivilegeEscalation", "capabilities"])
def test_the_namespace_refuses_a_pod_that_asks_for_more(control_plane: ControlPlane, variant: str, field: str) -> None:
    pod = _pod(control_plane, variant)
    del pod["spec"]["containers"][0]["securityContext"][field]
    with pytest.raises(KubectlError, match=r'violates PodSecurity "restricted'):
        control_plane.kubectl("create", "-f", "-", input=json.dumps(pod))


def test_the_operator_may_do_what_is_named_and_nothing_else(control_plane: ControlPlane, variant: str) -> None:
    everywhere = in_namespace(IN_A_NAMESPACE, OTHER) | in_namespace(IN_A_NAMESPACE, "") | {CLUSTER_ID}
    expected = IN_A_NAMESPACE if variant == "namespaced" else IN_A_NAMESPACE | everywhere
    assert allowed(control_plane, OPERATOR, [*IN_A_NAMESPACE, *everywhere, *NEVER]) == expected


@pytest.mark.parametrize("namespace", [LAB, OTHER, SYSTEM, "kube-system"])
def test_no_right_is_left_over(control_plane: ControlPlane, variant: str, namespace: str) -> None:
    expected = in_namespace(IN_A_NAMESPACE, namespace)
    if variant == "namespaced":
        expected = expected if namespace == LAB else set()
    else:
        expected = expected | {CLUSTER_ID._replace(namespace=namespace)}
    assert rules_of(control_plane, namespace) == expected


@pytest.mark.usefixtures("variant")
@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("view", {"list", "get", "watch"}, {"create", "patch", "delete"}),
        ("edit", {"list", "get", "watch", "create", "patch", "update", "delete"}, set()),
    ],
)
def test_people_with_a_built_in_role_can_use_labs_but_never_write_status(
    control_plane: ControlPlane, role: str, may: set[str], may_not: set[str]
) -> None:
    binding = f"{role}-of-labs"
    control_plane.kubectl(
        "create", "rolebinding", binding, f"--clusterrole={role}", "--user=somebody", f"--namespace={LAB}"
    )
    resources = ("nestedhypervhosts", "nestedportgroups")
    yes = {Right(verb, resource, "nestedhv.io") for verb in may for resource in resources}
    no = {Right(verb, resource, "nestedhv.io") for verb in may_not for resource in resources}
    no |= {Right(verb, f"{resource}/status", "nestedhv.io") for verb in ("patch", "update") for resource in resources}
    try:
        wait_for(
            lambda: allowed(control_plane, "somebody", [*yes, *no]) == yes,
            f"the built-in role {role} to include labs, and not their status",
            seconds=30,
        )
    finally:
        control_plane.kubectl("delete", "rolebinding", binding, f"--namespace={LAB}")


@pytest.fixture(scope="module")
def crds(control_plane: ControlPlane) -> None:
    control_plane.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(ROOT / "crds"))


def _port_group(name: str) -> dict[str, Any]:
    return {
        "apiVersion": meta.API_VERSION,
        "kind": meta.KIND_PORT_GROUP,
        "metadata": {"name": name},
        "spec": {"connectionRef": {"name": "nowhere"}, "distributed": {"datacenter": "DC0", "switch": "DVS0"}},
    }


def _reason(control_plane: ControlPlane, namespace: str, name: str) -> str:
    path = '{.status.conditions[?(@.type=="Ready")].reason}'
    return control_plane.kubectl("get", "npg", name, f"--namespace={namespace}", "-o", f"jsonpath={path}")


@pytest.mark.usefixtures("crds")
def test_the_operator_runs_with_these_rights(control_plane: ControlPlane, variant: str) -> None:
    settings = {"NHV_NAMESPACES": LAB, "NHV_CLUSTER_ID": "contract"} if variant == "namespaced" else {}
    with OperatorProcess(control_plane, settings=settings) as operator:
        # Created after it is ready: this one is seen by the watch, and reported without any vCenter.
        for namespace in (LAB, OTHER):
            body = json.dumps(_port_group("watched"))
            control_plane.kubectl("create", f"--namespace={namespace}", "-f", "-", input=body)
        served = {LAB} if variant == "namespaced" else {LAB, OTHER}
        wait_for(
            lambda: {_reason(control_plane, namespace, "watched") for namespace in served} == {"ConnectionNotFound"},
            f"a condition in {served}",
            seconds=30,
            detail=operator.tail,
        )
        assert _reason(control_plane, OTHER, "watched") == ("" if variant == "namespaced" else "ConnectionNotFound")
        assert operator.stop() == 0
        # Nobody may post an Event into a namespace that is going, and those of other tests may still be on their way.
        refused = [record for record in operator.records() if "orbidden" in record.message]
        assert [record for record in refused if "being terminated" not in record.message] == []
    for namespace in (LAB, OTHER):
        control_plane.kubectl("delete", "npg", "watched", f"--namespace={namespace}")


@pytest.mark.usefixtures("crds")
@pytest.mark.parametrize("variant", ["namespaced"], indirect=True)
def test_the_namespaced_variant_refuses_to_start_without_a_cluster_id(
    control_plane: ControlPlane,
    variant: str,  # noqa: ARG001 - its rights
) -> None:
    operator = OperatorProcess(control_plane, settings={"NHV_NAMESPACES": LAB, "NHV_CLUSTER_ID": ""})
    try:
        operator.start(wait=False)
        assert operator.wait_until_ended() == 1
        assert "NHV_CLUSTER_ID" in operator.tail()
    finally:
        operator.close()


@pytest.mark.usefixtures("namespaces", "crds")
def test_the_sample_lab_is_accepted(control_plane: ControlPlane) -> None:
    strict = ["apply", "--server-side", "--dry-run=server", "--validate=strict", "--warnings-as-errors", "-o", "name"]
    lab = control_plane.kubectl(*strict, "-k", str(DEPLOY / "samples")).split()
    secret = control_plane.kubectl(*strict, "-f", str(DEPLOY / "samples" / "connection.yaml")).split()
    assert lab == [
        "namespace/nested-lab",
        "nestedhypervhost.nestedhv.io/hyperv-1",
        "nestedhypervhost.nestedhv.io/hyperv-2",
        "nestedportgroup.nestedhv.io/lab-inner",
        "nestedportgroup.nestedhv.io/lab-migration",
    ]
    assert secret == ["secret/vcenter"]
