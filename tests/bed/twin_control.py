"""The twin's control API as typed Python: it makes drift, faults and delays and tells what happened.

The routes are described in `tests/bed/vcenter/README.md`. The parts by subject are in `twin_trouble.py` (what happens
to calls), `twin_world.py` (what is in the inventory), `twin_hosts.py` (what somebody does on a host) and
`twin_access.py` (who may do what). Only the standard library is used: demo and benchmarks import this too.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from bed.twin_access import AccessControl
from bed.twin_hosts import HostControl, read_host, read_network
from bed.twin_records import Call, Login, Machine, PortGroup, State, TaskRecord
from bed.twin_trouble import TroubleControl
from bed.twin_world import WorldControl

__all__ = ["TwinControl"]


class TwinControl(TroubleControl, WorldControl, HostControl, AccessControl):
    r"""The control API of a running twin. Users are login names or `DOMAIN\user`; objects are ids or names."""

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

    def operations(self, prefix: str = "") -> dict[str, dict[str, int]]:
        """Return the calls by operation id and method, of the ids that begin with `prefix`."""
        return dict(self._request("GET", f"operations?{urlencode({'prefix': prefix}, quote_via=quote)}"))

    def dump(self) -> Mapping[str, Any]:
        """Return the whole state as JSON."""
        return dict(self._request("GET", "dump"))

    def digests(self) -> dict[str, str]:
        """Return a digest of the properties of each object, by id."""
        return dict(self._request("GET", "digests"))

    def state(self) -> State:
        """Return the whole state as records."""
        d = self.dump()
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
            hosts=tuple(read_host(host) for host in d["hosts"]),
            networks=tuple(read_network(network) for network in d["networks"]),
            sessions=tuple(d["sessions"]),
            views=d["views"],
            filters=d["filters"],
            objects={kind: tuple(ids) for kind, ids in d["objects"].items()},
        )  # fmt: skip

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

    def routes(self) -> list[str]:
        """Return the patterns of all routes: `POST /v1/drift`."""
        return list(self._request("GET", "routes"))

    def healthy(self) -> bool:
        """Tell whether the twin answers."""
        return bool(self._request("GET", "health")["ok"])

    def clock(self, *, skew_seconds: float) -> None:
        """Move the twin's clock away from this machine's."""
        self._post("clock", {"skewSeconds": skew_seconds})

    def reset(self) -> None:
        """Throw inventory, sessions, tasks, rules and counters away and create the model anew."""
        self._post("reset", {})
