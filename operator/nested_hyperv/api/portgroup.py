"""NestedPortGroup: a port group whose policy lets frames of inner virtual machines pass, on either kind of switch.

The documents only. Whether a switch can learn MAC addresses, or a name is taken, is known when planning.
"""

from collections.abc import Mapping
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Final

from pydantic import AfterValidator, Field

from nested_hyperv.api.common import (
    COMMON_RULES,
    ROWS_MAX,
    ApiModel,
    CommonSpec,
    CommonStatus,
    ExternalDeletePolicy,
    InventoryPath,
    StatusModel,
    all_different,
)
from nested_hyperv.api.parsing import parse
from nested_hyperv.api.rules import Rule, exactly_one, immutable, immutable_optional

VLAN_MAX: Final = 4094
HOSTS_MAX: Final = 128
"""Hosts of one port group on standard switches: more than a cluster can have (96 in vSphere 8)."""
OBSERVED_MAX: Final = 16
"""Settings of a port group that may be inherited, and room for more."""
PORTS_MAX: Final = 60000
"""Ports of one port group: as many as vSphere has documented for all distributed switches of a vCenter together."""


class NestingMode(StrEnum):
    """How the port group lets frames of inner machines pass."""

    AUTO = "Auto"
    MAC_LEARNING = "MACLearning"
    PROMISCUOUS = "Promiscuous"
    DISABLED = "Disabled"


class LimitPolicy(StrEnum):
    """What the switch does with a new source address once the limit is reached."""

    DROP = "Drop"
    ALLOW = "Allow"


class PortBinding(StrEnum):
    """When a machine gets its port."""

    STATIC = "Static"
    EPHEMERAL = "Ephemeral"


class Ports(ApiModel):
    """The ports of a port group on a distributed switch."""

    binding: PortBinding = Field(
        default=PortBinding.STATIC,
        description=(
            "Static: a machine gets a port when it is attached and keeps it while it is off. Ephemeral: a port exists"
            " while its machine runs, also without vCenter, and there is no limit to their number."
        ),
    )
    count: Annotated[int, Field(ge=1, le=PORTS_MAX)] | None = Field(
        default=None,
        description=(
            "Number of ports, 1 to 60000; with autoExpand the smallest number. Never lowered below the ports in use."
            " Unset: 8 at creation, not managed afterwards. Only with Static."
        ),
    )
    auto_expand: bool | None = Field(
        default=None,
        description=(
            "vSphere adds ports when none is free. Unset: true at creation, not managed afterwards. Only with Static."
        ),
    )

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            expression="self.binding != 'Ephemeral' || !has(self.count)",
            message="ephemeral ports come and go with the machines: remove count, or set binding Static",
            field_path=".count",
            holds=lambda ports: ports.binding is not PortBinding.EPHEMERAL or ports.count is None,
        ),
        Rule(
            expression="self.binding != 'Ephemeral' || !has(self.autoExpand)",
            message="ephemeral ports come and go with the machines: remove autoExpand, or set binding Static",
            field_path=".autoExpand",
            holds=lambda ports: ports.binding is not PortBinding.EPHEMERAL or ports.auto_expand is None,
        ),
    )


class Distributed(ApiModel):
    """A distributed switch."""

    datacenter: InventoryPath = Field(
        description="Datacenter that holds the switch: name or inventory path. Immutable."
    )
    switch: InventoryPath = Field(description="Distributed switch: name or inventory path. Immutable.")
    ports: Ports | None = Field(
        default=None,
        description=(
            "Ports of the port group. Unset: created with static binding, 8 ports and autoExpand, and not managed"
            " afterwards."
        ),
    )

    RULES: ClassVar[tuple[Rule, ...]] = (
        immutable("datacenter", cure="delete this object and create one in the other datacenter"),
        immutable("switch", cure="delete this object and create one on the other switch"),
    )


class Standard(ApiModel):
    """The standard switches of a set of hosts."""

    datacenter: InventoryPath = Field(description="Datacenter that holds the hosts: name or inventory path. Immutable.")
    v_switch: Annotated[str, Field(min_length=1, max_length=32)] = Field(
        description="Standard switch that each of the hosts has, such as vSwitch0. Immutable."
    )
    cluster: InventoryPath | None = Field(
        default=None,
        description=(
            "Cluster whose hosts carry the port group, also those that join it later: name or inventory path."
            " Immutable."
        ),
    )
    hosts: (
        Annotated[tuple[InventoryPath, ...], Field(min_length=1, max_length=HOSTS_MAX), AfterValidator(all_different)]
        | None
    ) = Field(
        default=None,
        description=(
            "Hosts that carry the port group: names or inventory paths. The port group goes from a host that is taken"
            " off the list."
        ),
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )

    RULES: ClassVar[tuple[Rule, ...]] = (
        exactly_one("cluster", "hosts", message="set either cluster or hosts, not both and not neither"),
        immutable("datacenter", cure="delete this object and create one in the other datacenter"),
        immutable("vSwitch", cure="delete this object and create one on the other switch"),
        immutable_optional("cluster", cure="delete this object and create one for the other hosts"),
    )


