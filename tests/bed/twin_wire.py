"""How the typed client of the control API talks: JSON over HTTP on loopback, and one error for all refusals."""

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

__all__ = ["TwinError", "Wire"]


class TwinError(RuntimeError):
    """The twin did not start, or refused a request of the control API."""


class Wire:
    """One control API. The parts of the client by subject build on this."""

    def __init__(self, address: str) -> None:
        self.address = address

    def _post(self, route: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        return self._request("POST", route, body)

    def _request(self, method: str, route: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/v1/{route}", data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=300) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            with contextlib.suppress(ValueError):  # not our JSON: the raw text tells enough
                text = json.loads(text)["error"]
            raise TwinError(f"{method} {route}: {text}") from None
