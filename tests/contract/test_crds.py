"""The committed CRDs on a real API server: what it refuses, what it fills in, and what kubectl shows."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from bed.apiserver import ControlPlane, KubectlError
from bed.waiting import wait_for
from nested_hyperv.api import meta
from nested_hyperv.api.conditions import ConditionType, Reason
from nested_hyperv.api.kinds import KINDS, Kind
from nested_hyperv.api.parsing import parse
from nested_hyperv.api.schema import structural_schema
from support.documents import (
    BASE,
    CASES,
    MODELS,
    NHV,
    NPG,
    PLURALS,
    TRANSITIONS,
    Case,
    Transition,
    changed,
    document,
)

_CRDS: Final = Path(__file__).parents[2] / "crds"
_NAMESPACE: Final = "crd-contract"


@dataclass
class Api:
    """The API server, without kubectl in between: 300 documents need 300 requests, not 300 processes."""

    connection: http.client.HTTPSConnection

    def send(self, method: str, path: str, body: object, *, content: str = "application/json") -> tuple[int, Any]:
        """One request; the status and the answer."""
        self.connection.request(method, path, json.dumps(body), {"Content-Type": content, "Accept": "application/json"})
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())

    def create(self, kind: str, spec: Mapping[str, Any], name: str, *, dry_run: bool = False) -> tuple[int, Any]:
        query = "fieldValidation=Strict&fieldManager=test" + ("&dryRun=All" if dry_run else "")
        return self.send("POST", f"{_path(kind)}?{query}", document(kind, spec, name=name, namespace=_NAMESPACE))

    def store(self, kind: str, spec: Mapping[str, Any], name: str) -> dict[str, Any]:
        """Create a valid object and return what the server answers."""
        status, answer = self.create(kind, spec, name)
        assert status == http.HTTPStatus.CREATED, answer
        return dict(answer)

    def apply(self, kind: str, spec: Mapping[str, Any], name: str) -> tuple[int, Any]:
        query = "fieldValidation=Strict&fieldManager=test&force=true"
        body = document(kind, spec, name=name, namespace=_NAMESPACE)
        return self.send("PATCH", f"{_path(kind)}/{name}?{query}", body, content="application/apply-patch+yaml")

    def apply_status(self, kind: str, name: str, status: Mapping[str, Any]) -> tuple[int, Any]:
        body = {
            "apiVersion": meta.API_VERSION,
            "kind": kind,
            "metadata": {"name": name, "namespace": _NAMESPACE},
            "status": status,
        }
        path = f"{_path(kind)}/{name}/status?fieldManager=operator&force=true&fieldValidation=Strict"
        return self.send("PATCH", path, body, content="application/apply-patch+yaml")


def _path(kind: str) -> str:
    return f"/apis/{meta.API_VERSION}/namespaces/{_NAMESPACE}/{PLURALS[kind]}"


@pytest.fixture(scope="module")
def crds(control_plane: ControlPlane) -> ControlPlane:
    control_plane.kubectl("apply", "--server-side", f"--filename={_CRDS}")
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=60s", f"--filename={_CRDS}")
    return control_plane


@pytest.fixture(scope="module")
def api(crds: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    crds.kubectl("create", "namespace", _NAMESPACE)
    user = yaml.safe_load(crds.admin_kubeconfig.read_text())["users"][0]["user"]
    credentials = tmp_path_factory.mktemp("admin") / "certificate-and-key.pem"
    credentials.write_bytes(
        base64.b64decode(user["client-certificate-data"]) + base64.b64decode(user["client-key-data"])
    )
    trust = ssl.create_default_context(cafile=str(crds.ca))
    trust.load_cert_chain(credentials)
    connection = http.client.HTTPSConnection(crds.server.removeprefix("https://"), context=trust, timeout=30)
    yield Api(connection)
    connection.close()
    crds.kubectl("delete", "namespace", _NAMESPACE, "--timeout=60s")


def _title(row: Case | Transition) -> str:
    return f"{row.kind}-{row.title}"


@pytest.mark.parametrize("case", [case for case in CASES if not case.names], ids=_title)
def test_server_takes_a_valid_document(api: Api, case: Case) -> None:
    status, answer = api.create(case.kind, case.spec, case.name, dry_run=True)
    assert status == http.HTTPStatus.CREATED, answer


@pytest.mark.parametrize("case", [case for case in CASES if case.names], ids=_title)
def test_server_refuses_an_invalid_document_by_the_name_of_the_field(api: Api, case: Case) -> None:
    status, answer = api.create(case.kind, case.spec, case.name, dry_run=True)
    assert status in (http.HTTPStatus.BAD_REQUEST, http.HTTPStatus.UNPROCESSABLE_ENTITY), answer
    assert case.names in answer["message"]
    assert case.says in answer["message"]


@pytest.mark.parametrize("row", TRANSITIONS, ids=_title)
def test_server_lets_only_live_fields_change(api: Api, row: Transition) -> None:
    name = f"transition-{TRANSITIONS.index(row)}"
    status, answer = api.apply(row.kind, row.old, name)
    assert status == http.HTTPStatus.CREATED, answer
    status, answer = api.apply(row.kind, row.new, name)
    if not row.names:
        assert status == http.HTTPStatus.OK, answer
        model = MODELS[row.kind]
        assert parse(model, answer["spec"], name=name) == parse(model, row.new, name=name)
        return
    assert status == http.HTTPStatus.UNPROCESSABLE_ENTITY, answer
    assert row.names in answer["message"]
    assert row.says in answer["message"]


@pytest.mark.usefixtures("api")
def test_cure_reaches_the_user_of_kubectl(crds: ControlPlane) -> None:
    wrong = changed(BASE[NPG], {"vlan.id": 4095, "nesting": {"mode": "Disabled", "macLearning": {}}})
    text = json.dumps(document(NPG, wrong, name="wrong", namespace=_NAMESPACE))
    for arguments in (["apply", "--filename=-"], ["apply", "--server-side", "--filename=-"]):
        with pytest.raises(KubectlError) as refused:
            crds.kubectl(*arguments, input=text)
        assert "spec.vlan.id: Invalid value" in str(refused.value)
        assert "for untagged traffic remove vlan" in str(refused.value)
        assert "change mode, or remove macLearning" in str(refused.value)


@pytest.mark.usefixtures("api")
def test_unquoted_power_state_is_refused_with_the_allowed_values(crds: ControlPlane) -> None:
    text = yaml.safe_dump(document(NHV, BASE[NHV], name="bare", namespace=_NAMESPACE)) + "  powerState: On\n"
    with pytest.raises(KubectlError, match=r'spec\.powerState.*supported values: "On", "Off"'):
        crds.kubectl("apply", "--filename=-", input=text)


@pytest.mark.parametrize("kind", [NPG, NHV])
def test_fresh_object_is_in_progress_for_kstatus_at_once(api: Api, kind: str) -> None:
    assert api.store(kind, BASE[kind], "fresh")["status"] == {"observedGeneration": -1}


@pytest.mark.parametrize("given", [{}, {"observedGeneration": 5, "moRef": "vm-1"}])
def test_status_in_a_manifest_makes_no_fresh_object_look_finished(api: Api, given: dict[str, object]) -> None:
    # Exported manifests carry a status; the server has to drop it before it fills in the default.
    body = document(NPG, BASE[NPG], name=f"exported-{len(given)}", namespace=_NAMESPACE) | {"status": given}
    status, answer = api.send("POST", _path(NPG), body)
    assert status == http.HTTPStatus.CREATED, answer
    assert answer["status"] == {"observedGeneration": -1}


def test_defaults_are_those_of_the_models(api: Api) -> None:
    for kind in KINDS:
        status, answer = api.create(kind.kind, BASE[kind.kind], "defaults", dry_run=True)
        assert status == http.HTTPStatus.CREATED, answer
        of_the_model = kind.spec.model_validate({**BASE[kind.kind], "name": "defaults"}).to_wire()
        # The name resolves at run time, and an empty list is not a default.
        expected = {key: value for key, value in of_the_model.items() if key != "name" and value != []}
        assert answer["spec"] == expected


@pytest.mark.parametrize("kind", [NPG, NHV])
def test_status_of_the_operator_fits_the_schema_and_survives_a_spec_change(api: Api, kind: str) -> None:
    api.store(kind, BASE[kind], "full-status")
    model = next(entry.status for entry in KINDS if entry.kind == kind)
    sample = _filled(structural_schema(model))
    status, answer = api.apply_status(kind, "full-status", model.model_validate(sample).to_wire())
    assert status == http.HTTPStatus.OK, answer
    assert answer["status"] == sample
    status, answer = api.apply(kind, changed(BASE[kind], {"suspend": True}), "full-status")
    assert answer["status"] == sample
    assert answer["metadata"]["generation"] == 2


def _filled(schema: Mapping[str, Any]) -> object:
    """A value for every field of a schema."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema["type"], schema.get("format"):
        case "object", _:
            return {name: _filled(part) for name, part in schema["properties"].items()}
        case "array", _:
            return [_filled(schema["items"])]
        case "string", "date-time":
            return "2026-01-02T03:04:05Z"
        case "string", _:
            return "text"
        case "integer", _:
            return 7
        case "boolean", _:
            return True
        case other:
            raise AssertionError(other)