class TrunkRange(ApiModel):
    """A range of VLAN ids, both ends included."""

    start: int = Field(ge=0, le=VLAN_MAX, description="First VLAN id, 0 (untagged) to 4094.")
    end: int = Field(ge=0, le=VLAN_MAX, description="Last VLAN id, 0 to 4094.")

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            expression="self.start <= self.end",
            message="start is greater than end: swap them",
            field_path=".end",
            holds=lambda part: part.start <= part.end,
        ),
    )


class Vlan(ApiModel):
    """The VLAN of the port group."""

    id: int | None = Field(default=None, description="VLAN id, 1 to 4094. For untagged traffic leave spec.vlan out.")
    trunk: Annotated[tuple[TrunkRange, ...], Field(min_length=1, max_length=32)] | None = Field(
        default=None, description="VLAN ids that pass with their tags: inner machines tag their frames themselves."
    )
    private_id: Annotated[int, Field(ge=1, le=VLAN_MAX)] | None = Field(
        default=None,
        description="Secondary id of a private VLAN that the distributed switch maps, 1 to 4094.",
    )

    RULES: ClassVar[tuple[Rule, ...]] = (
        # Not a minimum and a maximum: the refusal has to say what 4095 means.
        Rule(
            expression="!has(self.id) || (self.id >= 1 && self.id <= 4094)",
            message=(
                "a VLAN id is 1 to 4094: for untagged traffic remove vlan; for 4095 (every VLAN) use trunk with start 0"
                " and end 4094"
            ),
            field_path=".id",
            holds=lambda vlan: vlan.id is None or 1 <= vlan.id <= VLAN_MAX,
        ),
        Rule(
            expression="[has(self.id), has(self.trunk), has(self.privateId)].exists_one(given, given)",
            message="set exactly one of id, trunk and privateId; for untagged traffic remove vlan",
            holds=lambda vlan: [vlan.id, vlan.trunk, vlan.private_id].count(None) == 2,  # noqa: PLR2004
        ),
        Rule(
            expression=(
                "!has(self.trunk) || self.trunk.all(a, self.trunk.filter(b, a.start <= b.end && b.start <= a.end)"
                ".size() == 1)"
            ),
            message="ranges of trunk overlap: join them into one",
            field_path=".trunk",
            holds=lambda vlan: vlan.trunk is None or _disjoint(vlan.trunk),
        ),
    )


def _disjoint(ranges: tuple[TrunkRange, ...]) -> bool:
    ordered = sorted((part.start, part.end) for part in ranges)
    return all(before[1] < after[0] for before, after in pairwise(ordered))


class Security(ApiModel):
    """What the nesting mode decides otherwise."""

    forged_transmits: bool | None = Field(
        default=None, description="Accept frames with a source address that is not the machine's own."
    )
    mac_changes: bool | None = Field(
        default=None, description="Accept that a machine changes the address of its adapter. Hyper-V does not need it."
    )


class AdoptionPolicy(StrEnum):
    """What happens to a port group that has the name already."""

    NEVER = "Never"
    ADOPT = "Adopt"


class MacLearning(ApiModel):
    """How the switch learns the addresses of inner machines."""

    limit: int = Field(default=4096, ge=1, le=4096, description="Addresses that one port may learn, 1 to 4096.")
    limit_policy: LimitPolicy = Field(
        default=LimitPolicy.DROP,
        description="Drop or Allow frames of further addresses once the limit is reached.",
    )
    allow_unicast_flooding: bool = Field(
        default=True, description="Flood frames to addresses that are not learned yet."
    )


class Nesting(ApiModel):
    """How frames of inner machines pass."""

    mode: NestingMode = Field(
        default=NestingMode.AUTO,
        description=(
            "MACLearning: the switch (6.6.0 or newer) learns inner addresses. Promiscuous: every port sees every frame."
            " Auto: MACLearning where the switch can, else Promiscuous; decided once. Disabled: inner machines have no"
            " network."
        ),
    )
    mac_learning: MacLearning | None = Field(
        default=None, description="Details of MAC learning; only with mode Auto or MACLearning."
    )

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            expression="!has(self.macLearning) || self.mode in ['Auto', 'MACLearning']",
            message="macLearning needs mode Auto or MACLearning: change mode, or remove macLearning",
            field_path=".macLearning",
            holds=lambda nesting: (
                nesting.mac_learning is None or nesting.mode in (NestingMode.AUTO, NestingMode.MAC_LEARNING)
            ),
        ),
    )

    @property
    def learning(self) -> MacLearning:
        """Details of MAC learning with defaults, for the modes that learn."""
        return self.mac_learning or MacLearning()


