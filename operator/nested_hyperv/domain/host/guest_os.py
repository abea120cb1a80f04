"""The guest operating systems of the API and vSphere's names for them.

The year in a vSphere id is one behind from 2022 on ("Next"): ``windows2019srvNext_64Guest`` *is* Server 2022. Source:
``VirtualMachineGuestOsIdentifier`` in the vSphere API reference (documented). Whether a vCenter offers an id for a
hardware version is asked, never assumed.
"""

from __future__ import annotations

from typing import Final

from nested_hyperv.api.host import GuestOS

__all__ = ["GUEST_IDS"]

GUEST_IDS: Final[dict[GuestOS, str]] = {
    GuestOS.WINDOWS_SERVER_2016: "windows9Server64Guest",
    GuestOS.WINDOWS_SERVER_2019: "windows2019srv_64Guest",
    GuestOS.WINDOWS_SERVER_2022: "windows2019srvNext_64Guest",
    GuestOS.WINDOWS_SERVER_2025: "windows2022srvNext_64Guest",
    GuestOS.HYPER_V_SERVER_2019: "windowsHyperVGuest",
    GuestOS.WINDOWS_10: "windows9_64Guest",
}
