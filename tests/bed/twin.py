"""The vCenter twin as a test sees it: a process of its own, and the control API as typed Python.

`Twin` starts the program and ends it; nothing is left behind, because the program ends when its standard input closes.
`TwinControl` speaks the control API, which makes drift, faults and delays and tells what happened; the routes are
described in `tests/bed/vcenter/README.md`. Only the standard library is used: demo and benchmarks import this too.
"""

import contextlib
import json
import os
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote, urlencode, urlsplit

__all__ = [
    "ADMINISTRATOR", "ALICE", "OPERATOR", "Call", "HeldTask", "Login", "Machine", "PortGroup", "Seeded", "State",
    "TaskRecord", "Twin", "TwinControl", "TwinError",
]  # fmt: skip

_START_SECONDS = 120
_TAIL_LINES = 25


@dataclass(frozen=True)
class Login:
    """Somebody who may log in, as typed and as vCenter prints it in events and tasks."""

    name: str
    password: str
    shown: str


ADMINISTRATOR = Login("administrator@vsphere.local", "admin-password", "VSPHERE.LOCAL\\administrator")
OPERATOR = Login("operator@vsphere.local", "operator-password", "VSPHERE.LOCAL\\operator")
ALICE = Login("alice@lab.example", "alice-password", "LAB.EXAMPLE\\alice")
"""Another administrator: whoever changes things behind the operator's back."""


class TwinError(RuntimeError):
    """The twin did not start, or refused a request of the control API."""


@dataclass(frozen=True)
class Machine:
    """A virtual machine or template in the twin."""

    id: str
    name: str
    instance_uuid: str
    template: bool
    power_state: str
    nested_hv: bool
    firmware: str
    guest_id: str
    cpus: int
    memory_mb: int
    host: str
    networks: tuple[str, ...]
    extra_config: Mapping[str, Any]


@dataclass(frozen=True)
class PortGroup:
    """A distributed port group in the twin."""

    id: str
    name: str
    switch: str
    config_version: str
    description: str
    uplink: bool
    vms: tuple[str, ...]


@dataclass(frozen=True)
class TaskRecord:
    """A task that is running or ended lately."""

    id: str
    method: str
    entity: str
    state: str
    user: str
    error: str


@dataclass(frozen=True)
class State:
    """Everything a test looks at to see that nothing was left behind."""

    vms: tuple[Machine, ...]
    port_groups: tuple[PortGroup, ...]
    tasks: tuple[TaskRecord, ...]
    hosts: tuple[Mapping[str, Any], ...]
    sessions: tuple[str, ...]
    views: int
    filters: int

    def vm(self, name: str) -> Machine | None:
        """Return the machine of this name, if there is one."""
        return next((vm for vm in self.vms if vm.name == name), None)

    def port_group(self, name: str) -> PortGroup | None:
        """Return the port group of this name, if there is one."""
        return next((group for group in self.port_groups if group.name == name), None)


@dataclass(frozen=True)
class Call:
    """One SOAP call that the twin received, or one drift made through the control API."""

    time: str
    method: str
    object: str
    user: str
    operation_id: str


@dataclass(frozen=True)
class HeldTask:
    """A task that stays running until it is released."""

    hold: int
    task: str
    method: str
    entity: str


@dataclass(frozen=True)
class Seeded:
    """The ids that a seed created."""

    vms: tuple[str, ...]
    port_groups: tuple[str, ...]
    templates: tuple[str, ...]
    seconds: float


