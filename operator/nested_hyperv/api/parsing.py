"""From a raw spec to a typed one, and from pydantic's errors to messages that a person can act on.

Every problem names the field as it is written in YAML, what was given, what is allowed and the cure; all problems of a
document are reported at once. The API server refuses the same documents; this is the belt for objects that were stored
under an older CRD.
"""

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from nested_hyperv.api.common import NAME_FITS, ApiModel, CommonSpec, wire_name
from nested_hyperv.api.conditions import Reason

_SpecT = TypeVar("_SpecT", bound=CommonSpec)


@dataclass(frozen=True, slots=True)
class Problem:
    """One refused field."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class InvalidSpec(ValueError):
    """A document that cannot be acted upon."""

    reason = Reason.INVALID_SPEC

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


def parse(model: type[_SpecT], spec: Mapping[str, Any], *, name: str) -> _SpecT:
    """Parse a raw spec; `name` is metadata.name, the default of spec.name."""
    try:
        # Through JSON: only there does strict mean what it means to the API server ("4" is no integer, "Drop" an enum).
        return model.model_validate_json(json.dumps({"name": name, **spec}), strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        raise InvalidSpec([_explain(model, spec, detail) for detail in _own_mistakes(error.errors())]) from None


def _own_mistakes(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out a list that is too short only because its entries are wrong."""
    places = [detail["loc"] for detail in details]
    return [
        detail
        for detail in details
        if detail["type"] != "too_short"
        or not any(len(place) > len(detail["loc"]) and place[: len(detail["loc"])] == detail["loc"] for place in places)
    ]


def changes_refused(old: ApiModel, new: ApiModel, *, path: str = "spec") -> list[Problem]:
    """The immutable fields that differ between two specs of one object."""
    problems = [
        Problem(path + rule.field_path, rule.message)
        for rule in type(new).RULES
        if rule.keeps is not None and not rule.keeps(old, new)
    ]
    for name, info in type(new).model_fields.items():
        before, after = getattr(old, name), getattr(new, name)
        if isinstance(before, ApiModel) and isinstance(after, ApiModel):
            problems += changes_refused(before, after, path=f"{path}.{info.alias or wire_name(name)}")
    return problems


def _explain(model: type[BaseModel], spec: Mapping[str, Any], detail: ErrorDetails) -> Problem:
    location = detail["loc"]
    field = _path(location)
    kind = detail["type"]
    context = detail.get("ctx", {})
    if kind == "rule":
        return Problem(field + context["path"], context["message"])
    if location == ("name",) and "name" not in spec:
        # Every metadata.name that is short enough is also a valid name in vSphere.
        return Problem(NAME_FITS.field_path.removeprefix("."), NAME_FITS.message)
    if kind == "missing":
        return Problem(field, f"is required: set it. {_description(model, location)}".rstrip())
    if kind == "extra_forbidden":
        return Problem(field, _unknown(model, location))
    if isinstance(detail["input"], bool):
        return Problem(
            field, f"got a boolean; {detail['msg']}. YAML reads a bare On, Off, Yes or No as boolean: put it in quotes"
        )
    hint = _description(model, location)
    return Problem(field, f"got {_short(detail['input'])}; {detail['msg']}. {hint}".rstrip())


def _path(location: Iterable[int | str]) -> str:
    path = "spec"
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path


def _short(value: object, limit: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _unknown(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    owner = _owner(model, location)
    known = sorted(info.alias or wire_name(name) for name, info in owner.model_fields.items()) if owner else []
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    guess = f"did you mean {close[0]}? " if close else ""
    return f"is not a field of this version of the operator: {guess}known here are {', '.join(known)}"


def _description(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    owner = _owner(model, location)
    if owner is None:
        return ""
    for name, info in owner.model_fields.items():
        if (info.alias or wire_name(name)) == location[-1]:
            return info.description or ""
    return ""


def _owner(model: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The model that holds the last step of a location."""
    owner = model
    for step in location[:-1]:
        if isinstance(step, int):
            continue
        found = next((i for n, i in owner.model_fields.items() if (i.alias or wire_name(n)) == step), None)
        nested = None if found is None else _model_in(found.annotation)
        if nested is None:
            return None
        owner = nested
    return owner


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _model_in(part)
        if found is not None:
            return found
    return None
