"""What both kinds share: the base model, references, policies, and the rows of status.

The wire form is camelCase and Python is snake_case; `wire_name` is the only translation between them. Models are
frozen and their lists are tuples, so that a parsed document can be shared between tasks and never changes under a plan.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from nested_hyperv.api.conditions import ConditionStatus
from nested_hyperv.api.meta import NAME_MAX_LENGTH
from nested_hyperv.api.rules import Rule, immutable, immutable_optional

ATOMIC_MAP: Final[JsonDict] = {"x-kubernetes-map-type": "atomic"}
"""A reference is one value: nobody owns half of it."""

ROWS_MAX: Final = 32
"""Cap of `status.drift` and `status.plan`: a person reads them, and etcd stores them."""

# Words whose wire form is not "first letter upper, the rest lower".
_ACRONYMS: Final = {"mib": "MiB", "mtu": "MTU", "hv": "HV", "os": "OS"}
_WHOLE_NAMES: Final = {"vcenter": "vCenter"}

NAMES_MAX: Final = 10
"""Cap of the names of machines in one row."""


_ModelT = TypeVar("_ModelT", bound=BaseModel)


def wire_name(attribute: str) -> str:
    """Name of a Python attribute in YAML: `memory_mib` -> `memoryMiB`, `from_` -> `from`."""
    attribute = attribute.rstrip("_")
    if attribute in _WHOLE_NAMES:
        return _WHOLE_NAMES[attribute]
    first, *rest = attribute.split("_")
    return first + "".join(_ACRONYMS.get(word, word.capitalize()) for word in rest)


def _emit_rules(schema: dict[str, Any], model: type[Any]) -> None:
    """Put the CEL of a model's own rules into its schema, where it stands in the tree."""
    rules = [rule.to_wire() for rule in model.RULES if not rule.on_root]
    if rules:
        schema["x-kubernetes-validations"] = rules


class ApiModel(BaseModel):
    """A part of a document. Subclasses list their cross-field rules in `RULES`; both sides enforce them."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=wire_name,
        validate_by_name=True,
        validate_by_alias=True,
        json_schema_extra=_emit_rules,
    )
    RULES: ClassVar[tuple[Rule, ...]] = ()

    @model_validator(mode="after")
    def _obey_rules(self) -> "ApiModel":
        for rule in type(self).RULES:
            if rule.holds is not None and not rule.holds(self):
                # The path travels in the context: pydantic's own location ends at this object.
                raise PydanticCustomError("rule", "{message}", {"message": rule.message, "path": rule.field_path})
        return self

    def to_wire(self) -> dict[str, Any]:
        """The document as the API server holds it: camelCase, lists, no empty fields."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def list_map(key: str) -> JsonDict:
    """Schema of a list whose rows are told apart by one field, so that several writers can share it."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


def unique_by(key: str) -> Callable[[tuple[_ModelT, ...]], tuple[_ModelT, ...]]:
    """The mirror of `list_map`: no two rows have the same key."""

    def check(rows: tuple[_ModelT, ...]) -> tuple[_ModelT, ...]:
        seen: set[object] = set()
        for index, row in enumerate(rows):
            value = getattr(row, key)
            if value in seen:
                raise PydanticCustomError(
                    "rule",
                    "{message}",
                    {"message": f"{key} {value!r} is used twice: give every entry its own", "path": f"[{index}]"},
                )
            seen.add(value)
        return rows

    return check


def all_different(values: tuple[str, ...]) -> tuple[str, ...]:
    """The mirror of `x-kubernetes-list-type: set`: no value stands there twice."""
    for index, value in enumerate(values):
        if value in values[:index]:
            message = f"{value!r} is listed twice: remove one"
            raise PydanticCustomError("rule", "{message}", {"message": message, "path": f"[{index}]"})
    return values


def _to_seconds(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a timestamp needs a time zone")
    return moment.astimezone(UTC).replace(microsecond=0)


Timestamp = Annotated[
    datetime,
    AfterValidator(_to_seconds),
    PlainSerializer(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ"), return_type=str),
]
"""A moment in UTC, whole seconds, as Kubernetes writes it."""

# Slash, backslash and percent are stored escaped by vSphere, so what is read back would never equal the spec.
NAME_PATTERN: Final = r"^[^ /\\%\x00-\x1f\x7f]([^/\\%\x00-\x1f\x7f]*[^ /\\%\x00-\x1f\x7f])?$"
DNS_LABEL: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
DNS_SUBDOMAIN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"

InventoryName = Annotated[str, Field(min_length=1, max_length=NAME_MAX_LENGTH, pattern=NAME_PATTERN)]
"""Name of a vSphere object."""
InventoryPath = Annotated[str, Field(min_length=1, max_length=1024)]
"""Name of a vSphere object, or its inventory path from the root folder."""
ResourceName = Annotated[str, Field(min_length=1, max_length=253, pattern=DNS_SUBDOMAIN)]
"""Name of a Kubernetes object."""


class ConnectionRef(ApiModel):
    """The Secret that names the vCenter."""

    name: ResourceName = Field(description="Name of a Secret of type nestedhv.io/vcenter.")
    namespace: Annotated[str, Field(min_length=1, max_length=63, pattern=DNS_LABEL)] | None = Field(
        default=None,
        description=(
            "Namespace of the Secret; default: the namespace of this object. Another namespace works only if the"
            " Secret's annotation nestedhv.io/allowed-namespaces admits this one."
        ),
    )


class ManagementPolicy(StrEnum):
    """Whether the operator writes to vSphere."""

    ENFORCE = "Enforce"
    OBSERVE = "Observe"


class DeletionPolicy(StrEnum):
    """What happens in vSphere when the resource is deleted."""

    DELETE = "Delete"
    RETAIN = "Retain"


class ExternalDeletePolicy(StrEnum):
    """What happens when the vSphere object is deleted behind the operator's back."""

    RECREATE = "Recreate"
    REPORT = "Report"