class NestedPortGroupSpec(CommonSpec):
    """What the port group shall be."""

    distributed: Distributed | None = Field(
        default=None, description="The distributed switch that carries the port group."
    )
    standard: Standard | None = Field(
        default=None,
        description="The standard switches that carry the port group: one of the same name on each host of a set.",
    )
    vlan: Vlan | None = Field(default=None, description="VLAN of the port group; unset: untagged.")
    nesting: Nesting = Field(default=Nesting(), description="How frames of inner virtual machines pass the switch.")
    security: Security | None = Field(
        default=None, description="Security settings that shall not follow from nesting.mode."
    )
    minimum_mtu: Annotated[int, Field(ge=1280, le=9190)] | None = Field(
        default=None,
        description="Smallest MTU in bytes that the switch must have, 1280 to 9190. It is checked and never changed.",
    )
    adoption_policy: AdoptionPolicy = Field(
        default=AdoptionPolicy.NEVER,
        description=(
            "Adopt: take over a port group that has the name already and carries no mark, if the connection allows"
            " adoption. Never: say that the name is taken."
        ),
    )
    on_external_delete: ExternalDeletePolicy = Field(
        default=ExternalDeletePolicy.RECREATE,
        description=(
            "What happens when the port group is deleted in vSphere. Recreate: create it again. Report: say so in"
            " condition Ready and wait."
        ),
    )

    RULES: ClassVar[tuple[Rule, ...]] = (
        *COMMON_RULES,
        exactly_one("distributed", "standard", message="set either distributed or standard, not both and not neither"),
        Rule(
            expression="has(self.distributed) == has(oldSelf.distributed)",
            message="the kind of switch is immutable: delete this object and create one on the other kind of switch",
            reason="FieldValueForbidden",
            keeps=lambda old, new: (old.distributed is None) == (new.distributed is None),
        ),
        Rule(
            expression=(
                "!has(self.standard) || !has(self.vlan) || (!has(self.vlan.privateId) && (!has(self.vlan.trunk) ||"
                " (self.vlan.trunk.size() == 1 && self.vlan.trunk[0].start == 0 && self.vlan.trunk[0].end == 4094)))"
            ),
            message=(
                "a standard switch knows an id or a trunk of all VLANs (start 0, end 4094): change vlan, or use a"
                " distributed switch"
            ),
            field_path=".vlan",
            holds=lambda spec: spec.standard is None or spec.vlan is None or _fits_standard(spec.vlan),
        ),
        Rule(
            expression="!has(self.standard) || self.nesting.mode != 'MACLearning'",
            message=(
                "a standard switch cannot learn MAC addresses: set mode Auto or Promiscuous, or use a distributed"
                " switch"
            ),
            field_path=".nesting.mode",
            holds=lambda spec: spec.standard is None or spec.nesting.mode is not NestingMode.MAC_LEARNING,
        ),
        Rule(
            expression="!has(self.standard) || !has(self.nesting.macLearning)",
            message="a standard switch cannot learn MAC addresses: remove macLearning, or use a distributed switch",
            field_path=".nesting.macLearning",
            holds=lambda spec: spec.standard is None or spec.nesting.mac_learning is None,
        ),
        Rule(
            expression=(
                "!has(self.security) || !has(self.security.forgedTransmits) || self.security.forgedTransmits ||"
                " self.nesting.mode == 'Disabled'"
            ),
            message=(
                "without forged transmits inner machines cannot send: remove forgedTransmits, or set nesting.mode"
                " Disabled"
            ),
            field_path=".security",
            holds=lambda spec: (
                spec.security is None
                or spec.security.forged_transmits is not False
                or spec.nesting.mode is NestingMode.DISABLED
            ),
        ),
    )


def _fits_standard(vlan: Vlan) -> bool:
    whole = (TrunkRange(start=0, end=VLAN_MAX),)
    return vlan.private_id is None and (vlan.trunk is None or vlan.trunk == whole)


class PortsObserved(StatusModel):
    """The ports of a port group on a distributed switch."""

    binding: str | None = Field(default=None, description="Static, Ephemeral, or Dynamic (deprecated by vSphere).")
    count: int | None = Field(default=None, description="Number of ports that there are.")
    auto_expand: bool | None = Field(default=None, description="vSphere adds ports when none is free.")
    used: int | None = Field(default=None, description="Ports that something is connected to.")
    free: int | None = Field(default=None, description="Ports that are left; unset where their number is not limited.")
    machines: int | None = Field(
        default=None, description="Virtual machines that were attached when the ports were looked at last."
    )


