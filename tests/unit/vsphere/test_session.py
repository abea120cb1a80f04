"""Both sides speak the newest version that both know."""

import pytest

from nested_hyperv.domain.errors import Blocked
from nested_hyperv.vsphere.session import best_version


@pytest.mark.parametrize(
    ("server", "version", "number"),
    [
        ("6.7", "vim.version.version12", (6, 7)),
        ("6.7.3", "vim.version.version15", (6, 7, 3)),
        ("7.0", "vim.version.v7_0", (7, 0, 0, 0)),
        ("7.0.3.0", "vim.version.v7_0_3_0", (7, 0, 3, 0)),
        ("8.0", "vim.version.v8_0_0_0", (8, 0, 0, 0)),
        ("8.0.3.0", "vim.version.v8_0_3_0", (8, 0, 3, 0)),
        ("8.0.3.9", "vim.version.v8_0_3_1", (8, 0, 3, 1)),
        ("99.0.0.0", "vim.version.v9_1_1_0", (9, 1, 1, 0)),
    ],
)
def test_the_newest_common_version_is_spoken(server: str, version: str, number: tuple[int, ...]) -> None:
    assert best_version(server) == (version, number)


def test_a_server_without_mac_learning_is_refused_with_the_cure() -> None:
    with pytest.raises(Blocked, match=r"6\.5; 6\.7 or newer is needed"):
        best_version("6.5")