class CommonSpec(ApiModel):
    """The fields that both kinds have."""

    # Python always has a name: `parse` fills in metadata.name. The schema leaves it optional (no static default).
    name: InventoryName = Field(
        description=(
            "Name of the object in vSphere; default: metadata.name. At most 80 characters, without slash, backslash,"
            " percent sign, control characters and outer spaces. Immutable."
        ),
        json_schema_extra={"x-resolved-at-run-time": True},
    )
    connection_ref: ConnectionRef = Field(
        description="Which vCenter, and with which account. Immutable.", json_schema_extra=ATOMIC_MAP
    )
    management_policy: ManagementPolicy = Field(
        default=ManagementPolicy.ENFORCE,
        description=(
            "Enforce: vSphere is kept equal to this spec. Observe: nothing is written to vSphere; the difference is"
            " published in status.plan."
        ),
    )
    deletion_policy: DeletionPolicy | None = Field(
        default=None,
        description=(
            "What happens in vSphere when this object is deleted. Delete (default for what the operator created):"
            " tear it down. Retain (default for what was adopted): remove the operator's mark and leave it."
        ),
    )
    suspend: bool = Field(default=False, description="true: touch nothing in vSphere, deletion included.")


NAME_FITS: Final = Rule(
    expression=f"has(self.spec.name) || size(self.metadata.name) <= {NAME_MAX_LENGTH}",
    message=(
        f"metadata.name is longer than {NAME_MAX_LENGTH} characters, the longest name vSphere takes: set spec.name to a"
        " shorter one"
    ),
    field_path=".spec.name",
    on_root=True,
)
"""Mirrored by `parsing.parse`, the only place that knows metadata.name."""

COMMON_RULES: Final = (
    NAME_FITS,
    immutable_optional("name", cure="delete this object and create one with the new name"),
    immutable("connectionRef", cure="delete this object and create one with the other connection"),
)


