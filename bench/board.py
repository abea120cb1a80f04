"""All objects of one kind in one namespace, followed by one watch: when the last one became Ready, or was repaired.

It is a client like any other, and a cheap one: the operator shares the machine with it. It counts as events come in
and looks at each object once per event.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

from kubernetes import client

from nested_hyperv.api.meta import API_VERSION

__all__ = ["Board"]

_CHUNK = 65536
_WATCH_SECONDS = "5"
"""The end of a board waits for the end of its watch."""
_LOOK_SECONDS = 1.0
"""How often a waiter looks whether the watch still runs."""


class Board:
    """A running watch; a context manager. It begins with an empty collection or lists what is there first."""

    def __init__(self, api: client.ApiClient, namespace: str, plural: str) -> None:
        self._pool = api.rest_client.pool_manager
        self._url = f"{api.configuration.host}/apis/{API_VERSION}/namespaces/{namespace}/{plural}"
        self._changed = threading.Condition()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"watch of {plural}")
        self._following: Future[None] = Future()
        self._ending = threading.Event()
        self._version = ""
        self._last_change = 0.0
        self.status: dict[str, Mapping[str, Any]] = {}
        self.ready: set[str] = set()
        self.repaired: set[str] = set()

    @property
    def mo_refs(self) -> dict[str, str]:
        """The id in vSphere of each object that has one."""
        return {name: status["moRef"] for name, status in self.status.items() if status.get("moRef")}

    def forget_repairs(self) -> None:
        """Count repairs from now on."""
        with self._changed:
            self.repaired.clear()

    def wait(self, count: Callable[[Self], int], wanted: int, what: str, *, seconds: float) -> float:
        """Wait until `count` of this board is `wanted`; return when the last event came that made it so."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while count(self) != wanted:
                if self._following.done():
                    self._following.result()  # raises what ended it
                if time.monotonic() > deadline:
                    raise TimeoutError(f"after {seconds:g} s {count(self)} of {wanted} objects were {what}")
                self._changed.wait(_LOOK_SECONDS)
            return self._last_change

    def wait_ready(self, wanted: int, *, seconds: float = 600.0) -> float:
        """Wait until so many objects are Ready."""
        return self.wait(lambda board: len(board.ready), wanted, "Ready", seconds=seconds)

    def wait_repaired(self, wanted: int, *, seconds: float = 600.0) -> float:
        """Wait until so many objects tell of a repair."""
        return self.wait(lambda board: len(board.repaired), wanted, "repaired", seconds=seconds)

    def wait_gone(self, *, seconds: float = 600.0) -> float:
        """Wait until there is none any more."""
        return self.wait(lambda board: len(board.status), 0, "left", seconds=seconds)

    def __enter__(self) -> Self:
        answer = self._pool.request("GET", self._url)
        listing = json.loads(answer.data)
        for item in listing["items"]:
            self._take("ADDED", item)
        self._version = listing["metadata"]["resourceVersion"]
        self._following = self._thread.submit(self._follow)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.shutdown()

    def _follow(self) -> None:
        # The server ends a watch when it likes, so a client goes on from where it was.
        while not self._ending.is_set():
            query = {"watch": "true", "resourceVersion": self._version, "timeoutSeconds": _WATCH_SECONDS}
            answer = self._pool.request("GET", self._url, fields=query, preload_content=False)
            try:
                self._read(answer)
            finally:
                answer.close()

    def _read(self, answer: Any) -> None:  # noqa: ANN401 - urllib3's response
        rest = b""
        for chunk in answer.stream(_CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            with self._changed:
                for line in lines:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise ConnectionError(f"the watch failed: {event['object']}")
                    self._take(event["type"], event["object"])
                self._changed.notify_all()
            if self._ending.is_set():
                return

    def _take(self, kind: str, item: Mapping[str, Any]) -> None:
        name, status = item["metadata"]["name"], item.get("status", {})
        self._version, self._last_change = item["metadata"]["resourceVersion"], time.monotonic()
        if kind == "DELETED":
            self.status.pop(name, None)
            self.ready.discard(name)
            return
        before = self.status.get(name, {})
        if status.get("lastRepair") != before.get("lastRepair"):
            self.repaired.add(name)
        self.status[name] = status
        ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", ()))
        if ready and status.get("observedGeneration") == item["metadata"]["generation"]:
            self.ready.add(name)
        else:
            self.ready.discard(name)
