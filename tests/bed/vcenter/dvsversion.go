package main

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Versions of a switch: what each can do, which hosts it takes, and the way up.

// switchVersions are the product versions a vCenter 8.0.3 offers.
// Observed: the list of terraform-provider-vsphere's switch helper, up to 8.0.3.
var switchVersions = []string{"6.5.0", "6.6.0", "7.0.0", "7.0.2", "7.0.3", "8.0.0", "8.0.3"}

const (
	// macLearningSince is the first switch version that learns MAC addresses.
	// Documented: vSphere networking guide, "VDS version 6.6.0 and later".
	macLearningSince = "6.6.0"
	// nsxSince: documented, VMwareDVSFeatureCapability.nsxSupported.
	nsxSince = "7.0.0"
	// mtuSince: documented, VMwareDVSFeatureCapability.mtuCapability is of 7.0.2.0.
	mtuSince = "7.0.2"
	// mtuMin and mtuMax: observed, the range of the client.
	mtuMin, mtuMax = 1280, 9000
)

func switchProduct(version string) *types.DistributedVirtualSwitchProductSpec {
	return &types.DistributedVirtualSwitchProductSpec{
		Name: "DVS", Vendor: "VMware, Inc.", Version: version, ForwardingClass: "etherswitch",
	}
}

// hostVersionFor is the oldest ESXi that a switch version takes.
//
// Observed: with ESXi 6.7 hosts a switch can be 6.6.0 at most (terraform-provider-
// vsphere issue 1291). Documented: hosts older than the switch cannot be members
// (KB 434420).
func hostVersionFor(version string) string {
	if version == "6.6.0" {
		return "6.7.0"
	}
	return version
}

// compatibleHosts lists the hosts that a switch version takes.
// Documented: DVSCapability.compatibleHostComponentProductInfo, product line and
// version. Inferred: "embeddedEsx", and the releases this vCenter knows.
func compatibleHosts(version string) []types.DistributedVirtualSwitchHostProductSpec {
	var out []types.DistributedVirtualSwitchHostProductSpec
	for _, candidate := range switchVersions {
		if host := hostVersionFor(candidate); atLeast(host, hostVersionFor(version)) {
			out = append(out, types.DistributedVirtualSwitchHostProductSpec{ProductLineId: "embeddedEsx", Version: host})
		}
	}
	return out
}

// tooOldFor refuses a host that is older than a switch version.
//
// Documented: DVSConfigSpec.host, the host version has to be compatible with the
// switch's; DvsOperationBulkFault names hosts and reasons. Inferred: the reason.
func tooOldFor(version string, host *simulator.HostSystem) error {
	if host.Config == nil || atLeast(host.Config.Product.Version, hostVersionFor(version)) {
		return nil
	}
	reason := Faultf(&types.NotSupported{}, "The host %s runs ESXi %s; a distributed switch of version %s needs %s or later.",
		host.Name, host.Config.Product.Version, version, hostVersionFor(version))
	return hostFailed(host, reason)
}

// hostFailed is the fault of an operation on a switch that one of its hosts keeps from
// being carried out. Observed: its words (govmomi issue 3230, community.vmware issue 1989).
func hostFailed(host *simulator.HostSystem, reason *Fault) *Fault {
	return Faultf(&types.DvsOperationBulkFault{HostFault: []types.DvsOperationBulkFaultFaultOnHost{
		{Host: host.Self, Fault: *reason.Localized()},
	}}, "Cannot complete a vSphere Distributed Switch operation for one or more host members.")
}

