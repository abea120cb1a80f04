"""NestedPortGroup: one port group on a distributed switch whose policy lets frames of inner virtual machines pass.

The documents only. Whether a switch can learn MAC addresses, or a name is taken, is known when planning.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar, Final

from pydantic import Field

from nested_hyperv.api.common import (
    COMMON_RULES,
    ApiModel,
    CommonSpec,
    CommonStatus,
    ExternalDeletePolicy,
    InventoryPath,
    StatusModel,
)
from nested_hyperv.api.parsing import parse
from nested_hyperv.api.rules import Rule, immutable

VLAN_MAX: Final = 4094


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


class Distributed(ApiModel):
    """Where the port group lives."""

    datacenter: InventoryPath = Field(description="Datacenter that holds the switch: name or inventory path.")
    switch: InventoryPath = Field(description="Distributed switch: name or inventory path.")


class Vlan(ApiModel):
    """The VLAN of the port group."""

    id: int = Field(description="VLAN id, 1 to 4094. For untagged traffic leave spec.vlan out.")

    # A rule instead of minimum and maximum: the refusal has to say what 4095 means.
    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            expression="self.id >= 1 && self.id <= 4094",
            message=(
                "a VLAN id is 1 to 4094: for untagged traffic remove vlan; 4095 (every VLAN) is a trunk, which this"
                " version cannot manage"
            ),
            field_path=".id",
            holds=lambda vlan: 1 <= vlan.id <= VLAN_MAX,
        ),
    )


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

    distributed: Distributed = Field(description="The distributed switch that carries the port group. Immutable.")
    vlan: Vlan | None = Field(default=None, description="VLAN of the port group; unset: untagged.")
    nesting: Nesting = Field(default=Nesting(), description="How frames of inner virtual machines pass the switch.")
    on_external_delete: ExternalDeletePolicy = Field(
        default=ExternalDeletePolicy.RECREATE,
        description=(
            "What happens when the port group is deleted in vSphere. Recreate: create it again. Report: say so in"
            " condition Ready and wait."
        ),
    )

    RULES: ClassVar[tuple[Rule, ...]] = (
        *COMMON_RULES,
        immutable("distributed", cure="delete this object and create one on the other switch"),
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
    inherited: bool | None = Field(default=None, description="The policy is inherited from the switch.")
    legacy_promiscuous: bool | None = Field(default=None, description="Promiscuous mode in the legacy policy.")
    legacy_forged_transmits: bool | None = Field(default=None, description="Forged transmits in the legacy policy.")
    legacy_mac_changes: bool | None = Field(default=None, description="MAC address changes in the legacy policy.")
    vlan: str | None = Field(default=None, description="VLAN: none, an id, or what else vSphere reports.")


class NestedPortGroupStatus(CommonStatus):
    """What the port group is."""

    mode: NestingMode | None = Field(default=None, description="Nesting mode in force; Auto is resolved.")
    vlan: str | None = Field(default=None, description='VLAN in vSphere: "none" or its id.')
    switch: str | None = Field(default=None, description="Name of the distributed switch.")
    observed: PortGroupObserved | None = Field(default=None, description="The policy found in vSphere.")


def parse_port_group(spec: Mapping[str, Any], *, name: str) -> NestedPortGroupSpec:
    """Parse the raw spec of the NestedPortGroup called `name`; raises `InvalidSpec`."""
    return parse(NestedPortGroupSpec, spec, name=name)
