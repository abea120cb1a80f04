"""Every connection is verified before a byte of a request is sent, also the one that replaces another."""

import contextlib
import hashlib
import http.client
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bed.pki import Authority, KeyPair
from bed.waiting import wait_for
from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.connection import Connection
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.vsphere.transport import CertificateMismatch, Channel, NotConnected, endpoint_for
from nested_hyperv.vsphere.tuning import Tuning

_TUNING = Tuning(connect_timeout=5.0)


class Server:
    """A TLS server that answers each request with one line, and keeps what it was told."""

    def __init__(self, pair: KeyPair) -> None:
        self.told: list[bytes] = []
        self.answers = True
        self.use(pair)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def use(self, pair: KeyPair) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pair.certificate, pair.key)

    def hang_up(self) -> None:
        for each in self._open:
            # Not closed here: a close waits for the thread that reads from it, and gives its number away meanwhile.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)
        self._open.clear()

    def close(self) -> None:
        self._socket.close()
        self.hang_up()

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        try:
            with self._context.wrap_socket(raw, server_side=True) as tls:
                self._open.append(tls)
                while (request := _request(tls)) is not None:
                    self.told.append(request)
                    if self.answers:
                        tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except OSError:
            return


def _request(tls: ssl.SSLSocket) -> bytes | None:
    """One whole request (its body may come after its head), or what the peer has sent when it hangs up."""
    data = b""
    while not _whole(data):
        received = tls.recv(65536)
        if not received:
            return data or None
        data += received
    return data


def _whole(data: bytes) -> bool:
    head, end, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "lab")


@pytest.fixture
def server(authority: Authority) -> Iterator[Server]:
    server = Server(authority.server("first", ["127.0.0.1"]))
    yield server
    server.close()


def digest(pair: KeyPair) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pair.certificate.read_text())).hexdigest()


def channel(server: Server, *, read_timeout: float = 5.0, **tls: str | bool | None) -> Channel:
    fields: dict[str, object] = {"host": "127.0.0.1", "port": server.port, "username": "u"}
    connection = Connection.model_validate({**fields, "password": SecretStr("p"), **tls})
    return Channel(endpoint_for(connection, _TUNING), version="vim.version.v8_0_3_0", read_timeout=read_timeout, size=2)


def ask(stub: Channel) -> bytes:
    """One request over a pooled connection, the way pyVmomi makes it."""
    connection = stub.GetConnection()
    connection.request("POST", "/sdk", b"secret")
    answer: bytes = connection.getresponse().read()
    stub.ReturnConnection(connection)
    return answer


def until_dropped(stub: Channel) -> None:
    """Wait until it can be seen from here that the peer has closed the pooled connection."""
    pooled = stub.pool[0][0]
    wait_for(pooled.dropped, "the end of the pooled connection")


def test_a_chain_to_the_given_authority_is_trusted(server: Server, authority: Authority) -> None:
    assert ask(channel(server, ca_certificates=authority.certificate.read_text())) == b"ok"


def test_system_trust_is_the_default_and_does_not_know_this_server(server: Server) -> None:
    with pytest.raises(NotConnected) as caught:
        ask(channel(server))
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
    assert server.told == []


def test_a_certificate_for_another_name_is_refused(authority: Authority) -> None:
    server = Server(authority.server("other", ["vcenter.lab.example"]))
    with pytest.raises(NotConnected):
        ask(channel(server, ca_certificates=authority.certificate.read_text()))
    assert server.told == []
    server.close()


def test_the_thumbprint_is_compared_although_the_system_would_trust_the_certificate(
    server: Server, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    # pyVmomi's own check happens only after the trust store has refused the certificate.
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    assert ask(channel(server)) == b"ok"
    server.told.clear()
    with pytest.raises(NotConnected) as caught:
        ask(channel(server, thumbprint="00" * 32))
    assert isinstance(caught.value.__cause__, CertificateMismatch)
    assert server.told == []


def test_the_thumbprint_is_compared_on_every_connection(server: Server, authority: Authority) -> None:
    first, second = authority.server("first", ["127.0.0.1"]), authority.server("second", ["127.0.0.1"])
    server.use(first)
    stub = channel(server, thumbprint=digest(first))
    assert ask(stub) == b"ok"
    server.use(second)
    server.hang_up()
    until_dropped(stub)
    server.told.clear()
    with pytest.raises(NotConnected) as caught:
        ask(stub)
    assert isinstance(caught.value.__cause__, CertificateMismatch)
    assert server.told == []


def test_a_connection_that_the_peer_has_closed_is_replaced_before_it_is_used(
    server: Server, authority: Authority
) -> None:
    stub = channel(server, ca_certificates=authority.certificate.read_text())
    assert ask(stub) == b"ok"
    server.hang_up()
    until_dropped(stub)
    assert ask(stub) == b"ok"


def test_silence_ends_after_the_read_timeout(server: Server, authority: Authority) -> None:
    server.answers = False
    with pytest.raises(TimeoutError):
        ask(channel(server, ca_certificates=authority.certificate.read_text(), read_timeout=0.2))


def test_hanging_up_wakes_who_waits_and_allows_no_new_connection(server: Server, authority: Authority) -> None:
    server.answers = False
    stub = channel(server, ca_certificates=authority.certificate.read_text(), read_timeout=60.0)
    outcome: list[BaseException] = []

    def wait() -> None:
        try:
            ask(stub)
        except (OSError, http.client.HTTPException) as error:
            outcome.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    while not server.told:
        thread.join(0.01)
    stub.hang_up()
    thread.join(5)
    assert not thread.is_alive()
    assert outcome
    with pytest.raises(NotConnected):
        ask(stub)


def test_an_unreadable_authority_blocks_with_the_cure() -> None:
    garbage = "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"
    connection = Connection(host="h", port=443, username="u", password=SecretStr("p"), ca_certificates=garbage)
    with pytest.raises(Blocked, match=r"ca\.crt") as caught:
        endpoint_for(connection, _TUNING)
    assert caught.value.reason is Reason.CONNECTION_INVALID


def test_no_password_and_no_key_shows_in_what_is_printed() -> None:
    connection = Connection(host="h", port=8443, username="u", password=SecretStr("very secret"))
    endpoint = endpoint_for(connection, _TUNING)
    assert "very secret" not in repr(endpoint)
    assert endpoint.server == "h:8443"
