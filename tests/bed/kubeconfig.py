"""Writes kubeconfig files that stand on their own: certificates and tokens are inside. JSON, which is YAML too."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path

from bed.pki import KeyPair

__all__ = ["client_certificate", "write_kubeconfig"]


def write_kubeconfig(file: Path, *, server: str, ca: Path, user: Mapping[str, str], namespace: str = "default") -> Path:
    """Write a kubeconfig with one context; `user` holds its credentials as kubeconfig names them."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "bed", "cluster": {"server": server, "certificate-authority-data": _encoded(ca)}}],
        "users": [{"name": "user", "user": dict(user)}],
        "contexts": [{"name": "bed", "context": {"cluster": "bed", "user": "user", "namespace": namespace}}],
        "current-context": "bed",
    }
    file.touch(mode=0o600)
    file.write_text(json.dumps(content, indent=2))
    return file


def client_certificate(pair: KeyPair) -> Mapping[str, str]:
    """Return the credentials of a client certificate."""
    return {"client-certificate-data": _encoded(pair.certificate), "client-key-data": _encoded(pair.key)}


def _encoded(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
