"""What the operator writes, and what the API server refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nested_hyperv.api.conditions import Reason
from nested_hyperv.api.meta import FINALIZER_IN_USE, FINALIZER_TEARDOWN
from nested_hyperv.domain.errors import Blocked, Conflict
from nested_hyperv.kube.client import Unexpected
from support.kube import Admin, Operator

READY = {
    "type": "Ready",
    "status": "True",
    "reason": "Succeeded",
    "message": "equal to the spec",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
    "observedGeneration": 1,
}
SYNCED = READY | {"type": "Synced"}


def status(*conditions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"observedGeneration": 1, "conditions": list(conditions or (READY,)), **fields}


async def test_status_is_written_and_the_answer_is_the_next_base(admin: Admin, operator: Operator) -> None:
    resource = await operator.listed(await admin.port_group("pg"))

    first = await operator.writer.write_status(resource, status(moRef="dvportgroup-1"))
    second = await operator.writer.write_status(first, status(moRef="dvportgroup-2"))

    assert (await admin.get("npg", "pg"))["status"] == status(moRef="dvportgroup-2")
    assert operator.store.get(resource.key) == second


async def test_a_field_that_a_status_leaves_out_is_removed(admin: Admin, operator: Operator) -> None:
    resource = await operator.listed(await admin.port_group("pg"))
    first = await operator.writer.write_status(resource, status(READY, SYNCED, moRef="dvportgroup-1"))

    await operator.writer.write_status(first, status(READY, moRef=None))

    assert (await admin.get("npg", "pg"))["status"] == status(READY)


async def test_an_equal_status_is_not_written(admin: Admin, operator: Operator) -> None:
    resource = await operator.listed(await admin.port_group("pg"))
    written = await operator.writer.write_status(resource, status(READY, SYNCED, moRef="dvportgroup-1"))
    mark = admin.control_plane.audit.mark()

    same = await operator.writer.write_status(written, status(SYNCED, READY, moRef="dvportgroup-1", mode=None))

    assert same is written
    assert not [r for r in admin.control_plane.audit.requests(since=mark) if r.is_write and r.name == "pg"]


async def test_conditions_in_another_order_settle_after_one_write(admin: Admin, operator: Operator) -> None:
    resource = await operator.listed(await admin.port_group("pg"))
    first = await operator.writer.write_status(resource, status(READY, SYNCED))
    wanted = status(SYNCED, READY, READY | {"type": "NetworkReady"})

    second = await operator.writer.write_status(first, wanted)

    assert await operator.writer.write_status(second, wanted) is second


async def test_a_status_based_on_an_old_version_is_refused(admin: Admin, operator: Operator) -> None:
    stale = await operator.listed(await admin.port_group("pg"))
    await operator.writer.write_status(stale, status(moRef="dvportgroup-1"))

    with pytest.raises(Conflict):
        await operator.writer.write_status(stale, status(moRef="dvportgroup-2"))
    assert (await admin.get("npg", "pg"))["status"]["moRef"] == "dvportgroup-1"


async def test_the_status_of_a_deleted_object_does_not_land_in_its_namesake(admin: Admin, operator: Operator) -> None:
    dead = await operator.listed(await admin.port_group("pg"))
    await admin.kubectl("delete", "npg", "pg")
    await admin.port_group("pg")

    with pytest.raises(Conflict):
        await operator.writer.write_status(dead, status(moRef="dvportgroup-1"))
    assert (await admin.get("npg", "pg"))["status"] == {"observedGeneration": -1}


async def test_writing_to_an_object_that_is_gone_forgets_it(admin: Admin) -> None:
    operator = Operator([admin.namespace])  # without a watch, so that only the answer to the write can tell
    key = await admin.port_group("pg")
    await operator.lister.fill()
    resource = operator.store.get(key)
    assert resource is not None
    await admin.kubectl("delete", "npg", "pg")

    with pytest.raises(Conflict, match="does not exist any more"):
        await operator.writer.write_status(resource, status())
    assert operator.store.get(key) is None
    await operator.client.close()


async def test_the_own_echo_enqueues_nothing(admin: Admin, operator: Operator) -> None:
    resource = await operator.listed(await admin.port_group("pg"))

    finalized = await operator.writer.add_finalizer(resource, FINALIZER_TEARDOWN)
    written = await operator.writer.write_status(finalized, status())
    await operator.delivered(finalized)
    await operator.delivered(written)

    assert operator.queued(resource.key) == []


async def test_a_status_edited_by_somebody_else_enqueues(admin: Admin, operator: Operator) -> None:
    resource = await operator.listed(await admin.port_group("pg"))
    await operator.writer.write_status(resource, status(moRef="dvportgroup-1"))

    patch = '{"status": {"moRef": "dvportgroup-666"}}'
    await admin.kubectl("patch", "npg", "pg", "--subresource=status", "--type=merge", f"--patch={patch}")
    await operator.listed(resource.key)

    now = operator.store.get(resource.key)
    assert now is not None
    repaired = await operator.writer.write_status(now, status(moRef="dvportgroup-1"))
    assert repaired.status["moRef"] == "dvportgroup-1"


async def test_a_finalizer_is_added_once_and_removed_with_the_object(admin: Admin, operator: Operator) -> None:
    resource = await operator.listed(await admin.port_group("pg"))

    finalized = await operator.writer.add_finalizer(resource, FINALIZER_TEARDOWN)
    assert await operator.writer.add_finalizer(finalized, FINALIZER_TEARDOWN) is finalized
    await admin.kubectl("delete", "npg", "pg", "--wait=false")
    await operator.listed(resource.key)
    deleting = operator.store.get(resource.key)
    assert deleting is not None
    assert deleting.deleting

    await operator.writer.remove_finalizer(deleting, FINALIZER_TEARDOWN)

    assert operator.store.get(resource.key) is None
    assert await admin.kubectl("get", "npg", "--output=name") == ""


async def test_finalizers_of_others_are_kept(admin: Admin, operator: Operator) -> None:
    resource = await operator.listed(await admin.port_group("pg"))
    patch = '{"metadata": {"finalizers": ["example.com/theirs"]}}'
    await admin.kubectl("patch", "npg", "pg", "--type=merge", f"--patch={patch}")
    await operator.listed(resource.key)
    theirs = operator.store.get(resource.key)
    assert theirs is not None

    both = await operator.writer.add_finalizer(theirs, FINALIZER_TEARDOWN)
    assert both.finalizers == ("example.com/theirs", FINALIZER_TEARDOWN)
    await operator.writer.remove_finalizer(both, FINALIZER_TEARDOWN)
    assert (await admin.get("npg", "pg"))["metadata"]["finalizers"] == ["example.com/theirs"]

    await admin.kubectl("patch", "npg", "pg", "--type=merge", '--patch={"metadata": {"finalizers": null}}')


async def test_a_finalizer_based_on_an_old_version_is_refused(admin: Admin, operator: Operator) -> None:
    stale = await operator.listed(await admin.port_group("pg"))
    await admin.kubectl("annotate", "npg", "pg", "example.com/any=1")

    with pytest.raises(Conflict):
        await operator.writer.add_finalizer(stale, FINALIZER_TEARDOWN)


async def test_removing_the_finalizer_of_an_object_that_is_gone_is_done(admin: Admin, operator: Operator) -> None:
    resource = await operator.listed(await admin.port_group("pg"))
    finalized = await operator.writer.add_finalizer(resource, FINALIZER_TEARDOWN)
    await admin.kubectl("patch", "npg", "pg", "--type=merge", '--patch={"metadata": {"finalizers": null}}')
    await admin.kubectl("delete", "npg", "pg")

    await operator.writer.remove_finalizer(finalized, FINALIZER_TEARDOWN)

    assert operator.store.get(resource.key) is None


async def test_a_secret_is_protected_and_released(admin: Admin, operator: Operator) -> None:
    key = await admin.secret()
    secret = await operator.listed_secret(key)

    protected = await operator.writer.protect(secret, FINALIZER_IN_USE)
    assert await operator.writer.protect(protected, FINALIZER_IN_USE) is protected
    await operator.delivered(protected)
    assert operator.queued(key) == [], "the echo of the finalizer was announced"
    assert (await admin.get("secret", "vcenter"))["metadata"]["finalizers"] == [FINALIZER_IN_USE]

    await operator.writer.unprotect(protected, FINALIZER_IN_USE)
    assert "finalizers" not in (await admin.get("secret", "vcenter"))["metadata"]


@pytest.mark.parametrize("seen", [True, False], ids=["deletion seen", "deletion not seen yet"])
async def test_a_secret_that_is_being_deleted_takes_no_new_user(
    admin: Admin, operator: Operator, *, seen: bool
) -> None:
    key = await admin.secret()
    await operator.listed_secret(key)
    await admin.kubectl(
        "patch", "secret", "vcenter", "--type=merge", '--patch={"metadata": {"finalizers": ["example.com/theirs"]}}'
    )
    secret = await operator.listed_secret(key)
    await admin.kubectl("delete", "secret", "vcenter", "--wait=false")
    newest = await operator.listed_secret(key)
    assert newest.deleting
    # An old version is refused with 409 already; what the server thinks of the finalizer shows with the newest one.
    secret = newest if seen else replace(secret, resource_version=newest.resource_version)

    with pytest.raises(Blocked, match="is being deleted and takes no new users") as refused:
        await operator.writer.protect(secret, FINALIZER_IN_USE)

    assert refused.value.reason is Reason.CONNECTION_TERMINATING
    await admin.kubectl("patch", "secret", "vcenter", "--type=merge", '--patch={"metadata": {"finalizers": null}}')


async def test_a_finalizer_on_an_object_that_is_being_deleted_is_a_conflict(admin: Admin, operator: Operator) -> None:
    key = await admin.port_group("pg")
    await operator.listed(key)
    patch = '{"metadata": {"finalizers": ["example.com/theirs"]}}'
    await admin.kubectl("patch", "npg", "pg", "--type=merge", f"--patch={patch}")
    await operator.listed(key)
    await admin.kubectl("delete", "npg", "pg", "--wait=false")
    deleting = await operator.listed(key)

    with pytest.raises(Conflict, match="is being deleted"):
        await operator.writer.add_finalizer(deleting, FINALIZER_TEARDOWN)

    await admin.kubectl("patch", "npg", "pg", "--type=merge", '--patch={"metadata": {"finalizers": null}}')


async def test_a_refusal_by_admission_is_not_taken_for_a_deletion(admin: Admin, operator: Operator) -> None:
    # Both are a 422. As a conflict it would be tried again without a word.
    resource = await operator.listed(await admin.port_group("pg"))
    with pytest.raises(Unexpected, match="may only add and remove the finalizer"):
        await operator.writer.add_finalizer(resource, "example.com/theirs")
