"""Metrics as a scrape sees them."""

from __future__ import annotations

import pytest

from nested_hyperv.telemetry.metrics import Metrics


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(version="1.2.3")


def value(metrics: Metrics, sample: str, /, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(sample, labels)


def test_the_queue_is_measured_under_the_names_of_client_go(metrics: Metrics) -> None:
    depth, running = [3], [1.5, 4.0]
    metrics.queue.watch(lambda: depth[0], lambda: iter(running))
    metrics.queue.added()
    metrics.queue.taken(0.5)
    metrics.queue.finished(2.0)
    metrics.queue.retried()

    label = {"name": "reconcile"}
    assert value(metrics, "workqueue_depth", **label) == 3
    assert value(metrics, "workqueue_adds_total", **label) == 1
    assert value(metrics, "workqueue_retries_total", **label) == 1
    assert value(metrics, "workqueue_queue_duration_seconds_sum", **label) == 0.5
    assert value(metrics, "workqueue_work_duration_seconds_sum", **label) == 2.0
    assert value(metrics, "workqueue_unfinished_work_seconds", **label) == 5.5
    assert value(metrics, "workqueue_longest_running_processor_seconds", **label) == 4.0
    running.clear()
    assert value(metrics, "workqueue_longest_running_processor_seconds", **label) == 0


def test_passes_are_counted_by_kind_and_result(metrics: Metrics) -> None:
    metrics.reconcile_started("NestedPortGroup")
    assert value(metrics, "nested_hyperv_active_workers", controller="NestedPortGroup") == 1
    metrics.reconcile_ended("NestedPortGroup", "error", 0.2, failed=True)

    assert value(metrics, "nested_hyperv_active_workers", controller="NestedPortGroup") == 0
    assert value(metrics, "nested_hyperv_reconcile_total", controller="NestedPortGroup", result="error") == 1
    assert value(metrics, "nested_hyperv_reconcile_errors_total", controller="NestedPortGroup") == 1
    assert value(metrics, "nested_hyperv_reconcile_time_seconds_sum", controller="NestedPortGroup") == 0.2


def test_names_that_users_choose_do_not_become_labels(metrics: Metrics) -> None:
    for network in ("mgmt", "lab", "lab-2"):
        metrics.repaired("NestedHyperVHost", f"networks[{network}].network")

    labels = {"kind": "NestedHyperVHost", "field": "networks[].network"}
    assert value(metrics, "nested_hyperv_drift_repaired_total", **labels) == 3


def test_what_became_of_deleted_resources_is_counted(metrics: Metrics) -> None:
    metrics.released("NestedHyperVHost", "Orphaned")

    assert value(metrics, "nested_hyperv_released_total", kind="NestedHyperVHost", reason="Orphaned") == 1


def test_objects_are_counted_at_the_scrape(metrics: Metrics) -> None:
    states = [("NestedPortGroup", "True"), ("NestedPortGroup", "True"), ("NestedHyperVHost", "Unknown")]
    metrics.watch_resources(lambda: states)

    assert value(metrics, "nested_hyperv_resources", kind="NestedPortGroup", ready="True") == 2
    states.clear()
    assert value(metrics, "nested_hyperv_resources", kind="NestedPortGroup", ready="True") is None


def test_calls_and_sessions_are_counted_by_vcenter(metrics: Metrics) -> None:
    metrics.called("vc", "ReconfigureDVPortgroup_Task", "ok", 0.1)
    metrics.connected("vc", 1, up=True)
    metrics.requested("PATCH", "409", 0.01)

    labels = {"vcenter": "vc", "method": "ReconfigureDVPortgroup_Task"}
    assert value(metrics, "nested_hyperv_vcenter_requests_total", code="ok", **labels) == 1
    assert value(metrics, "nested_hyperv_vcenter_request_seconds_sum", **labels) == 0.1
    assert value(metrics, "nested_hyperv_vcenter_session_up", vcenter="vc") == 1
    assert value(metrics, "rest_client_requests_total", code="409", method="PATCH") == 1
    metrics.connected("vc", 1, up=False)
    assert value(metrics, "nested_hyperv_vcenter_session_up", vcenter="vc") == 0


def test_a_vcenter_stays_up_while_a_connection_with_an_old_password_is_closed(metrics: Metrics) -> None:
    for link in (1, 2):
        metrics.connected("vc", link, up=True)
    metrics.connected("vc", 1, up=False)
    assert value(metrics, "nested_hyperv_vcenter_session_up", vcenter="vc") == 1


def test_the_page_tells_the_version_and_the_process(metrics: Metrics) -> None:
    page = metrics.page().decode()

    assert 'nested_hyperv_build_info{version="1.2.3"} 1.0' in page
    assert "process_resident_memory_bytes" in page
    assert "_created" not in page


def test_two_operators_in_one_process_count_apart(metrics: Metrics) -> None:
    other = Metrics(version="1.2.3")
    metrics.queue.added()

    assert value(other, "workqueue_adds_total", name="reconcile") == 0
