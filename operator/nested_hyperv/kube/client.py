"""Requests to the API server, one method for each verb that the operator uses, with timeouts and translated failures.

Knows nothing of the store or of what a write is for. A request is never repeated here, except once after the
credentials were refused (they may have been replaced); whoever asked decides about the rest.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol

import aiohttp
from kubernetes.aio import client

from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.meta import API_VERSION, FIELD_MANAGER
from nested_hyperv.domain.errors import Conflict, RetryAt, Transient
from nested_hyperv.kube.login import load_configuration
from nested_hyperv.kube.paths import WATCHED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nested_hyperv.domain.resource import ObjectKey

__all__ = ["KubeClient", "Listing", "Missing", "RequestObserver", "Unexpected"]

_TIMEOUT: Final = aiohttp.ClientTimeout(total=30, connect=5)
_CHUNK: Final = "500"
_APPLY: Final = "application/apply-patch+yaml"
_MERGE: Final = "application/merge-patch+json"
_JSON: Final = "application/json"
_METADATA_ONLY: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class Unexpected(Exception):
    """An answer that the operator never provokes on purpose: a bug, or a schema that differs from ours."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class Missing(Unexpected):
    """404: the object, its namespace or its kind does not exist."""


@dataclass(frozen=True, slots=True)
class Listing:
    """All objects of a collection at one moment."""

    items: Sequence[Mapping[str, Any]]
    resource_version: str


class RequestObserver(Protocol):
    """Who counts requests (metrics)."""

    def __call__(self, method: str, code: str, seconds: float, /) -> None:
        """A request ended with this HTTP status, or `<error>` without one."""


class KubeClient:
    """The API server, as far as the operator needs it."""

    def __init__(self, *, observer: RequestObserver | None = None) -> None:
        self._api: Any = None
        self._retired: Any = None
        self._observer = observer

    async def close(self) -> None:
        """Close all connections."""
        open_ones = [api for api in (self._api, self._retired) if api is not None]
        self._api = self._retired = None
        for api in open_ones:
            await api.close()

    async def _retire(self, api: Any) -> None:  # noqa: ANN401 - the client is untyped
        """Use these credentials no more. Requests over them may still run, so they are closed one turn later."""
        if api is not self._api:
            return  # somebody else was refused, too, and faster
        self._api, self._retired, closing = None, api, self._retired
        if closing is not None:
            await closing.close()

    async def list(self, kind: str, namespace: str | None, *, metadata_only: bool = False) -> Listing:
        """Read all objects of a kind that concern us, in one namespace or in all."""
        endpoint = WATCHED[kind]
        query = {"limit": _CHUNK}
        if endpoint.field_selector:
            query["fieldSelector"] = endpoint.field_selector
        accept = _METADATA_ONLY if metadata_only else _JSON
        items: list[Mapping[str, Any]] = []
        while True:
            chunk = await self._request("GET", endpoint.collection(namespace), query=query, accept=accept)
            items.extend(chunk["items"] or ())  # an empty list of bare metadata has `null` here
            if not (more := chunk["metadata"].get("continue")):
                return Listing(items, chunk["metadata"]["resourceVersion"])
            query["continue"] = more

    async def apply_status(self, key: ObjectKey, resource_version: str, status: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make the status exactly this, if the object still has this version. Raises `Conflict` and `Missing`."""
        body = {
            "apiVersion": API_VERSION,
            "kind": key.kind,
            # The version and not the uid: the server compares the one and ignores the other.
            "metadata": {"name": key.name, "namespace": key.namespace, "resourceVersion": resource_version},
            "status": status,
        }
        path = WATCHED[key.kind].object(key.namespace, key.name) + "/status"
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return await self._request("PATCH", path, body=body, content_type=_APPLY, query=query)

    async def set_finalizers(
        self, key: ObjectKey, resource_version: str, finalizers: Sequence[str]
    ) -> Mapping[str, Any]:
        """Replace the finalizers, if the object still has this version.

        Raises `Conflict`, `Missing`, and `Unexpected` (422) for a new finalizer on an object that is being deleted.
        """
        body = {"metadata": {"resourceVersion": resource_version, "finalizers": list(finalizers)}}
        path = WATCHED[key.kind].object(key.namespace, key.name)
        return await self._request("PATCH", path, body=body, content_type=_MERGE, query={"fieldManager": FIELD_MANAGER})

    async def create_event(self, namespace: str, event: Mapping[str, Any]) -> None:
        """Post an Event."""
        await self._request("POST", f"/apis/events.k8s.io/v1/namespaces/{namespace}/events", body=event)

    async def kube_system_uid(self) -> str:
        """Read the UID of the namespace kube-system, which identifies a cluster."""
        namespace = await self._request("GET", "/api/v1/namespaces/kube-system")
        uid: str = namespace["metadata"]["uid"]
        return uid

    async def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = _JSON,
        accept: str = _JSON,
    ) -> Mapping[str, Any]:
        headers = {"Accept": accept, "Content-Type": content_type}
        api = await self._connected()
        status, answer_headers, text = await self._send(api, method, path, query, body, headers)
        if status == HTTPStatus.UNAUTHORIZED:
            await self._retire(api)
            api = await self._connected()
            status, answer_headers, text = await self._send(api, method, path, query, body, headers)
        if status < HTTPStatus.MULTIPLE_CHOICES:
            answer: Mapping[str, Any] = json.loads(text)
            return answer
        raise _translate(method, path, status, answer_headers, text)

    async def _connected(self) -> Any:  # noqa: ANN401 - the client is untyped
        if self._api is None:
            configuration = await load_configuration()
            if self._api is None:  # else somebody else has been faster
                self._api = client.ApiClient(configuration=configuration)
                self._api.user_agent = FIELD_MANAGER
        return self._api

    async def _send(
        self,
        api: Any,  # noqa: ANN401 - the client is untyped
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> tuple[int, Mapping[str, str], str]:
        started, code = time.monotonic(), "<error>"
        try:
            request = await api.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params=dict(headers),
                body=body,
                auth_settings=["BearerToken"],
            )
            response = await api.call_api(*request, _request_timeout=_TIMEOUT)
            data = await response.read()
            code = str(response.status)
            return response.status, response.headers, data.decode()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Transient(
                Reason.PROGRESSING,
                f"the API server did not answer {method} {path}: {str(error) or type(error).__name__}",
            ) from error
        finally:
            if self._observer is not None:
                self._observer(method, code, time.monotonic() - started)


def _translate(method: str, path: str, status: int, headers: Mapping[str, str], text: str) -> Exception:
    try:
        message = json.loads(text).get("message", text)
    except ValueError:
        message = text
    what = f"{method} {path}: {status} {message[:500]}"
    match status:
        case 404:
            return Missing(what, status=status)
        case 409:
            return Conflict(what)
        case 401:
            return Transient(Reason.PROGRESSING, f"{what}. The credentials of the operator are not accepted")
        case 403:
            return Transient(
                Reason.PROGRESSING, f"{what}. Give the operator's ServiceAccount the roles of the shipped manifests"
            )
        case 429:
            return RetryAt(Reason.PROGRESSING, what, seconds=_retry_after(headers))
        case 408 | 410 | 500 | 502 | 503 | 504:  # 410: a long list has outlived its snapshot
            return Transient(Reason.PROGRESSING, what)
        case _:
            return Unexpected(what, status=status)


def _retry_after(headers: Mapping[str, str]) -> float:
    try:
        return max(1.0, float(headers.get("Retry-After", "1")))
    except ValueError:
        return 1.0
