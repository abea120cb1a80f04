"""Figures as JSON for machines and as a Markdown table for docs/benchmarks.md."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from bed.toolchain.cache import ROOT
from bench.figures import Figure

__all__ = ["DOCS", "RESULTS", "save", "table", "write_docs"]

RESULTS = ROOT / "bench" / "results.json"
DOCS = ROOT / "docs" / "benchmarks.md"
_BEGIN, _END = "<!-- figures: begin -->", "<!-- figures: end -->"
_WHOLE = 100
"""From here on decimals are noise."""
_HEAD = ("What", "Operator", "Plain program", "Ratio", "Bar", "Detail")


def save(figures: Sequence[Figure], command: str, seconds: float, file: Path = RESULTS) -> None:
    """Write everything, with what it was measured on."""
    document = {
        "command": command,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds),
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()},
        "figures": [{**asdict(figure), "ratio": figure.ratio} for figure in figures],
    }
    file.write_text(json.dumps(document, indent=1) + "\n")


def table(figures: Sequence[Figure]) -> str:
    """Render one table for each scenario."""
    out: list[str] = []
    for scenario in dict.fromkeys(figure.scenario for figure in figures):
        out += [f"### {scenario.capitalize()}", "", _row(_HEAD), _row(["---"] * len(_HEAD))]
        out += [_row(_cells(figure)) for figure in figures if figure.scenario == scenario]
        out.append("")
    return "\n".join(out)


def write_docs(figures: Sequence[Figure], command: str) -> None:
    """Replace the tables of docs/benchmarks.md."""
    head, _, rest = DOCS.read_text().partition(_BEGIN)
    _, found, tail = rest.partition(_END)
    if not found:
        raise ValueError(f"{DOCS} lacks the lines {_BEGIN} and {_END}, between which the tables stand")
    day = datetime.now(UTC).date().isoformat()
    where = f"Made by `{command}` on {day}, {os.cpu_count()} CPUs, Python {platform.python_version()}."
    DOCS.write_text(f"{head}{_BEGIN}\n\n{where}\n\n{table(figures)}\n{_END}{tail}")


def _cells(figure: Figure) -> list[str]:
    peer = "" if figure.peer is None else f"{_number(figure.peer)} {figure.unit}"
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    return [figure.name, f"{_number(figure.value)} {figure.unit}", peer, ratio, figure.bar, figure.note]


def _number(value: float) -> str:
    if value == int(value) or abs(value) >= _WHOLE:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
