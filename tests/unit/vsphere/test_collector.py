"""What an answer of the property collector says, and what must not be read into it."""

# ruff: noqa: ANN401 (pyVmomi makes its types at run time)

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.vsphere.collector import read, read_many

_PC = vmodl.query.PropertyCollector
PG = MoRef("DistributedVirtualPortgroup", "dvportgroup-1")


class Answers:
    """A session whose property collector answers with one object."""

    def __init__(self, *missing: Any) -> None:
        faults = [_PC.MissingProperty(path="config.description", fault=fault) for fault in missing]
        answer = _PC.ObjectContent(
            obj=self.object(PG), propSet=[vmodl.DynamicProperty(name="name", val="lab")], missingSet=faults
        )
        self.content = self
        self.propertyCollector = self
        self._answer = _PC.RetrieveResult(objects=[answer])

    @staticmethod
    def object(ref: MoRef) -> Any:
        return vim.dvs.DistributedVirtualPortgroup(ref.value)

    def RetrievePropertiesEx(self, _specs: Any, _options: Any) -> Any:  # noqa: N802 (pyVmomi's name)
        return self._answer


class Vanished(Answers):
    """A session whose object goes while the answer is made, as all that belongs to a session does at its end."""

    def RetrievePropertiesEx(self, _specs: Any, _options: Any) -> Any:  # noqa: N802 (pyVmomi's name)
        return None


def test_what_is_missing_from_an_answer_is_gone() -> None:
    gone: Any = Vanished()
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        read(gone, PG, ["name"])
    assert read_many(gone, [PG], ["name"]) == []


def session(*missing: Any) -> Any:
    return Answers(*missing)


@pytest.mark.parametrize(
    "fault",
    [vim.fault.NoPermission(), vmodl.fault.SystemError(), vmodl.fault.HostNotConnected()],
    ids=lambda f: type(f).__name__,
)
def test_a_property_that_could_not_be_read_is_not_taken_for_one_that_is_not_set(fault: Any) -> None:
    # A port group without a description is one without our mark: it would be given up.
    with pytest.raises(type(fault)):
        read(session(fault), PG, ["name", "config.description"])


def test_a_reader_can_say_which_failures_count_as_not_set() -> None:
    hidden = (vmodl.fault.SecurityError,)
    found = read_many(session(vim.fault.NoPermission()), [PG], ["name", "config.description"], unset_if=hidden)
    assert [item.properties for item in found] == [{"name": "lab"}]
    with pytest.raises(vmodl.fault.SystemError):
        read_many(session(vmodl.fault.SystemError()), [PG], ["name", "config.description"], unset_if=hidden)
