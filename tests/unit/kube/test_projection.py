"""From what the API server sends to snapshots."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nested_hyperv.domain.resource import ObjectKey
from nested_hyperv.kube.projection import to_connection_secret, to_resource

if TYPE_CHECKING:
    import pytest


def body(**fields: Any) -> dict[str, Any]:
    metadata = {
        "namespace": "lab",
        "name": "x",
        "uid": "u",
        "resourceVersion": "7",
        "generation": 2,
        "creationTimestamp": "2026-01-02T03:04:05Z",
        "managedFields": [{"manager": "kubectl"}],
    }
    return {"metadata": metadata | fields.pop("metadata", {}), **fields}


def test_a_resource_keeps_what_is_used_and_drops_the_annotations_of_others() -> None:
    annotations = {"nestedhv.io/adopt": "vm-1", "kubectl.kubernetes.io/last-applied-configuration": "{…}"}
    found = to_resource(
        "NestedHyperVHost",
        body(
            metadata={"annotations": annotations, "deletionTimestamp": "2026-01-03T00:00:00Z", "finalizers": ["f"]},
            spec={"a": 1},
            status={"b": 2},
        ),
    )

    assert found.key == ObjectKey("NestedHyperVHost", "lab", "x")
    assert found.annotations == {"nestedhv.io/adopt": "vm-1"}
    assert found.creation_timestamp == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert found.deletion_timestamp == datetime(2026, 1, 3, tzinfo=UTC)
    assert (found.uid, found.resource_version, found.generation, found.finalizers) == ("u", "7", 2, ("f",))
    assert (found.spec, found.status) == ({"a": 1}, {"b": 2})


def test_a_secret_is_decoded_and_its_values_stay_out_of_repr() -> None:
    data = {"password": base64.b64encode("pässword".encode()).decode()}

    found = to_connection_secret(body(data=data))

    assert found.data == {"password": "pässword"}
    assert "pässword" not in repr(found)


def test_a_value_that_is_no_text_counts_as_missing_and_only_its_key_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    data = {"password": base64.b64encode(b"\xff\xfe\x00secret").decode(), "username": base64.b64encode(b"u").decode()}

    found = to_connection_secret(body(data=data))

    assert found.data == {"username": "u"}
    assert "Secret lab/x: the value of key password is not UTF-8 text" in caplog.text
    assert "secret" not in caplog.text.replace("Secret", "")


def test_a_secret_without_data_is_empty() -> None:
    assert to_connection_secret(body(data=None)).data == {}
