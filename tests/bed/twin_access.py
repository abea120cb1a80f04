"""The part of the control API that says who may log in, how long a session lives, and who may do what."""

from collections.abc import Mapping, Sequence
from typing import Any

from bed.twin_records import Login
from bed.twin_wire import Wire

__all__ = ["AccessControl"]


class AccessControl(Wire):
    """Logins, limits of sessions, roles and permissions, as an administrator would have set them up."""

    def user(self, login: Login, *, groups: Sequence[str] | None = None) -> Login:
        """Add a login and return it.

        Args:
            login: Who.
            groups: Its groups; None makes it an administrator, none at all somebody without any role.
        """
        body: dict[str, Any] = {"name": login.name, "password": login.password}
        if groups is not None:
            body["groups"] = list(groups)
        self._post("users", body)
        return login

    def role(self, name: str, privileges: Sequence[str]) -> int:
        """Make a role or replace its privileges; return its id."""
        return int(self._post("roles", {"name": name, "privileges": list(privileges)})["id"])

    def permission(
        self, principal: Login | str, role: str, *, on: str = "", propagate: bool = True, group: bool = False
    ) -> None:
        """Give a role on an object, or on the root; an empty role takes the permission away."""
        name = principal.name if isinstance(principal, Login) else principal
        self._post(
            "permissions", {"principal": name, "role": role, "object": on, "propagate": propagate, "group": group}
        )

    def permissions(self) -> list[Mapping[str, Any]]:
        """Return all permissions."""
        return list(self._request("GET", "permissions"))

    def session_limits(
        self, *, idle_seconds: float | None = None, lifetime_seconds: float | None = None, maximum: int | None = None
    ) -> Mapping[str, float]:
        """Limit the sessions' idling, their age and their number (0: no limit); return all three."""
        body = {"idleSeconds": idle_seconds, "lifetimeSeconds": lifetime_seconds, "max": maximum}
        return dict(self._post("sessions/limits", {name: value for name, value in body.items() if value is not None}))
