"""The role that `docs/privileges.md` tells users to make, read from that page, so that tests run with exactly it."""

import re
from pathlib import Path

from bed.twin import Login, TwinControl

__all__ = ["NAME", "documented_privileges", "grant"]

NAME = "nested-lab"
_PAGE = Path(__file__).parents[2] / "docs" / "privileges.md"
_ROW = re.compile(r"^\| (`[A-Z][\w.]+`(?:, `[A-Z][\w.]+`)*) \|", re.MULTILINE)


def documented_privileges() -> list[str]:
    """Return the privileges of the page's table."""
    rows: list[str] = _ROW.findall(_PAGE.read_text(encoding="utf-8"))
    return [name for row in rows for name in re.findall(r"`([\w.]+)`", row)]


def grant(control: TwinControl, account: Login, *, on: str) -> None:
    """Make an account that may do what the page says, where it says: on a datacenter, and look at the root."""
    control.user(account, groups=[])
    control.role(NAME, documented_privileges())
    control.permission(account, "ReadOnly", propagate=False)
    control.permission(account, NAME, on=on)
