"""Many objects at once, made and deleted as fast as the API server takes them: what is measured is the operator.

One request for each object over a few kept connections; kubectl would cost more than the operator does.
"""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kubernetes import client

from nested_hyperv.api.meta import API_VERSION

__all__ = ["Herd"]

_CONNECTIONS = 6
_CREATED = 201
_OK = 200
_KINDS = {"nestedportgroups": "NestedPortGroup", "nestedhypervhosts": "NestedHyperVHost"}


class Herd:
    """The objects of one kind in one namespace."""

    def __init__(self, api: client.ApiClient, namespace: str, plural: str) -> None:
        self._pool = api.rest_client.pool_manager
        self._url = f"{api.configuration.host}/apis/{API_VERSION}/namespaces/{namespace}/{plural}"
        self._kind = _KINDS[plural]

    def create(self, specs: Mapping[str, Mapping[str, Any]]) -> None:
        """Create objects by their names."""
        with ThreadPoolExecutor(_CONNECTIONS) as threads:
            list(threads.map(self._create, specs, specs.values()))

    def patch(self, names: Sequence[str], spec: Mapping[str, Any]) -> None:
        """Merge the same change into the spec of each."""
        body = json.dumps({"spec": spec}).encode()
        for name in names:
            headers = {"Content-Type": "application/merge-patch+json"}
            _expect(_OK, self._pool.request("PATCH", f"{self._url}/{name}", body=body, headers=headers))

    def delete_all(self) -> None:
        """Ask for all of them to go, with one request."""
        _expect(_OK, self._pool.request("DELETE", self._url))

    def _create(self, name: str, spec: Mapping[str, Any]) -> None:
        document = {
            "apiVersion": API_VERSION,
            "kind": self._kind,
            "metadata": {"name": name},
            "spec": {"connectionRef": {"name": "vcenter"}, **spec},
        }
        headers = {"Content-Type": "application/json"}
        _expect(_CREATED, self._pool.request("POST", self._url, body=json.dumps(document).encode(), headers=headers))


def _expect(status: int, answer: Any) -> None:  # noqa: ANN401 - urllib3's response
    if answer.status != status:
        raise RuntimeError(f"the API server answered {answer.status}: {answer.data.decode(errors='replace')}")
