"""Which vCenter to ask, where in it, and that this is meant: read from the environment, or refused with every reason.

Nothing is guessed. A server is asked only when the scratch folder and the scratch switch are named, and the server's
name is typed a second time.
"""

import contextlib
import hashlib
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vmodl

from bed.soap import message_of

__all__ = ["VARIABLES", "RefusedError", "Target", "connect"]

VARIABLES: Mapping[str, str] = {
    "VERIFY_SERVER": "the vCenter: name, or name:port",
    "VERIFY_USER": "login name",
    "VERIFY_PASSWORD": "its password",
    "VERIFY_CA": "file with the certificate authority to trust; unset: the system's",
    "VERIFY_THUMBPRINT": "SHA-256 thumbprint of the server's certificate, instead of VERIFY_CA",
    "VERIFY_FOLDER": "inventory path of a folder for machines: /Datacenter/vm/scratch",
    "VERIFY_SWITCH": "inventory path of a distributed switch: /Datacenter/network/scratch-switch",
    "VERIFY_POOL": "inventory path of a resource pool: /Datacenter/host/Cluster/Resources/scratch",
    "VERIFY_DATASTORE": "inventory path of a datastore: /Datacenter/datastore/scratch",
    "VERIFY_HOST": "inventory path of a host whose standard switches may be added to; unset: those rules are not asked",
    "VERIFY_CONFIRM": "the value of VERIFY_SERVER once more",
}
"""What is read, and what each is for."""

_OPTIONAL = {"VERIFY_CA", "VERIFY_THUMBPRINT", "VERIFY_HOST"}
_HTTPS = 443
_CONNECT_SECONDS = 30


class RefusedError(Exception):
    """Nothing was done. Holds every reason, each with its cure."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True)
class Target:
    """A server, a login and the paths of the scratch place; the members are the variables without VERIFY_."""

    server: str
    user: str
    password: str = field(repr=False)
    folder: str
    switch: str
    pool: str
    datastore: str
    host: str = ""
    ca: str = ""
    thumbprint: str = ""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Target":
        """Read the variables; RefusedError names all that is missing or wrong."""
        given = {name: environment.get(name, "").strip() for name in VARIABLES}
        reasons = [
            f"{name} is not set: {what}."
            for name, what in VARIABLES.items()
            if name not in _OPTIONAL and not given[name]
        ]
        confirmed = given.pop("VERIFY_CONFIRM")
        if confirmed and confirmed != given["VERIFY_SERVER"]:
            reasons.append(
                f"VERIFY_CONFIRM is {confirmed!r} and VERIFY_SERVER is {given['VERIFY_SERVER']!r}. "
                "Machines and port groups will be made there: set both to the same name if this is meant."
            )
        if given["VERIFY_CA"] and given["VERIFY_THUMBPRINT"]:
            reasons.append("VERIFY_CA and VERIFY_THUMBPRINT are both set: keep one.")
        if given["VERIFY_CA"] and not Path(given["VERIFY_CA"]).is_file():
            reasons.append(f"VERIFY_CA is {given['VERIFY_CA']!r}, which is no file: name a PEM file.")
        if given["VERIFY_SERVER"] and not _has_good_address(given["VERIFY_SERVER"]):
            reasons.append(f"VERIFY_SERVER is {given['VERIFY_SERVER']!r}: give a name, or name:port, and no more.")
        if reasons:
            raise RefusedError(*reasons)
        return cls(**{name.removeprefix("VERIFY_").lower(): value for name, value in given.items()})

    @property
    def address(self) -> tuple[str, int]:
        """Host name and port."""
        parts = urlsplit(f"//{self.server}")
        return parts.hostname or "", parts.port or _HTTPS


def _has_good_address(server: str) -> bool:
    parts = urlsplit(f"//{server}")
    try:
        port = parts.port
    except ValueError:
        return False
    return parts.netloc == server and bool(parts.hostname) and "@" not in server and port != 0


@contextlib.contextmanager
def connect(target: Target) -> Iterator[Any]:
    """Log in; yields the ServiceInstance and logs out at the end. RefusedError when there is no way in."""
    host, port = target.address
    try:
        context = _trust(target)
        instance = SmartConnect(
            host=host,
            port=port,
            user=target.user,
            pwd=target.password,
            sslContext=context,
            httpConnectionTimeout=_CONNECT_SECONDS,
        )
    except ssl.SSLError as error:
        cure = "Set VERIFY_CA or VERIFY_THUMBPRINT to what the server really has."
        raise RefusedError(f"VERIFY_SERVER {target.server} does not prove who it is: {error}. {cure}") from error
    except vmodl.MethodFault as error:
        cure = "Check VERIFY_USER and VERIFY_PASSWORD."
        raise RefusedError(f"{target.server} does not let {target.user} in: {message_of(error)} {cure}") from error
    except OSError as error:
        raise RefusedError(f"VERIFY_SERVER {target.server} cannot be reached: {error}.") from error
    try:
        yield instance
    finally:
        with contextlib.suppress(vmodl.fault.SecurityError, OSError):  # the session or the server is gone
            Disconnect(instance)


def _trust(target: Target) -> ssl.SSLContext:
    if not target.thumbprint:
        return ssl.create_default_context(cafile=target.ca or None)
    # The certificate that has the thumbprint becomes the only one that is trusted, so that no later connection can
    # meet another.
    certificate = ssl.get_server_certificate(target.address, timeout=_CONNECT_SECONDS)
    seen = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest()
    if seen != target.thumbprint.replace(":", "").lower():
        raise ssl.SSLError(f"the SHA-256 thumbprint of its certificate is {seen}, not {target.thumbprint}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=certificate)
    return context
