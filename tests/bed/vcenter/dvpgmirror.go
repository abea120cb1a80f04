package main

import "github.com/vmware/govmomi/vim25/types"

// mirrorSecurity keeps the deprecated securityPolicy and macManagementPolicy
// telling the same story after a merge.
//
// Observed: both are returned since 6.7, and rewriting one flips the other's
// `inherited` (community.vmware issue 1873). Inferred: a write to either sets
// the three shared flags and `inherited` of both; when a spec carries both,
// macManagementPolicy wins, since the reference tells clients to prefer it.
func mirrorSecurity(merged, spec, parent *types.VMwareDVSPortSetting) {
	switch {
	case spec.MacManagementPolicy != nil:
		merged.SecurityPolicy = securityFromMac(merged.MacManagementPolicy)
	case spec.SecurityPolicy != nil:
		merged.MacManagementPolicy = macFromSecurity(merged, parent)
	case merged.MacManagementPolicy != nil && merged.SecurityPolicy == nil:
		merged.SecurityPolicy = securityFromMac(merged.MacManagementPolicy)
	}
}

func securityFromMac(mac *types.DVSMacManagementPolicy) *types.DVSSecurityPolicy {
	return &types.DVSSecurityPolicy{
		InheritablePolicy: mac.InheritablePolicy,
		AllowPromiscuous:  boolPolicy(mac.Inherited, mac.AllowPromiscuous),
		MacChanges:        boolPolicy(mac.Inherited, mac.MacChanges),
		ForgedTransmits:   boolPolicy(mac.Inherited, mac.ForgedTransmits),
	}
}

func macFromSecurity(merged, parent *types.VMwareDVSPortSetting) *types.DVSMacManagementPolicy {
	security := merged.SecurityPolicy
	if security.Inherited && parent.MacManagementPolicy != nil {
		return inheritedSetting(parent).MacManagementPolicy
	}
	mac := defaultMacManagement()
	if merged.MacManagementPolicy != nil {
		mac = cloneValue(merged.MacManagementPolicy)
	}
	mac.Inherited = security.Inherited
	takeFlag(&mac.AllowPromiscuous, security.AllowPromiscuous)
	takeFlag(&mac.MacChanges, security.MacChanges)
	takeFlag(&mac.ForgedTransmits, security.ForgedTransmits)
	if mac.MacLearningPolicy != nil && !mac.Inherited {
		mac.MacLearningPolicy.Inherited = false
	}
	return mac
}

func boolPolicy(inherited bool, value *bool) *types.BoolPolicy {
	return &types.BoolPolicy{
		InheritablePolicy: types.InheritablePolicy{Inherited: inherited},
		Value:             cloneValue(value),
	}
}

func takeFlag(dst **bool, src *types.BoolPolicy) {
	if src != nil && src.Value != nil {
		*dst = cloneValue(src.Value)
	}
}
