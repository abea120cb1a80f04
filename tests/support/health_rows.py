"""The status table as documents: what Argo CD reads in each situation, built by the operator's own `next_status`.

The files under deploy/argocd/resource_customizations/ are these documents, so that the health script cannot drift away
from the statuses that the operator writes. `PYTHONPATH=operator:tests python -m support.health_rows` writes them anew;
tests/unit/deploy fails when they differ.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml

from nested_hyperv.api import meta
from nested_hyperv.api.common import CommonStatus, DriftRow, FieldChange, LastRepair, PlanRow
from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.kinds import KINDS, Kind
from nested_hyperv.domain.status import next_status
from nested_hyperv.domain.verdict import Network, Situation, Verdict
from support.documents import BASE

__all__ = ["FOLDER", "ROWS", "Row", "files", "write"]

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "argocd" / "resource_customizations" / meta.GROUP
_NPG: Final = meta.KIND_PORT_GROUP
_NHV: Final = meta.KIND_HOST
_CREATED: Final = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
_NOW: Final = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
_GENERATION: Final = 2
_SUSPENDED: Final = "spec.suspend is true; nothing is touched, deletion included"
_UNSEEN: Final = "The operator has not seen the last change of spec yet"


@dataclass(frozen=True)
class Row:
    """One row of the table: what the passes came to, and what Argo CD shows.

    `verdicts` are passes one after the other; `generations` says which generation each one saw. Without `message` the
    message of the last verdict is expected.
    """

    name: str
    health: str
    verdicts: tuple[Verdict, ...]
    message: str = ""
    generations: tuple[int, ...] = (_GENERATION,)
    spec: Mapping[str, Any] = field(default_factory=dict)
    deleting: bool = False
    kinds: tuple[str, ...] = (_NPG, _NHV)


_EQUAL: Final = Verdict(
    Situation.READY, Reason.SUCCEEDED, network=Network(ready=True, reason=Reason.SUCCEEDED, message=""), synced=True
)
_CHANGE: Final = FieldChange(field="name", from_="renamed-by-hand", to="lab")
_DRIFT: Final = DriftRow(field="name", desired="lab", actual="renamed-by-hand", since=_NOW)


def _told(situation: Situation, reason: Reason, message: str, **rest: Any) -> Verdict:
    return Verdict(situation, reason, message, **rest)


_APPLYING: Final = Verdict.progressing("Waiting for task-4711 of vcenter.example.com.")
_AWAY: Final = _told(
    Situation.UNREACHABLE,
    Reason.VCENTER_UNREACHABLE,
    "vcenter.example.com does not answer: connection timed out. Check the server and the network between.",
)
_SUSPEND: Final = _told(Situation.SUSPENDED, Reason.SUSPENDED, "spec.suspend is true; nothing is touched.")
_DELETING: Final = _told(Situation.DELETING, Reason.DELETING, "Waiting for task-4712 of vcenter.example.com.")

ROWS: Final = (
    Row("equal", "Healthy", (_EQUAL,), message="Succeeded"),
    Row("applying", "Progressing", (_APPLYING,)),
    Row(
        "repaired",
        "Healthy",
        (_EQUAL, replace(_EQUAL, facts={"last_repair": LastRepair(time=_NOW, changes=(_CHANGE,))})),
        message="Succeeded",
        generations=(_GENERATION, _GENERATION),
    ),
    Row(
        "waits-for-power-off",
        "Suspended",
        (
            _told(
                Situation.POWER_OFF_REQUIRED,
                Reason.POWER_OFF_REQUIRED,
                "These wait until hv-1 is powered off: hardware.cpus. Shut the guest down, or allow it with"
                " disruption.policy: Graceful or Force.",
                synced=False,
                facts={
                    "drift": (DriftRow(field="hardware.cpus", desired="4", actual="2", since=_NOW),),
                    "drifted": 1,
                },
            ),
        ),
        kinds=(_NHV,),
    ),
    Row(
        "dependency-not-ready",
        "Progressing",
        (_told(Situation.DEPENDENCY, Reason.DEPENDENCY_NOT_READY, "NestedPortGroup lab is not Ready.", synced=False),),
        kinds=(_NHV,),
    ),
    Row(
        "stalled",
        "Degraded",
        (
            _told(
                Situation.STALLED,
                Reason.PERMISSION_DENIED,
                "The account lacks System.Read on datacenter-3. Grant a role with that privilege there.",
            ),
        ),
    ),
    Row(
        "missing",
        "Degraded",
        (
            _EQUAL,
            _told(
                Situation.STALLED,
                Reason.MISSING,
                "It was deleted in vSphere and onExternalDelete is Report. Set onExternalDelete: Recreate, or delete"
                " this resource.",
            ),
        ),
        generations=(_GENERATION, _GENERATION),
        spec={"onExternalDelete": "Report"},
    ),
    Row(
        "contested",
        "Degraded",
        (
            _EQUAL,
            _told(
                Situation.STALLED,
                Reason.CONTESTED,
                "Somebody keeps reverting name. Find out who; the next repair is in 1 min.",
                synced=False,
                facts={"drift": (_DRIFT,), "drifted": 1},
            ),
        ),
        generations=(_GENERATION, _GENERATION),
    ),
    Row(
        "observe-equal",
        "Healthy",
        (replace(_EQUAL, reason=Reason.OBSERVED),),
        message="Observed",
        spec={"managementPolicy": "Observe"},
    ),
    Row(
        "observe-different",
        "Suspended",
        (
            _told(
                Situation.WOULD_CHANGE,
                Reason.WOULD_CHANGE,
                "name would change; see status.plan.",
                synced=False,
                facts={"plan": (PlanRow(action="Reconfigure", fields=(_CHANGE,)),)},
            ),
        ),
        spec={"managementPolicy": "Observe"},
    ),
    Row(
        "unreachable-generation-seen",
        "Healthy",
        (_EQUAL, _AWAY),
        message="Succeeded",
        generations=(_GENERATION, _GENERATION),
    ),
    Row("unreachable-new-generation", "Progressing", (_EQUAL, _AWAY), generations=(_GENERATION - 1, _GENERATION)),
    Row(
        "suspended",
        "Suspended",
        (_EQUAL, _SUSPEND),
        message=_SUSPENDED,
        generations=(_GENERATION - 1, _GENERATION),
        spec={"suspend": True},
    ),
    Row("suspended-fresh", "Suspended", (_SUSPEND,), message=_SUSPENDED, spec={"suspend": True}),
    Row("suspended-deleting", "Suspended", (_EQUAL,), message=_SUSPENDED, spec={"suspend": True}, deleting=True),
    Row("deleting", "Progressing", (_EQUAL, _DELETING), generations=(_GENERATION, _GENERATION), deleting=True),
    Row(
        "deletion-blocked",
        "Progressing",
        (
            _EQUAL,
            _told(
                Situation.DELETION_BLOCKED,
                Reason.DELETION_BLOCKED,
                "It is still in use by web-3. Attach that to another network; deletion goes on by itself.",
            ),
        ),
        generations=(_GENERATION, _GENERATION),
        deleting=True,
    ),
    # What the API server fills in before the operator has seen the object, and after each change of spec.
    Row("fresh", "Progressing", (), message=_UNSEEN, generations=()),
    Row("new-generation-not-seen", "Progressing", (_EQUAL,), message=_UNSEEN, generations=(_GENERATION - 1,)),
)


def files() -> Iterator[tuple[Path, str]]:
    """Every file with its text: the test data of both kinds, and Argo CD's list of tests."""
    for kind in KINDS:
        folder = FOLDER / kind.kind
        tests = []
        for row in ROWS:
            if kind.kind not in row.kinds:
                continue
            yield folder / "testdata" / f"{row.name}.yaml", _dump(_document(kind, row))
            message = row.message or row.verdicts[-1].message
            health = {"status": row.health, "message": message}
            tests.append({"healthStatus": health, "inputPath": f"testdata/{row.name}.yaml"})
        yield folder / "health_test.yaml", _dump({"tests": tests})


