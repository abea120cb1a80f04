"""NestedHyperVHost: one virtual machine prepared to run Hyper-V.

The documents only. What the template, the hosts of the placement and this vCenter allow is known when planning.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final

from pydantic import AfterValidator, Field

from nested_hyperv.api.common import (
    ATOMIC_MAP,
    COMMON_RULES,
    DNS_LABEL,
    ApiModel,
    CommonSpec,
    CommonStatus,
    ExternalDeletePolicy,
    InventoryPath,
    ResourceName,
    StatusModel,
    list_map,
    unique_by,
)
from nested_hyperv.api.parsing import parse
from nested_hyperv.api.rules import Rule, exactly_one, immutable, immutable_optional

MIN_CPUS: Final = 2
MAX_CPUS: Final = 768
MIN_MEMORY_MIB: Final = 4096
MAX_MEMORY_MIB: Final = 25_165_824
"""24 TiB, the largest virtual machine of vSphere 8."""


class GuestOS(StrEnum):
    """Guest operating systems that can run Hyper-V."""

    WINDOWS_SERVER_2016 = "WindowsServer2016"
    WINDOWS_SERVER_2019 = "WindowsServer2019"
    WINDOWS_SERVER_2022 = "WindowsServer2022"
    WINDOWS_SERVER_2025 = "WindowsServer2025"
    HYPER_V_SERVER_2019 = "HyperVServer2019"
    WINDOWS_10 = "Windows10"


class Firmware(StrEnum):
    """Firmware of the machine."""

    EFI = "EFI"
    BIOS = "BIOS"


class PowerState(StrEnum):
    """Power state that the spec can ask for."""

    ON = "On"
    OFF = "Off"


class DisruptionMode(StrEnum):
    """What the operator may do to a running guest."""

    NEVER = "Never"
    WHEN_POWERED_OFF = "WhenPoweredOff"
    GRACEFUL = "Graceful"
    FORCE = "Force"


class Placement(ApiModel):
    """Where the machine is created."""

    datacenter: InventoryPath = Field(description="Datacenter: name or inventory path.")
    cluster: InventoryPath | None = Field(
        default=None,
        description=(
            "Cluster that runs the machine: name or inventory path. DRS chooses the host; without DRS the machines are"
            " spread over the usable hosts. Exactly one of cluster, host."
        ),
    )
    host: InventoryPath | None = Field(
        default=None,
        description=(
            "ESXi host that runs the machine: name or inventory path. Counts when the machine is created; a later"
            " vMotion is not drift. Exactly one of cluster, host."
        ),
    )
    resource_pool: InventoryPath | None = Field(
        default=None, description="Resource pool: name or inventory path; unset: the root pool of cluster or host."
    )
    folder: InventoryPath | None = Field(
        default=None, description="Folder of the machine: name or inventory path; unset: the datacenter's VM folder."
    )
    datastore: InventoryPath = Field(
        description="Datastore: name or inventory path. Counts when the machine is created."
    )

    RULES: ClassVar[tuple[Rule, ...]] = (exactly_one("cluster", "host", message="set exactly one of cluster and host"),)


class TemplateSource(ApiModel):
    """A template to clone."""

    path: InventoryPath = Field(description="Template or powered-off machine to clone: name or inventory path.")


class Source(ApiModel):
    """What the machine is made from."""

    template: TemplateSource = Field(description="Clone a template that has Windows installed.")


class Hardware(ApiModel):
    """The size of the machine. What is unset stays as the template has it."""

    cpus: int = Field(
        ge=MIN_CPUS, le=MAX_CPUS, description="Virtual CPUs, 2 to 768; Hyper-V needs two to be of any use."
    )
    cores_per_socket: int | None = Field(
        default=None,
        ge=1,
        le=MAX_CPUS,
        description="Cores per socket; has to divide cpus. Unset: as in the template.",
    )
    memory_mib: int = Field(
        ge=MIN_MEMORY_MIB,
        le=MAX_MEMORY_MIB,
        multiple_of=4,
        description="Memory in MiB, at least 4096 (Hyper-V needs 4 GiB), a multiple of 4.",
    )
    firmware: Firmware | None = Field(
        default=None,
        description="EFI or BIOS; unset: as in the template. Immutable: a change means reinstalling the guest.",
    )
    secure_boot: bool | None = Field(
        default=None, description="EFI secure boot; unset: as in the template. Not with firmware BIOS."
    )

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            expression="!has(self.coresPerSocket) || self.cpus % self.coresPerSocket == 0",
            message="coresPerSocket has to divide cpus: every socket has the same number of cores",
            field_path=".coresPerSocket",
            holds=lambda hw: hw.cores_per_socket is None or hw.cpus % hw.cores_per_socket == 0,
        ),
        Rule(
            expression=("!has(self.secureBoot) || !self.secureBoot || !has(self.firmware) || self.firmware != 'BIOS'"),
            message="secureBoot needs firmware EFI: set firmware to EFI, or remove secureBoot",
            field_path=".secureBoot",
            holds=lambda hw: not hw.secure_boot or hw.firmware is not Firmware.BIOS,
        ),
        immutable_optional(
            "firmware", cure="a change means reinstalling the guest; delete this object and create a new one"
        ),
    )


class Virtualization(ApiModel):
    """What of the CPU the guest sees."""

    nested_hv: bool = Field(
        default=True, description="Expose hardware virtualization to the guest; without it Hyper-V does not start."
    )


class PortGroupRef(ApiModel):
    """A NestedPortGroup in the same namespace."""

    name: ResourceName = Field(description="metadata.name of a NestedPortGroup in this namespace.")


class Network(ApiModel):
    """One network adapter."""

    name: Annotated[str, Field(min_length=1, max_length=63, pattern=DNS_LABEL)] = Field(
        description="Name of this entry; unique in the list, not known to vSphere."
    )
    port_group_ref: PortGroupRef | None = Field(
        default=None,
        description="The NestedPortGroup to attach to; waits until it is Ready. Exactly one of portGroupRef, network.",
        json_schema_extra=ATOMIC_MAP,
    )
    network: InventoryPath | None = Field(
        default=None,
        description=(
            "An existing network or distributed port group: name or inventory path. Exactly one of portGroupRef,"
            " network."
        ),
    )

    RULES: ClassVar[tuple[Rule, ...]] = (
        exactly_one("portGroupRef", "network", message="set exactly one of portGroupRef and network"),
    )


class Disruption(ApiModel):
    """What may be done to a running guest."""

    policy: DisruptionMode = Field(
        default=DisruptionMode.WHEN_POWERED_OFF,
        description=(
            "For changes that need the machine off. Never and WhenPoweredOff: wait until somebody powers it off (Never"
            " also refuses deletion while it runs). Graceful: shut the guest down and start it again. Force: as"
            " Graceful, then power off after gracefulTimeoutSeconds."
        ),
    )
    graceful_timeout_seconds: int = Field(
        default=300, ge=30, le=3600, description="How long a guest may take to shut down, 30 to 3600 seconds."
    )


class NestedHyperVHostSpec(CommonSpec):
    """What the machine shall be."""

    placement: Placement = Field(description="Where the machine is created. Immutable.")
    source: Source = Field(description="What the machine is made from. Immutable.")
    guest_os: GuestOS = Field(description="Operating system in the machine; decides the vSphere guest id.")
    hardware: Hardware = Field(description="Size of the machine.")
    virtualization: Virtualization = Field(
        default=Virtualization(), description="What of the CPU's virtualization the guest sees."
    )
    networks: Annotated[tuple[Network, ...], AfterValidator(unique_by("name"))] = Field(
        default=(),
        max_length=10,
        description="Network adapters, in the order of the list; at most 10.",
        json_schema_extra=list_map("name"),
    )
    power_state: PowerState | None = Field(
        default=None,
        description=(
            '"On" or "Off" (with quotes: YAML reads a bare On as true); unset: left alone. "Off" is consent to a'
            " graceful shutdown; a hard power-off happens only with disruption.policy Force."
        ),
    )
    disruption: Disruption = Field(default=Disruption(), description="What may be done to a running guest.")
    on_external_delete: ExternalDeletePolicy = Field(
        default=ExternalDeletePolicy.REPORT,
        description=(
            "What happens when the machine is deleted in vSphere. Report: say so in condition Ready and wait. Recreate:"
            " create it again from the source; what was on its disks is lost."
        ),
    )

    RULES: ClassVar[tuple[Rule, ...]] = (
        *COMMON_RULES,
        immutable("placement", cure="move the machine with vMotion, or delete this object and create a new one"),
        immutable("source", cure="delete this object and create one from the other source"),
    )


class ObservedNetwork(StatusModel):
    """One network adapter as found in vSphere."""

    name: str = Field(description="Name of the entry in spec.networks, or the adapter's label.")
    network: str | None = Field(default=None, description="Network or port group it is attached to.")
    mac_address: str | None = Field(default=None, description="MAC address of the adapter.")
    connected: bool | None = Field(default=None, description="The adapter is connected.")


class HostObserved(StatusModel):
    """The machine found in vSphere."""

    guest_id: str | None = Field(default=None, description="Guest id of vSphere.")
    cpus: int | None = Field(default=None, description="Virtual CPUs.")
    cores_per_socket: int | None = Field(default=None, description="Cores per socket.")
    memory_mib: int | None = Field(default=None, description="Memory in MiB.")
    firmware: Firmware | None = Field(default=None, description="EFI or BIOS.")
    secure_boot: bool | None = Field(default=None, description="EFI secure boot is on.")
    nested_hv: bool | None = Field(default=None, description="Hardware virtualization is exposed to the guest.")
    hardware_version: str | None = Field(default=None, description="Virtual hardware version, such as vmx-21.")
    host: str | None = Field(default=None, description="ESXi host that runs the machine.")
    power_state: str | None = Field(default=None, description="On, Off or Suspended.")
    connection_state: str | None = Field(default=None, description="Connection state that vCenter reports.")
    networks: tuple[ObservedNetwork, ...] = Field(default=(), max_length=32, description="Network adapters.")


class NestedHyperVHostStatus(CommonStatus):
    """What the machine is."""

    instance_uuid: str | None = Field(default=None, description="Instance UUID of the machine.")
    power_state: str | None = Field(default=None, description="On, Off or Suspended.")
    power_on_pending: bool | None = Field(
        default=None,
        description="The operator shut the machine down for a change and powers it on again afterwards.",
    )
    nested_hv: bool | None = Field(default=None, description="Hardware virtualization is exposed to the guest.")
    ip_address: str | None = Field(default=None, description="Primary address that VMware Tools report.")
    host_name: str | None = Field(default=None, description="Host name of the guest that VMware Tools report.")
    tools_status: str | None = Field(default=None, description="State of VMware Tools in the guest.")
    network: str | None = Field(default=None, description='Adapters that are attached as declared, such as "2/2".')
    task: str | None = Field(default=None, description="Managed object id of a running create or clone task.")
    observed: HostObserved | None = Field(default=None, description="The machine found in vSphere.")


def parse_host(spec: Mapping[str, Any], *, name: str) -> NestedHyperVHostSpec:
    """Parse the raw spec of the NestedHyperVHost called `name`; raises `InvalidSpec`."""
    return parse(NestedHyperVHostSpec, spec, name=name)