// setSwitchVersion writes a switch's version and what it can do with it.
//
// Documented: VMwareDVSFeatureCapability, the release that each feature came with.
func setSwitchVersion(dvs *simulator.DistributedVirtualSwitch, version string, macLearning bool) {
	product := *dvs.Summary.ProductInfo
	product.Version = version
	dvs.Summary.ProductInfo = &product
	dvs.Config.GetDVSConfigInfo().ProductInfo = product
	features := &types.VMwareDVSFeatureCapability{
		DVSFeatureCapability: types.DVSFeatureCapability{
			NetworkResourceManagementSupported: true,
			VmDirectPathGen2Supported:          types.NewBool(true),
			NicTeamingPolicy: []string{
				"loadbalance_ip", "loadbalance_srcmac", "loadbalance_srcid", "failover_explicit", "loadbalance_loadbased",
			},
			HealthCheckCapability:  &types.VMwareDVSHealthCheckCapability{VlanMtuSupported: true, TeamingSupported: true},
			NetworkFilterSupported: types.NewBool(true),
			MacLearningSupported:   types.NewBool(macLearning),
		},
		VspanSupported:             types.NewBool(true),
		LldpSupported:              types.NewBool(true),
		IpfixSupported:             types.NewBool(true),
		MulticastSnoopingSupported: types.NewBool(true),
		NsxSupported:               types.NewBool(atLeast(version, nsxSince)),
	}
	if atLeast(version, mtuSince) {
		features.MtuCapability = &types.VMwareDvsMtuCapability{MinMtuSupported: mtuMin, MaxMtuSupported: mtuMax}
	}
	dvs.Capability = types.DVSCapability{
		DvsOperationSupported:              types.NewBool(true),
		DvPortGroupOperationSupported:      types.NewBool(true),
		DvPortOperationSupported:           types.NewBool(true),
		CompatibleHostComponentProductInfo: compatibleHosts(version),
		FeaturesSupported:                  features,
	}
}

// upgradeSwitch models PerformDvsProductSpecOperation_Task.
//
// Documented: only "upgrade" is valid for a VMware switch; an upgrade cannot be
// taken back, and hosts older than the new version cannot stay (KB 434420).
// Inferred: another operation is an InvalidArgument; a version that is not newer,
// or not offered, is a DvsFault; the switch's configVersion counts up.
func upgradeSwitch(c *Call, req any) (any, error) {
	asked := req.(*types.PerformDvsProductSpecOperation_Task)
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		dvs, err := switchOf(tc.Ctx.Map, c.This)
		if err != nil {
			return nil, err
		}
		return nil, tc.upgradeSwitch(dvs, asked.Operation, asked.ProductSpec)
	})
	return &types.PerformDvsProductSpecOperation_TaskResponse{Returnval: ref}, nil
}

func (c *Call) upgradeSwitch(dvs *simulator.DistributedVirtualSwitch, operation string, spec *types.DistributedVirtualSwitchProductSpec) error {
	if operation != string(types.DistributedVirtualSwitchProductSpecOperationTypeUpgrade) {
		return NewFault(&types.InvalidArgument{InvalidProperty: "operation"})
	}
	if spec == nil || spec.Version == "" {
		return NewFault(&types.InvalidArgument{InvalidProperty: "productSpec"})
	}
	if !slices.Contains(switchVersions, spec.Version) {
		return unknownVersion(spec.Version)
	}
	if current := dvs.Summary.ProductInfo.Version; atLeast(current, spec.Version) {
		return Faultf(&types.DvsFault{}, "The distributed switch %s is version %s and cannot be upgraded to %s.", dvs.Name, current, spec.Version)
	}
	for _, ref := range dvs.Summary.HostMember {
		if host, ok := c.Ctx.Map.Get(ref).(*simulator.HostSystem); ok {
			if err := tooOldFor(spec.Version, host); err != nil {
				return err
			}
		}
	}
	next := cloneValue(switchConfig(dvs))
	dvs.Config = next
	setSwitchVersion(dvs, spec.Version, atLeast(spec.Version, macLearningSince))
	for i := range next.Host {
		next.Host[i].ProductInfo = dvs.Summary.ProductInfo
	}
	next.ConfigVersion = nextConfigVersion(next.ConfigVersion)
	c.post(&types.DvsUpgradedEvent{DvsEvent: c.switchEvent(dvs), ProductInfo: *dvs.Summary.ProductInfo})
	c.Twin.Touch(dvs.Self)
	return nil
}

func unknownVersion(version string) *Fault {
	return Faultf(&types.DvsFault{}, "The distributed switch version %s is not supported.", version)
}
