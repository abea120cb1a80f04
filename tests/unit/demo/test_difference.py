"""How the demo words that something in vCenter is not as it was."""

from demo.difference import differing_lines
from demo.inventory import differences, summary

POLICY = "(Policy) {\n   inherited = false,\n   enabled = true\n}"
GROUP = "vim.dvs.DistributedVirtualPortgroup:dvportgroup-7"


def test_a_difference_is_told_in_the_lines_in_which_it_lies() -> None:
    before = {"name": "inner", "policy": POLICY}
    after = {"name": "inner", "policy": POLICY.replace("true", "false")}
    assert list(differing_lines(before, after)) == [
        "  policy:",
        "    expected enabled = true",
        "    found    enabled = false",
    ]


def test_a_property_that_is_gone_is_told() -> None:
    assert list(differing_lines({"name": "inner"}, {})) == [
        "  name:",
        "    expected inner",
        "    found    <absent>",
    ]


def test_nothing_is_told_of_equal_inventories() -> None:
    assert differences({GROUP: {"name": "inner", "policy": POLICY}}, {GROUP: {"name": "inner", "policy": POLICY}}) == []


def test_what_came_what_went_and_what_changed_is_told_by_name() -> None:
    before = {GROUP: {"name": "inner"}, "vim.VirtualMachine:vm-1": {"name": "old"}}
    after = {GROUP: {"name": "outer"}, "vim.VirtualMachine:vm-2": {"name": "new"}}
    assert differences(before, after) == [
        "vim.VirtualMachine:vm-2 (new) was not there before",
        "vim.VirtualMachine:vm-1 (old) is gone",
        f"{GROUP} (inner) is not as it was:",
        "  name:",
        "    expected inner",
        "    found    outer",
    ]


def test_an_inventory_is_summed_up_in_words() -> None:
    inventory = {GROUP: {"name": "inner"}, "vim.VirtualMachine:vm-1": {}, "vim.VirtualMachine:vm-2": {}}
    assert summary(inventory) == "2 virtual machines, 1 port group, 0 switches, 0 ESXi hosts"
