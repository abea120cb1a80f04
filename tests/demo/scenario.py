"""The acts of the demo, in order. What each of them shows is checked, and an AssertionError tells what did not hold."""

from collections.abc import Sequence

from bed.apiserver import ControlPlane
from bed.calls import Calls
from bed.kube_object import GROUP, KubeObject
from bed.operator_process import OPERATOR_USER
from bed.twin import ADMINISTRATOR, ALICE, OPERATOR
from demo import drift
from demo.display import Display
from demo.inventory import Inventory, differences, read_inventory, summary
from demo.keep import stay
from demo.lab import find_lab, named, wait_until_gone, wait_until_ready
from demo.repair import Watcher, take
from demo.stage import NAMESPACE, Stage

__all__ = ["play"]


def play(stage: Stage, display: Display, *, keep: bool) -> None:
    """Play all acts; with `keep` the last one is left to the user."""
    _start(stage, display)
    before = read_inventory(stage.log_in(ADMINISTRATOR))
    lab = _apply(stage, display)
    _break(stage, display, lab)
    if keep:
        stay(stage, display)
    else:
        _delete(stage, display, lab, before)


def _start(stage: Stage, display: Display) -> None:
    display.title("1  An API server, a vCenter, the operator")
    stage.build()
    with display.step("Starting etcd, kube-apiserver, kube-controller-manager") as done:
        done(f"Kubernetes {stage.start_control_plane()}: etcd, API server, controllers")
    with display.step("Starting the vCenter twin") as done:
        done(f"{stage.start_vcenter()} (a twin; real SOAP)")
    applied = stage.kubectl("apply", "--server-side", "-f", "crds/")
    display.output([", ".join(line.partition("/")[2].partition(" ")[0] for line in applied)])
    stage.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", "crds/")
    applied = stage.kubectl("apply", "-k", "deploy/")
    display.output([f"{len(applied)} objects: ServiceAccount, RBAC, admission policies, Deployment, …"])
    with display.step("Starting the operator") as done:
        stage.start_operator()
        done(f"The operator, as ServiceAccount {OPERATOR_USER.rpartition(':')[2]}")


def _apply(stage: Stage, display: Display) -> list[KubeObject]:
    display.title("2  A lab: two port groups, two Hyper-V hosts")
    display.output(stage.kubectl("apply", "-f", "deploy/samples/namespace.yaml"))
    _create_secret(stage, display)
    display.output(stage.kubectl("apply", "-k", "deploy/samples"))
    display.blank()
    lab = find_lab(stage)
    wait_until_ready(lab, display)
    display.blank()
    for plural in ("npg", "nhv"):
        display.output(stage.kubectl("get", plural, "-n", NAMESPACE))
    return lab


def _create_secret(stage: Stage, display: Display) -> None:
    words = {"server": f"{stage.twin.host}:{stage.twin.port}", "username": OPERATOR.name, "scope": "/DC0"}
    base = ["create", "secret", "generic", "vcenter", f"--namespace={NAMESPACE}", "--type=nestedhv.io/vcenter"]
    base += [f"--from-literal={key}={value}" for key, value in words.items()]
    hidden = [f"--from-literal=password={OPERATOR.password}", f"--from-file=ca.crt={stage.twin.ca}"]
    shown = [
        f"kubectl create secret generic vcenter -n {NAMESPACE} \\",
        "  --type=nestedhv.io/vcenter --from-literal=scope=/DC0 \\",
        f"  --from-literal=server={words['server']} \\",
        f"  --from-literal=username={OPERATOR.name} \\",
        "  --from-literal=password=... --from-file=ca.crt=vcenter-ca.pem",
    ]
    display.output(stage.kubectl(*base, *hidden, shown="\n".join(shown)))


def _break(stage: Stage, display: Display, lab: Sequence[KubeObject]) -> None:
    display.title("3  Another administrator of that vCenter")
    display.say(
        f"{ALICE.shown} logs in and changes things. Times are from before her call is sent until vCenter has pushed "
        "the repaired object to a third session."
    )
    alice = stage.log_in(ALICE)
    watcher = Watcher(stage.log_in(ADMINISTRATOR))
    calls = Calls(stage.twin.control, OPERATOR)
    inner, stopped, unused = (named(lab, name) for name in ("lab-inner", "hyperv-2", "lab-migration"))
    for prepare, subject in (
        (drift.stop_mac_learning, inner),
        (drift.set_promiscuous, inner),
        (drift.hide_virtualization, stopped),
        (drift.delete_port_group, unused),
    ):
        deed = prepare(alice, subject)
        display.deed(f"alice {deed.what}")
        seen = take(deed, watcher, calls)
        made = ", ".join(f"{count} {method}" for method, count in seen.calls.items())
        display.fact("repaired", f"in {seen.milliseconds:.0f} ms, by {made}", style="bold green")
        display.fact("status.lastRepair", "; ".join(seen.changes))
        display.fact("event", seen.event)


def _delete(stage: Stage, display: Display, lab: Sequence[KubeObject], before: Inventory) -> None:
    display.title("4  The end of the lab")
    display.output(stage.kubectl("delete", "namespace", NAMESPACE, "--wait=false"))
    display.blank()
    wait_until_gone(stage, lab, display)
    display.blank()
    _check_api_server(stage.plane)
    display.done("API server: no namespace, no resource of ours, no vCenter Secret")
    with display.step("Stopping the operator") as done:
        status = stage.operator.stop()
        assert status == 0, f"expected the operator to end with status 0, and it was {status}:\n{stage.operator.tail()}"
        sessions = [user for user in stage.twin.control.state().sessions if user == OPERATOR.shown]
        assert not sessions, f"expected no session of {OPERATOR.shown} in vCenter, and there are {len(sessions)}"
        done("The operator ended with status 0 and has logged out of vCenter")
    after = read_inventory(stage.log_in(ADMINISTRATOR))
    found = differences(before, after)
    assert not found, "expected vCenter to be as it was before the lab, and it is not:\n" + "\n".join(found)
    display.done(f"vCenter: {len(after)} objects, each as before the lab: {summary(after)}")


def _check_api_server(plane: ControlPlane) -> None:
    secrets = f"--field-selector=type={GROUP}/vcenter"
    left = [
        *plane.kubectl("get", "namespace", NAMESPACE, "--ignore-not-found", "--output=name").split(),
        *plane.kubectl("get", "nestedlab", "--all-namespaces", "--output=name").split(),
        *plane.kubectl("get", "secrets", "--all-namespaces", secrets, "--output=name").split(),
    ]
    assert not left, f"expected nothing of the lab in the API server, and there is {', '.join(left)}"
