"""One line for each log record, as JSON for machines or as text for people.

The fields of the current work (`context.bind`) are added to every line, so that code which logs need not know which
object it works for. Libraries that print whole documents at DEBUG (Kopf, the Kubernetes client) are never set that
low: a document may be a Secret.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, TextIO

from nested_hyperv.telemetry.context import fields

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FORMATS", "LEVELS", "JsonFormatter", "TextFormatter", "configure"]

Format = Literal["json", "text"]
FORMATS: Final = ("json", "text")
LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")

_OURS: Final = "nested_hyperv"
# The order in which a line shows its fields; others follow.
_ORDER: Final = ("kind", "namespace", "name", "uid", "generation", "vcenter", "reconcileID", "opID")
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def configure(style: Format, level: str, stream: TextIO | None = None) -> None:
    """Send all records to one stream (standard error): ours from `level` on, those of libraries from WARNING on."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    handler.addFilter(_worth_reading)
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger(_OURS).setLevel(level)
    logging.captureWarnings(capture=True)


class JsonFormatter(logging.Formatter):
    """`{"ts": …, "level": …, "logger": …, "msg": …, fields of the work, "error": traceback}`."""

    def format(self, record: logging.LogRecord) -> str:
        """Render one line."""
        line: dict[str, object] = {
            "ts": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": record.getMessage(),
            **_fields_of(record),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """Time, level, the object, the message; a traceback on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Render one line."""
        known = _fields_of(record)
        where = "/".join(str(known[key]) for key in ("kind", "namespace", "name") if key in known)
        vcenter = f" [{known['vcenter']}]" if "vcenter" in known else ""
        # Some messages name their object themselves, for readers of the JSON form.
        message = record.getMessage().removeprefix(f"{where}: ")
        line = f"{_moment(record)} {record.levelname:<7} {where or record.name}{vcenter}: {message}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fields_of(record: logging.LogRecord) -> Mapping[str, object]:
    extra = {key: value for key, value in vars(record).items() if key not in _STANDARD}
    found = {**fields(), **extra}
    return {key: found[key] for key in sorted(found, key=_position)}


def _position(key: str) -> tuple[int, str]:
    return (_ORDER.index(key), "") if key in _ORDER else (len(_ORDER), key)


def _worth_reading(record: logging.LogRecord) -> bool:
    # Kopf warns at every start that it handles no signals in a thread; that is why it runs in one.
    return not (record.name.startswith("kopf.") and record.getMessage().startswith("OS signals are ignored"))
