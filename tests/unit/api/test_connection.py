"""The Secret that names a vCenter: what is read, what is refused, and that the password never shows."""

from __future__ import annotations

import hashlib

import pytest

from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.connection import Connection, InvalidConnection, admits
from nested_hyperv.api.meta import ANNOTATION_ALLOWED_NAMESPACES

_DATA = {"server": "vcenter.example.com", "username": "operator@vsphere.local", "password": "s3cret!"}
_PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
_SHA256 = "ab" * 32


def test_three_keys_are_enough_and_the_certificate_is_verified() -> None:
    connection = Connection.from_secret(_DATA)
    assert (connection.host, connection.port, connection.username) == (
        "vcenter.example.com",
        443,
        "operator@vsphere.local",
    )
    assert connection.password.get_secret_value() == "s3cret!"
    assert connection.verify
    assert (connection.ca_certificates, connection.thumbprint) == (None, None)
    assert (connection.scope, connection.allow_adoption, connection.warnings) == ((), False, ())


@pytest.mark.parametrize(
    ("server", "host", "port"),
    [
        ("10.0.0.5", "10.0.0.5", 443),
        ("vc:8443", "vc", 8443),
        ("[fd00::1]", "fd00::1", 443),
        ("[fd00::1]:8989", "fd00::1", 8989),
        (" vc.lab\n", "vc.lab", 443),
        ("vc:65535", "vc", 65535),
    ],
)
def test_server_is_a_host_with_an_optional_port(server: str, host: str, port: int) -> None:
    connection = Connection.from_secret({**_DATA, "server": server})
    assert (connection.host, connection.port) == (host, port)


@pytest.mark.parametrize("server", ["https://vc.lab/sdk", "vc.lab/sdk", "vc:0", "vc:65536", "vc:", "a b", "fd00::1"])
def test_anything_else_as_server_is_refused_with_the_cure(server: str) -> None:
    with pytest.raises(InvalidConnection, match=r"key server is .* remove scheme and path"):
        Connection.from_secret({**_DATA, "server": server})


def test_server_that_may_hold_a_password_is_not_repeated() -> None:
    with pytest.raises(InvalidConnection) as refused:
        Connection.from_secret({**_DATA, "server": "https://root:hunter2@vc.lab"})
    assert "hunter2" not in str(refused.value)


def test_all_missing_keys_are_named_at_once() -> None:
    with pytest.raises(InvalidConnection) as refused:
        Connection.from_secret({"username": " ", "password": "\n"})
    assert len(refused.value.problems) == 3
    for key in ("server", "username", "password"):
        assert f"key {key} is missing or empty" in str(refused.value)
    assert refused.value.reason is Reason.CONNECTION_INVALID


def test_line_end_of_a_file_is_cut_from_the_password_and_nothing_else() -> None:
    connection = Connection.from_secret({**_DATA, "password": " pass word \r\n"})
    assert connection.password.get_secret_value() == " pass word "


@pytest.mark.parametrize("text", [_SHA256, _SHA256.upper(), ":".join(["AB"] * 32), f"SHA256:{_SHA256}", _SHA256 + "\n"])
def test_thumbprint_is_taken_with_and_without_colons(text: str) -> None:
    assert Connection.from_secret({**_DATA, "thumbprint": text}).thumbprint == _SHA256


@pytest.mark.parametrize("text", ["ab" * 31, "ab" * 33, "xy" * 32])
def test_thumbprint_that_is_no_sha256_is_refused(text: str) -> None:
    with pytest.raises(InvalidConnection, match=r"key thumbprint .* 64 hex digits"):
        Connection.from_secret({**_DATA, "thumbprint": text})


def test_sha1_thumbprint_is_refused_by_name() -> None:
    with pytest.raises(InvalidConnection, match="SHA-1"):
        Connection.from_secret({**_DATA, "thumbprint": ":".join(["AB"] * 20)})


