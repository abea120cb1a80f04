"""One pass, seen from outside: its context and its metrics."""

from __future__ import annotations

import pytest

from nested_hyperv.app.passes import PassCounter, with_context
from nested_hyperv.domain.resource import ObjectKey
from nested_hyperv.kube.store import Store
from nested_hyperv.telemetry.context import fields, operation_id, reconcile_id
from nested_hyperv.telemetry.metrics import Metrics
from nested_hyperv.workqueue import Done, Outcome, RequeueAfter, Retry
from support.snapshots import resource

PG = ObjectKey("NestedPortGroup", "lab", "pg")


async def test_each_pass_has_an_id_of_its_own_that_vcenter_sees_too() -> None:
    store = Store()
    store.put(resource(generation=4))
    seen: list[tuple[dict[str, object], str, str]] = []

    async def reconcile(_: ObjectKey) -> Outcome:
        seen.append((dict(fields()), operation_id.get(), reconcile_id.get()))
        return Done()

    one_pass = with_context(reconcile, store)
    await one_pass(PG)
    await one_pass(PG)

    (first, operation, attempt), (_, _, other) = seen
    assert attempt != other
    assert operation == f"NestedPortGroup/lab/pg/{attempt}"
    assert first == {
        "kind": "NestedPortGroup",
        "namespace": "lab",
        "name": "pg",
        "uid": "uid-pg",
        "generation": 4,
        "reconcileID": attempt,
        "opID": operation,
    }
    assert fields() == {}


async def test_a_pass_over_an_object_that_is_gone_has_its_name_only() -> None:
    seen: list[set[str]] = []

    async def reconcile(_: ObjectKey) -> Outcome:
        seen.append(set(fields()))
        return Done()

    await with_context(reconcile, Store())(PG)

    assert seen == [{"kind", "namespace", "name", "reconcileID", "opID"}]


@pytest.mark.parametrize(
    ("outcome", "result", "failures"),
    [
        (Done(), "success", None),
        (RequeueAfter(5), "requeue_after", None),
        (Retry(), "requeue", 1),
        (RuntimeError("boom"), "error", 1),
    ],
)
def test_the_end_of_a_pass_is_counted(outcome: Outcome | BaseException, result: str, failures: float | None) -> None:
    metrics = Metrics(version="1")
    counter = PassCounter(metrics)

    counter.started(PG)
    counter.ended(PG, outcome)

    value = metrics.registry.get_sample_value
    assert value("nested_hyperv_reconcile_total", {"controller": "NestedPortGroup", "result": result}) == 1
    assert value("nested_hyperv_reconcile_errors_total", {"controller": "NestedPortGroup"}) == failures
    assert value("nested_hyperv_active_workers", {"controller": "NestedPortGroup"}) == 0
