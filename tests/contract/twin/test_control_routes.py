"""The control API, its description and its typed client know the same routes."""

import ast
import inspect
import re
import subprocess
from pathlib import Path

import pytest

from bed import twin_control, twin_trouble, twin_wire, twin_world
from bed.toolchain.cache import ROOT
from bed.twin import Twin, program

pytestmark = pytest.mark.infrastructure("the control API")

README = ROOT / "tests/bed/vcenter/README.md"


def _described() -> set[str]:
    """Return the routes of the README's table: a row names one path and one or more methods."""
    routes: set[str] = set()
    for row in re.findall(r"^\| (`(?:GET|POST|DELETE)\b.*?) \|", README.read_text(), re.MULTILINE):
        path = re.search(r"/v1/[a-z/-]+", row)
        assert path, row
        routes |= {f"{method} {path[0]}" for method in re.findall(r"\b(GET|POST|DELETE)\b", row)}
    return routes


def _called() -> set[str]:
    """Return the routes that the client calls: the constant beginnings of its `_post` and `_request` arguments."""
    routes: set[str] = set()
    for cls in twin_control.TwinControl.__mro__[:-1]:
        source = Path(inspect.getfile(cls)).read_text()
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            words = [_beginning(argument) for argument in node.args[:2]]
            if node.func.attr == "_post" and words[0]:
                routes.add(f"POST /v1/{words[0]}")
            elif node.func.attr == "_request" and len(words) > 1 and words[1]:
                routes.add(f"{words[0]} /v1/{words[1]}")
    return routes


def _listed() -> set[str]:
    """Return the routes that `--help` names."""
    told = subprocess.run([str(program()), "--help"], capture_output=True, text=True, timeout=60, check=True).stderr
    return set(re.findall(r"^  ((?:GET|POST|DELETE) /v1/\S+)$", told, re.MULTILINE))


def _beginning(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        node = node.values[0]
    return str(node.value).partition("?")[0] if isinstance(node, ast.Constant) else ""


def test_every_route_is_described_listed_by_help_and_has_its_method_in_the_typed_client(twin: Twin) -> None:
    routes = set(twin.control.routes())

    assert "POST /v1/drift" in routes
    assert twin.control.healthy()
    assert _described() == routes
    assert _called() == routes
    assert _listed() == routes


def test_the_parts_of_the_client_are_all_looked_at() -> None:
    parts = {inspect.getmodule(cls) for cls in twin_control.TwinControl.__mro__[:-1]}

    assert {twin_control, twin_trouble, twin_wire, twin_world} <= parts
