"""Every name that the operator shows to others is really used: nobody waits for a reason that never comes."""

import inspect
import re
from dataclasses import fields
from pathlib import Path

import pytest

import nested_hyperv
from nested_hyperv.api import meta
from nested_hyperv.api.conditions import ConditionType, Reason
from nested_hyperv.app.settings import Settings
from nested_hyperv.telemetry.metrics import Metrics, QueueMetrics

_PACKAGE = Path(nested_hyperv.__file__).parent


def _uses(words: str, *, outside: str) -> list[str]:
    whole = re.compile(rf"(\b|_){re.escape(words)}\b")
    return [
        path.relative_to(_PACKAGE).as_posix()
        for path in _PACKAGE.rglob("*.py")
        if path != _PACKAGE / outside and whole.search(path.read_text())
    ]


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_given_by_something(reason: Reason) -> None:
    assert _uses(f"Reason.{reason.name}", outside="api/conditions.py")


@pytest.mark.parametrize("condition", list(ConditionType))
def test_every_condition_type_is_written_by_something(condition: ConditionType) -> None:
    assert _uses(f"ConditionType.{condition.name}", outside="api/conditions.py")


@pytest.mark.parametrize(
    "name", [name for name in vars(meta) if name.startswith(("ANNOTATION_", "FINALIZER_")) or name == "SECRET_TYPE"]
)
def test_every_annotation_and_finalizer_is_acted_upon(name: str) -> None:
    assert [path for path in _uses(name, outside="api/meta.py") if not path.startswith("api/reference")]


@pytest.mark.parametrize("name", [setting.name for setting in fields(Settings)])
def test_every_setting_changes_something(name: str) -> None:
    assert _uses(f"settings.{name}", outside="app/settings.py")


@pytest.mark.parametrize(
    "name",
    [
        name
        for kind in (Metrics, QueueMetrics)
        for name, _ in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    ],
)
def test_every_metric_is_fed_by_something(name: str) -> None:
    calls = (f"metrics.{name}", f"observer.{name}", f"meter.{name}", f"metrics.queue.{name}")
    assert [path for call in calls for path in _uses(call, outside="telemetry/metrics.py")]
