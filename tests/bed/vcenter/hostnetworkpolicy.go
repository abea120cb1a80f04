package main

import (
	"slices"

	"github.com/vmware/govmomi/vim25/types"
)

// Network policies of standard switches and port groups: defaults, validity and
// inheritance.

// teamingPolicies are the values of HostNicTeamingPolicy.policy (documented).
var teamingPolicies = []string{"loadbalance_ip", "loadbalance_srcmac", "loadbalance_srcid", "failover_explicit"}

// defaultSwitchPolicy is the policy of a switch whose spec has none.
//
// Documented: a default is used then, and a switch has a value for every setting.
// The values are observed: the network configuration of an ESXi host that govmomi's
// simulator carries; that MAC changes and forged transmits are accepted and
// promiscuous mode is not is also in the product documentation.
func defaultSwitchPolicy(uplinks []string) *types.HostNetworkPolicy {
	yes, no := types.NewBool(true), types.NewBool(false)
	return cloneValue(&types.HostNetworkPolicy{
		Security: &types.HostNetworkSecurityPolicy{AllowPromiscuous: no, MacChanges: yes, ForgedTransmits: yes},
		NicTeaming: &types.HostNicTeamingPolicy{
			Policy: "loadbalance_srcid", ReversePolicy: yes, NotifySwitches: yes, RollingOrder: no,
			FailureCriteria: &types.HostNicFailureCriteria{
				CheckSpeed: "minimum", Speed: 10, CheckDuplex: no, FullDuplex: no, CheckErrorPercent: no, CheckBeacon: no,
			},
			NicOrder: &types.HostNicOrderPolicy{ActiveNic: uplinks},
		},
		OffloadPolicy: &types.HostNetOffloadCapabilities{CsumOffload: yes, TcpSegmentation: yes, ZeroCopyXmit: yes},
		ShapingPolicy: &types.HostNetworkTrafficShapingPolicy{Enabled: no},
	})
}

// inheritPolicy is the effective policy of a port group.
//
// Documented (HostNetworkPolicy): every individual setting that is not set on the
// port group is inherited from its switch. NicOrder is one setting: where it is set,
// an empty list means that there is no such adapter.
func inheritPolicy(parent, own *types.HostNetworkPolicy) types.HostNetworkPolicy {
	out := cloneValue(*parent)
	mergeSet(&out, own)
	if own.NicTeaming != nil && own.NicTeaming.NicOrder != nil {
		out.NicTeaming.NicOrder = cloneValue(own.NicTeaming.NicOrder)
	}
	return out
}

// switchPolicy is the policy of a switch after an update.
//
// Documented: an unset policy is unchanged, and a NicOrder that is unset gets the
// server's default. Inferred: other members that are unset keep their values, since
// a switch has one for every setting.
func switchPolicy(current, asked *types.HostNetworkPolicy, uplinks []string) *types.HostNetworkPolicy {
	out := cloneValue(current)
	if asked == nil {
		return out
	}
	merged := inheritPolicy(current, asked)
	if asked.NicTeaming != nil && asked.NicTeaming.NicOrder == nil {
		merged.NicTeaming.NicOrder = &types.HostNicOrderPolicy{ActiveNic: slices.Clone(uplinks)}
	}
	return &merged
}

// dropUplinks removes adapters that a switch does not have from a teaming order.
// Documented (UpdateVirtualSwitch): an adapter that leaves the bridge leaves the
// teaming order too.
func dropUplinks(policy *types.HostNetworkPolicy, uplinks []string) {
	if policy == nil || policy.NicTeaming == nil || policy.NicTeaming.NicOrder == nil {
		return
	}
	gone := func(nic string) bool { return !slices.Contains(uplinks, nic) }
	order := cloneValue(policy.NicTeaming.NicOrder)
	order.ActiveNic = slices.DeleteFunc(order.ActiveNic, gone)
	order.StandbyNic = slices.DeleteFunc(order.StandbyNic, gone)
	policy.NicTeaming.NicOrder = order
}

// checkPolicy validates the policy of a switch or port group against the bridge it
// will use. Documented: InvalidArgument for an invalid policy; an adapter is in the
// active list, the standby list or neither; checkBeacon needs a beacon.
func checkPolicy(policy *types.HostNetworkPolicy, base types.BaseHostVirtualSwitchBridge, property string) error {
	if policy == nil {
		return nil
	}
	if shaping := policy.ShapingPolicy; shaping != nil &&
		(shaping.AverageBandwidth < 0 || shaping.PeakBandwidth < 0 || shaping.BurstSize < 0) {
		return invalidArgument(property + ".shapingPolicy")
	}
	teaming := policy.NicTeaming
	if teaming == nil {
		return nil
	}
	if teaming.Policy != "" && !slices.Contains(teamingPolicies, teaming.Policy) {
		return invalidArgument(property + ".nicTeaming.policy")
	}
	bond, _ := base.(*types.HostVirtualSwitchBondBridge)
	if criteria := teaming.FailureCriteria; criteria != nil && isTrue(criteria.CheckBeacon) && (bond == nil || bond.Beacon == nil) {
		return invalidArgument(property + ".nicTeaming.failureCriteria.checkBeacon")
	}
	if teaming.NicOrder == nil {
		return nil
	}
	seen := map[string]bool{}
	for _, nic := range slices.Concat(teaming.NicOrder.ActiveNic, teaming.NicOrder.StandbyNic) {
		if bond == nil || !slices.Contains(bond.NicDevice, nic) || seen[nic] {
			return invalidArgument(property + ".nicTeaming.nicOrder")
		}
		seen[nic] = true
	}
	return nil
}
