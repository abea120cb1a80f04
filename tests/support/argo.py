"""Runs an Argo CD health script in the sandbox that Argo CD runs it in.

Argo CD interprets Lua 5.1 and opens only the base, package and table libraries (and a reduced os, which no health
script needs). Its own test runner opens all of them, so a script that calls ``string.find`` passes there and fails in
production. This sandbox takes away what production does not have.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from lupa.lua51 import LuaRuntime

__all__ = ["Health", "assess"]

_REMOVE = """
getmetatable('').__index = nil
for _, name in ipairs({
  'string', 'math', 'io', 'os', 'debug', 'coroutine', 'dofile', 'loadfile', 'python', 'bit', 'jit', 'ffi',
}) do
  _G[name] = nil
  package.loaded[name] = nil
  package.preload[name] = nil
end
"""
STATUSES = frozenset({"Healthy", "Progressing", "Degraded", "Suspended"})
"""What Argo CD accepts; everything else becomes Unknown."""


class Health(NamedTuple):
    """What a health script says of an object."""

    status: str
    message: str


def assess(script: str, document: Mapping[str, Any]) -> Health:
    """Run a health script over an object."""
    lua = LuaRuntime(unpack_returned_tuples=True, register_eval=False, register_builtins=False)
    lua.execute(_REMOVE)
    lua.globals().obj = lua.table_from(document, recursive=True)
    answer = lua.execute(script)
    if answer is None:
        raise AssertionError("the script returned nothing: Argo CD would show no health at all")
    health = Health(answer.status, answer.message)
    if health.status not in STATUSES:
        raise AssertionError(f"{health.status!r} is no health status of Argo CD")
    return health
