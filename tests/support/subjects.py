"""Specs and subjects for planners, as short as a test can say them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nested_hyperv.api.host import NestedHyperVHostSpec, parse_host
from nested_hyperv.api.portgroup import NestedPortGroupSpec, parse_port_group
from nested_hyperv.domain.ownership import Identity
from nested_hyperv.domain.subject import Subject
from support.documents import BASE, NHV, NPG, changed

if TYPE_CHECKING:
    from nested_hyperv.domain.inventory import MoRef

__all__ = ["LINEAGE", "OURS", "OWNER", "STRANGER", "host_spec", "port_group_spec", "subject"]

OWNER = "00000000-0000-5000-8000-000000000001"
LINEAGE = "00000000-0000-5000-8000-000000000002"
STRANGER = "00000000-0000-5000-8000-000000000003"
OURS = Identity(OWNER, LINEAGE)


def subject(
    known: MoRef | None = None, *, adopt: str | None = None, allow: bool = False, scope: tuple[str, ...] = ()
) -> Subject:
    return Subject(name="lab/inner", identity=OURS, known=known, adopt=adopt, allow_adoption=allow, scope=scope)


def port_group_spec(name: str = "inner", **change: Any) -> NestedPortGroupSpec:
    """The smallest valid spec with fields changed; `__` in a name goes one step down."""
    return parse_port_group(changed(BASE[NPG], _paths(change)), name=name)


def host_spec(name: str = "hv1", **change: Any) -> NestedHyperVHostSpec:
    return parse_host(changed(BASE[NHV], _paths(change)), name=name)


def _paths(change: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("__", "."): value for name, value in change.items()}
