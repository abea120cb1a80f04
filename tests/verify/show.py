"""What a run of `make verify-vcenter` looks like: progress on stderr, the result on stdout, as lines or as JSON."""

# ruff: noqa: ANN401 - pyVmomi makes its types at run time

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from verify.run import Outcome, Report, Verdict
from verify.target import Target

__all__ = ["as_document", "progress", "table"]

_STYLES = {Verdict.AGREES: "green", Verdict.DISAGREES: "bold red", Verdict.NOT_ASKED: "yellow"}
_COLUMN = max(map(len, Verdict)) + 2


@contextmanager
def progress(target: Target, about: Any, prefix: str, total: int) -> Iterator[Callable[[Outcome], None]]:
    """Say on stderr who is asked and how far it is; yields what hears of each outcome."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(
        f"{target.server}: {about.fullName}, {total} rules. All that is made is named {prefix}…", markup=False
    )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("asking", total=total)

        def tell(outcome: Outcome) -> None:
            bar.update(task, advance=1, description=outcome.check.name)

        yield tell


def table(report: Report) -> None:
    """Print a line for each rule, more for what needs a look, and the sum."""
    console = Console(highlight=False, soft_wrap=True)
    for outcome in report.outcomes:
        console.print(_line(outcome))
        for more in _details(outcome):
            console.print(" " * _COLUMN + more, markup=False)
    for text in report.left:
        console.print(Text("left behind".ljust(_COLUMN), "bold red").append(text, ""))
    parts = [
        f"{report.count(verdict)} {'disagree' if verdict is Verdict.DISAGREES else verdict}" for verdict in Verdict
    ]
    ending = "interrupted; " if report.interrupted else ""
    remains = f"{len(report.left)} things are left behind" if report.left else "nothing is left behind"
    console.print(f"\n{ending}{', '.join(parts)}; {remains}.", markup=False)


def _line(outcome: Outcome) -> Text:
    return Text(str(outcome.verdict).ljust(_COLUMN), _STYLES[outcome.verdict]).append(
        f"{outcome.check.name} ({outcome.check.rule.call})", ""
    )


def _details(outcome: Outcome) -> Iterator[str]:
    rule = outcome.check.rule
    if outcome.verdict is Verdict.AGREES:
        return
    if outcome.verdict is Verdict.DISAGREES:
        yield f"the rule:  {rule.says}"
        yield f"it is:     {rule.standing}; {rule.source}"
        yield f"seen:      {outcome.detail}"
        if rule.switch:
            yield f"the twin:  keeps the other reading with its switch {rule.switch}"
    else:
        yield f"because:   {outcome.detail}"


def as_document(target: Target, about: Any, report: Report) -> dict[str, Any]:
    """Return the run as one JSON document."""
    return {
        "server": {"address": target.server, "product": about.fullName, "apiVersion": about.apiVersion},
        "summary": {verdict.name.lower(): report.count(verdict) for verdict in Verdict},
        "good": report.good,
        "interrupted": report.interrupted,
        "left": report.left,
        "rules": [
            {
                "name": outcome.check.name,
                "verdict": outcome.verdict.name.lower(),
                "detail": outcome.detail,
                "seconds": round(outcome.seconds, 3),
                "call": outcome.check.rule.call,
                "says": outcome.check.rule.says,
                "standing": str(outcome.check.rule.standing),
                "source": outcome.check.rule.source,
                "switch": outcome.check.rule.switch,
            }
            for outcome in report.outcomes
        ],
    }
