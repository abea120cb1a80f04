"""The scope of a connection: paths at or below one of its paths, and nothing that only looks alike."""

import pytest

from nested_hyperv.api.conditions import Reason
from nested_hyperv.domain.errors import Blocked
from support.subjects import subject


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        ((), "/dc1/network/dvs"),
        (("/dc1",), "/dc1"),
        (("/dc1",), "/dc1/network/dvs"),
        (("/dc2", "/dc1/network"), "/dc1/network/dvs"),
    ],
)
def test_what_lies_at_or_below_a_path_of_the_scope_is_admitted(scope: tuple[str, ...], path: str) -> None:
    subject(scope=scope).check_scope(path)


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        (("/dc1",), "/dc10/network/dvs"),
        (("/dc1/network/dvs",), "/dc1/network"),
        (("/dc1/network/dvs",), "/dc1/network/dvs2"),
        (("/dc1",), ""),
    ],
)
def test_what_lies_outside_is_refused_by_name(scope: tuple[str, ...], path: str) -> None:
    with pytest.raises(Blocked) as refused:
        subject(scope=scope).check_scope(scope[0], path)

    assert refused.value.reason is Reason.OUT_OF_SCOPE
    assert path in refused.value.message
    assert scope[0] in refused.value.message
