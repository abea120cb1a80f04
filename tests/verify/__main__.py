"""Asks a real vCenter about the rules that the twin keeps: `make verify-vcenter`.

Everything is made in a scratch folder and on a scratch switch, under one random prefix, and removed again.
"""

import argparse
import json
import os
import secrets
import signal
import sys
from collections.abc import Sequence

from verify import show
from verify.place import find_place
from verify.run import ask_all
from verify.table import Check, all_checks
from verify.target import VARIABLES, RefusedError, Target, connect

_AGREES, _DOES_NOT, _REFUSED, _INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m verify",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(
            [
                "environment:",
                *(f"  {name:<18} {what}" for name, what in VARIABLES.items()),
                "",
                "exit status: 0 every rule that could be asked holds; 1 one does not, none could be asked or something",
                "is left behind; 2 refused, nothing was done; 130 interrupted, and cleaned up.",
            ]
        ),
    )
    parser.add_argument("-k", metavar="TEXT", default="", help="only rules with this text in their name or call")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of lines")
    options = parser.parse_args(arguments)
    checks = [check for check in all_checks() if _matches(check, options.k)]
    if not checks:
        parser.error(f"-k {options.k!r} matches no rule")
    for ending in (signal.SIGINT, signal.SIGTERM):  # whoever ends us gets a clean vCenter, also from a background job
        signal.signal(ending, signal.default_int_handler)
    try:
        target = Target.of(os.environ)
        with connect(target) as instance:
            place = find_place(instance, target)
            prefix = f"v{secrets.token_hex(2)}-"  # short: a standard switch has 31 characters
            about = instance.content.about
            with show.progress(target, about, prefix, len(checks)) as tell:
                report = ask_all(instance, place, prefix, checks, tell)
    except RefusedError as refused:
        print("Refused, nothing was done:", *(f"  {reason}" for reason in refused.reasons), sep="\n", file=sys.stderr)
        print("`make verify-vcenter ARGS=--help` lists all settings; docs/testing.md has an example.", file=sys.stderr)
        return _REFUSED
    except KeyboardInterrupt:
        return _INTERRUPTED
    if options.json:
        print(json.dumps(show.as_document(target, about, report), indent=2))
    else:
        show.table(report)
    if report.interrupted:
        return _INTERRUPTED
    return _AGREES if report.good else _DOES_NOT


def _matches(check: Check, text: str) -> bool:
    return text.lower() in f"{check.name} {check.rule.call}".lower()


if __name__ == "__main__":
    sys.exit(main())