class TwinControl:
    r"""The control API of a running twin. Users are login names or `DOMAIN\user`; objects are ids or names."""

    def __init__(self, address: str) -> None:
        self.address = address

    def drift(
        self,
        target: str,
        *,
        user: Login = ALICE,
        set: Mapping[str, Any] | None = None,  # noqa: A002 - the word of the control API
        unset: Sequence[str] = (),
    ) -> str:
        """Write raw values at property paths, as if `user` had; return the object's new version."""
        body = {"object": target, "user": user.name, "set": dict(set or {}), "unset": list(unset)}
        return str(self._post("drift", body)["version"])

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

    def counters(self, user: Login | None = None) -> dict[str, int]:
        """Return the number of calls by method, of one user or of all."""
        total: dict[str, int] = {}
        for name, methods in self._request("GET", "counters").items():
            if user is None or name == user.shown:
                for method, count in methods.items():
                    total[method] = total.get(method, 0) + count
        return total

    def reset_counters(self) -> None:
        """Start counting and recording anew."""
        self._request("DELETE", "counters")

    def calls(self, method: str = "", *, user: Login | None = None) -> list[Call]:
        """Return the calls since the last reset of the counters, oldest first."""
        query = urlencode({"method": method, "user": user.name if user else ""}, quote_via=quote)
        return [
            Call(c["time"], c["method"], c["object"], c["user"], c["operationId"])
            for c in self._request("GET", f"calls?{query}")
        ]

    def state(self) -> State:
        """Return the whole state."""
        d = self._request("GET", "dump")
        return State(
            vms=tuple(
                Machine(
                    vm["id"], vm["name"], vm["instanceUuid"], vm["template"], vm["powerState"], vm["nestedHV"],
                    vm["firmware"], vm["guestId"], vm["cpus"], vm["memoryMB"], vm["host"], tuple(vm["networks"]),
                    vm["extraConfig"],
                )
                for vm in d["vms"]
            ),
            port_groups=tuple(
                PortGroup(
                    pg["id"], pg["name"], pg["switch"], pg["configVersion"], pg["description"], pg["uplink"],
                    tuple(pg["vms"]),
                )
                for pg in d["portGroups"]
            ),
            tasks=tuple(
                TaskRecord(t["id"], t["method"], t["entity"], t["state"], t["user"], t.get("error", ""))
                for t in d["tasks"]
            ),
            hosts=tuple(d["hosts"]),
            sessions=tuple(d["sessions"]),
            views=d["views"],
            filters=d["filters"],
        )  # fmt: skip

    def seed(self, *, vms: int = 0, port_groups: int = 0, templates: int = 0, prefix: str = "seed") -> Seeded:
        """Create many objects fast, named `<prefix>-vm-0`, `<prefix>-pg-0`, `<prefix>-template-0` and on."""
        body = {"vms": vms, "portGroups": port_groups, "templates": templates, "prefix": prefix}
        answer = self._post("seed", body)
        made = answer["created"]
        return Seeded(tuple(made["vms"]), tuple(made["portGroups"]), tuple(made["templates"]), answer["seconds"])

    def host(
        self,
        host: str,
        *,
        nested_hv: bool | None = None,
        connection_state: Literal["connected", "disconnected", "notResponding"] | None = None,
        maintenance: bool | None = None,
    ) -> None:
        """Change what a host can do and how it is reached; its machines follow its connection."""
        body = {"nestedHV": nested_hv, "connectionState": connection_state, "maintenance": maintenance}
        self._post("host", {"host": host} | {name: value for name, value in body.items() if value is not None})

    def switch(self, switch: str, *, version: str = "", mac_learning: bool | None = None) -> None:
        """Set a distributed switch's version and whether it knows MAC learning (unset: from 6.6.0 on)."""
        body: dict[str, Any] = {"switch": switch, "version": version}
        if mac_learning is not None:
            body["macLearning"] = mac_learning
        self._post("switch", body)

    def vm(
        self,
        vm: str,
        *,
        connection_state: Literal["connected", "disconnected", "inaccessible", "invalid", "orphaned"],
    ) -> None:
        """Set what vCenter thinks of a machine."""
        self._post("vm", {"vm": vm, "connectionState": connection_state})

    def guest(
        self,
        vm: str,
        *,
        tools: bool = True,
        ip_address: str = "",
        host_name: str = "",
        boot_seconds: float = 0.0,
        shutdown_seconds: float = 0.0,
        hang_shutdown: bool = False,
    ) -> None:
        """Say what runs inside a machine and how it shuts down."""
        body = {
            "vm": vm, "tools": tools, "ipAddress": ip_address, "hostName": host_name, "bootSeconds": boot_seconds,
            "shutdownSeconds": shutdown_seconds, "hangShutdown": hang_shutdown,
        }  # fmt: skip
        self._post("guest", body)

    def rules(self, **switches: Any) -> Mapping[str, Any]:
        """Set switches for behaviour that is undecided in vSphere's documents, and return all of them."""
        answer = self._post("rules", switches) if switches else self._request("GET", "rules")
        assert isinstance(answer, dict)
        return answer

    def sessions(self) -> list[Mapping[str, Any]]:
        """Return the live sessions."""
        return list(self._request("GET", "sessions"))

    def kill_sessions(self, *, user: Login | None = None, key: str = "") -> int:
        """End sessions, all of them or of one user; return how many."""
        return int(self._post("sessions/kill", {"key": key, "user": user.name if user else ""})["killed"])

    def session_timeout(self, seconds: float) -> None:
        """Set the idle time after which a session ends."""
        self._post("sessions/timeout", {"seconds": seconds})

    def password(self, login: str, password: str) -> None:
        """Add a login or change its password; an empty password removes it."""
        self._post("users", {"name": login, "password": password})

    def outage(self, *, seconds: float, status: int = 0) -> None:
        """Break every connection to the API for a while, or answer an HTTP status; waits under way end too."""
        self._post("outage", {"seconds": seconds, "status": status})

    def clock(self, *, skew_seconds: float) -> None:
        """Move the twin's clock away from this machine's."""
        self._post("clock", {"skewSeconds": skew_seconds})

    def reset(self) -> None:
        """Throw inventory, sessions, tasks, rules and counters away and create the model anew."""
        self._post("reset", {})

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


