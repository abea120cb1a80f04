"""The lab as its user sees it: which objects there are, how each of them stands, and when all are Ready."""

from collections.abc import Callable, Sequence

from kubernetes import client

from bed.kube_object import HOSTS, PORT_GROUPS, KubeObject, Snapshot
from bed.waiting import wait_for
from demo.display import Display, Row
from demo.stage import NAMESPACE, Stage

__all__ = ["describe", "find_lab", "named", "wait_until_gone", "wait_until_ready"]

_READY_SECONDS = 60.0
_GONE_SECONDS = 60.0
_SHORT = {PORT_GROUPS: "npg", HOSTS: "nhv"}


def find_lab(stage: Stage) -> list[KubeObject]:
    """Return the objects of our kinds in the lab's namespace, port groups first."""
    found = []
    for plural in (PORT_GROUPS, HOSTS):
        listed = stage.plane.kubectl("get", plural, f"--namespace={NAMESPACE}", "--output=name").splitlines()
        names = sorted(line.partition("/")[2] for line in listed)
        found += [KubeObject(stage.api, NAMESPACE, plural, name, name) for name in names]
    return found


def named(lab: Sequence[KubeObject], name: str) -> KubeObject:
    """Return the object of this name."""
    return next(item for item in lab if item.name == name)


def describe(item: KubeObject) -> str:
    """Tell how an object stands, for the message of a failure."""
    snapshot = item.find()
    if snapshot is None:
        return f"{item} does not exist"
    status = snapshot.status
    lines = [f"{item}, finalizers {snapshot.metadata.get('finalizers', [])}:"]
    lines += [
        f"  {each['type']} {each['status']} {each['reason']} {each['message']}" for each in status.get("conditions", ())
    ]
    lines += [f"  {key} {status[key]}" for key in ("drift", "lastRepair") if key in status]
    return "\n".join(lines)


def wait_until_ready(lab: Sequence[KubeObject], display: Display) -> None:
    """Show how the lab becomes Ready."""
    with display.table("RESOURCE") as update:

        def all_ready() -> bool:
            found = [(item, item.find()) for item in lab]
            update([_row(item, snapshot) for item, snapshot in found])
            return all(snapshot is not None and _is_done(snapshot) for _, snapshot in found)

        wait_for(all_ready, "the lab to be Ready", seconds=_READY_SECONDS, interval=0.1, detail=_last(lab))


def wait_until_gone(stage: Stage, lab: Sequence[KubeObject], display: Display) -> None:
    """Show how the lab goes: hosts, then what they were attached to, then the Secret, then the namespace."""
    core = client.CoreV1Api(stage.api)
    with display.table("RESOURCE") as update:

        def all_gone() -> bool:
            rows = [_leaving(_title(item), _stays(item.find())) for item in reversed(lab)]
            secret = core.list_namespaced_secret(NAMESPACE, field_selector="metadata.name=vcenter").items
            rows.append(_leaving("secret/vcenter", "held while the operator needs it" if secret else ""))
            namespace = core.list_namespace(field_selector=f"metadata.name={NAMESPACE}").items
            waits = "Terminating; Kubernetes looks every few seconds"
            rows.append(_leaving(f"namespace/{NAMESPACE}", waits if namespace else ""))
            update(rows)
            return not namespace

        wait_for(all_gone, "the namespace to go", seconds=_GONE_SECONDS, interval=0.1, detail=_last(lab))


def _stays(snapshot: Snapshot | None) -> str:
    if snapshot is None:
        return ""
    if "deletionTimestamp" not in snapshot.metadata:
        return "not asked to go yet"
    ready = snapshot.condition("Ready")
    return f"{ready.reason} {ready.message}".rstrip()


def _leaving(name: str, stays: str) -> Row:
    return name, not stays, stays or "gone"


def _title(item: KubeObject) -> str:
    return f"{_SHORT[item.plural]}/{item.name}"


def _is_done(snapshot: Snapshot) -> bool:
    booting = snapshot.status.get("powerState") == "On" and not snapshot.status.get("ipAddress")
    return snapshot.ready and not booting


def _row(item: KubeObject, snapshot: Snapshot | None) -> Row:
    name = _title(item)
    if snapshot is None:
        return name, False, "does not exist"
    ready = snapshot.condition("Ready")
    if not snapshot.ready:
        return name, False, f"{ready.reason} {ready.message}".strip() or "not seen yet"
    status = snapshot.status
    if item.plural == PORT_GROUPS:
        vlan = "untagged" if status["vlan"] == "none" else f"VLAN {status['vlan']}"
        text = f"{status['mode']}, {vlan}, on {status['switch']}"
    else:
        nested = "nested HV on" if status["nestedHV"] else "nested HV off"
        address = status.get("ipAddress") or ("booting" if status["powerState"] == "On" else "")
        text = ", ".join(filter(None, [f"power {status['powerState']}", nested, f"NICs {status['network']}", address]))
    return name, _is_done(snapshot), text


def _last(lab: Sequence[KubeObject]) -> Callable[[], str]:
    return lambda: "\n".join(map(describe, lab))
