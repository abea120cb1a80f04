"""`--keep`: the lab stays, and whoever sits at a second terminal is told how to reach both sides of it."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from bed import toolchain
from bed.twin import ALICE
from demo.display import Display
from demo.stage import NAMESPACE, Stage

__all__ = ["stay"]

_LOOK_SECONDS = 0.5

_KUBECTL = f"""\
kubectl get nestedlab --watch
kubectl get npg lab-inner -o jsonpath='{{.status.lastRepair}}'
kubectl patch npg lab-inner --type merge -p '{{"spec":{{"vlan":{{"id":121}}}}}}'
kubectl apply -f deploy/samples/standard-switches.yaml
kubectl delete namespace {NAMESPACE}"""

_GOVC = """\
govc dvs.portgroup.change -vlan 7 lab-inner
govc vm.change -vm hyperv-2 -nested-hv-enabled=false
govc object.destroy network/lab-migration
govc host.portgroup.remove -host DC0_C0_H0 lab-local"""


def stay(stage: Stage, display: Display) -> None:
    """Say what can be done, and wait for Ctrl-C; returns when it comes."""
    display.title("It is yours, until Ctrl-C")
    display.say("In a second terminal on this machine:")
    display.blank()
    display.raw("\n".join(_environment(stage)))
    display.blank()
    display.say("As a user of the lab:")
    display.raw(_KUBECTL)
    display.blank()
    display.say("As the other administrator; curl is for those who have no govc:")
    display.raw(_GOVC)
    display.raw(_drift_by_curl(stage))
    display.blank()
    display.say(f"The operator's log: tail -f {stage.operator.log}")
    display.blank()
    display.say("Ctrl-C ends everything and removes it.")
    try:
        while stage.operator.running:
            time.sleep(_LOOK_SECONDS)
    except KeyboardInterrupt:
        display.blank()
        return
    raise AssertionError(f"the operator ended by itself. The end of its log:\n{stage.operator.tail()}")


def _environment(stage: Stage) -> Iterator[str]:
    if shutil.which("kubectl") is None:
        yield f"export PATH=$PATH:{toolchain.kubectl().parent}"
    yield f"export KUBECONFIG={_kubeconfig(stage)}"
    yield f"export GOVC_URL={stage.twin.url}"
    yield f"export GOVC_TLS_CA_CERTS={stage.twin.ca}"
    yield f"export GOVC_USERNAME={ALICE.name} GOVC_PASSWORD={ALICE.password}"


def _kubeconfig(stage: Stage) -> Path:
    """An administrator's kubeconfig that stands in the lab's namespace."""
    file = stage.plane.folder / "lab.kubeconfig"
    shutil.copy(stage.plane.admin_kubeconfig, file)
    stage.plane.kubectl("config", "set-context", "--current", f"--namespace={NAMESPACE}", kubeconfig=file)
    return file


def _drift_by_curl(stage: Stage) -> str:
    body = f'{{"object":"lab-inner","user":"{ALICE.name}","set":{{\n  "config.defaultPortConfig.vlan.vlanId":8}}}}'
    return f"curl {stage.twin.control.address}/v1/drift -d \\\n  '{body}'"