@dataclass
class Twin:
    """A running vCenter twin. Use it as a context manager, or call `start` and `stop`.

    Args:
        arguments: More flags of the program, such as `("-vm", "0", "-host", "4")`.
        listen: Address of the API; give the same port again to restart "the same" vCenter.
        logins: Who may log in.
        instance_uuid: The vCenter's identity; give the same again to play the same vCenter. Unset is a random one.
    """

    arguments: Sequence[str] = ()
    listen: str = "127.0.0.1:0"
    logins: Sequence[Login] = (ADMINISTRATOR, OPERATOR, ALICE)
    instance_uuid: str = ""
    url: str = field(default="", init=False)
    ca: Path = field(default=Path(), init=False)
    thumbprint: str = field(default="", init=False)
    pid: int = field(default=0, init=False)
    control: TwinControl = field(default_factory=lambda: TwinControl(""), init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)
    _folder: tempfile.TemporaryDirectory[str] | None = field(default=None, init=False, repr=False)

    @property
    def host(self) -> str:
        """The host name of the API."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port of the API."""
        return urlsplit(self.url).port or 443

    @property
    def log(self) -> str:
        """What the program wrote to its log."""
        if self._folder is None:
            return ""
        return (Path(self._folder.name) / "log").read_text(errors="replace")

    def start(self) -> Self:
        """Start the program and wait until it answers."""
        self._folder = tempfile.TemporaryDirectory(prefix="vcenter-twin-")
        folder = Path(self._folder.name)
        command = [str(_program()), "-l", self.listen, "-dir", str(folder), "-exit-with-stdin"]
        for login in self.logins:
            command += ["-user", f"{login.name}:{login.password}"]
        if self.instance_uuid:
            command += ["-instance-uuid", self.instance_uuid]
        with (folder / "log").open("wb") as log:
            # The open standard input is the twin's life line: it ends when this process does, however it does.
            self._process = subprocess.Popen(
                [*command, *self.arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # out of reach of a Ctrl-C, so that others can still log out of it
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            status = self._process.wait(timeout=_START_SECONDS)
            tail = "\n".join(self.log.splitlines()[-_TAIL_LINES:])
            self.stop()
            raise TwinError(f"The vCenter twin ended with status {status} before it was ready:\n{tail}")
        ready = json.loads(line)
        self.url, self.thumbprint, self.pid = ready["url"], ready["thumbprint"], ready["pid"]
        self.ca, self.control = Path(ready["ca"]), TwinControl(ready["control"])
        return self

    def kill(self) -> None:
        """End the program as a power failure would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End the program and remove its files. Harmless when it runs no more."""
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _program() -> Path:
    """Return the twin's program: the one `NHV_TWIN` names, or a fresh build."""
    given = os.environ.get("NHV_TWIN")
    if given:
        return Path(given)
    from bed.toolchain import build_twin

    return build_twin()
