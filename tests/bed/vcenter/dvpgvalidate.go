package main

import (
	"strconv"
	"strings"

	"github.com/vmware/govmomi/vim25/types"
)

// Checks of a port group spec that need nothing but the spec and the switch.

const (
	macLearningLimitMax = 4096
	vlanIDMax           = 4094
	portSettingPath     = "spec.defaultPortConfig."
)

// checkPortSetting validates the parts of a setting that a spec sets.
func checkPortSetting(spec *types.VMwareDVSPortSetting, learning bool, pvlans []types.VMwareDVSPvlanMapEntry) error {
	if err := checkVlan(spec.Vlan, pvlans); err != nil {
		return err
	}
	return checkMacManagement(spec.MacManagementPolicy, learning)
}

// checkMacManagement validates the MAC learning part of a spec and lower-cases
// its limit policy.
//
// Documented: NotSupported when the spec asks for a feature that the switch
// lacks (ReconfigureDVPortgroup_Task); the limit is at most 4096 per port
// (vSphere 8 networking guide). Observed: MacLearn.ps1 sends DROP in capitals
// and vCenter takes it. Inferred: enabled=false is no request for the feature,
// and a bad value is an InvalidArgument that names the path.
func checkMacManagement(policy *types.DVSMacManagementPolicy, supported bool) error {
	if policy == nil || policy.Inherited || policy.MacLearningPolicy == nil || policy.MacLearningPolicy.Inherited {
		return nil
	}
	learning := policy.MacLearningPolicy
	if learning.Enabled && !supported {
		return NewFault(&types.NotSupported{})
	}
	path := portSettingPath + "macManagementPolicy.macLearningPolicy."
	if learning.Limit != nil && (*learning.Limit < 0 || *learning.Limit > macLearningLimitMax) {
		return NewFault(&types.InvalidArgument{InvalidProperty: path + "limit"})
	}
	lower := types.DVSMacLimitPolicyType(strings.ToLower(learning.LimitPolicy))
	switch lower {
	case "", types.DVSMacLimitPolicyTypeAllow, types.DVSMacLimitPolicyTypeDrop:
		learning.LimitPolicy = string(lower)
		return nil
	}
	return NewFault(&types.InvalidArgument{InvalidProperty: path + "limitPolicy"})
}

// checkVlan validates a VLAN spec.
//
// Documented: ids 0..4094 on a distributed switch, trunk ranges with
// start <= end inside them, a private VLAN id must be in the switch's map. The
// fault type is inferred.
func checkVlan(vlan types.BaseVmwareDistributedVirtualSwitchVlanSpec, pvlans []types.VMwareDVSPvlanMapEntry) error {
	path := portSettingPath + "vlan."
	switch v := vlan.(type) {
	case *types.VmwareDistributedVirtualSwitchVlanIdSpec:
		if !v.Inherited && (v.VlanId < 0 || v.VlanId > vlanIDMax) {
			return NewFault(&types.InvalidArgument{InvalidProperty: path + "vlanId"})
		}
	case *types.VmwareDistributedVirtualSwitchTrunkVlanSpec:
		if v.Inherited {
			return nil
		}
		for _, r := range v.VlanId {
			if r.Start < 0 || r.End > vlanIDMax || r.Start > r.End {
				return NewFault(&types.InvalidArgument{InvalidProperty: path + "vlanId"})
			}
		}
	case *types.VmwareDistributedVirtualSwitchPvlanSpec:
		if v.Inherited {
			return nil
		}
		for _, entry := range pvlans {
			if entry.SecondaryVlanId == v.PvlanId {
				return nil
			}
		}
		return NewFault(&types.InvalidArgument{InvalidProperty: path + "pvlanId"})
	}
	return nil
}

// checkPortgroupType validates `type`.
//
// Documented: the enumeration DistributedVirtualPortgroupPortgroupType.
func checkPortgroupType(kind string) error {
	for _, known := range types.DistributedVirtualPortgroupPortgroupType("").Values() {
		if kind == string(known) {
			return nil
		}
	}
	return NewFault(&types.InvalidArgument{InvalidProperty: "spec.type"})
}

// nextConfigVersion counts a configVersion up.
//
// Documented: an opaque string. Observed: a decimal counter that grows with
// each update (terraform-provider-vsphere, distributed_port_group.md).
func nextConfigVersion(version string) string {
	n, err := strconv.Atoi(version)
	if err != nil {
		return "1"
	}
	return strconv.Itoa(n + 1)
}

// checkConfigVersion compares a spec's version with the current one.
//
// Documented: required in a reconfigure and to be set to the current value; a
// mismatch is ConcurrentAccess. Inferred: a missing one is a mismatch.
func checkConfigVersion(asked, current string) error {
	if asked != current {
		return NewFault(&types.ConcurrentAccess{})
	}
	return nil
}
