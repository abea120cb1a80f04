"""How this process reaches the API server, and as whom: one answer for Kopf and for our own client.

`KUBECONFIG` when it is set; else the ServiceAccount of the pod; else the user's default kubeconfig. Tokens are read
again while the process runs: those of a ServiceAccount are replaced on disk every hour.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies_environment

import kopf
from kubernetes.aio import client, config

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LoginFailed", "connection_info", "load_configuration"]


class LoginFailed(Exception):
    """There are no usable credentials for the API server."""


async def load_configuration(environ: Mapping[str, str] = os.environ) -> Any:  # noqa: ANN401 - the client is untyped
    """Read the credentials. Raises `LoginFailed` naming what was tried."""
    configuration: Any = client.Configuration()
    # Else aiohttp looks for proxies and for a .netrc at every request, in a thread each time: a tenth of all the CPU.
    configuration.client_session_kwargs = {"trust_env": bool(getproxies_environment())}
    explicit = environ.get("KUBECONFIG")
    if not explicit and "KUBERNETES_SERVICE_HOST" in environ:
        try:
            load_incluster: Any = config.load_incluster_config
            load_incluster(client_configuration=configuration)
        except (config.ConfigException, OSError) as error:
            raise LoginFailed(
                f"the ServiceAccount of this pod cannot be used: {error}. Mount its token"
                " (automountServiceAccountToken) or set KUBECONFIG"
            ) from error
        return configuration
    try:
        load_file: Any = config.load_kube_config
        await load_file(config_file=explicit, client_configuration=configuration, persist_config=False)
    except (config.ConfigException, OSError, KeyError, ValueError) as error:
        where = f"KUBECONFIG={explicit}" if explicit else "the default kubeconfig (~/.kube/config)"
        raise LoginFailed(f"{where} cannot be used: {error}. Set KUBECONFIG to a valid file or run in a pod") from error
    return configuration


async def connection_info(configuration: Any) -> kopf.ConnectionInfo:  # noqa: ANN401 - the client is untyped
    """Say the same to Kopf, which has its own HTTP client."""
    authorization: str | None = await configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
    scheme, _, token = (authorization or "").rpartition(" ")
    return kopf.ConnectionInfo(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        username=configuration.username or None,
        password=configuration.password or None,
        scheme=scheme or None,
        token=token or None,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
    )
