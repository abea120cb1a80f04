package main

import (
	"strconv"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Distributed switches: which calls they answer, and what they are made of.

func registerSwitches(t *Twin) {
	t.Handle("CreateDVS_Task", "Folder", createSwitch)
	for _, kind := range []string{"DistributedVirtualSwitch", "VmwareDistributedVirtualSwitch"} {
		t.Handle("ReconfigureDvs_Task", kind, reconfigureSwitch)
		t.Handle("Destroy_Task", kind, destroySwitch)
		t.Handle("Rename_Task", kind, renameSwitch)
		t.Handle("PerformDvsProductSpecOperation_Task", kind, upgradeSwitch)
		t.Handle("EnableNetworkResourceManagement", kind, enableResourceManagement)
		t.Handle("UpdateDVSHealthCheckConfig_Task", kind, changeHealthChecks)
		t.Handle("ReconfigureDVPort_Task", kind, reconfigurePorts)
		t.HandleMode("FetchDVPorts", kind, Reader, fetchPorts)
		t.HandleMode("FetchDVPortKeys", kind, Reader, fetchPortKeys)
		t.HandleMode("RefreshDVPortState", kind, Reader, refreshPortState)
		t.HandleMode("LookupDvPortGroup", kind, Reader, lookupPortgroup)
		t.HandleMode("QueryUsedVlanIdInDvs", kind, Reader, queryUsedVlans)
	}
	t.HandleMode("QueryDvsFeatureCapability", "", Reader, queryFeatureCapability)
	t.HandleMode("QueryAvailableDvsSpec", "", Reader, queryAvailableSpecs)
	t.HandleMode("QueryDvsByUuid", "", Reader, queryByUUID)
	t.HandleMode("QueryDvsCompatibleHostSpec", "", Reader, queryCompatibleHostSpec)
	t.HandleMode("QueryCompatibleHostForNewDvs", "", Reader, queryHostsForNewSwitch)
	t.HandleMode("QueryCompatibleHostForExistingDvs", "", Reader, queryHostsForSwitch)
	t.HandleMode("QueryDvsCheckCompatibility", "", Reader, queryCompatibility)
	t.HandleMode("DVSManagerLookupDvPortGroup", "", Reader, lookupPortgroupOfSwitch)
}

// switchOf returns a distributed switch.
func switchOf(r *simulator.Registry, ref types.ManagedObjectReference) (*simulator.DistributedVirtualSwitch, error) {
	if dvs, ok := r.Get(ref).(*simulator.DistributedVirtualSwitch); ok {
		return dvs, nil
	}
	return nil, notFound(ref)
}

// objectNotFound is how vCenter words a NotFound.
func objectNotFound() *Fault {
	return Faultf(&types.NotFound{}, "The object or item referred to could not be found.")
}

// switchConfig is the VMware configuration of a switch.
func switchConfig(dvs *simulator.DistributedVirtualSwitch) *types.VMwareDVSConfigInfo {
	if config, ok := dvs.Config.(*types.VMwareDVSConfigInfo); ok {
		return config
	}
	return &types.VMwareDVSConfigInfo{DVSConfigInfo: *dvs.Config.GetDVSConfigInfo()}
}

// switchSetting is the port setting of a switch, where groups inherit from.
func switchSetting(dvs *simulator.DistributedVirtualSwitch) *types.VMwareDVSPortSetting {
	if setting, ok := dvs.Config.GetDVSConfigInfo().DefaultPortConfig.(*types.VMwareDVSPortSetting); ok {
		return setting
	}
	return defaultSwitchSetting()
}

// defaultSwitchSetting is the port setting of a switch that nobody configured:
// untagged, originating-port teaming over all uplinks, no shaping, all security
// flags reject. Observed: the defaults that the client shows for a new switch.
func defaultSwitchSetting(uplinks ...string) *types.VMwareDVSPortSetting {
	mac := defaultMacManagement()
	off := func() *types.BoolPolicy { return boolPolicy(false, types.NewBool(false)) }
	on := func() *types.BoolPolicy { return boolPolicy(false, types.NewBool(true)) }
	shaping := func() *types.DVSTrafficShapingPolicy {
		return &types.DVSTrafficShapingPolicy{
			Enabled: off(), AverageBandwidth: &types.LongPolicy{Value: 100_000_000},
			PeakBandwidth: &types.LongPolicy{Value: 100_000_000}, BurstSize: &types.LongPolicy{Value: 104_857_600},
		}
	}
	return &types.VMwareDVSPortSetting{
		DVPortSetting: types.DVPortSetting{
			Blocked:                 off(),
			VmDirectPathGen2Allowed: off(),
			InShapingPolicy:         shaping(),
			OutShapingPolicy:        shaping(),
			NetworkResourcePoolKey:  &types.StringPolicy{Value: "-1"},
		},
		Vlan:   &types.VmwareDistributedVirtualSwitchVlanIdSpec{},
		QosTag: &types.IntPolicy{Value: -1},
		UplinkTeamingPolicy: &types.VmwareUplinkPortTeamingPolicy{
			Policy:         &types.StringPolicy{Value: "loadbalance_srcid"},
			ReversePolicy:  on(),
			NotifySwitches: on(),
			RollingOrder:   off(),
			FailureCriteria: &types.DVSFailureCriteria{
				CheckSpeed: &types.StringPolicy{Value: "minimum"}, Speed: &types.IntPolicy{Value: 10},
				CheckDuplex: off(), FullDuplex: off(), CheckErrorPercent: off(), Percentage: &types.IntPolicy{}, CheckBeacon: off(),
			},
			UplinkPortOrder: &types.VMwareUplinkPortOrderPolicy{ActiveUplinkPort: uplinks},
		},
		SecurityPolicy:      securityFromMac(mac),
		MacManagementPolicy: mac,
		IpfixEnabled:        off(),
		TxUplink:            off(),
	}
}

// learningSupported tells whether a switch can learn MAC addresses.
//
// Documented: DVSFeatureCapability.macLearningSupported; unset means no.
func learningSupported(dvs *simulator.DistributedVirtualSwitch) bool {
	features := dvs.Capability.FeaturesSupported
	return features != nil && isTrue(features.GetDVSFeatureCapability().MacLearningSupported)
}

// atLeast compares dotted product versions as numbers.
func atLeast(version, floor string) bool {
	have, want := strings.Split(version, "."), strings.Split(floor, ".")
	for i := range want {
		w, _ := strconv.Atoi(want[i])
		h := 0
		if i < len(have) {
			h, _ = strconv.Atoi(have[i])
		}
		if h != w {
			return h > w
		}
	}
	return true
}

// computeOf returns the compute resource of a host.
func computeOf(r *simulator.Registry, ref *types.ManagedObjectReference) *mo.ComputeResource {
	if ref == nil {
		return nil
	}
	switch compute := r.Get(*ref).(type) {
	case *simulator.ClusterComputeResource:
		return &compute.ComputeResource
	case *mo.ComputeResource:
		return compute
	}
	return nil
}
