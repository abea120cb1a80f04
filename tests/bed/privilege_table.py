"""Write the table of required privileges that the vCenter twin enforces, from what pyVmomi ships.

pyVmomi's generated type information names, for every managed object type, the privilege of each property, of each
method on its object, and of each parameter on the object that it refers to. The twin is a Go program, so the table is
turned into text once: `python -m bed.privilege_table` writes `vcenter/privilegetable.txt`.

    type Folder ManagedEntity
      prop childEntity System.View
      call CreateVM_Task VirtualMachine.Inventory.Create pool=Resource.AssignVMToPool

`-` stands for none named: the method's page gives rules that depend on the arguments.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyVmomi

__all__ = ["TARGET", "table"]

TARGET = Path(__file__).parent / "vcenter" / "privilegetable.txt"
_SOURCES = ("_typeinfo_core.py", "_typeinfo_query.py", "_typeinfo_vim.py")


def table() -> str:
    """Return the text of the table, by type."""
    definitions = list(_definitions())
    names = {dotted: name for dotted, name, *_ in definitions}
    blocks = [
        "\n".join([f"type {name} {names.get(parent, '-')}", *_properties(properties), *_methods(methods)])
        for _, name, parent, _, properties, methods in sorted(definitions, key=lambda d: str(d[1]))
    ]
    return "\n".join(blocks) + "\n"


def _properties(properties: list[list[str]]) -> Iterator[str]:
    for name, _, _, _, privilege in properties or []:
        yield f"  prop {name} {privilege or '-'}"


def _methods(methods: list[list[list[list[str]]]]) -> Iterator[str]:
    for method in methods or []:
        _, name, _, parameters, _, privilege, _ = method
        arguments = [f"{p[0]}={p[4]}" for p in parameters if p[4]]
        yield " ".join([f"  call {name} {privilege or '-'}", *arguments])


def _definitions() -> Iterator[list[Any]]:
    """Yield the arguments of each definition of a managed object type."""
    folder = Path(pyVmomi.__file__).parent
    for source in _SOURCES:
        for node in ast.walk(ast.parse((folder / source).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "CreateManagedType":
                yield [_literal(argument) for argument in node.args]


def _literal(node: ast.expr) -> object:
    """Return a literal's value; the flags, which are names, are of no interest here."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Tuple | ast.List):
        return [_literal(item) for item in node.elts]
    return None


if __name__ == "__main__":
    TARGET.write_text(table(), encoding="utf-8")