class PortGroupObserved(StatusModel):
    """The policy found in vSphere."""

    mac_learning: bool | None = Field(default=None, description="MAC learning is on.")
    promiscuous: bool | None = Field(default=None, description="Promiscuous mode is on.")
    forged_transmits: bool | None = Field(default=None, description="Forged transmits are accepted.")
    mac_changes: bool | None = Field(default=None, description="MAC address changes are accepted.")
    limit: int | None = Field(default=None, description="Addresses that one port may learn.")
    limit_policy: str | None = Field(default=None, description="What happens beyond the limit: Drop or Allow.")
    allow_unicast_flooding: bool | None = Field(default=None, description="Unknown unicast frames are flooded.")
    inherited: bool | None = Field(
        default=None,
        description=(
            "At least one setting of the policy is inherited from the switch (of a macManagementPolicy: all or none)."
            " On standard switches true is normal: unless the spec decides macChanges, the switch does."
        ),
    )
    mac_learning_inherited: bool | None = Field(
        default=None, description="The details of MAC learning are inherited from the switch."
    )
    legacy_promiscuous: bool | None = Field(default=None, description="Promiscuous mode in the legacy policy.")
    legacy_forged_transmits: bool | None = Field(default=None, description="Forged transmits in the legacy policy.")
    legacy_mac_changes: bool | None = Field(default=None, description="MAC address changes in the legacy policy.")
    legacy_inherited: bool | None = Field(
        default=None, description="At least one setting of the legacy policy is inherited from the switch."
    )
    vlan: str | None = Field(default=None, description="VLAN: none, an id, the ranges of a trunk, or a private id.")
    inherited_fields: tuple[str, ...] = Field(
        default=(),
        max_length=OBSERVED_MAX,
        description="Which of these come from the switch; all others are the port group's own.",
    )


class PortOverride(StatusModel):
    """A setting that one port has of its own."""

    port: str = Field(description="Key of the port.")
    machine: str | None = Field(default=None, description="Who is connected to it.")
    mo_ref: str | None = Field(default=None, description="Managed object id of who is connected to it.")
    field: str = Field(description="The setting, such as macLearning, vlan or blocked.")
    group: str = Field(description="The value that the port group has.")
    actual: str = Field(description="The value that the port has.")


class HostClaim(StrEnum):
    """What is known of whose port group it is that a host has. A standard port group can carry no mark itself."""

    CLAIMING = "Claiming"
    CLAIMED = "Claimed"
    ADOPTED = "Adopted"


class HostRow(StatusModel):
    """The port group on one host."""

    host: str = Field(description="Name of the host.")
    mo_ref: str = Field(description="Managed object id of the host.")
    hardware_uuid: str | None = Field(default=None, description="Hardware UUID of the host.")
    claim: HostClaim | None = Field(
        default=None,
        description=(
            "Claiming: the port group was absent and is being created. Claimed: it was created by the operator."
            " Adopted: it was there before. Unset: what the host has under this name is not ours."
        ),
    )
    creating: str | None = Field(
        default=None,
        description="While Claiming: what is being created. After a crash only exactly this is taken for our own.",
    )
    ready: bool = Field(description="The port group on this host equals the spec.")
    reason: str | None = Field(default=None, description="Why it is not ready, in one word as in the conditions.")
    message: str | None = Field(default=None, description="What is wrong on this host, and what to do.")


class NestedPortGroupStatus(CommonStatus):
    """What the port group is."""

    mode: NestingMode | None = Field(default=None, description="Nesting mode in force; Auto is resolved.")
    vlan: str | None = Field(
        default=None,
        description=(
            'VLAN in vSphere: "none", its id, the ranges of a trunk, or a private id; before creation, and on standard'
            " switches, the one that spec asks for."
        ),
    )
    switch: str | None = Field(default=None, description="Name of the switch.")
    hosts_ready: str | None = Field(
        default=None, description='Hosts whose port group equals the spec, of all: "3/4". Standard switches only.'
    )
    hosts: tuple[HostRow, ...] = Field(
        default=(),
        max_length=HOSTS_MAX,
        description="A row for each host; also what proves which port groups are ours. Standard switches only.",
    )
    observed: PortGroupObserved | None = Field(default=None, description="The policy found in vSphere.")
    ports: PortsObserved | None = Field(
        default=None, description="The ports, and how many are left. Distributed switches only."
    )
    overriding: int | None = Field(
        default=None, description="Number of ports whose own settings differ from the port group's."
    )
    overrides: tuple[PortOverride, ...] = Field(
        default=(),
        max_length=ROWS_MAX,
        description="Settings of ports that differ from the port group's, found and not changed.",
    )


def parse_port_group(spec: Mapping[str, Any], *, name: str) -> NestedPortGroupSpec:
    """Parse the raw spec of the NestedPortGroup called `name`; raises `InvalidSpec`."""
    return parse(NestedPortGroupSpec, spec, name=name)
