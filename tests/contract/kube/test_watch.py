"""What the watch brings into the store and the queue."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from nested_hyperv.api.meta import FINALIZER_IN_USE, FINALIZER_TEARDOWN
from nested_hyperv.kube import edge
from nested_hyperv.kube.edge import EdgeFailed
from nested_hyperv.kube.listing import CannotList
from nested_hyperv.workqueue import Priority
from support.kube import Admin, ObstinateLogin, Operator, eventually

if TYPE_CHECKING:
    from pathlib import Path

    from bed.apiserver import ControlPlane

OPERATOR = "system:serviceaccount:nested-hyperv-system:nested-hyperv-operator"


async def test_a_new_object_is_urgent(admin: Admin, operator: Operator) -> None:
    key = await admin.port_group("pg", vlan={"id": 120})

    assert await eventually(lambda: operator.queued(key), "the announcement") == [Priority.HIGH]
    resource = operator.store.get(key)
    assert resource is not None
    assert resource.spec["vlan"] == {"id": 120}
    assert resource.status == {"observedGeneration": -1}
    assert resource.finalizers == ()
    assert not resource.deleting


async def test_a_change_of_the_spec_and_a_request_to_reconcile_are_urgent(admin: Admin, operator: Operator) -> None:
    key = await admin.port_group("pg")
    await operator.listed(key)

    await admin.port_group("pg", vlan={"id": 121})
    assert await eventually(lambda: operator.queued(key), "the announcement of the spec") == [Priority.HIGH]

    await admin.kubectl("annotate", "npg", "pg", "nestedhv.io/reconcile-requested-at=now")
    assert await eventually(lambda: operator.queued(key), "the announcement of the request") == [Priority.HIGH]
    resource = operator.store.get(key)
    assert resource is not None
    assert resource.annotations == {"nestedhv.io/reconcile-requested-at": "now"}


async def test_labels_and_annotations_of_others_are_no_news(admin: Admin, operator: Operator) -> None:
    key = await admin.port_group("pg")
    resource = await operator.listed(key)

    await admin.kubectl("annotate", "npg", "pg", "example.com/any=1")
    await admin.kubectl("label", "npg", "pg", "any=1")
    newest = await eventually(
        lambda: (now := operator.store.get(key)) and now.labels == {"any": "1"} and now, "the label in the store"
    )

    assert int(newest.resource_version) > int(resource.resource_version)
    assert operator.queued(key) == []


async def test_a_deletion_is_urgent_and_empties_the_store(admin: Admin, operator: Operator) -> None:
    key = await admin.port_group("pg")
    await operator.listed(key)

    await admin.kubectl("delete", "npg", "pg")

    await eventually(lambda: operator.store.get(key) is None, "the object to leave the store")
    assert await eventually(lambda: operator.queued(key), "the announcement") == [Priority.HIGH]


async def test_a_namesake_takes_the_place_of_the_deleted_object(admin: Admin, operator: Operator) -> None:
    key = await admin.port_group("pg")
    first = await operator.listed(key)

    await admin.kubectl("delete", "npg", "pg")
    await admin.port_group("pg")

    second = await eventually(
        lambda: (now := operator.store.get(key)) and now.uid != first.uid and now, "the namesake in the store"
    )
    assert second.uid == (await admin.get("npg", "pg"))["metadata"]["uid"]


async def test_only_secrets_of_our_type_reach_the_process(admin: Admin, operator: Operator) -> None:
    await admin.secret("other", kind="Opaque")
    key = await admin.secret("vcenter", password="s3cret")

    secret = await operator.listed_secret(key)

    assert [item.key for item in operator.store.secrets()] == [key]
    assert secret.data == {"server": "vcenter.example.com", "username": "user", "password": "s3cret"}
    assert "s3cret" not in repr(secret)


async def test_a_changed_secret_wakes_what_refers_to_it(admin: Admin, operator: Operator) -> None:
    user, other = await admin.port_group("user"), await admin.port_group("other", connectionRef={"name": "elsewhere"})
    secret = await operator.listed_secret(await admin.secret())
    await operator.listed(user)
    await operator.listed(other)
    operator.enqueued.clear()

    await admin.secret(password="new")

    await eventually(lambda: operator.queued(secret.key), "the announcement of the Secret")
    assert operator.queued(user) == [Priority.LOW]
    assert operator.queued(other) == []
    assert [resource.key for resource in operator.store.referring_to(secret)] == [user]


async def test_a_restart_over_settled_objects_writes_nothing(admin: Admin) -> None:
    key = await admin.port_group("pg")
    secret_key = await admin.secret()
    async with Operator([admin.namespace]).running() as first:
        resource = await first.listed(key)
        secret = await first.listed_secret(secret_key)
        await first.writer.protect(secret, FINALIZER_IN_USE)
        resource = await first.writer.add_finalizer(resource, FINALIZER_TEARDOWN)
        written = await first.writer.write_status(resource, {"observedGeneration": 1, "moRef": "dvportgroup-1"})
    mark = admin.control_plane.audit.mark()

    async with Operator([admin.namespace]).running() as second:
        known = second.store.get(key)
        assert known == written
        assert await second.writer.write_status(known, written.status) is known
        assert await second.writer.add_finalizer(known, FINALIZER_TEARDOWN) is known
        assert second.queued(key) == [Priority.LOW]
        await admin.kubectl("annotate", "npg", "pg", "nestedhv.io/reconcile-requested-at=now")
        await eventually(lambda: second.queued(key), "the watch to work")

        requests = admin.control_plane.audit.requests(since=mark, user=OPERATOR)
        assert [request for request in requests if request.is_write] == []
        assert requests, "the audit log must show the listings at least"
    await admin.kubectl("patch", "npg", "pg", "--type=merge", '--patch={"metadata": {"finalizers": null}}')
    await admin.kubectl("patch", "secret", "vcenter", "--type=merge", '--patch={"metadata": {"finalizers": null}}')


async def test_the_whole_cluster_is_watched_without_a_list_of_namespaces(admin: Admin) -> None:
    async with Operator().running() as operator:
        resource = await operator.listed(await admin.port_group("pg"))
        assert resource.key.namespace == admin.namespace


async def test_other_namespaces_are_not_watched(admin: Admin) -> None:
    async with Operator(["default"]).running() as operator:
        key = await admin.port_group("pg")
        document = {
            "apiVersion": "nestedhv.io/v1alpha1",
            "kind": "NestedPortGroup",
            "metadata": {"name": "pg", "namespace": "default"},
            "spec": {
                "connectionRef": {"name": "vcenter"},
                "distributed": {"datacenter": "DC0", "switch": "DVS0"},
            },
        }
        await asyncio.to_thread(admin.control_plane.kubectl, "create", "--filename=-", input=json.dumps(document))
        await operator.listed(key._replace(namespace="default"))
        assert operator.store.get(key) is None
        await asyncio.to_thread(admin.control_plane.kubectl, "delete", "npg", "pg", "--namespace=default")


async def test_a_sweep_finds_what_was_deleted_while_the_watch_was_away(admin: Admin) -> None:
    operator = Operator([admin.namespace])
    gone, stays = await admin.port_group("gone"), await admin.port_group("stays")
    secret = await admin.secret()
    await operator.lister.fill()
    operator.enqueued.clear()
    await admin.kubectl("delete", "npg", "gone")
    await admin.kubectl("delete", "secret", "vcenter")

    assert await operator.lister.sweep() == 2

    assert operator.store.get(gone) is None
    assert operator.store.get(stays) is not None
    assert operator.store.find(secret) is None
    assert operator.queued(gone) == [Priority.HIGH]
    assert operator.queued(stays) == [Priority.LOW], "its connection is gone"
    assert await operator.lister.sweep() == 0
    await operator.client.close()


async def test_many_objects_are_listed_in_chunks(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nested_hyperv.kube.client._CHUNK", "2")
    keys = {await admin.port_group(f"pg-{number}") for number in range(5)}
    operator = Operator([admin.namespace])

    await operator.lister.fill()
    assert {resource.key for resource in operator.store.of_kind("NestedPortGroup", admin.namespace)} == keys
    assert await operator.lister.sweep() == 0
    await operator.client.close()


async def test_starting_without_rights_says_which_are_missing(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = admin.control_plane.service_account_kubeconfig(admin.namespace, "default")
    monkeypatch.setenv("KUBECONFIG", str(stranger))
    operator = Operator([admin.namespace])

    with pytest.raises(CannotList, match=r'cannot list resource "secrets".*Give the operator.s ServiceAccount'):
        await operator.lister.fill()
    await operator.client.close()


async def test_the_cluster_is_named_by_the_uid_of_kube_system(admin: Admin, operator: Operator) -> None:
    namespace = await asyncio.to_thread(
        admin.control_plane.kubectl, "get", "namespace", "kube-system", "--output=jsonpath={.metadata.uid}"
    )

    assert await operator.client.kube_system_uid() == namespace


async def test_a_watch_that_is_refused_ends_the_process(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    await admin.kubectl(
        "create", "role", "reader", "--verb=list", "--resource=nestedportgroups,nestedhypervhosts,secrets"
    )
    await admin.kubectl(
        "create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={admin.namespace}:default"
    )
    reader = admin.control_plane.service_account_kubeconfig(admin.namespace, "default")
    monkeypatch.setenv("KUBECONFIG", str(reader))
    settings = edge.watch_settings()
    settings.networking.error_backoffs = (0.1,)  # not the minute after which Kopf gives up by itself
    monkeypatch.setattr(edge, "watch_settings", lambda: settings)
    operator = Operator([admin.namespace])
    await operator.lister.fill()

    with pytest.raises(EdgeFailed, match=r"the watch of the API server ended: .*forbidden"):
        await asyncio.wait_for(operator.edge.run(), 60)
    await operator.client.close()


async def test_a_task_of_kopf_that_swallows_a_cancellation_does_not_keep_the_watch_from_ending(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its watchers do when it comes between two streams."""
    operator, login = Operator([admin.namespace]), ObstinateLogin()
    monkeypatch.setattr(edge, "connection_info", login)
    watch = asyncio.create_task(operator.edge.run())
    await asyncio.to_thread(login.begun.wait, 20)

    operator.edge.stop()

    await asyncio.wait_for(watch, 20)
    assert login.ended.is_set()
    await operator.client.close()


