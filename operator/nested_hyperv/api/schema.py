"""From a pydantic model to the structural schema that a CustomResourceDefinition may hold.

Kubernetes takes a strict part of OpenAPI: no references, no unions, no null, descriptions on fields. Every keyword that
is not known to be allowed is an error, so that a model which cannot be expressed fails here and not on a cluster. The
rules are those of "Specifying a structural schema" in
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

Schema = dict[str, Any]

_ORDER: Final = (
    "description",
    "type",
    "format",
    "enum",
    "default",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "required",
    "properties",
    "items",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
    "x-kubernetes-validations",
)
"""Every keyword that may appear, in the order in which it is written."""
_RULE_ORDER: Final = ("rule", "message", "reason", "fieldPath")

_SCALARS: Final = frozenset({"string", "integer", "boolean"})
_OPTIONAL_MARK: Final = "x-resolved-at-run-time"
_INT32_MAX: Final = 2**31 - 1


class SchemaError(TypeError):
    """A model that no structural schema can express; the message names the place."""


def structural_schema(model: type[BaseModel]) -> Schema:
    """The structural schema of a model, with every reference resolved."""
    raw = model.model_json_schema(by_alias=True, mode="validation")
    return _Translator(raw.pop("$defs", {})).node(raw, model.__name__, in_list=False)


class _Translator:
    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions
        self._open: list[str] = []

    def node(self, raw: Schema, path: str, *, in_list: bool) -> Schema:
        schema = self._without_null({key: value for key, value in raw.items() if key != "title"}, path)
        if "$ref" in schema:
            return self._referenced(schema, path, in_list=in_list)
        if in_list and "default" in schema and schema["default"] != []:
            raise SchemaError(f"{path}: a default inside a list item is a permanent difference for GitOps tools")
        match schema.get("type"):
            case "object":
                self._object(schema, path, in_list=in_list)
            case "array":
                self._array(schema, path)
            case "integer":
                maximum = schema.get("maximum")
                schema["format"] = "int32" if maximum is not None and maximum <= _INT32_MAX else "int64"
            case kind if kind not in _SCALARS:
                raise SchemaError(f"{path}: type {kind!r} has no place in a structural schema")
        unknown = sorted(set(schema) - set(_ORDER))
        if unknown:
            raise SchemaError(f"{path}: keywords {', '.join(unknown)} have no place in a structural schema")
        # pydantic sorts what it does not know; people read the rule first.
        if "x-kubernetes-validations" in schema:
            schema["x-kubernetes-validations"] = [
                {key: rule[key] for key in _RULE_ORDER if key in rule} for rule in schema["x-kubernetes-validations"]
            ]
        return {key: schema[key] for key in _ORDER if key in schema}

    def _without_null(self, schema: Schema, path: str) -> Schema:
        """`X | None` means "may be left out", not "may be null"."""
        if "anyOf" in schema:
            branches = [branch for branch in schema.pop("anyOf") if branch != {"type": "null"}]
            if len(branches) != 1:
                raise SchemaError(
                    f"{path}: a union has no place in a structural schema; use optional fields and a rule"
                )
            schema = {**branches[0], **schema}
        if schema.get("default", ...) is None:
            del schema["default"]
        return schema

    def _referenced(self, schema: Schema, path: str, *, in_list: bool) -> Schema:
        name = schema.pop("$ref").rsplit("/", 1)[-1]
        if name in self._open:
            raise SchemaError(f"{path}: {name} contains itself")
        self._open.append(name)
        # What stands beside the reference is about this use of it and wins.
        result = self.node({**self._definitions[name], **schema}, path, in_list=in_list)
        self._open.pop()
        return result

    def _object(self, schema: Schema, path: str, *, in_list: bool) -> None:
        # Unknown fields are pruned, or refused by strict field validation; the keyword is forbidden beside properties.
        if schema.pop("additionalProperties", False) is not False or not schema.get("properties"):
            raise SchemaError(f"{path}: a free map has no place here; name its fields")
        optional = {name for name, field in schema["properties"].items() if field.pop(_OPTIONAL_MARK, False)}
        schema["required"] = sorted(set(schema.get("required", ())) - optional)
        properties: Schema = {}
        for name, field in schema["properties"].items():
            properties[name] = self.node(field, f"{path}.{name}", in_list=in_list)
            if not properties[name].get("description"):
                raise SchemaError(f"{path}.{name}: every field needs a description")
        schema["properties"] = properties
        if "default" in schema:
            if schema["required"]:
                raise SchemaError(f"{path}: has a default and required fields")
            # The server fills in the defaults of the fields; repeating them here would be a second source.
            schema["default"] = {}
        if not schema["required"]:
            del schema["required"]

    def _array(self, schema: Schema, path: str) -> None:
        if "prefixItems" in schema or schema.pop("uniqueItems", False):
            raise SchemaError(f"{path}: fixed tuples and sets have no place in a structural schema")
        if "maxItems" not in schema:
            raise SchemaError(f"{path}: a list needs a cap")
        if schema.get("default") == []:
            del schema["default"]
        schema["items"] = self.node(schema["items"], f"{path}[]", in_list=True)
        # Rows that only the operator writes are one value: as a map they would fill managedFields.
        schema.setdefault("x-kubernetes-list-type", "atomic")
