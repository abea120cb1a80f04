package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Checks of a port group spec that need nothing but the spec and the switch.

const (
	macLearningLimitMax = 4096
	vlanIDMax           = 4094
)

// settingRules is what a switch lets a port setting say.
type settingRules struct {
	learning bool
	pvlans   []types.VMwareDVSPvlanMapEntry
	teaming  []string
	uplinks  []string
}

// rulesOf reads from a switch, and from the configuration it has or is about to
// have, what a port setting may say.
func rulesOf(dvs *simulator.DistributedVirtualSwitch, config *types.VMwareDVSConfigInfo) settingRules {
	rules := settingRules{learning: learningSupported(dvs), pvlans: config.PvlanConfig, uplinks: uplinkNames(config)}
	if features := dvs.Capability.FeaturesSupported; features != nil {
		rules.teaming = features.GetDVSFeatureCapability().NicTeamingPolicy
	}
	return rules
}

// check validates the parts of a setting that a spec sets. path is where the
// setting is in the request, with a dot at its end.
func (r settingRules) check(spec *types.VMwareDVSPortSetting, path string) error {
	if err := checkVlan(spec.Vlan, r.pvlans, path+"vlan."); err != nil {
		return err
	}
	if err := r.checkTeaming(spec.UplinkTeamingPolicy, path+"uplinkTeamingPolicy."); err != nil {
		return err
	}
	return checkMacManagement(spec.MacManagementPolicy, r.learning, path+"macManagementPolicy.macLearningPolicy.")
}

// checkTeaming validates a teaming policy.
//
// Documented: VmwareUplinkPortTeamingPolicy.policy is one of the switch's
// nicTeamingPolicy; the order names uplink ports. Inferred: what is not is an
// InvalidArgument.
func (r settingRules) checkTeaming(teaming *types.VmwareUplinkPortTeamingPolicy, path string) error {
	if teaming == nil || teaming.Inherited {
		return nil
	}
	if p := teaming.Policy; p != nil && !p.Inherited && p.Value != "" && !slices.Contains(r.teaming, p.Value) {
		return NewFault(&types.InvalidArgument{InvalidProperty: path + "policy"})
	}
	if order := teaming.UplinkPortOrder; order != nil && !order.Inherited {
		for _, name := range slices.Concat(order.ActiveUplinkPort, order.StandbyUplinkPort) {
			if !slices.Contains(r.uplinks, name) {
				return NewFault(&types.InvalidArgument{InvalidProperty: path + "uplinkPortOrder"})
			}
		}
	}
	return nil
}

// checkMacManagement validates the MAC learning part of a spec and lower-cases
// its limit policy.
//
// Documented: NotSupported when the spec asks for a feature that the switch
// lacks (ReconfigureDVPortgroup_Task); the limit is at most 4096 per port
// (vSphere 8 networking guide). Observed: MacLearn.ps1 sends DROP in capitals
// and vCenter takes it. Inferred: enabled=false is no request for the feature,
// and a bad value is an InvalidArgument that names the path.
func checkMacManagement(policy *types.DVSMacManagementPolicy, supported bool, path string) error {
	if policy == nil || policy.Inherited || policy.MacLearningPolicy == nil || policy.MacLearningPolicy.Inherited {
		return nil
	}
	learning := policy.MacLearningPolicy
	if learning.Enabled && !supported {
		return NewFault(&types.NotSupported{})
	}
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
// Documented: ids 0..4094 on a distributed switch; trunk ranges inside them, which
// may overlap; a private VLAN id is the secondary id of an entry of the switch's
// map. Inferred: a range that ends before it starts is refused, and the fault type.
func checkVlan(vlan types.BaseVmwareDistributedVirtualSwitchVlanSpec, pvlans []types.VMwareDVSPvlanMapEntry, path string) error {
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
		known := slices.ContainsFunc(pvlans, func(e types.VMwareDVSPvlanMapEntry) bool { return e.SecondaryVlanId == v.PvlanId })
		if !v.Inherited && !known {
			return NewFault(&types.InvalidArgument{InvalidProperty: path + "pvlanId"})
		}
	case *types.VmwareDistributedVirtualSwitchVlanSpec:
		if !v.Inherited { // documented: the base of the three above, which says nothing by itself
			return NewFault(&types.InvalidArgument{InvalidProperty: strings.TrimSuffix(path, ".")})
		}
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
