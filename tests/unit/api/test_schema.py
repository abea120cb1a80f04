"""What the translator makes of a model, and what it refuses to translate."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from nested_hyperv.api.schema import SchemaError, structural_schema


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Part(_Model):
    """A part."""

    size: int = Field(default=3, ge=1, le=9, description="Its size.")


class _Row(_Model):
    """A row."""

    key: str = Field(description="Its key.")


class _Whole(_Model):
    """The whole."""

    part: _Part = Field(default=_Part(), description="This use of the part.")
    maybe: _Part | None = Field(default=None, description="Perhaps a part.")
    rows: tuple[_Row, ...] = Field(default=(), max_length=4, description="Rows.")
    one: Literal["a", "b"] = Field(description="One of two.")


def test_references_are_resolved_and_what_stands_beside_them_wins() -> None:
    schema = structural_schema(_Whole)
    part = {
        "type": "object",
        "properties": {
            "size": {
                "description": "Its size.",
                "type": "integer",
                "format": "int32",
                "default": 3,
                "minimum": 1,
                "maximum": 9,
            }
        },
    }
    assert schema == {
        "description": "The whole.",
        "type": "object",
        "required": ["one"],
        "properties": {
            "part": {"description": "This use of the part.", "default": {}} | part,
            "maybe": {"description": "Perhaps a part."} | part,
            "rows": {
                "description": "Rows.",
                "type": "array",
                "maxItems": 4,
                "items": {
                    "description": "A row.",
                    "type": "object",
                    "required": ["key"],
                    "properties": {"key": {"description": "Its key.", "type": "string"}},
                },
                "x-kubernetes-list-type": "atomic",
            },
            "one": {"description": "One of two.", "type": "string", "enum": ["a", "b"]},
        },
    }


def test_order_of_keywords_does_not_depend_on_the_model() -> None:
    assert list(structural_schema(_Whole)["properties"]["rows"]) == [
        "description",
        "type",
        "maxItems",
        "items",
        "x-kubernetes-list-type",
    ]


class _Union(_Model):
    bad: int | str = Field(description="Two types.")


class _Map(_Model):
    bad: dict[str, str] = Field(description="Free keys.")


class _Untyped(_Model):
    bad: Any = Field(description="Anything.")


class _Pair(_Model):
    bad: tuple[int, str] = Field(description="Fixed length.")


class _Set(_Model):
    bad: set[str] = Field(max_length=3, description="A set.")


class _Uncapped(_Model):
    bad: tuple[str, ...] = Field(description="Without end.")


class _Silent(_Model):
    bad: int


class _Itself(_Model):
    bad: _Itself | None = Field(default=None, description="Itself.")


class _Number(_Model):
    bad: Annotated[int, Field(gt=0)] = Field(description="An exclusive limit.")


class _Example(_Model):
    bad: str = Field(description="With an example.", examples=["x"])


class _InList(_Model):
    bad: tuple[_Part, ...] = Field(max_length=2, description="Rows with a default.")


class _Empty(_Model):
    bad: _Model = Field(description="No fields.")


class _DefaultWithRequired(_Model):
    bad: _Row = Field(default=_Row(key="k"), description="A default that hides a required field.")


@pytest.mark.parametrize(
    ("model", "place", "says"),
    [
        (_Union, ".bad", "union"),
        (_Map, ".bad", "free map"),
        (_Untyped, ".bad", "type None"),
        (_Pair, ".bad", "fixed tuples"),
        (_Set, ".bad", "sets"),
        (_Uncapped, ".bad", "cap"),
        (_Silent, ".bad", "description"),
        (_Itself, ".bad", "contains itself"),
        (_Number, ".bad", "exclusiveMinimum"),
        (_Example, ".bad", "examples"),
        (_InList, ".bad[].size", "default inside a list item"),
        (_Empty, ".bad", "free map"),
        (_DefaultWithRequired, ".bad", "default and required"),
    ],
)
def test_model_that_kubernetes_cannot_hold_is_refused_with_its_place(
    model: type[BaseModel], place: str, says: str
) -> None:
    with pytest.raises(SchemaError) as refused:
        structural_schema(model)
    assert place in str(refused.value)
    assert says in str(refused.value)
