"""The part of the control API that changes the inventory behind everybody's back: drift, hosts, guests, seeds."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from bed.twin_records import ALICE, Login, Seeded
from bed.twin_wire import Wire

__all__ = ["WorldControl"]


class WorldControl(Wire):
    """What is in the inventory, past the rules of the API."""

    def drift(
        self,
        target: str,
        *,
        user: Login = ALICE,
        set: Mapping[str, Any] | None = None,  # noqa: A002 - the word of the control API
        unset: Sequence[str] = (),
        when: str = "",
    ) -> str:
        """Write raw values at property paths, as if `user` had; return the object's new version.

        `when` names a host that is not connected: vCenter learns of the change when it is back, and the version is "".
        """
        body = {"object": target, "user": user.name, "set": dict(set or {}), "unset": list(unset), "when": when}
        return str(self._post("drift", body).get("version", ""))

    def seed(
        self,
        *,
        vms: int = 0,
        port_groups: int = 0,
        templates: int = 0,
        standard_port_groups: int = 0,
        hosts: int = 0,
        prefix: str = "seed",
    ) -> Seeded:
        """Create many objects fast: `<prefix>-vm-0`, `<prefix>-pg-0`, `<prefix>-template-0`, `<prefix>-std-0` and on.

        Hosts (`<prefix>-host-0`) join the first cluster; standard port groups are made on the first standard switch of
        every host.
        """
        body = {
            "vms": vms, "portGroups": port_groups, "templates": templates, "standardPortGroups": standard_port_groups,
            "hosts": hosts, "prefix": prefix,
        }  # fmt: skip
        answer = self._post("seed", body)
        made = answer["created"]
        return Seeded(
            tuple(made["vms"]),
            tuple(made["portGroups"]),
            tuple(made["templates"]),
            tuple(made["hosts"]),
            tuple(made["standardPortGroups"]),
            answer["seconds"],
        )

    def host(
        self,
        host: str,
        *,
        nested_hv: bool | None = None,
        cpus: int | None = None,
        connection_state: Literal["connected", "disconnected", "notResponding"] | None = None,
        maintenance: bool | None = None,
    ) -> None:
        """Change what a host can do and how it is reached; its machines follow its connection.

        With `cpus` no machine that has more starts there any more.
        """
        body = {"nestedHV": nested_hv, "cpus": cpus, "connectionState": connection_state, "maintenance": maintenance}
        self._post("host", {"host": host} | {name: value for name, value in body.items() if value is not None})

    def datastore(self, datastore: str, *, accessible: bool) -> None:
        """Make a datastore go or come back; the machines whose files are on it follow."""
        self._post("datastore", {"datastore": datastore, "accessible": accessible})

    def migrate(self, vm: str, *, host: str) -> None:
        """Move a machine to another host of its cluster, as DRS would."""
        self._post("migrate", {"vm": vm, "host": host})

    def switch(self, switch: str, *, version: str = "", mac_learning: bool | None = None) -> None:
        """Set a distributed switch's version and whether it knows MAC learning (unset: from 6.6.0 on)."""
        body: dict[str, Any] = {"switch": switch, "version": version}
        if mac_learning is not None:
            body["macLearning"] = mac_learning
        self._post("switch", body)

    def nsx_port_group(
        self, switch: str, name: str, *, segment_id: str = "69632", logical_switch_uuid: str = ""
    ) -> str:
        """Make a port group as NSX does, which no client of vCenter can; return its id."""
        body = {"switch": switch, "name": name, "segmentId": segment_id, "logicalSwitchUuid": logical_switch_uuid}
        return str(self._post("portgroup", body)["id"])

    def vm(
        self,
        vm: str,
        *,
        connection_state: Literal["connected", "disconnected", "inaccessible", "invalid", "orphaned"],
    ) -> None:
        """Set what vCenter thinks of a machine."""
        self._post("vm", {"vm": vm, "connectionState": connection_state})

    def question(self, vm: str, text: str, choices: Sequence[str], *, default: int = 0) -> None:
        """Let the next power-on of a machine ask a question and wait for the answer."""
        body = {"text": text, "choices": list(choices), "default": default}
        self._post("vm", {"vm": vm, "question": body})

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
