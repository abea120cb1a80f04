"""Advanced options of a host."""

import pytest
from pyVmomi import vim

from verify.rule import rule
from verify.scratch import Scratch


@rule(
    call="OptionManager.QueryOptions",
    says="A host's Net.ReversePathFwdCheckPromisc is read by its name; a name that ends with a dot is a subtree.",
    standing="documented",
    source="API reference, OptionManager.QueryOptions; default and limits: published advanced settings of ESXi 8",
)
def an_advanced_option_is_read_by_name(scratch: Scratch) -> None:
    options = scratch.host.configManager.advancedOption

    (option,) = options.QueryOptions("Net.ReversePathFwdCheckPromisc")

    assert option.value in (0, 1)
    assert option.key in [o.key for o in options.QueryOptions("Net.")]
    assert option.key in [o.key for o in scratch.host.config.option]


@rule(
    call="OptionManager.QueryOptions",
    says="An option that does not exist is InvalidName.",
    standing="documented",
    source="API reference, OptionManager.QueryOptions and UpdateOptions",
)
def an_unknown_option_is_an_invalid_name(scratch: Scratch) -> None:
    options = scratch.host.configManager.advancedOption

    for unknown in ("Net.NoSuchOption", "NoSuchTree."):
        with pytest.raises(vim.fault.InvalidName):
            options.QueryOptions(unknown)
    with pytest.raises(vim.fault.InvalidName):
        options.UpdateOptions([vim.option.OptionValue(key="Net.NoSuchOption", value="1")])
