"""What to say when the demo is left running: how to reach both sides, and what is worth trying."""

from __future__ import annotations

import shutil
import signal
from typing import TYPE_CHECKING

from bed.toolchain import kubectl
from bed.twin import ALICE
from demo.stage import NAMESPACE

if TYPE_CHECKING:
    from demo.screen import Screen
    from demo.stage import Stage

__all__ = ["invite"]


def invite(stage: Stage, screen: Screen) -> None:
    """Print it, and wait until somebody presses Ctrl-C."""
    screen.chapter("Everything keeps running: open another terminal")
    exports = {
        "KUBECONFIG": str(stage.plane.admin_kubeconfig),
        "GOVC_URL": stage.twin.url,
        "GOVC_USERNAME": ALICE.name,
        "GOVC_PASSWORD": ALICE.password,
        "GOVC_TLS_CA_CERTS": str(stage.twin.ca),
    }
    for name, value in exports.items():
        screen.say(f"export {name}={value}")
    if shutil.which("kubectl") is None:
        screen.say(f"alias kubectl={kubectl()}")
    screen.say("\nWatch the lab, then do in vCenter what people do (govc: github.com/vmware/govmomi):")
    for command in (
        f"kubectl get nestedlab -n {NAMESPACE} -o wide --watch",
        "govc dvs.portgroup.change -vlan 7 lab-inner",
        "govc object.rename /DC0/network/lab-inner mine",
        "govc vm.change -vm hyperv-2 -nested-hv-enabled=false",
        "govc vm.power -off -force hyperv-1",
        f"kubectl describe npg lab-inner -n {NAMESPACE}",
        "kubectl explain nhv.spec.disruption",
        f"kubectl delete nhv hyperv-2 -n {NAMESPACE}",
        f"tail -f {stage.operator.log}",
        f"curl -s {stage.operator.address}/metrics",
    ):
        screen.command(command)
    screen.say("\nCtrl-C here ends everything and cleans up.")
    try:
        signal.pause()
    except KeyboardInterrupt:
        screen.say("\nEnding.")