def test_columns_show_what_status_says(crds: ControlPlane, api: Api) -> None:
    ready = {
        "type": ConditionType.READY,
        "status": "True",
        "reason": Reason.SUCCEEDED,
        "message": "equal to spec",
        "lastTransitionTime": "2026-01-02T03:04:05Z",
    }
    api.store(NPG, BASE[NPG], "columns")
    api.apply_status(
        NPG,
        "columns",
        {
            "observedGeneration": 1,
            "conditions": [ready],
            "mode": "MACLearning",
            "vlan": "120",
            "switch": "dvs-lab",
            "drifted": 0,
            "name": "Lab A",
            "moRef": "dvportgroup-7",
        },
    )
    assert _table(crds, "npg", "columns") == {
        "NAME": "columns",
        "READY": "True",
        "MODE": "MACLearning",
        "VLAN": "120",
        "SWITCH": "dvs-lab",
        "HOSTS": "",
        "DRIFT": "0",
        "REASON": "Succeeded",
        "VCENTER-NAME": "Lab A",
        "MOREF": "dvportgroup-7",
    }
    api.store(NHV, BASE[NHV], "columns")
    api.apply_status(
        NHV,
        "columns",
        {
            "observedGeneration": 1,
            "conditions": [ready],
            "powerState": "On",
            "nestedHV": True,
            "ipAddress": "10.1.2.3",
            "network": "2/2",
            "drifted": 1,
            "hostName": "HV1",
            "observed": {"cpus": 4, "memoryMiB": 8192},
            "name": "hv1",
            "moRef": "vm-9",
        },
    )
    assert _table(crds, "nhv", "columns") == {
        "NAME": "columns",
        "READY": "True",
        "POWER": "On",
        "NESTED-HV": "true",
        "IP": "10.1.2.3",
        "NETWORK": "2/2",
        "DRIFT": "1",
        "REASON": "Succeeded",
        "HOST-NAME": "HV1",
        "CPUS": "4",
        "MEMORY": "8192",
        "VCENTER-NAME": "hv1",
        "MOREF": "vm-9",
    }


