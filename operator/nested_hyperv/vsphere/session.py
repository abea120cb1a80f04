"""One login to a vCenter: from the first byte to the logout. Blocking; runs in the threads of its connection.

A session is never repaired. When the server has ended it, a new one is made, and everything that lived in the old
one (views, filters, collectors) is made again. All of a session's channels carry its one cookie.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pyVmomi import VmomiSupport, vim, vmodl

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Blocked
from nested_hyperv.domain.inventory import MoRef, VCenterAbout
from nested_hyperv.telemetry.context import operation_id
from nested_hyperv.vsphere.faults import CONNECTION_ERRORS, Call, refused_login, translate
from nested_hyperv.vsphere.refs import managed
from nested_hyperv.vsphere.transport import Channel, Endpoint

if TYPE_CHECKING:
    from nested_hyperv.api.connection import Connection
    from nested_hyperv.vsphere.tuning import Tuning

__all__ = ["OLDEST", "Session", "Version", "best_version", "first_channel", "log_in", "name_operation"]

_log = logging.getLogger(__name__)

Version = tuple[int, ...]

#: The first release with ``macManagementPolicy`` and ``macLearningSupported``.
OLDEST: Final[Version] = (6, 7)
_FIRST_WORDS: Final = "vim.version.version12"  # vim25/6.7: understood by every server that we can use
_VCENTER: Final = "VirtualCenter"  # ``about.apiType``; a host without one says HostAgent
_NUMBERED: Final = re.compile(r"^vim25/(\d+(?:\.\d+)*)$")


@dataclass(slots=True)
class Session:
    """What a login gave. ``version`` is the newest API version that both sides know."""

    about: VCenterAbout
    version: Version
    content: Any
    endpoint: Endpoint
    calls: Channel

    def channel(self, *, read_timeout: float) -> Channel:
        """Return one more connection within this session, with a patience of its own."""
        return Channel(
            self.endpoint, version=self.calls.version, read_timeout=read_timeout, size=1, cookie=self.calls.cookie
        )

    def object(self, ref: MoRef) -> Any:
        """Return a managed object that calls through this session."""
        return managed(ref, self.calls)

    def keep_alive(self) -> None:
        """Tell the server that the session is in use."""
        vim.ServiceInstance("ServiceInstance", self.calls).CurrentTime()

    def log_out(self) -> None:
        """End the session on the server; the server does it by itself later if it cannot be told."""
        try:
            self.content.sessionManager.Logout()
        except vim.fault.NotAuthenticated:
            _log.debug("The session had ended before the logout.")
        except (vmodl.MethodFault, *CONNECTION_ERRORS) as error:
            _log.info("Could not log out of %s: %s", self.about.name, translate(error, Call("Logout", self.about.name)))
        finally:
            self.calls.hang_up()


def name_operation() -> None:
    """Send the name of the current work with every call of this thread; vCenter writes it into its logs."""
    VmomiSupport.GetRequestContext()["operationID"] = operation_id.get()


def best_version(offered: str) -> tuple[str, Version]:
    """Choose pyVmomi's newest version that is not newer than the server's ``about.apiVersion``."""
    # Some servers leave zeros at the end away: 8.0 is 8.0.0.0.
    server = (*(int(part) for part in re.findall(r"\d+", offered)), 0, 0, 0)
    known = sorted(
        (tuple(int(part) for part in match[1].split(".")), version)
        for name, version in VmomiSupport.versionMap.items()
        if (match := _NUMBERED.match(name))
    )
    usable = [entry for entry in known if OLDEST <= entry[0] <= server]
    if not usable:
        raise Blocked(
            Reason.CONNECTION_INVALID,
            f"The server offers vSphere API {offered}; 6.7 or newer is needed. Upgrade vCenter.",
        )
    number, version = usable[-1]
    return version, number


def first_channel(endpoint: Endpoint, tuning: Tuning) -> Channel:
    """Return the connection to log in over."""
    return Channel(endpoint, version=_FIRST_WORDS, read_timeout=tuning.read_timeout, size=tuning.threads)


def log_in(calls: Channel, endpoint: Endpoint, connection: Connection) -> Session:
    """Connect, verify the peer, agree on a version and log in. Raises errors of the domain only."""
    name_operation()
    try:
        return _log_in(calls, endpoint, connection)
    except BaseException:
        calls.hang_up()
        raise


def _log_in(calls: Channel, endpoint: Endpoint, connection: Connection) -> Session:
    step = Call("RetrieveServiceContent", endpoint.server)
    try:
        content = vim.ServiceInstance("ServiceInstance", calls).RetrieveServiceContent()
    except Exception as error:
        raise translate(error, step) from error
    about = content.about
    version, number = best_version(about.apiVersion)
    calls.ComputeVersionInfo(version)
    step = Call("Login", endpoint.server)
    try:
        user = content.sessionManager.Login(connection.username, connection.password.get_secret_value(), "en_US")
    except Exception as error:
        raise refused_login(error, step, connection.username) from error
    _log.info("Logged in to %s (%s) as %s, API %s", endpoint.server, about.fullName, user.userName, version)
    step = Call("RetrieveProperties", endpoint.server)
    try:
        identity = about.instanceUuid if about.apiType == _VCENTER else _host_identity(content)
    except Exception as error:
        raise translate(error, step) from error
    return Session(
        about=VCenterAbout(instance_uuid=identity, name=endpoint.server, version=about.version, user=user.userName),
        version=number,
        content=content,
        endpoint=endpoint,
        calls=calls,
    )


def _host_identity(content: Any) -> str:
    """Return what tells a stand-alone ESXi host from all others: it has no instance UUID, its hardware has one."""
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.HostSystem], True)
    try:
        (host,) = view.view
        return str(host.summary.hardware.uuid)
    finally:
        view.DestroyView()
