package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Queries of the DistributedVirtualSwitchManager.

// switchVersions are the product versions a vCenter 8.0.3 offers.
// Observed: the list of terraform-provider-vsphere's switch helper, up to 8.0.3.
var switchVersions = []string{"6.5.0", "6.6.0", "7.0.0", "7.0.2", "7.0.3", "8.0.0", "8.0.3"}

// macLearningSince is the first switch version that learns MAC addresses.
// Documented: vSphere networking guide, "VDS version 6.6.0 and later".
const macLearningSince = "6.6.0"

func switchProduct(version string) *types.DistributedVirtualSwitchProductSpec {
	return &types.DistributedVirtualSwitchProductSpec{
		Name: "DVS", Vendor: "VMware, Inc.", Version: version, ForwardingClass: "etherswitch",
	}
}

// queryFeatureCapability models QueryDvsFeatureCapability.
// Documented: without a spec it speaks of the default for new switches.
func queryFeatureCapability(_ *Call, req any) (any, error) {
	version := switchVersion
	if spec := req.(*types.QueryDvsFeatureCapability).SwitchProductSpec; spec != nil && spec.Version != "" {
		version = spec.Version
	}
	probe := &simulator.DistributedVirtualSwitch{}
	probe.Summary.ProductInfo = switchProduct(version)
	probe.Config = &types.VMwareDVSConfigInfo{}
	setSwitchVersion(probe, version, atLeast(version, macLearningSince))
	return &types.QueryDvsFeatureCapabilityResponse{Returnval: probe.Capability.FeaturesSupported}, nil
}

// queryAvailableSpecs models QueryAvailableDvsSpec. Inferred: only the newest
// version is recommended.
func queryAvailableSpecs(_ *Call, req any) (any, error) {
	recommended := req.(*types.QueryAvailableDvsSpec).Recommended
	res := &types.QueryAvailableDvsSpecResponse{}
	for i, version := range switchVersions {
		newest := i == len(switchVersions)-1
		if recommended == nil || *recommended == newest {
			res.Returnval = append(res.Returnval, *switchProduct(version))
		}
	}
	return res, nil
}

// queryByUUID models QueryDvsByUuid. Documented: NotFound for an unknown UUID.
func queryByUUID(c *Call, req any) (any, error) {
	uuid := req.(*types.QueryDvsByUuid).Uuid
	if dvs := c.Twin.switchByUUID(c.Ctx.Map, uuid); dvs != nil {
		return &types.QueryDvsByUuidResponse{Returnval: &dvs.Self}, nil
	}
	return nil, NewFault(&types.NotFound{})
}

// switchByUUID finds a switch. The index is only a hint: an entry is checked, and
// a miss looks at all switches.
func (t *Twin) switchByUUID(r *simulator.Registry, uuid string) *simulator.DistributedVirtualSwitch {
	if dvs, ok := r.Get(t.inventory.byUUID[uuid]).(*simulator.DistributedVirtualSwitch); ok && dvs.Uuid == uuid {
		return dvs
	}
	for _, obj := range r.AllReference("VmwareDistributedVirtualSwitch") {
		if dvs, ok := obj.(*simulator.DistributedVirtualSwitch); ok && dvs.Uuid == uuid {
			return dvs
		}
	}
	return nil
}
