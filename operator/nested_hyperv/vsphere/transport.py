"""HTTPS to one vCenter: who is at the other end, how long to wait for it, and how to hang up.

pyVmomi's own connection is not used because it checks a thumbprint only after the certificate store has refused the
certificate, then leaves verification off for all later connections, and knows no connect timeout. Here every single
connection, also one that replaces a dropped one, is verified before a byte of a request is sent.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import select
import socket
import ssl
import threading
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyVmomi import SoapStubAdapter

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Blocked

if TYPE_CHECKING:
    from nested_hyperv.api.connection import Connection
    from nested_hyperv.vsphere.tuning import Tuning

__all__ = ["CertificateMismatch", "Channel", "Endpoint", "NotConnected", "endpoint_for"]

#: Shorter than the idle time after which proxies in front of vCenter hang up.
_POOL_IDLE = 45.0


#: pyVmomi has types for its data objects, none for its adapter.
_Adapter: Any = SoapStubAdapter


class NotConnected(OSError):
    """No connection came about, so nothing was sent. The cause says why."""


class CertificateMismatch(ssl.SSLError):
    """The certificate is not the one that the thumbprint names."""

    def __init__(self, *, seen: str, wanted: str) -> None:
        super().__init__(f"SHA-256 thumbprint is {_pairs(seen)}, wanted {_pairs(wanted)}")
        self.seen = _pairs(seen)
        self.wanted = _pairs(wanted)


def _pairs(digest: str) -> str:
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2)).upper()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a vCenter is and how it proves to be it. ``thumbprint`` is the SHA-256 digest of its certificate."""

    host: str
    port: int
    context: ssl.SSLContext = field(repr=False)
    thumbprint: str | None
    connect_timeout: float

    @property
    def server(self) -> str:
        """The address as it stands in messages."""
        return self.host if self.port == 443 else f"{self.host}:{self.port}"  # noqa: PLR2004 (the port of https)


def endpoint_for(connection: Connection, tuning: Tuning) -> Endpoint:
    """Choose how to verify: system trust or ``ca.crt``, a thumbprint instead, or nothing if asked for in words."""
    return Endpoint(
        host=connection.host,
        port=connection.port,
        context=_context(connection),
        thumbprint=connection.thumbprint,
        connect_timeout=tuning.connect_timeout,
    )


def _context(connection: Connection) -> ssl.SSLContext:
    if connection.thumbprint or not connection.verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        context = ssl.create_default_context(cadata=connection.ca_certificates)
    except ssl.SSLError as error:
        raise Blocked(
            Reason.CONNECTION_INVALID,
            f"Key ca.crt of the connection Secret holds no readable certificate ({error.reason or error}). "
            "Put the PEM blocks there that vCenter offers under https://<server>/certs/download.zip.",
        ) from error
    # The same on every Python: an intermediate or the certificate itself may be the anchor, and the roots that older
    # vCenters made for themselves lack extensions that Python 3.13's strict mode asks for.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


class _VerifiedConnection(http.client.HTTPSConnection):
    """One connection that is connected only once its peer is verified."""

    def __init__(self, endpoint: Endpoint, read_timeout: float, hangup: _Hangup) -> None:
        super().__init__(endpoint.host, endpoint.port, timeout=read_timeout, context=endpoint.context)
        self._endpoint = endpoint
        self._read_timeout = read_timeout
        self._hangup = hangup
        self.pooled = False

    def connect(self) -> None:
        """Connect, shake hands and compare the thumbprint; anything else than success is ``NotConnected``."""
        raw: socket.socket | None = None
        try:
            self._hangup.check()
            raw = socket.create_connection((self._endpoint.host, self._endpoint.port), self._endpoint.connect_timeout)
            _detect_dead_peer(raw)
            raw = self._endpoint.context.wrap_socket(raw, server_hostname=self._endpoint.host)
            self._compare_thumbprint(raw)
            raw.settimeout(self._read_timeout)
            self._hangup.add(raw)
        except OSError as error:
            if raw is not None:
                raw.close()
            raise NotConnected(str(error)) from error
        self.sock = raw

    def _compare_thumbprint(self, sock: ssl.SSLSocket) -> None:
        wanted = self._endpoint.thumbprint
        if wanted is None:
            return
        seen = hashlib.sha256(sock.getpeercert(binary_form=True) or b"").hexdigest()
        if not hmac.compare_digest(seen, wanted):
            raise CertificateMismatch(seen=seen, wanted=wanted)

    def dropped(self) -> bool:
        """Whether the peer has hung up on an idle connection (then a call over it would end in doubt)."""
        if not self.pooled or self.sock is None:
            return False
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return bool(poll.poll(0))


def _detect_dead_peer(sock: socket.socket) -> None:
    """Let the kernel notice within a minute that the other end is gone, also during the silence of a long poll."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 20), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):  # macOS has other names for them
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class _Hangup:
    """Wakes threads that sit in a socket of one channel, and keeps them from making new ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._closed = False

    def check(self) -> None:
        if self._closed:
            raise ConnectionAbortedError("the connection was closed by this program")

    def add(self, sock: socket.socket) -> None:
        with self._lock:
            self._sockets.add(sock)
            closed = self._closed
        if closed:
            self.check()

    def now(self) -> None:
        with self._lock:
            self._closed = True
            sockets = list(self._sockets)
        for sock in sockets:
            # Only the file descriptor is shut down: the thread that reads from it sees the end and closes it itself.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


class Channel(_Adapter):  # type: ignore[misc] # a base without types
    """pyVmomi's stub over verified connections. Threads may share it; it holds at most ``size`` idle connections."""

    def __init__(self, endpoint: Endpoint, *, version: str, read_timeout: float, size: int, cookie: str = "") -> None:
        super().__init__(
            host=endpoint.host,
            port=endpoint.port,
            version=version,
            poolSize=size,
            connectionPoolTimeout=_POOL_IDLE,
            # Answers stay inside a data centre: packing them costs both ends more than it saves the wire.
            acceptCompressedResponses=False,
        )
        self._endpoint = endpoint
        self._read_timeout = read_timeout
        self._hangup = _Hangup()
        self.cookie = cookie
        self.scheme = self._open
        self.schemeArgs: dict[str, Any] = {}

    def _open(self, host: str, port: int) -> _VerifiedConnection:  # noqa: ARG002 (called by pyVmomi with both)
        return _VerifiedConnection(self._endpoint, self._read_timeout, self._hangup)

    def GetConnection(self) -> Any:  # noqa: N802 (pyVmomi's name)
        """Return a connection that is usable as far as can be seen without sending."""
        while True:
            connection = super().GetConnection()
            if not connection.dropped():
                return connection
            connection.close()

    def ReturnConnection(self, conn: Any) -> None:  # noqa: N802 (pyVmomi's name)
        """Put a connection back into the pool."""
        conn.pooled = True
        super().ReturnConnection(conn)

    def hang_up(self) -> None:
        """Break every connection now, waking the threads that wait for an answer, and allow no new one."""
        self._hangup.now()
        self.DropConnections()
