"""Somebody who may do nothing but what a test allows: the login, and how a call is refused."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from collections.abc import Callable
from typing import Any

import pytest
from pyVmomi import vim

from bed.lab import Lab
from bed.soap import message_of, moid
from bed.twin import Login

__all__ = ["EVE", "denied", "own"]

EVE = Login("eve@lab.example", "eve-password", "LAB.EXAMPLE\\eve")


def denied(call: Callable[[], Any]) -> Any:
    """Return the NoPermission that a call raises at once."""
    with pytest.raises(vim.fault.NoPermission) as caught:
        call()
    assert not isinstance(caught.value, vim.fault.NotAuthenticated)
    assert message_of(caught.value) == "Permission to perform this operation was denied."
    return caught.value


def own(eve: Lab, entity: Any) -> Any:
    """Return the same object through the other login."""
    return type(entity)(moid(entity), eve.instance._stub)  # noqa: SLF001 - how pyVmomi names an object