async def _temporary_account(admin: Admin, file: Path) -> None:
    """Make a ServiceAccount with the operator's rights in the test's namespace, and a kubeconfig with a token of it."""
    await admin.kubectl("create", "serviceaccount", "temporary")
    token = admin.control_plane.service_account_kubeconfig(admin.namespace, "temporary")
    file.write_text(token.read_text())  # noqa: ASYNC240 - a few bytes


async def test_a_token_that_was_replaced_on_disk_is_used_at_once(
    admin: Admin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    await _temporary_account(admin, kubeconfig)
    subject = f"--serviceaccount={admin.namespace}:temporary"
    await admin.kubectl("create", "rolebinding", "temporary", "--clusterrole=nested-hyperv-operator", subject)
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    async with Operator([admin.namespace]).running() as operator:
        await operator.listed(await admin.port_group("before"))

        await admin.kubectl("delete", "serviceaccount", "temporary")
        await _temporary_account(admin, kubeconfig)
        await asyncio.to_thread(admin.control_plane.restart_apiserver)  # ends the connections of the old token

        await operator.listed(await admin.port_group("after"))
        assert await operator.lister.sweep() == 0


async def test_a_watch_whose_credentials_are_refused_ends_the_process(
    admin: Admin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    await _temporary_account(admin, kubeconfig)
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    await admin.kubectl("delete", "serviceaccount", "temporary")
    operator = Operator([admin.namespace])

    with pytest.raises(CannotList, match="The credentials of the operator are not accepted"):
        await operator.lister.fill()
    with pytest.raises(EdgeFailed, match="the watch of the API server ended"):
        await asyncio.wait_for(operator.edge.run(), 60)
    await operator.client.close()


async def test_the_watch_alone_writes_nothing(admin: Admin, operator: Operator) -> None:
    mark = admin.control_plane.audit.mark()
    key = await admin.port_group("pg")
    await operator.listed(key)
    await admin.port_group("pg", vlan={"id": 7})
    await operator.listed(key)
    await admin.kubectl("delete", "npg", "pg")
    await eventually(lambda: operator.store.get(key) is None, "the object to leave the store")

    requests = admin.control_plane.audit.requests(since=mark, user=OPERATOR)
    assert [request for request in requests if request.is_write] == []


async def test_the_watch_survives_a_restart_of_the_api_server(
    admin: Admin, operator: Operator, installed: ControlPlane
) -> None:
    key = await admin.port_group("pg")
    await operator.listed(key)

    await asyncio.to_thread(installed.restart_apiserver)
    await admin.port_group("pg", vlan={"id": 122})

    assert await eventually(lambda: operator.queued(key), "the change after the restart", seconds=60)
