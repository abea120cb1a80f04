"""The part of the control API that makes trouble: faults, delays, holds, outages."""

from collections.abc import Mapping
from typing import Any, Literal

from bed.twin_records import HeldTask
from bed.twin_wire import Wire

__all__ = ["TroubleControl"]


class TroubleControl(Wire):
    """What happens to calls and to the tasks that they start."""

    def fail(
        self,
        method: str = "",
        *,
        fault: str = "",
        where: Literal["soap", "task", "drop-before", "drop-after", "http"] = "soap",
        target: str = "",
        user: str = "",
        count: int = 1,
        skip: int = 0,
        status: int = 0,
        message: str = "",
        fields: Mapping[str, Any] | None = None,
    ) -> int:
        """Make the next `count` matching calls fail; return the rule's id.

        Args:
            method: SOAP method, such as `ReconfigVM_Task`; empty matches every method.
            fault: vim25 type name of the fault, for `soap` and `task`.
            where: As a SOAP fault, as the error of the task, a connection that breaks before or after the call was
                executed, or an HTTP status.
            target: Id of the object the method is called on; empty matches all.
            user: Only calls of this user.
            count: How many calls fail.
            skip: How many matching calls pass first.
            status: The status of `http`.
            message: The fault's text instead of vCenter's own.
            fields: Members of the fault.
        """
        body: dict[str, Any] = {
            "method": method, "fault": fault, "where": where, "object": target, "user": user, "count": count,
            "skip": skip, "status": status, "message": message,
        }  # fmt: skip
        if fields is not None:
            body["fields"] = dict(fields)
        return int(self._post("faults", body)["id"])

    def pending_faults(self) -> list[Mapping[str, Any]]:
        """Return the fault rules that have not struck often enough yet."""
        return list(self._request("GET", "faults"))

    def clear_faults(self) -> None:
        """Forget all fault rules."""
        self._request("DELETE", "faults")

    def latency(self, method: str = "", *, seconds: float = 0.0, task_seconds: float = 0.0) -> None:
        """Slow a method down: its answer, and the task it starts. An empty method means all but the waits."""
        self._post("latency", {"method": method, "seconds": seconds, "taskSeconds": task_seconds})

    def clear_latency(self) -> None:
        """Make everything fast again."""
        self._request("DELETE", "latency")

    def hold(self, method: str = "", *, target: str = "", user: str = "") -> int:
        """Keep the tasks of matching calls running until `release`; return the hold's id."""
        return int(self._post("hold", {"method": method, "object": target, "user": user})["id"])

    def held_tasks(self) -> list[HeldTask]:
        """Return the tasks that wait for their release now."""
        return [HeldTask(**task) for task in self._request("GET", "hold")["tasks"]]

    def release(self, hold: int = 0) -> list[str]:
        """End one hold, or all, and let the tasks go; return their ids."""
        return list(self._post("release", {"id": hold})["released"])

    def outage(self, *, seconds: float, status: int = 0) -> None:
        """Break every connection to the API for a while, or answer an HTTP status; waits under way end too."""
        self._post("outage", {"seconds": seconds, "status": status})
