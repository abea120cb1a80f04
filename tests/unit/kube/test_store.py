"""The newest snapshot stays, whatever the order in which snapshots arrive."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nested_hyperv.domain.portgroup.rivals import tokens_of
from nested_hyperv.domain.resource import ObjectKey
from nested_hyperv.kube.store import Store, connection_of
from support.snapshots import resource, secret

PG = ObjectKey("NestedPortGroup", "lab", "pg")


def test_the_newer_version_replaces_the_older() -> None:
    store = Store()

    assert store.put(resource(version=5))
    assert store.put(resource(version=10, spec={"vlan": {"id": 1}}))
    assert not store.put(resource(version=9))
    assert not store.put(resource(version=10))

    found = store.get(PG)
    assert found is not None
    assert found.spec["vlan"] == {"id": 1}


def test_versions_are_compared_as_numbers() -> None:
    store = Store()
    store.put(resource(version=99))

    assert store.put(resource(version=100))


def test_a_late_answer_does_not_bring_a_deleted_object_back() -> None:
    store = Store()
    store.put(resource(version=5))

    assert store.remove(PG, "uid-pg", "7")
    assert not store.put(resource(version=6))
    assert store.get(PG) is None


def test_the_deletion_of_an_object_leaves_its_namesake() -> None:
    store = Store()
    store.put(resource(version=5))
    store.put(resource(version=9, uid="uid-namesake"))

    assert not store.remove(PG, "uid-pg", "7")
    found = store.get(PG)
    assert found is not None
    assert found.uid == "uid-namesake"


def test_objects_are_found_by_kind_and_namespace() -> None:
    store = Store()
    for kind, namespace in itertools.product(("NestedPortGroup", "NestedHyperVHost"), ("a", "b")):
        store.put(resource(kind=kind, namespace=namespace))

    assert [r.key.namespace for r in store.of_kind("NestedPortGroup")] == ["a", "b"]
    assert [r.key for r in store.of_kind("NestedHyperVHost", "b")] == [ObjectKey("NestedHyperVHost", "b", "pg")]
    assert list(store.of_kind("NestedHyperVHost", "c")) == []


def test_the_store_may_change_while_somebody_goes_through_it() -> None:
    store = Store()
    for number in range(5):
        store.put(resource(name=f"pg-{number}"))

    for found in store.of_kind("NestedPortGroup"):
        store.remove(found.key, found.uid, "99")

    assert list(store.of_kind("NestedPortGroup")) == []


def test_what_refers_to_a_secret_is_known_without_a_search() -> None:
    store = Store()
    shared = secret(namespace="platform")
    store.put(shared)
    store.put(resource(name="own", spec={"connectionRef": {"name": "vcenter"}}))
    store.put(resource(name="lent", spec={"connectionRef": {"name": "vcenter", "namespace": "platform"}}))

    assert [r.key.name for r in store.referring_to(shared)] == ["lent"]
    assert [r.key.name for r in store.referring_to(secret())] == ["own"]

    store.remove(ObjectKey("NestedPortGroup", "lab", "lent"), "uid-lent", "9")
    assert list(store.referring_to(shared)) == []


def test_secrets_are_kept_by_namespace_and_name() -> None:
    store = Store()
    store.put(secret(version=3))

    assert store.secret("lab", "vcenter") is not None
    assert store.secret("lab", "other") is None
    assert store.remove(ObjectKey("Secret", "lab", "vcenter"), "uid-secret", "4")
    assert list(store.secrets()) == []


@given(st.permutations(range(6)))
def test_any_order_of_arrival_ends_in_the_same_state(order: list[int]) -> None:
    steps: list[Any] = [
        lambda store: store.put(resource(version=1)),
        lambda store: store.put(resource(version=2)),
        lambda store: store.remove(PG, "uid-pg", "3"),
        lambda store: store.put(resource(version=4, uid="uid-2")),
        lambda store: store.put(resource(version=6, uid="uid-2", spec={"connectionRef": {"name": "new"}})),
        lambda store: store.put(resource(version=5, uid="uid-2")),
    ]
    store = Store()
    for number in order:
        steps[number](store)

    found = store.get(PG)
    assert found is not None
    assert (found.uid, found.resource_version) == ("uid-2", "6")
    assert [r.key for r in store.referring_to(secret(name="new"))] == [PG]
    assert list(store.referring_to(secret())) == []


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ({"name": "vc"}, ObjectKey("Secret", "lab", "vc")),
        ({"name": "vc", "namespace": "platform"}, ObjectKey("Secret", "platform", "vc")),
    ],
)
def test_a_connection_is_in_the_own_namespace_unless_said_otherwise(
    reference: dict[str, str], expected: ObjectKey
) -> None:
    assert connection_of(resource(spec={"connectionRef": reference})) == expected


def test_rivals_are_found_by_what_they_share_and_by_nothing_else() -> None:
    store = Store()
    where = {"connectionRef": {"name": "vcenter"}, "distributed": {"datacenter": "/dc1", "switch": "dvs"}}
    mine = resource(version=1, spec={**where, "name": "inner"})
    twin = resource(namespace="other", name="twin", version=2, spec={**where, "name": "inner"})
    elsewhere = resource(
        namespace="other",
        name="third",
        version=3,
        spec={**where, "name": "inner", "distributed": {"datacenter": "dc2", "switch": "dvs"}},
    )
    for each in (mine, twin, elsewhere):
        store.put(each)

    assert {found.key for found in store.sharing(tokens_of(mine))} == {mine.key, twin.key}

    store.remove(twin.key, twin.uid, "9")
    assert [found.key for found in store.sharing(tokens_of(mine))] == [mine.key]
