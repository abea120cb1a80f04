"""What RBAC cannot say, admission does: the operator changes finalizers, and nothing else, of Secrets and of labs."""

import http.client
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from bed.apiserver import ControlPlane
from bed.operator_process import install
from bed.waiting import wait_for
from nested_hyperv.api import meta

ROOT: Final = Path(__file__).parents[2]
SYSTEM: Final = "nested-hyperv-system"
OPERATOR: Final = "nested-hyperv-operator"
CONNECTION: Final = "api/v1/secrets/vcenter"
OTHER: Final = "api/v1/secrets/other"
PORT_GROUP: Final = f"apis/{meta.API_VERSION}/{meta.PLURAL_PORT_GROUP}/inner"
STRANGER: Final = "example.com/somebody"


class AsOperator:
    """Patches objects of one namespace with a token of the operator's ServiceAccount.

    Not with kubectl, which reads an object before it patches it: the operator has no right to do that.
    """

    def __init__(self, control_plane: ControlPlane, namespace: str) -> None:
        self._server = urlsplit(control_plane.server)
        self._trust = ssl.create_default_context(cafile=control_plane.ca)
        self._token = control_plane.kubectl("create", "token", OPERATOR, f"--namespace={SYSTEM}").strip()
        self._namespace = namespace

    def patch(self, path: str, change: dict[str, Any]) -> tuple[int, str]:
        """Send a merge patch for `api/v1/secrets/name` or the like; the status and the message of the answer."""
        root, plural, name = path.rsplit("/", 2)
        connection = http.client.HTTPSConnection(self._server.netloc, context=self._trust)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/merge-patch+json"}
        url = f"/{root}/namespaces/{self._namespace}/{plural}/{name}"
        connection.request("PATCH", url, json.dumps(change), headers)
        answer = connection.getresponse()
        text = json.loads(answer.read()).get("message", "")
        connection.close()
        return answer.status, text

    def denied(self, path: str, change: dict[str, Any]) -> bool:
        """Whether a policy refuses the patch."""
        status, message = self.patch(path, change)
        return status == http.HTTPStatus.UNPROCESSABLE_ENTITY and "the operator may" in message


@pytest.fixture(scope="module")
def lab(control_plane: ControlPlane) -> Iterator[str]:
    """A namespace with a connection, another Secret and a port group; the operator is installed cluster-wide."""
    namespace = "guarded-lab"
    control_plane.kubectl("create", "namespace", namespace)
    install(control_plane)
    for name, kind in (("vcenter", meta.SECRET_TYPE), ("other", "Opaque")):
        create = ["create", "secret", "generic", name, f"--namespace={namespace}", f"--type={kind}"]
        control_plane.kubectl(*create, "--from-literal=password=secret")
    spec = {"connectionRef": {"name": "vcenter"}, "distributed": {"datacenter": "DC0", "switch": "DVS0"}}
    document = {
        "apiVersion": meta.API_VERSION,
        "kind": meta.KIND_PORT_GROUP,
        "metadata": {"name": "inner", "namespace": namespace, "finalizers": [STRANGER]},
        "spec": spec,
    }
    control_plane.kubectl("create", "-f", "-", input=json.dumps(document))
    yield namespace
    control_plane.kubectl(
        *("patch", "npg/inner", f"--namespace={namespace}", "--type=merge"),
        '--patch={"metadata":{"finalizers":null}}',
    )
    control_plane.kubectl("delete", "-k", str(ROOT / "deploy"))
    control_plane.kubectl("delete", "namespace", namespace)


@pytest.fixture(scope="module")
def operator(control_plane: ControlPlane, lab: str) -> AsOperator:
    """The operator, once the API server enforces the policies (it learns them a moment after they are stored)."""
    operator = AsOperator(control_plane, lab)
    probe = {"metadata": {"labels": {"probe": "x"}}}
    wait_for(lambda: operator.denied(OTHER, probe), "the API server to guard Secrets", seconds=30)
    wait_for(lambda: operator.denied(PORT_GROUP, probe), "the API server to guard port groups", seconds=30)
    return operator


@pytest.mark.parametrize(
    ("path", "finalizers"),
    [
        (CONNECTION, [meta.FINALIZER_IN_USE]),
        (CONNECTION, None),
        (PORT_GROUP, [STRANGER, meta.FINALIZER_TEARDOWN]),
        (PORT_GROUP, [STRANGER]),
    ],
)
def test_it_can_set_and_remove_its_finalizers(operator: AsOperator, path: str, finalizers: list[str] | None) -> None:
    assert operator.patch(path, {"metadata": {"finalizers": finalizers}}) == (http.HTTPStatus.OK, "")


@pytest.mark.parametrize(
    ("path", "change"),
    [
        (OTHER, {"metadata": {"finalizers": [meta.FINALIZER_IN_USE]}}),
        (CONNECTION, {"stringData": {"password": "another"}}),
        (CONNECTION, {"data": {"extra": "eA=="}}),
        (CONNECTION, {"metadata": {"annotations": {meta.ANNOTATION_ALLOWED_NAMESPACES: "*"}}}),
        (CONNECTION, {"metadata": {"finalizers": ["example.com/stuck"]}}),
        (PORT_GROUP, {"spec": {"suspend": True}}),
        (PORT_GROUP, {"metadata": {"annotations": {meta.ANNOTATION_ORPHAN: "true"}}}),
        (PORT_GROUP, {"metadata": {"finalizers": None}}),
    ],
)
def test_it_cannot_change_anything_else(operator: AsOperator, path: str, change: dict[str, Any]) -> None:
    assert operator.denied(path, change)


def test_people_are_not_held_to_it(control_plane: ControlPlane, lab: str, operator: AsOperator) -> None:
    change = {"spec": {"vlan": {"id": 7}}}
    assert operator.denied(PORT_GROUP, change)
    patch = ["patch", "npg/inner", f"--namespace={lab}", "--type=merge"]
    control_plane.kubectl(*patch, f"--patch={json.dumps(change)}")
