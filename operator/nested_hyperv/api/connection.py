"""The Secret that names a vCenter, as one validated value.

Reads text only; opens no connection and no certificate store. The password is held as `SecretStr`: it never shows in
repr, logs or messages. Two connections with equal `session_key` may share one vCenter session.
"""

import fnmatch
import hashlib
import re
import secrets
from collections.abc import Mapping
from functools import cached_property
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, SecretStr

from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.meta import ANNOTATION_ALLOWED_NAMESPACES

KEYS: Final = {
    "server": "host name or address of vCenter, with an optional :port",
    "username": "account, such as operator@vsphere.local",
    "password": "password of the account",
    "ca.crt": "PEM certificates that the certificate of vCenter must chain to",
    "thumbprint": "SHA-256 thumbprint of the certificate of vCenter, as hex with or without colons",
    "insecureSkipTLSVerify": '"true" in words: do not verify the certificate',
    "scope": "inventory paths that may be used, one per line or separated by commas; unset: everything",
    "allowAdoption": '"true": existing objects may be adopted',
}
"""Every key that is read, with its meaning."""

_SERVER: Final = re.compile(r"^(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?$")
_PROCESS_KEY: Final = secrets.token_bytes(32)
"""Digests of passwords are good for comparison in this process, and useless to somebody who reads them in a dump."""
_PORT_MAX: Final = 65535
_SHA1_DIGITS: Final = 40
_THUMBPRINT: Final = re.compile(r"^[0-9a-f]{64}$")


class InvalidConnection(ValueError):
    """A connection Secret that cannot be used; the message names every key and never a value that is secret."""

    reason = Reason.CONNECTION_INVALID

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problems))


class SessionKey(NamedTuple):
    """What must be equal for two connections to share a session. Holds a digest, never the password."""

    host: str
    port: int
    username: str
    credential: str
    tls: str


class Connection(BaseModel):
    """One vCenter, one account, and what it may be used for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str
    port: int
    username: str
    password: SecretStr
    ca_certificates: str | None = None
    thumbprint: str | None = None
    verify: bool = True
    scope: tuple[str, ...] = ()
    allow_adoption: bool = False
    warnings: tuple[str, ...] = ()

    @cached_property
    def session_key(self) -> SessionKey:
        """Equal for connections that may share one session."""
        credential = hashlib.blake2b(self.password.get_secret_value().encode(), key=_PROCESS_KEY).hexdigest()
        tls = hashlib.sha256(repr((self.verify, self.thumbprint, self.ca_certificates)).encode()).hexdigest()
        return SessionKey(self.host.lower(), self.port, self.username, credential, tls)

    @classmethod
    def from_secret(cls, data: Mapping[str, str]) -> "Connection":
        """Read the decoded data of a connection Secret; raises `InvalidConnection`."""
        problems: list[str] = []
        warnings = [f"key {key!r} is not known and ignored" for key in sorted(set(data) - set(KEYS))]
        values = {key: data[key].strip() for key in KEYS if key in data and key != "password"}

        host, port = _server(values.get("server", ""), problems)
        username = values.get("username", "")
        if not username:
            problems.append(f"key username is missing or empty: set it to the {KEYS['username']}")
        # Only a line end is cut: `kubectl create secret --from-file` keeps the one of the editor.
        password = data.get("password", "").rstrip("\r\n")
        if not password:
            problems.append(f"key password is missing or empty: set it to the {KEYS['password']}")

        ca_certificates = values.get("ca.crt") or None
        if ca_certificates is not None and "-----BEGIN CERTIFICATE-----" not in ca_certificates:
            problems.append("key ca.crt holds no PEM certificate: put -----BEGIN CERTIFICATE----- blocks there")
        thumbprint = _thumbprint(values.get("thumbprint", ""), problems)
        skip = _boolean("insecureSkipTLSVerify", values, problems)
        if ca_certificates and thumbprint:
            problems.append("keys ca.crt and thumbprint exclude each other: remove one of them")
        if skip and (ca_certificates or thumbprint):
            problems.append(
                "key insecureSkipTLSVerify is true although ca.crt or thumbprint is set: remove one of them"
            )
        if skip:
            warnings.append("the certificate of vCenter is not verified (insecureSkipTLSVerify)")
        scope = _scope(values.get("scope", ""), problems)
        allow_adoption = _boolean("allowAdoption", values, problems)
        if problems:
            raise InvalidConnection(problems)
        return cls(
            host=host,
            port=port,
            username=username,
            password=SecretStr(password),
            ca_certificates=ca_certificates,
            thumbprint=thumbprint,
            verify=not skip,
            scope=scope,
            allow_adoption=allow_adoption,
            warnings=tuple(warnings),
        )


def admits(annotations: Mapping[str, str], namespace: str) -> bool:
    """Whether a connection Secret lets resources of another namespace use it."""
    globs = re.split(r"[,\s]+", annotations.get(ANNOTATION_ALLOWED_NAMESPACES, ""))
    return any(fnmatch.fnmatchcase(namespace, glob) for glob in globs if glob)


def _server(text: str, problems: list[str]) -> tuple[str, int]:
    if not text:
        problems.append(f"key server is missing or empty: set it to the {KEYS['server']}")
        return "", 0
    match = _SERVER.match(text)
    port = int(match["port"] or 443) if match else 0
    # Who writes user:password@host here shall not find it in status.
    shown = repr(text) if "@" not in text else "a text with @"
    if match is None or not 1 <= port <= _PORT_MAX:
        problems.append(
            f"key server is {shown}; allowed is the {KEYS['server']}: remove scheme and path, such as"
            " vcenter.example.com or vcenter.example.com:8443"
        )
        return "", 0
    return match["host"].strip("[]"), port


def _thumbprint(text: str, problems: list[str]) -> str | None:
    if not text:
        return None
    plain = text.lower().removeprefix("sha256:").replace(":", "")
    if _THUMBPRINT.match(plain):
        return plain
    hint = " (40 digits are SHA-1, which is not accepted)" if len(plain) == _SHA1_DIGITS else ""
    problems.append(
        f"key thumbprint has {len(plain)} characters; allowed are 64 hex digits, with or without colons{hint}: print it"
        " with openssl x509 -noout -fingerprint -sha256"
    )
    return None


def _boolean(key: str, values: Mapping[str, str], problems: list[str]) -> bool:
    text = values.get(key, "false")
    if text not in ("true", "false", ""):
        problems.append(f'key {key} is {text!r}; allowed are "true" and "false"')
    return text == "true"


def _scope(text: str, problems: list[str]) -> tuple[str, ...]:
    paths = tuple(path.strip().rstrip("/") for path in re.split(r"[,\n]", text) if path.strip())
    problems.extend(
        f"key scope holds {path!r}; allowed are inventory paths from the root folder: start it with / and the"
        " datacenter, such as /dc1/vm/lab"
        for path in paths
        if not path.startswith("/")
    )
    return paths
