"""What a cluster can do follows from what its hosts can do."""

from typing import TYPE_CHECKING

from bed.soap import moid
from verify.rule import rule

if TYPE_CHECKING:
    from bed.lab import Lab


@rule(
    call="QueryTargetCapabilities",
    says="One host without nested virtualization takes the capability from the whole cluster.",
    standing="documented",
    source="API reference, EnvironmentBrowser.QueryTargetCapabilities: the intersection",
)
def test_one_host_can_take_a_capability_away(lab: "Lab") -> None:
    browser = lab.host.parent.environmentBrowser
    assert browser.QueryTargetCapabilities().nestedHVSupported

    lab.twin.control.host(moid(lab.host), nested_hv=False)

    assert not browser.QueryTargetCapabilities().nestedHVSupported
    other = lab.host.parent.host[1]
    assert browser.QueryTargetCapabilities(other).nestedHVSupported
