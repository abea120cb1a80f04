"""Settings: variables, flags, defaults, and what a wrong value is told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nested_hyperv.app.main import main
from nested_hyperv.app.settings import InvalidSetting, Settings, parser, reference, unknown_variables

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[3]


def load(flags: Sequence[str] = (), **variables: str) -> Settings:
    return Settings.load(variables, parser().parse_args(flags))


def test_without_any_setting_the_whole_cluster_is_served() -> None:
    settings = load()

    assert settings == Settings()
    assert (settings.cluster_id, settings.namespaces, settings.log_format) == (None, (), "text")


def test_every_setting_has_a_variable_and_a_flag() -> None:
    expected = Settings(
        cluster_id="lab-7",
        namespaces=("a", "b"),
        workers=4,
        log_format="json",
        log_level="DEBUG",
        http_host="127.0.0.1",
        http_port=0,
    )
    values = {
        "cluster-id": "lab-7",
        "namespaces": " a, b,,a ",
        "workers": "4",
        "log-format": "json",
        "log-level": "debug",
        "http-host": "127.0.0.1",
        "http-port": "0",
    }

    assert load(**{f"NHV_{name.upper().replace('-', '_')}": value for name, value in values.items()}) == expected
    assert load([f"--{name}={value}" for name, value in values.items()]) == expected


def test_a_flag_goes_before_its_variable_and_an_empty_value_is_none() -> None:
    assert load(["--workers=3"], NHV_WORKERS="5").workers == 3
    assert load(NHV_WORKERS="", NHV_CLUSTER_ID="  ") == Settings()


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("NHV_WORKERS", "0", "NHV_WORKERS is '0'; allowed is a whole number from 1 to 256"),
        ("NHV_WORKERS", "many", "NHV_WORKERS is 'many'; allowed is a whole number from 1 to 256"),
        ("NHV_HTTP_PORT", "65536", "NHV_HTTP_PORT is '65536'; allowed is a whole number from 0 to 65535"),
        ("NHV_HTTP_PORT", "-1", "NHV_HTTP_PORT is '-1'; allowed is a whole number from 0 to 65535"),
        ("NHV_LOG_FORMAT", "xml", "NHV_LOG_FORMAT is 'xml'; allowed is one of json, text"),
        ("NHV_LOG_LEVEL", "loud", "NHV_LOG_LEVEL is 'loud'; allowed is one of DEBUG, INFO, WARNING, ERROR"),
        ("NHV_NAMESPACES", "lab-*", "NHV_NAMESPACES is 'lab-*'; allowed is names of namespaces, separated by commas"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(variable: str, value: str, message: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        load(**{variable: value})

    assert message in str(refused.value)


def test_a_wrong_flag_is_named_as_it_was_given() -> None:
    with pytest.raises(InvalidSetting, match="--http-port is 'x'; allowed is a whole number"):
        load(["--http-port=x"])


def test_a_wrong_setting_ends_the_program_before_it_starts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NHV_WORKERS", "none")

    assert main([]) == 2
    assert capsys.readouterr().err == (
        "nested-hyperv-operator: NHV_WORKERS is 'none'; allowed is a whole number from 1 to 256\n"
    )


def test_a_misspelt_variable_is_found() -> None:
    assert unknown_variables({"NHV_WORKER": "3", "NHV_WORKERS": "3", "PATH": "/"}) == ["NHV_WORKER"]


def test_the_reference_page_is_the_one_that_is_committed() -> None:
    page = ROOT / "docs" / "reference" / "settings.md"

    assert page.read_text() == reference(), "run: python -m nested_hyperv.app.settings > docs/reference/settings.md"
