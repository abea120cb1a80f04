"""The connection outlives its users, takes no new ones while it goes, and is never kept for nobody."""

import asyncio
from typing import Any

from nested_hyperv.domain.errors import Unreachable
from nested_hyperv.domain.resource import ObjectKey
from support.documents import NPG
from support.workbench import HOST, PORT_GROUP, SECRET, Workbench

IN_USE = "nestedhv.io/in-use"
TEARDOWN = "nestedhv.io/teardown"
OTHER = ObjectKey(NPG, "lab", "second")


async def created(bench: Workbench, *keys: ObjectKey) -> None:
    for key in keys:
        bench.declare(key)
    await bench.ready(*keys)
    bench.forget_log()


async def test_the_secret_is_protected_before_anything_carries_teardown(bench: Workbench) -> None:
    held: list[Any] = []
    bench.api.before_write = lambda _, key: held.append((key, list(bench.api.finalizers(SECRET))))

    await created(bench, PORT_GROUP)

    assert held[0] == (SECRET, [])
    assert all(finalizers == [IN_USE] for _, finalizers in held[1:])


async def test_a_thousandth_user_writes_the_secret_no_more(bench: Workbench) -> None:
    await created(bench, PORT_GROUP)

    bench.declare(OTHER)
    await bench.ready(OTHER)

    assert bench.writes(SECRET) == []


async def test_the_secret_is_let_go_with_its_last_user(bench: Workbench) -> None:
    await created(bench, PORT_GROUP, OTHER)
    bench.api.delete(PORT_GROUP)
    await bench.run()
    assert bench.api.finalizers(SECRET) == [IN_USE]

    bench.api.delete(OTHER)
    await bench.run()

    assert bench.api.finalizers(SECRET) == []


async def test_a_secret_that_is_being_deleted_goes_on_serving_whom_it_has(bench: Workbench) -> None:
    await created(bench, PORT_GROUP)
    (ref,) = bench.vcenter.port_groups

    bench.api.delete(SECRET)
    bench.vcenter.change(ref, vlan=7)
    await bench.run()
    assert bench.vcenter.port_groups[ref].vlan == 0
    assert SECRET in bench.api.objects

    bench.api.delete(PORT_GROUP)
    await bench.run()
    assert bench.vcenter.port_groups == {}
    assert PORT_GROUP not in bench.api.objects
    assert SECRET not in bench.api.objects


async def test_a_secret_that_is_being_deleted_takes_no_new_users(bench: Workbench) -> None:
    await created(bench, PORT_GROUP)
    bench.api.delete(SECRET)

    bench.declare(OTHER)
    await bench.run()

    assert bench.condition(OTHER) == ("False", "ConnectionTerminating")
    assert bench.api.finalizers(OTHER) == []
    assert len(bench.vcenter.port_groups) == 1


async def test_a_namespace_that_is_deleted_at_once_goes_completely(bench: Workbench) -> None:
    bench.declare(HOST, networks=[{"name": "lan", "portGroupRef": {"name": "inner"}}])
    await created(bench, PORT_GROUP)
    await bench.ready(HOST)

    for key in list(bench.api.objects):
        bench.api.delete(key)
    await bench.run()

    assert bench.api.objects == {}
    assert bench.vcenter.port_groups == {}
    assert [m.name for m in bench.vcenter.machines.values()] == ["ws2025"]


async def test_a_namespace_that_is_deleted_while_the_operator_is_away_goes_completely(bench: Workbench) -> None:
    await created(bench, PORT_GROUP)
    for key in list(bench.api.objects):
        bench.api.delete(key)

    bench.start()
    await bench.run()

    assert bench.api.objects == {}
    assert bench.vcenter.port_groups == {}


