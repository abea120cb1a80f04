"""Who called vCenter how often: counters of the twin for one account, told apart into reads, changes and keeping alive.

A method that is not known to be a read counts as a change, so that a new one cannot slip in unseen.
"""

from collections import Counter
from collections.abc import Mapping

from bed.twin import Login, TwinControl

__all__ = ["Calls", "is_change"]

_ALIVE = frozenset({"WaitForUpdatesEx", "CurrentTime"})
"""What an idle session does: the one long poll, and a sign of life every ten minutes."""

_READS = _ALIVE | {
    "RetrieveServiceContent", "Login", "Logout", "SessionIsActive", "RetrieveProperties", "RetrievePropertiesEx",
    "ContinueRetrievePropertiesEx", "CancelRetrievePropertiesEx", "CreatePropertyCollector", "DestroyPropertyCollector",
    "CreateFilter", "DestroyPropertyFilter", "CancelWaitForUpdates", "CreateListView", "ModifyListView",
    "CreateContainerView", "DestroyView", "FindChild", "FindByInventoryPath", "FindByUuid", "FindAllByUuid",
    "QueryConfigOptionEx", "QueryConfigOptionDescriptor", "QueryConfigTarget", "QueryOptions", "QueryEvents",
    "FetchDVPorts", "CreateCollectorForEvents", "SetCollectorPageSize", "DestroyCollector",
}  # fmt: skip


def is_change(method: str) -> bool:
    """Whether a method may change something in vSphere."""
    return method not in _READS


class Calls:
    """The calls of one account since the last mark."""

    def __init__(self, control: TwinControl, account: Login) -> None:
        self._control = control
        self._account = account
        self._base: Mapping[str, int] = {}

    def mark(self) -> None:
        """Count from now on."""
        self._base = self._control.counters(self._account)

    def all(self) -> dict[str, int]:
        """Every call since the mark, by method."""
        return dict(Counter(self._control.counters(self._account)) - Counter(self._base))

    def changes(self) -> dict[str, int]:
        """The calls since the mark that may have changed something."""
        return {method: count for method, count in self.all().items() if is_change(method)}

    def noise(self) -> dict[str, int]:
        """The calls since the mark that an idle session does not make."""
        return {method: count for method, count in self.all().items() if method not in _ALIVE}