def _table(crds: ControlPlane, kind: str, name: str) -> dict[str, str]:
    """One row of `kubectl get -o wide` by column, without the age."""
    head, row = crds.kubectl("get", kind, name, f"--namespace={_NAMESPACE}", "--output=wide").splitlines()
    # Columns are as wide as their widest cell and three blanks apart; a cell may hold a blank.
    starts = [index for index, letter in enumerate(head) if letter != " " and (index == 0 or head[index - 1] == " ")]
    cells = {
        head[start:end].strip(): row[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)
    }
    assert cells.pop("AGE")
    return cells


def test_short_names_and_category_find_the_objects(crds: ControlPlane, api: Api) -> None:
    for kind in (NPG, NHV):
        api.store(kind, BASE[kind], "found")
    names = crds.kubectl("get", meta.CATEGORY, f"--namespace={_NAMESPACE}", "--output=name").split()
    assert {f"{plural[:-1]}.{meta.GROUP}/found" for plural in PLURALS.values()} <= set(names)
    for short in ("npg", "nhv"):
        assert "found" in crds.kubectl("get", short, "found", f"--namespace={_NAMESPACE}", "--output=name")


@pytest.mark.parametrize(
    ("kind", "change", "selector"),
    [
        (NPG, {"connectionRef.name": "picked"}, "spec.connectionRef.name=picked"),
        (NPG, {"nesting.mode": "Promiscuous"}, "spec.nesting.mode=Promiscuous"),
        (NHV, {"connectionRef.name": "picked"}, "spec.connectionRef.name=picked"),
        (NHV, {"guestOS": "Windows10"}, "spec.guestOS=Windows10"),
    ],
)
def test_field_selector_picks_by_declared_field(
    crds: ControlPlane, api: Api, kind: str, change: dict[str, Any], selector: str
) -> None:
    name = f"by-{next(iter(change)).lower().replace('.', '-')}"
    api.store(kind, BASE[kind], f"not-{name}")
    api.store(kind, changed(BASE[kind], change), name)
    found = crds.kubectl(
        "get", PLURALS[kind], f"--namespace={_NAMESPACE}", f"--field-selector={selector}", "--output=name"
    )
    assert found.split() == [f"{PLURALS[kind][:-1]}.{meta.GROUP}/{name}"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_kubectl_explains_every_field(crds: ControlPlane, kind: Kind) -> None:
    # The OpenAPI document follows the CRD with a delay of its own.
    def explained() -> bool:
        return "FIELD: status" in crds.kubectl("explain", f"{kind.plural}.status")

    wait_for(explained, "kubectl explain to know the kind", seconds=30)
    text = " ".join(crds.kubectl("explain", kind.plural, "--output=plaintext-openapiv2").split())
    assert " ".join(kind.description.split()) in text
    for part, model in (("spec", kind.spec), ("status", kind.status)):
        schema = structural_schema(model)
        for path, node in _objects(schema, f"{kind.plural}.{part}"):
            shown = " ".join(crds.kubectl("explain", path).split())
            for name, below in node["properties"].items():
                assert " ".join(below["description"].split()) in shown, f"{path}.{name}"


def _objects(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every object in a schema, with the path that `kubectl explain` takes."""
    schema = schema.get("items", schema)
    if schema["type"] == "object":
        yield path, schema
        for name, below in schema["properties"].items():
            yield from _objects(below, f"{path}.{name}")
