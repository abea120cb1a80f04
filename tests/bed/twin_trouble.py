"""The part of the control API that makes trouble: faults, delays, holds, outages."""

from collections.abc import Mapping
from typing import Any, Literal

from bed.twin_records import HeldTask, StalledCall
from bed.twin_wire import Wire

__all__ = ["TroubleControl"]


class TroubleControl(Wire):
    """What happens to calls and to the tasks that they start."""

    def fail(
        self,
        method: str = "",
        *,
        fault: str = "",
        where: Literal["soap", "task", "drop-before", "drop-after", "http", "slow", "stall"] = "soap",
        target: str = "",
        user: str = "",
        count: int = 1,
        skip: int = 0,
        probability: float = 1.0,
        seconds: float = 0.0,
        status: int = 0,
        message: str = "",
        fields: Mapping[str, Any] | None = None,
    ) -> int:
        """Make the next `count` matching calls fail; return the rule's id.

        Args:
            method: SOAP method, such as `ReconfigVM_Task`; empty matches every method.
            fault: vim25 type name of the fault, for `soap` and `task`.
            where: As a SOAP fault, as the error of the task (only calls that start one), a connection that breaks
                before or after the call was executed, an HTTP status, or a call that hangs before it is executed: for
                `seconds`, or until `release`.
            target: Id or name of the object the method is called on; empty matches all.
            user: Only calls of this user.
            count: How many calls fail; 0 is without end.
            skip: How many matching calls pass first.
            probability: The chance of a matching call to be struck, from the twin's seed.
            seconds: How long a `slow` call takes more; the longest time of a `stall`, 0 until it is released.
            status: The status of `http`.
            message: The fault's text instead of vCenter's own.
            fields: Members of the fault.
        """
        body: dict[str, Any] = {
            "method": method, "fault": fault, "where": where, "object": target, "user": user, "count": count,
            "skip": skip, "probability": probability, "seconds": seconds, "status": status, "message": message,
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

    def latency(
        self, method: str = "", *, seconds: float = 0.0, task_seconds: float = 0.0, jitter: float = 0.0
    ) -> None:
        """Slow a method down: its answer, and the task it starts. An empty method means all but the waits.

        `jitter` is the standard deviation divided by the mean.
        """
        self._post("latency", {"method": method, "seconds": seconds, "taskSeconds": task_seconds, "jitter": jitter})

    def latency_profile(self, name: Literal["none", "vcenter"]) -> None:
        """Replace all latencies by those of a profile; `vcenter` is near to a real one."""
        self._post("latency/profile", {"name": name})

    def latencies(self) -> list[Mapping[str, Any]]:
        """Return what is slow now."""
        return list(self._request("GET", "latency"))

    def clear_latency(self) -> None:
        """Make everything fast again."""
        self._request("DELETE", "latency")

    def hold(self, method: str = "", *, target: str = "", user: str = "") -> int:
        """Keep the tasks of matching calls running until `release`; return the hold's id."""
        return int(self._post("hold", {"method": method, "object": target, "user": user})["id"])

    def held_tasks(self) -> list[HeldTask]:
        """Return the tasks that wait for their release now."""
        return [HeldTask(**task) for task in self._request("GET", "hold")["tasks"]]

    def stalled_calls(self) -> list[StalledCall]:
        """Return the calls that hang now."""
        return [StalledCall(**call) for call in self._request("GET", "hold")["calls"]]

    def release(self, hold: int = 0) -> list[str]:
        """End one hold or stall, or all, and let the tasks and calls go; return the ids of the tasks."""
        return list(self._post("release", {"id": hold})["released"])

    def outage(self, *, seconds: float, status: int = 0, refuse: bool = False) -> None:
        """Break every connection for a while, or answer an HTTP status, or refuse; waits under way end too.

        A new outage replaces the old one; `seconds=0` ends it.
        """
        self._post("outage", {"seconds": seconds, "status": status, "refuse": refuse})

    def restart(
        self,
        *,
        tasks: Literal["lost", "finish"] = "lost",
        seconds: float = 0.0,
        status: int = 0,
        refuse: bool = False,
    ) -> None:
        """Restart the service: sessions, views, collectors and tasks are gone; then an outage as `outage` has it.

        Args:
            tasks: What becomes of the work of running tasks: nothing at all, or it is done unseen.
            seconds: How long the service is away.
            status: The HTTP status meanwhile; 0 breaks connections.
            refuse: Refuse connections meanwhile.
        """
        self._post("restart", {"tasks": tasks, "seconds": seconds, "status": status, "refuse": refuse})

    def checkpoint(self, name: str = "") -> int:
        """Remember the inventory as a backup does; return the number of objects."""
        return int(self._post("checkpoint", {"name": name})["objects"])

    def restore(self, name: str = "", *, seconds: float = 0.0, status: int = 0, refuse: bool = False) -> None:
        """Restart from a backup: the inventory is that of the checkpoint, the vCenter the same."""
        self._post("restore", {"name": name, "seconds": seconds, "status": status, "refuse": refuse})
