"""Rules that span fields: each is written once, as CEL for the API server and as Python for the operator.

A `Rule` stands beside the model that it constrains (`RULES`); the schema generator emits its CEL and the base model
runs its Python mirror. A rule must not look at anything but the document: what needs vSphere is a prerequisite and is
checked when planning. Every rule is exercised on both sides by one table of documents.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One validation rule.

    `holds` judges one parsed object, `keeps` judges the change from an old object to a new one. A rule that needs
    neither (`on_root`) is mirrored where metadata is known, by `parsing.parse`.
    """

    expression: str
    message: str
    field_path: str = ""
    reason: str = "FieldValueInvalid"
    holds: Callable[[Any], bool] | None = None
    keeps: Callable[[Any, Any], bool] | None = None
    on_root: bool = False

    def to_wire(self) -> dict[str, str]:
        """The entry of x-kubernetes-validations."""
        entry = {"rule": self.expression, "message": self.message, "reason": self.reason}
        if self.field_path:
            entry["fieldPath"] = self.field_path
        return entry


def immutable(field: str, *, cure: str) -> Rule:
    """A required field that never changes; placed on the object that holds it."""
    return Rule(
        expression=f"self.{field} == oldSelf.{field}",
        message=f"{field} is immutable: {cure}",
        field_path=f".{field}",
        reason="FieldValueForbidden",
        keeps=lambda old, new: _wire_value(old, field) == _wire_value(new, field),
    )


def immutable_optional(field: str, *, cure: str) -> Rule:
    """An optional field that is neither set, changed nor removed later.

    It stands on the parent: a transition rule on the field itself does not run when the field is added or removed.
    """
    return Rule(
        expression=(
            f"has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || self.{field} == oldSelf.{field})"
        ),
        message=f"{field} is immutable, also from or to unset: {cure}",
        field_path=f".{field}",
        reason="FieldValueForbidden",
        keeps=lambda old, new: _wire_value(old, field) == _wire_value(new, field),
    )


def exactly_one(first: str, second: str, *, message: str) -> Rule:
    """Exactly one of two optional fields is set."""
    return Rule(
        expression=f"has(self.{first}) != has(self.{second})",
        message=message,
        holds=lambda part: (_wire_value(part, first) is None) != (_wire_value(part, second) is None),
    )


def _wire_value(part: BaseModel, field: str) -> object:
    for attribute, info in type(part).model_fields.items():
        if info.alias == field:
            value: object = getattr(part, attribute)
            return value
    raise AttributeError(f"{type(part).__name__} has no field {field}")
