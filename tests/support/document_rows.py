"""What the rows of the table of documents are made of: documents, changes of them, and what is said of each."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from nested_hyperv.api import meta

NPG: Final = meta.KIND_PORT_GROUP
NHV: Final = meta.KIND_HOST

BASE: Final[Mapping[str, dict[str, Any]]] = {
    NPG: {"connectionRef": {"name": "vcenter"}, "distributed": {"datacenter": "dc1", "switch": "dvs-lab"}},
    NHV: {
        "connectionRef": {"name": "vcenter"},
        "placement": {"datacenter": "dc1", "cluster": "lab", "datastore": "vsan"},
        "source": {"template": {"path": "ws2025"}},
        "guestOS": "WindowsServer2025",
        "hardware": {"cpus": 4, "memoryMiB": 8192},
    },
}
"""The smallest valid spec of each kind."""

REMOVED: Final = object()
"""As a value: the field is taken out."""


@dataclass(frozen=True)
class Case:
    """A document. `names` is the field that a refusal has to name; empty: the document is valid."""

    title: str
    kind: str
    change: Mapping[str, Any]
    names: str = ""
    says: str = ""
    name: str = "sample"

    @property
    def spec(self) -> dict[str, Any]:
        return changed(BASE[self.kind], self.change)


@dataclass(frozen=True)
class Transition:
    """A change of a stored document. `names` as in `Case`."""

    title: str
    kind: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    names: str = ""
    says: str = ""

    @property
    def old(self) -> dict[str, Any]:
        return changed(BASE[self.kind], self.before)

    @property
    def new(self) -> dict[str, Any]:
        return changed(BASE[self.kind], self.after)


def changed(spec: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `spec` with values set by dotted path."""
    result = copy.deepcopy(dict(spec))
    for path, value in change.items():
        *parents, last = path.split(".")
        place = result
        for step in parents:
            place = place.setdefault(step, {})
        if value is REMOVED:
            del place[last]
        else:
            place[last] = copy.deepcopy(value)
    return result


def document(case_kind: str, spec: Mapping[str, Any], *, name: str, namespace: str) -> dict[str, Any]:
    """The whole object, as it is applied."""
    return {
        "apiVersion": meta.API_VERSION,
        "kind": case_kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": dict(spec),
    }


@dataclass(frozen=True)
class Field:
    """What one field takes: every `good` value alone is valid, every `bad` one is refused by name."""

    kinds: tuple[str, ...]
    path: str
    good: tuple[Any, ...]
    bad: tuple[Any, ...]
    beside: Mapping[str, Any] = field(default_factory=dict)
    """What else has to be changed for the field to make sense."""
    says: str = ""

    def cases(self) -> Iterator[Case]:
        for kind in self.kinds:
            for value in self.good:
                yield Case(f"{self.path} {_label(value)} is taken", kind, {**self.beside, self.path: value})
            for value in self.bad:
                yield Case(
                    f"{self.path} {_label(value)} is refused",
                    kind,
                    {**self.beside, self.path: value},
                    names=f"spec.{self.path}",
                    says=self.says,
                )


def _label(value: object) -> str:
    if value is REMOVED:
        return "unset"
    text = repr(value)
    return text if len(text) < 30 else f"{text[:20]}… of {len(text)} characters"