def write() -> None:
    """Write every file, and remove the test data that no row stands for any more."""
    wanted = dict(files())
    for old in FOLDER.glob("*/testdata/*.yaml"):
        if old not in wanted:
            old.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _document(kind: Kind, row: Row) -> dict[str, Any]:
    status: CommonStatus = kind.status(observed_generation=-1)
    for verdict, generation in zip(row.verdicts, row.generations, strict=True):
        moment = _NOW if verdict is row.verdicts[-1] else _CREATED
        status = next_status(status, verdict, generation=generation, now=moment)
    metadata: dict[str, Any] = {
        "name": "sample",
        "namespace": "nested-lab",
        "generation": _GENERATION if row.generations else 1,
        "creationTimestamp": _text(_CREATED),
    }
    if row.deleting:
        metadata |= {"deletionTimestamp": _text(_NOW), "finalizers": [meta.FINALIZER_TEARDOWN]}
    return {
        "apiVersion": meta.API_VERSION,
        "kind": kind.kind,
        "metadata": metadata,
        "spec": copy.deepcopy(BASE[kind.kind]) | dict(row.spec),
        "status": {"observedGeneration": status.observed_generation} | status.to_wire(),
    }


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _dump(document: Any) -> str:  # noqa: ANN401 - YAML
    return yaml.safe_dump(document, sort_keys=False, width=110)


if __name__ == "__main__":
    write()
