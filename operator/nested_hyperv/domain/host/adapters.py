"""Which NIC of a VM belongs to which entry of ``spec.networks``, and what has to be done to the NICs.

The NICs of a template are bound once, in unit order, to the entries of the list. From then on the binding (device key
and MAC address, kept in the mark) decides, never the position: a NIC that somebody inserts in between changes nothing.
NICs that were never bound are nobody's business but their owner's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nested_hyperv.domain.inventory import Change, NetworkAdapterEdit
from nested_hyperv.domain.ownership import BoundAdapter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nested_hyperv.domain.inventory import Network, NetworkAdapter

__all__ = ["AdapterPlan", "WantedAdapter", "network_key", "plan_adapters"]


@dataclass(frozen=True, slots=True)
class WantedAdapter:
    """One entry of ``spec.networks``; ``network`` is ``None`` while its port group is not there yet."""

    name: str
    network: Network | None


@dataclass(frozen=True, slots=True)
class AdapterPlan:
    """``assigned`` NICs by entry, ``bindings`` for the mark, ``edits`` to make, and what they change in words."""

    assigned: Mapping[str, NetworkAdapter]
    bindings: Mapping[str, BoundAdapter]
    edits: tuple[NetworkAdapterEdit, ...]
    changes: tuple[Change, ...]


def network_key(network: Network) -> str:
    """What a NIC's backing names: the key of a distributed port group, or the name of a standard network."""
    return network.portgroup_key or network.name


def plan_adapters(
    wanted: Sequence[WantedAdapter],
    adapters: Sequence[NetworkAdapter],
    bound: Mapping[str, BoundAdapter] | None,
    *,
    running: bool,
) -> AdapterPlan:
    """Assign NICs to entries and plan the edits. ``bound`` is ``None`` until the first binding."""
    assigned = _assign(wanted, adapters, bound)
    edits: list[NetworkAdapterEdit] = []
    changes: list[Change] = []
    for entry in wanted:
        if entry.network is None:
            continue
        adapter = assigned.get(entry.name)
        target = network_key(entry.network)
        field = f"networks[{entry.name}]"
        if adapter is None:
            edits.append(NetworkAdapterEdit(None, entry.network))
            changes.append(Change(field, "no adapter", target))
        elif adapter.network != target:
            edits.append(NetworkAdapterEdit(adapter.key, entry.network))
            changes.append(Change(field, adapter.network or "nothing", target))
        elif not adapter.start_connected or (running and not adapter.connected):
            edits.append(NetworkAdapterEdit(adapter.key, entry.network))
            changes.append(Change(f"{field}.connected", "false", "true"))
    names = {entry.name for entry in wanted}
    taken = {adapter.key for adapter in assigned.values()}
    for name, binding in (bound or {}).items():
        leftover = None if name in names else _find(binding, adapters)
        if leftover is not None and leftover.key not in taken:
            edits.append(NetworkAdapterEdit(leftover.key, None))
            changes.append(Change(f"networks[{name}]", leftover.network or "nothing", "no adapter"))
    # A NIC that is gone stays bound until another one takes its place: that, and not its absence, changes the mark.
    bindings = {name: binding for name, binding in (bound or {}).items() if name in names}
    bindings |= {name: BoundAdapter(adapter.key, adapter.mac_address) for name, adapter in assigned.items()}
    return AdapterPlan(assigned, bindings, tuple(edits), tuple(changes))


def _assign(
    wanted: Sequence[WantedAdapter], adapters: Sequence[NetworkAdapter], bound: Mapping[str, BoundAdapter] | None
) -> dict[str, NetworkAdapter]:
    assigned: dict[str, NetworkAdapter] = {}
    for entry in wanted:
        found = _find(bound[entry.name], adapters) if bound and entry.name in bound else None
        if found is not None:
            assigned[entry.name] = found
    owned = {adapter.key for adapter in assigned.values()}
    owned |= {found.key for binding in (bound or {}).values() if (found := _find(binding, adapters)) is not None}
    free = sorted((a for a in adapters if a.key not in owned), key=lambda a: (a.unit_number, a.key))
    for entry in wanted:
        if entry.name in assigned:
            continue
        if bound is None:
            choice = free[0] if free else None
        else:
            # A NIC that we added and had no time to bind is on its network already; a second one is never added.
            choice = next(
                (a for a in free if entry.network is not None and a.network == network_key(entry.network)), None
            )
        if choice is not None:
            assigned[entry.name] = choice
            free.remove(choice)
    return assigned


def _find(binding: BoundAdapter, adapters: Sequence[NetworkAdapter]) -> NetworkAdapter | None:
    """The NIC of a binding: the MAC address is its identity, the key a tie-break."""
    same = [a for a in adapters if a.mac_address.lower() == binding.mac_address.lower()]
    return next((a for a in same if a.key == binding.key), same[0] if same else None)