class StatusModel(ApiModel):
    """A part of status. What a newer operator wrote is ignored, not refused."""

    model_config = ConfigDict(extra="ignore")

    def to_wire(self) -> dict[str, Any]:
        """As `ApiModel.to_wire`, without empty lists: what is not there needs no row in managedFields."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)


class Condition(StatusModel):
    """One observation about the object."""

    type: str = Field(max_length=316, description="What is observed, such as Ready.")
    status: ConditionStatus = Field(description="True, False or Unknown.")
    reason: str = Field(max_length=1024, description="Why, in one CamelCase word that programs can rely on.")
    message: str = Field(max_length=32768, description="What is wrong, where, and what to do.")
    last_transition_time: Timestamp = Field(description="When status last changed.")
    observed_generation: int | None = Field(
        default=None, description="metadata.generation that the observation belongs to."
    )


class DriftRow(StatusModel):
    """One managed field that differs from the spec and is not repaired yet."""

    field: str = Field(description="The field, as in spec.")
    desired: str = Field(description="The value that the spec asks for.")
    actual: str = Field(description="The value found in vSphere.")
    since: Timestamp | None = Field(default=None, description="When the difference was first seen.")
    host: str | None = Field(default=None, description="The host, on standard switches.")


class FieldChange(StatusModel):
    """One field and its values before and after."""

    field: str = Field(description="The field, as in spec.")
    from_: str = Field(description="The value before.")
    to: str = Field(description="The value after.")
    host: str | None = Field(default=None, description="The host, on standard switches.")


class PlanRow(StatusModel):
    """One thing that the operator would do under Observe."""

    action: str = Field(description="What is done, such as Reconfigure.")
    target: str | None = Field(default=None, description="What it is done to, when it is not the object itself.")
    fields: tuple[FieldChange, ...] = Field(default=(), max_length=ROWS_MAX, description="The fields that change.")
    needs_power_off: bool | None = Field(default=None, description="true: it waits until the machine is off.")
    virtual_machines: tuple[str, ...] = Field(
        default=(), max_length=NAMES_MAX, description="Machines attached to what is changed; the first 10 by name."
    )
    virtual_machine_count: int | None = Field(default=None, description="How many machines are attached, if any.")


class LastRepair(StatusModel):
    """The last time that a change made in vSphere was taken back."""

    time: Timestamp = Field(description="When it was repaired.")
    by: str | None = Field(
        default=None, description="The vCenter user who had made the change, as far as vCenter's events tell."
    )
    changed_at: Timestamp | None = Field(
        default=None, description="When that user made the change, by the clock of vCenter."
    )
    changes: tuple[FieldChange, ...] = Field(
        default=(), max_length=ROWS_MAX, description="Each field: the value that was found and the one restored."
    )


class CommonStatus(StatusModel):
    """What both kinds report."""

    observed_generation: int = Field(
        description="metadata.generation that the status belongs to; -1 until the operator has seen the object.",
    )
    conditions: tuple[Condition, ...] = Field(
        default=(),
        max_length=16,
        description="The observations: Ready first, then what explains it.",
        json_schema_extra=list_map("type"),
    )
    last_handled_reconcile_at: str | None = Field(
        default=None, description="The last value of annotation nestedhv.io/reconcile-requested-at that was handled."
    )
    mo_ref: str | None = Field(default=None, description="Managed object id in vCenter.")
    vcenter: str | None = Field(default=None, description="Instance UUID of the vCenter that holds the object.")
    name: str | None = Field(default=None, description="Name of the object in vSphere, with defaults resolved.")
    deletion_policy: DeletionPolicy | None = Field(
        default=None, description="What deletion of this object does in vSphere, with defaults resolved."
    )
    drifted: int | None = Field(default=None, description="Number of managed fields that differ from the spec.")
    drift: tuple[DriftRow, ...] = Field(
        default=(), max_length=ROWS_MAX, description="The managed fields that differ and are not repaired yet."
    )
    last_repair: LastRepair | None = Field(default=None, description="The last change that was taken back.")
    plan: tuple[PlanRow, ...] = Field(
        default=(), max_length=ROWS_MAX, description="What the operator would do under Observe."
    )
