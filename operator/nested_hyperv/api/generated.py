"""Files that are written from the code and committed: one way to write them and one way to check them."""

import difflib
import sys
from collections.abc import Mapping
from pathlib import Path

__all__ = ["settle"]


def settle(files: Mapping[Path, str], *, check: bool, command: str) -> int:
    """Write the files, or with `check` show on stderr which differ and the command that writes; returns the status."""
    status = 0
    for path, wanted in files.items():
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted, encoding="utf-8")
            continue
        present = path.read_text(encoding="utf-8") if path.exists() else ""
        if present != wanted:
            status = 1
            before, after = present.splitlines(keepends=True), wanted.splitlines(keepends=True)
            sys.stderr.writelines(difflib.unified_diff(before, after, str(path), "generated"))
            sys.stderr.write(f"{path} is not what the code says: run `{command}` and commit the result\n")
    return status
