"""What the API server was asked, and by whom: its audit log, read back. It is how tests count the writes of a user."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["WRITE_VERBS", "AuditLog", "Request"]

WRITE_VERBS = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass(frozen=True)
class Request:
    """One finished request."""

    user: str
    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    status: int

    @property
    def is_write(self) -> bool:
        """Whether it asked for a change, be it granted or not."""
        return self.verb in WRITE_VERBS


class AuditLog:
    """The audit log of one API server: every request at level Metadata, when it was answered (a watch: at its end)."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "audit.log"
        self._policy = folder / "audit-policy.json"
        policy = {
            "apiVersion": "audit.k8s.io/v1",
            "kind": "Policy",
            "omitStages": ["RequestReceived", "ResponseStarted"],
            "rules": [{"level": "Metadata"}],
        }
        self._policy.write_text(json.dumps(policy))

    @property
    def flags(self) -> Sequence[str]:
        """The flags of kube-apiserver that make it write this log."""
        # A size of 0 would mean 100 MB, and a rotation would lose what a test counts.
        return [f"--audit-policy-file={self._policy}", f"--audit-log-path={self._file}", "--audit-log-maxsize=100000"]

    def mark(self) -> int:
        """Return the present end, to be given to `requests` as `since`."""
        return self._file.stat().st_size

    def requests(self, *, since: int = 0, user: str | None = None) -> list[Request]:
        """Return the requests after a mark, in the order in which they were answered; of one user only, if given."""
        with self._file.open("rb") as file:
            file.seek(since)
            lines = file.read().splitlines(keepends=True)
        found = [_parse(line) for line in lines if line.endswith(b"\n")]  # the last one may be half written
        return [request for request in found if user is None or request.user == user]


def _parse(line: bytes) -> Request:
    event = json.loads(line)
    subject = event.get("objectRef", {})
    return Request(
        user=event["user"].get("username", ""),
        verb=event["verb"],
        resource=subject.get("resource", ""),
        subresource=subject.get("subresource", ""),
        namespace=subject.get("namespace", ""),
        name=subject.get("name", ""),
        status=event.get("responseStatus", {}).get("code", 0),
    )
