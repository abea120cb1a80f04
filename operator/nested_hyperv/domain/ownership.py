"""Who owns a vSphere object: the mark, how it is written, and what it proves.

The mark of a port group stands in its description, the mark of a VM in ``extraConfig["nestedhv.io/owner"]``. Both are
set by the one call that creates the object. ``owner`` names one custom resource of one cluster; ``lineage`` names its
namespace and name alone, so that a rebuilt cluster or a re-created resource can recognise (not: take) what was its own.
Clones of a VM copy ``extraConfig``: there the mark counts only together with the instance UUID inside it.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .resource import ObjectKey

__all__ = ["MARK_KEY", "BoundAdapter", "Identity", "Mark", "Ownership", "identify", "parse_mark", "port_group_text"]

MARK_KEY: Final = "nestedhv.io/owner"
_ROOT: Final = uuid.uuid5(uuid.NAMESPACE_DNS, "nestedhv.io")
_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_PORT_GROUP_MARK: Final = re.compile(
    rf"\[nestedhv\.io/owner=(?P<owner>{_UUID}) lineage=(?P<lineage>{_UUID})"
    r"(?: mode=(?P<mode>[A-Za-z]+))?(?P<adopted> adopted)?\]"
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a custom resource is, as far as marks are concerned."""

    owner: str
    lineage: str


def identify(cluster_id: str, key: ObjectKey, uid: str) -> Identity:
    """Derive the identity of a custom resource; the same input gives the same UUIDs for ever."""
    cluster = uuid.uuid5(_ROOT, cluster_id)
    return Identity(owner=str(uuid.uuid5(cluster, uid)), lineage=str(uuid.uuid5(_ROOT, str(key))))


@dataclass(frozen=True, slots=True)
class BoundAdapter:
    """A NIC that belongs to an entry of ``spec.networks``: its device key and MAC address."""

    key: int
    mac_address: str


@dataclass(frozen=True, slots=True)
class Mark:
    """What the mark of one object says. ``adapters`` is ``None`` until the NICs of a VM were bound once."""

    owner: str
    lineage: str
    mode: str | None = None
    adopted: bool = False
    instance_uuid: str | None = None
    adapters: Mapping[str, BoundAdapter] | None = None

    def for_port_group(self) -> str:
        """Write the mark as it stands in a description (127 characters at most)."""
        mode = f" mode={self.mode}" if self.mode else ""
        adopted = " adopted" if self.adopted else ""
        return f"[nestedhv.io/owner={self.owner} lineage={self.lineage}{mode}{adopted}]"

    def for_virtual_machine(self) -> str:
        """Write the mark as it stands in ``extraConfig``."""
        content: dict[str, object] = {"owner": self.owner, "lineage": self.lineage, "instanceUuid": self.instance_uuid}
        if self.adopted:
            content["adopted"] = True
        if self.adapters is not None:
            content["adapters"] = {name: [bound.key, bound.mac_address] for name, bound in self.adapters.items()}
        return json.dumps(content, separators=(",", ":"))


def parse_mark(text: str) -> Mark | None:
    """Read a mark from a description or from ``extraConfig``; ``None`` where there is none that can be read."""
    if text.startswith("{") and (mark := _parse_json(text)) is not None:
        return mark
    found = _PORT_GROUP_MARK.search(text)
    if found is None:
        return None
    return Mark(
        owner=found["owner"], lineage=found["lineage"], mode=found["mode"], adopted=found["adopted"] is not None
    )


def _parse_json(text: str) -> Mark | None:
    try:
        content = json.loads(text)
        adapters = content.get("adapters")
        return Mark(
            owner=str(content["owner"]),
            lineage=str(content["lineage"]),
            adopted=bool(content.get("adopted", False)),
            instance_uuid=str(content["instanceUuid"]),
            adapters=None
            if adapters is None
            else {str(name): BoundAdapter(int(key), str(mac)) for name, (key, mac) in adapters.items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        # Somebody edited it by hand. An unreadable mark proves nothing, which is all that the caller asks.
        return None


def port_group_text(description: str, mark: Mark | None) -> str:
    """Put a mark into a description, or take it out (``None``), and leave what people wrote there."""
    without = _PORT_GROUP_MARK.sub("", description).strip()
    if mark is None:
        return without
    return f"{mark.for_port_group()} {without}".strip()


class Ownership(Enum):
    """What a mark proves for one identity."""

    OURS = "ours"
    UNMARKED = "unmarked"
    LINEAGE = "lineage"
    FOREIGN = "foreign"

    @classmethod
    def of(cls, mark: Mark | None, identity: Identity) -> Ownership:
        """Judge a mark."""
        if mark is None:
            return cls.UNMARKED
        if mark.owner == identity.owner:
            return cls.OURS
        return cls.LINEAGE if mark.lineage == identity.lineage else cls.FOREIGN