async def test_a_user_whose_finalizer_was_taken_by_force_keeps_no_secret(bench: Workbench) -> None:
    await created(bench, PORT_GROUP)
    bench.vcenters.refuse("first", Unreachable("first does not answer."))
    bench.api.delete(SECRET)
    bench.api.delete(PORT_GROUP)
    await bench.run()
    assert PORT_GROUP in bench.api.objects

    bench.api.force_finalizers(PORT_GROUP)
    await bench.run()

    assert SECRET not in bench.api.objects


async def test_a_finalizer_that_was_taken_from_a_living_object_comes_back(bench: Workbench) -> None:
    await created(bench, PORT_GROUP)

    bench.api.force_finalizers(PORT_GROUP)
    await bench.run()

    assert bench.api.finalizers(PORT_GROUP) == [TEARDOWN]


async def test_a_secret_that_is_claimed_while_it_is_let_go_stays_protected(bench: Workbench) -> None:
    await created(bench, PORT_GROUP)
    bench.api.delete(PORT_GROUP)
    while PORT_GROUP in bench.api.objects:
        await bench.work(until=lambda: PORT_GROUP not in bench.api.objects)
        bench.vcenter.advance()
    bench.declare(OTHER)

    await asyncio.gather(bench.engine.reconcile(SECRET), bench.engine.reconcile(OTHER))

    assert bench.writes(SECRET)[:2] == ["finalizers", "finalizers"], "let go, and claimed again"
    assert TEARDOWN in bench.api.finalizers(OTHER)
    assert bench.api.finalizers(SECRET) == [IN_USE]


async def test_a_secret_is_not_let_go_while_somebody_is_about_to_use_it(bench: Workbench) -> None:
    await created(bench, PORT_GROUP)
    bench.api.delete(PORT_GROUP)
    while PORT_GROUP in bench.api.objects:
        await bench.work(until=lambda: PORT_GROUP not in bench.api.objects)
        bench.vcenter.advance()
    bench.declare(OTHER)

    await asyncio.gather(bench.engine.reconcile(OTHER), bench.engine.reconcile(SECRET))

    assert bench.api.finalizers(SECRET) == [IN_USE]


async def test_a_missing_secret_is_named_and_its_coming_wakes_the_object(bench: Workbench) -> None:
    bench.api.delete(SECRET)
    bench.declare(PORT_GROUP)
    await bench.run()
    assert bench.condition(PORT_GROUP) == ("False", "ConnectionNotFound")
    assert "vcenter" in bench.message(PORT_GROUP)

    bench.connect()
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")


async def test_a_malformed_secret_is_refused_without_a_word_of_its_password(bench: Workbench) -> None:
    bench.api.delete(SECRET)
    bench.connect(server="https://x", password="hunter2")
    bench.declare(PORT_GROUP)

    await bench.run()

    assert bench.condition(PORT_GROUP) == ("False", "ConnectionInvalid")
    assert "server" in bench.message(PORT_GROUP)
    assert "hunter2" not in str(bench.api.status(PORT_GROUP)) + str(bench.events.entries)


async def test_a_secret_of_another_namespace_serves_only_whom_it_admits(bench: Workbench) -> None:
    lent = ObjectKey("Secret", "platform", "lent")
    bench.connect(lent, allow_namespaces="team-*")
    bench.declare(PORT_GROUP, connectionRef={"name": "lent", "namespace": "platform"})
    nobody = ObjectKey(NPG, "lab", "nobody")
    bench.declare(nobody, connectionRef={"name": "absent", "namespace": "platform"})
    await bench.run()
    assert bench.condition(PORT_GROUP) == bench.condition(nobody) == ("False", "ConnectionNotAllowed")
    assert bench.message(PORT_GROUP).replace("lent", "x") == bench.message(nobody).replace("absent", "x")

    bench.api.annotate(lent, allowed_namespaces="team-*, lab")
    await bench.run()

    assert bench.condition(PORT_GROUP) == ("True", "Succeeded")
    assert bench.api.finalizers(lent) == [IN_USE]