def test_own_authority_is_kept() -> None:
    assert Connection.from_secret({**_DATA, "ca.crt": _PEM + "\n"}).ca_certificates == _PEM


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"ca.crt": "MIIB"}, "key ca.crt holds no PEM certificate"),
        ({"ca.crt": _PEM, "thumbprint": _SHA256}, "keys ca.crt and thumbprint exclude each other"),
        ({"ca.crt": _PEM, "insecureSkipTLSVerify": "true"}, "key insecureSkipTLSVerify is true although"),
        ({"thumbprint": _SHA256, "insecureSkipTLSVerify": "true"}, "key insecureSkipTLSVerify is true although"),
        ({"insecureSkipTLSVerify": "True"}, 'key insecureSkipTLSVerify is \'True\'; allowed are "true" and "false"'),
        ({"insecureSkipTLSVerify": "1"}, "key insecureSkipTLSVerify is '1'"),
        ({"allowAdoption": "yes"}, "key allowAdoption is 'yes'"),
        ({"scope": "dc1/vm"}, "key scope holds 'dc1/vm'"),
    ],
)
def test_refusal_names_the_key_and_the_cure(more: dict[str, str], says: str) -> None:
    with pytest.raises(InvalidConnection) as refused:
        Connection.from_secret({**_DATA, **more})
    assert says in str(refused.value)


def test_skipping_verification_needs_the_word_true_and_warns() -> None:
    connection = Connection.from_secret({**_DATA, "insecureSkipTLSVerify": "true"})
    assert not connection.verify
    assert any("not verified" in warning for warning in connection.warnings)
    assert Connection.from_secret({**_DATA, "insecureSkipTLSVerify": "false"}).verify


def test_unknown_key_is_ignored_and_named_in_a_warning() -> None:
    assert Connection.from_secret({**_DATA, "pasword": "x"}).warnings == ("key 'pasword' is not known and ignored",)


def test_scope_is_split_at_lines_and_commas() -> None:
    connection = Connection.from_secret({**_DATA, "scope": "/dc1/vm/lab/, /dc1/network\n\n/dc2/host/My Cluster\n"})
    assert connection.scope == ("/dc1/vm/lab", "/dc1/network", "/dc2/host/My Cluster")


def test_adoption_is_allowed_in_words_only() -> None:
    assert Connection.from_secret({**_DATA, "allowAdoption": "true"}).allow_adoption
    assert not Connection.from_secret({**_DATA, "allowAdoption": ""}).allow_adoption


def test_password_never_shows() -> None:
    connection = Connection.from_secret({**_DATA, "password": "s3cret!"})
    assert "s3cret!" not in f"{connection!r} {connection} {connection.model_dump_json()} {connection.session_key!r}"
    with pytest.raises(InvalidConnection) as refused:
        Connection.from_secret({"password": "s3cret!", "insecureSkipTLSVerify": "s3cret"})
    assert "s3cret!" not in str(refused.value)


def test_session_key_does_not_tell_the_digest_of_the_password() -> None:
    for digest in (hashlib.sha256, hashlib.sha512, hashlib.blake2b):
        assert digest(b"s3cret!").hexdigest() not in repr(Connection.from_secret(_DATA).session_key)


def test_equal_connections_share_a_session_whatever_they_may_be_used_for() -> None:
    first = Connection.from_secret({**_DATA, "scope": "/dc1"})
    second = Connection.from_secret({**_DATA, "server": "VCENTER.example.com:443", "allowAdoption": "true"})
    assert first.session_key == second.session_key
    assert len({first.session_key, second.session_key}) == 1


@pytest.mark.parametrize(
    "more",
    [
        {"server": "other.example.com"},
        {"server": "vcenter.example.com:8443"},
        {"username": "other@vsphere.local"},
        {"password": "other"},
        {"thumbprint": _SHA256},
        {"ca.crt": _PEM},
        {"insecureSkipTLSVerify": "true"},
    ],
)
def test_connections_that_differ_share_no_session(more: dict[str, str]) -> None:
    assert Connection.from_secret({**_DATA, **more}).session_key != Connection.from_secret(_DATA).session_key


@pytest.mark.parametrize(
    ("globs", "admitted", "refused"),
    [
        ("lab-*", ["lab-1", "lab-"], ["lab", "mylab-1"]),
        ("team-a, team-b", ["team-a", "team-b"], ["team-c", "team"]),
        ("team-a\nteam-?", ["team-b"], ["team-", "team-bc"]),
        ("*", ["anything"], []),
        ("", [], ["default"]),
        (" , ", [], ["default", ""]),
    ],
)
def test_annotation_admits_namespaces_by_glob(globs: str, admitted: list[str], refused: list[str]) -> None:
    annotations = {ANNOTATION_ALLOWED_NAMESPACES: globs}
    assert all(admits(annotations, namespace) for namespace in admitted)
    assert not any(admits(annotations, namespace) for namespace in refused)


def test_secret_without_the_annotation_admits_nobody() -> None:
    assert not admits({}, "default")
