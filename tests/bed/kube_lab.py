"""A namespace with a connection Secret and objects of both kinds, as a user of the operator has one.

Each lab has a vCenter account of its own, so that the calls made for it can be counted while others work on the same
vCenter; the account has the role that `docs/privileges.md` tells users to make, and nothing else. And it has names of
its own in vSphere. It talks to Kubernetes as admin and never asks the operator anything.
"""

import secrets
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Self

from kubernetes import client, config

from bed.apiserver import ControlPlane
from bed.audit import Request
from bed.calls import Calls
from bed.documented_role import grant
from bed.kube_object import GROUP, HOSTS, PORT_GROUPS, KubeObject
from bed.operator_process import OPERATOR_USER
from bed.twin import Login, Twin
from bed.waiting import wait_for

__all__ = ["KubeLab"]


class KubeLab:
    """A namespace, an account of a vCenter, a Secret that joins them, and what is created in it."""

    def __init__(self, plane: ControlPlane, twin: Twin, *, datacenter: str = "DC0", name: str = "") -> None:
        self.plane, self.twin, self.datacenter = plane, twin, datacenter
        self.namespace = name or f"lab-{secrets.token_hex(3)}"
        account = f"op-{self.namespace}"
        self.account = Login(f"{account}@vsphere.local", secrets.token_urlsafe(18), f"VSPHERE.LOCAL\\{account}")
        self.calls = Calls(twin.control, self.account)
        self.made: list[KubeObject] = []

    @cached_property
    def api(self) -> client.ApiClient:
        """A Kubernetes client with admin rights."""
        configuration = client.Configuration()
        config.load_kube_config(str(self.plane.admin_kubeconfig), client_configuration=configuration)  # type: ignore[no-untyped-call]
        return client.ApiClient(configuration)

    @cached_property
    def core(self) -> client.CoreV1Api:
        """The core API."""
        return client.CoreV1Api(self.api)

    def vsphere_name(self, name: str) -> str:
        """The name that an object of this lab has in vSphere."""
        return f"{self.namespace}-{name}"

    def open(self, **secret: str) -> Self:
        """Create namespace, account and Secret."""
        grant(self.twin.control, self.account, on=self.datacenter)
        self.core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=self.namespace)))
        self.create_secret(**secret)
        return self

    def secret_data(self, **changes: str) -> dict[str, str]:
        """The keys of the connection Secret, with some of them changed; an empty value leaves a key out."""
        data = {
            "server": f"{self.twin.host}:{self.twin.port}",
            "username": self.account.name,
            "password": self.account.password,
            "ca.crt": self.twin.ca.read_text(),
            **changes,
        }
        return {key: value for key, value in data.items() if value}

    def create_secret(self, **changes: str) -> None:
        """Create the connection Secret."""
        secret = client.V1Secret(
            metadata=client.V1ObjectMeta(name="vcenter"),
            type=f"{GROUP}/vcenter",
            string_data=self.secret_data(**changes),
        )
        self.core.create_namespaced_secret(self.namespace, secret)

    def patch_secret(self, **changes: str) -> None:
        """Change keys of the connection Secret."""
        self.core.patch_namespaced_secret("vcenter", self.namespace, {"stringData": changes})

    def secret_finalizers(self) -> Sequence[str]:
        """The finalizers of the connection Secret."""
        metadata = self.core.read_namespaced_secret("vcenter", self.namespace).metadata
        return metadata.finalizers or () if metadata is not None else ()

    def wait_secret_free(self) -> None:
        """Wait until nothing holds the connection Secret any more."""
        wait_for(lambda: not self.secret_finalizers(), f"the Secret of {self.namespace} to be let go")

    def port_group(self, name: str = "inner", /, **spec: Any) -> KubeObject:
        """Create a NestedPortGroup."""
        where = {"datacenter": self.datacenter, "switch": "DVS0"}
        return self._create(PORT_GROUPS, name, {"distributed": where, **spec})

    def standard_port_group(self, name: str = "inner", /, *, hosts: Sequence[str] = (), **spec: Any) -> KubeObject:
        """Create a NestedPortGroup on the standard switches of the cluster's hosts, or of some hosts."""
        where: dict[str, Any] = {"datacenter": self.datacenter, "vSwitch": "vSwitch0"}
        where |= {"hosts": list(hosts)} if hosts else {"cluster": f"{self.datacenter}_C0"}
        return self._create(PORT_GROUPS, name, {"standard": where, **spec})

    def host(
        self, name: str = "hyperv", *, networks: Sequence[str | Mapping[str, Any]] = (), **spec: Any
    ) -> KubeObject:
        """Create a NestedHyperVHost. A network is the name of a port group of this lab, or an entry of the list."""
        placement = {"datacenter": self.datacenter, "cluster": f"{self.datacenter}_C0", "datastore": "LocalDS_0"}
        default = {
            "placement": placement,
            "source": {"template": {"path": "windows-server-2022"}},
            "guestOS": "WindowsServer2022",
            "hardware": {"cpus": 4, "memoryMiB": 8192},
            "networks": [
                {"name": each, "portGroupRef": {"name": each}} if isinstance(each, str) else each for each in networks
            ],
        }
        return self._create(HOSTS, name, {**default, **spec})

    def _create(self, plural: str, name: str, spec: Mapping[str, Any]) -> KubeObject:
        made = KubeObject(self.api, self.namespace, plural, name, self.vsphere_name(name))
        made.create({"name": made.vsphere_name, "connectionRef": {"name": "vcenter"}, **spec})
        self.made.append(made)
        return made

    def writes(self, since: int) -> list[Request]:
        """What the operator changed in this namespace since a mark of the audit log; Events count apart."""
        found = self.plane.audit.requests(since=since, user=OPERATOR_USER)
        return [r for r in found if r.is_write and r.namespace == self.namespace and r.resource != "events"]

    def wait_writes(self, since: int, count: int) -> list[Request]:
        """As `writes`, when there are as many: the server logs a request a moment after its effect can be seen."""
        detail = lambda: str(self.writes(since))  # noqa: E731
        wait_for(lambda: len(self.writes(since)) >= count, f"{count} writes in {self.namespace}", detail=detail)
        return self.writes(since)

    def all_writes(self, since: int) -> list[Request]:
        """As `writes`, after everything that was answered before this call has come into the log."""
        mark = self.plane.audit.mark()
        self.secret_finalizers()  # a request of our own, to wait for

        def ours_is_in() -> bool:
            asked = self.plane.audit.requests(since=mark)
            return any((r.verb, r.resource, r.namespace) == ("get", "secrets", self.namespace) for r in asked)

        wait_for(ours_is_in, "the audit log to come up to date")
        return self.writes(since)

    def close(self) -> None:
        """Delete everything and insist that it goes: what stays is a bug, and would disturb the tests that follow."""
        left = [made for made in reversed(self.made) if made.find() is not None]
        try:
            for made in left:
                made.patch(suspend=False, managementPolicy="Enforce")
                made.delete()
            for made in left:
                made.wait_gone()
        finally:
            for made in left:
                if made.find() is not None:
                    made.patch(metadata={"finalizers": []})
            self.core.delete_namespace(self.namespace)
            self.api.close()  # type: ignore[no-untyped-call]
