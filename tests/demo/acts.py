"""What happens in the demo: a lab is declared, somebody breaks it, it is repaired, and it goes without a trace.

Times of repairs are vCenter's own: from the end of the task that made the change to the end of the task that took it
back.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bed.calls import Calls
from bed.kube_object import HOSTS, PORT_GROUPS
from bed.stranger import TaskTimes
from bed.twin import ALICE, OPERATOR, State
from bed.waiting import NotInTimeError, wait_for
from demo.stage import NAMESPACE, SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from bed.kube_object import KubeObject
    from demo.screen import Screen
    from demo.stage import Stage

__all__ = ["Inventory", "break_it", "declare", "tear_down"]

_SHORT = {PORT_GROUPS: "npg", HOSTS: "nhv"}
_READY_SECONDS = 60.0
_REPAIR_SECONDS = 30.0
_GONE_SECONDS = 120.0


@dataclass(frozen=True)
class Inventory:
    """What is in vCenter, by id, and who is logged in besides the demo itself."""

    machines: frozenset[tuple[str, str]]
    port_groups: frozenset[tuple[str, str]]
    sessions: int

    @classmethod
    def of(cls, state: State) -> Inventory:
        """Read it from a dump of the twin."""
        return cls(
            frozenset((vm.id, vm.name) for vm in state.vms),
            frozenset((group.id, group.name) for group in state.port_groups),
            sum(1 for user in state.sessions if user == OPERATOR.shown),
        )


def declare(stage: Stage, screen: Screen) -> None:
    """Apply the sample lab with kubectl and watch it become Ready."""
    calls = Calls(stage.twin.control, OPERATOR)
    screen.command(f"kubectl create namespace {NAMESPACE}")
    stage.plane.kubectl("create", "namespace", NAMESPACE)
    screen.command("kubectl apply -f connection.yaml      # a Secret: server, account, CA")
    stage.plane.kubectl("apply", "--filename=-", input=stage.secret())
    screen.command("kubectl apply -k deploy/samples")
    started = time.monotonic()
    stage.plane.kubectl("apply", f"--kustomize={SAMPLES}")
    screen.say("")
    with screen.live(lambda: _overview(stage, screen)) as draw:

        def all_ready() -> bool:
            draw()
            found = [each.find() for each in stage.lab]
            return all(each is not None and each.ready for each in found)

        wait_for(all_ready, "the lab to be Ready", seconds=_READY_SECONDS, detail=lambda: _states(stage))
    screen.say("")
    screen.good("the lab is Ready", f"{time.monotonic() - started:.1f} s")
    screen.say("  Calls that changed something in vCenter, for four objects:")
    for method, count in sorted(calls.changes().items()):
        screen.say(f"    {count} {method}")


def _overview(stage: Stage, screen: Screen) -> Table:
    table = screen.table("", "NAME", "READY", "REASON", "IN VSPHERE")
    for each in stage.lab:
        found = each.find()
        ready = None if found is None else found.condition("Ready")
        if found is None or ready is None or ready.status == "absent":
            table.add_row(_SHORT[each.plural], each.name)
            continue
        colour = {"True": "green", "False": "yellow"}.get(ready.status, "red")
        status = found.status
        if each.plural == HOSTS:
            power, networks = status.get("powerState", ""), status.get("network", "")
            nested = "nested HV" if status.get("nestedHV") else ""
            facts = [power, nested, f"NICs {networks}" if networks else "", status.get("ipAddress", "")]
        else:
            facts = [status.get("mode", ""), _vlan(status.get("vlan"))]
        shown = ", ".join(fact for fact in facts if fact)
        table.add_row(_SHORT[each.plural], each.name, f"[{colour}]{ready.status}[/]", ready.reason, shown)
    return table


def _vlan(vlan: str | None) -> str:
    return {None: "", "none": "untagged"}.get(vlan, f"VLAN {vlan}")


def _states(stage: Stage) -> str:
    return "\n".join(f"{each}: {each.find()}" for each in stage.lab)


def break_it(stage: Stage, screen: Screen) -> None:
    """Let another administrator change things, one after the other, and tell how each was taken back."""
    alice, inner, stopped = stage.alice, stage.object("lab-inner"), stage.object("hyperv-2")
    free = stage.object("lab-migration")
    deeds: tuple[tuple[str, str, Callable[[], None]], ...] = (
        (
            "turns MAC learning off on lab-inner",
            "put back",
            lambda: alice.set_policy(inner.mo_ref, learning={"enabled": False}),
        ),
        (
            "sets promiscuous mode on lab-inner",
            "put back",
            lambda: alice.set_policy(inner.mo_ref, allowPromiscuous=True),
        ),
        (
            "hides VT-x from hyperv-2, which is stopped",
            "put back",
            lambda: alice.reconfigure_vm(stopped.mo_ref, nestedHVEnabled=False),
        ),
        (
            "deletes port group lab-migration",
            "created again",
            lambda: alice.destroy(alice.port_group(free.mo_ref)),
        ),
    )
    for number, (words, done, deed) in enumerate(deeds, start=1):
        before = {task.key for task in alice.tasks(OPERATOR)}
        deed()
        drift = alice.tasks(ALICE)[-1]
        repair = _repair(stage, before)
        took = (repair.completed - drift.completed).total_seconds() * 1000
        screen.good(f"{number}. {words}", f"{done} after {took:4.0f} ms")
    wait_for(
        lambda: all((found := each.find()) is not None and found.ready for each in stage.lab),
        "the lab to be Ready again",
        seconds=_REPAIR_SECONDS,
        detail=lambda: _states(stage),
    )
    screen.say("")
    screen.command(f"kubectl get nestedlab -n {NAMESPACE} -o yaml    # status.lastRepair")
    for each in (inner, stopped, free):
        screen.say(f"  {_last_repair(each)}")


def _repair(stage: Stage, before: set[str]) -> TaskTimes:
    """The first task of the operator that is new and has ended well."""

    def look() -> TaskTimes | None:
        fresh = (task for task in stage.alice.tasks(OPERATOR) if task.key not in before)
        return next((task for task in fresh if task.succeeded), None)

    found = wait_for(look, "a repair", seconds=_REPAIR_SECONDS, interval=0.01, detail=lambda: _states(stage))
    assert found is not None
    return found


def _last_repair(each: KubeObject) -> str:
    rows = each.read().status["lastRepair"]["changes"]
    return f"{each.name}: " + ", ".join(f"{row['field']} {row['from']} → {row['to']}" for row in rows)


def tear_down(stage: Stage, screen: Screen, before: Inventory) -> None:
    """Delete the namespace and show that both sides are as they were. Raises if they are not."""
    screen.command(f"kubectl delete namespace {NAMESPACE}")
    with screen.step("hosts shut down and destroyed, port groups deleted, Secret released"):
        stage.plane.kubectl("delete", "namespace", NAMESPACE, "--wait=false")
        _wait_for_namespace(stage)
    left = stage.plane.kubectl("get", "nestedlab", "--all-namespaces", "--output=name", "--ignore-not-found").split()
    if left:
        raise NotInTimeError(f"the API server still has {', '.join(left)}")
    screen.good("the API server has no namespace, no resource and no Secret of the lab left")
    after = wait_for(
        lambda: now if (now := Inventory.of(stage.twin.control.state())).sessions == 0 else None,
        "the operator to log out of vCenter",
        seconds=_REPAIR_SECONDS,
    )
    if after != before:
        added = (after.machines | after.port_groups) - (before.machines | before.port_groups)
        gone = (before.machines | before.port_groups) - (after.machines | after.port_groups)
        raise NotInTimeError(f"vCenter differs from before: added {sorted(added)}, gone {sorted(gone)}")
    screen.good(
        f"vCenter is as before: {len(after.machines)} machines, {len(after.port_groups)} port groups,"
        " no session of the operator"
    )


def _wait_for_namespace(stage: Stage) -> None:
    def gone() -> bool:
        return f"namespace/{NAMESPACE}" not in stage.plane.kubectl("get", "namespaces", "--output=name").split()

    wait_for(gone, f"namespace {NAMESPACE} to go", seconds=_GONE_SECONDS, interval=0.3, detail=lambda: _states(stage))
