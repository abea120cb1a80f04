"""What an administrator can set: environment variables, each with a flag of the same name.

One table: the fields below. The help text, the reference page (docs/reference/settings.md, `python -m
nested_hyperv.app.settings`) and the error messages are made from it.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final, cast

from nested_hyperv.telemetry.logging import FORMATS, LEVELS, Format

__all__ = ["InvalidSetting", "Settings", "parser", "reference", "unknown_variables"]

_DNS_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_WORKERS_MAX: Final = 256
_PORT_MAX: Final = 65535


class InvalidSetting(ValueError):
    """A setting has a value that is not allowed; the message names it, what was given and what is allowed."""


def _number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def _choice(allowed: Sequence[str], change: Callable[[str], str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if change(text) not in allowed:
            raise ValueError(f"one of {', '.join(allowed)}")
        return change(text)

    return parse


def _namespaces(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not all(_DNS_LABEL.fullmatch(name) for name in names):
        raise ValueError("names of namespaces, separated by commas (no patterns)")
    return tuple(dict.fromkeys(names))


def _text(text: str) -> str:
    return text


def _setting(default: object, parse: Callable[[str], object], doc: str, shown: str | None = None) -> Any:  # noqa: ANN401
    return field(default=default, metadata={"parse": parse, "doc": doc, "shown": shown or f"`{default}`"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings. The variable of `http_port` is `NHV_HTTP_PORT`, its flag `--http-port`."""

    cluster_id: str | None = _setting(
        None,
        _text,
        "Identifies this cluster in every ownership mark in vSphere. Must be unique among the clusters that use one"
        " vCenter and must never change. A restored copy of a cluster needs another one.",
        "the UID of the namespace `kube-system`",
    )
    namespaces: tuple[str, ...] = _setting(
        (), _namespaces, "The namespaces to serve, separated by commas.", "all namespaces"
    )
    workers: int = _setting(
        32, _number(1, _WORKERS_MAX), "How many objects are worked on at once; one vCenter gets three quarters at most."
    )
    log_format: Format = _setting(  # noqa: RUF009 - makes a dataclass field
        "text", _choice(FORMATS, str.lower), "`text` for people, `json` for machines."
    )
    log_level: str = _setting(
        "INFO", _choice(LEVELS, str.upper), "`DEBUG`, `INFO`, `WARNING` or `ERROR`; libraries log warnings only."
    )
    http_host: str | None = _setting(None, _text, "The address of health and metrics.", "all addresses")
    http_port: int = _setting(
        8080, _number(0, _PORT_MAX), "The port of `/healthz`, `/readyz` and `/metrics`; `0` serves none of them."
    )

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ, arguments: argparse.Namespace | None = None) -> Settings:
        """Read the variables; a flag goes before its variable, an empty value counts as not set."""
        values: dict[str, object] = {}
        for each in fields(cls):
            variable, flag = _variable(each.name), cast("str | None", getattr(arguments, each.name, None))
            text = environ.get(variable, "") if flag is None else flag
            if not text.strip():
                continue
            parse: Callable[[str], object] = each.metadata["parse"]
            try:
                values[each.name] = parse(text.strip())
            except ValueError as error:
                origin = variable if flag is None else _flag(each.name)
                raise InvalidSetting(f"{origin} is {text!r}; allowed is {error}") from error
        return cls(**cast("dict[str, Any]", values))


def unknown_variables(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Variables that look like settings and are none: most likely misspelt."""
    known = [_variable(each.name) for each in fields(Settings)]
    return sorted(name for name in environ if name.startswith("NHV_") and name not in known)


def parser() -> argparse.ArgumentParser:
    """Make the parser of the command line; every flag is optional."""
    made = argparse.ArgumentParser(
        prog="nested-hyperv-operator",
        description="Keeps Hyper-V hosts that run as vSphere virtual machines, and their port groups, as declared.",
    )
    for each in fields(Settings):
        doc = each.metadata["doc"].replace("`", "").replace("%", "%%")
        default = each.metadata["shown"].replace("`", "")
        made.add_argument(
            _flag(each.name), dest=each.name, metavar="…", help=f"{doc} Default: {default}. [{_variable(each.name)}]"
        )
    return made


def reference() -> str:
    """Render docs/reference/settings.md."""
    rows = [
        f"| `{_variable(each.name)}` | `{_flag(each.name)}` | {each.metadata['doc']} | {each.metadata['shown']} |"
        for each in fields(Settings)
    ]
    return "\n".join(
        [
            "# Settings",
            "",
            "<!-- Generated by `python -m nested_hyperv.app.settings`; edit that module, not this file. -->",
            "",
            "Each setting is an environment variable and a flag; the flag goes first. In a cluster they stand in",
            "`deploy/base/settings.env`. `KUBECONFIG` names the cluster outside of a pod.",
            "",
            "| Variable | Flag | Meaning | Default |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _variable(name: str) -> str:
    return f"NHV_{name.upper()}"


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


if __name__ == "__main__":
    print(reference(), end="")  # noqa: T201 - the page is the output
