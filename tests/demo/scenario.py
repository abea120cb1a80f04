"""The acts of the demo, in order. What each shows is also checked: an AssertionError tells what did not hold."""

from collections.abc import Sequence

from bed.calls import Calls
from bed.operator_process import OPERATOR_USER
from bed.twin import ADMINISTRATOR, ALICE, OPERATOR
from demo import drift
from demo.display import Display
from demo.inventory import Inventory, differences, read_inventory, summary
from demo.keep import stay
from demo.lab import find_lab, named, wait_until_ready
from demo.repair import Watcher, take
from demo.stage import NAMESPACE, Stage, Word

__all__ = ["play"]

_GET = ("--namespace", NAMESPACE)


def play(stage: Stage, display: Display, *, keep: bool) -> None:
    """Play all acts; with `keep` the last one is left to the user."""
    _start(stage, display)
    with_before = stage.log_in(ADMINISTRATOR)
    before = read_inventory(with_before)
    _apply_lab(stage, display)
    _drift_and_repair(stage, display)
    if keep:
        stay(stage, display)
        return
    _delete(stage, display, before)
    display.success("Created, broken, repaired, deleted: as declared all the way.")
