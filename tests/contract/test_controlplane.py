"""The control plane of the test bed behaves as a cluster does where the operator depends on it."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bed.apiserver import ControlPlane, KubectlError
from bed.guard import marked_processes
from bed.sandbox import BedError
from bed.toolchain import kubectl
from bed.waiting import wait_for


def test_the_server_reports_a_version_that_tools_can_parse(control_plane: ControlPlane) -> None:
    version = json.loads(control_plane.kubectl("get", "--raw=/version"))

    assert re.fullmatch(r"v\d+\.\d+\.\d+", version["gitVersion"])
    if not os.environ.get("KUBEBUILDER_ASSETS"):
        assert (version["gitVersion"], version["major"], version["minor"]) == ("v1.36.3", "1", "36")


def test_a_service_account_may_do_nothing_that_rbac_does_not_grant(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "serviceaccount", "nobody", f"--namespace={namespace}")
    nobody = control_plane.service_account_kubeconfig(namespace, "nobody")

    with pytest.raises(KubectlError, match=f"system:serviceaccount:{namespace}:nobody.*cannot list resource"):
        control_plane.kubectl("get", "configmaps", kubeconfig=nobody)

    control_plane.kubectl(
        "create", "role", "reader", "--verb=list", "--resource=configmaps", f"--namespace={namespace}"
    )
    binding = ["--role=reader", f"--serviceaccount={namespace}:nobody", f"--namespace={namespace}"]
    control_plane.kubectl("create", "rolebinding", "reader", *binding)

    def granted() -> str | None:
        try:
            return control_plane.kubectl("get", "configmaps", "--output=name", kubeconfig=nobody)
        except KubectlError:
            return None

    # The server's authorizer follows its own watch of the bindings.
    assert "configmap/kube-root-ca.crt" in (wait_for(granted, "the role binding to count") or "")
    with pytest.raises(KubectlError, match="cannot list resource"):
        control_plane.kubectl("get", "secrets", kubeconfig=nobody)


def test_a_deleted_namespace_ends_with_what_is_in_it(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "configmap", "some", f"--namespace={namespace}")

    control_plane.kubectl("delete", "namespace", namespace, "--wait", "--timeout=60s")

    assert namespace not in control_plane.kubectl("get", "namespaces", "--output=name")


def test_a_namespace_waits_for_the_finalizers_in_it(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "configmap", "held", f"--namespace={namespace}")
    _patch_finalizers(control_plane, namespace, ["nestedhv.io/test"])

    control_plane.kubectl("delete", "namespace", namespace, "--wait=false")

    def remaining() -> bool:
        status = json.loads(control_plane.kubectl("get", "namespace", namespace, "--output=json"))["status"]
        conditions = {entry["type"]: entry["status"] for entry in status.get("conditions", [])}
        return conditions.get("NamespaceFinalizersRemaining") == "True"

    wait_for(remaining, "the namespace to name the finalizer that it waits for")
    _patch_finalizers(control_plane, namespace, [])
    control_plane.kubectl("wait", "--for=delete", f"namespace/{namespace}", "--timeout=60s")


def test_what_is_owned_goes_with_its_owner(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "configmap", "owner", f"--namespace={namespace}")
    owner = json.loads(control_plane.kubectl("get", "configmap", "owner", f"--namespace={namespace}", "--output=json"))
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    owned = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "owned", "namespace": namespace, "ownerReferences": [reference]},
    }
    control_plane.kubectl("apply", "--filename=-", input=json.dumps(owned))

    control_plane.kubectl("delete", "configmap", "owner", f"--namespace={namespace}")

    control_plane.kubectl("wait", "--for=delete", "secret/owned", f"--namespace={namespace}", "--timeout=60s")


def test_a_pod_that_is_not_restricted_is_refused_where_restricted_is_enforced(
    control_plane: ControlPlane, namespace: str
) -> None:
    control_plane.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")

    with pytest.raises(KubectlError, match='violates PodSecurity "restricted'):
        control_plane.kubectl("run", "loose", "--image=example.org/none", f"--namespace={namespace}")


def test_the_audit_log_tells_who_wrote_what(control_plane: ControlPlane, namespace: str) -> None:
    before = control_plane.audit.mark()

    control_plane.kubectl("create", "configmap", "written", f"--namespace={namespace}")

    writes = [request for request in control_plane.audit.requests(since=before, user="admin") if request.is_write]
    found = [(write.verb, write.resource, write.namespace, write.name, write.status) for write in writes]
    assert found == [("create", "configmaps", namespace, "written", 201)]


def test_two_control_planes_run_side_by_side_and_survive_a_restart(control_plane: ControlPlane) -> None:
    with ControlPlane() as other:
        assert other.server != control_plane.server
        other.kubectl("create", "namespace", "only-there")
        assert "only-there" not in control_plane.kubectl("get", "namespaces", "--output=name")

        address = other.server
        other.restart_apiserver()

        assert other.server == address
        assert "namespace/only-there" in other.kubectl("get", "namespaces", "--output=name")
        assert len(marked_processes(other.folder)) == 3
    assert marked_processes(other.folder) == []
    assert not other.folder.exists()


def test_an_outage_is_an_outage_and_ends(control_plane: ControlPlane) -> None:
    with ControlPlane() as other:
        other.stop_apiserver()
        with pytest.raises(KubectlError, match=r"connection refused|was refused"):
            other.kubectl("get", "namespaces")

        other.start_apiserver()

        assert "namespace/default" in other.kubectl("get", "namespaces", "--output=name")
    assert control_plane.folder.exists()


def test_nothing_is_left_when_the_test_run_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "victim.py"
    script.write_text(
        "import sys\n"
        "from bed.apiserver import ControlPlane\n"
        "with ControlPlane() as plane:\n"
        "    print(plane.folder, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    tests = Path(__file__).resolve().parents[1]
    victim = subprocess.Popen(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(tests)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert victim.stdout is not None
    assert victim.stdin is not None
    folder = Path(victim.stdout.readline().strip())
    assert len(marked_processes(folder)) == 3

    victim.send_signal(signal.SIGKILL)
    victim.wait()
    victim.stdin.close()
    victim.stdout.close()

    wait_for(lambda: not folder.exists(), "the guard to remove the folder")
    assert marked_processes(folder) == []


def test_a_server_that_does_not_start_is_named_with_the_end_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("kube-apiserver", "kube-controller-manager", "etcd"):
        broken = tmp_path / name
        broken.write_text(f"#!/bin/sh\necho the disk of {name} is full\nexit 3\n")
        broken.chmod(0o755)
    cache = tmp_path / "cache"
    (tmp_path / "kubectl").symlink_to(kubectl())
    monkeypatch.setenv("NHV_CACHE", str(cache))
    monkeypatch.setattr("bed.toolchain.build_controlplane", lambda: tmp_path)

    with pytest.raises(BedError, match=r"ended with status 3.*\n.*the disk of .* is full") as failure, ControlPlane():
        pytest.fail("a control plane without servers must not start")

    (kept,) = (cache / "logs").iterdir()
    assert str(kept) in failure.value.__notes__[0]
    assert "is full" in (kept / "etcd.log").read_text()


def _patch_finalizers(plane: ControlPlane, namespace: str, finalizers: list[str]) -> None:
    patch = json.dumps({"metadata": {"finalizers": finalizers}})
    plane.kubectl("patch", "configmap", "held", f"--namespace={namespace}", "--type=merge", f"--patch={patch}")
