package main

import "github.com/vmware/govmomi/vim25/types"

// fillSwitchDefaults models what a switch has that nobody configured.
//
// Observed: the sample of community.vmware's vmware_dvswitch_info, taken from a real
// switch: Cisco discovery that listens, legacy multicast filtering, an unused NetFlow
// collector, a contact without a name, both health checks present and off, and I/O
// control on. Clients read these without asking whether they are set.
func fillSwitchDefaults(config *types.VMwareDVSConfigInfo) {
	if config.LinkDiscoveryProtocolConfig == nil {
		config.LinkDiscoveryProtocolConfig = &types.LinkDiscoveryProtocolConfig{
			Protocol:  string(types.LinkDiscoveryProtocolConfigProtocolTypeCdp),
			Operation: string(types.LinkDiscoveryProtocolConfigOperationTypeListen),
		}
	}
	if config.MulticastFilteringMode == "" {
		config.MulticastFilteringMode = string(types.VMwareDvsMulticastFilteringModeLegacyFiltering)
	}
	if config.IpfixConfig == nil {
		config.IpfixConfig = &types.VMwareIpfixConfig{ActiveFlowTimeout: 60, IdleFlowTimeout: 15}
	}
	if config.HealthCheckConfig == nil {
		off := types.DVSHealthCheckConfig{Enable: types.NewBool(false)}
		config.HealthCheckConfig = []types.BaseDVSHealthCheckConfig{
			&types.VMwareDVSVlanMtuHealthCheckConfig{VMwareDVSHealthCheckConfig: types.VMwareDVSHealthCheckConfig{DVSHealthCheckConfig: off}},
			&types.VMwareDVSTeamingHealthCheckConfig{VMwareDVSHealthCheckConfig: types.VMwareDVSHealthCheckConfig{DVSHealthCheckConfig: off}},
		}
	}
	config.NetworkResourceManagementEnabled = true
}
